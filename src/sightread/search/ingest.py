"""Index folders: follow what changed, read what is new, forget what vanished.

One thread walks ahead, worker threads read and encode (`pipeline`), and the thread that called
`ingest` collects what they found and writes it (`batch`). A run can be ended at any moment: the
next one sees by stamps and content hashes what is done, and goes on.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sightread.errors import LibraryError, UsageError
from sightread.images import MAX_PIXELS
from sightread.interrupt import Interrupt
from sightread.protocols import Reader, Store
from sightread.search.backlog import Backlog
from sightread.search.batch import Batch
from sightread.search.encoding import (
    Encoding,
    Source,
    finish_region_space,
    open_region_space,
)
from sightread.search.known import Claims, KnownPaths
from sightread.search.ledger import Ledger
from sightread.search.missing import Walked, clear_vanished_failures, forget_missing
from sightread.search.pipeline import (
    Encoded,
    Failed,
    Gone,
    Outcome,
    Read,
    Same,
    Stopped,
    Workers,
)
from sightread.search.progress import Counts, IndexProgress, IndexReport, Pace, ProgressCallback
from sightread.search.scout import Scout
from sightread.types import Compare, Not, PictureId, PictureRecord, RegionRecord

__all__ = ["IndexOptions", "IndexProgress", "IndexReport", "ingest"]

_COMMIT_S = 10.0
_TICK_S = 0.1


@dataclass(frozen=True, slots=True)
class IndexOptions:
    """How to index.

    Args:
        exclude: patterns of names and paths to leave out, see `walk`.
        keep_missing: keep pictures whose files are gone.
        reread: read pictures again that another reader (or other settings) has read.
        reencode: let an encoder take the place of another revision in its space.
        workers: threads that read; None: one per processor that this process may use.
        max_pixels: larger pictures are refused.
        retry_failed: try files again that failed before and have not changed.
        within: folders without links in their paths: what lies elsewhere is not opened, whatever
            links lead there. Nowhere in particular if there are none.
    """

    exclude: tuple[str, ...] = ()
    keep_missing: bool = False
    reread: bool = False
    reencode: bool = False
    workers: int | None = None
    max_pixels: int = MAX_PIXELS
    retry_failed: bool = False
    within: tuple[str, ...] = ()


def ingest(
    store: Store,
    reader: Reader,
    ledger: Ledger,
    folders: Sequence[str],
    options: IndexOptions | None = None,
    progress: ProgressCallback | None = None,
    encoders: Sequence[Source] = (),
) -> IndexReport:
    """Bring the library up to date with the folders. Only paths in these folders are touched.

    Pictures that lack a vector by one of the encoders get it, those whose words are known without
    being read again. One that cannot be encoded keeps its words; its file goes to the ledger.

    The first Ctrl-C (or SIGTERM, or KeyboardInterrupt from `progress`) ends the run in good order:
    pictures being read are finished and written. The second one raises KeyboardInterrupt at once.

    Args:
        store: open for writing.
        progress: called from this thread, at most five times a second and once at the end.
        encoders: one for each space.

    Raises:
        UsageError: a folder is not there, or an option has no meaning.
        LibraryError: the library cannot be written, was read by another reader, or has vectors of
            another revision of an encoder.
    """
    options = options or IndexOptions()
    if options.workers is not None and options.workers < 1:
        raise UsageError(f"workers is {options.workers}: at least 1 is needed")
    roots = _roots(folders)
    known = KnownPaths(store.stamps())
    stale = other_reader(store, reader.spec.revision, known.pictures())
    if len(stale) and not options.reread:
        raise LibraryError(_mixed(store, stale, reader.spec.revision))
    open_region_space(store, reader.spec)
    encoding = Encoding(store, encoders, options.reencode)
    job = _Job(store, reader, encoding, ledger, options, progress or _silent)
    with Interrupt() as interrupt:
        return _Run(job, known, stale, roots, interrupt).run()


def other_reader(store: Store, revision: str, present: NDArray[np.int64]) -> NDArray[np.int64]:
    """Pictures that a reader of another revision has read, ascending.

    Args:
        present: pictures that have a path. One that is kept without its file cannot be read
            again, and stands in nobody's way.
    """
    return np.intersect1d(store.ids(Not(Compare("reader", "eq", revision))), present)


def _roots(folders: Sequence[str]) -> list[str]:
    if not folders:
        raise UsageError("No folder to index was given: name at least one.")
    for folder in folders:
        if not os.path.lexists(folder):
            raise UsageError(
                f"There is no folder {folder}: nothing was changed; check its name, and whether "
                "its disk is mounted."
            )
    return list(dict.fromkeys(os.path.abspath(folder) for folder in folders))


def _mixed(store: Store, stale: NDArray[np.int64], revision: str) -> str:
    [record] = store.get([int(stale[0])], regions=False)
    return (
        f"The library holds {len(stale)} pictures read with reader revision {record.reader}, and "
        f"this run would read with {revision}, which must not be mixed: add --reread to read them "
        "again, name the reader that read them with --reader, or index into another library."
    )


def _silent(progress: IndexProgress) -> None:
    del progress


@dataclass(frozen=True, slots=True)
class _Job:
    """What a run works with."""

    store: Store
    reader: Reader
    encoding: Encoding
    ledger: Ledger
    options: IndexOptions
    progress: ProgressCallback


class _Run:
    """One run, for the thread that calls `run`."""

    def __init__(
        self,
        job: _Job,
        known: KnownPaths,
        stale: NDArray[np.int64],
        roots: Sequence[str],
        interrupt: Interrupt,
    ) -> None:
        options = job.options
        self._job = job
        self._known = known
        self._stale = stale
        self._interrupt = interrupt
        encoding = job.encoding
        self._batch = Batch(job.store, job.ledger, known, encoding.reading())
        self._claims = Claims(np.setdiff1d(job.store.ids(), stale), encoding.encoded)
        due = np.union1d(stale, encoding.lacking(known.pictures()))
        failed = {
            failure.path: None if options.retry_failed else failure.stamp
            for failure in job.ledger.failures()
        }
        backlog = Backlog()
        self._scout = Scout(roots, options.exclude, known, due, failed, backlog, options.within)
        count = options.workers or len(os.sched_getaffinity(0))
        self._workers = Workers(
            backlog,
            self._claims,
            job.reader,
            encoding.encoders,
            count=count,
            max_pixels=options.max_pixels,
            within=options.within,
            regions_of=self._regions_of,
        )
        self._twins: dict[PictureId, list[Same]] = {}
        self._unreadable: dict[PictureId, str] = {}
        self._unencoded: dict[PictureId, str] = {}
        self._counts = Counts()
        self._pace = Pace()
        self._saved = 0
        self._committed_at = time.monotonic()
        self._current = ""

    def run(self) -> IndexReport:
        started = (time.monotonic(), time.process_time())
        self._scout.start()
        self._workers.start()
        try:
            self._collect()
        except KeyboardInterrupt:
            self._scout.stop()
            raise  # the second one: whoever presses again does not want to wait
        except BaseException:
            self._scout.stop()
            self._workers.drain()
            raise
        self._commit()
        if self._scout.error is not None:
            raise self._scout.error
        interrupted = not self._scout.finished or self._interrupt.requested
        warnings = [] if interrupted else self._clean()
        self._report(0.0)
        return self._summary(started, interrupted, warnings)

    def _collect(self) -> None:
        while self._workers.running:
            try:
                self._step()
            except KeyboardInterrupt:
                self._interrupt.request()

    def _step(self) -> None:
        event = self._workers.next_event(_TICK_S)
        if isinstance(event, Stopped):
            if event.error is not None:
                raise event.error
        elif event is not None:
            self._take(event)
        if self._interrupt.requested:
            self._scout.stop()
        if self._batch.full or time.monotonic() - self._committed_at > _COMMIT_S:
            self._commit()
        if self._pace.due():
            self._report(self._pace.sample(self._counts.handled))

    def _take(self, outcome: Outcome) -> None:
        counts, batch = self._counts, self._batch
        if isinstance(outcome, Gone):
            self._known.miss(outcome.path)
            counts.gone += 1
            return
        self._current = outcome.stamp.path
        if isinstance(outcome, Read):
            batch.add_record(outcome.stamp, outcome.record)
            counts.reduced += self._is_reduced(outcome.record)
            self._settle(outcome.record.id, outcome)
        elif isinstance(outcome, Encoded):
            batch.add_vectors(outcome.stamp, outcome.picture, outcome.sha256, outcome.embeddings)
            self._settle(outcome.picture, outcome)
        elif isinstance(outcome, Failed):
            batch.add_failure(outcome.stamp, outcome.reason)
            counts.failed += 1
            if outcome.picture is not None:
                self._unreadable[outcome.picture] = outcome.reason
                self._take_twins(outcome.picture)
        elif self._claims.is_known(outcome.picture):
            batch.add_path(outcome.stamp, outcome.picture, outcome.sha256)
            self._count_copy(outcome)
        elif outcome.picture in self._unreadable:
            self._take(Failed(outcome.stamp, self._unreadable[outcome.picture]))
        else:  # still being read
            self._twins.setdefault(outcome.picture, []).append(outcome)

    def _settle(self, picture: PictureId, outcome: Read | Encoded) -> None:
        if outcome.unencoded:
            self._unencoded[picture] = outcome.unencoded
            self._batch.note(outcome.stamp, outcome.unencoded)
            self._counts.failed += 1
        elif isinstance(outcome, Read):
            self._counts.new += 1
        else:
            self._counts.encoded += 1
        self._claims.settle(picture)
        self._take_twins(picture)

    def _is_reduced(self, record: PictureRecord) -> bool:
        limit = self._job.reader.spec.side_limit_px
        return limit is not None and max(record.width, record.height) > limit

    def _count_copy(self, copy: Same) -> None:
        if copy.picture in self._unencoded:
            self._batch.note(copy.stamp, self._unencoded[copy.picture])
            self._counts.failed += 1
        elif (
            not self._claims.needs_reading(copy.picture)
            and self._known.meet(copy.stamp) == copy.picture
        ):
            self._counts.copies += 1
        else:
            self._counts.known_content += 1

    def _take_twins(self, picture: PictureId) -> None:
        for twin in self._twins.pop(picture, ()):
            self._take(twin)

    def _commit(self) -> None:
        self._saved += self._batch.commit()
        self._committed_at = time.monotonic()

    def _clean(self) -> list[str]:
        job = self._job
        walked = Walked(self._scout.met, self._scout.unreadable)
        cleaning = forget_missing(job.store, self._known, walked, job.options.keep_missing)
        self._counts.forgotten = cleaning.forgotten
        clear_vanished_failures(job.ledger, walked, self._scout.unmet_failures)
        warnings = job.encoding.finish(job.ledger)
        finish_region_space(job.store, job.reader.spec)
        job.store.maintain()
        return cleaning.warnings + self._left_over() + warnings

    def _left_over(self) -> list[str]:
        if not len(self._stale):
            return []
        store = self._job.store
        present = np.unique([picture for _, picture in store.stamps()])
        left = other_reader(store, self._job.reader.spec.revision, present)
        if not len(left):
            return []
        [record] = store.get([int(left[0])], regions=False)
        return [
            f"{len(left)} pictures were not read again, such as {record.stamps[0].path}: index "
            "their folders with --reread too, or, if the files are gone, run `sightread forget "
            "--missing`."
        ]

    def _regions_of(self, picture: PictureId) -> Sequence[RegionRecord]:
        """What was read in a picture when it was read; called in the workers' threads."""
        return [region for one in self._job.store.get([picture]) for region in one.regions]

    def _report(self, files_per_s: float) -> None:
        counts, scout = self._counts, self._scout
        left = scout.pending - counts.handled
        self._job.progress(
            IndexProgress(
                seen=scout.seen,
                walked=scout.finished,
                done=scout.unchanged + scout.failed_before + counts.handled,
                new=counts.new,
                unchanged=scout.unchanged + counts.copies,
                known_content=counts.known_content,
                failed=scout.failed_before + counts.failed,
                forgotten=counts.forgotten,
                saved=scout.unchanged + scout.failed_before + self._saved,
                pictures_per_s=files_per_s,
                seconds_left=left / files_per_s if scout.finished and files_per_s > 0 else None,
                current=self._current,
                stopping=self._interrupt.requested,
                encoded=counts.encoded,
            )
        )

    def _summary(
        self, started: tuple[float, float], interrupted: bool, warnings: Sequence[str]
    ) -> IndexReport:
        counts, scout, times = self._counts, self._scout, self._workers.times
        seconds = time.monotonic() - started[0]
        return IndexReport(
            seen=scout.seen,
            done=scout.unchanged + scout.failed_before + counts.handled,
            new=counts.new,
            unchanged=scout.unchanged + counts.copies,
            known_content=counts.known_content,
            failed=scout.failed_before + counts.failed,
            forgotten=counts.forgotten,
            pictures_per_s=counts.handled / seconds if seconds > 0 else 0.0,
            seconds=seconds,
            interrupted=interrupted,
            warnings=tuple(warnings),
            reader_s=times.reader_s,
            reader_cpu_s=times.reader_cpu_s,
            worker_cpu_s=times.worker_cpu_s,
            cpu_s=time.process_time() - started[1],
            encoded=counts.encoded,
            encoder_s=times.encoder_s,
            reduced=counts.reduced,
            read_px=self._job.reader.spec.side_limit_px or 0,
        )
