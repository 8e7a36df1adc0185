"""Small scenes of `synth-ambiguity`: three things that can bear a word, and one that never does.

A scene has 2 x 2 cells. A carrier has a dark plate, with a word on it or without; an icon has none.
Grey words that nobody speaks of stand on the ground between the cells. Letters are those of the
bitmap face that is built into Pillow, 6 x 11 pixels each, so that every word of up to six letters
fits on a plate.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from sightread.synth.colours import Rgb, shade
from sightread.synth.geometry import Box, box_quad
from sightread.synth.paint import tone
from sightread.synth.things import OBJECTS, Outline, Part
from sightread.types import Quad, RGBImage

Rng = np.random.Generator

SIZE_PX = 96
HUES = ("green", "blue", "yellow", "purple", "grey", "brown")
"""No red: red is the colour of marks."""
ICONS = ("sun", "moon", "tree", "fish")
LETTER_PX = (6, 11)
LONGEST = 6
SLOTS = 6
"""So many places there are for words on the ground."""

_CENTRES = ((24, 26), (72, 26), (24, 70), (72, 70))
_HALF = (20.0, 16.0)
_ICON_RADIUS = 15.0
_PLATE = (38, 12)
_PLATE_COLOUR: Rgb = (36, 34, 40)
_BANDS = (0, 42, 85)
"""Upper edges of the words on the ground."""
_SHIFT = 4
"""Corners are drawn to the 16th of a pixel."""


def _box(x0: float, y0: float, x1: float, y1: float) -> Outline:
    return np.array([(x0, y0), (x1, y0), (x1, y1), (x0, y1)], np.float64)


def _oval(x: float, y: float, rx: float, ry: float) -> Outline:
    angles = np.linspace(0, 2 * np.pi, 25)[:-1]
    return np.stack([x + rx * np.cos(angles), y + ry * np.sin(angles)], axis=1)


def _shirt() -> Outline:
    return np.array(
        [(-0.4, -0.95), (-0.2, -0.75), (0.2, -0.75), (0.4, -0.95), (0.95, -0.85), (1.15, -0.2),
         (0.98, -0.1), (0.95, 0.98), (-0.95, 0.98), (-0.98, -0.1), (-1.15, -0.2), (-0.95, -0.85)],
        np.float64,
    )  # fmt: skip


_WHEELS: list[Part] = [(_oval(x, 0.74, 0.24, 0.3), "black") for x in (-0.55, 0.55)]
_WINDOWS: list[Part] = [
    (_box(x, -0.8, x + 0.34, -0.36), "light") for x in (-0.92, -0.44, 0.04, 0.52)
]
_CARRIERS: Mapping[str, tuple[float, list[Part]]] = {
    "sign": (-0.35, [(_box(-0.12, 0.2, 0.12, 1), "black"), (_box(-1, -0.95, 1, 0.25), "main")]),
    "laptop": (
        -0.3,
        [
            (_box(-0.98, -1, 0.98, 0.42), "main"),
            (_box(-0.9, -0.9, 0.9, 0.3), "light"),
            (np.array([(-0.98, 0.46), (0.98, 0.46), (1.2, 1), (-1.2, 1)]), "dark"),
        ],
    ),
    "crate": (
        0.1,
        [
            (_box(-1, -0.9, 1, 0.95), "main"),
            (_box(-1, -0.62, 1, -0.52), "dark"),
            (_box(-1, 0.6, 1, 0.7), "dark"),
            (_box(-0.94, -0.9, -0.84, 0.95), "dark"),
            (_box(0.84, -0.9, 0.94, 0.95), "dark"),
        ],
    ),
    "shirt": (0.25, [(_shirt(), "main")]),
    "bus": (0.08, [(_box(-1.08, -0.92, 1.08, 0.6), "main"), *_WINDOWS, *_WHEELS]),
    "mug": (
        0.05,
        [
            (_oval(0.9, 0, 0.3, 0.6), "dark"),
            (_oval(0.88, 0, 0.16, 0.34), "white"),
            (np.array([(-1, -0.9), (0.92, -0.9), (0.8, 0.95), (-0.86, 0.95)]), "main"),
            (_oval(-0.04, -0.88, 0.95, 0.12), "dark"),
        ],
    ),
}
"""Name -> how high its plate is, and its parts, in the unit of half a carrier's sides."""
CARRIERS = tuple(_CARRIERS)


@dataclass(frozen=True, slots=True)
class Shown:
    """A thing in a cell: a carrier or an icon, and its colour."""

    name: str
    hue: str

    @property
    def bears(self) -> bool:
        """Whether it has a plate."""
        return self.name in _CARRIERS

    def __str__(self) -> str:
        return f"{self.hue} {self.name}"


@dataclass(frozen=True, slots=True)
class Board:
    """A scene without its words: what stands in the four cells, a seed for the ground, shades and
    places, and what is written on the ground: slot -> word."""

    cells: tuple[Shown, Shown, Shown, Shown]
    seed: int
    loose: Mapping[int, str]


