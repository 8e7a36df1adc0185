"""MMAE, GI-ITM and what explanations can and cannot change (papers/entityclip sections 5 and 6)."""

import itertools
import math
from typing import Any

import pytest
import torch
import torch.nn.functional as F

from sightread.clip.config import CONFIGS
from sightread.clip.model import CLIP
from sightread.errors import UsageError
from sightread.methods.entityclip.losses import Negatives
from sightread.methods.entityclip.mmae import Mmae
from sightread.methods.entityclip.model import EntityCLIP
from sightread.methods.entityclip.towers import ImageTower, Matcher, TextTower
from tests.methods.entityclip.small import TEXTS, TOLD, WIDTH, ids, images, make, settings, triple


@torch.no_grad()
def test_all_tokens_and_the_towers_agree() -> None:
    model = make()
    image, text = model.see(images()), model.read(TEXTS)
    assert image.rows.shape == (4, 5, WIDTH)
    assert torch.allclose(image.first, model.clip.encode_image(images()), atol=1e-6)
    assert torch.allclose(text.first, model.clip.encode_text(TEXTS), atol=1e-6)
    assert text.keep is not None
    assert text.keep.sum(1).tolist() == [4, 3, 5, 4]


@torch.no_grad()
@pytest.mark.parametrize("counts", list(itertools.product((0, 1, 3), repeat=3)))
def test_numbers_of_experts(counts: tuple[int, int, int]) -> None:
    v, s, t = counts
    named = {"image_experts": v, "explanation_experts": s, "text_experts": t}
    if not v + s or not s + t:
        with pytest.raises(UsageError, match="nothing makes V\\* or T\\*"):
            settings(**named)
        return
    model = make(**named)
    parts = triple(model)
    features = model.features(*parts)
    assert [one.shape[1] for one in features] == [v, s, t, s]
    assert features.stacked().shape == (4, v + t + 2 * s, WIDTH)
    seen, read = model.experts.mixed(*parts, features)
    assert seen.shape == read.shape == (4, WIDTH)
    assert model.match(parts[0], parts[1], features).shape == (4, 2)


@torch.no_grad()
def test_the_gates_mix_the_experts_of_their_side() -> None:
    model = make()
    image, text, told = triple(model)
    features = model.features(image, text, told)
    mmae = model.mmae
    assert isinstance(mmae, Mmae)
    assert mmae.image_gate is not None
    with torch.no_grad():  # all weight on the first explanation expert, whatever is asked
        mmae.image_gate.weight.zero_()
        mmae.image_gate.bias.copy_(torch.tensor([0.0, 0.0, 60.0, 0.0]))
        assert mmae.text_gate is not None
        mmae.text_gate.weight.zero_()
        mmae.text_gate.bias.copy_(torch.tensor([0.0, 60.0, 0.0, 60.0]))
    seen, read = mmae.mixed(image, text, told, features)
    assert torch.allclose(seen, features.image_shared[:, 0], atol=1e-5)
    half = (features.text[:, 1] + features.text_shared[:, 1]) / 2
    assert torch.allclose(read, half, atol=1e-5)
    # Both sides have the same explanation experts.
    assert mmae.shared_bank is not None
    again = mmae.shared_bank(text.first, told.rows, told.keep)
    assert torch.equal(features.text_shared, again)


@torch.no_grad()
def test_the_matching_head_by_hand() -> None:
    model = make(image_experts=1, explanation_experts=0, text_experts=1)
    head = model.matching
    assert head is not None
    for parameter in head.parameters():
        parameter.zero_()
    # The gate asks [V ; T] and sees V's first number alone: softmax(log 3, 0) = (3/4, 1/4).
    head.gate.weight[0, 0] = 1
    head.head.weight[0, 0] = 1
    head.head.weight[1, 1] = 2
    image, text = torch.zeros(1, WIDTH), torch.zeros(1, WIDTH)
    image[0, 0] = math.log(3)
    features = torch.zeros(1, 2, WIDTH)
    features[0, 0, 0], features[0, 1, 1] = 8, 4
    # z = (6, 1, 0 ...): logits 6 and 2.
    assert head(image, text, features)[0].tolist() == pytest.approx([6, 2])


@torch.no_grad()
@pytest.mark.parametrize("switches", [{}, {"mmae": False}, {"padding": "attend"}])
def test_shared_features_of_negatives_are_those_of_the_swapped_triples(
    switches: dict[str, Any],
) -> None:
    model = make(**switches)
    image, text, told = triple(model)
    n, m = torch.tensor([2, 0, 3, 1]), torch.tensor([3, 2, 1, 0])
    there = torch.ones(4, dtype=torch.bool)
    features = model.features(image, text, told)
    wrong = model.match_wrong(image, text, told, features, Negatives(n, m, there, there))
    # The naive way: whole triples with another text and *its* explanation, read at *its* end.
    other, its = model.read(TEXTS[n]), model.explain(TOLD[n], there)
    with_text = model.match(image, other, model.features(image, other, its))
    seen = model.see(images()[m])
    with_image = model.match(seen, text, model.features(seen, text, told))
    assert torch.allclose(wrong[0], with_text, atol=1e-5)
    assert torch.allclose(wrong[1], with_image, atol=1e-5)
    assert not torch.allclose(wrong[0], wrong[1], atol=1e-3)


