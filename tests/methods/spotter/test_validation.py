"""Which figures a run's validation gives."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sightread.methods.spotter.recipe import SpotterRecipe, build
from sightread.methods.spotter.validation import validate

from .test_model import TINY

RECIPE = SpotterRecipe(model=TINY, size_px=128, held_out=4)
READING = {"read", "map"}
FINDING = {"precision", "recall"}


@pytest.mark.parametrize(
    ("recipe", "expected"),
    [
        (replace(RECIPE, finder=False), READING),
        (replace(RECIPE, finder=True), READING | FINDING | {"spotted"}),
        (replace(RECIPE, finder=True, batch=0), FINDING),
        (
            replace(RECIPE, finder=True, batch=0, start_from="words"),
            READING | FINDING | {"spotted"},
        ),
        (replace(RECIPE, held_out=0), set()),
    ],
)
def test_only_parts_that_are_trained_or_begun_with_are_measured(
    recipe: SpotterRecipe, expected: set[str]
) -> None:
    figures = validate(recipe, build(recipe, 0).eval())
    assert set(figures) == expected
    assert all(0 <= figure <= 1 for figure in figures.values())
