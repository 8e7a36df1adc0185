"""The spotter with a second reader, with a spotter of random weights: who looks where, what is
kept, and how sure it is then."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from sightread.library import Library
from sightread.readers.areas import Area, areas_of
from sightread.readers.rapidocr import RapidOcrReader
from sightread.readers.second import SecondReader, both
from sightread.readers.spotter import SpotterReader
from sightread.spotting.maps import Found
from sightread.spotting.pairs import SECOND_LINE, read_twice
from sightread.text import key
from sightread.types import Quad, RGBImage, WordRegion

NONE = np.zeros((0, 5), np.float32)


def word(text: str | None, confidence: float, left: float, line: int = 0) -> WordRegion:
    box: Quad = ((left, 0.0), (left + 50, 0.0), (left + 50, 20.0), (left, 20.0))
    return WordRegion(box, confidence, text, np.ones(2, np.float32), line)


def places(*rows: tuple[float, float, float, float]) -> Found:
    """Level ones: x, y, length, height."""
    boxes = np.array([(*row, 0.0) for row in rows], np.float32).reshape(-1, 5)
    return Found(boxes, np.ones(len(boxes), np.float32))


def test_agreement_raises_and_contradiction_lowers() -> None:
    first = [
        word("Taxi", 0.9, 0),
        word("hotel", 0.6, 100),
        word("sale", 0.5, 200),
        word(None, 0.4, 300),
    ]
    second = [
        word("TAXI", 0.8, 2),
        word("hotal", 0.9, 100),
        word("open", 0.7, 400),
        word("x", 0.3, 300),
    ]
    found = both(first, second)
    assert [one.text for one in found] == [one.text for one in (*first, *second)]
    assert [one.line for one in found] == [0] * 4 + [SECOND_LINE] * 4
    sure = [one.confidence for one in found]
    # 1 - 0.1 * 0.2; then 0.6 * 0.1 / (1 - 0.54)
    assert sure[0] == sure[4] == pytest.approx(0.98)
    assert sure[1] == pytest.approx(0.1304, abs=1e-4)
    assert sure[5] == 0.9
    # Looks count where nothing else was read.
    assert [one.vector is not None for one in found[:4]] == [True, False, True, True]
    # Seen by one of them, or not read: as it was.
    assert (sure[2], sure[6], sure[3], sure[7]) == (0.5, 0.7, 0.4, 0.3)


def test_certain_readers_that_contradict_each_other_are_numbers() -> None:
    found = both([word("a1", 1.0, 0)], [word("b2", 1.0, 0)])
    assert [one.confidence for one in found] == [pytest.approx(0.5, abs=1e-3), 1.0]


def test_areas_hold_the_words_at_a_moderate_size() -> None:
    found = places((200, 100, 80, 10), (300, 100, 80, 10), (1500, 1000, 300, 40))
    small, large = areas_of(found.places, NONE, (3000, 2000), 0.2, 1.5)
    # Both small ones in one area, shown at 20 px; the large one at half of its size.
    assert (small.left, small.right) == (200 - 40 - 30, 300 + 40 + 30)
    assert small.scale == 1.5  # 2 would be more than the most
    assert large.scale == 0.5
    assert (large.left, large.right, large.bottom) == (1500 - 150 - 120, 1500 + 270, 1020 + 80)
    assert large.cost == (large.right - large.left) * (large.bottom - large.top) / 4
    small, large = areas_of(found.places, NONE, (3000, 2000), 0.6, 1.5)
    assert large.scale == 0.6  # at least


def test_many_areas_are_the_whole_picture() -> None:
    found = places(*((x, y, 80, 10) for x in (100, 400, 700) for y in (100, 200, 300)))
    assert areas_of(found.places, NONE, (800, 400), 0.5, 1.5) == [Area(0, 0, 800, 400, 0.5)]


def test_faint_marks_are_shown_at_half_the_size() -> None:
    sure = places((200, 100, 80, 10)).places
    # Beside it, and not much more to see.
    [area] = areas_of(sure, places((240, 100, 80, 12)).places, (1000, 500), 0.9, 2.0)
    assert area.scale == 2.0
    # A large one beside it would make a large area at the size of the small word.
    faint = places((210, 100, 120, 90)).places
    apart = areas_of(sure, faint, (3000, 2000), 0.9, 2.0)
    assert sorted(area.scale for area in apart) == [1.0, 2.0]
    assert areas_of(NONE, NONE, (1000, 500), 0.9, 2.0) == []


def test_ocr_reads_what_an_area_shows(
    reader: RapidOcrReader, write: Callable[..., RGBImage]
) -> None:
    image = np.concatenate([write("taxi"), write("hotel")], axis=1)
    half = Area(640, 0, 1280, 400, 1.0)
    assert [one.text for one in reader.read_areas(image, [half])] == ["hotel"]
    [found] = reader.read_areas(image, [half, Area(600, 20, 1280, 400, 0.8)])
    assert found.text == "hotel"
    assert 640 < found.box[0][0] < found.box[1][0] < 1280
    assert reader.read_areas(image, []) == []


@pytest.fixture
def second(spotter: Path) -> SecondReader:
    return SecondReader(spotter, detail="low")


def test_a_picture_without_marks_is_not_shown_to_ocr(
    second: SecondReader, write: Callable[..., RGBImage]
) -> None:
    # Random weights mark nothing, not even text.
    assert second.read([write("taxi")]) == [[]]


def test_a_picture_with_marks_is_read_twice(
    second: SecondReader, write: Callable[..., RGBImage], monkeypatch: pytest.MonkeyPatch
) -> None:
    # As if the spotter had seen the word in the middle of 640 x 400 px.
    seen = places((320, 205, 180, 60))
    monkeypatch.setattr(SpotterReader, "find_by", lambda *_: [seen, places()])
    [words] = second.read([write("taxi")])
    assert [is_ocr for one in words if (is_ocr := one.line >= SECOND_LINE)] == [True]
    assert (words[0].vector is not None, words[1].vector) == (True, None)
    assert key(words[1].text or "") == "taxi"


def test_the_reader_in_a_library(
    spotter: Path,
    write: Callable[..., RGBImage],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    from PIL import Image

    Image.fromarray(write("taxi")).save(tmp_path / "taxi.png")
    seen = places((320, 205, 180, 60))
    monkeypatch.setattr(SpotterReader, "find_by", lambda *_: [seen, places()])
    options = {"folder": str(spotter), "detail": "low"}
    path = str(tmp_path / "library")
    with Library.open(
        path, write=True, create=True, reader="spotter+rapidocr", reader_options=options
    ) as library:
        library.index([str(tmp_path / "taxi.png")])
        assert read_twice(library.status().reader)
        [hit] = library.search('"taxi"').hits
        [why] = hit.evidence
        assert (why.word, why.match) == ("taxi", "exact")
        # What random weights read there, if anything, is told, and is not "taxi".
        assert why.other_reading is not None
        assert key(why.other_reading) != "taxi"
