"""Rendered scenes: the same seed gives the same pixels, and the truth is what is there."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from tests.synth.faces import PACKAGED

from sightread.errors import PictureError, UsageError
from sightread.synth.colours import COLOURS, luma
from sightread.synth.scene import (
    OBJECTS,
    PLAIN,
    ObjectPlan,
    Scene,
    ScenePlan,
    SceneRenderer,
    SceneSettings,
    WordPlan,
    WrittenWord,
)

PLAN = ScenePlan(
    160,
    (WordPlan("taxi", "red", 20.0), WordPlan("new york", height_px=12.0), WordPlan("office")),
    (ObjectPlan("fish", "blue"),),
)
BENT = replace(PLAIN, tilt=14.0, lean=0.3, bends=1.0, spaced=0.3)
CLEAR = SceneSettings(occlusion=0, blur=0, shake=0, noise=0, compression=0, shading=0, darkness=0)


@lru_cache
def renderer(settings: SceneSettings | None = None) -> SceneRenderer:
    return SceneRenderer(settings or SceneSettings(), PACKAGED)


def ink(settings: SceneSettings, plan: ScenePlan, seed: int) -> tuple[NDArray[np.bool_], Scene]:
    """Where pixels are at least half covered by ink: what differs from the empty scene."""
    scene = renderer(settings).render(plan, seed)
    empty = renderer(settings).render(ScenePlan(plan.size_px), seed)
    difference = np.abs(scene.pixels.astype(int) - empty.pixels.astype(int)).max(axis=2)
    return difference > difference.max() / 2, scene


def grey_range(scene: Scene, word: WrittenWord) -> float:
    """The span of the lumas in a word's polygon, without its darkest and brightest twentieth."""
    inside = np.zeros(scene.pixels.shape[:2], np.uint8)
    cv2.fillPoly(inside, [np.rint(np.array(word.polygon)).astype(np.int32)], 1)
    lumas = scene.pixels[inside > 0].astype(float) @ (0.299, 0.587, 0.114)
    low, high = np.percentile(lumas, [5, 95])
    return float(high - low)


def test_same_seed_same_scene_and_another_seed_another() -> None:
    first = renderer().render(PLAN, 5)
    again = SceneRenderer(SceneSettings(), PACKAGED).render(PLAN, 5)
    assert np.array_equal(first.pixels, again.pixels)
    assert first.words == again.words
    assert first.objects == again.objects
    assert not np.array_equal(first.pixels, renderer().render(PLAN, 6).pixels)


def test_what_was_rendered_before_does_not_matter() -> None:
    first = renderer().render(PLAN, 5)
    for seed in range(10):
        renderer().render(ScenePlan((200, 120), PLAN.words[:1]), seed)
    assert np.array_equal(first.pixels, renderer().render(PLAN, 5).pixels)


def test_a_scene_holds_what_was_planned() -> None:
    scene = renderer().render(PLAN, 1)
    assert scene.pixels.shape == (160, 160, 3)
    assert scene.pixels.dtype == np.uint8
    assert [word.text.lower() for word in scene.words] == ["taxi", "new", "york", "office"]
    assert [word.phrase for word in scene.words] == [0, 1, 1, 2]
    assert scene.words[0].colour == "red"
    assert [(thing.name, thing.colour) for thing in scene.objects] == [("fish", "blue")]


def test_width_and_height_may_differ() -> None:
    scene = renderer().render(ScenePlan((200, 90), (WordPlan("taxi"),)), 0)
    assert scene.pixels.shape == (90, 200, 3)


@pytest.mark.parametrize("seed", range(12))
def test_polygons_hold_the_ink_and_are_tight_around_it(seed: int) -> None:
    word = ("Highway", "taxi", "OPEN", "2048")[seed % 4]
    mask, scene = ink(BENT, ScenePlan(320, (WordPlan(word, height_px=36.0),)), seed)
    (written,) = scene.words
    rim = np.array(written.polygon, np.float32)
    ys, xs = np.nonzero(mask)
    centres = np.stack([xs + 0.5, ys + 0.5], axis=1)
    inside = [cv2.pointPolygonTest(rim, (float(x), float(y)), True) for x, y in centres]
    # The box is cut at whole pixels of the mask (up to 1 px from ink that is half covered) and its
    # long sides are 16 chords of a curve: less than 0.3 px off it at this size.
    assert min(inside) > -1.0
    half = len(rim) // 2
    sides = (rim[:half], rim[half - 1 : half + 1], rim[half:], rim[[-1, 0]])
    for side in sides:
        apart = [
            abs(cv2.pointPolygonTest(side.reshape(-1, 1, 2), (float(x), float(y)), True))
            for x, y in centres
        ]
        # Some ink touches every side: within the pixel that it half covers and the one beside it.
        assert min(apart) < 2.0


