"""What the localisation network should answer: shrunken text polygons on the cell grid."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import cv2
import numpy as np
import pyclipper
from numpy.typing import NDArray

Polygon = Sequence[tuple[float, float]]


def shrink(polygon: Polygon, ratio: float = 0.4) -> list[NDArray[np.int32]]:
    """Move the outline of a polygon inwards (Vatti clipping, round joins).

    The offset is int(A (1 - ratio^2) / (perimeter + 0.001) + 0.5) for area A.

    Args:
        polygon: at least three corners, pixels.
        ratio: r of the offset.

    Returns:
        What is left, (n, 2) each; empty if nothing is.
    """
    corners = np.asarray(polygon, np.float64)
    area = abs(cv2.contourArea(corners.astype(np.float32)))
    length = cv2.arcLength(corners.astype(np.float32), True)
    offset = int(area * (1 - ratio**2) / (length + 0.001) + 0.5)
    clipper = pyclipper.PyclipperOffset()
    clipper.AddPath(
        [tuple(corner) for corner in np.rint(corners).astype(int).tolist()],
        pyclipper.JT_ROUND,
        pyclipper.ET_CLOSEDPOLYGON,
    )
    return [np.asarray(path, np.int32) for path in clipper.Execute(-offset)]


def localisation_target(
    text: Sequence[Polygon],
    ignored: Sequence[Polygon],
    size_px: int,
    cell_px: int = 32,
    sampling: Literal["corner", "any"] = "corner",
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Target and mask of the text map (section 7, localisation).

    Both are drawn at full size and brought down to cells. `corner` takes the pixel at each cell's
    corner, as published, so that a word between the corners disappears from the target; `any`
    takes a cell that the word touches.

    Args:
        text: polygons of legible words, pixels of the input.
        ignored: polygons that count neither way.
        size_px: side of the input.
        cell_px: pixels per cell.
        sampling: of the target; the mask always takes corners.

    Returns:
        Two (size / cell, size / cell) arrays of 0 and 1.
    """
    target = np.zeros((size_px, size_px), np.uint8)
    mask = np.ones((size_px, size_px), np.uint8)
    for polygon in text:
        cv2.fillPoly(target, shrink(polygon), (1,))
    if ignored:
        outlines = [np.rint(np.asarray(polygon)).astype(np.int32) for polygon in ignored]
        for outline in outlines:
            cv2.fillPoly(mask, [outline], (0,))
    if sampling == "any":
        target = cv2.dilate(target, np.ones((cell_px, cell_px), np.uint8), anchor=(0, 0))
    return (
        target[::cell_px, ::cell_px].astype(np.float32),
        mask[::cell_px, ::cell_px].astype(np.float32),
    )
