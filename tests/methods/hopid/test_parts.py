"""Fusion, tokens, regions and distilling against numbers derived by hand and plain oracles
(sections 6.3 to 6.6)."""

import math
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sightread.clip.config import CONFIGS
from sightread.clip.model import CLIP
from sightread.errors import UsageError
from sightread.methods.hopid.config import HopidConfig, paper_preset
from sightread.methods.hopid.fusion import Fusion
from sightread.methods.hopid.model import HOPID
from sightread.methods.hopid.ped import (
    CrossAttention,
    MeanPed,
    Ped,
    SlotAttention,
    diversity,
    make_ped,
)
from sightread.methods.hopid.regions import Regions
from sightread.methods.hopid.tokens import Binding, WordTokens
from sightread.scenetext.wordvectors import WIDTH
from tests.methods.hopid.small import WIDE, settings, unit

NONE, EACH = torch.zeros(1), None
X, Y = torch.tensor([[0.0, 1.0, 2.0]]), torch.tensor([[3.0, 0.0, 0.0]])
HIGH = math.sqrt(1.5)  # (x - mean) / deviation of the ends of three equally spaced numbers


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("add", [HIGH, -HIGH, 0]),  # LN(3, 1, 2)
        ("gated", [0, -HIGH, HIGH]),  # half of y: LN(1.5, 1, 2)
        ("mul", [-HIGH, 0, HIGH]),  # x + x y = x
    ],
)
def test_fusion_by_hand(kind: Any, expected: list[float]) -> None:
    fusion = Fusion(3, kind)
    with torch.no_grad():
        if fusion.value is not None:
            fusion.value.weight.copy_(torch.eye(3))
            fusion.value.bias.zero_()
        if fusion.gate is not None:
            fusion.gate.weight.zero_()
            fusion.gate.bias.zero_()
    assert fusion(X, Y)[0].tolist() == pytest.approx(expected, abs=1e-4)
    # What is not there changes nothing: LN(0, 1, 2).
    assert fusion(X, Y, NONE)[0].tolist() == pytest.approx([-HIGH, 0, HIGH], abs=1e-4)


def test_the_gate_of_a_fusion_sees_both() -> None:
    torch.manual_seed(0)
    fusion = Fusion(3, "gated")
    assert fusion.gate is not None
    assert fusion.value is not None
    share = torch.sigmoid(fusion.gate(torch.cat([X, Y], -1)))
    expected = F.layer_norm(X + share * fusion.value(Y), (3,))
    assert torch.allclose(fusion(X, Y), expected, atol=1e-6)


# --- tokens -------------------------------------------------------------------------------------


def token_inputs() -> tuple[Tensor, Tensor, Tensor]:
    return unit(2, 3, WIDTH, seed=1), torch.randn(2, 3, 20), torch.rand(2, 3, 4)


def test_a_token_is_the_published_sum_with_binding() -> None:
    torch.manual_seed(0)
    tokens = WordTokens(settings(), 20).eval()
    words, around, boxes = token_inputs()
    assert tokens.word is not None
    assert tokens.appearance is not None
    assert tokens.box is not None
    assert tokens.binding is not None
    expected = F.layer_norm(tokens.word(16 * words) + tokens.appearance(around), (WIDE,))
    expected = expected + F.layer_norm(tokens.box(boxes), (WIDE,))
    bound = tokens.binding.word(words) * torch.tanh(tokens.binding.bearer(around))
    expected = expected + F.layer_norm(bound, (WIDE,))
    assert torch.allclose(tokens(words, around, boxes), expected, atol=1e-5)


@pytest.mark.parametrize(
    ("kind", "uses"),
    [
        ("multi", {"word", "around", "box"}),
        ("word", {"word"}),
        ("word+box", {"word", "box"}),
        ("appearance", {"around", "box"}),
    ],
)
def test_tokens_use_what_the_switch_says(kind: Any, uses: set[str]) -> None:
    torch.manual_seed(0)
    tokens = WordTokens(settings(token=kind), 20).eval()
    inputs = dict(zip(("word", "around", "box"), token_inputs(), strict=True))
    usual = tokens(*inputs.values())
    for name in inputs:
        other = inputs | {name: inputs[name] + 1}
        assert torch.equal(tokens(*other.values()), usual) == (name not in uses), name


def test_binding_by_hand() -> None:
    binding = Binding(2, 2, 2)
    with torch.no_grad():
        binding.word.weight.copy_(torch.eye(2))
        binding.bearer.weight.copy_(torch.eye(2))
        binding.bearer.bias.zero_()
    found = binding.product(torch.tensor([2.0, 3.0]), torch.tensor([0.5, -1.0]))
    assert found.tolist() == pytest.approx([2 * math.tanh(0.5), -3 * math.tanh(1.0)])


