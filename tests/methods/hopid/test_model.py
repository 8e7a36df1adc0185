"""The whole model: exact identities, masks, orders, where gradients go (sections 6.10, 9, 13)."""

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sightread.clip.config import CONFIGS, ResNetConfig
from sightread.clip.model import CLIP
from sightread.errors import UsageError
from sightread.methods.hopid.config import HopidConfig
from sightread.methods.hopid.model import HOPID, Seen, added, limited, look
from tests.methods.hopid.small import CLIP_CONFIG, CLIP_WIDE, make, read, seen, settings, unit

SWITCHES: list[dict[str, Any]] = [
    {},
    {"ped": "slot"},
    {"ped": "mean"},
    {"fusion": "mul"},
    {"fusion": "add", "fusion_order": "ex_g"},
    {"regions": "none"},
    {"token": "word"},
    {"bind": False},
    {"gate": False},
    {"null_token": False, "share": False},
    {"preset": "paper"},
]


def test_adding_by_hand() -> None:
    # (1, 0) + (0, 1) = (1, 1) / sqrt 2; nothing added gives the same bits.
    base = torch.tensor([[1.0, 0.0]])
    found = added(base, torch.tensor([[0.0, 1.0]]))
    assert found[0].tolist() == pytest.approx([2**-0.5, 2**-0.5])
    rows = unit(500, 512, seed=3)
    assert torch.equal(added(rows, torch.zeros_like(rows)), rows)
    change = unit(500, 512, seed=4) * 3
    assert torch.allclose(added(rows, change), F.normalize(rows + change, dim=-1), atol=1e-6)


@pytest.mark.parametrize("switches", SWITCHES[:-1])
def test_at_the_start_it_is_clip_to_the_last_bit(switches: dict[str, Any]) -> None:
    model = make(stirred=False, **switches)
    pictures = seen(*(at % 5 for at in range(64)))
    assert torch.equal(model.see(pictures).vector, pictures.base)
    captions = read(*((at % 5,) if at % 3 else () for at in range(64)))
    assert torch.equal(model.read(captions), captions.vector)


def test_what_has_no_text_stays_clip_s_for_ever() -> None:
    model = make()
    pictures, captions = seen(3, 0, 1, 0), read((1,), (), (0, 4), ())
    v, t = model.see(pictures).vector, model.read(captions)
    assert torch.equal(v[1::2], pictures.base[1::2])
    assert torch.equal(t[1::2], captions.vector[1::2])
    assert not torch.allclose(v[::2], pictures.base[::2], atol=1e-2)
    assert not torch.allclose(t[::2], captions.vector[::2], atol=1e-2)
    assert torch.allclose(v.norm(dim=-1), torch.ones(4), atol=1e-6)
    assert torch.allclose(t.norm(dim=-1), torch.ones(4), atol=1e-6)
    # A gallery without text is ranked by plain CLIP, to the last bit.
    plain = captions.vector[1::2] @ pictures.base[1::2].T
    assert torch.equal(t[1::2] @ v[1::2].T, plain)


def test_gates_that_are_always_open_correct_all() -> None:
    model = make(image_gate="always", text_gate="always")
    pictures, captions = seen(0, 2), read((), (1,))
    assert not torch.allclose(model.see(pictures).vector, pictures.base, atol=1e-2)
    assert not torch.allclose(model.read(captions)[0], captions.vector[0], atol=1e-2)


@pytest.mark.parametrize("switches", SWITCHES)
def test_padding_and_order_of_words_do_not_matter(switches: dict[str, Any]) -> None:
    model = make(**switches)
    pictures = seen(5, 2, 0, 1, most=7)
    usual = model.see(pictures)
    order = torch.tensor([3, 0, 4, 6, 1, 5, 2])
    mixed = pictures._replace(
        words=pictures.words[:, order],
        boxes=pictures.boxes[:, order],
        pooling=pictures.pooling[:, order],
        keep=pictures.keep[:, order],
    )
    found = model.see(mixed)
    assert torch.allclose(found.vector, usual.vector, atol=1e-5)
    assert torch.allclose(found.distilled.relevance, usual.distilled.relevance[:, order], atol=1e-5)
    for at, count in enumerate((5, 2, 0, 1)):
        alone = Seen(*(one[at : at + 1] for one in pictures))
        cut = alone._replace(
            words=alone.words[:, : max(count, 1)],
            boxes=alone.boxes[:, : max(count, 1)],
            pooling=alone.pooling[:, : max(count, 1)],
            keep=alone.keep[:, : max(count, 1)],
        )
        assert torch.allclose(model.see(cut).vector[0], usual.vector[at], atol=1e-5)


