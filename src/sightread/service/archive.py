"""Several picture files as one zip archive, written while it is sent."""

from __future__ import annotations

import io
import os
import zipfile
from collections.abc import Callable, Iterator, Sequence

from sightread.errors import SightreadError
from sightread.types import PictureId, PictureRecord, format_id

Original = Callable[[PictureId], tuple[PictureRecord, bytes]]


def file_name(record: PictureRecord) -> str:
    """The name under which a picture is saved: that of its file, or its id."""
    if not record.stamps:
        return f"{format_id(record.id)}.{record.format.lower()}"
    return os.path.basename(record.stamps[0].path)


def archive(pictures: Sequence[PictureId], original: Original) -> Iterator[bytes]:
    """The archive, piece by piece; one file is in memory at a time.

    Files are stored as they are (pictures are compressed already), names that occur twice get a
    number, and what cannot be had is said in MISSING.txt.
    """
    out = _Pipe()
    missing: list[str] = []
    taken: set[str] = set()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as packed:
        for picture in pictures:
            try:
                record, data = original(picture)
            except SightreadError as error:
                missing.append(f"{format_id(picture)}: {error}\n")
                continue
            packed.writestr(_entry(_free(_plain(file_name(record)), taken)), data)
            yield out.take()
        if missing:
            packed.writestr(_entry("MISSING.txt"), "".join(missing))
    yield out.take()


def _plain(name: str) -> str:
    # No separators of any system, so that nothing is unpacked outside of its folder.
    text = os.fsencode(name).decode("utf-8", "replace")
    kept = "".join("_" if char in '\\/:*?"<>|' or ord(char) < 32 else char for char in text)
    return kept.lstrip(".") or "picture"


def _free(name: str, taken: set[str]) -> str:
    stem, suffix = os.path.splitext(name)
    free, number = name, 1
    while free.casefold() in taken:
        number += 1
        free = f"{stem} ({number}){suffix}"
    taken.add(free.casefold())
    return free


def _entry(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name)  # of 1980, always: the same pictures give the same archive
    entry.external_attr = 0o644 << 16
    return entry


class _Pipe(io.RawIOBase):
    """Keeps what is written until it is taken."""

    def __init__(self) -> None:
        super().__init__()
        self._pieces: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: object) -> int:
        piece = bytes(data)  # type: ignore[call-overload]
        self._pieces.append(piece)
        return len(piece)

    def take(self) -> bytes:
        pieces, self._pieces = self._pieces, []
        return b"".join(pieces)
