"""Encoders beside the reader: who is encoded when, and what becomes of those that fail."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Sequence

import numpy as np
import pytest

from sightread.errors import PictureError
from sightread.search.ingest import IndexOptions
from sightread.types import ImageEmbedding, RGBImage

from ...colours import ColourEncoder
from .conftest import ColourReader, Desk, colour, colour_word
from .encoders import SPACE, expected, fails_on, index, vectors

ONE, TWO, THREE = (colour_word(colour(number)) for number in (1, 2, 3))


def test_reader_and_encoder_see_the_same_pixels(desk: Desk) -> None:
    desk.paint("a.png", 1, size=(320, 160))  # the reader wants 32 pixels: a tenth
    shapes: list[tuple[int, ...]] = []

    class Watching(ColourEncoder):
        def encode_images(self, images: Sequence[RGBImage]) -> list[ImageEmbedding]:
            shapes.extend(image.shape for image in images)
            return super().encode_images(images)

    report = index(desk, Watching())
    assert shapes == [(16, 32, 3)]
    assert (report.new, report.encoded, report.failed) == (1, 0, 0)
    assert 0 < report.encoder_s <= report.seconds * (os.cpu_count() or 1)
    [record] = desk.store.get(desk.store.ids().tolist(), embeddings=True)
    [area] = record.embeddings[SPACE].areas
    assert area.box == ((0.0, 0.0), (160.0, 0.0), (160.0, 160.0), (0.0, 160.0))
    assert area.confidence == 0.75
    assert vectors(desk) == expected(1)
    [space] = desk.store.spaces()
    assert (space.folder, space.pictures, space.serving) == ("/models/colour", 1, True)


def test_an_encoder_that_comes_later_encodes_without_reading_again(desk: Desk) -> None:
    for number in (1, 2, 3):
        desk.paint(f"{number}.png", number)
    desk.index()
    reader, encoder = ColourReader(), ColourEncoder()
    desk.paint("4.png", 4)
    report = index(desk, encoder, reader=reader)
    assert reader.words == [colour_word(colour(4))]
    assert sorted(encoder.seen) == [colour(n) for n in (1, 2, 3, 4)]
    assert (report.encoded, report.new, report.unchanged, report.done) == (3, 1, 0, 4)
    assert vectors(desk) == expected(1, 2, 3, 4)
    assert desk.contents()[ONE] == ["1.png"]
    encoder, before = ColourEncoder(), desk.store.refresh()
    report = index(desk, encoder)
    assert (encoder.seen, report.unchanged, report.encoded) == ([], 4, 0)
    assert desk.store.refresh() == before


def test_an_encoder_that_comes_later_gives_the_vector_of_an_early_one(desk: Desk) -> None:
    desk.paint("1.png", 77, size=(333, 111))
    index(desk, ColourEncoder())
    [early] = desk.store.get(desk.store.ids().tolist(), embeddings=True)
    desk.store.forget([early.id])
    desk.store.flush()
    desk.index()
    index(desk, ColourEncoder())
    [late] = desk.store.get(desk.store.ids().tolist(), embeddings=True)
    assert late.embeddings[SPACE].areas == early.embeddings[SPACE].areas
    assert vectors(desk) == expected(77)


def test_copies_are_encoded_once(desk: Desk) -> None:
    for name in ("a.png", "b.png", "c.png"):
        desk.paint(name, 1)
    encoder = ColourEncoder(before=lambda _: threading.Event().wait(0.2))
    report = index(desk, encoder, options=IndexOptions(workers=3))
    assert (len(encoder.seen), report.new, report.known_content) == (1, 1, 2)
    other = ColourEncoder(space="caption", before=lambda _: threading.Event().wait(0.2))
    report = index(desk, other, options=IndexOptions(workers=3))
    assert (len(other.seen), report.encoded, report.unchanged) == (1, 1, 2)
    assert (report.known_content, report.done) == (0, 3)
    shutil.copyfile(desk.pictures / "a.png", desk.pictures / "d.png")
    last = ColourEncoder()
    report = index(desk, last)
    assert (last.seen, report.known_content, report.unchanged) == ([], 1, 3)
    assert desk.contents() == {ONE: ["a.png", "b.png", "c.png", "d.png"]}


def test_two_encoders_in_one_run(desk: Desk) -> None:
    desk.paint("1.png", 1)
    index(desk, ColourEncoder())
    desk.paint("2.png", 2)
    words, meaning = ColourEncoder(), ColourEncoder(space="caption")
    report = index(desk, words, meaning)
    assert (words.seen, sorted(meaning.seen)) == ([colour(2)], [colour(1), colour(2)])
    assert (report.new, report.encoded) == (1, 1)
    assert vectors(desk) == vectors(desk, "caption") == expected(1, 2)


def test_reading_again_keeps_the_vectors(desk: Desk) -> None:
    desk.paint("1.png", 1)
    index(desk, ColourEncoder(), reader=ColourReader("r1"))
    again, encoder = IndexOptions(reread=True), ColourEncoder()
    report = index(desk, encoder, reader=ColourReader("r2"), options=again)
    assert (report.new, encoder.seen) == (1, [])
    desk.index(ColourReader("r3"), again)
    assert [record.reader for record in desk.records()] == ["r3"]
    assert vectors(desk) == expected(1)


def test_a_file_with_new_content_is_read_and_encoded(desk: Desk) -> None:
    desk.paint("1.png", 1)
    desk.index()
    desk.paint("1.png", 2)
    report = index(desk, ColourEncoder())
    assert (report.new, report.encoded, report.forgotten) == (1, 0, 1)
    assert vectors(desk) == expected(2)


# --- failures ---------------------------------------------------------------------------------


@pytest.mark.parametrize("known", [False, True])
def test_what_cannot_be_encoded_keeps_its_words(desk: Desk, known: bool) -> None:
    for number in (1, 2, 3):
        desk.paint(f"{number}.png", number)
    if known:
        desk.index()
    encoder = ColourEncoder(before=fails_on(2, ValueError("too\nblue")))
    report = index(desk, encoder)
    assert (report.new + report.encoded, report.failed, report.done) == (2, 1, 3)
    reason = "read, but not encoded: scene-text failed: ValueError: too blue"
    assert desk.failures() == {"2.png": reason}
    assert desk.contents() == {ONE: ["1.png"], TWO: ["2.png"], THREE: ["3.png"]}
    assert vectors(desk) == expected(1, 3)
    assert report.warnings == ()
    encoder = ColourEncoder()
    report = index(desk, encoder)  # not tried again while it has not changed
    assert (encoder.seen, report.failed, report.unchanged) == ([], 1, 2)
    report = index(desk, encoder, options=IndexOptions(retry_failed=True))
    assert (report.encoded, report.failed, desk.failures()) == (1, 0, {})
    assert vectors(desk) == expected(1, 2, 3)


@pytest.mark.parametrize("known", [False, True])
def test_copies_of_what_cannot_be_encoded_fail_together(desk: Desk, known: bool) -> None:
    for name in ("a.png", "b.png", "c.png"):
        desk.paint(name, 1)
    if known:
        desk.index()
    tried = []

    def fail(seen: tuple[int, ...]) -> None:
        tried.append(seen)
        threading.Event().wait(0.2)
        raise MemoryError

    report = index(desk, ColourEncoder(before=fail), options=IndexOptions(workers=3))
    assert (report.failed, report.done, tried) == (3, 3, [colour(1)])
    reason = "read, but not encoded: scene-text needs more memory than there is"
    assert desk.failures() == dict.fromkeys(("a.png", "b.png", "c.png"), reason)
    assert desk.contents() == {ONE: ["a.png", "b.png", "c.png"]}


@pytest.mark.parametrize(
    ("vector", "reason"),
    [
        (np.array([0.6, 0.6, 0.6]), "a vector of length 1.039, not 1"),
        (np.array([0.6, 0.8]), "a vector of shape (2,), not (3,)"),
        (np.array([np.nan, 0, 1]), "a vector of length nan, not 1"),
        (np.zeros(3), "a vector of length 0, not 1"),
    ],
)
def test_what_is_no_unit_vector_is_not_stored(desk: Desk, vector: np.ndarray, reason: str) -> None:
    class Odd(ColourEncoder):
        def encode_images(self, images: Sequence[RGBImage]) -> list[ImageEmbedding]:
            return [ImageEmbedding(vector.astype(np.float32)) for _ in images]

    desk.paint("a.png", 1)
    index(desk, Odd())
    assert desk.failures() == {
        "a.png": f"read, but not encoded: scene-text: its encoder gave {reason}"
    }
    assert desk.contents() == {ONE: ["a.png"]}


def test_one_encoder_may_fail_where_another_does_not(desk: Desk) -> None:
    desk.paint("1.png", 1)
    broken = ColourEncoder(space="caption", before=fails_on(1, PictureError("too small")))
    index(desk, ColourEncoder(), broken)
    assert desk.failures() == {"1.png": "read, but not encoded: caption: too small"}
    assert (vectors(desk), vectors(desk, "caption")) == (expected(1), {})


def test_a_known_picture_that_cannot_be_decoded_any_more_stays(desk: Desk) -> None:
    desk.paint("1.png", 1, size=(100, 100))
    desk.index()
    report = index(desk, ColourEncoder(), options=IndexOptions(max_pixels=9999))
    assert (report.failed, report.forgotten) == (1, 0)
    assert desk.failures()["1.png"].startswith("read, but not encoded: ")
    assert desk.contents() == {ONE: ["1.png"]}


def test_a_failed_picture_is_retried_with_its_encoder_only(desk: Desk) -> None:
    desk.paint("1.png", 1)
    index(desk, ColourEncoder(before=fails_on(1, ValueError("no"))))
    report = desk.index(options=IndexOptions(retry_failed=True))
    assert report.unchanged == 1
    assert list(desk.failures()) == ["1.png"]