def test_padding_of_captions_does_not_matter() -> None:
    for switches in ({}, {"caption_encoder": "gru+clip"}, {"bind": False}):
        model = make(**switches)
        captions = read((1, 3), (2,))
        usual = model.read(captions)
        longer = captions._replace(
            words=F.pad(captions.words, (0, 0, 0, 3), value=9.0),
            keep=F.pad(captions.keep, (0, 3)),
            entities=F.pad(captions.entities, (0, 0, 0, 2), value=9.0),
            at=F.pad(captions.at, (0, 2)),
            named=F.pad(captions.named, (0, 2)),
        )
        assert torch.allclose(model.read(longer), usual, atol=1e-6)


def whole(model: HOPID, pictures: Seen) -> Tensor:
    """V as section 6 writes it, step by step."""
    start = model.inward_norm(model.inward(pictures.marked))
    around = torch.einsum("bnp,bpw->bnw", pictures.pooling, pictures.patches)
    entity = model.ped(model.tokens(pictures.words, around, pictures.boxes), pictures.keep).entity
    m = pictures.keep.any(1).float()
    assert model.regions is not None
    assert model.fuse_regions is not None
    assert model.gate is not None
    h1 = model.fuse_text(start, entity, m)
    h2 = model.fuse_regions(h1, model.regions(pictures.patches), torch.ones(len(m)))
    gate = torch.sigmoid(model.gate(torch.cat([start, entity], -1)))
    change = model.out.linear(model.out.norm(h2))
    return F.normalize(pictures.base + m[:, None] * gate * change, dim=-1)


def test_a_picture_s_vector_step_by_step() -> None:
    model, pictures = make(), seen(4, 0, 2)
    assert torch.allclose(model.see(pictures).vector, whole(model, pictures), atol=1e-6)


def test_orders_of_fusion_differ() -> None:
    model = make(fusion_order="ex_g")
    pictures = seen(3, 1)
    assert model.regions is not None
    assert model.fuse_regions is not None
    assert model.gate is not None
    found = model.see(pictures)
    start = model.inward_norm(model.inward(pictures.marked))
    local = model.fuse_text(model.regions(pictures.patches), found.distilled.entity, torch.ones(2))
    h2 = model.fuse_regions(start, local)
    expected = F.normalize(pictures.base + found.gate[:, None] * model.out(h2), dim=-1)
    assert torch.allclose(found.vector, expected, atol=1e-6)


def test_the_gate_says_how_much_words_count() -> None:
    model = make()
    pictures = seen(3, 0, 2)
    assert model.gate is not None
    for bias, expected in ((-100.0, 0.0), (100.0, 1.0)):
        with torch.no_grad():
            model.gate.bias.fill_(bias)
        gate = model.see(pictures).gate
        assert gate.tolist() == pytest.approx([expected, 0, expected], abs=1e-6)
    with torch.no_grad():
        model.gate.bias.fill_(-100.0)
    assert torch.allclose(model.see(pictures).vector, pictures.base, atol=1e-6)
    assert make(gate=False).see(pictures).gate.tolist() == [1, 0, 1]


def test_a_limit_by_hand() -> None:
    # Length 5 with a reach of 1: 5 / sqrt 26; a short one stays nearly as it is.
    found = limited(torch.tensor([[3.0, 4.0], [0.003, 0.004]]), 1.0)
    assert found[0].tolist() == pytest.approx([3 / 26**0.5, 4 / 26**0.5])
    assert found[1].tolist() == pytest.approx([0.003, 0.004], rel=1e-4)
    change = torch.randn(3, 5)
    assert limited(change, 0.0) is change


@pytest.mark.parametrize("reach", [0.3, 0.9])
def test_whatever_is_read_a_picture_stays_within_reach(reach: float) -> None:
    # Readings, places and surroundings as wrong as can be, weights as large.
    model = make(reach=reach)
    with torch.no_grad():
        model.out.linear.weight.mul_(1000)
    pictures = seen(*([7] * 40), seed=11)
    vectors = model.see(pictures._replace(words=30 * pictures.words)).vector
    cosines = (vectors * pictures.base).sum(1).detach()
    assert float(cosines.min()) > (1 - reach**2) ** 0.5 - 1e-5
    assert float(cosines.min()) < 0.999
    assert torch.equal(make(reach=reach, stirred=False).see(pictures).vector, pictures.base)


