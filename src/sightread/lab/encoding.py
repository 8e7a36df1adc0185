"""All pictures of a gallery to vectors: in batches, restartable, whatever single files hold."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from sightread.errors import PictureError, SightreadError
from sightread.lab.vectorcache import VectorCache, pixel_key
from sightread.protocols import DualEncoder
from sightread.tasks import RetrievalTask
from sightread.types import RGBImage, Vectors

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


@dataclass(frozen=True, slots=True)
class GalleryVectors:
    """`vectors` is (N, D) in the order of the task's gallery, zeros where a picture is missing.

    `missing` is picture id -> reason. `cached` were known. `encoder_s` are the seconds spent in
    the encoder, for the N - missing - cached others.
    """

    vectors: Vectors
    missing: dict[str, str]
    cached: int
    encoder_s: float


def encode_gallery(
    encoder: DualEncoder,
    task: RetrievalTask,
    *,
    batch: int = BATCH,
    cache: VectorCache | None = None,
    progress: ProgressCallback | None = None,
) -> GalleryVectors:
    """Encode every picture of the gallery.

    A picture that cannot be decoded, or that the encoder refuses with a `PictureError`, is noted
    and left out. Whatever ends the run, what was encoded before is in the cache.

    Raises:
        ValueError: `batch` is below 1.
        SightreadError: memory is out, the encoder breaks its promise (size, unit length), or the
            cache cannot be written.
    """
    if batch < 1:
        raise ValueError(f"batch is {batch}, it must be 1 or more")
    run = _Run(encoder, task, cache, progress)
    try:
        for at, picture in enumerate(task.gallery):
            run.take(at, picture)
            if len(run.waiting) >= batch:
                run.encode()
        run.encode()
    finally:
        if cache is not None:
            cache.flush()
    return GalleryVectors(run.vectors, run.missing, run.cached, run.encoder_s)


@dataclass(slots=True)
class _Waiting:
    at: int
    image: RGBImage
    key: bytes


@dataclass(slots=True)
class _Run:
    encoder: DualEncoder
    task: RetrievalTask
    cache: VectorCache | None
    progress: ProgressCallback | None
    waiting: list[_Waiting] = field(default_factory=list)
    missing: dict[str, str] = field(default_factory=dict)
    cached: int = 0
    done: int = 0
    encoder_s: float = 0.0
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
            self._miss(at, error)
            return
        key = pixel_key(image) if self.cache is not None else b""
        known = self.cache.get(key) if self.cache is not None else None
        if known is None:
            self.waiting.append(_Waiting(at, image, key))
            return
        self.vectors[at] = known
        self.cached += 1
        self._report()

    def encode(self) -> None:
        """Encode what waits."""
        waiting, self.waiting = self.waiting, []
        try:
            self._encode(waiting)
        except PictureError as error:
            if len(waiting) == 1:
                self._miss(waiting[0].at, error)
                return
            for one in waiting:  # to find out which one it is
                self.waiting = [one]
                self.encode()

    def _encode(self, waiting: Sequence[_Waiting]) -> None:
        if not waiting:
            return
        began = time.monotonic()
        try:
            found = self.encoder.encode_images([one.image for one in waiting])
        except (MemoryError, RuntimeError) as error:
            if _is_out_of_memory(error):
                raise _out_of_memory(len(waiting)) from error
            raise
        self.encoder_s += time.monotonic() - began
        vectors = checked([one.vector for one in found], len(waiting), self.encoder)
        for one, vector in zip(waiting, vectors, strict=True):
            self.vectors[one.at] = vector
            if self.cache is not None:
                self.cache.put(one.key, vector)
            self._report()

    def _miss(self, at: int, error: PictureError) -> None:
        self.missing[self.task.gallery[at]] = str(error)
        self._report()

    def _report(self) -> None:
        self.done += 1
        if self.progress is not None:
            pace = self.done / max(time.monotonic() - self.began, 1e-9)
            total = len(self.task.gallery)
            missing = len(self.missing)
            self.progress(EncodingProgress(self.done, total, self.cached, missing, pace))


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
