"""Vectors of a gallery: the cache, a stopped run, encoders that break their promise."""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from sightread.errors import SightreadError
from sightread.lab import vectorcache
from sightread.lab.encoding import encode_gallery
from sightread.lab.evaluate import evaluate
from sightread.lab.vectorcache import VectorCache, pixel_key
from sightread.types import EncoderSpec, ImageEmbedding, RGBImage
from tests.lab.colours import ColourEncoder, colour_task, stripes

TASK = colour_task(
    {"a": "r", "b": "rg", "c": "gb", "d": "bw", "broken": "", "e": "w"}, {"q": ("r", {"a"})}
)


def test_a_second_run_encodes_nothing_and_gives_the_same(tmp_path: Path) -> None:
    first = evaluate(ColourEncoder(), TASK, cache=tmp_path)
    encoder = ColourEncoder()
    second = evaluate(encoder, TASK, cache=tmp_path)
    assert encoder.batches == []
    assert (first.cached, second.cached) == (0, 5)
    assert second.map == first.map
    assert second.average_precision == first.average_precision
    assert second.missing == {"broken": "the file is empty (0 bytes)"}
    assert second.pictures_per_s == 0.0


def test_another_revision_or_other_pixels_are_encoded_again(tmp_path: Path) -> None:
    evaluate(ColourEncoder(), TASK, cache=tmp_path)
    other = ColourEncoder("colours-2")
    assert evaluate(other, TASK, cache=tmp_path).cached == 0
    changed = colour_task({"a": "w", "b": "rg"}, {"q": ("r", {"a"})})
    encoder = ColourEncoder()
    found = evaluate(encoder, changed, cache=tmp_path)
    # "a" is white now, which was known as "e"; "b" is as before.
    assert (found.cached, encoder.batches) == (2, [])
    assert found.map == 0.5


class Stopped(ColourEncoder):
    def encode_images(self, images: Sequence[RGBImage]) -> list[ImageEmbedding]:
        if len(self.batches) == 2:
            raise KeyboardInterrupt
        return super().encode_images(images)


def test_a_stopped_run_goes_on(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        evaluate(Stopped(), TASK, batch=2, cache=tmp_path)
    encoder = ColourEncoder()
    found = evaluate(encoder, TASK, batch=2, cache=tmp_path)
    assert (found.cached, encoder.batches) == (4, [1])


def test_a_damaged_file_of_the_cache_is_taken_for_absent(tmp_path: Path) -> None:
    evaluate(ColourEncoder(), TASK, cache=tmp_path)
    (shard,) = tmp_path.rglob("*.npz")
    whole = shard.read_bytes()
    for damaged in (b"", whole[:100], whole[:-40], b"\0" * len(whole)):
        shard.write_bytes(damaged)
        assert evaluate(ColourEncoder(), TASK, cache=tmp_path).cached == 0


def test_a_file_of_the_cache_in_another_form_is_taken_for_absent(tmp_path: Path) -> None:
    evaluate(ColourEncoder(), TASK, cache=tmp_path)
    (shard,) = tmp_path.rglob("*.npz")
    keys, vectors = np.zeros((5, 32), np.uint8), np.zeros((5, 4), np.float32)
    for arrays in (
        {"keys": keys},
        {"keys": keys, "vectors": vectors[:, :3]},
        {"keys": keys, "vectors": vectors[:4]},
        {"keys": keys[:, :9], "vectors": vectors},
        {"keys": np.array([object()]), "vectors": vectors},  # a pickle: never opened
    ):
        np.savez(shard, **arrays)
        assert evaluate(ColourEncoder(), TASK, cache=tmp_path).cached == 0


def test_full_shards_are_written_while_the_run_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vectorcache, "SHARD", 2)
    evaluate(ColourEncoder(), TASK, cache=tmp_path)
    assert len(list(tmp_path.rglob("*.npz"))) == 3  # 2 + 2 + 1 vectors
    assert not list(tmp_path.rglob("*.tmp"))
    assert evaluate(ColourEncoder(), TASK, cache=tmp_path).cached == 5


