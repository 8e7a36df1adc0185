"""Recalls by hand, with ties (section 4)."""

import numpy as np
import pytest

from sightread.errors import SightreadError
from sightread.methods.hopid.validation import recalls


def test_recalls_by_hand() -> None:
    # Three pictures, captions 0 and 1 of the first, then one each.
    scores = np.array(
        [[0.9, 0.1, 0.2], [0.1, 0.5, 0.3], [0.2, 0.4, 0.6], [0.3, 0.2, 0.8]], np.float32
    )
    found = recalls(scores, [0, 0, 1, 2])
    # Captions: first; third; second; first. Pictures: 0 best 0.9, first; 1: 0.4 under 0.5, second;
    # 2: first.
    assert found["text_to_image_1"] == pytest.approx(50)
    assert found["image_to_text_1"] == pytest.approx(200 / 3)
    assert found["text_to_image_5"] == found["image_to_text_10"] == 100
    assert found["rsum"] == pytest.approx(50 + 200 / 3 + 400)


def test_a_model_that_calls_all_alike_is_not_perfect() -> None:
    # 21 pictures, one caption each: rank 10 from 0 on, for all.
    found = recalls(np.zeros((21, 21), np.float32), list(range(21)))
    assert found["rsum"] == 0


def test_scores_that_are_no_numbers_are_an_error() -> None:
    scores = np.eye(3, dtype=np.float32)
    scores[0, 1] = np.nan
    with pytest.raises(SightreadError, match="not numbers"):
        recalls(scores, [0, 1, 2])
