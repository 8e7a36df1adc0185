"""Folders, pictures and lines of a data set on disk; one sentence for whatever is not there."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath

from sightread.errors import PictureError, UsageError
from sightread.images import decode, read_file
from sightread.types import RGBImage

SUFFIXES = (".jpg", ".jpeg", ".png", ".gif", ".bmp", ".webp", ".tif", ".tiff")
"""What is listed as a picture. Its content decides how it is decoded, whatever the suffix says."""


def find_home(root: str | os.PathLike[str], name: str, markers: Iterable[str], layout: str) -> Path:
    """The folder of a data set: `root` itself, or the folder `name` in it.

    Args:
        root: as the user gave it.
        name: how the data set's folder is called where several lie side by side.
        markers: any of these paths in a folder makes it the right one.
        layout: what is expected, for the message, as paths below `name`.

    Raises:
        UsageError: neither is.
    """
    root = Path(root)
    if not root.is_dir():
        raise UsageError(f"The folder {root} is not there; expected in it: {layout}.")
    wanted = tuple(markers)
    for home in (root / name, root):
        if any((home / marker).exists() for marker in wanted):
            return home
    raise UsageError(f"{root} does not hold this data set; expected in it: {layout}.")


def read_bytes(path: Path) -> bytes:
    """A small file, whole.

    Raises:
        UsageError: it cannot be read.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror or error}.") from error


def read_lines(path: Path) -> Iterator[tuple[int, str]]:
    """Number (from 1) and text of each line that is not blank, without BOM.

    Only LF, CR and CR LF end a line: transcriptions may hold what else Unicode takes for an end.

    Raises:
        UsageError: the file cannot be read, or a line is not UTF-8.
    """
    for number, data in enumerate(read_bytes(path).splitlines(), 1):
        try:
            line = data.decode("utf-8-sig" if number == 1 else "utf-8")
        except UnicodeDecodeError as error:
            raise broken(path, number, "text in UTF-8", repr(data[:40])) from error
        if line.strip():
            yield number, line


def broken(path: Path, line: int, expected: str, found: str) -> UsageError:
    """The error for a line of an annotation that is not in its form."""
    return UsageError(f"{path}, line {line}: expected {expected}, found {found}.")


class PictureFolder:
    """The pictures below a folder, by relative name in any letter case.

    Annotations and files of the public data sets disagree in case ("img61.JPG"), so every
    name is looked up in lower case; it cannot lead out of the folder.
    """

    def __init__(self, folder: Path, layout: str) -> None:
        """
        Raises:
            UsageError: there is no such folder; the message says that `layout` is expected.
        """
        if not folder.is_dir():
            raise UsageError(f"The folder {folder} is not there; expected: {layout}.")
        self._folder = folder
        self._listings: dict[Path, dict[str, str]] = {}

    def names(self) -> list[str]:
        """Lower-cased names of the pictures that lie directly in the folder, sorted.

        Raises:
            UsageError: the folder cannot be listed, or two names differ only in letter case.
        """
        there = self._listing(self._folder)
        shown = (name for name in there if not name.startswith("."))
        return sorted(name for name in shown if os.path.splitext(name)[1] in SUFFIXES)

    def path(self, name: str) -> Path | None:
        """Where the picture of this name is; None if it is not there."""
        here = self._folder
        for part in PurePosixPath(name.lower()).parts:
            if not here.is_dir():
                return None
            found = self._listing(here).get(part)
            if found is None:  # also "..", "/": no listing holds them
                return None
            here = here / found
        return here

    def load(self, name: str) -> RGBImage:
        """The pixels of a picture, upright RGB.

        Raises:
            PictureError: it is not there, or cannot be decoded.
        """
        path = self.path(name)
        if path is None:
            raise PictureError(f"there is no {name} in {self._folder}")
        return load_picture(path)

    def _listing(self, folder: Path) -> dict[str, str]:
        if folder not in self._listings:
            self._listings[folder] = _listed(folder)
        return self._listings[folder]


def _listed(folder: Path) -> dict[str, str]:
    try:
        names = sorted(os.listdir(folder))
    except OSError as error:
        raise UsageError(f"{folder} cannot be listed: {error.strerror or error}.") from error
    found: dict[str, str] = {}
    for name in names:
        if name.lower() in found:
            raise UsageError(
                f"{folder} holds both {found[name.lower()]} and {name}, which count as one name; "
                "remove one of them."
            )
        found[name.lower()] = name
    return found


def load_picture(path: Path, *, upright: bool = True) -> RGBImage:
    """Pixels of a picture file, RGB, decoded by content; `upright` as in `images.decode`.

    Raises:
        PictureError: with the reason.
    """
    return decode(read_file(os.fspath(path)), upright=upright).pixels
