"""Rendered scenes: the same seed gives the same pixels, and the truth is what is there."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import pytest

from sightread.errors import UsageError
from sightread.synth.scene import (
    ObjectPlan,
    ScenePlan,
    SceneRenderer,
    SceneSettings,
    WordPlan,
)

PLAN = ScenePlan(
    160,
    (WordPlan("taxi", "red", 20.0), WordPlan("new york", height_px=12.0), WordPlan("office")),
    (ObjectPlan("fish", "blue"),),
)


@lru_cache
def renderer() -> SceneRenderer:
    return SceneRenderer()


def test_same_seed_same_scene_and_another_seed_another() -> None:
    first, again = renderer().render(PLAN, 5), SceneRenderer().render(PLAN, 5)
    assert np.array_equal(first.pixels, again.pixels)
    assert first.words == again.words
    assert first.objects == again.objects
    assert not np.array_equal(first.pixels, renderer().render(PLAN, 6).pixels)


def test_a_scene_holds_what_was_planned() -> None:
    scene = renderer().render(PLAN, 1)
    assert scene.pixels.shape == (160, 160, 3)
    assert scene.pixels.dtype == np.uint8
    assert [word.text.lower() for word in scene.words] == ["taxi", "new", "york", "office"]
    assert [word.phrase for word in scene.words] == [0, 1, 1, 2]
    assert scene.words[0].colour == "red"
    assert [(thing.name, thing.colour) for thing in scene.objects] == [("fish", "blue")]


@pytest.mark.parametrize(
    ("plan", "said"),
    [
        (ScenePlan(64, (WordPlan("a", "mauve"),)), "no colour 'mauve'"),
        (ScenePlan(64, (WordPlan("  "),)), "is empty"),
        (ScenePlan(64, (), (ObjectPlan("yeti"),)), "no object 'yeti'"),
    ],
)
def test_a_wrong_plan_gets_one_sentence(plan: ScenePlan, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        renderer().render(plan, 0)


def test_an_unknown_ground_gets_one_sentence() -> None:
    with pytest.raises(UsageError, match="no ground lava"):
        SceneRenderer(SceneSettings(grounds=("lava",)))
