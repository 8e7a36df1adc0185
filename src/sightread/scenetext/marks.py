"""The visual prompt: the written words of a picture, marked in it (section 6.1).

Red marks draw the attention of a CLIP that has seen the web to what they surround. They are drawn
before the picture is made small, and depend on the picture and the words read in it alone.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from sightread.errors import UsageError
from sightread.scenetext.tokens import SceneToken
from sightread.types import RGBImage

_FRACTION = 16
"""OpenCV takes points in 1/2**4 of a pixel."""
_TINT, _TINT_SHARE = (0, 200, 200), 0.35
_LINE_GAP, _LINE_SHARED = 1.2, 0.3
"""Lines of one block: so many heights between them at most, so much shared width at least."""

Rectangle = tuple[tuple[float, float], tuple[float, float], float]
"""Middle, sides and angle in degrees, as OpenCV has rotated rectangles."""


@dataclass(frozen=True, slots=True)
class MarkSettings:
    """How words are marked.

    Attributes:
        style: `quad` outlines, `quad_tint` colours what is inside besides, `ellipse` goes round,
            `blur` blurs everything else, `none` leaves the picture alone.
        level: what a mark surrounds; lines and blocks are found by geometry.
        most: so many marks at most, the largest and surest.
        colour: red, green, blue.
    """

    style: Literal["quad", "quad_tint", "ellipse", "blur", "none"] = "quad"
    level: Literal["word", "line", "block"] = "line"
    most: int = 8
    colour: tuple[int, int, int] = (255, 0, 0)

    def __post_init__(self) -> None:
        if self.most < 0 or not all(0 <= value <= 255 for value in self.colour):
            raise UsageError(
                f"most marks {self.most} must be 0 or more, and the colour {self.colour} three "
                "numbers from 0 to 255."
            )


def marked(pixels: RGBImage, tokens: Sequence[SceneToken], settings: MarkSettings) -> RGBImage:
    """A copy with the words marked; the same array where there is nothing to mark.

    Args:
        pixels: the upright picture.
        tokens: in pixels of it.
    """
    if settings.style == "none" or not tokens or not settings.most:
        return pixels
    side = min(pixels.shape[:2])
    thick = max(2, round(2 * side / 224))
    rectangles = mark_places(tokens, settings)
    found = np.ascontiguousarray(pixels).copy()
    if settings.style == "blur":
        return _blurred(found, [_grown(one, 2 * thick) for one in rectangles], 0.03 * side)
    for one in rectangles:
        if settings.style == "ellipse":
            _ellipse(found, one, thick, settings.colour)
            continue
        corners = _fixed(cv2.boxPoints(_grown(one, 2 * thick)))
        if settings.style == "quad_tint":
            _tint(found, corners)
        cv2.polylines(found, [corners], True, settings.colour, thick, cv2.LINE_AA, 4)
    return found


def mark_places(tokens: Sequence[SceneToken], settings: MarkSettings) -> list[Rectangle]:
    """The tight rotated rectangles that are marked, before they are grown."""
    weighed = []
    for group in _groups(tokens, settings.level):
        points = np.concatenate([token.corners for token in group]).astype(np.float32)
        middle, sides, angle = cv2.minAreaRect(points)
        sure = sum(token.confidence for token in group) / len(group)
        weighed.append((sure * sides[0] * sides[1], (middle, sides, angle)))
    weighed.sort(key=lambda one: (-one[0], one[1]))
    return [rectangle for _, rectangle in weighed[: settings.most]]


def _groups(tokens: Sequence[SceneToken], level: str) -> list[list[SceneToken]]:
    if level == "word":
        return [[token] for token in tokens]
    lines: dict[int, list[SceneToken]] = {}
    for token in tokens:
        lines.setdefault(token.line, []).append(token)
    return list(lines.values()) if level == "line" else _blocks(list(lines.values()))


def _blocks(lines: list[list[SceneToken]]) -> list[list[SceneToken]]:
    """Lines that stand closely under each other, together."""
    extents = [_extent(line) for line in lines]
    block = list(range(len(lines)))
    for one in range(len(lines)):
        for other in range(one):
            if _stacked(extents[one], extents[other]):
                old, new = block[one], block[other]
                block = [new if number == old else number for number in block]
    found: dict[int, list[SceneToken]] = {}
    for number, line in zip(block, lines, strict=True):
        found.setdefault(number, []).extend(line)
    return list(found.values())


def _extent(line: list[SceneToken]) -> tuple[float, float, float, float]:
    points = np.concatenate([token.corners for token in line])
    left, top = points.min(axis=0).tolist()
    right, bottom = points.max(axis=0).tolist()
    return left, top, right, bottom


def _stacked(
    one: tuple[float, float, float, float], other: tuple[float, float, float, float]
) -> bool:
    gap = max(one[1], other[1]) - min(one[3], other[3])
    shared = min(one[2], other[2]) - max(one[0], other[0])
    narrow = min(one[2] - one[0], other[2] - other[0])
    height = min(one[3] - one[1], other[3] - other[1])
    return gap <= _LINE_GAP * height and shared >= _LINE_SHARED * narrow


def _grown(rectangle: Rectangle, by: float) -> Rectangle:
    """With `by` pixels more on each side."""
    middle, (long, high), angle = rectangle
    return middle, (long + 2 * by, high + 2 * by), angle


def _fixed(points: NDArray[np.floating]) -> NDArray[np.int32]:
    """Corners in fixed point, middles of pixels at whole numbers as OpenCV has them."""
    return np.round((np.asarray(points, np.float64) - 0.5) * _FRACTION).astype(np.int32)


def _ellipse(
    image: RGBImage, rectangle: Rectangle, thick: int, colour: tuple[int, int, int]
) -> None:
    (x, y), (long, high), angle = rectangle
    whole = math.sqrt(2) * long + 4 * thick, math.sqrt(2) * high + 4 * thick
    cv2.ellipse(image, ((x - 0.5, y - 0.5), whole, angle), colour, thick, cv2.LINE_AA)


def _tint(image: RGBImage, corners: NDArray[np.int32]) -> None:
    inside = np.zeros(image.shape[:2], np.uint8)
    cv2.fillPoly(inside, [corners], 1, cv2.LINE_8, 4)
    here = inside.astype(bool)
    mixed = image[here] * (1 - _TINT_SHARE) + np.array(_TINT) * _TINT_SHARE
    image[here] = np.round(mixed).astype(np.uint8)


def _blurred(image: RGBImage, rectangles: Sequence[Rectangle], sigma: float) -> RGBImage:
    soft = cv2.GaussianBlur(image, (0, 0), max(sigma, 0.1), borderType=cv2.BORDER_REPLICATE)
    inside = np.zeros(image.shape[:2], np.uint8)
    for one in rectangles:
        cv2.fillPoly(inside, [_fixed(cv2.boxPoints(one))], 1, cv2.LINE_8, 4)
    found: RGBImage = np.where(inside[..., None].astype(bool), image, soft)
    return found
