"""Where a picture is worth a closer look: around what a glance at it made small shows.

Most of most pictures has no text. A glance costs a fourth of a look at twice the size; what it
marks even faintly, and what is round it, is then looked at closely, and nothing else.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from sightread.spotting.grouping import grouped
from sightread.spotting.maps import GEOMETRY_CELL, KERNEL_CELL, UNIT_PX, Found, Map
from sightread.spotting.places import corners

_WASTE = 1.25
"""Windows are taken together if that costs no more than this many times what they cost alone."""
_RIM_PX = 4.0
_RATIO = GEOMETRY_CELL // KERNEL_CELL

Window = tuple[int, int, int, int]
"""Left, top, right, bottom in pixels."""


@dataclass(frozen=True, slots=True)
class Attention:
    """What a glance has to show.

    Attributes:
        mark: least probability of a cell.
        thin_px: words of this thickness and more, in pixels of the glance, are seen well enough
            at a glance.
        tile_px: side of the tiles, in pixels of the closer look, that are looked at or not; those
            round one with a mark are looked at as well.
    """

    mark: float = 0.1
    thin_px: float = 14.0
    tile_px: float = 64.0


def attended(
    kernel: Map,
    geometry: Map,
    glanced: tuple[int, int],
    closer: tuple[int, int],
    settings: Attention,
) -> list[Window]:
    """The windows to look at, in pixels of the closer look.

    Args:
        kernel, geometry: of the glance, see `maps`; what lies beyond the picture counts nothing.
        glanced, closer: width and height of the picture at the glance and at the closer look.
    """
    width, height = closer
    columns, rows = (max(1, int(np.ceil(side / settings.tile_px))) for side in closer)
    marked = np.flatnonzero(kernel >= settings.mark)
    marks = np.stack(np.divmod(marked, kernel.shape[1]), axis=1)
    thin = geometry[0, marks[:, 0] // _RATIO, marks[:, 1] // _RATIO]
    marks = marks[thin < math.log(settings.thin_px / UNIT_PX)]
    if not len(marks):
        return []
    factor = (KERNEL_CELL * height / glanced[1], KERNEL_CELL * width / glanced[0])
    at = ((marks + 0.5) * factor / settings.tile_px).astype(np.intp)
    at = at[(at < (rows, columns)).all(axis=1)]
    tiles = np.zeros((rows, columns), np.uint8)
    tiles[at[:, 0], at[:, 1]] = 1
    tiles = cv2.dilate(tiles, np.ones((3, 3), np.uint8))
    _, _, stats, _ = cv2.connectedComponentsWithStats(tiles, connectivity=4)
    boxes = stats[1:, :4].astype(np.float64)  # left, top, width, height
    boxes[:, 2:] += boxes[:, :2]
    limits = np.array([width, height, width, height])
    edges = np.minimum(np.rint(merged(boxes) * settings.tile_px), limits).astype(int)
    return [(left, top, right, bottom) for left, top, right, bottom in edges.tolist()]


def merged(boxes: NDArray[np.float64]) -> NDArray[np.float64]:
    """Boxes (n, 4) of left, top, right, bottom, taken together as long as that costs little."""
    groups = [boxes[group] for group in grouped(boxes, np.ones(len(boxes)), _WASTE)]
    around = [np.concatenate([some[:, :2].min(axis=0), some[:, 2:].max(axis=0)]) for some in groups]
    return np.array(around).reshape(-1, 4)


def whole(found: Found, window: Window, width: int, height: int) -> Found:
    """What was found in a window, in pixels of the picture of `width` x `height`, without words
    that the window cuts: another window or the glance has them."""
    left, top, right, bottom = window
    places = found.places + np.array([left, top, 0, 0, 0], np.float32)
    points = corners(places)
    low, high = points.min(axis=1), points.max(axis=1)
    cut = np.zeros(len(places), bool)
    if left > 0:
        cut |= low[:, 0] < left + _RIM_PX
    if top > 0:
        cut |= low[:, 1] < top + _RIM_PX
    if right < width:
        cut |= high[:, 0] > right - _RIM_PX
    if bottom < height:
        cut |= high[:, 1] > bottom - _RIM_PX
    return Found(places[~cut], found.scores[~cut])
