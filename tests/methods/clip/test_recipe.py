"""A small CLIP from scratch: what it is shown, and that it learns."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from sightread.errors import UsageError
from sightread.lab.settings import Run, TrainConfig
from sightread.lab.train import train
from sightread.methods.clip.recipe import (
    CLIP_METHOD,
    ClipRecipe,
    Scenes,
    batches,
    build,
    groups,
    losses,
    start,
    tokenizer,
    varied,
)

SMALL = ClipRecipe(spelling_steps=0, easy=8, pictures=8, easy_batches=2, batch=4)


def test_only_the_tiny_family_is_trained_from_scratch() -> None:
    with pytest.raises(UsageError, match="tiny-emblem, tiny-carriers, not as 'RN50'"):
        build(ClipRecipe(architecture="RN50"), 0)


def test_easy_pictures_come_first() -> None:
    scenes = Scenes(SMALL, 0)
    for number in range(4):
        easy = scenes.get(True, number)
        assert len(easy.words) <= 1
        assert not easy.objects
        # 0.2 to 0.42 of 64 px, as planned or as they fitted.
        assert all(word.height_px <= 0.43 * 64 for word in easy.words)
    model = build(SMALL, 0)
    batch = batches(SMALL, model, 0)
    same = batches(SMALL, model, 0)
    # Computed ahead, and from the same number: the same batch.
    late = same(9)
    assert torch.equal(batch(0)["images"], same(0)["images"])
    assert torch.equal(batch(9)["tokens"], late["tokens"])


def test_a_moved_picture_keeps_its_size_and_its_colours() -> None:
    pixels = np.zeros((64, 64, 3), np.uint8)
    pixels[20:40, 20:40] = (200, 40, 0)
    for seed in range(8):
        moved = varied(pixels, np.random.default_rng(seed))
        assert moved.shape == pixels.shape
        rows, columns = np.nonzero(moved[..., 0])
        assert abs(rows.mean() - 29.5) <= 4
        assert abs(columns.mean() - 29.5) <= 4
        red, green, blue = moved[int(rows.mean()), int(columns.mean())].tolist()
        assert red == pytest.approx(5 * green, rel=0.05)
        assert blue == 0


def test_loss_by_hand() -> None:
    """With text features that are all equal the rows are uniform: log 4 for each side."""
    model = build(SMALL, 0).eval()
    batch = dict(batches(SMALL, model, 0)(0))
    batch["tokens"] = batch["tokens"][:1].expand(4, -1)
    found = losses(SMALL, model, batch)
    images = torch.nn.functional.normalize(model.encode_image(batch["images"]), dim=-1)
    text = torch.nn.functional.normalize(model.encode_text(batch["tokens"][:1]), dim=-1)
    column = model.logit_scale.exp() * (images @ text.T)[:, 0]
    expected = (np.log(4) + (column.logsumexp(0) - column.mean()).item()) / 2
    assert found["total"].item() == pytest.approx(expected, rel=1e-4)


def test_emblems_are_for_the_architecture_that_reads_whole_words() -> None:
    recipe = ClipRecipe(architecture="tiny-emblem", pictures=6, batch=6)
    model = build(recipe, 0)
    start(recipe, model)  # nothing is spelled
    first, again = (batches(recipe, model, 3) for _ in "ab")
    ahead = again(1)
    for name, value in first(1).items():
        assert torch.equal(value, ahead[name]), name
    # Each picture of six is in the batch once.
    assert len(torch.unique(first(0)["images"].flatten(1), dim=0)) == 6
    assert tokenizer(recipe, model).layout.end_id == model.config.text.vocab_size - 1
    assert not (first(0)["tokens"] == 1).any()  # every word is known
    assert losses(recipe, model, first(0))["total"].isfinite()


def test_every_parameter_learns_once() -> None:
    model = build(SMALL, 0)
    chosen = [id(p) for group in groups(SMALL, model) for p in group.parameters]
    assert sorted(chosen) == sorted(id(p) for p in model.parameters())
    rates = {group.name: group.lr for group in groups(SMALL, model)}
    assert rates["image matrices"] > rates["text matrices"]


def test_it_overfits_a_few_pictures(tmp_path: Path) -> None:
    recipe = replace(SMALL, easy=6, easy_batches=1000, batch=6)
    batch = batches(recipe, build(recipe, 0), 0)(0)
    method = replace(CLIP_METHOD, batches=lambda *_: lambda _: batch, start=None)
    run = Run(recipe, TrainConfig(steps=25, threads=1, checkpoint_every=25))
    report = train(method, run, tmp_path)
    captions = {tuple(row) for row in batch["tokens"].tolist()}
    # Equal captions share their pictures: chance among them is all there is to win.
    assert report.losses["total"] < 0.3 + (6 - len(captions)) * 0.5


def test_a_share_of_the_pictures_shows_things_and_no_word() -> None:
    for easy in (True, False):
        only = [Scenes(replace(SMALL, things=1.0), 0).get(easy, number) for number in range(4)]
        assert all(scene.objects and not scene.words for scene in only)
    # A word may not fit, but an easy picture never has a thing by itself.
    none = [Scenes(replace(SMALL, things=0.0), 0).get(True, number) for number in range(8)]
    assert all(scene.words and not scene.objects for scene in none)