def plate_quad(board: Board, cell: int, word: str) -> Quad:
    """Where a word stands on the plate of a cell; round the middle of an icon."""
    x, y = _plate_middle(board, cell)
    width = LETTER_PX[0] * len(word)
    return _quad(x - width // 2, y - LETTER_PX[1] // 2, word)


def loose_quad(board: Board, slot: int) -> Quad:
    """Where a word stands on the ground."""
    x, y = _loose_corner(board, slot)
    return _quad(x, y, board.loose[slot])


def draw_board(board: Board, written: Mapping[int, str]) -> RGBImage:
    """The picture, (96, 96, 3).

    Args:
        written: cell of a carrier -> the word on its plate. Nothing else of the picture depends on
            it.
    """
    rng = np.random.default_rng([board.seed, 31])
    pixels = _ground(rng)
    for slot, word in board.loose.items():
        grey = int(rng.integers(90, 150))
        _write(pixels, _loose_corner(board, slot), word, (grey, grey, grey))
    for cell, shown in enumerate(board.cells):
        main = shade(shown.hue, rng)
        _paint(pixels, shown, _middle(board, cell), main)
        if shown.bears:
            _paint_plate(pixels, _plate_middle(board, cell), written.get(cell, ""))
    noisy = pixels + rng.normal(0, 3, pixels.shape)
    picture: RGBImage = np.clip(noisy, 0, 255).astype(np.uint8)
    return picture


def _quad(x: int, y: int, word: str) -> Quad:
    box: Box = (x, y, x + LETTER_PX[0] * len(word), y + LETTER_PX[1])
    return box_quad(box)


def _jitter(board: Board, number: int) -> tuple[int, int]:
    down, right = np.random.default_rng([board.seed, 32, number]).integers(-1, 2, 2)
    return int(right), int(down)


def _middle(board: Board, cell: int) -> tuple[int, int]:
    right, down = _jitter(board, cell)
    return _CENTRES[cell][0] + right, _CENTRES[cell][1] + down


def _plate_middle(board: Board, cell: int) -> tuple[int, int]:
    x, y = _middle(board, cell)
    shown = board.cells[cell]
    return (x, round(y + _CARRIERS[shown.name][0] * _HALF[1])) if shown.bears else (x, y)


def _loose_corner(board: Board, slot: int) -> tuple[int, int]:
    right, _ = _jitter(board, 4 + slot)
    room = SIZE_PX // 2 - LETTER_PX[0] * len(board.loose[slot])
    return slot % 2 * (SIZE_PX // 2) + room // 2 + 2 * right, _BANDS[slot // 2]


def _ground(rng: Rng) -> RGBImage:
    """Light, from one pale colour to another."""
    first, last = (rng.uniform(205, 250) + rng.uniform(-8, 8, 3) for _ in "ab")
    ramp = np.linspace(0, 1, SIZE_PX)[:, None, None]
    pixels = np.broadcast_to(first + (last - first) * ramp, (SIZE_PX, SIZE_PX, 3))
    turned = pixels.swapaxes(0, 1) if rng.random() < 0.5 else pixels
    return np.clip(np.ascontiguousarray(turned), 0, 255).astype(np.uint8)


def _paint(pixels: RGBImage, shown: Shown, middle: tuple[int, int], main: Rgb) -> None:
    if shown.bears:
        parts, half = _CARRIERS[shown.name][1], np.array(_HALF)
    else:
        thing, half = OBJECTS[shown.name], np.array([_ICON_RADIUS, _ICON_RADIUS])
        starts = (0, *thing.ends)
        parts = [
            (thing.corners[start:end], fill)
            for start, end, fill in zip(starts, thing.ends, thing.fills, strict=False)
        ]
    for outline, fill in parts:
        corners = np.rint((np.array(middle) + outline * half) * 2**_SHIFT).astype(np.int32)
        cv2.fillPoly(pixels, [corners], tone(main, fill), cv2.LINE_AA, _SHIFT)


def _paint_plate(pixels: RGBImage, middle: tuple[int, int], word: str) -> None:
    x, y = middle
    left, top = x - _PLATE[0] // 2, y - _PLATE[1] // 2
    pixels[max(0, top) : top + _PLATE[1], max(0, left) : left + _PLATE[0]] = _PLATE_COLOUR
    corner = (x - LETTER_PX[0] * len(word) // 2, y - LETTER_PX[1] // 2)
    _write(pixels, corner, word, (246, 246, 244))


def _write(pixels: RGBImage, corner: tuple[int, int], word: str, ink: Rgb) -> None:
    x, y = corner
    mask = _letters(word)
    high, wide = (min(a, b) for a, b in zip(mask.shape, (SIZE_PX - y, SIZE_PX - x), strict=True))
    pixels[y : y + high, x : x + wide][mask[:high, :wide]] = ink


@lru_cache(maxsize=4096)
def _letters(word: str) -> NDArray[np.bool_]:
    """(11, 6 n): which pixels are ink."""
    canvas = Image.new("1", (max(1, LETTER_PX[0] * len(word)), LETTER_PX[1]))
    ImageDraw.Draw(canvas).text((0, 0), word, fill=1, font=_face())
    return np.asarray(canvas, bool)


@lru_cache(maxsize=1)
def _face() -> ImageFont.ImageFont:
    return ImageFont.load_default_imagefont()
