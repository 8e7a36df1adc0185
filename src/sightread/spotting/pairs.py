"""Two readings of one picture: which of their words stand at the same place.

A picture that two readers have read keeps the words of both. Those of the second one have line
numbers from `SECOND_LINE` on, and the revision of the pair names both readers, so that an answer
can say whether they agree without a word being kept twice over.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from sightread.types import Quad

SECOND_LINE = 100_000
"""More lines than any picture has."""
_SAME = 0.5
"""Least overlap (intersection over union of upright boxes) of two readings of one word."""


def pair_revision(first: str, second: str) -> str:
    """The revision of a pair of readers."""
    return f"{first}+{second}"


def read_twice(revision: str) -> bool:
    """Whether a pair of readers has this revision."""
    return "+" in revision


def is_second(line: int) -> bool:
    """Whether a word of this line is of the second reader."""
    return line >= SECOND_LINE


def same_places(first: Sequence[Quad], second: Sequence[Quad]) -> dict[int, int]:
    """Place in `first` -> place in `second`, the pairs that overlap most first; each once."""
    if not first or not second:
        return {}
    overlap = overlaps(upright(first), upright(second))
    pairs = np.argwhere(overlap >= _SAME).tolist()
    found: dict[int, int] = {}
    taken: set[int] = set()
    for one, other in sorted(pairs, key=lambda pair: (-overlap[*pair], pair)):
        if one not in found and other not in taken:
            found[one] = other
            taken.add(other)
    return found


def upright(boxes: Sequence[Quad]) -> NDArray[np.float64]:
    """(n, 4) left, top, right, bottom of each."""
    points = np.asarray(boxes, np.float64)
    return np.concatenate([points.min(axis=1), points.max(axis=1)], axis=1)


def overlaps(one: NDArray[np.float64], other: NDArray[np.float64]) -> NDArray[np.float64]:
    """(n, m) intersection over union of boxes (left, top, right, bottom)."""
    low = np.maximum(one[:, None, :2], other[None, :, :2])
    high = np.minimum(one[:, None, 2:], other[None, :, 2:])
    shared = np.prod(np.maximum(high - low, 0.0), axis=2)
    areas = [np.prod(boxes[:, 2:] - boxes[:, :2], axis=1) for boxes in (one, other)]
    union = areas[0][:, None] + areas[1][None] - shared
    return np.asarray(shared / np.maximum(union, 1e-6))
