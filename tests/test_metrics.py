"""Metrics against hand-derived numbers and a plain oracle."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sightread.metrics import (
    average_precision,
    hit_at_k,
    mean_average_precision,
    recall_at_k,
    reciprocal_rank,
)


def test_average_precision_by_hand() -> None:
    # order: right, wrong, right, wrong -> precisions at the right ones: 1/1 and 2/3
    scores = np.array([0.9, 0.8, 0.7, 0.6])
    relevant = np.array([True, False, True, False])
    assert average_precision(scores, relevant) == pytest.approx((1 + 2 / 3) / 2)
    assert reciprocal_rank(scores, relevant) == 1.0
    assert recall_at_k(scores, relevant, 2) == 0.5


def test_ties_count_against_us() -> None:
    # all equal: the one right item comes after both wrong ones
    scores = np.zeros(3)
    relevant = np.array([True, False, False])
    assert average_precision(scores, relevant) == pytest.approx(1 / 3)
    assert hit_at_k(scores, relevant, 2) == 0.0
    assert hit_at_k(scores, relevant, 3) == 1.0


def test_nothing_relevant() -> None:
    scores, relevant = np.ones(2), np.zeros(2, dtype=bool)
    assert np.isnan(average_precision(scores, relevant))
    assert np.isnan(recall_at_k(scores, relevant, 1))
    assert reciprocal_rank(scores, relevant) == 0.0


def test_shapes_are_checked() -> None:
    with pytest.raises(ValueError, match="must be alike"):
        average_precision(np.ones(2), np.ones(3, dtype=bool))


def oracle(scores: list[int], relevant: list[bool]) -> float:
    order = sorted(range(len(scores)), key=lambda i: (-scores[i], relevant[i]))
    right = total = 0.0
    for rank, item in enumerate(order, 1):
        if relevant[item]:
            right += 1
            total += right / rank
    return total / right


@given(st.lists(st.tuples(st.integers(-3, 3), st.booleans()), min_size=1, max_size=13))
def test_against_plain_oracle_and_constant_shift(items: list[tuple[int, bool]]) -> None:
    values, flags = [s for s, _ in items], [r for _, r in items]
    if not any(flags):
        return
    scores, relevant = np.array(values, dtype=float), np.array(flags)
    assert average_precision(scores, relevant) == pytest.approx(oracle(values, flags))
    assert average_precision(scores - 7, relevant) == average_precision(scores, relevant)


def test_mean_over_rows_and_its_constant_shift() -> None:
    # Row 1: the right one is second, 1/2. Row 2: tied with a wrong one, so second and third of
    # three: (1/2 + 2/3) / 2 = 7/12.
    scores = np.array([[0.2, 0.9, 0.1], [0.5, 0.5, 0.1]])
    relevant = np.array([[True, False, False], [True, False, True]])
    assert mean_average_precision(scores, relevant) == pytest.approx((1 / 2 + 7 / 12) / 2)
    shifted = scores + np.array([[-3.0], [8.0]])
    assert mean_average_precision(shifted, relevant) == mean_average_precision(scores, relevant)


def test_rows_without_a_relevant_item_have_no_mean() -> None:
    with pytest.raises(ValueError, match="every query, and at least one"):
        mean_average_precision(np.zeros((2, 3)), np.array([[True] * 3, [False] * 3]))
    with pytest.raises(ValueError, match="every query, and at least one"):
        mean_average_precision(np.zeros((0, 3)), np.zeros((0, 3), dtype=bool))
    with pytest.raises(ValueError, match="must be alike"):
        mean_average_precision(np.zeros((2, 3)), np.zeros((3, 2), dtype=bool))
