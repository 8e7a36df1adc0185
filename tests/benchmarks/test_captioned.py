"""Captions against what is written in pictures, counted by hand."""

import io
import json
from pathlib import Path

import numpy as np
import pytest
from benchmarks.captioned import content, lexical, measure, prepared, read_folder, with_encoder
from PIL import Image

from sightread.errors import UsageError
from sightread.scenetext.given import GivenWords
from sightread.scenetext.records import open_records, plain_record, upright, write_record
from sightread.types import WordRegion
from tests.lab.colours import stripes
from tests.lab.reading import ReadingColours
from tests.methods.fdp.protocols.layouts import write

PICTURES = {"a": ("r", "a red hotel"), "b": ("r", "brown coffee"), "c": ("g", "a green one")}
WORDS = {"a": "HOTEL", "b": "C0FFEE"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    lines = []
    for name, (letters, caption) in PICTURES.items():
        buffer = io.BytesIO()
        Image.fromarray(stripes(letters).repeat(8, 0).repeat(8, 1)).save(buffer, "PNG")
        write(tmp_path / "images" / f"{name}.png", buffer.getvalue())
        one = {"image": f"images/{name}.png", "captions": [caption], "subset": "flickr8k"}
        lines.append(json.dumps(one | {"mentions_text": name != "c"}))
    lines.append(json.dumps({"image": "images/a.png", "captions": ["x"], "subset": "other"}))
    write(tmp_path / "captions.jsonl", "\n".join(lines))
    for name, text in WORDS.items():
        words = [WordRegion(upright(2, 2, 20, 20), 0.9, text)]
        image = f"images/{name}.png"
        write_record(tmp_path / "words", plain_record(image, (32, 32), "me", words))
    return tmp_path


def test_words_of_captions_look_for_words_of_pictures(folder: Path) -> None:
    task, speaks = read_folder(folder, "flickr8k")
    asked = prepared(task, speaks, GivenWords(open_records(folder / "words")))
    assert asked.words == [("hotel",), ("c0ffee",), ()]
    assert content("The HOTEL's hotel, on a hill") == ["hotels", "hotel", "hill"]
    # "red hotel": one word of two; "coffee" and "c0ffee": one of six letters differs.
    expected = np.array([[0.5, 0, 0], [0, 5 / 12, 0], [0, 0, 0]])
    assert lexical(asked) == pytest.approx(expected)


def test_the_rows(folder: Path) -> None:
    found = measure(folder, folder / "words", "flickr8k")
    assert (found["pictures"], found["captions"], found["pictures_with_words"]) == (3, 3, 2)
    assert found["engines"] == ["me"]
    rows = {row["captions"]: row for row in found["rows"]}
    assert (rows["speak of text"]["count"], rows["speak of text"]["R@1"]) == (2, 100.0)
    # Only "hotel" was read as it is spelled.
    assert rows["name a word that was read"]["count"] == 1
    # All three level: 1 + 2 / 2.
    assert (rows["others"]["R@1"], rows["others"]["R@5"]) == (0.0, 100.0)


def test_an_encoder_is_measured_with_and_without(folder: Path) -> None:
    given = GivenWords(open_records(folder / "words"))
    task, speaks = read_folder(folder, "flickr8k")
    rows = with_encoder(ReadingColours(), prepared(task, speaks, given), given)
    assert list(dict.fromkeys(row["how"] for row in rows)) == [
        "pictures alone",
        "pictures alone, words as a bonus",
        "with what is written",
    ]
    first = {row["how"]: row["R@1"] for row in rows if row["captions"] == "speak of text"}
    # Both pictures are red. "a red hotel" counts r, "brown coffee" b, r and w: both tie, unless a
    # word decides.
    assert first["pictures alone"] == 0.0
    assert first["pictures alone, words as a bonus"] == 100.0


def test_broken_lists_are_one_sentence(folder: Path) -> None:
    with pytest.raises(UsageError, match=r"\(nothing\) has no picture with a caption: no records"):
        read_folder(folder, "nothing")
    write(folder / "captions.jsonl", '{"image": 3}')
    with pytest.raises(UsageError, match=r"captions\.jsonl, line 1 is no picture with captions"):
        read_folder(folder, "flickr8k")