def test_a_phrase_is_told_word_by_word() -> None:
    plan = ScenePlan(320, (WordPlan("new york pizza", height_px=24.0),))
    for seed in range(8):
        mask, scene = ink(BENT, plan, seed)
        assert [word.text for word in scene.words] == ["new", "york", "pizza"]
        rims = [np.array(word.polygon, np.float32) for word in scene.words]
        ys, xs = np.nonzero(mask)
        owners = np.array(
            [
                [cv2.pointPolygonTest(rim, (float(x) + 0.5, float(y) + 0.5), True) for rim in rims]
                for x, y in zip(xs, ys, strict=True)
            ]
        )
        assert owners.max(axis=1).min() > -1.0
        # Words are parted by a space: hardly any ink lies in two of them.
        assert ((owners > 0).sum(axis=1) > 1).mean() < 0.01
        assert (owners > 0).any(axis=0).all()


def test_polygons_run_in_reading_order() -> None:
    for seed in range(10):
        (word,) = renderer(BENT).render(ScenePlan(320, (WordPlan("market"),)), seed).words
        rim = np.array(word.polygon)
        half = len(rim) // 2
        assert (np.diff(rim[:half, 0]) > 0).all()  # along the top from left to right
        assert (np.diff(rim[half:, 0]) < 0).all()  # and back below it
        assert rim[:half, 1].mean() < rim[half:, 1].mean()


def test_heights_are_those_of_capitals() -> None:
    mask, scene = ink(PLAIN, ScenePlan(320, (WordPlan("HEN", height_px=40.0),)), 2)
    assert scene.words[0].height_px == pytest.approx(40.0)
    rows = np.nonzero(mask.any(axis=1))[0]
    # E and N are as high as H, give or take the pixel at each end.
    assert len(rows) == pytest.approx(40, abs=1.5)


@pytest.mark.parametrize("height", [6.0, 10.0, 24.0, 50.0])
def test_heights_come_out_as_planned(height: float) -> None:
    for seed in range(6):
        scene = renderer(BENT).render(ScenePlan(320, (WordPlan("taxi", height_px=height),)), seed)
        # Exact in the middle of the ink; the middle of the capitals lies less than half a height
        # above it, where a recession of 30 % over the width changes the size by a few per cent.
        assert scene.words[0].height_px == pytest.approx(height, rel=0.1)


def test_words_that_do_not_fit_are_neither_drawn_nor_claimed() -> None:
    long = ScenePlan(160, (WordPlan("constantinople", height_px=60.0),))
    mask, scene = ink(PLAIN, long, 0)
    assert scene.words == ()
    assert not mask[scene.pixels.max(axis=2) > 0].any() or mask.all()
    crowd = ScenePlan(120, tuple(WordPlan("station", height_px=14.0) for _ in range(40)))
    scene = renderer(PLAIN).render(crowd, 0)
    assert 3 <= len(scene.words) < 40


def test_words_never_touch_each_other_nor_the_rim() -> None:
    plan = ScenePlan(160, tuple(WordPlan("open late") for _ in range(5)), (ObjectPlan("car"),) * 2)
    for seed in range(20):
        scene = renderer().render(plan, seed)
        counts = np.zeros((160, 160), np.uint8)
        polygons = [(w.polygon, w.phrase) for w in scene.words]
        polygons += [(thing.polygon, 100 + i) for i, thing in enumerate(scene.objects)]
        for owner in {owner for _, owner in polygons}:
            one = np.zeros((160, 160), np.uint8)
            for polygon, own in polygons:
                points = np.array(polygon)
                assert points.min() >= 0
                assert points.max() <= 160
                if own == owner:
                    cv2.fillPoly(one, [points.astype(np.int32)], 1)
            counts += one
        assert counts.max() <= 1


