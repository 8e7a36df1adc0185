"""A library in a folder, kept by LanceDB.

    library.json      which versions of the tables are committed (manifest.py)
    writer.lock       held by the one writer (lock.py)
    vocabulary.arrow  the distinct words, a copy (vocabulary.py)
    tables/           pictures.lance, regions.lance, and vectors-N.lance for each maker of vectors

A picture is one row of `pictures`, each of its words one row of `regions`, its vector by an
encoder one row of the table of that encoder, and the vector of a word by a reader's model one row
of the table of that model. `LanceStore` puts the two sides together: `Snapshot`
reads what is committed, `Writer` prepares the next commit.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from sightread.errors import LibraryError
from sightread.regions import Owner, RegionHits, RegionSpaceInfo
from sightread.store.durable import folder_bytes, sync_folder
from sightread.store.failures import FAILURES, as_library_error, library_error
from sightread.store.filters import check
from sightread.store.lock import LOCK_NAME, WriterLock
from sightread.store.manifest import (
    MANIFEST_NAME,
    Manifest,
    manifest_stamp,
    read_manifest,
    write_manifest,
)
from sightread.store.regions import Wanted
from sightread.store.snapshot import Snapshot
from sightread.store.tables import TABLES_NAME, Tables
from sightread.store.vectors import Matrices
from sightread.store.vocabulary import VOCABULARY_NAME
from sightread.store.writer import Writer
from sightread.types import (
    EncoderSpec,
    Filter,
    ImageEmbedding,
    PathStamp,
    PictureId,
    PictureRecord,
    SpaceInfo,
    StoreInfo,
    VectorHits,
    Vectors,
    Vocabulary,
    WordHits,
)

_Result = TypeVar("_Result")
_OURS = (TABLES_NAME, LOCK_NAME, MANIFEST_NAME, VOCABULARY_NAME, "ledger.sqlite", "indexing.json")


class LanceStore:
    """The `Store` protocol over a library folder.

    Reading calls see what was committed at the last `refresh` (or, for the writer itself, at its
    last flush): what is only `put` is not seen by anyone. They may come from several threads.
    Writing calls collect their changes in memory; `flush` commits them, and so does a writing
    call when much has collected. A flush that fails changes nothing and can be repeated.
    """

    def __init__(self, folder: Path, *, write: bool, create: bool) -> None:
        self._folder = folder
        self._lock = threading.RLock()
        self._writer: Writer | None = None
        if write:
            with as_library_error(folder, "written to"):
                self._writer = _open_writer(folder, create)
        with as_library_error(folder, "read"):
            self._stamp = manifest_stamp(folder)
            manifest = self._writer.manifest if self._writer else read_manifest(folder)
            self._tables = self._writer.connection if self._writer else Tables(folder)
            self._matrices = Matrices()
            self._snapshot = Snapshot(self._tables, manifest, matrices=self._matrices)
        self._vocabulary: tuple[int, Vocabulary] | None = None

    # --- writing ---------------------------------------------------------------------------

    def put(self, pictures: Sequence[PictureRecord]) -> None:
        """Add pictures, or replace them whole."""
        self._write(lambda writer: writer.put(pictures))

    def set_stamps(self, stamps: Mapping[PictureId, Sequence[PathStamp]]) -> None:
        """Replace the paths of known pictures; unknown ids are left alone."""
        self._write(lambda writer: writer.set_stamps(stamps))

    def open_space(
        self,
        spec: EncoderSpec,
        folder: str = "",
        *,
        replace: bool = False,
        of: Owner = "pictures",
    ) -> None:
        """Let vectors in `spec.space` come from the encoder (or, for those of regions, from the
        reader's model) `spec`, found in `folder`. Flushes, and is committed at once.

        Args:
            replace: let them follow vectors of another revision, which serve until
                `switch_space`. Others that were gathered to follow them are dropped.

        Raises:
            LibraryError: the space holds another revision, and `replace` was not said.
        """
        self._write(lambda writer: writer.open_space(spec, folder, replace, of))

    def switch_space(self, space: str, of: Owner = "pictures") -> None:
        """Let the vectors that were gathered beside the old ones serve in their place. Flushes,
        and is committed at once; does nothing if there are none."""
        self._write(lambda writer: writer.switch_space(space, of))

    def drop_space(self, space: str) -> bool:
        """Remove all vectors of pictures in a space, those that serve and those that were to
        follow; whether there were any. Flushes, and is committed at once; readers that still have
        the old version keep it for some minutes, then its files go with the next maintenance."""
        return self._write(lambda writer: writer.drop_space(space))

    def set_embeddings(
        self, space: str, embeddings: Mapping[PictureId, ImageEmbedding | None]
    ) -> None:
        """Add, replace or (None) remove vectors of known pictures; unknown ids are left alone."""
        self._write(lambda writer: writer.set_embeddings(space, embeddings))

    def forget(self, ids: Sequence[PictureId]) -> int:
        """Remove pictures with all they hold; returns how many were there."""
        return self._write(lambda writer: writer.forget(ids))

    def flush(self) -> None:
        """Commit: returns when all that was written would survive a crash of the machine."""
        self._write(lambda writer: writer.flush())

    def maintain(self) -> None:
        """Flush, merge small fragments, index what is new, drop old versions, as far as each
        pays. Flushing does this by itself now and then; call it at the end of a run."""
        self._write(lambda writer: writer.maintain())

    def close(self) -> None:
        """Give up the writer's lock. What was not flushed is lost."""
        with self._lock:
            if self._writer is not None:
                self._writer.close()
                self._writer = None

    # --- reading ---------------------------------------------------------------------------

    def refresh(self) -> int:
        """See what was flushed since; costs one `stat` if nothing was. Returns the number of the
        commit now seen; it changes with the content, not with maintenance."""
        with self._lock, as_library_error(self._folder, "read"):
            stamp = manifest_stamp(self._folder)
            if stamp != self._stamp:
                self._show(read_manifest(self._folder))
                self._stamp = stamp
            return self._snapshot.manifest.commit

    def info(self) -> StoreInfo:
        """What the library holds, and how much room it takes."""
        return self._read(lambda snapshot: snapshot.info(folder_bytes(self._folder)))

    def spaces(self) -> tuple[SpaceInfo, ...]:
        """The spaces of the vectors of pictures, by name; of two revisions the serving one
        first."""
        return self._read(lambda snapshot: snapshot.spaces())

    def region_spaces(self) -> tuple[RegionSpaceInfo, ...]:
        """The same of the vectors of regions."""
        return self._read(lambda snapshot: snapshot.region_spaces())

    def encoded(self, space: str, revision: str) -> NDArray[np.int64]:
        """Ids of the pictures with a vector of this revision, serving or not yet, ascending."""
        return self._read(lambda snapshot: snapshot.encoded(space, revision))

    def count(self, where: Filter | None = None) -> int:
        """How many pictures fit."""
        return self._read(lambda snapshot: snapshot.count(where), where)

    def ids(self, where: Filter | None = None) -> NDArray[np.int64]:
        """Ids of the pictures that fit, ascending."""
        return self._read(lambda snapshot: snapshot.ids(where), where)

    def dates(self, ids: NDArray[np.int64]) -> NDArray[np.float64]:
        """(n,): when each of the pictures was taken; NaN where that, or the picture, is not
        known."""
        return self._read(lambda snapshot: snapshot.dates(ids))

    def newest(self, ids: NDArray[np.int64]) -> NDArray[np.int64]:
        """The pictures as they were taken, the newest first; those without a date last."""
        return self._read(lambda snapshot: snapshot.newest(ids))

    def get(
        self, ids: Sequence[PictureId], *, regions: bool = True, embeddings: bool = False
    ) -> list[PictureRecord]:
        """Known pictures among `ids`, in the order of `ids`; without `regions` cheaper, with the
        serving vectors if asked for."""
        return self._read(lambda snapshot: snapshot.get(ids, regions, embeddings))

    def stamps(self) -> Iterator[tuple[PathStamp, PictureId]]:
        """All paths with the pictures they hold."""
        return self._read(lambda snapshot: snapshot.stamps())

    def vocabulary(self) -> Vocabulary:
        """All distinct tokens, sorted, and in how many regions each occurs. Kept per commit."""
        known = self._vocabulary
        if known is None or known[0] != self._snapshot.manifest.commit:
            known = self._read(lambda s: (s.manifest.commit, s.vocabulary()))
            self._vocabulary = known
        return known[1]

    def search_words(
        self, tokens: Sequence[str], where: Filter | None = None, *, boxes: bool = False
    ) -> WordHits:
        """Every occurrence of any of the tokens in the pictures that fit."""
        return self._read(lambda snapshot: snapshot.search_words(tokens, where, boxes), where)

    def search_vectors(
        self, space: str, queries: Vectors, k: int, where: Filter | None = None
    ) -> list[VectorHits]:
        """For each query the k pictures that fit and score best, exactly.

        Args:
            queries: (n, D) unit rows.

        Raises:
            LibraryError: there is no such space, or it has other dimensions.
        """
        if k < 1:
            raise ValueError(f"k is {k}; it must be at least 1")
        return self._read(lambda s: s.search_vectors(space, queries, k, where), where)

    def search_regions(
        self,
        space: str,
        queries: Vectors,
        k: int,
        where: Filter | None = None,
        *,
        least: float = -1.0,
        read: bool = False,
    ) -> list[RegionHits]:
        """For each query the best region of each of the k pictures that fit and score best.

        Args:
            queries: (n, D) unit rows.
            least: pictures that score less are not wanted; the higher, the faster.
            read: with what was read in the regions, their lines and boxes.

        Raises:
            LibraryError: there is no such space, or it has other dimensions.
        """
        if k < 1:
            raise ValueError(f"k is {k}; it must be at least 1")
        return self._read(
            lambda s: s.search_regions(space, queries, Wanted(k, None, least), where, read), where
        )

    # --- within ----------------------------------------------------------------------------

    def _write(self, work: Callable[[Writer], _Result]) -> _Result:
        with self._lock:
            if self._writer is None:
                raise LibraryError(f"The library at {self._folder} is open for reading only.")
            with as_library_error(self._folder, "written to"):
                try:
                    return work(self._writer)
                finally:
                    if self._writer.manifest != self._snapshot.manifest:
                        self._show(self._writer.manifest)

    def _read(self, work: Callable[[Snapshot], _Result], where: Filter | None = None) -> _Result:
        if where is not None:
            check(where)
        snapshot = self._snapshot
        try:
            return work(snapshot)
        except FAILURES as error:
            # Files of versions replaced long ago are removed; a reader that slept so long looks
            # again. If there is nothing newer, the failure is real.
            self.refresh()
            if self._snapshot is snapshot:
                raise library_error(error, self._folder, "read") from error
        with as_library_error(self._folder, "read"):
            return work(self._snapshot)

    def _show(self, manifest: Manifest) -> None:
        same = manifest.commit == self._snapshot.manifest.commit
        columns = self._snapshot.columns if same else None
        self._matrices.keep(manifest.tables)
        self._snapshot = Snapshot(self._tables, manifest, columns, self._matrices)


def _open_writer(folder: Path, create: bool) -> Writer:
    if not (folder / MANIFEST_NAME).exists():
        if not create:
            manifest_stamp(folder)  # says that there is no library
        _check_is_free(folder)
        folder.mkdir(parents=True, exist_ok=True)
    lock = WriterLock(folder)
    try:
        tables = Tables(folder)
        if not (folder / MANIFEST_NAME).exists():
            write_manifest(folder, Manifest(tables=tables.create(), created=time.time()))
            sync_folder(folder.parent)
        return Writer(folder, tables, lock)
    except BaseException:
        lock.release()
        raise


def _check_is_free(folder: Path) -> None:
    if folder.exists() and not folder.is_dir():
        raise LibraryError(f"{folder} is a file, not a folder: choose another place for a library.")
    names = os.listdir(folder) if folder.exists() else []
    foreign = sorted(name for name in names if not name.startswith(_OURS))
    if foreign:
        raise LibraryError(
            f"{folder} is not empty and not a library (it holds {foreign[0]!r}): choose a new or "
            "empty folder for the library."
        )
