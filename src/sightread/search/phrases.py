"""Words of a phrase stand next to each other, or one under the other.

Works on columns: each row is one occurrence of a word, with its place in the picture. Joining two
words keeps the pairs of rows that follow each other, so that a phrase of n words is n - 1 joins.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

LINK_SAME_LINE = 1.0
LINK_BESIDE = 0.97
LINK_UNDER = 0.93
LINK_APART = 0.1
"""How much of a phrase's probability is left when its words are in the picture, but apart."""


@dataclass(frozen=True, slots=True)
class Occurrences:
    """Rows where a word may stand, ordered by picture.

    `ordinals` is (n, m): the regions that make up the match, -1 where a row has fewer than m.
    `field`, `line` and `boxes` (n, 4, 2) describe the *last* region of each match, to which the
    next word has to be near; boxes are NaN where a region has none.
    """

    picture: NDArray[np.int64]
    probability: NDArray[np.float64]
    ordinals: NDArray[np.int32]
    kind: NDArray[np.int8]
    edits: NDArray[np.int16]
    field: NDArray[np.int8]
    line: NDArray[np.int32]
    boxes: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.picture)

    def take(self, rows: NDArray[np.int64] | NDArray[np.bool_]) -> Occurrences:
        return Occurrences(
            self.picture[rows],
            self.probability[rows],
            self.ordinals[rows],
            self.kind[rows],
            self.edits[rows],
            self.field[rows],
            self.line[rows],
            self.boxes[rows],
        )


Seen = Mapping[str, Occurrences]
"""By the key of a word: where it may stand by its looks, one region of each picture."""


def concatenate(parts: list[Occurrences]) -> Occurrences:
    """All rows of `parts`, ordered by picture."""
    width = max(part.ordinals.shape[1] for part in parts)
    padded = [_pad(part.ordinals, width) for part in parts]
    joined = Occurrences(
        np.concatenate([part.picture for part in parts]),
        np.concatenate([part.probability for part in parts]),
        np.concatenate(padded),
        np.concatenate([part.kind for part in parts]),
        np.concatenate([part.edits for part in parts]),
        np.concatenate([part.field for part in parts]),
        np.concatenate([part.line for part in parts]),
        np.concatenate([part.boxes for part in parts]),
    )
    return joined.take(np.argsort(joined.picture, kind="stable"))


def _pad(ordinals: NDArray[np.int32], width: int) -> NDArray[np.int32]:
    return np.pad(ordinals, ((0, 0), (0, width - ordinals.shape[1])), constant_values=-1)


def follow(first: Occurrences, then: Occurrences, *, same_line: bool = False) -> Occurrences:
    """Pairs of rows of one picture in which `then` follows `first`.

    The weaker word's probability counts, lowered a little when the link is only geometric: words
    of a phrase vouch for each other, so that they are not independent chances.

    Args:
        same_line: only the next word of the same line will do (a word that was cut in two).
    """
    a, b = _pairs(first.picture, then.picture)
    last = first.ordinals[a].max(axis=1)
    next_on_line = (first.line[a] == then.line[b]) & (then.ordinals[b, 0] == last + 1)
    next_on_line &= first.field[a] == then.field[b]
    link = np.where(next_on_line, LINK_SAME_LINE, 0.0)
    if not same_line:
        np.maximum(link, _geometry(first.boxes[a], then.boxes[b]), out=link)
    kept = np.flatnonzero(link > 0)
    a, b = a[kept], b[kept]
    weaker = np.minimum(first.probability[a], then.probability[b])
    return Occurrences(
        first.picture[a],
        weaker * link[kept],
        np.concatenate([first.ordinals[a], then.ordinals[b]], axis=1),
        np.maximum(first.kind[a], then.kind[b]),
        first.edits[a] + then.edits[b],
        then.field[b],
        then.line[b],
        then.boxes[b],
    )


