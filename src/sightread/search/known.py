"""What the library knows when a run starts, small enough for millions of files."""

from __future__ import annotations

import os
import threading
from array import array
from collections.abc import Iterable, Mapping
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from sightread.types import PathStamp, PictureId


class KnownPaths:
    """The stamps of a library by path, 41 bytes a file: paths are kept as 64-bit hashes.

    Two of a million paths share a hash with a probability of 3e-8, and even then a file is
    overlooked only if its size and its time agree to the nanosecond as well.
    """

    def __init__(self, stamps: Iterable[tuple[PathStamp, PictureId]]) -> None:
        hashes, sizes, times, ids = array("Q"), array("q"), array("q"), array("q")
        for stamp, picture in stamps:
            hashes.append(_hash(stamp.path))
            sizes.append(stamp.size)
            times.append(stamp.mtime_ns)
            ids.append(picture)
        keys = np.array(hashes, dtype=np.uint64)
        order = np.argsort(keys, kind="stable")
        self._keys: NDArray[np.uint64] = keys[order]
        self._sizes: NDArray[np.int64] = np.array(sizes, dtype=np.int64)[order]
        self._times: NDArray[np.int64] = np.array(times, dtype=np.int64)[order]
        self._ids: NDArray[np.int64] = np.array(ids, dtype=np.int64)[order]
        self._seen: NDArray[np.bool_] = np.zeros(len(keys), dtype=np.bool_)

    def __len__(self) -> int:
        return len(self._keys)

    def pictures_of(self, path: str) -> list[PictureId]:
        """The pictures that had this path when the run started: one at most, unless a run was
        killed between two of its steps."""
        found: list[PictureId] = self._ids[self._rows(path)].tolist()
        return found

    def meet(self, stamp: PathStamp) -> PictureId | None:
        """Note that the file is there; its picture if size and time are the same as then."""
        rows = self._rows(stamp.path)
        self._seen[rows] = True
        row = rows.start
        if rows.stop - row != 1:
            return None
        same = self._sizes[row] == stamp.size and self._times[row] == stamp.mtime_ns
        return int(self._ids[row]) if same else None

    def miss(self, path: str) -> None:
        """Take back `meet`: the file vanished after all."""
        self._seen[self._rows(path)] = False

    def missing(self, path: str) -> bool:
        """Known when the run started, and not met in it."""
        rows = self._rows(path)
        return rows.stop > rows.start and not self._seen[rows.start]

    def pictures(self) -> NDArray[np.int64]:
        """Ids that had a path when the run started, ascending, each once."""
        return np.unique(self._ids)

    def _rows(self, path: str) -> slice:
        wanted = np.uint64(_hash(path))
        start = stop = int(np.searchsorted(self._keys, wanted))
        while stop < len(self._keys) and self._keys[stop] == wanted:
            stop += 1
        return slice(start, stop)


class Claims:
    """Which contents need a worker, and for what: all others are known, or in the hands of one.

    Args:
        known: ids that need no reading, ascending.
        encoded: for each space the ids that need no vector there, ascending.
    """

    def __init__(
        self, known: NDArray[np.int64], encoded: Mapping[str, NDArray[np.int64]] | None = None
    ) -> None:
        self._known = known
        self._encoded = encoded or {}
        self._read: set[PictureId] = set()
        self._taken: set[PictureId] = set()
        self._lock = threading.Lock()

    def claim(self, picture: PictureId) -> bool:
        """True for the one caller that shall read or encode this content, False for all others."""
        with self._lock:
            if self.is_known(picture) or picture in self._taken:
                return False
            self._taken.add(picture)
            return True

    def is_known(self, picture: PictureId) -> bool:
        """Whether all was done with the content, in this run or before."""
        if picture in self._read:
            return True
        return not self.needs_reading(picture) and not self.lacking(picture)

    def needs_reading(self, picture: PictureId) -> bool:
        """Whether the words of the content were unknown when the run started."""
        return not _among(self._known, picture)

    def lacking(self, picture: PictureId) -> list[str]:
        """The spaces in which the content had no vector when the run started."""
        return [space for space, ids in self._encoded.items() if not _among(ids, picture)]

    def settle(self, picture: PictureId) -> None:
        """The claimed content has been dealt with."""
        with self._lock:
            self._taken.discard(picture)
            self._read.add(picture)


def _among(ascending: NDArray[np.int64], picture: PictureId) -> bool:
    row = int(np.searchsorted(ascending, picture))
    return row < len(ascending) and bool(ascending[row] == picture)


def _hash(path: str) -> int:
    return int.from_bytes(blake2b(os.fsencode(path), digest_size=8).digest(), "little")
