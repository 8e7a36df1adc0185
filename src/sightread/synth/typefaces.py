"""Type faces for scenes: font files that can really write A to Z, a to z and 0 to 9.

Where `fonts` names faces by their role in the demo gallery, this takes whatever lies in a folder
and keeps what is fit to be read.
"""

from __future__ import annotations

import string
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from PIL import ImageFont

from sightread.errors import UsageError
from sightread.synth.fonts import FACES, find_face

FETCHED = Path("build/fonts")
"""Where `make fonts` puts the faces of the font packages, seen from the project's folder."""
SUFFIXES = {".ttf", ".otf"}
CLASSES = (string.ascii_uppercase, string.ascii_lowercase, string.digits)
_PROBE_PX = 32
_EM_PX = 200


@dataclass(frozen=True, slots=True)
class Typeface:
    """A usable face. `path` is None for the face that Pillow carries; `capital` is the height of
    its H and `body` that of its x, both as fractions of the em."""

    path: Path | None
    capital: float
    body: float


@lru_cache(maxsize=1024)
def load_font(path: Path | None, em_px: int) -> ImageFont.FreeTypeFont:
    """The face of a file (None: Pillow's own) at `em_px` pixels per em.

    Raises:
        OSError: the file cannot be opened as a font.
    """
    if path is not None:
        return ImageFont.truetype(str(path), em_px, layout_engine=ImageFont.Layout.BASIC)
    font = ImageFont.load_default(em_px)
    if not isinstance(font, ImageFont.FreeTypeFont):
        raise UsageError("This Pillow was built without FreeType and cannot write: reinstall it.")
    return font


@lru_cache(maxsize=4096)
def inspect(path: Path | None) -> Typeface | None:
    """What a font file holds; None if a letter or digit is missing, blank or drawn twice.

    Capitals and small letters may share their forms, as in faces that have only capitals.
    """
    try:
        font = load_font(path, _PROBE_PX)
        missing = _ink(font, "\U0010fffe")
        for letters in CLASSES:
            drawn = {_ink(font, letter) for letter in letters}
            if len(drawn) < len(letters) or b"" in drawn or missing in drawn:
                return None
        large = load_font(path, _EM_PX)
        heights = [-large.getbbox(letter, anchor="ls")[1] / _EM_PX for letter in "Hx"]
    except (OSError, ValueError):
        return None
    return Typeface(path, *heights) if min(heights) > 0.1 else None


def find_typefaces(places: Sequence[Path]) -> list[Typeface]:
    """The usable faces of font files and folders of them, by path, each file once.

    Raises:
        UsageError: a place is not there, or none of them holds a usable face.
    """
    files: set[Path] = set()
    for place in places:
        if not place.exists():
            raise UsageError(f"There are no fonts at {place}: it does not exist.")
        files.update(_files(place))
    found = [face for path in sorted(files) if (face := inspect(path)) is not None]
    if not found:
        named = ", ".join(str(place) for place in places) or "no folder"
        raise UsageError(
            f"No usable face in {named}: a face must be a TTF or OTF file that draws all of "
            "A-Z, a-z and 0-9."
        )
    return found


def installed_typefaces() -> list[Typeface]:
    """The faces of the installed font packages and of `build/fonts`; else Pillow's own.

    Warns if only Pillow's own face is there, for one face teaches little.
    """
    paths = [path for face in FACES if (path := find_face(face)) is not None]
    places = [*paths, FETCHED] if FETCHED.is_dir() else paths
    if places:
        return find_typefaces(places)
    warnings.warn(
        "No font packages are installed, so that every word is written in Pillow's own face: run "
        '`pip install "sightread[gallery]"` or `make fonts`.',
        stacklevel=2,
    )
    own = inspect(None)
    assert own is not None, "Pillow's own face has all letters"
    return [own]


def _files(place: Path) -> Iterator[Path]:
    if place.is_file():
        yield place
        return
    yield from (path for path in place.rglob("*") if path.suffix.lower() in SUFFIXES)


def _ink(font: ImageFont.FreeTypeFont, letter: str) -> bytes:
    """The pixels of a letter, without its place; empty if it is blank."""
    mask = font.getmask(letter, "L")
    box = mask.getbbox()
    return b"" if box is None else bytes(mask.size) + bytes(mask)