def test_the_paper_s_preset_has_vectors_of_its_own() -> None:
    model = make(preset="paper", bind=False, gate=False, prompt_words=False)
    pictures, captions = seen(3, 0), read((1,), ())
    v, t = model.see(pictures), model.read(captions)
    assert v.vector.shape == t.shape == (2, 12)
    assert torch.allclose(v.vector.norm(dim=-1), torch.ones(2), atol=1e-6)
    # Without scene text E is 0 and does not join: graceful, not exact.
    assert (v.distilled.entity[1] == 0).all()
    without = model.see(pictures, use_text=False)
    assert torch.allclose(without.vector[1], v.vector[1], atol=1e-6)
    assert not torch.allclose(without.vector[0], v.vector[0], atol=1e-3)


def test_the_frozen_tower_s_vectors_and_patches() -> None:
    torch.manual_seed(0)
    clip = CLIP(CLIP_CONFIG).eval()
    pixels = torch.randn(3, 3, 16, 16)
    vectors, patches = look(clip, pixels)
    assert torch.allclose(vectors, F.normalize(clip.encode_image(pixels), dim=-1), atol=1e-6)
    assert patches.shape == (3, 4, 20)
    assert torch.allclose(patches.mean(-1), torch.zeros(3, 4), atol=1e-5)  # normalised


# --- gradients ----------------------------------------------------------------------------------


def gradients(model: HOPID) -> dict[str, float]:
    """Where the loss of two pairs sends a gradient, and how long it is."""
    model.train()
    (model.see(seen(3, 2)).vector * model.read(read((1, 2), (3,)))).sum().backward()  # type: ignore[no-untyped-call]
    pairs = model.named_parameters()
    return {name: float(one.grad.norm()) for name, one in pairs if one.grad is not None}


def test_gradients_reach_slots_and_words_and_no_frozen_part() -> None:
    found = gradients(make(stirred=True))
    assert not [name for name in found if name.startswith(("clip.", "dei."))]
    for name in (
        "ped.start",
        "ped.null",
        "tokens.word.weight",
        "tokens.appearance.weight",
        "tokens.box.weight",
        "tokens.binding.word.weight",
        "tokens.binding.bearer.weight",
        "caption.binding.word.weight",
        "caption.binding.bearer.weight",
        "caption.spelled.weight",
        "caption.prompt.weight",
        "caption.gru.weight_hh_l0",
        "caption.embed.weight",
        "gate.weight",
        "regions.inward.weight",
        "out.linear.weight",
        "caption_out.linear.weight",
    ):
        assert found[name] > 1e-8, name


def test_what_is_built_learns() -> None:
    for switches in SWITCHES:
        model = make(prompt_weight=0.0, **switches)
        learns = {id(one) for one in model.new_parameters()}
        found = gradients(model)
        names = {name for name, one in model.named_parameters() if id(one) in learns}
        assert names - found.keys() == set(), switches


def test_the_first_step_moves_the_outputs_alone() -> None:
    found = gradients(make(stirred=False))
    moved = {name for name, length in found.items() if length > 0}
    assert moved == {
        f"{side}.linear.{kind}" for side in ("out", "caption_out") for kind in ("weight", "bias")
    }


def test_frozen_parts_stay_in_eval_mode() -> None:
    model = make().train()
    assert model.training
    assert model.ped.training
    assert not model.clip.training
    assert not model.dei.training
    new = {id(one) for one in model.new_parameters()}
    rest: list[nn.Parameter] = [*model.clip.parameters(), *model.dei.parameters()]
    assert not new & {id(one) for one in rest}


def test_a_resnet_is_refused() -> None:
    assert isinstance(CONFIGS["tiny-RN"].vision, ResNetConfig)
    with pytest.raises(UsageError, match="is a ResNet"):
        HOPID(CLIP(CONFIGS["tiny-RN"]), settings())
    with pytest.raises(UsageError, match="vision transformer"):
        HopidConfig(backbone="RN50")
    assert make().dim == CLIP_WIDE
