"""EntityCLIP as the lab trains it: what learns, what each switch changes, and that it can learn."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from sightread.clip.config import CONFIGS
from sightread.clip.model import CLIP
from sightread.encoders import open_encoder
from sightread.encoders.matching import OnnxMatcher
from sightread.encoders.onnx import OnnxEncoder
from sightread.errors import ModelError, UsageError
from sightread.lab.checkpoint import load_model, open_checkpoint
from sightread.lab.settings import load_run
from sightread.methods.entityclip.config import EntityClipConfig
from sightread.methods.entityclip.data import open_benchmark
from sightread.methods.entityclip.recipe import (
    ENTITYCLIP_METHOD,
    EntityClipRecipe,
    Writer,
    batches,
    build,
    groups,
    losses,
    open_pairs,
    start,
    towers,
    validate,
)
from sightread.modelfolder import verify
from sightread.protocols import MatchingHead
from sightread.synth.entities import KIND, build_entities
from tests.encoders.handmade import make_folder
from tests.methods.entityclip import layouts
from tests.methods.entityclip.conftest import FEW, RECIPE
from tests.methods.entityclip.small import settings

ALL_TERMS = {"total", "contrast", "experts", "matching", "fusion", "bridge"}


def terms(recipe: EntityClipRecipe) -> dict[str, float]:
    """The losses of batch 0 of one and the same model wherever the switches allow it."""
    model = build(recipe, 0)
    batch = batches(recipe, model, 0)(0)
    torch.manual_seed(0)
    with torch.no_grad():
        return {name: float(one) for name, one in losses(recipe, model, batch).items()}


def changed(**switches: Any) -> EntityClipRecipe:
    return replace(RECIPE, model=replace(RECIPE.model, **switches))


def test_batches_are_functions_of_their_number() -> None:
    model = build(RECIPE, 0)
    first, again = (batches(RECIPE, model, 4) for _ in "ab")
    ahead = again(5)
    for name, value in first(5).items():
        assert torch.equal(value, ahead[name]), name
    assert next(iter(first(0))) == "images"
    # 18 pairs make three batches of six: an epoch shows each picture once.
    shown = torch.cat([first(number)["images"].flatten(1) for number in range(3)])
    assert len(torch.unique(shown, dim=0)) == 18
    assert first(0)["named"].shape[0] == first(0)["described"].shape[0] == 4


def test_the_total_is_the_weighted_sum() -> None:
    recipe = changed(expert_weight=0.3, matching_weight=0.7, fusion_weight=0.5, bridge_weight=2.0)
    found = terms(recipe)
    assert found.keys() == ALL_TERMS
    parts = found["contrast"] + 0.3 * found["experts"] + 0.7 * found["matching"]
    parts += 0.5 * found["fusion"] + 2 * found["bridge"]
    assert found["total"] == pytest.approx(parts, rel=1e-5)


@pytest.mark.parametrize(
    ("switch", "gone", "other"),
    [
        ({"gi_itm": False}, {"matching"}, set()),
        ({"matching_weight": 0.0}, {"matching"}, set()),
        ({"expert_weight": 0.0, "gi_itm": False}, {"experts", "matching"}, set()),
        ({"fusion_weight": 0.0}, {"fusion"}, set()),
        ({"bridge_weight": 0.0}, {"bridge"}, set()),
        ({"mmae": False}, set(), {"experts", "matching"}),
        ({"explanations": "caption"}, set(), {"experts", "matching", "fusion"}),
        ({"explanation_tokens": 3}, set(), {"experts", "matching", "fusion", "bridge"}),
        ({"mask_names": True}, set(), {"experts", "matching", "fusion"}),
        ({"image_sees_explanation": False}, set(), {"experts", "matching"}),
        ({"explanation_experts": 0}, set(), {"experts", "matching"}),
        ({"image_experts": 0}, set(), {"experts", "matching"}),
        ({"text_experts": 0}, set(), {"experts", "matching"}),
        ({"padding": "attend"}, set(), {"experts", "matching"}),
        ({"negatives": "random"}, set(), {"matching"}),
    ],
)
def test_a_switch_changes_only_what_it_names(
    switch: dict[str, Any], gone: set[str], other: set[str]
) -> None:
    usual, found = terms(RECIPE), terms(changed(**switch))
    assert usual.keys() - found.keys() == gone
    # Weights of the branch are drawn after CLIP's, so that CLIP's terms stay what they are.
    named = {
        name
        for name in found.keys() - {"total"}
        if found[name] != pytest.approx(usual[name], abs=1e-6)
    }
    assert named - {"matching", "experts"} == other - {"matching", "experts"}
    assert other <= named


def test_empty_explanations_teach_nothing_and_break_nothing() -> None:
    recipe = changed(explanations="none")
    model = build(recipe, 0).train()
    batch = batches(recipe, model, 0)(0)
    assert not batch["explained"].any()
    assert batch["explanations"].shape[1] == 2
    for version in (recipe, changed(explanations="none", mmae=False)):
        model = build(version, 0).train()
        found = losses(version, model, batch)
        assert found["fusion"].item() == 0
        found["total"].backward()  # type: ignore[no-untyped-call]
        gradients = [one.grad for one in model.parameters() if one.grad is not None]
        assert all(bool(one.isfinite().all()) for one in gradients)
    # Without MMAE, T* is then the text alone, and V* the image: the branch repeats the main loss.
    assert found["experts"].item() == pytest.approx(found["contrast"].item(), rel=1e-5)


def test_everything_that_is_built_learns() -> None:
    for switches in ({}, {"mmae": False}, {"expert_weight": 0.0}, {"gi_itm": False}):
        recipe = changed(**switches)
        model = build(recipe, 0).train()
        losses(recipe, model, batches(recipe, model, 0)(0))["total"].backward()  # type: ignore[no-untyped-call]
        still = [name for name, one in model.named_parameters() if one.grad is None]
        assert still == []


def test_two_learning_rates_and_no_decay() -> None:
    recipe = replace(RECIPE, lr=2e-4, lr_new=5.0)
    tuned, new = groups(recipe, build(recipe, 0))
    assert (tuned.lr, new.lr, tuned.weight_decay, new.weight_decay) == (2e-4, 1e-3, 0, 0)
    plain = changed(expert_weight=0.0, gi_itm=False)
    assert len(groups(plain, build(plain, 0))) == 1
    assert EntityClipRecipe().lr == 1e-5
    assert EntityClipRecipe().batch == 192
    published = EntityClipConfig()
    assert (published.expert_weight, published.matching_weight) == (0.1, 0.1)
    counts = (published.image_experts, published.explanation_experts, published.text_experts)
    assert counts == (4, 4, 4)


def test_the_configurations_that_come_with_it_can_be_read() -> None:
    paper, plus, tiny = (
        load_run(ENTITYCLIP_METHOD, f"configs/entityclip/{name}.toml")
        for name in ("paper", "plus", "tiny")
    )
    published = replace(EntityClipRecipe(), data="n24news")
    assert paper.method == published
    assert (paper.train.optimizer, paper.train.schedule, paper.train.best) == (
        "adam",
        "cosine",
        "loss",
    )
    preset = (plus.method.model, tiny.method.model)
    assert {one.bridge_weight for one in preset} == {2.0}
    assert not any(one.image_sees_explanation for one in preset)


def test_the_temperature_is_bounded() -> None:
    model = build(RECIPE, 0)
    with torch.no_grad():
        model.clip.logit_scale.fill_(9.0)
    assert model.scale.item() == pytest.approx(100, rel=1e-5)


def test_captions_of_one_entity_have_one_key() -> None:
    pairs = open_pairs(RECIPE, "train")
    texts = Writer(RECIPE, pairs.known).texts(pairs.pairs[:6])
    # Three pictures of each of the first two entities.
    first, *_, last = texts["key"].tolist()
    assert texts["key"].tolist() == [first] * 3 + [last] * 3
    assert first != last
    assert texts["explained"].all()


def test_descriptions_of_the_bridge_do_not_name() -> None:
    pairs = open_pairs(RECIPE, "train")
    made = build_entities(FEW)
    assert {one.entity for one in pairs.known.entries} == {one.name for one in made.entities}
    for entry in pairs.known.entries:
        assert entry.entity not in entry.without_name()
        assert entry.without_name().startswith(f"{KIND} is known for ")


def test_it_learns_eight_pairs_by_heart() -> None:
    few = replace(FEW, head=8, tail=0, told=0, head_pictures=1)
    recipe = replace(RECIPE, entities=few, batch=8, model=settings(matching_weight=1.0))
    model = build(recipe, 0).train()
    batch = batches(recipe, model, 0)(0)
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    for step in range(50):
        torch.manual_seed(step)
        found = losses(recipe, model, batch)
        optimizer.zero_grad()
        found["total"].backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    assert found["contrast"].item() < 0.1
    assert found["matching"].item() < 0.35  # log 2 = 0.69 is a guess


def test_validation_says_how_well_held_out_pairs_match() -> None:
    model = build(RECIPE, 0).eval()
    with torch.no_grad():
        found = validate(RECIPE, model)
    assert found["loss"] > 0
    assert found["answers_per_picture"] == pytest.approx(0.1)
    assert 0 <= found["text_to_image"] <= 1
    assert validate(replace(RECIPE, validation_pairs=0), model) == {}
    with torch.no_grad():  # fewer pairs than a batch
        assert validate(replace(RECIPE, validation_pairs=5), model)["answers_per_picture"] == 0.2


def test_starting_loads_the_backbone(tmp_path: Path) -> None:
    torch.manual_seed(9)
    clip = CLIP(CONFIGS["tiny-emblem"])
    save_file(clip.state_dict(), tmp_path / "model.safetensors")
    recipe = replace(RECIPE, clip=str(tmp_path))
    model = build(recipe, 0)
    start(recipe, model)
    assert torch.equal(model.clip.token_embedding.weight, clip.token_embedding.weight)
    with pytest.raises(UsageError, match="has no weights of a backbone"):
        start(replace(recipe, clip=str(tmp_path / "nothing")), model)


def test_news_and_explanations_from_files(tmp_path: Path) -> None:
    root = str(layouts.n24news(tmp_path))
    tiny = replace(RECIPE, data="n24news", root=root, model=settings(backbone="tiny-ViT"))
    assert len(open_pairs(tiny, "train").pairs) == 2
    told = tmp_path / "told.jsonl"
    lines = [{"entity": "Vola Rano", "text": "red"}, {"entity": "harbour", "text": "blue"}]
    told.write_text("\n".join(map(json.dumps, lines)))
    named = replace(tiny, explanations=str(told), model=replace(tiny.model, bridge_weight=1.0))
    batch = batches(named, build(named, 0), 0)(0)
    assert batch["explained"].tolist() == [True, True]
    assert batch["named"].shape[0] == 2
    for model, said in (
        ({"bridge_weight": 1.0}, "bridge_weight needs explanations of at least two entities"),
        ({"mask_names": True}, "mask_names needs explanations by entity"),
    ):
        with pytest.raises(UsageError, match=said):
            open_pairs(replace(tiny, model=replace(tiny.model, **model)), "train")
    (tmp_path / "N24News" / "news" / "CapDsc_mistral_train.json").unlink()
    with pytest.raises(UsageError, match=r"n24news has no explanations beside it: name a file"):
        open_pairs(tiny, "train")
    by_captions = replace(tiny.model, explanations="caption")
    assert open_pairs(replace(tiny, model=by_captions), "train")
    with pytest.raises(UsageError, match=r"needs its folder: name it with --set method\.root="):
        open_pairs(replace(tiny, root=""), "train")
    large = replace(tiny, model=replace(by_captions, backbone="ViT-B-32"))
    with pytest.raises(UsageError, match="needs the tokeniser of its backbone"):
        batches(large, build(tiny, 0), 0)


# --- what is exported --------------------------------------------------------------------------


def test_the_exported_head_and_towers_compute_what_torch_does(
    entity_run: Path, entity_model: Path
) -> None:
    info = verify(entity_model)
    assert info.space == "entity"
    assert "match.onnx" in info.files
    assert info.calibration is not None
    matcher = OnnxMatcher(entity_model)
    model = build(RECIPE, 0)
    load_model(open_checkpoint(entity_run), model)
    assert matcher.scale == pytest.approx(model.eval().scale.item())
    task = open_benchmark("synth-entity", None, FEW)
    pictures = [task.load(name) for name in task.gallery]
    tokens = matcher.image_tokens(pictures)
    assert tokens.shape == (10, 26, 64)
    assert tokens.dtype == np.float16
    text = next(iter(task.queries.values()))
    pixels = batches(RECIPE, model, 0)(0)["images"]
    with torch.no_grad():
        rows = towers(RECIPE, model).image(pixels)[1]
        for told in ("a red shield bearing a star", ""):
            texts = Writer(RECIPE, open_pairs(RECIPE, "train").known)
            ids = texts.explanations([text, told])
            read = model.read(ids[:1].repeat(6, 1))
            explanation = model.explain(ids[1:].repeat(6, 1), torch.tensor([bool(told)] * 6))
            seen = model.see(pixels)
            logits = model.match(seen, read, model.features(seen, read, explanation))
            found = matcher.log_odds(text, told, rows.numpy().astype(np.float16))
            expected = (logits[:, 0] - logits[:, 1]).numpy()
            assert np.allclose(found, expected, atol=5e-3)  # tokens were halved


def test_a_matcher_serves_as_an_encoder_as_well(entity_model: Path) -> None:
    plain, matcher = OnnxEncoder(entity_model), open_encoder(entity_model)
    assert isinstance(matcher, OnnxMatcher)
    assert isinstance(matcher, MatchingHead)
    assert not isinstance(plain, MatchingHead)
    texts = ["members of vola rano meet near the river", "unheard of"]
    assert np.array_equal(plain.encode_texts(texts), matcher.encode_texts(texts))
    picture = build_entities(FEW).train[0].load()
    assert plain.encode_images([picture])[0].areas == ()
    assert plain.spec.calibration is not None


def test_a_model_without_a_head_cannot_re_rank(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="has no matching head and cannot re-rank"):
        OnnxMatcher(make_folder(tmp_path / "model"))
    assert not isinstance(open_encoder(tmp_path / "model"), MatchingHead)
