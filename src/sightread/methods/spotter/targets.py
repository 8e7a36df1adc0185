"""What the finder's maps shall show of a scene whose words are known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from sightread.spotting.maps import GEOMETRY_CELL, KERNEL_CELL, RIM, UNIT_PX
from sightread.spotting.places import around, halves

Map = NDArray[np.float32]
_SUB = 4  # binary digits after the point of polygons
SMALLEST_PX = 4.0
"""Thinner words are neither text nor ground."""


@dataclass(frozen=True, slots=True)
class Targets:
    """`kernel` and `mask` are (H/2, W/2), `geometry` (3, H/4, W/4), `weights` (H/4, W/4): each
    word weighs as much as its thickness is long, so that large words do not rule."""

    kernel: Map
    mask: Map
    geometry: Map
    weights: Map


def draw_targets(
    outlines: Sequence[ArrayLike], width: int, height: int, unsure: Sequence[ArrayLike] = ()
) -> Targets:
    """The maps of a picture of `width` x `height` px, multiples of 4.

    Args:
        outlines: of words, see `spotting.places.around`.
        unsure: outlines of what is neither text nor ground.
    """
    fine = (height // KERNEL_CELL, width // KERNEL_CELL)
    coarse = (height // GEOMETRY_CELL, width // GEOMETRY_CELL)
    kernel, mask = np.zeros(fine, np.float32), np.ones(fine, np.float32)
    geometry, weights = np.zeros((3, *coarse), np.float32), np.zeros(coarse, np.float32)
    for outline in unsure:
        _fill(mask, np.asarray(outline, np.float64), KERNEL_CELL, 0.0)
    for outline in outlines:
        place, thickness = around(outline)
        if thickness < SMALLEST_PX:
            _fill(mask, np.asarray(outline, np.float64), KERNEL_CELL, 0.0)
            continue
        # OpenCV also fills the cells that a rim runs through; half a cell further in, these are
        # the cells whose middle lies inside.
        cells = np.zeros(fine, np.uint8)
        _fill(cells, kernel_outline(outline, KERNEL_CELL / 2), KERNEL_CELL, 1.0)
        kernel[cells > 0] = 1.0
        # Every coarse cell under the kernel is asked for the geometry.
        ratio = GEOMETRY_CELL // KERNEL_CELL
        covered = cells.reshape(coarse[0], ratio, coarse[1], ratio).any(axis=(1, 3))
        angle = float(place[0, 4])
        values = (np.log(thickness / UNIT_PX), np.cos(angle), np.sin(angle))
        geometry[:, covered] = np.array(values, np.float32)[:, None]
        weights[covered] = float(place[0, 2]) / thickness / max(int(covered.sum()), 1)
    return Targets(kernel, mask, geometry, weights)


def kernel_outline(outline: ArrayLike, more_px: float = 0.0) -> NDArray[np.float64]:
    """The outline without a rim of `RIM` thicknesses and `more_px`: nearer to the middle line, and
    shorter at both ends; a tenth of thickness and length is always left."""
    top, bottom = halves(outline)
    thickness = float(np.linalg.norm(bottom - top, axis=1).mean())
    middle = (top + bottom) / 2
    steps = np.linalg.norm(np.diff(middle, axis=0), axis=1)
    way = np.concatenate([[0.0], np.cumsum(steps)])
    cut = min(RIM * thickness + more_px, 0.45 * way[-1])
    rim = min(RIM + more_px / max(thickness, 1e-6), 0.45)
    kept = way[(way > cut) & (way < way[-1] - cut)]
    stations = np.concatenate([[cut], kept, [way[-1] - cut]])

    def along(points: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.stack([np.interp(stations, way, points[:, axis]) for axis in (0, 1)], axis=1)

    upper, lower = along(top), along(bottom)
    inner_top, inner_bottom = upper + rim * (lower - upper), lower - rim * (lower - upper)
    return np.concatenate([inner_top, inner_bottom[::-1]])


def _fill(
    canvas: Map | NDArray[np.uint8], rim: NDArray[np.float64], cell: int, value: float
) -> None:
    # OpenCV counts from the middle of a cell.
    points = np.rint((rim / cell - 0.5) * (1 << _SUB)).astype(np.int32)
    cv2.fillPoly(canvas, [points], value, cv2.LINE_8, _SUB)
