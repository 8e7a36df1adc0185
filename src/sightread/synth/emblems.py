"""Emblems: small pictures of a coloured shape that bears a symbol, on a cluttered ground.

They are the looks of the entities of `synth-entity` (`entities`). An emblem is six attributes; a
picture of it also has a place, a size, a turn, a ground, sometimes something in front, light and
noise, all from one seed.
"""

from __future__ import annotations

import itertools
from dataclasses import astuple, dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from sightread.synth.colours import shade
from sightread.types import RGBImage

Rng = np.random.Generator
Outline = NDArray[np.float64]
"""(n, 2): corners of a polygon, x to the right, y down, about the origin."""

SHAPES = ("disc", "square", "diamond", "shield", "hexagon", "triangle")
SYMBOLS = ("star", "cross", "ring", "crescent", "arrow", "bar")
PATTERNS = ("plain", "striped", "checked", "dotted")
HUES = ("red", "yellow", "green", "blue", "purple", "white", "black")
SIZE_PX = 40

_FINE = 2
"""Pictures are drawn this many times as large and averaged down."""
_OCCLUDED = 0.35


@dataclass(frozen=True, slots=True)
class Emblem:
    """What can be seen of an entity. The field's colour is neither the edge's nor the symbol's."""

    pattern: str
    field: str
    shape: str
    edge: str
    symbol_hue: str
    symbol: str


@lru_cache(maxsize=1)
def every_emblem() -> tuple[Emblem, ...]:
    """All 36,288 of them, in a shuffled order that never changes."""
    parts = itertools.product(PATTERNS, HUES, SHAPES, HUES, HUES, SYMBOLS)
    found = [Emblem(*one) for one in parts if one[1] not in (one[3], one[4])]
    order = np.random.default_rng(36_288).permutation(len(found))
    return tuple(found[at] for at in order)


def describe(emblem: Emblem) -> str:
    """`a striped red shield with a black edge bearing a white star`."""
    pattern, field, shape, edge, hue, symbol = astuple(emblem)
    return f"a {pattern} {field} {shape} with a {edge} edge bearing a {hue} {symbol}"


def draw_emblem(emblem: Emblem, seed: int, size_px: int = SIZE_PX) -> RGBImage:
    """A picture of an emblem, (size, size, 3)."""
    rng = np.random.default_rng([seed, 11])
    side = size_px * _FINE
    pixels = _ground(side, rng)
    radius = side * rng.uniform(0.30, 0.40)
    centre = side / 2 + (side / 2 - radius) * rng.uniform(-0.9, 0.9, 2)
    place = _Place(centre, radius, float(rng.uniform(-0.4, 0.4)))
    _paint_emblem(pixels, emblem, place, rng)
    if rng.random() < _OCCLUDED:
        _occlude(pixels, place, rng)
    small = cv2.resize(pixels, (size_px, size_px), interpolation=cv2.INTER_AREA)
    lit = small * rng.uniform(0.75, 1.2) + rng.normal(0, 5, small.shape)
    picture: RGBImage = np.clip(lit, 0, 255).astype(np.uint8)
    return picture


@dataclass(frozen=True, slots=True)
class _Place:
    """Centre and radius in pixels, turn in radians."""

    centre: NDArray[np.float64]
    radius: float
    turn: float

    def put(self, outline: Outline, scale: float = 1.0) -> NDArray[np.int32]:
        """Corners in pixels."""
        cos, sin = np.cos(self.turn), np.sin(self.turn)
        turned = outline @ np.array([[cos, sin], [-sin, cos]])
        moved = self.centre + turned * self.radius * scale
        corners: NDArray[np.int32] = np.rint(moved).astype(np.int32)
        return corners


def _paint_emblem(pixels: RGBImage, emblem: Emblem, place: _Place, rng: Rng) -> None:
    outline = _OUTLINES[emblem.shape]
    cv2.fillPoly(pixels, [place.put(outline)], shade(emblem.edge, rng), cv2.LINE_AA)
    mask = np.zeros(pixels.shape[:2], np.uint8)
    cv2.fillPoly(mask, [place.put(outline, 0.8)], (1,))
    field = np.array(shade(emblem.field, rng), np.float64)
    # The pattern is the field's own colour, darker, or lighter where it is dark already.
    other = field * 0.55 if field.max() > 90 else field + 80
    marked = _pattern(emblem.pattern, place, len(pixels))
    colours = np.where(marked[..., None], other, field)
    pixels[mask > 0] = colours[mask > 0].astype(np.uint8)
    _paint_symbol(pixels, emblem.symbol, shade(emblem.symbol_hue, rng), field, place)


def _paint_symbol(
    pixels: RGBImage, symbol: str, hue: tuple[int, int, int], field: Outline, place: _Place
) -> None:
    if symbol in _SYMBOL_OUTLINES:
        cv2.fillPoly(pixels, [place.put(_SYMBOL_OUTLINES[symbol])], hue, cv2.LINE_AA)
        return
    cv2.fillPoly(pixels, [place.put(_round(24), 0.38)], hue, cv2.LINE_AA)
    inner = _round(24) if symbol == "ring" else _round(24) + np.array([0.55, -0.15])
    under = tuple(int(one) for one in field)
    cv2.fillPoly(pixels, [place.put(inner, 0.2 if symbol == "ring" else 0.33)], under, cv2.LINE_AA)


