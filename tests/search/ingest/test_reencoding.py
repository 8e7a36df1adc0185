"""Another revision of an encoder: its vectors gather beside the old ones, and take over whole."""

from __future__ import annotations

import os
import signal
import threading

import numpy as np
import pytest

from sightread.errors import LibraryError
from sightread.search.ingest import IndexOptions
from sightread.types import ImageEmbedding, RGBImage

from ...colours import ColourEncoder
from .conftest import ColourReader, Desk, colour, colour_word
from .encoders import SPACE, expected, fails_on, index, vectors

ONE = colour_word(colour(1))
AGAIN = IndexOptions(reencode=True)


class Turned(ColourEncoder):
    """Another model: its vectors point the other way."""

    def _encode(self, image: RGBImage) -> ImageEmbedding:
        embedding = super()._encode(image)
        return ImageEmbedding(-embedding.vector, embedding.areas)


def turned(*numbers: int) -> dict[str, list[float]]:
    return {word: (-np.array(v)).tolist() for word, v in expected(*numbers).items()}


def test_vectors_of_two_models_are_not_mixed(desk: Desk) -> None:
    desk.paint("1.png", 1)
    index(desk, ColourEncoder())
    desk.paint("2.png", 2)
    with pytest.raises(LibraryError, match=r"revision c1 \(colours\).* revision c2.*--reencode"):
        index(desk, Turned("c2"))
    assert (vectors(desk), desk.contents()) == (expected(1), {ONE: ["1.png"]})


def test_a_space_is_encoded_again_when_that_is_asked_for(desk: Desk) -> None:
    for number in (1, 2):
        desk.paint(f"{number}.png", number)
    index(desk, ColourEncoder())
    reader = ColourReader()
    report = index(desk, Turned("c2"), reader=reader, options=AGAIN)
    assert (report.encoded, report.warnings, reader.words) == (2, (), [])
    assert vectors(desk) == turned(1, 2)
    assert [one.spec.revision for one in desk.store.spaces()] == ["c2"]
    again = Turned("c2")
    assert index(desk, again, options=AGAIN).unchanged == 2
    assert again.seen == []


def test_the_old_model_serves_until_the_new_one_is_through(desk: Desk) -> None:
    for number in range(20):
        desk.paint(f"{number:02}.png", number)
    index(desk, ColourEncoder())

    def interrupt(seen: tuple[int, ...]) -> None:
        if seen == colour(4):
            os.kill(os.getpid(), signal.SIGINT)
        threading.Event().wait(0.02)

    first = Turned("c2", before=interrupt)
    assert index(desk, first, options=AGAIN).interrupted
    assert vectors(desk) == expected(*range(20))
    index(desk, ColourEncoder())  # the old one can still be used
    assert vectors(desk) == expected(*range(20))
    second = Turned("c2")
    report = index(desk, second)  # goes on: what was asked for once need not be said again
    assert len(first.seen) + len(second.seen) == 20
    assert (report.encoded, report.warnings) == (len(second.seen), ())
    assert vectors(desk) == turned(*range(20))


def test_pictures_elsewhere_keep_the_old_vectors_serving(desk: Desk) -> None:
    desk.paint("x/a.png", 1)
    desk.paint("y/b.png", 2)
    index(desk, ColourEncoder())
    report = index(desk, Turned("c2"), options=AGAIN, folder=desk.pictures / "x")
    assert report.warnings == (
        "1 pictures have no vector in scene-text from this encoder, such as "
        f"{desk.pictures}/y/b.png: index their folders too, or, if the files are gone, run "
        "`sightread forget --missing`. The old vectors go on serving.",
    )
    assert vectors(desk) == expected(1, 2)
    assert index(desk, Turned("c2"), folder=desk.pictures / "y").warnings == ()
    assert vectors(desk) == turned(1, 2)


def test_one_odd_picture_does_not_keep_the_old_vectors_but_a_broken_model_does(
    desk: Desk,
) -> None:
    for number in range(1, 21):
        desk.paint(f"{number:02}.png", number)
    index(desk, ColourEncoder())

    def fail_often(seen: tuple[int, ...]) -> None:
        if seen != colour(1):
            raise ValueError("broken")

    report = index(desk, Turned("c2", before=fail_often), options=AGAIN)
    [warning] = report.warnings
    assert warning.startswith("Only 1 pictures could be encoded in scene-text, where 20 have")
    assert vectors(desk) == expected(*range(1, 21))
    retry = IndexOptions(reencode=True, retry_failed=True)
    report = index(desk, Turned("c2", before=fails_on(7, ValueError("odd"))), options=retry)
    assert (report.warnings, list(desk.failures())) == ((), ["07.png"])
    assert vectors(desk) == turned(*(n for n in range(1, 21) if n != 7))


def test_a_first_encoding_of_one_folder_says_what_it_left(desk: Desk) -> None:
    desk.paint("x/a.png", 1)
    desk.paint("y/b.png", 2)
    desk.index()
    report = index(desk, ColourEncoder(), folder=desk.pictures / "x")
    [warning] = report.warnings
    assert warning.startswith(f"1 pictures have no vector in {SPACE} from this encoder, such as ")
    assert warning.endswith("`sightread forget --missing`.")
    assert vectors(desk) == expected(1)
