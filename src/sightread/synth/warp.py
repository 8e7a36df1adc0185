"""How a flat piece of lettering comes to lie in the picture: bent, turned, seen at an angle.

A warp takes *local* points to the picture and back, both in closed form: pixels are fetched
backward, polygons go forward, and the two agree exactly. Local coordinates have their origin in
the middle of the lettering, u to the right, v down, and one local unit is one pixel of the
picture at that point: every bend and every plane here has the identity, turned and slanted, as
its derivative at the origin.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from sightread.synth.geometry import Matrix

Points = NDArray[np.float64]
"""(..., 2)."""
BendKind = Literal["flat", "arc", "cylinder", "wave"]


@dataclass(frozen=True, slots=True)
class Bend:
    """Curvature within the plane of the lettering.

    `arc` writes along a circle of signed radius `size` (positive: the middle is highest);
    `cylinder` wraps it around an upright cylinder of radius `size`, seen a little from above by
    `rise`; `wave` shifts it up and down by `rise` with the period `size`, starting at `phase`.
    """

    kind: BendKind = "flat"
    size: float = 1.0
    rise: float = 0.0
    phase: float = 0.0

    def forward(self, u: Points, v: Points) -> tuple[Points, Points]:
        """From the lettering to its bent form."""
        if self.kind == "arc":
            angle, radius = u / self.size, self.size - v
            return radius * np.sin(angle), self.size - radius * np.cos(angle)
        if self.kind == "cylinder":
            angle = u / self.size
            return self.size * np.sin(angle), v + self.rise * self.size * (1 - np.cos(angle))
        if self.kind == "wave":
            return u, v + self._wave(u)
        return u, v

    def backward(self, s: Points, t: Points) -> tuple[Points, Points]:
        """From the bent form to the lettering."""
        if self.kind == "arc":
            sign = math.copysign(1.0, self.size)
            across, down = sign * s, sign * (self.size - t)
            return self.size * np.arctan2(across, down), self.size - sign * np.hypot(across, down)
        if self.kind == "cylinder":
            sine = np.clip(s / self.size, -1.0, 1.0)
            fall = self.rise * self.size * (1 - np.sqrt(1 - sine * sine))
            return self.size * np.arcsin(sine), t - fall
        if self.kind == "wave":
            return s, t - self._wave(s)
        return s, t

    def _wave(self, u: Points) -> Points:
        turn = 2 * math.pi / self.size
        shift: Points = self.rise * (np.sin(turn * u + self.phase) - math.sin(self.phase))
        return shift


@dataclass(frozen=True, slots=True)
class Warp:
    """A bend followed by the homography `plane` from bent coordinates to the picture."""

    plane: Matrix
    bend: Bend = Bend()

    def forward(self, points: Points) -> Points:
        """(n, 2) local points to (n, 2) pixels of the picture."""
        if self.bend.kind != "flat":
            points = np.array(self.bend.forward(points[:, 0], points[:, 1])).T
        mapped = points @ self.plane[:, :2].T + self.plane[:, 2]
        pixels: Points = mapped[:, :2] / mapped[:, 2:]
        return pixels

    def backward(self, x: Points, y: Points) -> tuple[Points, Points]:
        """Pixels of the picture to local u and v; x and y may be a row and a column."""
        s, t, w = (row[0] * x + row[1] * y + row[2] for row in inverse(self.plane).tolist())
        return self.bend.backward(s / w, t / w)

    def moved(self, dx: float, dy: float) -> Warp:
        """The same, somewhere else in the picture."""
        moved = self.plane.copy()
        moved[0] += dx * moved[2]
        moved[1] += dy * moved[2]
        return Warp(moved, self.bend)


def plane(angle: float, slant: float, lean: tuple[float, float]) -> Matrix:
    """A homography that fixes the origin: turned clockwise by `angle` degrees, slanted, receding.

    `lean` is the change of depth per local unit to the right and down; 0 is face on.
    """
    cos, sin = math.cos(math.radians(angle)), math.sin(math.radians(angle))
    return np.array(
        [
            [cos, cos * slant - sin, 0.0],
            [sin, sin * slant + cos, 0.0],
            [lean[0], lean[1], 1.0],
        ]
    )


def inverse(matrix: Matrix) -> Matrix:
    """Of a homography, up to a factor: its adjugate, which for 3 x 3 is much the faster way."""
    (a, b, c), (d, e, f), (g, h, i) = matrix.tolist()
    return np.array(
        [
            [e * i - f * h, c * h - b * i, b * f - c * e],
            [f * g - d * i, a * i - c * g, c * d - a * f],
            [d * h - e * g, b * g - a * h, a * e - b * d],
        ]
    )
