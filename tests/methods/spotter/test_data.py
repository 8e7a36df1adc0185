import zipfile
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from sightread.errors import UsageError
from sightread.methods.spotter.data import (
    RealWords,
    Scenes,
    Strip,
    jittered,
    list_backgrounds,
    strips_of,
)
from sightread.methods.spotter.photographs import Seen
from sightread.methods.spotter.recipe import SpotterRecipe, batches, finder_batch, strip_batch
from sightread.methods.spotter.recipe import build as build_model
from sightread.methods.spotter.words import Words
from sightread.spotting.alphabet import READ, query_ids

RECIPE = SpotterRecipe(finder=True, scenes=2, batch=12, size_px=192)


def test_a_batch_is_a_function_of_its_number() -> None:
    model = build_model(RECIPE, 0)
    first, again = batches(RECIPE, model, 5), batches(RECIPE, model, 5)
    again(3)
    one, other, next_one = first(1), again(1), first(2)
    assert one.keys() == other.keys()
    assert all(torch.equal(one[name], other[name]) for name in one)
    assert not torch.equal(one["pixels"], next_one["pixels"])


def test_scenes_have_words_of_many_sizes_and_sometimes_none() -> None:
    source = Scenes(Words(), 192)
    rng = np.random.default_rng(0)
    scenes = [source.get(rng) for _ in range(60)]
    counts = [len(scene.words) for scene in scenes]
    assert min(counts) == 0
    assert max(counts) > 8
    heights = [word.height_px for scene in scenes for word in scene.words]
    assert min(heights) < 8
    assert max(heights) > 25


def test_strips_come_with_what_they_say() -> None:
    pixels = np.zeros((32, 48, 3), np.uint8)
    wide = np.zeros((32, 96, 3), np.uint8)
    strips = [Strip(wide, "Café"), Strip(pixels, "No."), Strip(wide, "no")]
    batch = strip_batch(strips, 2, np.random.default_rng(0))
    # By width: "No." first. Its query is "no", which the third strip says as well.
    said = [
        "".join(READ[n - 1] for n in row[:length])
        for row, length in zip(batch["texts"].tolist(), batch["lengths"].tolist(), strict=True)
    ]
    assert said == ["no.", "café", "no"]
    assert batch["strips_48"].shape == (1, 3, 32, 48)
    assert batch["strips_96"].shape == (2, 3, 32, 96)
    # Two words, and two strings that look like each.
    assert 4 <= len(batch["queries"]) <= 6
    assert batch["queries"][:2].tolist() == query_ids(["no", "cafe"]).tolist()
    assert (batch["similar"] > 0.999).sum(dim=1).tolist() == [1, 1, 1]
    assert batch["similar"][0, 0] == batch["similar"][2, 0] == 1
    assert batch["related"].shape == (len(batch["queries"]),) * 2


def test_maps_of_a_batch_fit_its_pixels() -> None:
    source = Scenes(Words(), 128)
    rng = np.random.default_rng(1)
    batch = finder_batch([Seen(source.get(rng)) for _ in range(3)])
    assert batch["pixels"].shape == (3, 3, 128, 128)
    assert batch["pixels"].dtype == torch.uint8
    assert batch["kernel"].shape == batch["mask"].shape == (3, 64, 64)
    assert batch["geometry"].shape == (3, 3, 32, 32)


def test_jitter_is_small_and_none_where_none_is_asked_for() -> None:
    place = np.array([50, 40, 80, 20, 0.3], np.float32)
    rng = np.random.default_rng(0)
    assert jittered(place, rng, 0.0) == pytest.approx(place)
    moved = np.stack([jittered(place, rng, 1.0) for _ in range(500)]) - place
    # A twentieth of the height in most, 0.12 heights in one of five: a few pixels at most.
    assert 0.5 < np.abs(moved[:, :2]).mean() < 2
    assert np.abs(moved[:, :2]).max() < 12
    assert np.abs(moved[:, 4]).max() < 0.2


def test_words_too_small_to_read_are_no_strips() -> None:
    source = Scenes(Words(), 192)
    rng = np.random.default_rng(3)
    for _ in range(20):
        scene = source.get(rng)
        large = sum(word.height_px >= 6 for word in scene.words)
        assert len(strips_of(scene, rng)) <= large


def test_real_words_are_read_from_their_archive(tmp_path: Path) -> None:
    image = np.full((20, 60, 3), 200, np.uint8)
    content = cv2.imencode(".jpg", image)[1].tobytes()
    with zipfile.ZipFile(tmp_path / "words.zip", "w") as packed:
        packed.writestr("1.jpg", content)
        packed.writestr("2.jpg", b"damaged")
        packed.writestr("3.jpg", content)
    rows = ["1.jpg\tHotel\t60\t20", "2.jpg\tx\t1\t1", "3.jpg\ttwo words", "4.jpg\tgone"]
    (tmp_path / "labels.tsv").write_text("\n".join(rows))
    words, rng = RealWords(str(tmp_path)), np.random.default_rng(0)
    assert len(words) == 2
    strip = words.get(0, rng)
    assert strip is not None
    assert strip.text == "Hotel"
    assert strip.pixels.shape == (32, 96, 3)
    assert words.get(1, rng) is None
    with pytest.raises(UsageError, match=r"words\.zip"):
        RealWords(str(tmp_path / "none"))


def test_backgrounds_are_listed_and_missed(tmp_path: Path) -> None:
    assert list_backgrounds("") == []
    with pytest.raises(UsageError, match="no JPEG or PNG"):
        list_backgrounds(str(tmp_path))
    (tmp_path / "a.jpg").touch()
    assert list_backgrounds(str(tmp_path)) == [tmp_path / "a.jpg"]
