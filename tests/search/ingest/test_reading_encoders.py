"""Encoders that take words: which ones they get, and when a vector is made anew."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from sightread.errors import PictureError
from sightread.protocols import ReadingEncoder
from sightread.search.ingest import IndexOptions
from sightread.types import ImageEmbedding, RGBImage, TextArea, WordRegion

from ...colours import ColourEncoder, direction
from .conftest import ColourReader, Desk, colour, colour_word
from .encoders import index, vectors

SPACE = "caption"
ODD = 1 / 3
"""A number that no binary fraction is, so that rounding would show."""


class WordyEncoder(ColourEncoder):
    """The colour in the middle, turned by the letters of the words, where they are and how sure."""

    def __init__(self, revision: str = "w1") -> None:
        super().__init__(revision, space=SPACE)
        self.given: list[list[WordRegion]] = []
        self.fails = False

    def encode_read(
        self, images: Sequence[RGBImage], words: Sequence[Sequence[WordRegion]]
    ) -> list[ImageEmbedding]:
        return [self._turned(image, some) for image, some in zip(images, words, strict=True)]

    def _turned(self, image: RGBImage, words: Sequence[WordRegion]) -> ImageEmbedding:
        [plain] = self.encode_images([image])
        with self._lock:
            self.given.append(list(words))
        if self.fails:
            raise PictureError("the encoder is out of order")
        turn = np.zeros(3)
        for word in words:
            letters = sum(map(ord, word.text or ""))
            turn += [letters / 1000, word.confidence, np.asarray(word.box).sum() / 100]
        areas = tuple(TextArea(word.box, 0.5) for word in words)
        return ImageEmbedding(direction(plain.vector + turn), areas)


class OddReader(ColourReader):
    """Reads "r2-" before the colour, at odd places, and a word that cannot be stored as it is."""

    def _read_one(self, image: RGBImage) -> WordRegion:
        word = super()._read_one(image)
        box = ((ODD, ODD), (9 + ODD, ODD), (9 + ODD, 4 + ODD), (ODD, 4 + ODD))
        return WordRegion(box, 0.1 + ODD, f"{self.spec.revision}-{word.text}\udc80")


def test_an_encoder_that_takes_words_is_known_by_its_method() -> None:
    assert isinstance(WordyEncoder(), ReadingEncoder)
    assert not isinstance(ColourEncoder(), ReadingEncoder)


def test_it_gets_the_words_just_read_where_they_are_in_the_pixels_that_it_sees(desk: Desk) -> None:
    desk.paint("a.png", 1, size=(320, 160))  # the reader wants 32 pixels: a tenth
    encoder = WordyEncoder()
    assert index(desk, encoder).new == 1
    [[word]] = encoder.given
    assert (word.text, word.confidence) == (colour_word(colour(1)), float(np.float32(0.9)))
    assert word.box == ((0.0, 0.0), (16.0, 0.0), (16.0, 16.0), (0.0, 16.0))
    [record] = desk.store.get(desk.store.ids().tolist(), embeddings=True)
    [area] = record.embeddings[SPACE].areas
    assert area.box == ((0.0, 0.0), (160.0, 0.0), (160.0, 160.0), (0.0, 160.0))


def test_later_it_gets_the_stored_words_which_are_the_same_to_the_last_bit(desk: Desk) -> None:
    desk.paint("a.png", 77, size=(333, 111))
    early = WordyEncoder()
    index(desk, early, reader=OddReader())
    first = vectors(desk, SPACE)
    [record] = desk.records()
    desk.store.forget([record.id])
    desk.store.flush()
    desk.index(OddReader())
    late, reader = WordyEncoder(), OddReader()
    assert index(desk, late, reader=reader).encoded == 1
    assert (reader.words, late.given) == ([], early.given)
    assert vectors(desk, SPACE) == first
    [[word]] = late.given
    assert (word.text or "").endswith("?")


def test_another_revision_of_the_encoder_gets_them_too(desk: Desk) -> None:
    desk.paint("a.png", 5)
    index(desk, WordyEncoder())
    later, reader = WordyEncoder("w2"), ColourReader()
    index(desk, later, reader=reader, options=IndexOptions(reencode=True))
    assert reader.words == []
    assert [[word.text for word in words] for words in later.given] == [[colour_word(colour(5))]]


def test_another_reading_makes_another_vector(desk: Desk) -> None:
    for number in (1, 2):
        desk.paint(f"{number}.png", number)
    index(desk, WordyEncoder(), ColourEncoder())
    before = sorted(vectors(desk, SPACE).values())
    again, plain = WordyEncoder(), ColourEncoder()
    reread = IndexOptions(reread=True)
    report = index(desk, again, plain, reader=OddReader("r2"), options=reread)
    assert (report.new, report.failed, report.warnings) == (2, 0, ())
    assert len(again.given) == 2
    assert plain.seen == []  # whose vectors are of the pixels alone
    after = sorted(vectors(desk, SPACE).values())
    assert len(after) == 2
    assert all(one not in before for one in after)
    fresh = WordyEncoder()
    index(desk, fresh, reader=OddReader("r2"))
    assert fresh.given == []


def test_a_vector_of_another_reading_does_not_outlive_a_run_without_its_encoder(
    desk: Desk,
) -> None:
    desk.paint("a.png", 1)
    index(desk, WordyEncoder(), ColourEncoder())
    index(desk, ColourEncoder(), reader=OddReader("r2"), options=IndexOptions(reread=True))
    assert vectors(desk, SPACE) == {}
    assert len(vectors(desk)) == 1
    encoder, reader = WordyEncoder(), OddReader("r2")
    assert index(desk, encoder, reader=reader).encoded == 1
    assert reader.words == []
    [[word]] = encoder.given
    assert (word.text or "").startswith("r2-")
    assert len(vectors(desk, SPACE)) == 1


def test_nor_one_that_could_not_be_made_anew(desk: Desk) -> None:
    desk.paint("a.png", 1)
    index(desk, WordyEncoder())
    broken = WordyEncoder()
    broken.fails = True
    report = index(desk, broken, reader=OddReader("r2"), options=IndexOptions(reread=True))
    assert report.failed == 1
    assert vectors(desk, SPACE) == {}
    assert desk.failures() == {
        "a.png": "read, but not encoded: caption: the encoder is out of order"
    }
    retried = index(
        desk, WordyEncoder(), reader=OddReader("r2"), options=IndexOptions(retry_failed=True)
    )
    assert (retried.encoded, retried.failed) == (1, 0)
    assert len(vectors(desk, SPACE)) == 1


@pytest.mark.parametrize("revision", ["w1", "w2"])
def test_a_new_encoder_and_a_new_reader_at_once(desk: Desk, revision: str) -> None:
    desk.paint("a.png", 1)
    index(desk, WordyEncoder())
    both = IndexOptions(reread=True, reencode=True)
    encoder = WordyEncoder(revision)
    index(desk, encoder, reader=OddReader("r2"), options=both)
    [[word]] = encoder.given
    assert (word.text or "").startswith("r2-")
    [space] = desk.store.spaces()
    assert (space.spec.revision, space.pictures) == (revision, 1)
