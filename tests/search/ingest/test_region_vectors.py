"""Vectors of words, from the reader into the library, and when those of another model take over."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from sightread.errors import LibraryError
from sightread.search.ingest import IndexOptions
from sightread.types import EncoderSpec, ReaderSpec, RGBImage, WordRegion

from .conftest import ColourReader, Desk

ALL_OF_IT = IndexOptions(reread=True, workers=1)


class SeeingReader(ColourReader):
    """Gives each word the colour itself as its vector, with a fourth number for the dark ones."""

    def __init__(self, revision: str, model: str, names_space: bool = True) -> None:
        super().__init__(revision)
        space = EncoderSpec("words", 4, model, f"model-{model[0]}") if names_space else None
        self.spec = ReaderSpec("seeing", revision, 32, space, f"/models/{model[0]}")
        self.flawed: float = 1.0

    def read(self, images: Sequence[RGBImage]) -> list[list[WordRegion]]:
        found = super().read(images)
        return [
            [replace(word, vector=seen(image) * np.float32(self.flawed)) for word in words]
            for image, words in zip(images, found, strict=True)
        ]


def seen(image: RGBImage) -> NDArray[np.float32]:
    height, width = image.shape[:2]
    vector = np.array([*image[height // 2, width // 2], 64], np.float32)
    unit: NDArray[np.float32] = vector / np.linalg.norm(vector)
    return unit


def found(desk: Desk, blue: int) -> list[str]:
    """The words of the pictures that look like a blue, best first."""
    query = np.array([[0, 0, blue, 64]], np.float32)
    [hits] = desk.store.search_regions("words", query / np.linalg.norm(query), 10)
    words = {one.id: one.regions[0].text for one in desk.records()}
    return [words[number] for number in hits.picture.tolist()]


@pytest.fixture
def three(desk: Desk) -> Desk:
    for number in (10, 100, 200):
        desk.paint(f"{number}.png", number)
    return desk


def test_vectors_come_with_the_reading_and_go_with_the_picture(three: Desk) -> None:
    report = three.index(SeeingReader("r1", "a" * 64))
    assert (report.new, report.warnings) == (3, ())
    [info] = three.store.region_spaces()
    assert (info.spec.name, info.folder, info.regions) == ("model-a", "/models/a", 3)
    assert found(three, 200) == ["c0000c8", "c000064", "c00000a"]
    (three.pictures / "200.png").unlink()
    three.index(SeeingReader("r1", "a" * 64))
    assert found(three, 200) == ["c000064", "c00000a"]


def test_another_model_reads_again_and_takes_over_when_it_is_done(three: Desk) -> None:
    three.index(SeeingReader("r1", "a" * 64))
    other = SeeingReader("r2", "b" * 64)
    with pytest.raises(LibraryError, match="add --reread"):
        three.index(other)
    assert [info.spec.name for info in three.store.region_spaces()] == ["model-a"]
    half = three.pictures / "100.png"
    three.index(other, ALL_OF_IT, folders=[half])
    # One of three is read by the new model; the two others go on being found.
    assert [(info.spec.name, info.regions) for info in three.store.region_spaces()] == [
        ("model-a", 2), ("model-b", 1)
    ]  # fmt: skip
    assert found(three, 200) == ["c0000c8", "c00000a"]
    report = three.index(other, ALL_OF_IT)
    assert report.new == 2
    [info] = three.store.region_spaces()
    assert (info.spec.name, info.regions) == ("model-b", 3)
    assert len(found(three, 200)) == 3


def test_a_reader_without_vectors_takes_them_away(three: Desk) -> None:
    three.index(SeeingReader("r1", "a" * 64))
    three.index(ColourReader("r9"), ALL_OF_IT)
    assert [info.regions for info in three.store.region_spaces()] == [0]
    assert found(three, 200) == []


def test_a_vector_that_is_none_fails_its_picture_alone(three: Desk) -> None:
    reader = SeeingReader("r1", "a" * 64)
    reader.flawed = 0.5
    assert three.index(reader).failed == 3
    assert set(three.failures().values()) == {"its reader gave a vector of length 0.5, not 1"}
    silent = SeeingReader("r1", "a" * 64, names_space=False)
    three.index(silent, IndexOptions(retry_failed=True))
    [reason] = set(three.failures().values())
    assert reason == "its reader gave a vector, but says of no space that it has any"
