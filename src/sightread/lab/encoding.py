"""All pictures of a gallery to vectors: in batches, restartable, whatever single files hold."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from sightread.errors import PictureError, SightreadError
from sightread.lab.vectorcache import VectorCache, pixel_key, words_key
from sightread.protocols import DualEncoder, ReadingEncoder
from sightread.tasks import RetrievalTask
from sightread.types import RGBImage, Vectors, WordRegion

BATCH = 8
_UNIT = 1e-3
"""How far from 1 the length of a vector may be."""


@dataclass(frozen=True, slots=True)
class EncodingProgress:
    """A moment of a run, in pictures. `cached`: known from an earlier run. `missing`: not decoded.
    `pictures_per_s`: done per second so far, decoding and the known ones included."""

    done: int
    total: int
    cached: int
    missing: int
    pictures_per_s: float


ProgressCallback = Callable[[EncodingProgress], None]

FindWords = Callable[[str, int, int], Sequence[WordRegion]]
"""The words that were read in a picture, by its id, width and height in pixels."""


@dataclass(frozen=True, slots=True)
class GalleryVectors:
    """`vectors` is (N, D) in the order of the task's gallery, zeros where a picture is missing.

    `missing` is picture id -> reason. `cached` were known. `seconds` is what it took, decoding
    included.
    """

    vectors: Vectors
    missing: dict[str, str]
    cached: int
    seconds: float


def encode_gallery(
    encoder: DualEncoder,
    task: RetrievalTask,
    *,
    batch: int = BATCH,
    workers: int = 1,
    cache: VectorCache | None = None,
    progress: ProgressCallback | None = None,
    words: FindWords | None = None,
) -> GalleryVectors:
    """Encode every picture of the gallery.

    A picture that cannot be decoded, or that the encoder refuses with a `PictureError`, is noted
    and left out. Whatever ends the run, what was encoded before is in the cache.

    Args:
        encoder: called from `workers` threads at once.
        task: its pictures are loaded by the calling thread alone, while the encoder works.
        batch: pictures per call of the encoder.
        workers: calls of the encoder at once.
        cache: known vectors, to which the new ones are added.
        progress: called by the calling thread after every picture.
        words: what was read in the pictures, for an encoder that is a `ReadingEncoder`; called by
            the calling thread.

    Raises:
        ValueError: `batch` or `workers` is below 1.
        SightreadError: memory is out, the encoder breaks its promise (size, unit length), or the
            cache cannot be written.
    """
    if batch < 1 or workers < 1:
        raise ValueError(f"batch is {batch} and workers is {workers}, they must be 1 or more")
    run = _Run(encoder, task, cache, progress, words)
    try:
        with ThreadPoolExecutor(workers, "encode") as pool:
            for at, picture in enumerate(task.gallery):
                run.take(at, picture)
                if len(run.waiting) >= batch:
                    run.send(pool)
                    run.receive(at_most=workers)
            run.send(pool)
            run.receive(at_most=0)
    finally:
        if cache is not None:
            cache.flush()
    return GalleryVectors(run.vectors, run.missing, run.cached, time.monotonic() - run.began)


@dataclass(slots=True)
class _Waiting:
    at: int
    image: RGBImage
    key: bytes
    words: Sequence[WordRegion] = ()


_Outcome = NDArray[np.float32] | PictureError


@dataclass(slots=True)
class _Run:
    encoder: DualEncoder
    task: RetrievalTask
    cache: VectorCache | None
    progress: ProgressCallback | None
    words: FindWords | None = None
    waiting: list[_Waiting] = field(default_factory=list)
    sent: deque[tuple[list[_Waiting], Future[list[_Outcome]]]] = field(default_factory=deque)
    missing: dict[str, str] = field(default_factory=dict)
    cached: int = 0
    done: int = 0
    began: float = field(default_factory=time.monotonic)
    vectors: Vectors = field(init=False)

    def __post_init__(self) -> None:
        shape = (len(self.task.gallery), self.encoder.spec.dim)
        self.vectors = np.zeros(shape, np.float32)

    def take(self, at: int, picture: str) -> None:
        """Load a picture; it waits to be encoded unless its vector is known."""
        try:
            image = self.task.load(picture)
        except PictureError as error:
            self._settle(at, error)
            return
        height, width = image.shape[:2]
        words = self.words(picture, width, height) if self.words is not None else ()
        key = words_key(pixel_key(image), words) if self.cache is not None else b""
        known = self.cache.get(key) if self.cache is not None else None
        if known is None:
            self.waiting.append(_Waiting(at, image, key, words))
            return
        self.cached += 1
        self._settle(at, known)

    def send(self, pool: ThreadPoolExecutor) -> None:
        """Let the encoder have what waits."""
        batch, self.waiting = self.waiting, []
        self.sent.append((batch, pool.submit(_encode, self.encoder, batch)))

    def receive(self, at_most: int) -> None:
        """Wait until no more than so many batches are with the encoder."""
        while len(self.sent) > at_most:
            batch, future = self.sent.popleft()
            for one, outcome in zip(batch, future.result(), strict=True):
                if self.cache is not None and not isinstance(outcome, PictureError):
                    self.cache.put(one.key, outcome)
                self._settle(one.at, outcome)

    def _settle(self, at: int, outcome: _Outcome) -> None:
        if isinstance(outcome, PictureError):
            self.missing[self.task.gallery[at]] = str(outcome)
        else:
            self.vectors[at] = outcome
        self.done += 1
        if self.progress is not None:
            pace = self.done / max(time.monotonic() - self.began, 1e-9)
            total, missing = len(self.task.gallery), len(self.missing)
            self.progress(EncodingProgress(self.done, total, self.cached, missing, pace))


def _encode(encoder: DualEncoder, batch: Sequence[_Waiting]) -> list[_Outcome]:
    """A vector for each, or why it has none."""
    if not batch:
        return []
    try:
        images = [one.image for one in batch]
        if isinstance(encoder, ReadingEncoder) and any(one.words for one in batch):
            found = encoder.encode_read(images, [one.words for one in batch])
        else:
            found = encoder.encode_images(images)
    except PictureError as error:
        if len(batch) == 1:
            return [error]
        return [_encode(encoder, [one])[0] for one in batch]  # to find out which one it is
    except (MemoryError, RuntimeError) as error:
        if _is_out_of_memory(error):
            raise _out_of_memory(len(batch)) from error
        raise
    return list(checked([one.vector for one in found], len(batch), encoder))


def _is_out_of_memory(error: Exception) -> bool:
    # torch and ONNX Runtime have classes of their own for it, below RuntimeError.
    said = str(error).lower()
    return isinstance(error, MemoryError) or any(
        sign in said for sign in ("out of memory", "failed to allocate", "can't allocate")
    )


def _out_of_memory(pictures: int) -> SightreadError:
    if pictures == 1:
        return SightreadError("There is not enough memory to encode even one picture at a time.")
    return SightreadError(
        f"There is not enough memory to encode {pictures} pictures at once: try --batch "
        f"{pictures // 2}. What was encoded so far is kept."
    )


def checked(
    found: Sequence[NDArray[np.float32]] | Vectors, count: int, encoder: DualEncoder
) -> Vectors:
    """What an encoder gave, as (count, D) float32.

    Raises:
        SightreadError: other than `count` vectors, another size, or not of unit length.
    """
    spec = encoder.spec
    shapes = {np.shape(vector) for vector in found}
    if len(found) != count or shapes - {(spec.dim,)}:
        raise SightreadError(
            f"The encoder {spec.name or spec.space} gave {len(found)} vectors of shape "
            f"{', '.join(map(str, sorted(shapes)))} instead of {count} of {(spec.dim,)}: "
            "`sightread models verify` checks its folder."
        )
    vectors = np.asarray(found, np.float32).reshape(count, spec.dim)
    lengths = np.linalg.norm(vectors, axis=1)
    if not np.all(np.abs(lengths - 1) <= _UNIT):  # catches NaN as well
        worst = lengths[np.argmax(np.abs(np.nan_to_num(lengths, nan=np.inf) - 1))]
        raise SightreadError(
            f"The encoder {spec.name or spec.space} gave a vector of length {worst:.4g} instead "
            "of 1: `sightread models verify` checks its folder."
        )
    return vectors