@torch.no_grad()
def test_order_does_not_matter() -> None:
    model, order = make(), torch.tensor([2, 0, 3, 1])
    image, text, told = triple(model)
    logits = model.match(image, text, model.features(image, text, told))
    image, text, told = image.take(order), text.take(order), told.take(order)
    again = model.match(image, text, model.features(image, text, told))
    assert torch.allclose(logits[order], again, atol=1e-5)


@torch.no_grad()
def test_explanations_never_reach_the_plain_encoder() -> None:
    model = make()
    one, other = triple(model), triple(model, ids([1], [1], [1], [1]))
    assert torch.equal(one[0].first, other[0].first)
    assert torch.equal(one[1].first, other[1].first)
    features = [model.features(*parts) for parts in (one, other)]
    assert not torch.allclose(features[0].image_shared, features[1].image_shared, atol=1e-3)


@torch.no_grad()
@pytest.mark.parametrize("sees", [True, False])
def test_the_leak_and_its_repair(sees: bool) -> None:
    """A7: with the leak closed V* is the same whatever the explanation says; T* is not."""
    model = make(image_sees_explanation=sees)
    mixed = []
    for told in (TOLD, ids([1], [1], [1], [1])):
        parts = triple(model, told)
        mixed.append(model.experts.mixed(*parts, model.features(*parts)))
    (seen, read), (seen_again, read_again) = mixed
    assert torch.allclose(seen, seen_again, atol=1e-6) is not sees
    assert not torch.allclose(read, read_again, atol=1e-3)


@torch.no_grad()
def test_without_mmae_vectors_are_added_and_matched_as_they_are() -> None:
    model = make(mmae=False)
    told = ids([9, 10, 11], [12], [], [15])  # the third is empty
    image, text, explanation = triple(model, told)
    features = model.features(image, text, explanation)
    expected = [image.first, text.first, explanation.first]
    assert torch.equal(features.stacked(), torch.stack(expected, 1))
    seen, read = model.experts.mixed(image, text, explanation, features)
    assert torch.equal(seen, image.first)
    t, e = F.normalize(text.first, dim=-1), F.normalize(model.read(told).first, dim=-1)
    assert torch.allclose(read[0], t[0] + e[0], atol=1e-6)
    assert torch.equal(read[2], t[2])


@torch.no_grad()
def test_experts_read_padding_only_if_asked_to() -> None:
    for padding, changes in (("mask", False), ("attend", True)):
        model = make(padding=padding)
        short, long = TOLD[:, :6], TOLD
        features = [model.features(*triple(model, told)) for told in (short, long)]
        same = torch.allclose(features[0].image_shared, features[1].image_shared, atol=1e-5)
        assert same is not changes


def test_only_what_is_used_is_built() -> None:
    plain = make(expert_weight=0.0, gi_itm=False)
    assert plain.mmae is None
    assert plain.matching is None
    assert plain.parameter_groups()[1] == []
    no_head = make(gi_itm=False)
    assert no_head.matching is None
    head_alone = make(expert_weight=0.0)
    assert isinstance(head_alone.mmae, Mmae)
    assert head_alone.mmae.image_gate is None
    tuned, new = make().parameter_groups()
    assert len(tuned) + len(new) == len(list(make().parameters()))


def test_sizes_are_those_of_the_specification() -> None:
    """37.8 M parameters in twelve experts for ViT-B/32, 0.03 M in the gates and the head."""
    with torch.device("meta"):
        model = EntityCLIP(CLIP(CONFIGS["ViT-B-32"]), settings(**dict.fromkeys(
            ("image_experts", "explanation_experts", "text_experts"), 4
        )))  # fmt: skip
    sizes = {name: one.numel() for name, one in model.named_parameters() if "clip." not in name}
    experts = sum(size for name, size in sizes.items() if "_bank" in name)
    assert experts == 12 * (12 * 512**2 + 13 * 512)
    gates = 2 * (512 * 8 + 8) + 1024 * 16 + 16 + 512 * 2 + 2
    assert sum(sizes.values()) - experts == gates


def test_a_resnet_is_refused() -> None:
    with pytest.raises(UsageError, match="needs a vision transformer, and tiny-RN is a ResNet"):
        EntityCLIP(CLIP(CONFIGS["tiny-RN"]), settings())
    with pytest.raises(UsageError, match=r"one of ViT-B-32, .*, not 'RN50'"):
        settings(backbone="RN50")
    with pytest.raises(UsageError, match="must be 0 or more"):
        settings(matching_weight=-1.0)


@torch.no_grad()
@pytest.mark.parametrize("switches", [{}, {"mmae": False}])
def test_the_exported_head_asks_what_training_asked(switches: dict[str, Any]) -> None:
    """One text against all pictures; with and without an explanation."""
    model = make(**switches)
    _, rows = ImageTower(model)(images())
    for told in (TOLD[:1], ids([])):
        _, text = TextTower(model)(TEXTS[:1])
        _, explanation = TextTower(model)(told)
        found = Matcher(model)(rows, text, TEXTS[:1], explanation, told)
        image, same = model.see(images()), model.read(TEXTS[:1].repeat(4, 1))
        told_all = told.repeat(4, 1)
        explained = model.explain(told_all, told_all.argmax(-1) > 1)
        logits = model.match(image, same, model.features(image, same, explained))
        assert torch.allclose(found, logits[:, 0] - logits[:, 1], atol=1e-5)