def test_bound_words_tell_who_bears_what() -> None:
    # Two words on two bearers: swapped, their sums are the same, the sums of products are not.
    torch.manual_seed(0)
    binding = Binding(8, 8, 512)
    a, b, bus, mug, *_ = torch.eye(8)
    bus, mug = 4 * bus, 4 * mug
    here = binding.product(a, bus) + binding.product(b, mug)
    swapped = binding.product(a, mug) + binding.product(b, bus)
    assert F.cosine_similarity(here, swapped, dim=0).abs() < 0.3
    assert (
        F.cosine_similarity(here, binding.product(b, mug) + binding.product(a, bus), dim=0) > 0.99
    )


# --- perceptive entity distilling ---------------------------------------------------------------


def test_cross_attention_is_torch_s_own() -> None:
    torch.manual_seed(0)
    layer = CrossAttention(WIDE, 4)
    slots, z = torch.randn(2, 3, WIDE), torch.randn(2, 5, WIDE)
    there = torch.tensor([[True] * 5, [True, True, False, False, False]])
    oracle = nn.MultiheadAttention(WIDE, 4, bias=False, batch_first=True)
    with torch.no_grad():
        parts = [layer.query.weight, layer.key.weight, layer.value.weight]
        oracle.in_proj_weight.copy_(torch.cat(parts))
        oracle.out_proj.weight.copy_(layer.out.weight)
    query = F.layer_norm(slots, (WIDE,))
    mixed, expected = oracle(query, z, z, key_padding_mask=~there)
    middle = slots + mixed
    wide, narrow = layer.ffn[1], layer.ffn[3]
    end = middle + narrow(F.gelu(wide(F.layer_norm(middle, (WIDE,)))))
    found, weights = layer(slots, layer.told(z), (~there).float() * -1e4)
    assert torch.allclose(found, end, atol=1e-5)
    assert torch.allclose(weights, expected, atol=1e-6)
    assert wide.out_features == 2 * WIDE


def test_slots_that_compete_by_hand() -> None:
    torch.manual_seed(0)
    layer = SlotAttention(WIDE)
    slots, z = torch.randn(1, 2, WIDE), torch.randn(1, 3, WIDE)
    mask = torch.tensor([[0.0, 0.0, -1e4]])
    query, keys = layer.query(F.layer_norm(slots, (WIDE,)))[0], layer.key(z)[0]
    shares = torch.zeros(2, 3)
    for n in range(2):  # the third is padding
        logits = torch.stack([query[k] @ keys[n] for k in range(2)]) / math.sqrt(WIDE)
        shares[:, n] = logits.softmax(0)
    expected = shares / shares.sum(1, keepdim=True)
    found, weights = layer(slots, layer.told(z), mask)
    assert torch.allclose(weights[0], expected, atol=1e-6)
    kept = layer.update(expected @ layer.value(z)[0], slots[0])
    assert torch.allclose(found[0], kept + layer.ffn(kept), atol=1e-5)


def words(count: int = 4) -> tuple[Tensor, Tensor]:
    torch.manual_seed(7)
    keep = torch.arange(count) < torch.tensor([[count], [2], [0], [1]])
    return torch.randn(4, count, WIDE), keep


def test_layers_share_their_weights_and_slots_start_apart() -> None:
    torch.manual_seed(0)
    ped = Ped(settings(layers=3))
    tokens, keep = words()
    assert ped.null is not None
    (layer,) = ped.kinds()
    z = torch.cat([tokens, ped.null.expand(4, 1, -1)], 1)
    mask = F.pad((~keep).float() * -1e4, (0, 1))
    slots, weights = ped.start.expand(4, -1, -1), torch.zeros(0)
    for _ in range(3):
        slots, weights = layer(slots, layer.told(z), mask)
    found = ped(tokens, keep)
    assert torch.allclose(found.slots, slots, atol=1e-6)
    assert torch.allclose(found.entity[:2], slots[:2].mean(1), atol=1e-6)
    assert torch.allclose(found.relevance[0], weights[0, :, :4].mean(0), atol=1e-6)
    assert torch.allclose(found.sure[0], weights[0, :, :4].amax(0), atol=1e-6)
    assert float(torch.pdist(ped.start.detach()).min()) > 1
    assert len(Ped(settings(layers=3, share=False)).layers) == 3


