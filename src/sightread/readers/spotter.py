"""The word spotter as a reader: finds words, reads them, and gives each a vector.

The picture is looked through for words (`spotting.maps`), made small first, and closely where small
words are (`spotting.attention`); then each word is cut out of the picture itself
(`spotting.strips`), so that the cost of reading depends on how much there is to read. Runs an
exported model folder with ONNX Runtime; no torch.
"""

from __future__ import annotations

import hashlib
import math
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from sightread import modelfolder
from sightread.errors import ModelError, UsageError
from sightread.readers import SPOTTER_MODEL, Detail
from sightread.readers.candidates import Candidates
from sightread.readers.nets import Graph, load_graph
from sightread.readers.retrying import read_again
from sightread.readers.segmenting import segmented
from sightread.readers.words import WordTower, read_spotter
from sightread.revisions import with_sides
from sightread.spotting.alphabet import READ
from sightread.spotting.attention import Attention, Window, attended, whole
from sightread.spotting.choosing import choose, distinct
from sightread.spotting.lines import line_numbers
from sightread.spotting.maps import STRIDE, FindSettings, Found, Map, find_places
from sightread.spotting.places import Places, corners, scaled
from sightread.spotting.readings import read_columns
from sightread.spotting.resizing import resized
from sightread.spotting.strips import MIDDLE, PER_DEVIATION, as_input, by_width, cut_strips
from sightread.types import Quad, ReaderSpec, RGBImage, Vectors, WordRegion

# To be raised with every change of the code here or in `spotting` that changes what is read.
_PROCEDURE = 4
_STRIPS_AT_ONCE = 16
_ENLARGE = 2.0
"""Small pictures are enlarged by no more than this before words are looked for."""
_LANDSCAPE = 3 / 4
"""Of the square of the side: the area of most photographs."""


@dataclass(frozen=True, slots=True)
class Sides:
    """Longer sides in pixels.

    Attributes:
        glance_px: of the picture at a glance; 0 if all of it is looked at closely.
        find_px: of the picture in which words are looked for, where the glance shows something.
        far_px: of the small one in which the largest words are: the finder knows words of up to a
            hundred pixels.
        read_px: of the one out of which words are cut.
    """

    glance_px: int
    find_px: int
    far_px: int
    read_px: int

    @property
    def least_px(self) -> int:
        """Of the smallest picture that is looked at as large as is meant."""
        return math.ceil((self.glance_px or self.find_px) / _ENLARGE)


DETAILS: dict[Detail, Sides] = {
    "low": Sides(0, 640, 224, 960),
    "normal": Sides(640, 1280, 224, 1280),
    "high": Sides(800, 1920, 224, 2048),
}
_ATTENTION = Attention()


SETTINGS = (FindSettings(cell=0.35, word=0.6), FindSettings(cell=0.6, word=0.75))
"""Thin gaps between words are seen by the second, thin words by the first."""