def _pattern(name: str, place: _Place, side: int) -> NDArray[np.bool_]:
    """(side, side): which pixels of the field are marked."""
    down, right = np.mgrid[:side, :side].astype(np.float64)
    x, y = right - place.centre[0], down - place.centre[1]
    cos, sin = np.cos(place.turn), np.sin(place.turn)
    across, along = (x * cos + y * sin) / place.radius, (y * cos - x * sin) / place.radius
    marked: NDArray[np.bool_] = np.zeros((side, side), np.bool_)
    if name == "striped":
        marked = (across * 2.5) % 1 < 0.5
    elif name == "checked":
        marked = ((across * 2) % 1 < 0.5) ^ ((along * 2) % 1 < 0.5)
    elif name == "dotted":
        marked = ((across * 3) % 1 - 0.5) ** 2 + ((along * 3) % 1 - 0.5) ** 2 < 0.09
    return marked


def _ground(side: int, rng: Rng) -> RGBImage:
    """A gradient between two dull colours, with boxes and lines on it."""
    first, last = (_dull(rng) for _ in "ab")
    ramp = np.linspace(0, 1, side)[:, None, None]
    across = np.broadcast_to(first + (last - first) * ramp, (side, side, 3))
    pixels = np.ascontiguousarray(across.swapaxes(0, 1) if rng.random() < 0.5 else across)
    clutter: RGBImage = pixels.astype(np.uint8)
    for _ in range(int(rng.integers(2, 7))):
        a, b = (tuple(int(one) for one in rng.integers(0, side, 2)) for _ in "ab")
        colour = tuple(int(one) for one in _dull(rng))
        if rng.random() < 0.5:
            cv2.rectangle(clutter, a, b, colour, cv2.FILLED)
        else:
            cv2.line(clutter, a, b, colour, int(rng.integers(1, 6)), cv2.LINE_AA)
    return clutter


def _dull(rng: Rng) -> NDArray[np.float64]:
    """A colour near grey, so that the ground is not taken for the emblem."""
    return np.clip(rng.uniform(60, 200) + rng.uniform(-30, 30, 3), 0, 255)


def _occlude(pixels: RGBImage, place: _Place, rng: Rng) -> None:
    """A bar before the emblem, off its middle."""
    angle = rng.uniform(0, 2 * np.pi)
    away = np.array([np.cos(angle), np.sin(angle)])
    middle = place.centre + away * place.radius * rng.uniform(0.6, 0.9)
    along = np.array([-away[1], away[0]]) * place.radius * 1.5
    a, b = (tuple(int(one) for one in middle + sign * along) for sign in (1, -1))
    colour = tuple(int(one) for one in _dull(rng))
    cv2.line(pixels, a, b, colour, max(2, round(place.radius * 0.3)), cv2.LINE_AA)


# --- outlines ----------------------------------------------------------------------------------


def _round(corners: int, start: float = 0.0) -> Outline:
    """A regular polygon of radius 1, its first corner at `start` radians from straight up."""
    angles = start + np.arange(corners) * 2 * np.pi / corners
    return np.stack([np.sin(angles), -np.cos(angles)], 1)


def _star() -> Outline:
    spikes = _round(10)
    spikes[1::2] *= 0.42
    return spikes * 0.48


def _points(*corners: tuple[float, float]) -> Outline:
    return np.array(corners)


_OUTLINES: dict[str, Outline] = {
    "disc": _round(40),
    "square": _round(4, np.pi / 4) * 1.15,
    "diamond": _points((0, -1.1), (0.75, 0), (0, 1.1), (-0.75, 0)),
    "shield": _points((-0.85, -0.9), (0.85, -0.9), (0.8, 0.2), (0, 1.1), (-0.8, 0.2)),
    "hexagon": _round(6),
    "triangle": _round(3) * 1.3 + np.array([0, 0.2]),
}
_SYMBOL_OUTLINES: dict[str, Outline] = {
    "star": _star(),
    "cross": _points(
        (-0.13, -0.42), (0.13, -0.42), (0.13, -0.13), (0.42, -0.13), (0.42, 0.13), (0.13, 0.13),
        (0.13, 0.42), (-0.13, 0.42), (-0.13, 0.13), (-0.42, 0.13), (-0.42, -0.13), (-0.13, -0.13),
    ),
    "arrow": _points(
        (0, -0.48), (0.36, -0.05), (0.14, -0.05), (0.14, 0.42), (-0.14, 0.42), (-0.14, -0.05),
        (-0.36, -0.05),
    ),
    "bar": _points((-0.45, -0.14), (0.45, -0.14), (0.45, 0.14), (-0.45, 0.14)),
}  # fmt: skip
