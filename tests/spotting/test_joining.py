import math

import numpy as np
import pytest

from sightread.spotting.joining import joined, neighbours, split
from sightread.spotting.places import Places, corners
from sightread.spotting.strips import MARGIN


def places(*rows: tuple[float, ...]) -> Places:
    return np.array(rows, np.float32).reshape(-1, 5)


def test_the_next_word_of_a_line_is_its_neighbour() -> None:
    line = places((50, 20, 60, 20, 0), (115, 21, 60, 20, 0), (190, 20, 60, 20, 0))
    # Gaps of 5 and 15 px: a quarter and three quarters of the height.
    assert neighbours(line, 0.5) == [(0, 1)]
    assert neighbours(line, 1.0) == [(0, 1), (1, 2)]
    assert neighbours(line[:1], 1.0) == neighbours(places(), 1.0) == []


@pytest.mark.parametrize(
    "other",
    [
        (115, 30, 60, 20, 0),  # half a line lower
        (115, 20, 60, 40, 0),  # twice as high
        (115, 20, 60, 20, 0.5),  # runs elsewhere
        (60, 20, 60, 20, 0),  # over it
    ],
)
def test_what_is_in_no_line_with_a_word_is_no_neighbour(other: tuple[float, ...]) -> None:
    assert neighbours(places((50, 20, 60, 20, 0), other), 0.5) == []


def test_lines_may_run_in_any_direction() -> None:
    turn = math.radians(70)
    step = 65 * np.array([math.cos(turn), math.sin(turn)])
    line = places((50, 50, 60, 20, turn), (50 + step[0], 50 + step[1], 60, 20, turn))
    assert neighbours(line, 0.5) == [(0, 1)]
    both = joined(line[0], line[1])
    assert both == pytest.approx([50 + step[0] / 2, 50 + step[1] / 2, 125, 20, turn], abs=1e-3)


def test_the_place_of_both_holds_both() -> None:
    pair = places((50, 20, 60, 20, 0.05), (118, 22, 60, 24, -0.02))
    both = joined(pair[0], pair[1])
    low, high = (corners(both[None])[0].min(axis=0), corners(both[None])[0].max(axis=0))
    for points in corners(pair):
        assert (points >= low - 1).all()
        assert (points <= high + 1).all()


def test_a_place_is_split_at_the_middle_of_a_space() -> None:
    place = np.array([100, 50, 100, 20, 0], np.float32)
    shown = 100 + 2 * MARGIN * 20
    [left, right] = split(place, [0.5 - 10 / shown])  # ten pixels left of the middle
    assert corners(left[None])[0][[0, 2]] == pytest.approx(np.array([[50, 40], [88, 60]]), abs=1e-3)
    assert corners(right[None])[0][[0, 2]] == pytest.approx(
        np.array([[92, 40], [150, 60]]), abs=1e-3
    )
    turned = split(np.array([100, 50, 100, 20, math.pi / 2], np.float32), [0.3, 0.6])
    assert turned.shape == (3, 5)
    assert turned[:, 0] == pytest.approx(100)
    assert (np.diff(turned[:, 1]) > 0).all()