class SpotterReader:
    """Reads with a model folder of kind "spotter". May be called from several threads."""

    def __init__(
        self,
        folder: str | os.PathLike[str],
        *,
        detail: Detail = "normal",
        settings: Sequence[FindSettings] = SETTINGS,
    ) -> None:
        """
        Args:
            detail: how small words are looked for; see `DETAILS`.
            settings: when marks count as a word; of several, what any of them finds.

        Raises:
            ModelError: there is no model, it is damaged, or of another kind or version.
            UsageError: there is no such detail.
        """
        if detail not in DETAILS:
            raise UsageError(f"There is no detail {detail!r}: choose low, normal or high.")
        self.info = read_spotter(folder)
        for name, ours in (("read", READ), ("strips", [MIDDLE, PER_DEVIATION])):
            if self.info.details.get(name) != ours:
                raise ModelError(
                    f"{folder} was made for another version of sightread (its details.{name} is "
                    "not this one's); export the model again with this version."
                )
        self.sides = DETAILS[detail]
        self.settings = tuple(settings)
        self._find, self._strips = (
            self._load(Path(folder), name)
            for name in (modelfolder.FIND_GRAPH, modelfolder.STRIP_GRAPH)
        )
        self._words = WordTower(folder, self.info)
        identity = (
            f"{_PROCEDURE} {self.info.revision} {self.sides!r} {self.settings!r} {_ATTENTION!r}"
        )
        self._spec = ReaderSpec(
            name="spotter",
            revision=with_sides(
                hashlib.sha256(identity.encode()).hexdigest()[:12],
                self.sides.least_px,
                self.sides.read_px,
            ),
            side_limit_px=self.sides.read_px,
            space=self._words.spec,
            # The model of the package is where the package is, on every machine.
            folder="" if Path(folder) == SPOTTER_MODEL else os.path.abspath(folder),
        )

    def _load(self, folder: Path, name: str) -> Graph:
        return load_graph(modelfolder.read_bytes(folder, self.info, name), folder / name)

    @property
    def spec(self) -> ReaderSpec:
        return self._spec

    def read(self, images: Sequence[RGBImage]) -> list[list[WordRegion]]:
        """See `Reader.read`; every region has a vector, and a text where it could be read."""
        return [self._read_one(image) for image in images]

    def encode_words(self, words: Sequence[str]) -> Vectors:
        """See `Reader.encode_words`.

        Raises:
            UsageError: a word has no letter or digit, or one that the spotter does not know.
        """
        return self._words.encode_words(words)

    # --- one picture -----------------------------------------------------------------------------

    def _read_one(self, image: RGBImage) -> list[WordRegion]:
        image = _reduced(image, self.sides.read_px)
        return self.read_found(image, self.find(image))

    def read_found(self, image: RGBImage, found: Found) -> list[WordRegion]:
        """The words at the places that were found in this image."""

        def read(places: Places, scores: NDArray[np.float32]) -> Candidates:
            vectors, columns = self.read_strips(cut_strips(image, places))
            return Candidates(places, scores, vectors, [read_columns(logs) for logs in columns])

        first = read(found.places, found.scores)
        return _regions(segmented(read_again(first, read), read))

    def find(self, image: RGBImage) -> Found:
        """Where words may be, in pixels of the image, see `spotting.choosing`."""
        return self.find_by(image, [self.settings])[0]

    def find_by(self, image: RGBImage, choices: Sequence[Sequence[FindSettings]]) -> list[Found]:
        """`find` with several choices of settings for one look at the picture."""
        settings = list(dict.fromkeys(one for choice in choices for one in choice))
        height, width = image.shape[:2]
        closer = _size_for(width, height, self.sides.find_px)
        first = _size_for(width, height, self.sides.glance_px or self.sides.find_px)
        glance = resized(image, first)
        # What was enlarged for the glance is not made small again: that would blur it.
        sharper = glance if first[0] < width else image
        far = resized(sharper, _size_for(width, height, self.sides.far_px))
        _, largest = self._look(far, (width, height), settings)
        maps, found = self._look(glance, (width, height), settings)
        looks = [largest, found]
        if self.sides.glance_px:
            parts = attended(*maps, first, closer, _ATTENTION)
            looks += [self._look_closer(image, closer, part, settings) for part in parts]
        by_setting = dict(zip(settings, zip(*looks, strict=True), strict=True))
        return [
            distinct([found for one in choice for found in by_setting[one]]) for choice in choices
        ]

    def _look_closer(
        self,
        image: RGBImage,
        closer: tuple[int, int],
        window: Window,
        settings: Sequence[FindSettings],
    ) -> list[Found]:
        """What is found in a window of the picture at the size of the closer look."""
        height, width = image.shape[:2]
        across, down = width / closer[0], height / closer[1]
        left, right = (round(side * across) for side in (window[0], window[2]))
        top, bottom = (round(side * down) for side in (window[1], window[3]))
        part = image[top:bottom, left:right]
        inner = (window[2] - window[0], window[3] - window[1])
        _, looks = self._look(resized(part, inner), part.shape[1::-1], settings)
        return [whole(found, (left, top, right, bottom), width, height) for found in looks]

    def _look(
        self, picture: RGBImage, size: tuple[int, int], settings: Sequence[FindSettings]
    ) -> tuple[tuple[Map, Map], list[Found]]:
        """The maps of a picture that was made of one with this width and height, and what is found
        with each of the settings, in pixels of that one."""
        width, height = size
        inner = picture.shape[1::-1]
        kernel, geometry = self.maps(picture)
        looks: list[Found] = []
        for one in settings:
            found = find_places(kernel, geometry, one)
            places = scaled(found.places, width / inner[0], height / inner[1])
            inside = (places[:, :2] > 0).all(axis=1) & (places[:, :2] < (width, height)).all(axis=1)
            looks.append(Found(places[inside], found.scores[inside]))
        return (kernel, geometry), looks

    def maps(self, picture: RGBImage) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """(H, W, 3) -> kernels and geometry, see `spotting.maps`; they cover the picture and what
        is added at its right and bottom to fill whole steps of the network."""
        kernel, geometry = self._find(_filled(picture)[None])
        return kernel[0], geometry[0]

    def read_strips(self, strips: Sequence[RGBImage]) -> tuple[Vectors, list[NDArray[np.float32]]]:
        """Unit vectors (n, D), and per strip logarithms of probabilities (columns, classes)."""
        vectors = np.zeros((len(strips), self.info.dim), np.float32)
        columns: list[Any] = [None] * len(strips)
        for group in by_width([strip.shape[1] for strip in strips]).values():
            for first in range(0, len(group), _STRIPS_AT_ONCE):
                numbers = group[first : first + _STRIPS_AT_ONCE]
                found, logs = self._strips(as_input([strips[number] for number in numbers]))
                vectors[numbers] = found
                for number, rows in zip(numbers, logs, strict=True):
                    columns[number] = rows
        return vectors, columns


