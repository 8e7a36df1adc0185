"""Plain-text and plain-data views of runs, libraries, failures and pictures."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from sightread.cli import reports
from sightread.library import Status
from sightread.regions import RegionSpaceInfo
from sightread.search.ingest import IndexReport
from sightread.search.ledger import Failure
from sightread.spotting.pairs import SECOND_LINE
from sightread.text import tokens
from sightread.types import (
    EncoderSpec,
    ImageEmbedding,
    Metadata,
    PathStamp,
    PictureRecord,
    Quad,
    RegionRecord,
    SpaceInfo,
    TextArea,
)
from sightread.wire import FAILURE_FIELDS, failure_fields, picture_fields, status_fields

REPORT = IndexReport(
    seen=1240,
    done=1240,
    new=1234,
    unchanged=0,
    known_content=0,
    failed=0,
    forgotten=0,
    pictures_per_s=12.34,
    seconds=100.0,
    interrupted=False,
)


def test_a_run_is_summed_up_in_a_sentence() -> None:
    assert reports.run_summary(REPORT) == "1,234 new pictures read; 2 min (12.3 pictures/s)."
    later = replace(REPORT, new=0, unchanged=1234, known_content=2, forgotten=3, seconds=4.0)
    assert reports.run_summary(later) == (
        "0 new pictures read, 1,234 unchanged, 2 copied or moved, 3 forgotten; 4 s."
    )


def test_a_run_tells_what_it_encoded() -> None:
    encoded = replace(REPORT, new=0, encoded=1200, unchanged=34)
    assert reports.run_summary(encoded) == (
        "0 new pictures read, 1,200 known ones encoded, 34 unchanged; 2 min (12.3 pictures/s)."
    )


def test_a_run_tells_of_pictures_that_were_read_smaller_than_they_are() -> None:
    assert reports.run_summary(replace(REPORT, reduced=1200, read_px=1280)) == (
        "1,234 new pictures read; 2 min (12.3 pictures/s). 1,200 of them are larger than the "
        "1,280 px that the reader looks at: small words in them may be missing."
    )


def test_a_run_tells_of_failures_and_of_being_stopped() -> None:
    stopped = replace(REPORT, new=1, failed=2, interrupted=True)
    assert reports.run_summary(stopped) == (
        "1 new picture read; 2 min (12.3 pictures/s). 2 files failed: "
        "`sightread status --failed` says why. Stopped early; the same command goes on from here."
    )


STATUS = Status(
    pictures=1234,
    words=45678,
    files=1240,
    failed=3,
    reader="rapidocr",
    size_bytes=123_000_000,
    last_indexed_at=1714564800.0,
    format=1,
)


def test_status_for_people() -> None:
    assert reports.status_text(STATUS, "/l\x1b", now=1714564800.0 + 7200) == (
        "library   /l\\x1b (format 1, 123 MB)\n"
        "pictures  1,234 in 1,240 files\n"
        "words     45,678\n"
        "failed    3 files (`sightread status --failed` says why)\n"
        "reader    rapidocr\n"
        "indexed   2024-05-01T12:00:00Z (2 h 00 min ago)\n"
    )
    fresh = replace(STATUS, reader="", failed=0, last_indexed_at=None)
    text = reports.status_text(fresh, "/l")
    assert "failed    none\n" in text
    assert "indexed   never\n" in text
    assert "reader" not in text


def test_status_for_programs() -> None:
    assert status_fields(STATUS, "/l") == {
        "library": "/l",
        "format": 1,
        "pictures": 1234,
        "files": 1240,
        "words": 45678,
        "failed": 3,
        "reader": "rapidocr",
        "size_bytes": 123_000_000,
        "last_indexed_at": "2024-05-01T12:00:00Z",
        "entities": True,
        "spaces": [],
    }


WORDS = EncoderSpec("scene-text", 512, "ab" * 32, "fdp\x1b", (20.0, -15.0))
SPACES = (
    SpaceInfo(WORDS, "/m", 1230),
    SpaceInfo(replace(WORDS, revision="cd" * 32, name="", calibration=None), "/n", 7, False),
    SpaceInfo(replace(WORDS, space="caption", name="x", calibration=None), "", 1234),
)


def test_status_tells_the_encoders() -> None:
    text = reports.status_text(replace(STATUS, spaces=SPACES), "/l")
    assert text.split("encoders  ")[1].split("indexed")[0] == (
        "scene-text (fdp\\x1b abababababab): 1,230 pictures, 4 without\n"
        "          scene-text (cdcdcdcdcdcd): to follow, 7 of 1,234 pictures encoded\n"
        "          caption (x abababababab): 1,234 pictures; "
        "not calibrated: only orders what is found\n"
    )
    first, second, _ = status_fields(replace(STATUS, spaces=SPACES), "/l")["spaces"]
    assert first == {
        "space": "scene-text",
        "name": "fdp\x1b",
        "revision": "ab" * 32,
        "dim": 512,
        "calibrated": True,
        "calibration": [20.0, -15.0],
        "folder": "/m",
        "serving": True,
        "pictures": 1230,
        "missing": 4,
    }
    assert (second["serving"], second["missing"], second["calibrated"]) == (False, 1227, False)


FAILURE = Failure("/p/a\nb.jpg", "It is cut off.", 7, 1, 1714564800.0, 2)


def test_failures() -> None:
    assert reports.failures_tsv([FAILURE]) == (
        "path\treason\tfailed_at\tattempts\n/p/a\\nb.jpg\tIt is cut off.\t2024-05-01T12:00:00Z\t2\n"
    )
    assert reports.failures_text([FAILURE]) == (
        "/p/a\\nb.jpg\n    It is cut off. (2024-05-01T12:00:00Z, 2 attempts)\n"
    )
    assert reports.failures_text([]) == "No file failed.\n"
    assert tuple(failure_fields(FAILURE)) == FAILURE_FIELDS


def region(text: str, line: int, left: float, confidence: float = 0.9) -> RegionRecord:
    box: Quad = ((left, 10.0), (left + 20, 10.0), (left + 20, 30.04), (left, 30.0))
    return RegionRecord("written", text, (text,), confidence, line, box)


RECORD = PictureRecord(
    id=0xAB,
    sha256="ab" * 32,
    stamps=(PathStamp("/p/a.jpg", 7, 1), PathStamp("/p/copy\x07.jpg", 7, 1)),
    format="JPEG",
    width=640,
    height=480,
    reader="rapidocr",
    indexed_at=1714564800.0,
    metadata=Metadata(0.0, 48.2, 16.37, "A \x1b title", "", ("old", "new"), ("Ada Lovelace",)),
    regions=(
        region("no", 0, 5.0),
        region("parking", 0, 30.0, 0.72),
        region("TAXI\x1b", 1, 5.0),
        RegionRecord("title", "title", ("title",), 1.0, 0),
    ),
)


def test_a_picture_for_people() -> None:
    assert reports.picture_text(RECORD) == (
        "picture   /p/a.jpg\n"
        "          /p/copy\\x07.jpg\n"
        "id        00000000000000ab\n"
        "size      640 × 480 px, JPEG\n"
        "taken     1970-01-01T00:00:00Z\n"
        "place     48.20000, 16.37000\n"
        "title     A \\x1b title\n"
        "keywords  old, new\n"
        "persons   Ada Lovelace\n"
        "read by   rapidocr\n"
        "\n"
        "  no parking    [x 5–50, y 10–30; 72 %]\n"
        "  TAXI\\x1b    [x 5–25, y 10–30; 90 %]\n"
    )


def test_two_readings_of_a_picture_are_compared() -> None:
    def region(text: str, line: int, left: float) -> RegionRecord:
        box: Quad = ((left, 10.0), (left + 20, 10.0), (left + 20, 30.0), (left, 30.0))
        return RegionRecord("written", text, tokens(text), 0.9, line, box)

    regions = (
        region("taxi", 0, 5),
        region("hotel", 1, 105),
        region("sale", 2, 205),
        region("TAXI", SECOND_LINE, 5),
        region("hotal", SECOND_LINE + 1, 105),
        region("open", SECOND_LINE + 2, 305),
    )
    text = reports.picture_text(replace(RECORD, reader="a+b", regions=regions))
    assert text.partition("\n\n")[2] == (
        "  taxi    [x 5–25, y 10–30; 90 %; both readers]\n"
        "  hotel    [x 105–125, y 10–30; 90 %; other reader: hotal]\n"
        "  sale    [x 205–225, y 10–30; 90 %; one reader of two]\n"
        "  hotal    [x 105–125, y 10–30; 90 %; other reader: hotel]\n"
        "  open    [x 305–325, y 10–30; 90 %; one reader of two]\n"
    )


def test_a_picture_without_words_or_file_says_so() -> None:
    text = reports.picture_text(replace(RECORD, stamps=(), regions=()))
    assert "picture   (its file is gone)\n" in text
    assert text.endswith("\nNo written words were found in it.\n")


def test_a_picture_for_programs() -> None:
    fields = picture_fields(RECORD)
    assert fields["paths"] == ["/p/a.jpg", "/p/copy\x07.jpg"]
    assert fields["persons"] == ["Ada Lovelace"]
    assert [word["text"] for word in fields["words"]] == ["no", "parking", "TAXI\x1b"]
    assert fields["words"][1] == {
        "text": "parking",
        "confidence": 0.72,
        "line": 0,
        "box": [[30.0, 10.0], [50.0, 10.0], [50.0, 30.0], [30.0, 30.0]],
    }


def test_a_picture_that_was_read_smaller_than_it_is_says_so() -> None:
    large = replace(RECORD, width=3000, height=4032, reader="0123456789ab@1280")
    assert "read at   1,280 px of its longer side; small words" in reports.picture_text(large)
    assert picture_fields(large)["reduced_to_px"] == 1280
    for small in (replace(large, width=960, height=1280), replace(large, reader="0123456789ab")):
        assert "read at" not in reports.picture_text(small)
        assert picture_fields(small)["reduced_to_px"] is None
    twice = replace(large, reader="0123456789ab@400-2048+ba9876543210")
    assert picture_fields(twice)["reduced_to_px"] == 2048
    assert picture_fields(twice)["smaller_than_px"] is None


def test_a_picture_that_is_too_small_for_the_reader_says_so() -> None:
    small = replace(RECORD, width=200, height=319, reader="0123456789ab@320-1280+ba9876543210")
    assert "read at   less than the 320 px that" in reports.picture_text(small)
    fields = picture_fields(small)
    assert (fields["smaller_than_px"], fields["reduced_to_px"]) == (320, None)
    for other in (replace(small, height=320), replace(small, reader="0123456789ab@1280")):
        assert "read at" not in reports.picture_text(other)
        assert picture_fields(other)["smaller_than_px"] is None


def test_a_picture_with_vectors() -> None:
    quad: Quad = ((1.0, 2.0), (9.0, 2.0), (9.0, 5.04), (1.0, 5.0))
    embedding = ImageEmbedding(np.ones(1, dtype=np.float32), (TextArea(quad, 0.75),))
    encoded = replace(RECORD, embeddings={"scene-text": embedding})
    assert "encoded   scene-text (1 area of text)\n" in reports.picture_text(encoded)
    assert picture_fields(encoded)["spaces"] == {
        "scene-text": {
            "areas": [{"confidence": 0.75, "box": [[1.0, 2.0], [9.0, 2.0], [9.0, 5.0], [1.0, 5.0]]}]
        }
    }
    assert picture_fields(RECORD)["spaces"] == {}


def test_measurements_are_listed_with_dotted_names() -> None:
    measured = {"map": 0.912345, "pictures": 700, "by": {"a": {"n": (3, 1.25)}, "b": None}}
    assert reports.measured_text(measured) == (
        "map       0.9123\npictures  700\nby.a.n    3, 1.25\nby.b      None\n"
    )


def test_status_names_the_vectors_of_words() -> None:
    spec = EncoderSpec("words", 128, "a" * 64, "spotter-9")
    spaces = (RegionSpaceInfo(spec, "/m", 1_234), RegionSpaceInfo(spec, "/m", 5, serving=False))
    state = Status(7, 9, 7, 0, "r1", 10, None, 3, region_spaces=spaces)
    shown = reports.status_text(state, "/l").splitlines()
    assert "looks     words (spotter-9 aaaaaaaaaaaa): 1,234 words with a vector" in shown
    assert "          words (spotter-9 aaaaaaaaaaaa): to follow, 5 words with a vector" in shown
