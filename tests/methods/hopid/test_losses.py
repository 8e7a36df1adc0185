"""The losses by hand (section 7)."""

import math

import pytest
import torch

from sightread.methods.hopid.losses import (
    cosines,
    info_nce,
    mean_cosine,
    others,
    prompt_loss,
    token_loss,
    triplet_loss,
)

ALL = others(torch.arange(3))
SCORES = torch.tensor([[0.5, 0.4, 0.45], [0.1, 0.3, 0.2], [0.6, 0.0, 0.9]])


def test_contrast_by_hand() -> None:
    scores = torch.eye(2)
    negative = others(torch.arange(2))
    assert info_nce(scores, negative, 1.0).item() == pytest.approx(math.log(1 + math.exp(-1)))
    assert info_nce(scores, negative, 0.5).item() == pytest.approx(math.log(1 + math.exp(-2)))
    # Captions of one picture are no negatives: nothing is left to tell apart.
    assert info_nce(scores, others(torch.zeros(2)), 1.0).item() == 0


def test_hardest_negatives_by_hand() -> None:
    # Rows: 0.2 + 0.45 - 0.5 = 0.15; 0.2 + 0.2 - 0.3 = 0.1; 0.2 + 0.6 - 0.9 < 0.
    # Columns: 0.2 + 0.6 - 0.5 = 0.3; 0.2 + 0.4 - 0.3 = 0.3; 0.2 + 0.45 - 0.9 < 0.
    assert triplet_loss(SCORES, ALL, 0.2).item() == pytest.approx(0.85)
    # All: rows 0.1 + 0.15, 0 + 0.1, 0; columns 0 + 0.3, 0.3 + 0, 0.
    assert triplet_loss(SCORES, ALL, 0.2, hardest=False).item() == pytest.approx(0.95)


def test_equal_keys_are_no_negatives() -> None:
    # 0 and 2 say the same: rows 0.1, 0.1, 0; columns 0 (0.1 - 0.5 < 0), 0.3, 0.
    negative = others(torch.tensor([7, 8, 7]))
    assert triplet_loss(SCORES, negative, 0.2).item() == pytest.approx(0.5)


def test_prompts_meet_marked_pictures_where_there_are_both() -> None:
    prompts = torch.tensor([[2.0, 0.0], [0.0, 3.0], [9.0, 9.0]])
    marked = torch.tensor([[1.0, 0.0], [0.0, 1.0], [-5.0, 1.0]])
    both = torch.tensor([True, True, False])
    named = torch.tensor([0, 1, 2])
    expected = math.log(1 + math.exp(-1))
    assert prompt_loss(prompts, marked, both, named, 1.0).item() == pytest.approx(expected)
    same = torch.tensor([0, 0, 2])
    assert prompt_loss(prompts, marked, both, same, 1.0).item() == 0
    few = torch.tensor([True, False, False])
    assert prompt_loss(prompts, marked, few, named, 1.0).item() == 0


def test_slots_should_look_at_words_that_captions_mention() -> None:
    sure = torch.tensor([[0.8, 0.4], [0.5, 0.9]])
    mentioned = torch.tensor([[True, False], [True, True]])
    keep = torch.tensor([[True, True], [True, False]])
    expected = -(math.log(0.8) + math.log(0.6) + math.log(0.5)) / 3
    assert token_loss(sure, mentioned, keep).item() == pytest.approx(expected, rel=1e-5)
    assert token_loss(sure, mentioned, torch.zeros_like(keep)).item() == 0
    # A share of exactly 0 or 1 is wrong, not infinitely wrong.
    ends = token_loss(torch.tensor([[0.0, 1.0]]), mentioned[:1], keep[:1])
    assert ends.item() == pytest.approx(-math.log(1e-6), rel=1e-3)


def test_alike_vectors_are_seen() -> None:
    rows = torch.tensor([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
    assert mean_cosine(rows) == pytest.approx(1 / 3)
    assert mean_cosine(rows[:1]) == 0


def test_scores_are_float32_under_autocast() -> None:
    a, b = torch.randn(3, 8), torch.randn(3, 8)
    with torch.autocast("cpu", torch.bfloat16):
        found = cosines(a, b)
    assert found.dtype == torch.float32
    assert torch.equal(found, a @ b.T)
