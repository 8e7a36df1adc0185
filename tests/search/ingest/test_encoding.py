"""Encoders beside the reader: who is encoded when, and what becomes of those that fail."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

from sightread.errors import LibraryError, PictureError, SightreadError
from sightread.protocols import DualEncoder
from sightread.search.encoding import Source
from sightread.search.ingest import IndexOptions, IndexReport, ingest
from sightread.store import open_store
from sightread.types import ImageEmbedding, RGBImage

from ...colours import ColourEncoder, direction
from .conftest import ColourReader, Desk, colour, colour_word

SPACE = "scene-text"
ONE, TWO, THREE = (colour_word(colour(number)) for number in (1, 2, 3))


def index(
    desk: Desk,
    *encoders: DualEncoder,
    reader: ColourReader | None = None,
    options: IndexOptions | None = None,
    folder: Path | None = None,
) -> IndexReport:
    return ingest(
        desk.store,
        reader or ColourReader(),
        desk.ledger,
        [str(folder or desk.pictures)],
        options,
        encoders=[Source(encoder, "/models/colour") for encoder in encoders],
    )


def vectors(desk: Desk, space: str = SPACE) -> dict[str, list[float]]:
    """Written word of each picture -> its vector in the space that serves, if it has one."""
    ids = desk.store.ids().tolist()
    found = {}
    for bare, record in zip(
        desk.records(), desk.store.get(ids, regions=False, embeddings=True), strict=True
    ):
        if space in record.embeddings:
            found[bare.regions[0].text] = record.embeddings[space].vector.tolist()
    return found


def expected(*numbers: int) -> dict[str, list[float]]:
    return {colour_word(colour(n)): direction(np.array(colour(n))).tolist() for n in numbers}


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


def fails_on(number: int, error: BaseException) -> Callable[[tuple[int, ...]], None]:
    def fail(seen: tuple[int, ...]) -> None:
        if seen == colour(number):
            raise error

    return fail


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


# --- stopping ---------------------------------------------------------------------------------


def test_ctrl_c_keeps_what_is_encoded_and_the_next_run_goes_on(desk: Desk) -> None:
    for number in range(40):
        desk.paint(f"{number:02}.png", number)
    desk.index()
    started = threading.Event()

    def interrupt(seen: tuple[int, ...]) -> None:
        if not started.is_set() and seen == colour(5):
            started.set()
            os.kill(os.getpid(), signal.SIGINT)
        threading.Event().wait(0.02)

    first = ColourEncoder(before=interrupt)
    report = index(desk, first)
    assert report.interrupted
    assert 5 <= report.encoded < 40
    assert report.encoded == len(first.seen) == len(vectors(desk))
    second = ColourEncoder()
    report = index(desk, second)
    assert not report.interrupted
    assert sorted(first.seen + second.seen) == [colour(n) for n in range(40)]
    assert vectors(desk) == expected(*range(40))


# --- another revision -------------------------------------------------------------------------

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


KILLED = """
import os, sys, threading
from sightread.search import batch
from sightread.search.encoding import Source
from sightread.search.ingest import ingest
from sightread.search.ledger import Ledger
from sightread.store import open_store
from tests.colours import ColourEncoder
from tests.search.ingest.conftest import ColourReader
batch.PICTURES = 2
library, pictures, known = sys.argv[1:]
store = open_store(library, write=True, create=True)
ledger = Ledger.open(library, write=True)
if known == "known":
    ingest(store, ColourReader(), ledger, [pictures])

begun = []

def slowly(seen):
    begun.append(seen)
    threading.Event().wait(0.02 if len(begun) < 14 else 60)  # it is to be killed halfway

ingest(store, ColourReader(), ledger, [pictures], encoders=[Source(ColourEncoder(before=slowly))])
"""


def _count_encoded(library: str) -> int:
    """0 too while the library is being made."""
    try:
        return len(open_store(library).encoded(SPACE, "c1"))
    except SightreadError:
        return 0


@pytest.mark.parametrize("known", ["known", "new"])
def test_a_killed_run_leaves_whole_vectors_and_the_next_one_goes_on(
    tmp_path: Path, known: str
) -> None:
    desk = Desk(tmp_path)
    desk.close()
    for number in range(30):
        desk.paint(f"{number}.png", number)
    library = str(tmp_path / "library")
    command = [sys.executable, "-c", KILLED, library, str(desk.pictures), known]
    root = Path(__file__).parents[3]
    with subprocess.Popen(command, cwd=root) as child:
        until = time.monotonic() + 60
        while not _count_encoded(library):
            assert child.poll() is None
            assert time.monotonic() < until
            time.sleep(0.05)
        child.kill()
    encoded = open_store(library).encoded(SPACE, "c1")
    assert 0 < len(encoded) < 30
    again = Desk(tmp_path)
    assert vectors(again).items() <= expected(*range(30)).items()
    encoder = ColourEncoder()
    index(again, encoder)
    assert len(encoder.seen) == 30 - len(encoded)
    assert vectors(again) == expected(*range(30))
    again.close()
