"""Strips: words cut out of a picture, turned upright and brought to one height.

The finder may look at a small picture; strips are cut from the largest one that is at hand, since
that is where small print is readable, and only there is the reading part of the network run.
"""

from __future__ import annotations

import bisect
import math
from collections.abc import Sequence
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from sightread.spotting.places import Places
from sightread.types import RGBImage

HEIGHT_PX = 32
WIDTHS_PX = (32, 48, 64, 96, 128, 192, 256)
"""Strips have one of these widths: words are stretched or squeezed a little, so that those of one
width go through the network together without padding, which would change what it computes."""
_BETWEEN_PX = [math.sqrt(one * next_) for one, next_ in pairwise(WIDTHS_PX)]
COLUMN_PX = 4
"""One column of the reading part's output."""
MARGIN = 0.15
"""Shown round a place on each side, in heights."""
MIDDLE, PER_DEVIATION = 128, 24
"""Of the input of the network: a byte b stands for (b - 128) / 24 deviations from the mean of the
strip. Pixels that are further off than five deviations, small white letters on black, are cut."""
_FLATTEST = 8.0  # grey levels: a strip with less contrast is not stretched further


def strip_width(place: NDArray[np.float32]) -> int:
    """The width of a strip in pixels: the nearest by ratio. Words of more than about eight
    times their height are squeezed."""
    length, height = float(place[2]), max(float(place[3]), 1e-3)
    natural = HEIGHT_PX * (length + 2 * MARGIN * height) / (height * (1 + 2 * MARGIN))
    return WIDTHS_PX[bisect.bisect_left(_BETWEEN_PX, natural)]


def cut_strip(image: RGBImage, place: NDArray[np.float32]) -> RGBImage:
    """(32, W, 3) uint8: the word at a place, reading to the right. What lies outside of the
    picture repeats its rim."""
    x, y, length, height, angle = place.tolist()
    width = strip_width(place)
    high = height * (1 + 2 * MARGIN)
    long = length + 2 * MARGIN * height
    piece, origin, factor = _piece(image, place, high / HEIGHT_PX)
    cos, sin = math.cos(angle), math.sin(angle)
    across, down = long / width / factor, high / HEIGHT_PX / factor
    # From the middle of a pixel of the strip to the middle of one of the piece. In plain numbers:
    # arrays of two take longer than the strip itself.
    column, row = (width - 1) / 2, (HEIGHT_PX - 1) / 2
    right = (x - origin[0]) / factor - 0.5 - cos * across * column + sin * down * row
    below = (y - origin[1]) / factor - 0.5 - sin * across * column - cos * down * row
    matrix = np.array([[cos * across, -sin * down, right], [sin * across, cos * down, below]])
    how = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    strip: RGBImage = cv2.warpAffine(
        piece, matrix, (width, HEIGHT_PX), flags=how, borderMode=cv2.BORDER_REPLICATE
    )
    return strip


def _piece(
    image: RGBImage, place: NDArray[np.float32], scale: float
) -> tuple[RGBImage, tuple[float, float], float]:
    """The part of the picture round a place, averaged down where the word is much larger than the
    strip; where its corner is, and how many pixels of the picture one of its own is."""
    if scale < 2:
        return image, (0.0, 0.0), 1.0
    x, y, length, height, _ = place.tolist()
    reach = math.hypot(length + 2 * MARGIN * height, height * (1 + 2 * MARGIN)) / 2 + 2
    rows, columns = image.shape[:2]
    left, right = (int(min(max(v, 0), columns)) for v in (x - reach, x + reach + 1))
    top, bottom = (int(min(max(v, 0), rows)) for v in (y - reach, y + reach + 1))
    factor = int(scale)
    wide, high = (right - left) // factor, (bottom - top) // factor
    if min(wide, high) < 2:
        return image, (0.0, 0.0), 1.0
    part = image[top : top + high * factor, left : left + wide * factor]
    small: RGBImage = cv2.resize(part, (wide, high), interpolation=cv2.INTER_AREA)
    return small, (float(left), float(top)), float(factor)


def as_input(strips: Sequence[RGBImage]) -> NDArray[np.uint8]:
    """Strips of one width as the input of the network, each at one mean and one deviation.

    Returns:
        (n, 32, width, 3), see `MIDDLE`.
    """
    found = np.empty((len(strips), *strips[0].shape), np.uint8)
    for strip, made in zip(strips, found, strict=True):
        mean, deviation = (float(one[0, 0]) for one in cv2.meanStdDev(strip.reshape(HEIGHT_PX, -1)))
        scale = PER_DEVIATION / max(deviation, _FLATTEST)
        cv2.addWeighted(strip, scale, strip, 0.0, MIDDLE - mean * scale, made)
    return found


def cut_strips(image: RGBImage, places: Places) -> list[RGBImage]:
    """`cut_strip` for each place."""
    return [cut_strip(image, place) for place in places]


def by_width(widths: Sequence[int]) -> dict[int, list[int]]:
    """Width -> which strips have it, narrow ones first."""
    groups: dict[int, list[int]] = {}
    for number, width in sorted(enumerate(widths), key=lambda one: (one[1], one[0])):
        groups.setdefault(width, []).append(number)
    return groups
