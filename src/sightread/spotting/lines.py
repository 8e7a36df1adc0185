"""Words to lines, by geometry alone: which word is the next one to the right of another."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sightread.spotting.places import Places

_TURN = 0.35  # radians between two words of a line
_RATIO = 1.8  # of their heights
_LEVEL = 0.5  # heights between their middles, across the line
_GAP = (-0.5, 1.5)  # heights between them, along the line


def line_numbers(places: Places) -> list[tuple[int, int]]:
    """(line, place in it) of each word, both from 0 on; lines from top to bottom.

    A word is followed by the nearest one in its direction that has about its height and angle; a
    word follows only one.
    """
    follows = _successors(places)
    heads = sorted(set(range(len(places))) - set(follows.values()), key=lambda i: _order(places, i))
    numbers = [(0, 0)] * len(places)
    for line, head in enumerate(heads):
        at: int | None = head
        order = 0
        while at is not None:
            numbers[at] = (line, order)
            at, order = follows.get(at), order + 1
    return numbers


def _order(places: Places, number: int) -> tuple[float, float]:
    return float(places[number, 1]), float(places[number, 0])


def _successors(places: Places) -> dict[int, int]:
    """Pairs of neighbours, the closest first, no circles: a follower lies ahead."""
    count = len(places)
    if count < 2:
        return {}
    gaps = _gaps(np.asarray(places, np.float64))
    pairs = np.argwhere(np.isfinite(gaps))
    pairs = pairs[np.argsort(gaps[pairs[:, 0], pairs[:, 1]], kind="stable")]
    follows: dict[int, int] = {}
    taken: set[int] = set()
    for one, other in pairs.tolist():
        if one not in follows and other not in taken and not _circle(follows, one, other):
            follows[one] = other
            taken.add(other)
    return follows


def _circle(follows: dict[int, int], one: int, other: int) -> bool:
    at: int | None = other
    while at is not None:
        if at == one:
            return True
        at = follows.get(at)
    return False


def _gaps(places: NDArray[np.float64]) -> NDArray[np.float64]:
    """[i, j]: how far, in heights, word j begins behind the end of word i; inf if it cannot be
    the next one."""
    x, y, length, height, angle = places.T
    dx, dy = x[None] - x[:, None], y[None] - y[:, None]
    cos, sin = np.cos(angle)[:, None], np.sin(angle)[:, None]
    along, across = dx * cos + dy * sin, dy * cos - dx * sin
    mean = (height[:, None] + height[None]) / 2
    gap = (along - (length[:, None] + length[None]) / 2) / mean
    turn = np.abs((angle[None] - angle[:, None] + np.pi) % (2 * np.pi) - np.pi)
    ratio = np.maximum(height[:, None] / height[None], height[None] / height[:, None])
    fits = (turn <= _TURN) & (ratio <= _RATIO) & (np.abs(across) <= _LEVEL * mean)
    fits &= (gap >= _GAP[0]) & (gap <= _GAP[1]) & (along > 0)
    return np.where(fits, gap, np.inf)
