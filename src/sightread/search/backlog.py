"""Files that wait for a worker: any number of them, so that the walk can run far ahead."""

from __future__ import annotations

import os
import threading
import zlib
from collections import deque

_BLOCK = 1024


class Backlog:
    """First in, first out, from one walking thread to many workers.

    The walk must not wait for the workers, since only its end tells how much there is to do. Full
    blocks of paths are therefore kept compressed (about a tenth of their size): a million waiting
    files take some 20 MB.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._blocks: deque[bytes] = deque()
        self._front: deque[str] = deque()
        self._back: list[str] = []
        self._closed = False

    def add(self, path: str) -> None:
        with self._changed:
            self._back.append(path)
            if len(self._back) >= _BLOCK:
                # No path holds a zero byte.
                joined = b"\0".join(os.fsencode(path) for path in self._back)
                self._blocks.append(zlib.compress(joined, 1))
                self._back.clear()
            self._changed.notify()

    def close(self, *, drop: bool = False) -> None:
        """No more files will come; with `drop` those that wait are not handed out either."""
        with self._changed:
            self._closed = True
            if drop:
                self._blocks.clear()
                self._front.clear()
                self._back.clear()
            self._changed.notify_all()

    def take(self) -> str | None:
        """The next path; waits for one; None when there will be none."""
        with self._changed:
            while not self._refill():
                if self._closed:
                    return None
                self._changed.wait()
            return self._front.popleft()

    def _refill(self) -> bool:
        if self._front:
            return True
        if self._blocks:
            parts = zlib.decompress(self._blocks.popleft()).split(b"\0")
            self._front.extend(os.fsdecode(part) for part in parts)
        else:
            self._front.extend(self._back)
            self._back.clear()
        return bool(self._front)
