"""What the backbone of `synth-ambiguity` is shown: things, marks and spelling, no written word."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from sightread.clip.tokens import tokenise
from sightread.lab.settings import Run, TrainConfig
from sightread.lab.train import train
from sightread.methods.clip.carriers import (
    carrier_pieces,
    draw_scene,
    learn_prompts,
    prompts,
)
from sightread.methods.clip.recipe import (
    CLIP_METHOD,
    ClipRecipe,
    batches,
    build,
    losses,
    start,
    tokenizer,
)
from sightread.methods.clip.spelling import spelling_targets
from sightread.scenetext.captions import prompt
from sightread.synth.ambiguity import made_up_words, plain_words

SMALL = ClipRecipe(architecture="tiny-carriers", spelling_steps=0, pictures=8, batch=8)


def red(pixels: np.ndarray) -> int:
    """How many pixels are of the colour of marks."""
    r, g, b = pixels.astype(int).transpose(2, 0, 1)
    return int(((r > 200) & (g < 60) & (b < 60)).sum())


def test_captions_speak_of_no_word_and_half_of_the_scenes_are_marked() -> None:
    scenes = [draw_scene(np.random.default_rng([1, at])) for at in range(120)]
    plain = set(plain_words())
    assert all(set(caption.split()) <= plain for _, caption in scenes)
    marked = sum(red(pixels) > 60 for pixels, _ in scenes)
    assert 45 <= marked <= 75
    assert all(pixels.shape == (96, 96, 3) for pixels, _ in scenes)


def test_a_batch_is_a_function_of_its_number() -> None:
    model = build(SMALL, 0)
    first, again = (batches(SMALL, model, 3) for _ in "ab")
    ahead = again(1)
    first(0)
    for name, value in first(1).items():
        assert torch.equal(value, ahead[name]), name
    assert len(torch.unique(ahead["images"].flatten(1), dim=0)) == 8
    assert not (ahead["tokens"] == 1).any()  # every word is known
    assert tokenizer(SMALL, model).layout.end_id == model.config.text.vocab_size - 1


def test_prompts_name_no_word_of_the_benchmark() -> None:
    pieces, known = carrier_pieces(), set().union(*map(set, made_up_words()))
    rng = np.random.default_rng(0)
    for _ in range(20):
        ids, targets = prompts(pieces, 64, 48, 24, rng)
        assert targets.norm(dim=-1).sub(1).abs().max() < 1e-5
        for row in ids.tolist():
            text = " ".join(str(pieces.id_to_token(at)) for at in row if at)
            assert not known & set(text.replace(" ##", "").split())


def test_the_loss_has_the_spelling_as_a_part() -> None:
    model = build(SMALL, 0).eval()
    batch = batches(SMALL, model, 0)(0)
    found = losses(SMALL, model, batch)
    without = losses(replace(SMALL, spelling_weight=0.0), model, batch)
    assert found["total"].item() == pytest.approx((without["total"] + found["spelling"]).item())
    text = torch.nn.functional.normalize(model.encode_text(batch["prompts"]), dim=-1)
    assert found["spelling"].item() == pytest.approx(
        1 - (text * batch["spelled"]).sum(-1).mean().item(), abs=1e-5
    )


def test_a_prompt_comes_to_say_which_word_it_names() -> None:
    """Of words that were never trained, the prompt of one is nearest to its own spelling."""
    model = build(SMALL, 0)
    before = {name: p.clone() for name, p in model.visual.named_parameters()}
    start(SMALL, model)  # no steps, nothing happens
    loss = learn_prompts(model, 60, seed=0, batch=24)
    assert loss < 0.5
    assert all(torch.equal(before[name], p) for name, p in model.visual.named_parameters())
    words = made_up_words()[1][:20]
    wanted = torch.from_numpy(spelling_targets(words, model.config.embed_dim))
    with torch.no_grad():
        ids = tokenise(carrier_pieces(), [prompt([word])[0] for word in words], 48)
        near = (model.encode_text(ids) @ wanted.T).argsort(1, descending=True)
    top = [at in row for at, row in enumerate(near[:, :5].tolist())]
    assert sum(top) >= 12  # 5 by chance


def test_it_trains(tmp_path: Path) -> None:
    run = Run(SMALL, TrainConfig(steps=2, threads=1, checkpoint_every=2))
    report = train(CLIP_METHOD, run, tmp_path)
    assert {"total", "accuracy", "spelling"} <= set(report.losses)