def _pairs(
    left: NDArray[np.int64], right: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Indices of all pairs of rows with the same picture; both inputs are ascending."""
    low = np.searchsorted(right, left, side="left")
    counts = np.searchsorted(right, left, side="right") - low
    a = np.repeat(np.arange(len(left)), counts)
    within = np.arange(len(a)) - np.repeat(np.cumsum(counts) - counts, counts)
    return a, np.repeat(low, counts) + within


def _geometry(a: NDArray[np.float32], b: NDArray[np.float32]) -> NDArray[np.float64]:
    """(n,) link from quads `a` to quads `b`, (n, 4, 2) each; 0 where there is none.

    Measured along the axes of `a`, so that it holds for rotated lines: beside means that `b`
    starts within one and a half letter heights of the end of `a`, on the same level; under means
    overlapping, with a gap that leaves no room for a line between. Letter heights must be of one
    order.
    """
    across = (a[:, 1] - a[:, 0] + a[:, 2] - a[:, 3]) / 2
    down = (a[:, 3] - a[:, 0] + a[:, 2] - a[:, 1]) / 2
    width_a, height_a = (np.maximum(np.linalg.norm(v, axis=1), 1e-3) for v in (across, down))
    across, down = across / width_a[:, None], down / height_a[:, None]
    width_b = np.linalg.norm((b[:, 1] - b[:, 0] + b[:, 2] - b[:, 3]) / 2, axis=1)
    height_b = np.linalg.norm((b[:, 3] - b[:, 0] + b[:, 2] - b[:, 1]) / 2, axis=1)
    ratio = np.maximum(height_b, 1e-3) / height_a
    height = (height_a + height_b) / 2

    step = (b[:, 0] + b[:, 3]) / 2 - (a[:, 1] + a[:, 2]) / 2
    along, level = (step * across).sum(axis=1), (step * down).sum(axis=1)
    beside = (along > -0.5 * height) & (along < 1.5 * height) & (abs(level) < 0.5 * height)
    beside &= (ratio > 0.5) & (ratio < 2)

    move = b.mean(axis=1) - a.mean(axis=1)
    along, level = (move * across).sum(axis=1), (move * down).sum(axis=1)
    under = (level > 0.5 * height) & (level - height < 1.3 * np.maximum(height_a, height_b))
    under &= (abs(along) < (width_a + width_b) / 2) & (ratio > 1 / 3) & (ratio < 3)
    # Comparisons with NaN (regions without a box) are false, hence no link.
    return np.where(beside, LINK_BESIDE, np.where(under, LINK_UNDER, 0.0))


def apart(words: list[Occurrences]) -> Occurrences:
    """The pictures that hold all words somewhere, by their best occurrences, at a low rate."""
    best = [best_per_picture(word) for word in words]
    shared = best[0].picture
    for word in best[1:]:
        shared = np.intersect1d(shared, word.picture, assume_unique=True)
    rows = [word.take(np.searchsorted(word.picture, shared)) for word in best]
    last = rows[-1]
    return Occurrences(
        shared,
        LINK_APART * np.min([row.probability for row in rows], axis=0),
        np.concatenate([row.ordinals for row in rows], axis=1),
        np.max([row.kind for row in rows], axis=0),
        np.sum([row.edits for row in rows], axis=0, dtype=np.int16),
        last.field,
        last.line,
        last.boxes,
    )


def best_per_picture(rows: Occurrences) -> Occurrences:
    """One row per picture, the most probable one, the first of equals."""
    order = np.lexsort((-rows.probability, rows.picture))
    ordered = rows.picture[order]
    first = np.ones(len(ordered), dtype=bool)
    first[1:] = ordered[1:] != ordered[:-1]
    return rows.take(order[first])


def with_seen(read: Occurrences | None, seen: Occurrences | None) -> Occurrences | None:
    """The places where a word was read and those that look like it."""
    if read is None or seen is None:
        return seen if read is None else read
    return concatenate([read, seen])
