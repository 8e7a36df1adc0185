"""FDP as the lab trains it: what learns, what each switch changes, and that it can learn at all."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from sightread.clip.config import CONFIGS
from sightread.clip.folder import Origin, write_folder
from sightread.clip.model import CLIP
from sightread.clip.tokens import tiny_tokenizer, tokenise
from sightread.errors import ModelError, UsageError
from sightread.lab.checkpoint import load_model, open_checkpoint
from sightread.lab.export import export
from sightread.lab.settings import Run, TrainConfig
from sightread.lab.train import train
from sightread.methods.fdp.config import FdpConfig
from sightread.methods.fdp.distractors import Lexicon
from sightread.methods.fdp.examples import Example, RenderedExamples, read_words
from sightread.methods.fdp.model import FDP
from sightread.methods.fdp.recipe import (
    FDP_METHOD,
    FdpRecipe,
    adopt_words,
    batches,
    build,
    groups,
    load_backbone,
    losses,
    pair_batch,
    start,
)
from sightread.preprocess import PreprocessSpec

WORDS = ["the", "office", "and", "hotel", "motel", "taxi", "for", "fish", "open", "closed"]
TINY = FdpConfig(variant="tiny", size_px=64, positions="grid_bicubic", map_sampling="any")


def ready(settings: FdpConfig = TINY, seed: int = 0) -> FDP:
    """A model with random weights whose clusters are told apart by force."""
    model = build(FdpRecipe(settings), seed)
    model.start_from_clip()
    tokens = tokenise(tiny_tokenizer(), ["the", "office", settings.probe_text], 32)
    with torch.no_grad():
        features = model.clip.encode_text(tokens)
        model.centroids.copy_(features[:2])
        model.probe.copy_(features[2])
    return model


def examples(count: int = 8) -> list[Example]:
    rng = np.random.default_rng(0)
    corners = ((8.0, 8.0), (56.0, 8.0), (56.0, 40.0), (8.0, 40.0))
    squares = rng.integers(0, 255, (count, 4, 4, 3)).astype(np.uint8)
    pixels = squares.repeat(16, axis=1).repeat(16, axis=2)
    return [Example(pixels[n], WORDS[n], (corners,), (), n) for n in range(count)]


def a_batch(settings: FdpConfig = TINY, count: int = 8) -> dict[str, Tensor]:
    drawn = examples(count)
    pixels = np.stack([example.square.transpose(2, 0, 1) / 64.0 - 2 for example in drawn])
    images = torch.from_numpy(pixels.astype(np.float32))
    return {"images": images, **pair_batch(drawn, settings, tiny_tokenizer(), Lexicon(WORDS))}


def test_only_what_should_learn_gets_a_gradient() -> None:
    """Check 8 of section 14."""
    torch.manual_seed(0)
    model = ready().train()
    losses(FdpRecipe(TINY), model, a_batch())["total"].backward()  # type: ignore[no-untyped-call]
    learning = {
        "positions", "localisation.value.weight", "localisation.project.weight",
        "localisation.classify.weight", "prompts.function_context", "prompts.content_context",
        "probing.value.weight", "probing.out.weight", "probing.norm.weight",
    }  # fmt: skip
    for name, parameter in model.named_parameters():
        moved = parameter.grad is not None and bool(parameter.grad.abs().max() > 1e-9)
        if name.startswith("clip."):
            assert parameter.grad is None, name
        elif name in ("probing.query.weight", "probing.key.weight"):
            # With one key the softmax is 1, whatever is asked.
            assert not moved, name
        elif name in learning:
            assert moved, name


def test_two_learning_rates() -> None:
    model = ready()
    new, tuned = groups(FdpRecipe(TINY), model)
    assert (new.lr, tuned.lr, new.weight_decay) == (2e-3, 1e-4, 1e-3)
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    slow = {names[id(parameter)].split(".weight")[0] for parameter in tuned.parameters}
    assert slow == {
        "positions", "localisation.value", "localisation.value.bias",
        "localisation.project", "localisation.project.bias",
    }  # fmt: skip
    chosen = {id(p) for group in (new, tuned) for p in group.parameters}
    assert chosen == {id(p) for p in model.parameters() if p.requires_grad}


@pytest.mark.parametrize(
    ("switch", "images", "texts", "terms"),
    [
        ({"distracted_queries": False}, False, False, {"distraction"}),
        ({"localisation_loss": False}, False, False, {"localisation"}),
        ({"distinction": False}, False, True, set()),
        ({"attention_shift": "off"}, True, False, set()),
        ({"attention_shift": "multiplicative"}, True, False, set()),
        ({"legacy_mask_tiling": True}, True, False, set()),
        ({"probing": False}, True, False, set()),
        ({"positions": "flat_nearest", "size_px": 96}, True, False, set()),
        ({"learn_positions": False}, False, False, set()),
        ({"multi_positive": True}, False, False, set()),
        ({"padding": "random"}, False, False, set()),
    ],
)
def test_a_switch_changes_only_what_it_names(
    switch: dict[str, Any], images: bool, texts: bool, terms: set[str]
) -> None:
    """Features of the image and of the query side, and which losses there are."""
    size = switch.get("size_px", 64)
    usual = ready(replace(TINY, size_px=size)).eval()
    changed = ready(replace(TINY, **switch))
    missing = changed.load_state_dict(
        {k: v for k, v in usual.state_dict().items() if k != "positions"}, strict=False
    )
    assert missing.missing_keys == ["positions"]
    changed.eval()
    grid = torch.randn(3, 512, size // 16, size // 16, generator=torch.Generator().manual_seed(3))
    with torch.no_grad():
        for model in (usual, changed):
            torch.manual_seed(5)
            model.localisation.classify.weight.normal_()
        one, other = (model.image_head(grid * 3).features for model in (usual, changed))
        assert torch.allclose(one, other, atol=1e-5) != images
        tokens = tokenise(tiny_tokenizer(), ["the", "office"], 32)
        asked, again = (model.encode_text(tokens) for model in (usual, changed))
        assert torch.allclose(asked, again, atol=1e-5) != texts
        if size == 64:
            full = losses(FdpRecipe(TINY), usual, a_batch())
            short = losses(FdpRecipe(changed.config), changed, a_batch(changed.config))
            assert set(full) - set(short) == terms


def test_weights_of_the_losses() -> None:
    settings = replace(TINY, alignment_weight=2.0, distraction_weight=3.0, localisation_weight=5.0)
    model = ready(settings).eval()
    found = losses(FdpRecipe(settings), model, a_batch(settings))
    parts = 2 * found["alignment"] + 3 * found["distraction"] + 5 * found["localisation"]
    assert found["total"].item() == pytest.approx(parts.item(), rel=1e-5)


def test_scores_have_clips_temperature() -> None:
    """Uniform features give log B whatever the scale; others are sharpened by exp(logit_scale)."""
    model = ready().eval()
    with torch.no_grad():
        cool = losses(FdpRecipe(TINY), model, a_batch())["alignment"]
        model.clip.logit_scale.fill_(0.0)
        flat = losses(FdpRecipe(TINY), model, a_batch())["alignment"]
    # Cosines lie within [-1, 1]: at scale 1 no row can be further than 2 from uniform.
    assert abs(flat.item() - np.log(8)) < 1
    assert abs(cool.item() - np.log(8)) > abs(flat.item() - np.log(8))


def test_distractors_take_the_prompt_of_their_word() -> None:
    model = ready().eval()
    batch = a_batch()
    with torch.no_grad():
        usual = losses(FdpRecipe(TINY), model, batch)["distraction"]
        # Clustered one by one, "motel" might change sides. Force the opposite of its word's.
        swapped = model.centroids.flip(0).clone()
        model.centroids.copy_(swapped)
        other = losses(FdpRecipe(TINY), model, batch)["distraction"]
    assert usual.item() != pytest.approx(other.item(), abs=1e-6)


def test_batches_are_functions_of_their_number() -> None:
    recipe = FdpRecipe(replace(TINY, size_px=96), pictures=6, batch=3)
    model = ready(recipe.model)
    first, again = (batches(recipe, model, 4) for _ in "ab")
    ahead = again(3)
    for name, value in first(3).items():
        assert torch.equal(value, ahead[name]), name
    assert not torch.equal(first(0)["images"], first(1)["images"])
    # An epoch shows every picture once.
    seen = [*first(0)["picture"].tolist(), *first(1)["picture"].tolist()]
    assert sorted(seen) == list(range(6))


def telling(recipe: FdpRecipe, seed: int) -> FDP:
    """A model whose random backbone tells pictures and words apart, as a trained one does."""
    model = ready(recipe.model, seed)
    with torch.no_grad():
        model.clip.logit_scale.fill_(float(np.log(100)))
        model.clip.token_embedding.weight.mul_(50)
        norms = [m for m in model.modules() if isinstance(m, torch.nn.BatchNorm2d)]
        for norm in norms:
            norm.momentum = 1.0
            norm.train()
        model.grid(a_batch()["images"])
        model.train()
        features = model.clip.encode_text(tokenise(tiny_tokenizer(), ["the", "office"], 32))
        model.centroids.copy_(features)
    return model


def test_it_overfits_eight_pairs(tmp_path: Path) -> None:
    """Section 10 of the design: R@1 = 100 % on what it was trained on."""
    settings = replace(TINY, probe_dropout=0.0, candidates=2)
    recipe = FdpRecipe(settings, batch=8, lr_new=3e-2, lr_tuned=3e-2)
    batch = a_batch(settings)
    batch["grid"] = telling(recipe, 0).grid(batch.pop("images"))
    method = replace(FDP_METHOD, build=telling, start=None, batches=lambda *_: lambda _: batch)
    run = Run(recipe, TrainConfig(steps=150, optimizer="adam", checkpoint_every=150, threads=1))
    report = train(method, run, tmp_path)
    assert report.losses["localisation"] < 0.1
    model = telling(recipe, 0)
    load_model(open_checkpoint(tmp_path), model)
    model.eval()
    with torch.no_grad():
        images = F.normalize(model.image_head(batch["grid"]).features, dim=-1)
        texts = F.normalize(model.encode_text(batch["tokens"][:, 0]), dim=-1)
    scores = images @ texts.T
    assert scores.argmax(0).tolist() == scores.argmax(1).tolist() == list(range(8))


def test_a_run_exports_from_its_checkpoint_alone(tmp_path: Path) -> None:
    recipe = FdpRecipe(replace(TINY, distinction=False), pictures=4, batch=2)
    train(FDP_METHOD, Run(recipe, TrainConfig(steps=1, threads=1)), tmp_path / "run")
    done = export(tmp_path / "run", tmp_path / "model")
    assert done.image.min_cosine >= 0.9999
    assert done.text.min_cosine >= 0.9999
    assert done.info.space == "scene-text"


def test_starting_loads_the_backbone_and_fits_the_clusters(tmp_path: Path) -> None:
    from safetensors.torch import save_file

    torch.manual_seed(9)
    clip = CLIP(CONFIGS["tiny-RN"])
    newest = tmp_path / "checkpoints" / "step-00000020"
    for folder, weights in ((newest.with_name("step-00000010"), {}), (newest, clip.state_dict())):
        folder.mkdir(parents=True)
        save_file(dict(weights), folder / "model.safetensors")
    (tmp_path / "words.txt").write_text("\n".join(WORDS))
    recipe = FdpRecipe(
        replace(TINY, anchors=("the", "closed")),
        clip=str(tmp_path),
        words=str(tmp_path / "words.txt"),
        pictures=2,
    )
    model = build(recipe, 0)
    start(recipe, model)
    value = model.localisation.value.weight[:, :, 0, 0]
    assert torch.equal(value, clip.state_dict()["visual.attnpool.v_proj.weight"])
    assert torch.equal(model.clip.token_embedding.weight, clip.token_embedding.weight)
    assert model.probe.abs().sum() > 0
    with pytest.raises(UsageError, match="has no weights of a backbone"):
        start(replace(recipe, clip=str(tmp_path / "checkpoints" / "nothing")), model)


def test_a_weights_folder_is_verified_and_must_fit(tmp_path: Path) -> None:
    torch.manual_seed(9)
    spec, origin = PreprocessSpec(64, "crop"), Origin("ours", "Apache-2.0", {})
    for name, config in (("fit", CONFIGS["tiny-RN"]), ("other", CONFIGS["tiny-ViT"])):
        write_folder(tmp_path / name, CLIP(config), tiny_tokenizer(), spec, origin)
    found = load_backbone(FdpRecipe(TINY, clip=str(tmp_path / "fit")))
    assert found.config == CONFIGS["tiny-RN"]
    with pytest.raises(UsageError, match="has a tiny-ViT for 64 px, but FDP-tiny needs a tiny-RN"):
        load_backbone(FdpRecipe(TINY, clip=str(tmp_path / "other")))
    with (tmp_path / "fit" / "model.safetensors").open("r+b") as file:
        file.seek(-1, 2)
        file.write(b"x")
    with pytest.raises(ModelError, match=r"model\.safetensors"):
        load_backbone(FdpRecipe(TINY, clip=str(tmp_path / "fit")))


def test_adopted_words_decide_the_clusters() -> None:
    # "the" and "closed": two words that the random features put into different clusters.
    model = ready(replace(TINY, anchors=("the", "closed")))
    adopt_words(model, tiny_tokenizer(), WORDS)
    tokens = tokenise(tiny_tokenizer(), ["the", "closed"], 32)
    assert model.cluster(tokens).tolist() == [0, 1]


def test_rendered_examples_are_in_the_picture() -> None:
    source = RenderedExamples(4, 96, seed=2)
    for number in range(4):
        example = source.get(number, np.random.default_rng(number))
        written = [word.text.lower() for word in source.scene(number).words]
        assert all(part in written for part in example.word.split())
        assert len(example.texts) == len(written)


def test_word_lists_are_read_strictly(tmp_path: Path) -> None:
    path = tmp_path / "words.txt"
    path.write_text("The\n\noffice\nthe\n")
    assert read_words(path) == ["the", "office"]
    path.write_text("\n")
    with pytest.raises(UsageError, match="has no words"):
        read_words(path)
    with pytest.raises(UsageError, match="cannot be read"):
        read_words(tmp_path / "none.txt")
    with pytest.raises(UsageError, match=r"--set method\.root="):
        batches(FdpRecipe(TINY, data="mlt"), ready(), 0)
