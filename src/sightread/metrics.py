"""Retrieval metrics on scores, by rank.

All of them work on the order alone, so that a constant added to all scores changes nothing, and
ties count against us: among equal scores the irrelevant pictures are taken to come first.

Two numbers are both called recall: `hit_at_k` (any relevant picture among the first K; papers
print it as R@K) and `recall_at_k` (which fraction of the relevant ones is there).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Scores = NDArray[np.float64] | NDArray[np.float32]
Relevant = NDArray[np.bool_]


def ranks_of_relevant(scores: Scores, relevant: Relevant) -> NDArray[np.int64]:
    """1-based ranks of the relevant items, ascending; ties go to the irrelevant ones.

    Args:
        scores: (N,) one score per gallery item, higher is better; -inf for not found.
        relevant: (N,) which items are right.
    """
    if scores.shape != relevant.shape or scores.ndim != 1:
        raise ValueError(f"scores {scores.shape} and relevant {relevant.shape} must be alike, 1-D")
    wrong = np.sort(scores[~relevant])
    right = np.sort(scores[relevant])[::-1]
    ahead = len(wrong) - np.searchsorted(wrong, right, side="left")
    ranks: NDArray[np.int64] = np.arange(1, len(right) + 1) + ahead
    return ranks


def average_precision(scores: Scores, relevant: Relevant) -> float:
    """Mean, over *all* relevant items, of the precision at each one's rank, over the whole gallery.

    The step-wise sum of precision times recall increment, without interpolation. NaN when
    nothing is relevant.
    """
    return average_precision_of_ranks(ranks_of_relevant(scores, relevant))


def average_precision_of_ranks(ranks: NDArray[np.int64]) -> float:
    """The same from the 1-based ranks of all relevant items, ascending."""
    if len(ranks) == 0:
        return float("nan")
    return float(np.mean(np.arange(1, len(ranks) + 1) / ranks))


def mean_average_precision(scores: Scores, relevant: Relevant) -> float:
    """mAP: the mean of `average_precision` over the rows.

    Args:
        scores: (Q, N) one row per query, one column per gallery item.
        relevant: (Q, N) which items are right for which query.

    Raises:
        ValueError: the shapes differ, there is no row, or a row has nothing relevant (no AP).
    """
    if scores.shape != relevant.shape or scores.ndim != 2:
        raise ValueError(f"scores {scores.shape} and relevant {relevant.shape} must be alike, 2-D")
    if len(scores) == 0 or not relevant.any(axis=1).all():
        raise ValueError("every query, and at least one, must have a relevant item")
    return float(np.mean([average_precision(*row) for row in zip(scores, relevant, strict=True)]))


def hit_at_k(scores: Scores, relevant: Relevant, k: int) -> float:
    """1.0 if any relevant item is among the first k, else 0.0 (printed R@K)."""
    return hit_at_k_of_ranks(ranks_of_relevant(scores, relevant), k)


def hit_at_k_of_ranks(ranks: NDArray[np.int64], k: int) -> float:
    """The same from the 1-based ranks of all relevant items, ascending."""
    return float(len(ranks) > 0 and ranks[0] <= k)


def recall_at_k(scores: Scores, relevant: Relevant, k: int) -> float:
    """The fraction of relevant items among the first k. NaN when nothing is relevant."""
    ranks = ranks_of_relevant(scores, relevant)
    return float(np.mean(ranks <= k)) if len(ranks) else float("nan")


def reciprocal_rank(scores: Scores, relevant: Relevant) -> float:
    """1 / rank of the first relevant item; 0.0 when nothing is relevant."""
    ranks = ranks_of_relevant(scores, relevant)
    return float(1 / ranks[0]) if len(ranks) else 0.0
