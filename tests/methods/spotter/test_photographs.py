"""Real pictures as scenes: here, pictures drawn by the test."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from sightread.errors import UsageError
from sightread.methods.spotter.photographs import Photographs, Seen, read_photographs
from sightread.methods.spotter.recipe import SpotterRecipe, batches, build, finder_batch
from sightread.methods.spotter.targets import draw_targets
from sightread.synth.plans import Scene
from sightread.types import RGBImage

WORD = (200, 240, 260, 100)
UNSURE = [[500, 40], [620, 60], [616, 90], [496, 70]]


def annotated(folder: Path, **more: object) -> Path:
    """A grey picture of 640 x 480 with a red word-sized bar, and its line."""
    pixels = np.full((480, 640, 3), 128, np.uint8)
    x, y, w, h = WORD
    pixels[y : y + h, x : x + w] = (255, 0, 0)
    cv2.imwrite(str(folder / "one.png"), pixels[:, :, ::-1])
    row = {"image": "one.png", "words": ["Bar"], "boxes": [list(WORD)], "unsure": [UNSURE]} | more
    file = folder / "annotations.jsonl"
    file.write_text(json.dumps(row) + "\n", "utf-8")
    return file


def reds(pixels: RGBImage) -> NDArray[np.bool_]:
    """Where the bar is, as it is or as a negative."""
    values = pixels.astype(int)
    found: NDArray[np.bool_] = np.abs(values[:, :, 0] - values[:, :, 1:].mean(axis=2)) > 60
    return found


def test_words_lie_where_the_window_shows_them(tmp_path: Path) -> None:
    source = Photographs(str(annotated(tmp_path)), 320)
    rng = np.random.default_rng(1)
    seen = [one for one in (source.get(rng) for _ in range(40)) if one.scene.words]
    assert len(seen) > 10
    for one in seen:
        [word] = one.scene.words
        drawn = np.zeros((320, 320), np.uint8)
        # OpenCV counts from the middle of a pixel.
        cv2.fillPoly(drawn, [np.rint(np.array(word.polygon) - 0.5).astype(np.int32)], 1)
        bar = reds(one.scene.pixels)
        both = (bar & (drawn > 0)).sum() / (bar | (drawn > 0)).sum()
        assert both > 0.93
        assert word.text == "Bar"
        height = np.linalg.norm(np.subtract(word.polygon[0], word.polygon[3]))
        assert word.height_px == pytest.approx(0.8 * height)


def test_words_that_are_cut_are_neither_text_nor_ground(tmp_path: Path) -> None:
    source = Photographs(str(annotated(tmp_path, unsure=[])), 128)
    rng = np.random.default_rng(2)
    seen = [source.get(rng) for _ in range(40)]
    cut = [one for one in seen if not one.scene.words]
    assert cut
    assert all(len(one.unsure) == 1 for one in cut)


def test_the_same_generator_gives_the_same_window(tmp_path: Path) -> None:
    source = Photographs(str(annotated(tmp_path)), 160)
    one, again = (source.get(np.random.default_rng(3)) for _ in range(2))
    assert np.array_equal(one.scene.pixels, again.scene.pixels)


def test_unsure_places_are_left_out_of_the_mask() -> None:
    quad = np.array([[16, 16], [48, 16], [48, 32], [16, 32]], float)
    empty = np.zeros((64, 64, 3), np.uint8)
    batch = finder_batch([Seen(Scene(empty, ()), (quad,))])
    mask = batch["mask"][0].numpy()
    assert (mask[8:16, 8:24] == 0).all()
    assert mask.sum() > 0.8 * mask.size
    assert (draw_targets([], 64, 64).mask == 1).all()
    assert batch["kernel"].sum() == 0


def test_batches_take_some_scenes_from_photographs(tmp_path: Path) -> None:
    file = str(annotated(tmp_path))
    recipe = SpotterRecipe(
        finder=True, scenes=3, photo_scenes=2, photographs=file, batch=0, size_px=128
    )
    model = build(recipe, 0)
    with_photographs = batches(recipe, model, 0)(0)["pixels"]
    without = batches(SpotterRecipe(finder=True, scenes=1, batch=0, size_px=128), model, 0)(0)
    assert with_photographs.shape[0] == 3
    assert (with_photographs[0] == without["pixels"][0]).all()


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ({"boxes": []}, "1 words have 0 boxes"),
        ({"boxes": [[1, 2, 3]]}, "neither four numbers nor four corners"),
        ({"boxes": [["a", 1, 2, 3]]}, "could not convert"),
        ({"image": None}, "NoneType"),
    ],
)
def test_a_broken_line_is_named(tmp_path: Path, more: dict[str, object], reason: str) -> None:
    file = annotated(tmp_path, **more)
    with pytest.raises(UsageError, match=f"Line 1 of .*{reason}"):
        read_photographs(file)


def test_what_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"none\.jsonl"):
        read_photographs(tmp_path / "none.jsonl")
    (tmp_path / "empty.jsonl").write_text("")
    with pytest.raises(UsageError, match="names no photograph"):
        read_photographs(tmp_path / "empty.jsonl")
    file = annotated(tmp_path, image="gone.png")
    with pytest.raises(UsageError, match=r"gone\.png cannot be trained on"):
        Photographs(str(file), 64).get(np.random.default_rng(0))
