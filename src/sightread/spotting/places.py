"""Places: rotated boxes as rows (x, y, length, height, angle), see the package."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Places = NDArray[np.float32]
"""(n, 5)."""
Corners = NDArray[np.float32]
"""(n, 4, 2): clockwise from where the word starts at its top."""

_LEAST_PX = 1e-3
_CORNERS = np.array([[-1.0, -1.0], [1.0, -1.0], [1.0, 1.0], [-1.0, 1.0]])


def corners(places: Places) -> Corners:
    """The corners of each box."""
    boxes = np.asarray(places, np.float64).reshape(-1, 5)
    halves, angles = boxes[:, 2:4] / 2, boxes[:, 4]
    cos, sin = np.cos(angles), np.sin(angles)
    sides = np.empty((len(boxes), 2, 2))  # half the way along the box, half the way down
    sides[:, 0, 0], sides[:, 0, 1], sides[:, 1, 0], sides[:, 1, 1] = cos, sin, -sin, cos
    found = boxes[:, None, :2] + _CORNERS @ (sides * halves[:, :, None])
    return found.astype(np.float32)


def around(outline: ArrayLike) -> tuple[Places, float]:
    """The tight box of a word's outline along its reading direction, and how thick the word is.

    Args:
        outline: (2 n, 2) with n >= 2: along the top from where the word starts, then back along
            the bottom; point i of the top stands over point i of the reversed bottom.

    Returns:
        ((1, 5), thickness in pixels): the mean distance from top to bottom, which is less than
        the height of the box where a word is bent.
    """
    top, bottom = halves(outline)
    middle = (top + bottom) / 2
    way = middle[-1] - middle[0]
    angle = float(np.arctan2(way[1], way[0]))
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    turned = np.concatenate([top, bottom]) @ turn
    low, high = turned.min(axis=0), turned.max(axis=0)
    x, y = turn @ ((low + high) / 2)
    length, height = np.maximum(high - low, _LEAST_PX)
    thickness = float(np.linalg.norm(bottom - top, axis=1).mean())
    return np.array([[x, y, length, height, angle]], np.float32), max(thickness, _LEAST_PX)


def halves(outline: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The top and the bottom of an outline, both in reading direction."""
    points = np.asarray(outline, np.float64)
    count = len(points) // 2
    return points[:count], points[count:][::-1]


def scaled(places: Places, across: float, down: float) -> Places:
    """The places in a picture that is `across` and `down` times as wide and high.

    The two factors differ by the rounding of sizes only, so that boxes stay boxes.
    """
    found = np.array(places, np.float32)
    found[:, 0] *= across
    found[:, 1] *= down
    found[:, 2:4] *= np.sqrt(across * down)
    return found
