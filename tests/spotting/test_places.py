import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sightread.spotting.places import around, corners, scaled


def test_corners_begin_at_the_top_of_the_start_and_go_clockwise() -> None:
    # A word of 20 x 10 px that runs straight down from (50, 40) to (50, 60): its top is on the
    # right, at x = 55.
    place = np.array([[50, 50, 20, 10, math.pi / 2]], np.float32)
    assert corners(place)[0] == pytest.approx(
        np.array([[55, 40], [55, 60], [45, 60], [45, 40]]), abs=1e-4
    )


def test_the_box_around_a_straight_word() -> None:
    place, thickness = around([(10, 20), (50, 20), (50, 30), (10, 30)])
    assert place[0] == pytest.approx([30, 25, 40, 10, 0])
    assert thickness == pytest.approx(10)


def test_a_bent_word_is_higher_than_it_is_thick() -> None:
    # The top goes 0, -6, 0 and the bottom 10, 4, 10: everywhere 10 px thick, 16 px high in all.
    place, thickness = around([(0, 0), (20, -6), (40, 0), (40, 10), (20, 4), (0, 10)])
    assert place[0] == pytest.approx([20, 2, 40, 16, 0])
    assert thickness == pytest.approx(10)


@given(
    st.floats(-3.1, 3.1),
    st.floats(5, 200),
    st.floats(2, 60),
    st.floats(-50, 50),
    st.floats(-50, 50),
)
def test_corners_and_box_are_inverse(
    angle: float, length: float, height: float, x: float, y: float
) -> None:
    place = np.array([[x, y, length, height, angle]], np.float32)
    found, thickness = around(corners(place)[0])
    assert found[0, :4] == pytest.approx(place[0, :4], abs=1e-2)
    assert abs(math.remainder(float(found[0, 4]) - angle, 2 * math.pi)) < 1e-3
    assert thickness == pytest.approx(height, rel=1e-2)


def test_scaling_moves_the_middle_and_grows_the_box() -> None:
    place = np.array([[10, 20, 30, 8, 0.5]], np.float32)
    assert scaled(place, 2.0, 2.0)[0] == pytest.approx([20, 40, 60, 16, 0.5])
    assert place[0, 0] == 10
