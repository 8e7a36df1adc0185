"""The losses and the negatives of GI-ITM (papers/entityclip section 6)."""

import math

import pytest
import torch

from sightread.methods.entityclip.losses import (
    Negatives,
    contrast_logits,
    contrastive_loss,
    draw_negatives,
    matching_loss,
)

EACH = torch.arange(3)


def test_logits_are_scaled_cosines() -> None:
    first, second = torch.tensor([[3.0, 4.0], [0.0, 2.0]]), torch.tensor([[1.0, 0.0], [0.0, 5.0]])
    got = contrast_logits(first, second, torch.tensor(10.0))
    assert got.flatten().tolist() == pytest.approx([6, 8, 0, 10])


def test_contrast_by_hand() -> None:
    # Rows: log(1 + e^-2), log(1 + e^-1); columns: log(1 + e^-3), log(1 + e^0).
    rows = (math.log1p(math.exp(-2)) + math.log1p(math.exp(-1))) / 2
    columns = (math.log1p(math.exp(-3)) + math.log(2)) / 2
    got = contrastive_loss(torch.tensor([[3.0, 1.0], [0.0, 1.0]]))
    assert got.item() == pytest.approx((rows + columns) / 2)
    assert contrastive_loss(torch.full((7, 7), 2.5)).item() == pytest.approx(math.log(7))


def frequencies(logits: torch.Tensor, key: torch.Tensor, how: str) -> tuple[list[float], ...]:
    """How often row 0 draws each text, and column 0 each image, of 4,000."""
    torch.manual_seed(0)
    drawn = [draw_negatives(logits, key, how) for _ in range(4000)]  # type: ignore[arg-type]
    texts = torch.stack([one.text[0] for one in drawn]).bincount(minlength=3) / 4000
    images = torch.stack([one.image[0] for one in drawn]).bincount(minlength=3) / 4000
    return texts.tolist(), images.tolist()


def test_hard_negatives_are_drawn_by_similarity() -> None:
    # Row 0 without itself: e^2 against e^0, so 0.8808 and 0.1192. Column 0: e^1 against e^1.
    logits = torch.tensor([[9.0, 2.0, 0.0], [1.0, 0.0, 0.0], [1.0, 0.0, 0.0]])
    logits[0, 0] = 2.0  # or the 1e-5 that is added to all would not be small any more
    texts, images = frequencies(logits, EACH, "hard")
    assert texts == pytest.approx([0, 0.8808, 0.1192], abs=0.02)  # 3.9 standard deviations
    assert images == pytest.approx([0, 0.5, 0.5], abs=0.031)
    texts, _ = frequencies(logits, EACH, "random")
    assert texts == pytest.approx([0, 0.5, 0.5], abs=0.031)


def test_what_is_far_off_can_still_be_drawn_and_nothing_overflows() -> None:
    # softmax gives 1 to the right pair alone; what is left is the floor, the same for both others.
    logits = torch.tensor([[100.0, -100.0, -90.0], [0.0, 0.0, 0.0], [0.0, 0.0, 0.0]])
    texts, _ = frequencies(logits.half(), EACH, "hard")
    assert texts == pytest.approx([0, 0.5, 0.5], abs=0.031)


def test_pairs_that_say_the_same_are_no_negatives() -> None:
    key = torch.tensor([4, 4, 2])
    texts, images = frequencies(torch.tensor([[0.0, 50.0, 0.0]] * 3), key, "hard")
    assert texts == images == [0, 0, 1]
    # Where all say the same there is none, and the loss knows.
    found = draw_negatives(torch.zeros(2, 2), torch.tensor([1, 1]))
    assert found.text_there.tolist() == found.image_there.tolist() == [False, False]
    assert found.text.tolist() == [0, 1]


def test_matching_by_hand() -> None:
    # Class 0 is a match. -log p0 of (log 3, 0) is log 4/3, -log p1 of it is log 4.
    sure = torch.tensor([[math.log(3), 0.0]])
    there, here = torch.tensor([True]), torch.tensor([0])
    negatives = Negatives(here, here, there, there)
    got = matching_loss(sure, sure, sure, negatives)
    assert got.item() == pytest.approx((math.log(4 / 3) + 2 * math.log(4)) / 3)


def test_missing_negatives_do_not_count() -> None:
    sure = torch.tensor([[math.log(3), 0.0], [50.0, -50.0]])
    some, none = torch.tensor([True, False]), torch.tensor([False, False])
    negatives = Negatives(torch.tensor([1, 1]), torch.tensor([0, 1]), some, none)
    right = (math.log(4 / 3) + 0.0) / 2
    got = matching_loss(sure, sure, sure, negatives)
    assert got.item() == pytest.approx((right + math.log(4)) / 3)


def test_certain_mistakes_stay_finite_in_half_precision() -> None:
    wrong = torch.tensor([[-6e4, 6e4]], dtype=torch.float16)
    there, here = torch.tensor([True]), torch.tensor([0])
    got = matching_loss(wrong, wrong, wrong, Negatives(here, here, there, there))
    assert got.item() == pytest.approx(120_000 / 3, rel=1e-3)