@pytest.mark.parametrize("switches", [{}, {"ped": "slot"}, {"ped": "mean"}, {"null_token": False}])
def test_words_that_are_not_there_do_not_count(switches: dict[str, Any]) -> None:
    torch.manual_seed(0)
    ped = make_ped(settings(**switches)).eval()
    tokens, keep = words()
    usual = ped(tokens, keep)
    stirred = torch.where(keep[..., None], tokens, 100 * torch.randn_like(tokens))
    found = ped(stirred, keep)
    assert torch.allclose(found.entity, usual.entity, atol=1e-5)
    assert torch.allclose(found.relevance, usual.relevance, atol=1e-6)
    assert torch.allclose(found.sure, usual.sure, atol=1e-6)
    assert (usual.entity[2] == 0).all()
    assert (usual.relevance * ~keep == 0).all()
    assert (usual.relevance.sum(1) <= 1 + 1e-6).all()
    narrow = ped(tokens[1:2, :2], keep[1:2, :2])
    assert torch.allclose(narrow.entity[0], usual.entity[1], atol=1e-5)


@torch.no_grad()
def test_nothing_to_look_at_takes_its_share() -> None:
    torch.manual_seed(0)
    tokens, keep = words()
    with_null = Ped(settings())(tokens, keep).relevance[0].sum()
    torch.manual_seed(0)
    without = Ped(settings(null_token=False))(tokens, keep).relevance[0].sum()
    assert with_null < 0.999
    assert without == pytest.approx(1, abs=1e-5)


def test_the_mean_of_words() -> None:
    torch.manual_seed(0)
    ped = MeanPed(settings())
    tokens, keep = words()
    assert torch.allclose(ped(tokens, keep).entity[1], ped.linear(tokens[1, :2].mean(0)), atol=1e-6)


def test_diversity_by_hand() -> None:
    # cos^2 of 0 and of 45 degrees, over all pairs of three: (0 + 1/2 + 1/2) / 3.
    slots = torch.tensor([[[1.0, 0.0], [0.0, 2.0], [1.0, 1.0]]])
    assert diversity(slots).item() == pytest.approx(1 / 3)
    assert diversity(slots[:, :1]).item() == 0


# --- regions ------------------------------------------------------------------------------------


def test_regions_are_means_of_patches() -> None:
    torch.manual_seed(0)
    regions = Regions(settings(), 12, 20)
    patches = torch.randn(2, 144, 20)
    grid = patches.view(2, 6, 2, 6, 2, 20).mean((2, 4)).flatten(1, 2)  # 6 x 6 cells of 2 x 2
    assert torch.allclose(regions.cells @ patches, grid, atol=1e-6)
    assert regions.boxes[7].tolist() == pytest.approx([1 / 6, 1 / 6, 2 / 6, 2 / 6])
    expected = regions.block(regions.inward(torch.cat([grid, regions.boxes.expand(2, -1, -1)], -1)))
    assert torch.allclose(regions(patches), expected.mean(1), atol=1e-5)
    # As many as there are patches, where there are fewer.
    assert torch.equal(Regions(settings(), 2, 20).cells, torch.eye(4))


# --- configuration ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("switches", "part"),
    [
        ({"backbone": "RN50"}, "vision transformer"),
        ({"width": 30, "heads": 4}, "multiple"),
        ({"slots": 0}, "slots 0"),
        ({"temperature": 0.0}, "temperature"),
        ({"prompt_weight": -1.0}, "weights"),
        ({"fusion_order": "ex_g", "regions": "none"}, "needs regions"),
    ],
)
def test_settings_that_make_no_sense_are_refused(switches: dict[str, Any], part: str) -> None:
    with pytest.raises(UsageError, match=part):
        HopidConfig(**switches)


def test_the_presets() -> None:
    usual, paper = HopidConfig(), paper_preset()
    assert usual.exact
    assert (usual.slots, usual.layers, usual.share, usual.bind) == (4, 3, True, True)
    assert not paper.residual
    assert not paper.exact
    assert (paper.width, paper.out_width, paper.scene_text.most_tokens) == (1024, 2048, 15)
    assert not paper.bind
    assert {paper.prompt_weight, paper.token_weight, paper.diversity_weight} == {0.0}


def test_how_many_numbers_are_learned() -> None:
    # The specification estimates 12 to 15 million for ViT-B/32.
    with torch.device("meta"):
        model = HOPID(CLIP(CONFIGS["ViT-B-32"]), HopidConfig())
    assert sum(one.numel() for one in model.new_parameters()) == 12_635_949
    assert sum(one.numel() for one in model.dei.parameters()) == 88_578
