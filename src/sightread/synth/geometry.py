"""Boxes, quads and the homographies between them."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from sightread.types import Point, Quad

Box = tuple[float, float, float, float]
"""x0, y0, x1, y1."""
Matrix = NDArray[np.float64]
"""(3, 3) homography."""


def solve_homography(source: Sequence[Point], target: Sequence[Point]) -> Matrix:
    """The homography that takes four source points to four target points."""
    rows = []
    for (x, y), (u, v) in zip(source, target, strict=True):
        rows.append([x, y, 1, 0, 0, 0, -u * x, -u * y])
        rows.append([0, 0, 0, x, y, 1, -v * x, -v * y])
    right = np.array([c for point in target for c in point], dtype=np.float64)
    solution = np.linalg.solve(np.array(rows, dtype=np.float64), right)
    return np.append(solution, 1.0).reshape(3, 3)


def map_quad(matrix: Matrix, quad: Sequence[Point]) -> Quad:
    """The corners of a quad under a homography."""
    corners = np.array([[x, y, 1.0] for x, y in quad]) @ matrix.T
    a, b, c, d = ((float(x / w), float(y / w)) for x, y, w in corners)
    return (a, b, c, d)


def box_quad(box: Box) -> Quad:
    """The corners of an upright box, clockwise from the top left."""
    x0, y0, x1, y1 = box
    return ((x0, y0), (x1, y0), (x1, y1), (x0, y1))


def turned_quad(center: Point, size: tuple[float, float], angle: float) -> Quad:
    """A rectangle of `size` around `center`, turned clockwise by `angle` degrees."""
    (cx, cy), (w, h) = center, size
    cos, sin = math.cos(math.radians(angle)), math.sin(math.radians(angle))

    def corner(dx: float, dy: float) -> Point:
        return (cx + dx * cos - dy * sin, cy + dx * sin + dy * cos)

    return (
        corner(-w / 2, -h / 2),
        corner(w / 2, -h / 2),
        corner(w / 2, h / 2),
        corner(-w / 2, h / 2),
    )
