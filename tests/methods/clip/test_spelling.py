"""Vectors that say which letter stands where, and a text tower that learns them."""

import numpy as np
import pytest
import torch

from sightread.clip.config import CONFIGS
from sightread.clip.model import CLIP
from sightread.clip.tokens import tiny_tokenizer
from sightread.methods.clip.spelling import learn_to_spell, spelling_targets


def test_one_letter_alone_has_all_places_alike() -> None:
    # One letter stands at 0.5: 0.375 and 0.625 are 0.125 away, 0.125 and 0.875 are 0.375 away.
    inner, outer = np.exp(-((0.125 / 0.2) ** 2)), np.exp(-((0.375 / 0.2) ** 2))
    directions = np.random.default_rng(5).normal(size=(128, 4, 16))[ord("a")]
    expected = directions.T @ np.array([outer, inner, inner, outer])
    got = spelling_targets(["a"], 16)[0]
    np.testing.assert_allclose(got, expected / np.linalg.norm(expected), rtol=1e-5)


def test_words_of_a_text_are_summed_and_their_order_is_lost() -> None:
    one, other, nothing = spelling_targets(["red fish", "fish red", "sofa"], 64)
    np.testing.assert_allclose(one, other, atol=1e-6)
    assert one @ nothing < 0.5


def test_the_more_letters_in_place_the_nearer() -> None:
    hotel, motel, other, turned = spelling_targets(["hotel", "motel", "fishy", "letoh"], 128)
    assert hotel @ motel > hotel @ turned > hotel @ other


def test_the_text_tower_learns_to_spell_and_the_image_tower_stays() -> None:
    torch.manual_seed(0)
    model = CLIP(CONFIGS["tiny-RN"])
    before = {name: p.clone() for name, p in model.visual.named_parameters()}
    assert learn_to_spell(model, tiny_tokenizer(), ["hotel", "taxi"], 0, seed=1) == 0.0
    untrained = learn_to_spell(model, tiny_tokenizer(), ["hotel", "taxi"], 1, seed=1, batch=16)
    loss = learn_to_spell(model, tiny_tokenizer(), ["hotel", "taxi"], 40, seed=1, batch=16)
    assert untrained > 0.8
    assert loss < 0.5
    assert all(torch.equal(before[name], p) for name, p in model.visual.named_parameters())


def test_it_is_the_same_for_the_same_seed() -> None:
    losses = []
    for seed in (3, 3, 4):
        torch.manual_seed(0)
        model = CLIP(CONFIGS["tiny-RN"])
        losses.append(learn_to_spell(model, tiny_tokenizer(), ["open"], 2, seed, batch=4))
    assert losses[0] == pytest.approx(losses[1], abs=1e-7)
    assert losses[0] != pytest.approx(losses[2], abs=1e-7)
