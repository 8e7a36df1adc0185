"""Vectors of pictures on disk, so that a stopped evaluation goes on where it was.

A vector is kept under the revision of its encoder and the hash of the picture's pixels, and of the
words that were read in it where the encoder is told them: a file that was replaced under the same
name is encoded again, and one that is in two benchmarks only once.
"""

from __future__ import annotations

import hashlib
import os
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sightread.errors import SightreadError
from sightread.types import EncoderSpec, RGBImage, Vectors, WordRegion

SHARD = 256
"""So many new vectors are worth a file. A kill loses at most that many."""

_DAMAGED = (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error)


def pixel_key(image: RGBImage) -> bytes:
    """32 bytes that stand for these pixels: the SHA-256 of their size and values."""
    digest = hashlib.sha256(repr(image.shape).encode())
    digest.update(np.ascontiguousarray(image).data)
    return digest.digest()


def words_key(key: bytes, words: Sequence[WordRegion]) -> bytes:
    """32 bytes that stand for the pixels of `key` together with what was read in them."""
    if not words:
        return key
    digest = hashlib.sha256(key)
    for word in words:
        digest.update(repr((word.text, word.box, word.confidence)).encode())
        digest.update(b"" if word.vector is None else word.vector.tobytes())
    return digest.digest()


class VectorCache:
    """The vectors of one encoder in one folder, `<folder>/<revision>/*.npz`.

    Files are written whole under another name and renamed, and read without pickle. One that
    cannot be read is taken for absent: its pictures are encoded again.
    """

    def __init__(self, folder: str | os.PathLike[str], spec: EncoderSpec) -> None:
        """
        Raises:
            ValueError: the encoder has no revision, so that nothing tells its vectors from others.
            SightreadError: the folder cannot be made.
        """
        if not spec.revision:
            raise ValueError(f"the encoder {spec.name or spec.space!r} has no revision: no cache")
        self._dim = spec.dim
        self._folder = Path(folder) / hashlib.sha256(spec.revision.encode()).hexdigest()[:16]
        self._known: dict[bytes, NDArray[np.float32]] = {}
        self._new: list[bytes] = []
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise self._unwritable(error) from error
        for shard in sorted(self._folder.glob("*.npz")):
            self._read(shard)

    def get(self, key: bytes) -> NDArray[np.float32] | None:
        """(D,) of a picture with this `pixel_key`; None if it is not known."""
        return self._known.get(key)

    def put(self, key: bytes, vector: NDArray[np.float32]) -> None:
        """Remember a vector; `SHARD` new ones are written at once."""
        if key not in self._known:
            self._known[key] = vector
            self._new.append(key)
        if len(self._new) >= SHARD:
            self.flush()

    def flush(self) -> None:
        """Write what is new.

        Raises:
            SightreadError: the disk is full, or the folder may not be written.
        """
        if not self._new:
            return
        keys = np.frombuffer(b"".join(self._new), np.uint8).reshape(-1, 32)
        vectors = np.stack([self._known[key] for key in self._new])
        name = hashlib.sha256(keys.tobytes()).hexdigest()[:24]
        unfinished = self._folder / f"{name}.{os.getpid()}.tmp"
        try:
            with open(unfinished, "wb") as file:
                np.savez(file, keys=keys, vectors=vectors)
            os.replace(unfinished, self._folder / f"{name}.npz")
        except OSError as error:
            unfinished.unlink(missing_ok=True)
            raise self._unwritable(error) from error
        self._new.clear()

    def _read(self, shard: Path) -> None:
        try:
            # Opened here, since numpy leaves a damaged file open.
            with open(shard, "rb") as file, np.load(file, allow_pickle=False) as arrays:
                keys: NDArray[np.uint8] = arrays["keys"]
                vectors: Vectors = arrays["vectors"]
        except _DAMAGED:
            return
        if keys.shape[1:] == (32,) and vectors.shape == (len(keys), self._dim):
            rows = (key.tobytes() for key in keys)
            self._known.update(zip(rows, vectors.astype(np.float32), strict=True))

    def _unwritable(self, error: OSError) -> SightreadError:
        return SightreadError(
            f"Vectors cannot be kept in {self._folder} ({error.strerror or error}): make room "
            "there, or name another folder with --cache."
        )
