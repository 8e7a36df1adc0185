"""Worker threads that turn files into records: read, hash, decode, read the words, encode.

How much memory is in use at once is bounded twice: each worker holds one file, and the pictures
that are being decoded share a budget of pixels, so that a 100-megapixel scan is decoded while no
other large one is. What waits to be written are records of a few kilobytes, and not many of them.
"""

from __future__ import annotations

import os
import queue
import stat
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from sightread import images
from sightread.errors import PictureError
from sightread.protocols import DualEncoder, Reader, ReadingEncoder
from sightread.search.backlog import Backlog
from sightread.search.encoding import checked_words, encode
from sightread.search.known import Claims
from sightread.search.records import picture_record, words_of, written_regions
from sightread.search.walk import LEADS_OUT, is_within
from sightread.types import (
    ImageEmbedding,
    PathStamp,
    Picture,
    PictureId,
    PictureRecord,
    RegionRecord,
    WordRegion,
)

DECODING_PIXELS = 64_000_000
"""Pixels that all workers together decode at once (at up to 4 bytes while decoding). One picture
with more than that is decoded alone."""

_WAITING = 256
_REASON_LIMIT = 500


@dataclass(frozen=True, slots=True)
class Read:
    """A file with new content, and the record of that content. `unencoded` says why it lacks a
    vector that it should have."""

    stamp: PathStamp
    record: PictureRecord
    unencoded: str = ""


@dataclass(frozen=True, slots=True)
class Encoded:
    """A file with content whose words are known, and the vectors that it lacked."""

    stamp: PathStamp
    picture: PictureId
    sha256: str
    embeddings: Mapping[str, ImageEmbedding]
    unencoded: str = ""


@dataclass(frozen=True, slots=True)
class Same:
    """A file with content that the library has, or that another worker is about to read."""

    stamp: PathStamp
    picture: PictureId
    sha256: str


@dataclass(frozen=True, slots=True)
class Failed:
    """A file that cannot be indexed. `picture` is set if its content was claimed for reading."""

    stamp: PathStamp
    reason: str
    picture: PictureId | None = None


@dataclass(frozen=True, slots=True)
class Gone:
    """A file that is not there any more."""

    path: str


@dataclass(frozen=True, slots=True)
class Stopped:
    """A worker has ended, by a fault of this program if `error` is set."""

    error: BaseException | None = None


Outcome = Read | Encoded | Same | Failed | Gone
Event = Outcome | Stopped


@dataclass(slots=True)
class Times:
    """Seconds of all workers together: by the clock and by the processor, inside the reader and
    in all; inside the encoders by the clock."""

    encoder_s: float = 0.0
    reader_s: float = 0.0
    reader_cpu_s: float = 0.0
    worker_cpu_s: float = 0.0


class PixelBudget:
    """Lets threads take pixels from a common supply, and wait while there are too few."""

    def __init__(self, pixels: int) -> None:
        self._all = pixels
        self._free = pixels
        self._changed = threading.Condition()

    @contextmanager
    def hold(self, pixels: int) -> Iterator[None]:
        """Wait for `pixels` (all of them, if it asks for more than there are) and hold them."""
        share = min(pixels, self._all)
        with self._changed:
            self._changed.wait_for(lambda: self._free >= share)
            self._free -= share
        try:
            yield
        finally:
            with self._changed:
                self._free += share
                self._changed.notify_all()


