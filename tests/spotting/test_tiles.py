from itertools import pairwise

import numpy as np
import pytest

from sightread.spotting.maps import Found
from sightread.spotting.tiles import SHARED_PX, SIDE_PX, merged, whole, windows


def found(*rows: tuple[float, ...], scores: tuple[float, ...] | None = None) -> Found:
    places = np.array(rows, np.float32).reshape(-1, 5)
    return Found(places, np.array(scores or [0.9] * len(rows), np.float32))


@pytest.mark.parametrize("size", [(100, 100), (1024, 1025), (2048, 1536), (4000, 700)])
def test_pieces_cover_the_picture_and_share_a_rim(size: tuple[int, int]) -> None:
    covered = np.zeros(size[::-1], np.int32)
    for left, top, right, bottom in windows(*size):
        assert 0 <= left < right <= size[0]
        assert 0 <= top < bottom <= size[1]
        assert max(right - left, bottom - top) <= SIDE_PX
        covered[top:bottom, left:right] += 1
    assert covered.min() == 1
    rows = sorted({(top, bottom) for _, top, _, bottom in windows(*size)})
    for upper, lower in pairwise(rows):
        assert upper[1] - lower[0] >= SHARED_PX


def test_words_cut_by_a_piece_are_left_to_its_neighbour() -> None:
    window = (100, 0, 300, 200)
    words = found((50, 100, 40, 20, 0), (10, 100, 40, 20, 0), (100, 8, 40, 20, 0))
    kept = whole(words, window, 1000, 200)
    # The second reaches over the left rim; the third over the top, which is the picture's own.
    assert kept.places[:, :2].tolist() == [[150, 100], [200, 8]]
    assert len(whole(words, (0, 0, 200, 200), 200, 200)) == 3


def test_a_word_that_two_looks_found_is_kept_once() -> None:
    whole_look = found((50, 50, 80, 20, 0), (50, 200, 80, 20, 0.1), scores=(0.7, 0.9))
    pieces = found((52, 51, 78, 19, 0), (300, 50, 30, 10, 0), scores=(0.8, 0.6))
    places = merged([whole_look, pieces]).places
    assert places[:, 0].tolist() == [50, 52, 300]
    assert places[:, 1].tolist() == [200, 51, 50]
    assert len(merged([])) == 0


def test_neighbours_stay_two_words() -> None:
    turned = found((100, 100, 60, 12, 0.7), (112, 88, 60, 12, 0.7))
    assert len(merged([turned, found((100, 116, 60, 12, 0))])) == 3
