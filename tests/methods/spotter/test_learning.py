"""A small spotter learns in seconds to find and to read strings that it has never seen."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import product

import numpy as np
import pytest
import torch

from sightread.methods.spotter.data import Scenes, strips_of
from sightread.methods.spotter.model import Spotter, SpotterConfig
from sightread.methods.spotter.photographs import Seen
from sightread.methods.spotter.recipe import (
    SpotterRecipe,
    build,
    finder_batch,
    losses,
    strip_batch,
)
from sightread.methods.spotter.validation import finding_figures, reading_figures
from sightread.methods.spotter.words import Words
from sightread.synth.fonts import find_face
from sightread.synth.plans import PLAIN

SMALL = SpotterConfig(
    finder=(8, 16, 16, 16, 16),
    finder_blocks=(0, 0, 0, 0),
    finder_width=16,
    strip=(8, 16, 24),
    sequence=48,
    letters=32,
    bins=3,
    dim=32,
)
RECIPE = SpotterRecipe(model=SMALL, finder=True, held_out=0)
SIDE_PX = 128
STEPS = 200
LETTERS = "aehnot"
STRINGS = ["".join(letters) for letters in product(LETTERS, repeat=3)]
HELD_OUT = STRINGS[::6]  # 36 of 216


class Strings(Words):
    """Three of six letters: either the held-out strings, or only the others."""

    def __init__(self, held_out: bool) -> None:
        super().__init__()
        self.strings = HELD_OUT if held_out else sorted(set(STRINGS) - set(HELD_OUT))

    def draw(self, rng: np.random.Generator) -> str:
        return self.strings[int(rng.integers(len(self.strings)))]


def scenes(held_out: bool) -> Scenes:
    face = find_face("plain")
    settings = replace(PLAIN, heights=(0.12, 0.25))
    faces = [face] if face is not None else None
    return Scenes(Strings(held_out), SIDE_PX, typefaces=faces, settings=settings)


def train(steps: int, seed: int = 0) -> Iterator[tuple[int, Spotter]]:
    """The model after each step."""
    torch.manual_seed(seed)
    model = build(RECIPE, seed)
    source = scenes(held_out=False)
    optimizer = torch.optim.AdamW(model.parameters(), lr=4e-3, weight_decay=0.02)
    falling = torch.optim.lr_scheduler.OneCycleLR(optimizer, 4e-3, total_steps=steps)
    for step in range(steps):
        rng = np.random.default_rng([seed, step])
        drawn = [source.get(rng) for _ in range(6)]
        strips = [strip for scene in drawn for strip in strips_of(scene, rng, 0.5)][:32]
        batch = finder_batch([Seen(scene) for scene in drawn]) | strip_batch(strips, 1, rng)
        model.train()
        optimizer.zero_grad()
        found = losses(RECIPE, model, batch)
        found["total"].backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(model.parameters(), 5.0)
        optimizer.step()
        falling.step()
        yield step + 1, model


def figures(model: Spotter) -> dict[str, float]:
    """On held-out strings."""
    model.eval()
    source, rng = scenes(held_out=True), np.random.default_rng(99)
    drawn = [source.get(rng) for _ in range(16)]
    strips = [strip for scene in drawn for strip in strips_of(scene, rng, 0.0)]
    return reading_figures(model, strips) | finding_figures(model, drawn)


@pytest.fixture(scope="module")
def learned() -> dict[str, float]:
    *_, (_, model) = train(STEPS)
    return figures(model)


def test_it_reads_strings_that_it_has_never_seen(learned: dict[str, float]) -> None:
    # Guessing reads one in 216. After a quarter of the steps nothing is read yet.
    assert learned["read"] >= 0.45


def test_its_vectors_find_strings_that_it_has_never_seen(learned: dict[str, float]) -> None:
    # At random it is about 0.08. Its 128 px scenes and 32 numbers a vector allow no wonders.
    assert learned["map"] >= 0.35


def test_it_finds_words(learned: dict[str, float]) -> None:
    assert learned["precision"] >= 0.8
    assert learned["recall"] >= 0.75


def test_what_it_finds_it_reads(learned: dict[str, float]) -> None:
    assert learned["spotted"] >= 0.3
