"""Neighbours in a line: places that follow each other, and the place of both together.

Where one word ends is asked of the reader of strips, which knows the space between words: two
places may be one word that glare cut in two, and one place may be two words that stand close.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from sightread.spotting.places import Places, corners
from sightread.spotting.strips import MARGIN

_LEVEL = 0.35
"""The middle of the next word is at most so many heights above or below."""
_HIGHER = 1.6
"""Heights of neighbours differ by no more than this factor."""
_TURNED = 0.35  # radians
_OVERLAP = 0.4
"""They overlap by no more than this, in heights."""
_HALF_A_SPACE = 0.1
"""What is left out on each side of the middle of a space, in heights."""


def neighbours(places: Places, reach: float) -> list[tuple[int, int]]:
    """Pairs (one, the next to its right), ascending; each place is followed by at most one.

    Args:
        places: (n, 5).
        reach: the widest gap, in heights.
    """
    if len(places) < 2:
        return []
    x, y, length, height, angle = np.asarray(places, np.float64).T
    cos, sin = np.cos(angle)[:, None], np.sin(angle)[:, None]
    across, down = x[None] - x[:, None], y[None] - y[:, None]
    along, aside = across * cos + down * sin, down * cos - across * sin
    gap = along - (length[:, None] + length[None]) / 2
    size = np.minimum(height[:, None], height[None])
    turned = np.abs((angle[None] - angle[:, None] + np.pi) % (2 * np.pi) - np.pi)
    follows = (
        (along > 0)
        & (gap > -_OVERLAP * size)
        & (gap < reach * size)
        & (np.abs(aside) < _LEVEL * size)
        & (np.maximum(height[:, None], height[None]) < _HIGHER * size)
        & (turned < _TURNED)
    )
    np.fill_diagonal(follows, val=False)
    gap[~follows] = np.inf
    nearest = gap.argmin(axis=1)
    return [(one, int(next_)) for one, next_ in enumerate(nearest) if follows[one, next_]]


def joined(one: NDArray[np.float32], other: NDArray[np.float32]) -> NDArray[np.float32]:
    """The place (5,) round two, in their common direction."""
    pair = np.stack([one, other]).astype(np.float64)
    way = (pair[:, 2:3] * np.stack([np.cos(pair[:, 4]), np.sin(pair[:, 4])], axis=1)).sum(axis=0)
    angle = float(np.arctan2(way[1], way[0]))
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    turned = corners(pair.astype(np.float32)).reshape(-1, 2).astype(np.float64) @ turn
    low, high = turned.min(axis=0), turned.max(axis=0)
    x, y = turn @ ((low + high) / 2)
    return np.array([x, y, *(high - low), angle], np.float32)


def split(place: NDArray[np.float32], breaks: Sequence[float]) -> Places:
    """The places of the words in one place, (n + 1, 5).

    Args:
        breaks: the middles of n spaces, as shares of the strip of the place, see `strips`.
    """
    x, y, length, height, angle = np.asarray(place, np.float64)
    shown = length + 2 * MARGIN * height
    middles = np.array([(share - 0.5) * shown for share in breaks])
    starts = np.concatenate([[-length / 2], middles + _HALF_A_SPACE * height])
    ends = np.concatenate([middles - _HALF_A_SPACE * height, [length / 2]])
    along, lengths = (starts + ends) / 2, np.maximum(ends - starts, 0.2 * height)
    rest = np.full(len(along), height), np.full(len(along), angle)
    found = (x + along * np.cos(angle), y + along * np.sin(angle), lengths, *rest)
    return np.stack(found, axis=1).astype(np.float32)
