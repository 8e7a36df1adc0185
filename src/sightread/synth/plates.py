"""The surfaces that words stand on: signs, labels, banners.

Each is an outline around the writing in local coordinates, so that it is bent and turned like the
words on it, and reaches as far as the room that the layout keeps free.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import numpy as np

from sightread.synth.warp import Points

Half = tuple[float, float]
"""Half of the width and of the height, in local units."""


def sign(half: Half, margin: float) -> Points:
    """A rectangle."""
    del margin
    return _unit_sign() * half


def label(half: Half, margin: float) -> Points:
    """A rectangle with round corners."""
    # A corner of this radius stays outside of the writing: its arc cuts 0.3 radii off the
    # diagonal, the writing begins a margin inside.
    radius = 1.5 * margin
    inner = (max(0.0, half[0] - radius), max(0.0, half[1] - radius))
    radius = min(radius, half[0], half[1])
    across = np.linspace(-1.0, 1.0, _STEPS)
    top = np.stack([across * inner[0], np.full(_STEPS, -half[1])], axis=1)
    corners = [
        (inner[0] * x, inner[1] * y) + radius * _arc(start)
        for x, y, start in ((1, -1, -90), (1, 1, 0), (-1, 1, 90), (-1, -1, 180))
    ]
    return np.concatenate([top, corners[0], corners[1], -top, corners[2], corners[3]])


def banner(half: Half, margin: float) -> Points:
    """A ribbon with a notch cut into both ends."""
    rim = _unit_sign() * half
    notch = half[0] - 0.7 * margin
    middle = _STEPS
    right, left = np.array([[notch, 0.0]]), np.array([[-notch, 0.0]])
    return np.concatenate([rim[:middle], right, rim[middle:], left])


PLATES: dict[str, Callable[[Half, float], Points]] = {
    "sign": sign,
    "label": label,
    "banner": banner,
}
"""Outlines of surfaces by name: half sizes and the margin around the ink to corners, clockwise."""
_STEPS = 13


@lru_cache(maxsize=1)
def _unit_sign() -> Points:
    across = np.linspace(-1.0, 1.0, _STEPS)
    top = np.stack([across, np.full(_STEPS, -1.0)], axis=1)
    return np.concatenate([top, -top])


@lru_cache(maxsize=4)
def _arc(start: int) -> Points:
    """A quarter of the unit circle, clockwise from an angle in degrees."""
    angles = np.radians(start + np.linspace(0, 90, 6))
    return np.stack([np.cos(angles), np.sin(angles)], axis=1)