def test_letters_stand_out_from_what_is_behind_them() -> None:
    plan = ScenePlan(160, (WordPlan("taxi", "red"), WordPlan("HOTEL"), WordPlan("the", "grey")))
    for seed in range(40):
        scene = renderer(CLEAR).render(plan, seed)
        for word in scene.words:
            # Colours are chosen 70 levels apart and each may move by 12; half of what is left
            # must survive in letters of which hardly a pixel is covered whole.
            assert grey_range(scene, word) > 23, (seed, word)


def test_no_word_is_claimed_that_cannot_be_seen() -> None:
    plan = ScenePlan(160, (WordPlan("taxi", height_px=10.0), WordPlan("HOTEL", height_px=14.0)))
    for seed in range(60):
        scene = renderer().render(plan, seed)
        for word in scene.words:
            # At least half of the light is left of at least 46 levels, and half of that in small
            # letters.
            assert grey_range(scene, word) > 11.5, (seed, word)


def test_colours_are_those_of_the_truth() -> None:
    for seed, name in enumerate(COLOURS):
        plan = ScenePlan(160, (WordPlan("HELLO", name, 24.0),), (ObjectPlan("square", name),))
        scene = renderer(replace(PLAIN, plates=0.5)).render(plan, seed)
        seen = {tuple(p) for p in scene.pixels.reshape(-1, 3).tolist()}
        near = [
            p for p in seen if max(abs(a - b) for a, b in zip(p, COLOURS[name], strict=True)) < 14
        ]
        assert near, name
        assert scene.words[0].colour == scene.objects[0].colour == name
        if scene.words[0].on:
            contrast = luma(COLOURS[scene.words[0].on_colour]) - luma(COLOURS[name])
            assert abs(contrast) >= 70


@pytest.mark.parametrize("name", [*OBJECTS])
def test_objects_lie_in_their_polygons(name: str) -> None:
    mask, scene = ink(PLAIN, ScenePlan(160, (), (ObjectPlan(name),)), 3)
    (thing,) = scene.objects
    assert thing.name == name
    rim = np.array(thing.polygon, np.float32)
    ys, xs = np.nonzero(mask)
    inside = [
        cv2.pointPolygonTest(rim, (x + 0.5, y + 0.5), True)
        for x, y in zip(xs.tolist(), ys.tolist(), strict=True)
    ]
    # Corners are rounded to a sixteenth, edges are smoothed over a pixel. The card behind a thing
    # that would not stand out is not part of it, but a scene of one flat colour needs none.
    assert min(inside) > -1.0
    assert cv2.contourArea(rim) > 0.1 * (0.18 * 160) ** 2


@pytest.mark.parametrize(
    ("plan", "said"),
    [
        (ScenePlan(64, (WordPlan("a", "mauve"),)), "no colour 'mauve'"),
        (ScenePlan(64, (WordPlan("  "),)), "is empty"),
        (ScenePlan(64, (WordPlan("a", height_px=0.0),)), "0.0 px"),
        (ScenePlan(64, (), (ObjectPlan("yeti"),)), "no object 'yeti'"),
        (ScenePlan(8), "8 x 8 px"),
    ],
)
def test_a_wrong_plan_gets_one_sentence(plan: ScenePlan, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        renderer().render(plan, 0)


def test_an_unknown_ground_gets_one_sentence() -> None:
    with pytest.raises(UsageError, match="no ground lava"):
        SceneRenderer(SceneSettings(grounds=("lava",)), PACKAGED)


def test_backgrounds_of_the_user_are_used(tmp_path: Path) -> None:
    photo = tmp_path / "wall.png"
    Image.new("RGB", (40, 300), (10, 200, 30)).save(photo)
    scene = SceneRenderer(replace(PLAIN, photos=1.0), PACKAGED, [photo]).render(ScenePlan(96), 0)
    assert scene.pixels.shape == (96, 96, 3)
    assert (scene.pixels == (10, 200, 30)).all()


@pytest.mark.parametrize("content", [b"", b"not a picture", None])
def test_a_broken_background_is_named(tmp_path: Path, content: bytes | None) -> None:
    photo = tmp_path / "broken.jpg"
    if content is not None:
        photo.write_bytes(content)
    broken = SceneRenderer(replace(PLAIN, photos=1.0), PACKAGED, [photo])
    with pytest.raises(PictureError, match=r"broken\.jpg cannot be read"):
        broken.render(ScenePlan(96), 0)