def test_a_cache_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SightreadError, match=r"cannot be kept in .*--cache"):
        evaluate(ColourEncoder(), TASK, cache=tmp_path / "file")


def test_a_disk_that_fails_while_writing_leaves_nothing_half_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_source: object, _target: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(SightreadError, match="No space left on device"):
        evaluate(ColourEncoder(), TASK, cache=tmp_path)
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_no_revision_no_cache(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="has no revision"):
        VectorCache(tmp_path, EncoderSpec("x", 4, ""))


def test_the_key_of_a_picture_is_its_size_and_its_pixels() -> None:
    image = stripes("rg")
    assert pixel_key(image) == pixel_key(image.copy())
    assert pixel_key(image) == pixel_key(np.asfortranarray(image))
    assert pixel_key(image) != pixel_key(image[::-1, ::-1])
    # The same bytes in another shape are another picture.
    assert pixel_key(image) != pixel_key(image.reshape(8, 4, 3))


class Together(ColourEncoder):
    """Its calls come back only when two of them are there at once."""

    def __init__(self) -> None:
        super().__init__()
        self.meet = threading.Barrier(2, timeout=10)

    def encode_images(self, images: Sequence[RGBImage]) -> list[ImageEmbedding]:
        self.meet.wait()
        return super().encode_images(images)


def test_batches_are_encoded_at_once_and_pictures_loaded_by_the_caller() -> None:
    loaded: set[str] = set()

    def load(picture: str) -> RGBImage:
        loaded.add(threading.current_thread().name)
        return stripes(picture[0])

    task = replace(colour_task({}, {}), gallery=tuple(f"{c}{n}" for n in "12" for c in "rg"))
    found = encode_gallery(Together(), replace(task, load=load), batch=1, workers=2)
    assert found.vectors.tolist() == [[1, 0, 0, 0], [0, 1, 0, 0]] * 2
    assert loaded == {threading.current_thread().name}


class Failing(ColourEncoder):
    def __init__(self, error: Exception) -> None:
        super().__init__()
        self._error = error

    def encode_images(self, images: Sequence[RGBImage]) -> list[ImageEmbedding]:
        del images
        raise self._error


@pytest.mark.parametrize(
    "error", [MemoryError(), RuntimeError("CUDA out of memory. Tried to allocate 2 GiB")]
)
def test_out_of_memory_names_the_batch_to_try(error: Exception) -> None:
    with pytest.raises(SightreadError, match=r"4 pictures at once: try --batch 2"):
        encode_gallery(Failing(error), TASK, batch=4)
    with pytest.raises(SightreadError, match="even one picture"):
        encode_gallery(Failing(error), TASK, batch=1)


def test_other_errors_of_the_encoder_are_its_own() -> None:
    with pytest.raises(RuntimeError, match="a bug"):
        encode_gallery(Failing(RuntimeError("a bug")), TASK)


class Bent(ColourEncoder):
    def __init__(self, vector: list[float], count: int | None = None) -> None:
        super().__init__()
        self._vector, self._count_ = np.array(vector, np.float32), count

    def encode_images(self, images: Sequence[RGBImage]) -> list[ImageEmbedding]:
        return [ImageEmbedding(self._vector)] * (self._count_ or len(images))


@pytest.mark.parametrize(
    ("encoder", "said"),
    [
        (Bent([1.0, 0.0]), r"5 vectors of shape \(2,\) instead of 5 of \(4,\)"),
        (Bent([1.0, 0.0, 0.0, 0.0], 3), "3 vectors"),
        (Bent([1.0, 1.0, 0.0, 0.0]), "length 1.414 instead of 1"),
        (Bent([np.nan, 1.0, 0.0, 0.0]), "length nan instead of 1"),
    ],
)
def test_an_encoder_that_breaks_its_promise_is_refused(encoder: Bent, said: str) -> None:
    with pytest.raises(SightreadError, match=said):
        encode_gallery(encoder, TASK)
