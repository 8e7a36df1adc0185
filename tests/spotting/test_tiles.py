from itertools import pairwise

import numpy as np
import pytest

from sightread.spotting.maps import Found
from sightread.spotting.tiles import SHARED_PX, SIDE_PX, whole, windows


def found(*rows: tuple[float, ...]) -> Found:
    return Found(np.array(rows, np.float32), np.full(len(rows), 0.9, np.float32))


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
