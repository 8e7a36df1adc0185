import numpy as np
import pytest
from numpy.typing import NDArray

from sightread.spotting.attention import Attention, attended, merged, whole
from sightread.spotting.maps import UNIT_PX, Found

TILES = Attention(mark=0.1, tile_px=50, thin_px=12)


def thick(px: float) -> NDArray[np.float32]:
    """Geometry of a map of 100 x 150 cells, the same everywhere."""
    geometry = np.zeros((3, 50, 75), np.float32)
    geometry[0] = np.log(px / UNIT_PX)
    return geometry


THIN = thick(8)


def found(*rows: tuple[float, ...]) -> Found:
    return Found(np.array(rows, np.float32), np.full(len(rows), 0.9, np.float32))


def test_nothing_is_looked_at_where_nothing_is_marked() -> None:
    kernel = np.full((100, 150), 0.09, np.float32)
    assert attended(kernel, THIN, (300, 200), (600, 400), TILES) == []


def test_a_mark_is_looked_at_with_what_is_round_it() -> None:
    kernel = np.zeros((100, 150), np.float32)
    kernel[60, 80] = 0.1
    # Cell (80, 60) has its middle at (161, 121) of 300 x 200 px, (322, 242) of 600 x 400: in tile
    # (6, 4), of which the neighbours are taken as well.
    assert attended(kernel, THIN, (300, 200), (600, 400), TILES) == [(250, 150, 400, 300)]


def test_words_that_are_seen_well_at_a_glance_are_not_looked_at_again() -> None:
    kernel = np.zeros((100, 150), np.float32)
    kernel[60, 80] = 1.0
    assert attended(kernel, thick(13), (300, 200), (600, 400), TILES) == []
    assert attended(kernel, thick(11), (300, 200), (600, 400), TILES)


def test_windows_end_where_the_picture_does() -> None:
    kernel = np.zeros((100, 150), np.float32)
    kernel[0, 0] = kernel[99, 149] = 1.0
    windows = attended(kernel, THIN, (300, 200), (590, 395), TILES)
    assert windows == [(0, 0, 100, 100), (500, 300, 590, 395)]
    # What fills the last step of the network is beyond the picture.
    assert attended(kernel, THIN, (200, 150), (590, 395), TILES) == [(0, 0, 100, 100)]


def test_windows_are_taken_together_where_that_costs_little() -> None:
    boxes = np.array([[0, 0, 4, 4], [4, 0, 8, 4], [20, 0, 21, 1], [0, 4, 8, 5]], np.float64)
    assert sorted(merged(boxes).tolist()) == [[0, 0, 8, 5], [20, 0, 21, 1]]
    assert merged(np.zeros((0, 4))).shape == (0, 4)


def test_words_cut_by_a_window_are_left_to_others() -> None:
    window = (100, 0, 300, 200)
    words = found((50, 100, 40, 20, 0), (10, 100, 40, 20, 0), (100, 8, 40, 20, 0))
    kept = whole(words, window, 1000, 200)
    # The second reaches over the left rim; the third over the top, which is the picture's own.
    assert kept.places[:, :2].tolist() == [[150, 100], [200, 8]]
    assert len(whole(words, (0, 0, 200, 200), 200, 200)) == 3


@pytest.mark.parametrize("mark", [0.05, 0.5])
def test_a_lower_mark_looks_at_no_less(mark: float) -> None:
    kernel = np.random.default_rng(0).random((40, 40)).astype(np.float32) ** 8
    geometry, size = np.full((3, 20, 20), -1.0, np.float32), (80, 80)

    def area(least: float) -> int:
        windows = attended(kernel, geometry, size, (160, 160), Attention(least, tile_px=16))
        return sum((r - left) * (b - t) for left, t, r, b in windows)

    assert area(mark) >= area(0.9) > 0
