"""Readings on disk: read, checked, put on the picture; every fault is one sentence."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sightread.errors import UsageError
from sightread.scenetext.given import GivenWords
from sightread.scenetext.records import (
    SceneTextRecord,
    open_records,
    parse_record,
    plain_record,
    record_path,
    upright,
    write_record,
)
from sightread.types import WordRegion
from tests.methods.fdp.protocols.layouts import write

QUAD = [[8, 9], [80, 9], [80, 30], [8, 30]]


def record(*tokens: Any, **also: Any) -> dict[str, Any]:
    return {"image_id": "a.jpg", "w": 100, "h": 50, "engine": "me 1", "tokens": tokens, **also}


def parsed(*tokens: Any, **also: Any) -> SceneTextRecord:
    return parse_record(json.loads(json.dumps(record(*tokens, **also))), "here")


def test_what_is_written_is_read_again() -> None:
    vector = np.array([0.6, 0.8], np.float32)
    words = (
        WordRegion(((8.0, 9.0), (80.0, 9.5), (80.0, 30.0), (8.0, 30.0)), 0.9, "HILTON", line=2),
        WordRegion(upright(1, 2, 3, 4), 0.5, None, vector, 1),
    )
    found = parse_record(
        json.loads(json.dumps(plain_record("b/a.jpg", (100, 50), "me 1", words))), ""
    )
    assert (found.image_id, found.engine, found.width, found.height) == (
        "b/a.jpg", "me 1", 100, 50
    )  # fmt: skip
    first, second = found.words
    assert (first.text, first.box, first.confidence, first.line) == (
        "HILTON", words[0].box, 0.9, 2
    )  # fmt: skip
    assert second.text is None
    assert second.vector is not None
    assert second.vector.tolist() == pytest.approx([0.6, 0.8])


def test_what_may_be_missing() -> None:
    [word] = parsed({"text": "x", "bbox": [8, 9, 72, 21]}, engine="e").words
    assert word.box == ((8, 9), (80, 9), (80, 30), (8, 30))
    assert (word.confidence, word.line) == (1.0, 0)
    assert parsed().words == ()


@pytest.mark.parametrize(
    "token",
    [
        {"text": "x"},
        {"quad": QUAD},
        {"text": None, "quad": QUAD},
        {"text": 7, "quad": QUAD},
        {"text": "x", "quad": QUAD[:3]},
        {"text": "x", "quad": [[1, 2], [3, 4], [5, 6], [7, "8"]]},
        {"text": "x", "quad": [[1, 2], [3, 4], [5, 6], [7, float("nan")]]},
        {"text": "x", "quad": QUAD, "conf": 1.5},
        {"text": "x", "quad": QUAD, "conf": "sure"},
        {"text": "x", "quad": QUAD, "line": 1.5},
        {"text": "x", "quad": QUAD, "vec": []},
        {"text": "x", "quad": QUAD, "vec": ["a"]},
        "HILTON",
    ],
)
def test_a_broken_token_is_one_sentence(token: Any) -> None:
    with pytest.raises(UsageError, match=r"^here, token 2: expected a token with .*found .*\.$"):
        parsed({"text": "x", "quad": QUAD}, token)


@pytest.mark.parametrize(
    ("also", "said"),
    [
        ({"tokens": 3}, '"tokens", a list'),
        ({"image_id": ""}, '"image_id" and "engine" must be texts'),
        ({"engine": 3}, '"image_id" and "engine" must be texts'),
        ({"w": -1}, r'"w" and "h" are \[-1, 50\]; they must be'),
        ({"w": 0}, r'"w" and "h" are \[0, 50\]'),
        ({"h": "50"}, r'"w" and "h"'),
    ],
)
def test_a_broken_record_is_one_sentence(also: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError, match=f"^here: .*{said}"):
        parsed(**also)


def test_boxes_are_put_on_the_picture_and_cut_at_its_edges() -> None:
    inside = {"text": "in", "quad": QUAD}
    over = {"text": "over", "bbox": [-10, -5, 30, 20]}
    out = {"text": "out", "bbox": [100, 10, 30, 20]}
    words, outside = parsed(inside, over, out).within(200, 100)  # twice as large
    assert [word.text for word in words] == ["in", "over"]
    assert outside == 1
    assert words[0].box == ((16, 18), (160, 18), (160, 60), (16, 60))
    assert words[1].box == ((0, 0), (40, 0), (40, 30), (0, 30))


def test_boxes_in_parts_of_the_picture_or_of_unknown_size() -> None:
    word = WordRegion(upright(0.1, 0.2, 0.5, 0.1), 1.0, "x")
    [found], _ = SceneTextRecord("a", "e", (word,), 1, 1).within(200, 100)
    assert np.array(found.box) == pytest.approx(
        np.array([[20, 20], [120, 20], [120, 30], [20, 30]])
    )
    [found], _ = SceneTextRecord("a", "e", (word,)).within(200, 100)
    assert found.box == word.box


def test_a_record_of_a_picture_that_was_turned_is_refused() -> None:
    with pytest.raises(UsageError, match=r"a\.jpg was read at 100 x 50 px and is 50 x 100 px:"):
        parsed().within(50, 100)
    # 199 x 100 is the same picture made smaller, with a side rounded.
    assert parsed({"text": "x", "quad": QUAD}).within(199, 100)[1] == 0


def test_a_folder_of_records(tmp_path: Path) -> None:
    write(tmp_path / "shop" / "a.jpg.json", json.dumps(record({"text": "x", "quad": QUAD})))
    write(tmp_path / "secret.json", json.dumps(record()))
    find = open_records(tmp_path / "shop")
    found = find("a.jpg")
    assert found is not None
    assert found.words[0].text == "x"
    assert find("b.jpg") is None
    assert find("../secret") is None
    assert record_path("/etc/passwd") is record_path("a/../../b") is record_path("") is None
    assert str(record_path("a/b.jpg")) == "a/b.jpg.json"


def test_a_file_of_records(tmp_path: Path) -> None:
    lines = [json.dumps(record(image_id=name)) for name in ("a.jpg", "b/c.jpg")]
    find = open_records(write(tmp_path / "words.jsonl", "\ufeff" + "\n\n".join(lines)))
    assert find("b/c.jpg") is not None
    assert find("c.jpg") is None
    with pytest.raises(UsageError, match=r"words\.jsonl, line 2 is not JSON"):
        open_records(write(tmp_path / "words.jsonl", lines[0] + "\n{"))
    with pytest.raises(UsageError, match=r"There are no readings at .*nowhere: `python scripts"):
        open_records(tmp_path / "nowhere")
    with pytest.raises(UsageError, match=r"words\.jsonl is not text in UTF-8"):
        open_records(write(tmp_path / "words.jsonl", b"\xff\xfe"))


def test_what_is_missing_or_broken_is_counted_and_stops_nothing(tmp_path: Path) -> None:
    out = {"text": "out", "bbox": [100, 10, 30, 20]}
    good = record({"text": "x", "quad": QUAD}, out)
    for name, content in {"good": json.dumps(good), "torn": '{"image_id', "bare": json.dumps(
        record()
    ), "turned": json.dumps(record(w=50, h=100))}.items():  # fmt: skip
        write(tmp_path / f"{name}.json", content)
    given = GivenWords(open_records(tmp_path))
    found = {
        name: [word.text for word in given.of(name, 100, 50)]
        for name in ("good", "torn", "bare", "turned", "gone")
    }
    assert found == {"good": ["x"], "torn": [], "bare": [], "turned": [], "gone": []}
    assert (given.engines, given.with_words, given.outside) == ({"me 1"}, 1, 1)
    assert given.missing == ["gone"]
    assert sorted(given.broken) == ["torn", "turned"]
    assert "is not JSON" in given.broken["torn"]


def test_a_record_is_written_whole(tmp_path: Path) -> None:
    words = [WordRegion(upright(1, 2, 3, 4), 0.5, "caf\u00e9 \u6771\u4eac")]
    write_record(tmp_path, plain_record("b/c.jpg", (10, 20), "me", words))
    found = open_records(tmp_path)("b/c.jpg")
    assert found is not None
    assert [word.text for word in found.words] == ["caf\u00e9 \u6771\u4eac"]
    assert [path.name for path in (tmp_path / "b").iterdir()] == ["c.jpg.json"]
    with pytest.raises(UsageError, match=r"'\.\./c\.jpg' is no name of a picture in a folder"):
        write_record(tmp_path, plain_record("../c.jpg", (10, 20), "me", words))
