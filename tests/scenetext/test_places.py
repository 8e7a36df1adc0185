"""Boxes in the network's input, and the patches around them, by hand on grids of 4 x 4."""

import numpy as np
import pytest

from sightread.preprocess import PreprocessSpec
from sightread.scenetext.places import pooling, token_boxes
from sightread.scenetext.tokens import scene_tokens
from tests.scenetext.test_tokens import box, word


def test_boxes_follow_the_fit() -> None:
    some = scene_tokens([word("a1", box(100, 20, 100, 40))], 400, 200)
    assert token_boxes(some, 400, 200, PreprocessSpec(100, "squash"))[0] == pytest.approx(
        [0.25, 0.1, 0.5, 0.3]
    )
    assert token_boxes(some, 400, 200, PreprocessSpec(100, "pad"))[0] == pytest.approx(
        [0.25, 0.05, 0.5, 0.15]
    )
    # The middle 200 px are kept: the word's left half of 0..100 is 0..100 of them.
    assert token_boxes(some, 400, 200, PreprocessSpec(100, "crop"))[0] == pytest.approx(
        [0, 0.1, 0.5, 0.3]
    )
    assert token_boxes((), 400, 200, PreprocessSpec(100)).shape == (0, 4)


def test_a_word_in_the_middle_of_four_patches() -> None:
    # 0.4 x 0.2 grown by 0.1 on each side: 0.6 x 0.4, made 0.6 x 0.5, round (0.5, 0.5).
    found = pooling(np.array([[0.3, 0.4, 0.7, 0.6]], np.float32), 4)[0].reshape(4, 4)
    across, down = np.array([0.05, 0.25, 0.25, 0.05]), np.array([0, 0.25, 0.25, 0])
    assert np.allclose(found, np.outer(down, across) / 0.3, atol=1e-6)


def test_a_word_at_the_rim_stays_inside() -> None:
    found = pooling(np.array([[0.98, 0.0, 1.0, 0.02], [1, 1, 1, 1]], np.float32), 4)
    assert np.nonzero(found[0])[0].tolist() == [2, 3, 6, 7]
    assert np.nonzero(found[1])[0].tolist() == [10, 11, 14, 15]


@pytest.mark.parametrize("side", [1, 2, 5, 7, 14])
def test_rows_sum_to_one_and_cover_two_by_two(side: int) -> None:
    rng = np.random.default_rng(side)
    low = rng.random((50, 2))
    boxes = np.concatenate([low, np.minimum(low + rng.random((50, 2)), 1)], 1).astype(np.float32)
    found = pooling(boxes, side)
    assert found.shape == (50, side * side)
    assert np.allclose(found.sum(axis=1), 1, atol=1e-5)
    assert ((found > 0).sum(axis=1) >= min(side, 2) ** 2).all()
    assert pooling(np.zeros((0, 4), np.float32), side).shape == (0, side * side)
