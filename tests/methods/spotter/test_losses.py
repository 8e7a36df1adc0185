import math

import numpy as np
import pytest
import torch

from sightread.methods.spotter.losses import (
    contrastive_loss,
    geometry_loss,
    graded_loss,
    graded_similarity,
    kernel_loss,
    reading_loss,
)


def test_similarity_falls_with_edit_distance() -> None:
    found = graded_similarity(["coffee"], ["coffee", "coffees", "toffee", "tea", "walnut"])
    # 1; one edit of 7 letters: e^-0.5 * 6/7; one of 6: e^-0.5 * 5/6. coffee to tea: keep the e,
    # so 5 edits of 6: e^-2.5 / 6. Six of six: 0.
    expected = [1.0, math.exp(-0.5) * 6 / 7, math.exp(-0.5) * 5 / 6, math.exp(-2.5) / 6, 0.0]
    assert found[0] == pytest.approx(expected, abs=1e-6)


def test_near_and_far_pairs_weigh_alike() -> None:
    cosines = torch.tensor([[0.5, 0.2, 0.0, -0.2]])
    target = torch.tensor([[1.0, 0.0, 0.0, 0.0]])
    # Near: 0.25. Far: (0.04 + 0 + 0.04) / 3.
    assert float(graded_loss(cosines, target)) == pytest.approx((0.25 + 0.08 / 3) / 2)
    assert float(graded_loss(target, target)) == 0.0


def test_contrast_shares_its_aim_among_equal_words() -> None:
    logits = torch.tensor([[2.0, 2.0, 0.0]])
    target = torch.tensor([[1.0, 1.0, 0.0]])
    # Each of both has probability e^2 / (2 e^2 + 1).
    assert float(contrastive_loss(logits, target)) == pytest.approx(
        -math.log(math.exp(2) / (2 * math.exp(2) + 1))
    )


def test_reading_is_the_likelihood_of_all_paths_per_character() -> None:
    # Two columns, blank and one character at one half each: "a" is read on 3 of 4 paths.
    logs = torch.full((1, 2, 2), math.log(0.5))
    found = reading_loss(logs, torch.tensor([[1]]), torch.tensor([1]))
    assert float(found) == pytest.approx(-math.log(0.75))
    # "aa" needs three columns: it counts nothing instead of being infinite.
    assert float(reading_loss(logs, torch.tensor([[1, 1]]), torch.tensor([2]))) == 0.0


def test_kernels_are_weighed_against_the_hardest_other_cells() -> None:
    logits = torch.zeros(1, 10, 10)
    target = torch.zeros(1, 10, 10)
    target[0, 0, 0] = 1
    mask = torch.ones(1, 10, 10)
    # All logits 0: log 2 for the kernel cell and for the 3 hardest others, so log 2 in the mean.
    # Dice: overlap 2 * 0.5 + 1 = 2, whole 50 + 1 + 1 = 52.
    expected = math.log(2) + 1 - 2 / 52
    assert float(kernel_loss(logits, target, mask)) == pytest.approx(expected)


def test_masked_cells_count_nothing() -> None:
    target, mask = torch.zeros(1, 4, 4), torch.ones(1, 4, 4)
    target[0, 0, 0] = 1
    mask[0, 3, 3] = 0
    wild, calm = torch.zeros(1, 4, 4), torch.zeros(1, 4, 4)
    wild[0, 3, 3] = 50.0
    assert torch.equal(kernel_loss(wild, target, mask), kernel_loss(calm, target, mask))


def test_a_picture_without_words_has_a_loss_that_marks_raise() -> None:
    target, mask = torch.zeros(1, 16, 16), torch.ones(1, 16, 16)
    quiet = kernel_loss(torch.full((1, 16, 16), -8.0), target, mask)
    loud = kernel_loss(torch.full((1, 16, 16), 0.0), target, mask)
    assert float(quiet) < 0.1 < float(loud)


def test_geometry_is_averaged_where_it_has_weight() -> None:
    found = torch.zeros(1, 3, 1, 2)
    found[0, 0, 0] = torch.tensor([0.05, 9.0])
    weights = torch.tensor([[[2.0, 0.0]]])
    # Smooth L1 with beta 0.1: 0.5 * 0.05^2 / 0.1.
    expected = 0.5 * 0.05**2 / 0.1
    assert float(geometry_loss(found, torch.zeros(1, 3, 1, 2), weights)) == pytest.approx(expected)
    nothing = torch.zeros(1, 1, 2)
    assert float(geometry_loss(found, torch.zeros(1, 3, 1, 2), nothing)) == 0.0


def test_similarity_is_symmetric() -> None:
    words = ["a", "ab", "abc", "hotel", "motel", "2024"]
    found = graded_similarity(words, words)
    assert np.allclose(found, found.T)
    assert np.allclose(np.diag(found), 1.0)