class Workers:
    """Daemon threads, so that a second Ctrl-C ends the process although they still read."""

    def __init__(
        self,
        backlog: Backlog,
        claims: Claims,
        reader: Reader,
        encoders: Mapping[str, DualEncoder],
        *,
        count: int,
        max_pixels: int,
        within: Sequence[str] = (),
        regions_of: Callable[[PictureId], Sequence[RegionRecord]] = lambda _: (),
    ) -> None:
        """
        Args:
            regions_of: the regions of a picture of the library whose words are known.
        """
        self._events: queue.Queue[Event] = queue.Queue(_WAITING)
        self.times = Times()
        self._backlog = backlog
        self._claims = claims
        self._reader = reader
        self._spec = reader.spec
        self._encoders = encoders
        self._reading = frozenset(
            space for space, one in encoders.items() if isinstance(one, ReadingEncoder)
        )
        self._regions_of = regions_of
        self._max_pixels = max_pixels
        self._within = within
        self._budget = PixelBudget(DECODING_PIXELS)
        self._times_lock = threading.Lock()
        self._threads = [
            threading.Thread(target=self._run, name=f"sightread-worker-{number}", daemon=True)
            for number in range(count)
        ]

    @property
    def running(self) -> bool:
        """Whether there are, or will be, events to fetch."""
        return any(thread.is_alive() for thread in self._threads) or not self._events.empty()

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def next_event(self, timeout_s: float) -> Event | None:
        """What a worker finished; None if nothing came in that time."""
        try:
            return self._events.get(timeout=timeout_s)
        except queue.Empty:
            return None

    def drain(self) -> None:
        """Wait for the workers to end, whatever they still bring. Close the backlog first."""
        while self.running:
            self.next_event(0.1)

    def _run(self) -> None:
        try:
            while (path := self._backlog.take()) is not None:
                self._events.put(self._process(path))
        except BaseException as error:  # raised again in the main thread
            self._events.put(Stopped(error))
            return
        with self._times_lock:
            self.times.worker_cpu_s += time.thread_time()
        self._events.put(Stopped())

    def _process(self, path: str) -> Outcome:
        claimed: PictureId | None = None
        stamp = PathStamp(path, 0, 0)
        try:
            # Taken before the bytes are read: if the file is written to meanwhile, the next run
            # sees another stamp and reads it again.
            stamp = _stamp(path)
            if not is_within(path, self._within):
                raise PictureError(LEADS_OUT)
            data = images.read_file(path)
            picture, sha256 = images.content_id(data)
            if not self._claims.claim(picture):
                return Same(stamp, picture, sha256)
            if not self._claims.needs_reading(picture):
                return self._encoded(stamp, (picture, sha256), data)
            claimed = picture
            return self._read(stamp, (picture, sha256), data)
        except Exception as error:
            if claimed is None and not os.path.lexists(path):
                return Gone(path)
            return Failed(stamp, _one_line(_reason(error)), claimed)

    def _read(self, stamp: PathStamp, identity: tuple[PictureId, str], data: bytes) -> Read:
        picture = self._decode(data)
        words = checked_words(self._words(picture), self._spec)
        # A vector of other words is none of this reading.
        spaces = {*self._claims.lacking(identity[0]), *self._reading}
        known = words_of(written_regions(words, picture), picture) if self._reading else ()
        embeddings, unencoded = self._embeddings(picture, spaces, known)
        record = picture_record(identity, picture, words, self._spec, embeddings)
        return Read(stamp, record, _one_line(unencoded))

    def _encoded(self, stamp: PathStamp, identity: tuple[PictureId, str], data: bytes) -> Encoded:
        # Whatever fails here: the words of this picture are known, and stay.
        try:
            spaces, picture = self._claims.lacking(identity[0]), self._decode(data)
            wants_words = not self._reading.isdisjoint(spaces)
            known = words_of(self._regions_of(identity[0]), picture) if wants_words else ()
            embeddings, unencoded = self._embeddings(picture, spaces, known)
        except Exception as error:
            embeddings, unencoded = {}, f"read, but not encoded: {_reason(error)}"
        return Encoded(stamp, *identity, embeddings, _one_line(unencoded))

    def _decode(self, data: bytes) -> Picture:
        limit = self._spec.side_limit_px
        with self._budget.hold(images.decoding_pixels(data, side_limit_px=limit)):
            return images.decode(data, side_limit_px=limit, max_pixels=self._max_pixels)

    def _embeddings(
        self, picture: Picture, spaces: Iterable[str], words: Sequence[WordRegion]
    ) -> tuple[dict[str, ImageEmbedding], str]:
        clock = time.perf_counter()
        found = encode(picture, [self._encoders[space] for space in sorted(spaces)], words)
        with self._times_lock:
            self.times.encoder_s += time.perf_counter() - clock
        return found

    def _words(self, picture: Picture) -> list[WordRegion]:
        clock, cpu = time.perf_counter(), time.thread_time()
        try:
            [words] = self._reader.read([picture.pixels])
        except MemoryError:
            raise
        except Exception as error:
            raise PictureError(f"reader failed: {type(error).__name__}: {error}") from error
        finally:
            clock, cpu = time.perf_counter() - clock, time.thread_time() - cpu
            with self._times_lock:
                self.times.reader_s += clock
                self.times.reader_cpu_s += cpu
        return words


def _stamp(path: str) -> PathStamp:
    """As `walk` has it; what cannot be looked at fails when it is read, with a reason."""
    try:
        status = os.stat(path)
    except (OSError, ValueError):
        return PathStamp(path, 0, 0)
    size = status.st_size if stat.S_ISREG(status.st_mode) else 0
    return PathStamp(path, size, status.st_mtime_ns)


def _reason(error: Exception) -> str:
    if isinstance(error, PictureError):
        return str(error)
    if isinstance(error, MemoryError):
        return "the picture needs more memory than there is"
    return f"the picture cannot be indexed: {type(error).__name__}: {error}"


def _one_line(reason: str) -> str:
    return " ".join(reason.split())[:_REASON_LIMIT]
