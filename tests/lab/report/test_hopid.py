"""What the figures of HOPID say, on a tiny model."""

from dataclasses import replace

import numpy as np
import torch

from sightread.lab.report.hopid import (
    ambiguity,
    covered,
    covering,
    examples,
    held_out,
    relevance,
    some_of,
)
from sightread.methods.hopid.recipe import build, open_set
from sightread.scenetext.pictures import CaptionedPicture
from sightread.types import WordRegion
from tests.lab.report.conftest import HOPID


def word(text: str, left: float, top: float) -> WordRegion:
    right, bottom = left + 10, top + 10
    return WordRegion(((left, top), (right, top), (right, bottom), (left, bottom)), 1.0, text)


def picture() -> CaptionedPicture:
    pixels = np.zeros((60, 120, 3), np.uint8)
    pixels[:, 60:] = 200
    words = (word("left", 10, 10), word("right", 100, 40))
    return CaptionedPicture("a", ("x",), words, lambda: pixels)


def test_a_covered_part_is_filled_and_not_read() -> None:
    found = covered(picture(), (1, 1), 2)
    assert [one.text for one in found.words] == ["left"]
    pixels = found.load()
    assert (pixels[30:, 60:] == 100).all()  # the mean of 0 and 200
    assert np.array_equal(pixels[:30], picture().load()[:30])
    assert not picture().load()[30:, :60].any()


@torch.no_grad()
def test_covering_shows_where_the_score_falls() -> None:
    model = build(HOPID, 0).eval()
    one = picture()
    own = model.look(torch.zeros(1, 3, 64, 64))[0][0].numpy()
    heat = covering(HOPID, model, replace(one, words=()), own, 2)
    assert heat.shape == (60, 120)
    assert heat.min() >= 0
    assert heat.max() <= 1
    # A text to which nothing matters gets no heat.
    assert not covering(HOPID, model, one, np.zeros_like(own), 2).any()


@torch.no_grad()
def test_without_what_is_written_the_model_is_plain_clip() -> None:
    model = build(HOPID, 0).eval()
    pictures = open_set(HOPID, "val")
    held = held_out(HOPID, model, pictures)
    # Nothing has been learned: captions are plain CLIP's, and so are pictures but for the marks.
    assert np.array_equal(held.texts, held.plain_texts)
    same = (held.images == held.plain_images).all(1)
    assert same.tolist() == [not tokens for tokens in held.pictures.tokens]
    assert held.right.sum(1).tolist() == [1] * len(held.captions)
    found = ambiguity(held)
    assert "of one group" in found.says
    assert "sets of 4.0 pictures" in found.found[0]
    # Without groups, pictures that share a word are the sets; here none do.
    alone = replace(
        held, pictures=replace(held.pictures, pictures=[replace(p, group="") for p in pictures])
    )
    assert ambiguity(alone).png
    assert "one and the same word" in ambiguity(alone).says


def test_pictures_are_taken_by_groups() -> None:
    pictures = open_set(HOPID, "val")
    chosen = some_of(pictures, 5)
    groups = [one.group for one in chosen]
    assert len(chosen) < len(pictures)
    for group in set(groups):
        assert groups.count(group) == [one.group for one in pictures].count(group)
    assert some_of(pictures, 100) == pictures


@torch.no_grad()
def test_where_nothing_is_written_there_is_nothing_to_show() -> None:
    model = build(HOPID, 0).eval()
    bare = [replace(one, words=()) for one in open_set(HOPID, "val")]
    held = held_out(HOPID, model, bare)
    assert examples(held, 4) == []
    found = relevance(HOPID, model, held)
    assert not found.png
    assert found.says == "Nothing is written in a held-out picture of this run."


@torch.no_grad()
def test_the_topology_of_the_paper_without_a_prompt() -> None:
    """V and T are embeddings of their own, no caption names anything, nothing is plain CLIP."""
    config = replace(HOPID.model, preset="paper", out_width=24, prompt=False)
    recipe = replace(HOPID, model=config)
    model = build(recipe, 0).eval()
    held = held_out(recipe, model, open_set(recipe, "val"))
    assert held.images.shape[1] == held.texts.shape[1] == held.plain_images.shape[1] == 24
    assert not any(held.captions.entities)
    assert examples(held, 4)
    assert "sets of 4.0 pictures" in ambiguity(held).found[0]
    assert covering(recipe, model, picture(), held.texts[0], 2).shape == (60, 120)
