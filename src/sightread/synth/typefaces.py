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

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFont

from sightread.errors import UsageError
from sightread.synth.fonts import FACES, find_face, load_font

FETCHED = Path("build/fonts")
"""Where `make fonts` puts the faces of the font packages, seen from the project's folder."""
Mask = NDArray[np.uint8]
"""(H, W): 255 is ink."""
SUFFIXES = {".ttf", ".otf"}
CLASSES = (string.ascii_uppercase, string.ascii_lowercase, string.digits)
_NOT_LETTERS = {"d050000l", "standardsymbolsps", "linbiolinum_k"}
"""Files of the fetched packages that draw signs, Greek or keys in the places of letters."""
_PROBE_PX = 32
_EM_PX = 100


@dataclass(frozen=True, slots=True)
class Typeface:
    """A usable face. `path` is None for the face that Pillow carries; `capital` is the height of
    its H, `body` that of its x and `stem` the thickness of its strokes, as fractions of the em."""

    path: Path | None
    capital: float
    body: float
    stem: float


def draw_glyphs(font: ImageFont.FreeTypeFont, text: str) -> tuple[Mask, int, int]:
    """The ink of a text, cut tightly, and where its corner is from the start of the baseline.

    The mask is empty, (0, 0), where there is no ink.
    """
    core, (dx, dy) = font.getmask2(text, "L", anchor="ls")
    box = core.getbbox()
    if box is None:
        return np.zeros((0, 0), np.uint8), 0, 0
    image = Image.new("L", core.size)
    image.im.paste(core, (0, 0, *core.size))
    return np.asarray(image)[box[1] : box[3], box[0] : box[2]], dx + box[0], dy + box[1]


@lru_cache(maxsize=4096)
def inspect(path: Path | None) -> Typeface | None:
    """What a font file holds; None if a letter or digit is missing, blank or drawn twice.

    Capitals and small letters may share their forms, as in faces that have only capitals.
    """
    try:
        font = load_font(path, _PROBE_PX)
        missing = _form(font, "\U0010fffe")
        for letters in CLASSES:
            drawn = {_form(font, letter) for letter in letters}
            if len(drawn) < len(letters) or b"" in drawn or missing in drawn:
                return None
        large = load_font(path, _EM_PX)
        capital, body = (-large.getbbox(letter, anchor="ls")[1] / _EM_PX for letter in "Hx")
    except (OSError, ValueError):
        return None
    return Typeface(path, capital, body, _stem(large)) if min(capital, body) > 0.1 else None


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
    for path in place.rglob("*"):
        if path.suffix.lower() in SUFFIXES and path.stem.lower() not in _NOT_LETTERS:
            yield path


def _stem(font: ImageFont.FreeTypeFont) -> float:
    """The median length of the runs of ink in the rows of upright letters, in ems."""
    mask, _, _ = draw_glyphs(font, "lnH")
    steps = np.diff(np.pad(mask > 127, ((0, 0), (1, 1))).astype(np.int8), axis=1)
    runs = np.nonzero(steps == -1)[1] - np.nonzero(steps == 1)[1]
    return float(np.median(runs)) / _EM_PX if len(runs) else 0.0


def _form(font: ImageFont.FreeTypeFont, letter: str) -> bytes:
    """The pixels of a letter, without its place; empty if it is blank."""
    mask, _, _ = draw_glyphs(font, letter)
    return bytes(mask.shape) + mask.tobytes() if mask.size else b""