def _size_for(width: int, height: int, side_px: int) -> tuple[int, int]:
    """Width and height with a longer side of `side_px`; banners, whose words are small, are
    searched larger, up to the area of a picture of 4 x 3 and twice the side."""
    longer = side_px / max(width, height)
    area = math.sqrt(_LANDSCAPE / (width * height)) * side_px
    scale = min(max(longer, area), 2 * longer, _ENLARGE)
    return max(1, round(width * scale)), max(1, round(height * scale))


def _reduced(image: RGBImage, side_px: int) -> RGBImage:
    height, width = image.shape[:2]
    side = max(width, height)
    if side <= side_px:
        return image
    size = (max(1, round(width * side_px / side)), max(1, round(height * side_px / side)))
    return resized(image, size)


def _filled(image: RGBImage) -> RGBImage:
    """With the rim repeated until both sides are multiples of the network's stride."""
    height, width = image.shape[:2]
    below, right = (math.ceil(side / STRIDE) * STRIDE - side for side in (height, width))
    if not below and not right:
        return np.ascontiguousarray(image)
    filled: RGBImage = cv2.copyMakeBorder(image, 0, below, 0, right, cv2.BORDER_REPLICATE)
    return filled


def _regions(found: Candidates) -> list[WordRegion]:
    """Words line by line in reading order, then second thoughts, each on a line of its own."""
    words, others = choose(found.places, found.readings)
    numbered = line_numbers(found.places[words])
    lines = {number: line for number, (line, _) in zip(words, numbered, strict=True)}
    order = sorted(zip(numbered, words, strict=True))
    beyond = 1 + max(lines.values(), default=-1)
    lines |= {number: beyond + at for at, number in enumerate(others)}
    quads = _quads(found.places)
    return [
        WordRegion(
            box=quads[number],
            confidence=found.readings[number].confidence or float(found.scores[number]),
            text=found.readings[number].text or None,
            vector=found.vectors[number],
            line=lines[number],
        )
        for number in (*(number for _, number in order), *others)
    ]


def _quads(places: Places) -> list[Quad]:
    points = corners(places).tolist()
    return [((*one,), (*two,), (*three,), (*four,)) for one, two, three, four in points]
