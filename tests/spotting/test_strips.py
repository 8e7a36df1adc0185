import math

import numpy as np
from numpy.typing import NDArray

from sightread.spotting.strips import (
    HEIGHT_PX,
    MARGIN,
    MIDDLE,
    PER_DEVIATION,
    as_input,
    by_width,
    cut_strip,
    strip_width,
)


def place(
    x: float, y: float, length: float, height: float, angle: float = 0.0
) -> NDArray[np.float32]:
    return np.array([x, y, length, height, angle], np.float32)


def test_widths_are_the_nearest_by_ratio() -> None:
    # With margins of 0.15 heights a box of 100 x 20 is 106 x 26: 32 px high it would be 130 wide.
    assert strip_width(place(0, 0, 100, 20)) == 128
    assert strip_width(place(0, 0, 5, 20)) == 32
    assert strip_width(place(0, 0, 900, 20)) == 256
    # 48 * 64 = 3072 = 55.4^2: at 55 the nearest is 48, at 56 it is 64. Height 26 makes a factor
    # of 32 / 26, so that lengths of 38.7 - 0 and 39.5 are on both sides.
    assert strip_width(place(0, 0, 55 * 26 / 32 - 6, 20)) == 48
    assert strip_width(place(0, 0, 56 * 26 / 32 - 6, 20)) == 64


def test_a_strip_of_its_own_size_is_the_picture() -> None:
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (80, 200, 3), dtype=np.uint8)
    # Height 32 with both margins, width 96: nothing is resampled.
    height = HEIGHT_PX / (1 + 2 * MARGIN)
    strip = cut_strip(image, place(100, 40, 96 - 2 * MARGIN * height, height))
    assert strip.shape == (32, 96, 3)
    assert np.abs(strip.astype(int) - image[24:56, 52:148]).max() <= 1


def test_strips_read_to_the_right_wherever_the_word_runs() -> None:
    image = np.zeros((200, 200, 3), np.uint8)
    image[40:100, 90:110] = 255  # a bar that a word running down begins with
    strip = cut_strip(image, place(100, 100, 120, 20, math.pi / 2))
    middle = strip[HEIGHT_PX // 2, :, 0]
    assert (middle[6 : len(middle) // 2 - 4] > 250).all()
    assert (middle[len(middle) // 2 + 4 :] < 5).all()


def test_large_words_are_averaged_down_without_moire() -> None:
    # Stripes of 2 px, reduced by 10: grey, not a pattern.
    image = np.zeros((400, 800, 3), np.uint8)
    image[:, ::4] = image[:, 1::4] = 255
    strip = cut_strip(image, place(400, 200, 600, 250))
    assert np.abs(strip.astype(int) - 127).max() <= 12


def test_outside_of_the_picture_the_rim_goes_on() -> None:
    image = np.full((20, 60, 3), 77, np.uint8)
    assert (cut_strip(image, place(30, 10, 100, 40)) == 77).all()


def test_inputs_have_one_mean_and_one_spread() -> None:
    rng = np.random.default_rng(0)
    bright = rng.integers(100, 256, (32, 48, 3), dtype=np.uint8)
    flat = np.full((32, 48, 3), 9, np.uint8)
    values = as_input([bright, flat])
    assert values.shape == (2, 32, 48, 3)
    assert values.dtype == np.uint8
    exact = (bright - bright.mean()) / bright.std() * PER_DEVIATION + MIDDLE
    assert np.abs(values[0] - exact).max() < 0.51
    assert (values[1] == MIDDLE).all()


def test_what_is_far_from_the_mean_is_cut_and_a_faint_strip_is_not_all_noise() -> None:
    spot = np.zeros((32, 48, 3), np.uint8)
    spot[:2, :2] = 255  # nineteen deviations from the mean
    assert as_input([spot])[0, 0, 0].tolist() == [255] * 3
    faint = np.full((32, 48, 3), 100, np.uint8)
    faint[:, ::2] = 102  # a deviation of 1 counts as if it were 8
    assert sorted(np.unique(as_input([faint]))) == [MIDDLE - 3, MIDDLE + 3]


def test_groups_have_one_width_each() -> None:
    assert by_width([64, 32, 64, 128]) == {32: [1], 64: [0, 2], 128: [3]}
