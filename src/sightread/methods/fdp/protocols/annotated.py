"""Pictures with polygons around their words: what FDP trains on."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path

from sightread.errors import UsageError
from sightread.methods.files import PictureFolder, broken, load_picture, read_lines
from sightread.types import Point, RGBImage

Polygon = tuple[Point, ...]
DONT_CARE = "###"
MIN_LETTERS = 3
"""Shorter words are localised but not asked for (section 2.1)."""


@dataclass(frozen=True, slots=True)
class TextPolygon:
    """A legible word: corners in pixels of the picture as stored, clockwise from its start, and
    its text as annotated, in its own letter case."""

    corners: Polygon
    text: str


@dataclass(frozen=True, slots=True)
class AnnotatedPicture:
    """`id` is the file's name, lower-cased. `texts` is what the localisation network
    should find; `ignored` counts neither way: other scripts, illegible, empty (section 2.1)."""

    id: str
    path: Path
    texts: tuple[TextPolygon, ...]
    ignored: tuple[Polygon, ...]

    def load(self) -> RGBImage:
        """The pixels, RGB, as they are stored. Some files of MLT carry an EXIF orientation, and
        their polygons were drawn without regard to it (open-mmlab/mmocr, pull request 375).

        Raises:
            PictureError: the file is not there any more, or cannot be decoded.
        """
        return load_picture(self.path, upright=False)

    def words(self, lexicon: Collection[str] | None = None) -> list[str]:
        """The training samples of this picture: one lower-cased word per instance, three or more
        characters long and in the lexicon (None: any)."""
        found = [one.text.lower() for one in self.texts if len(one.text) >= MIN_LETTERS]
        return [word for word in found if lexicon is None or word in lexicon]


@dataclass(frozen=True, slots=True)
class AnnotatedSet:
    """A data set to train on. `unannotated` pictures have no truth and `pictureless` truth has no
    picture; both are left out and counted."""

    name: str
    pictures: tuple[AnnotatedPicture, ...]
    unannotated: int
    pictureless: int

    def split(self, share: float = 0.05, seed: int = 0) -> tuple[AnnotatedSet, AnnotatedSet]:
        """(the rest, held out): about `share` of the pictures, by the hash of seed and id, so that
        a picture stays on its side when others come or go (Q7).

        Raises:
            ValueError: `share` is not between 0 and 1.
        """
        if not 0 < share < 1:
            raise ValueError(f"share is {share}, it must be between 0 and 1")
        kept: tuple[list[AnnotatedPicture], list[AnnotatedPicture]] = [], []
        for picture in self.pictures:
            digest = hashlib.sha256(f"{seed}:{picture.id}".encode()).digest()
            kept[int.from_bytes(digest[:8], "big") < share * 2**64].append(picture)
        rest, held = (AnnotatedSet(self.name, tuple(side), 0, 0) for side in kept)
        return rest, held


Words = tuple[tuple[TextPolygon, ...], tuple[Polygon, ...]]
"""Text polygons and ignored polygons of one picture."""


def read_annotated(
    name: str, images: Path, truths: Path, prefix: str, read: Callable[[Path], Words], layout: str
) -> AnnotatedSet:
    """All pictures of a folder that have a truth file `<prefix><stem>.txt`.

    Raises:
        UsageError: a folder is not there, a line is broken, or nothing fits together.
    """
    folder, there = PictureFolder(images, layout), PictureFolder(truths, layout)
    names = folder.names()
    pictures = []
    for one in names:
        stem = os.path.splitext(one)[0]
        path, truth = folder.path(one), there.path(f"{prefix}{stem}.txt")
        if path is not None and truth is not None:
            pictures.append(AnnotatedPicture(one, path, *read(truth)))
    if not pictures:
        raise UsageError(f"No picture of {images} has a truth in {truths}; expected: {layout}.")
    annotated = {prefix + os.path.splitext(one)[0] for one in names}
    lonely = {p.stem.lower() for p in truth_files(truths)} - annotated
    return AnnotatedSet(name, tuple(pictures), len(names) - len(pictures), len(lonely))


def truth_files(folder: Path) -> list[Path]:
    """The .txt files of a folder, in any letter case, sorted."""
    return sorted(path for path in folder.glob("*") if path.suffix.lower() == ".txt")


def read_polygon_lines(path: Path, scripts: bool) -> Words:
    """Truth in lines `x1,y1,x2,y2,x3,y3,x4,y4,[script,]transcription`.

    Everything after the last of these commas is the transcription, which may hold commas (Q18).
    Latin, legible, not empty: a text polygon; everything else is ignored (section 2.1).

    Args:
        path: the file.
        scripts: whether the lines name a script; without, all text is Latin.

    Raises:
        UsageError: a line is not in this form.
    """
    form = f"eight integers,{' script,' if scripts else ''} transcription, parted by commas"
    texts: list[TextPolygon] = []
    ignored: list[Polygon] = []
    for number, line in read_lines(path):
        parts = line.split(",", 9 if scripts else 8)
        try:
            if len(parts) != (10 if scripts else 9):
                raise ValueError
            numbers = [int(part) for part in parts[:8]]
        except ValueError as error:
            raise broken(path, number, form, repr(line[:60])) from error
        pairs = zip(numbers[::2], numbers[1::2], strict=True)
        corners = tuple((float(x), float(y)) for x, y in pairs)
        text = parts[-1].strip()
        latin = not scripts or parts[8].strip() == "Latin"
        if latin and text and DONT_CARE not in text:
            texts.append(TextPolygon(corners, text))
        else:
            ignored.append(corners)
    return tuple(texts), tuple(ignored)
