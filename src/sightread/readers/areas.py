"""Where in a picture a detector of lines has to look, if somebody else saw words there before.

Words that were seen are grown by what may be missing of them and of their neighbours, and those
that then lie close are taken together. Each area says how large it is to be shown: lines are found
as well at a moderate height as at a large one, and cost in proportion to its square.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sightread.spotting.grouping import grouped
from sightread.spotting.places import Places, corners

_ALONG, _ACROSS = 3.0, 2.0
"""Heights that a word is grown by at its ends, and above and below: who sees a word may have missed
those on its left and right, and the next lines."""
_WASTE = 1.3
"""Areas are taken together if that costs no more than this many times what they cost alone: one
look instead of two, and lines that are not cut."""
_LETTERS_PX = 20.0
"""Height at which words are shown to the detector, if the picture allows."""


@dataclass(frozen=True, slots=True)
class Area:
    """A part of a picture, in whole pixels, and the factor by which it is shown."""

    left: int
    top: int
    right: int
    bottom: int
    scale: float

    @property
    def cost(self) -> float:
        """Pixels that the detector sees."""
        return (self.right - self.left) * (self.bottom - self.top) * self.scale**2


def areas_of(
    sure: Places, faint: Places, size: tuple[int, int], least: float, most: float
) -> list[Area]:
    """The areas around places, or one of the whole picture, where that costs less.

    Args:
        sure: in pixels of the picture; how high they are is believed.
        faint: marks at a low threshold run into each other, so that their heights say little; where
            there is nothing sure, they are shown at half of `most`.
        size: width and height of the picture.
        least, most: areas are shown by a factor between these, the whole picture by `least`.
    """
    places = np.concatenate([sure, faint]).astype(np.float32)
    if not len(places):
        return []
    scales = np.full(len(places), most / 2)
    scales[: len(sure)] = _LETTERS_PX / np.maximum(sure[:, 3], 1.0)
    scales = np.clip(scales, least, most)
    boxes = _grown(places, size)
    groups = grouped(boxes, scales, _WASTE)
    near = [_area(boxes[group], _believed(group, scales, len(sure))) for group in groups]
    whole = Area(0, 0, *size, least)
    return near if sum(area.cost for area in near) < whole.cost else [whole]


def _believed(group: Sequence[int], scales: NDArray[np.float64], sure: int) -> float:
    """The greatest scale of a group, of what is sure if there is anything."""
    return float(max(scales[[at for at in group if at < sure] or list(group)]))


def _grown(places: Places, size: tuple[int, int]) -> NDArray[np.float64]:
    grown = np.array(places, np.float32)
    grown[:, 2] += 2 * _ALONG * places[:, 3]
    grown[:, 3] *= 1 + 2 * _ACROSS
    points = corners(grown).astype(np.float64)
    limits = np.array([size, size], np.float64).reshape(1, 4)
    boxes = np.concatenate([points.min(axis=1), points.max(axis=1)], axis=1)
    return np.asarray(np.clip(boxes, 0.0, limits))


def _area(boxes: NDArray[np.float64], scale: float) -> Area:
    left, top = np.floor(boxes[:, :2].min(axis=0)).astype(int).tolist()
    right, bottom = np.ceil(boxes[:, 2:].max(axis=0)).astype(int).tolist()
    return Area(left, top, right, bottom, scale)
