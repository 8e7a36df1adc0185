"""Upright copies of pictures in a few sizes, made when first asked for and kept on disk.

A copy holds pixels only: where and with what a picture was taken stays in its file. What is
kept is found by the id of the content, so it is never stale.
"""

from __future__ import annotations

import contextlib
import io
import os
import tempfile
import threading
from collections.abc import Callable

from sightread.images import decode
from sightread.types import PictureId

THUMB_SIDES = (160, 320, 480, 640)
IMAGE_SIDES = (1024, 1600, 2400, 4096)
"""Longer sides in pixels. Few, so that nobody can fill the disk by asking for each number."""

_FILL_TO = 0.9


def rendition(data: bytes, side: int) -> bytes:
    """The picture as a JPEG, upright, its longer side at most `side`.

    Raises:
        PictureError: it cannot be decoded.
    """
    from PIL import Image

    image = Image.fromarray(decode(data, side_limit_px=side).pixels)
    out = io.BytesIO()
    image.save(out, "JPEG", quality=80 if side <= THUMB_SIDES[-1] else 88, progressive=True)
    return out.getvalue()


def fitting(side: int, sides: tuple[int, ...]) -> int:
    """The smallest of `sides` that is no smaller than `side`, or the largest."""
    return next((one for one in sides if one >= side), sides[-1])


class Renditions:
    """The folder of copies, kept below a number of bytes by dropping what was not used longest.

    A disk that is full or read-only costs time, never an answer.
    """

    def __init__(self, folder: str, cap_bytes: int) -> None:
        self._folder = folder
        self._cap = cap_bytes
        self._lock = threading.Lock()
        self._sizes: dict[str, int] = {}  # the longest unused first
        self.hits = self.misses = 0
        self._load()

    @property
    def size_bytes(self) -> int:
        with self._lock:
            return sum(self._sizes.values())

    def get(self, picture: PictureId, side: int, original: Callable[[], bytes]) -> bytes:
        """The copy of this size; `original` gives the file if it has to be made.

        Raises:
            PictureError: the file is gone, or cannot be decoded.
        """
        name = f"{picture:016x}-{side}.jpg"
        kept = self._read(name)
        if kept is not None:
            self.hits += 1
            return kept
        self.misses += 1
        made = rendition(original(), side)
        with contextlib.suppress(OSError):
            self._keep(name, made)
        return made

    def _read(self, name: str) -> bytes | None:
        with self._lock:
            size = self._sizes.pop(name, None)
            if size is None:
                return None
            self._sizes[name] = size  # now the last to be dropped
        try:
            with open(os.path.join(self._folder, name), "rb") as file:
                data = file.read()
            os.utime(file.name)
        except OSError:
            data = b""
        if len(data) == size:
            return data
        with self._lock:
            self._sizes.pop(name, None)
        return None

    def _keep(self, name: str, data: bytes) -> None:
        handle, temporary = tempfile.mkstemp(prefix=".new-", dir=self._folder)
        try:
            with os.fdopen(handle, "wb") as out:
                out.write(data)
            os.replace(temporary, os.path.join(self._folder, name))
        except BaseException:
            os.unlink(temporary)
            raise
        with self._lock:
            self._sizes[name] = len(data)
            self._shrink()

    def _shrink(self) -> None:
        total = sum(self._sizes.values())
        if total <= self._cap:
            return
        for name in list(self._sizes):
            if total <= _FILL_TO * self._cap:
                return
            total -= self._sizes.pop(name)
            with contextlib.suppress(OSError):
                os.unlink(os.path.join(self._folder, name))

    def _load(self) -> None:
        with contextlib.suppress(OSError):
            os.makedirs(self._folder, mode=0o700, exist_ok=True)
            with os.scandir(self._folder) as entries:
                files = [(entry.stat(), entry.name) for entry in entries if entry.is_file()]
            files.sort(key=lambda one: one[0].st_mtime)
            self._sizes = {name: status.st_size for status, name in files if name.endswith(".jpg")}
            with self._lock:
                self._shrink()
