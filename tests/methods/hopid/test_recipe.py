"""HOPID as the lab trains it: what learns, what each switch changes, and that it can learn."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from sightread.clip.config import CONFIGS
from sightread.clip.model import CLIP
from sightread.clip.tokens import tokenise
from sightread.errors import SightreadError, UsageError
from sightread.lab.checkpoint import load_model, open_checkpoint
from sightread.lab.settings import Run, TrainConfig, load_run
from sightread.lab.train import train
from sightread.methods import METHODS
from sightread.methods.hopid import data
from sightread.methods.hopid.config import HopidConfig, HopidRecipe, paper_preset
from sightread.methods.hopid.data import ambiguity_pictures, open_pictures, shuffled
from sightread.methods.hopid.features import readings
from sightread.methods.hopid.model import HOPID
from sightread.methods.hopid.recipe import (
    HOPID_METHOD,
    PATIENCE,
    batches,
    build,
    fit_tagger,
    groups,
    losses,
    open_set,
    pieces_of,
    start,
    tables,
    validate,
)
from sightread.methods.hopid.validation import caption_vectors, figures, picture_vectors
from sightread.methods.method import Batch
from sightread.scenetext.pictures import CaptionedPicture
from sightread.scenetext.settings import SceneTextSettings
from sightread.synth.ambiguity import AmbiguitySettings
from tests.methods.hopid.conftest import FEW, RECIPE
from tests.methods.hopid.small import settings

ALL_TERMS = {"total", "main", "prompt", "token", "diversity", "accuracy", "gate"}


def quoting(recipe: HopidRecipe = RECIPE, **switches: Any) -> HopidRecipe:
    """Entities are known without a tagger: those that the picture says."""
    return replace(recipe, model=replace(recipe.model, dei="oracle", **switches))


def terms(recipe: HopidRecipe, number: int = 0) -> dict[str, float]:
    """The losses of a batch of one and the same model wherever the switches allow it."""
    model = build(recipe, 0)
    batch = batches(recipe, model, 0)(number)
    torch.manual_seed(0)
    with torch.no_grad():
        return {name: float(one) for name, one in losses(recipe, model, batch).items()}


def same(one: Batch, other: Batch) -> bool:
    return one.keys() == other.keys() and all(
        torch.equal(value, other[name]) if isinstance(value, Tensor) else value == other[name]
        for name, value in one.items()
    )


def test_it_is_among_the_methods() -> None:
    assert METHODS["hopid"] is HOPID_METHOD
    assert HOPID_METHOD.space == "caption"
    assert "reconstruction" in HOPID_METHOD.about


def test_batches_are_functions_of_their_number() -> None:
    recipe = replace(quoting(), letters_misread=0.3, words_misread=0.2, words_dropped=0.3)
    first, again = (batches(recipe, build(recipe, 0), 4) for _ in "ab")
    ahead = again(5)
    assert same(first(5), ahead)
    assert not same(first(4), ahead)
    name, value = next(iter(first(0).items()))
    assert (name, len(value)) == ("base", 7)
    # 14 pictures make two batches of seven: an epoch shows each once.
    shown = torch.cat([first(number)["base"] for number in range(2)])
    assert len({row.numpy().tobytes() for row in shown}) == 14
    assert [first(number)["hardest"] for number in range(4)] == [False, False, True, True]


def test_words_are_dropped_but_never_all() -> None:
    recipe = replace(quoting(), words_dropped=1.0)
    kept = batches(recipe, build(recipe, 0), 0)(0)["keep"]
    whole = batches(replace(recipe, words_dropped=0.0), build(recipe, 0), 0)(0)["keep"]
    assert torch.equal(kept.any(1), whole.any(1))
    gone = batches(replace(recipe, text_dropped=1.0), build(recipe, 0), 0)(0)["keep"]
    assert not gone.any()


def test_marks_are_dropped_where_both_looks_are_known() -> None:
    two = SceneTextSettings(passes="two")
    recipe = replace(quoting(scene_text=two), marks_dropped=1.0)
    batch = batches(recipe, build(recipe, 0), 0)(0)
    assert torch.equal(batch["base"], batch["marked"])
    recipe = replace(recipe, marks_dropped=0.0)
    batch = batches(recipe, build(recipe, 0), 0)(0)
    differ = (batch["base"] != batch["marked"]).any(1)
    assert torch.equal(differ, batch["keep"].any(1))


def test_the_total_is_the_weighted_sum() -> None:
    recipe = quoting(prompt_weight=0.3, token_weight=0.7, diversity_weight=0.5, dual_weight=0.2)
    found = terms(recipe)
    assert found.keys() == ALL_TERMS | {"dual"}
    parts = found["main"] + 0.3 * found["prompt"] + 0.7 * found["token"]
    parts += 0.5 * found["diversity"] + 0.2 * found["dual"]
    assert found["total"] == pytest.approx(parts, rel=1e-5)


def test_the_schedule() -> None:
    # At the start V and T are plain CLIP's, so that the losses can be had without the model.
    recipe = quoting()
    model = build(recipe, 0)
    batch = batches(recipe, model, 0)(0)
    scores = batch["base"] @ batch["caption_vector"].T
    own = scores.diagonal()
    there = ~torch.eye(7, dtype=torch.bool)
    assert len(set(batch["key"].tolist())) == 7
    contrast = sum(
        torch.nn.functional.cross_entropy(one / 0.07, torch.arange(7)) / 2
        for one in (scores, scores.T)
    )
    by_row = (0.2 + scores - own[:, None]).clamp(min=0) * there
    by_column = (0.2 + scores - own[None]).clamp(min=0) * there
    hardest = by_row.amax(1).sum() + by_column.amax(0).sum()
    every = by_row.sum() + by_column.sum()
    expected = {
        ("nce_then_tri", 0): 10 * contrast,
        ("nce_then_tri", 2): hardest + 2 * contrast,
        ("sum_then_tri", 0): every,
        ("sum_then_tri", 2): hardest,
        ("tri", 0): hardest,
    }
    for (schedule, number), value in expected.items():
        told = quoting(schedule=schedule)
        found = losses(told, model, {**batch, "hardest": number >= told.nce_batches})
        assert found["main"].item() == pytest.approx(float(value), rel=1e-5), schedule


@pytest.mark.parametrize(
    ("switch", "gone"),
    [
        ({"prompt_weight": 0.0}, {"prompt"}),
        ({"prompt": False}, {"prompt"}),
        ({"token_weight": 0.0}, {"token"}),
        ({"diversity_weight": 0.0}, {"diversity"}),
    ],
)
def test_switches_leave_terms_out(switch: dict[str, Any], gone: set[str]) -> None:
    assert terms(quoting()).keys() - terms(quoting(**switch)).keys() == gone


@pytest.mark.parametrize(
    "switch",
    [
        {"ped": "mean"},
        {"ped": "slot"},
        {"bind": False},
        {"regions": "none"},
        {"fusion": "mul"},
        {"fusion_order": "ex_g"},
        {"token": "word"},
        {"caption_encoder": "gru+clip"},
        {"preset": "paper", "dual_weight": 0.5},
        {"image_gate": "always", "text_gate": "always", "prompt": False},
        {"scene_text": SceneTextSettings(most_tokens=0), "image_gate": "always"},
    ],
)
def test_every_switch_can_be_trained(switch: dict[str, Any]) -> None:
    recipe = quoting(**switch)
    model = build(recipe, 0).train()
    batch = batches(recipe, model, 0)(0)
    optimizer = torch.optim.AdamW(model.new_parameters(), lr=3e-3)
    first = 0.0
    for number in range(15):
        torch.manual_seed(number)
        loss = losses(recipe, model, batch)["main"]
        first = first or loss.item()
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    assert loss.item() < 0.95 * first


def test_half_precision_computes_the_same_terms() -> None:
    recipe = quoting(dual_weight=0.5)
    model = build(recipe, 0)
    batch = batches(recipe, model, 0)(0)
    whole = losses(recipe, model, batch)
    with torch.autocast("cpu", torch.bfloat16):
        half = losses(recipe, model, batch)
    assert half["total"].dtype == torch.float32
    for name, value in whole.items():
        assert half[name].item() == pytest.approx(value.item(), rel=0.05, abs=0.05), name


def test_frozen_parts_are_in_no_group() -> None:
    model = build(RECIPE, 0)
    grouped = {id(one) for group in groups(RECIPE, model) for one in group.parameters}
    named = dict(model.named_parameters())
    frozen = {name for name, one in named.items() if id(one) not in grouped}
    assert frozen == {name for name in named if name.startswith(("clip.", "dei."))}
    matrices, vectors = groups(RECIPE, model)
    assert (matrices.weight_decay, vectors.weight_decay) == (1e-4, 0)


def test_the_labeller_sees_training_pictures_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def noted(picture: CaptionedPicture, config: HopidConfig) -> Any:
        asked.append(picture.id)
        return readings(picture, config)

    monkeypatch.setattr("sightread.methods.hopid.recipe.readings", noted)
    model = build(RECIPE, 0)
    start(RECIPE, model)
    batches(RECIPE, model, 0)
    assert set(asked) == {one.id for one in open_set(RECIPE, "train")}
    count = len(asked)
    model.eval()
    with torch.no_grad():
        validate(RECIPE, model)
    assert len(asked) == count
    held = {one.id for one in open_set(RECIPE, "val")}
    assert held
    assert not held & set(asked)


def test_starting_loads_the_backbone(tmp_path: Path) -> None:
    torch.manual_seed(9)
    clip = CLIP(CONFIGS["tiny-carriers"])
    save_file(clip.state_dict(), tmp_path / "model.safetensors")
    recipe = replace(quoting(), clip=str(tmp_path))
    model = build(recipe, 0)
    start(recipe, model)
    assert torch.equal(model.clip.token_embedding.weight, clip.token_embedding.weight)
    with pytest.raises(UsageError, match="has no weights of a backbone"):
        start(replace(recipe, clip=str(tmp_path / "nothing")), model)


def test_a_checkpoint_is_enough_to_have_the_model_again(hopid_run: Path) -> None:
    steps = sorted((hopid_run / "checkpoints").glob("step-*"))
    model = build(RECIPE, 1)
    load_model(open_checkpoint(steps[-1]), model)
    kept = load_file(steps[-1] / "model.safetensors")
    assert torch.equal(model.dei.out.weight, kept["dei.out.weight"])
    assert torch.equal(model.clip.visual.conv1.weight, kept["clip.visual.conv1.weight"])
    # CLIP did not move: the weights are those of the seed.
    assert torch.equal(model.clip.text_projection, model.clip.text_projection)
    fresh = build(RECIPE, 0)
    assert torch.equal(kept["clip.text_projection"], fresh.clip.text_projection)
    assert not torch.equal(kept["out.linear.weight"], fresh.out.linear.weight)


def test_a_run_that_was_stopped_goes_on_as_if_it_was_not(tmp_path: Path, hopid_run: Path) -> None:
    out = tmp_path / "run"
    half = TrainConfig(steps=2, threads=1, device="cpu")
    train(HOPID_METHOD, Run(RECIPE, half), out)
    train(HOPID_METHOD, Run(RECIPE, replace(half, steps=3)), out, resume=True)
    one, other = (
        load_file(path / "checkpoints" / "step-00000003" / "model.safetensors")
        for path in (out, hopid_run)
    )
    assert all(torch.equal(one[name], other[name]) for name in other)


def test_training_that_collapses_is_stopped() -> None:
    recipe = quoting(preset="paper", schedule="tri")
    model = build(recipe, 0)
    batch = dict(batches(recipe, model, 0)(0))
    batch["base"] = torch.eye(7, 96)
    with torch.no_grad():
        model.out.linear.weight.zero_()  # one vector for all
    for _ in range(PATIENCE - 1):
        losses(recipe, model, batch)
    with pytest.raises(SightreadError, match="collapsed"):
        losses(recipe, model, batch)


def test_the_configurations_that_come_with_it_can_be_read() -> None:
    tiny, paper, large = (
        load_run(HOPID_METHOD, f"configs/hopid/{name}.toml")
        for name in ("tiny", "paper", "vit-b-32")
    )
    assert paper.method.model == paper_preset()
    assert large.method.model == HopidConfig(reach=0.9)
    assert tiny.method.model.exact
    for one in (tiny, paper, large):
        share = one.method.nce_batches / one.train.steps
        assert share == pytest.approx(0.6)
    # CTC's training part, 500 pictures of it held out.
    assert large.train.steps == 20 * ((5683 - 500) // large.method.batch)
    assert paper.train.steps == 30 * ((5683 - 500) // paper.method.batch)


def test_every_tiny_backbone_comes_with_its_tokeniser() -> None:
    for name in ("tiny-ViT", "tiny-emblem", "tiny-carriers"):
        recipe = replace(quoting(backbone=name))
        model = build(recipe, 0)
        highest = pieces_of(recipe).get_vocab_size() - 1
        assert model.clip.config.text.vocab_size > highest
        ids = tokenise(pieces_of(recipe), ["a sign"], 8)
        assert model.encode_text(ids).shape == (1, model.dim)
    with pytest.raises(UsageError, match="needs the tokeniser"):
        pieces_of(replace(RECIPE, model=settings(backbone="ViT-B-32")))


@pytest.mark.parametrize(
    ("changes", "part"),
    [
        ({"batch": 1}, "batch of 1"),
        ({"words_dropped": 1.5}, "between 0 and 1"),
        ({"letters_misread": -0.1}, "between 0 and 1"),
    ],
)
def test_recipes_that_make_no_sense_are_refused(changes: dict[str, Any], part: str) -> None:
    with pytest.raises(UsageError, match=part):
        replace(RECIPE, **changes)


# --- data ---------------------------------------------------------------------------------------


def bare(name: str, group: str = "") -> CaptionedPicture:
    return CaptionedPicture(name, ("a",), (), lambda: np.zeros((8, 8, 3), np.uint8), group)


def test_data_sets_that_are_not_there() -> None:
    with pytest.raises(UsageError, match="no data set 'news'"):
        open_pictures("news", "", FEW, "train")


def test_a_set_with_too_few_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(data.SETS, "few", lambda *_: [bare("a")])
    with pytest.raises(UsageError, match=r"--set method\.root="):
        open_pictures("few", "", FEW, "train")
    with pytest.raises(UsageError, match="has 1 pictures"):
        open_pictures("few", "here", FEW, "train")


def test_groups_stay_together() -> None:
    pictures = [bare(f"p{at}", "ab"[at % 2] if at < 8 else "") for at in range(12)]
    words: Sequence[frozenset[str]] = [frozenset()] * 12
    order = shuffled(pictures, words, "groups", np.random.default_rng(0))
    assert sorted(order) == list(range(12))
    places = [order.index(at) for at in range(0, 8, 2)]
    assert max(places) - min(places) == 3
    assert order != shuffled(pictures, words, "groups", np.random.default_rng(1))


def test_neighbours_share_a_word() -> None:
    words = [frozenset(one.split()) for one in ("a b", "c", "b", "", "c d", "e")]
    pictures = [bare(str(at)) for at in range(6)]
    for seed in range(4):
        order = shuffled(pictures, words, "text_neighbours", np.random.default_rng(seed))
        assert sorted(order) == list(range(6))
        for one, other in ((0, 2), (1, 4)):
            assert abs(order.index(one) - order.index(other)) == 1
    plain = shuffled(pictures, words, "shuffle", np.random.default_rng(0))
    assert sorted(plain) == list(range(6))


def test_rendered_pictures_come_with_what_was_read() -> None:
    found = ambiguity_pictures(None, FEW, "train")
    assert len(found) == 14
    assert len({one.id for one in found}) == 14
    assert {len(one.captions) for one in found} == {5}
    assert sum(bool(one.words) for one in found) == 12
    assert found[0].load().shape == (96, 96, 3)


# --- it learns ----------------------------------------------------------------------------------


def learned(recipe: HopidRecipe, steps: int) -> HOPID:
    model = build(recipe, 0)
    with torch.no_grad():
        for one in model.clip.parameters():  # an untrained CLIP calls all pictures alike
            one.mul_(2)
    fit_tagger(recipe, model, open_set(recipe, "train"))
    model.train()
    draw = batches(recipe, model, 0)
    optimizer = torch.optim.AdamW(model.new_parameters(), lr=recipe.lr)
    for number in range(steps):
        torch.manual_seed(number)
        found = losses(recipe, model, draw(number))
        optimizer.zero_grad()
        found["total"].backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(model.new_parameters(), 2.0)
        optimizer.step()
    return model.eval()


def test_it_learns_two_groups_by_heart() -> None:
    few = AmbiguitySettings(groups=2, plain=2, replaced=0.0, missed=0.0)
    recipe = replace(RECIPE, ambiguity=few, batch=10, lr=3e-3, dei_epochs=30, nce_batches=10**6)
    recipe = replace(recipe, model=settings(backbone="tiny-carriers", width=48, slots=2, layers=2))
    model = learned(recipe, 80)
    shown = open_set(recipe, "train")
    found = figures(model, *tables(recipe, model, [one for one in shown if one.words]))
    assert found["image_to_text_1"] == 100
    assert found["text_to_image_1"] > 75
    pictures, captions = tables(recipe, model, shown)
    # What has no text was not touched, whatever was learned.
    plain = [at for at, tokens in enumerate(pictures.tokens) if not tokens]
    assert len(plain) == 2
    assert torch.equal(picture_vectors(model, pictures)[plain], pictures.base[plain])
    silent = [at for at, some in enumerate(captions.entities) if not some]
    assert len(silent) >= 10
    assert torch.equal(caption_vectors(model, captions)[silent], captions.vectors[silent])
