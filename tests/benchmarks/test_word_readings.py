"""What became of words and regions, on pictures small enough to check by hand."""

import json
from pathlib import Path
from typing import cast

import numpy as np
import pytest
from benchmarks.words.fates import Fated, judge
from benchmarks.words.readings import parser, run
from benchmarks.words.tesseract import words_of
from benchmarks.words.traits import traits
from PIL import Image

from sightread.errors import UsageError
from sightread.measure.gallery import AnnotatedWord, GalleryImage
from sightread.synth.simple import render_words
from sightread.types import WordRegion


def region(text: str | None, left: float, top: float, width: float, height: float) -> WordRegion:
    right, bottom = left + width, top + height
    box = ((left, top), (right, top), (right, bottom), (left, bottom))
    return WordRegion(box, 0.9, text)


def word(text: str, *box: float) -> AnnotatedWord:
    left, top, width, height = box
    return AnnotatedWord(text, height, (left, top, width, height))


def fates(words: list[AnnotatedWord], regions: list[WordRegion]) -> dict[str, str]:
    judged = judge(GalleryImage("p", words=tuple(words)), regions)
    return {fated.text: fated.fate for fated in judged.fates}


def test_each_fate_by_hand() -> None:
    words = [
        word("Taxi", 0, 0, 100, 20),
        word("hotel", 0, 50, 100, 20),
        word("sale", 0, 100, 100, 20),
        word("blank", 0, 150, 100, 20),
        word("coffee", 0, 200, 100, 20),
        word("shop", 110, 200, 90, 20),
        word("roadwork", 0, 250, 100, 20),
        word("open", 0, 300, 100, 20),
        word("beside", 0, 350, 100, 20),
        word("nothing", 0, 400, 100, 20),
        word("&", 0, 450, 100, 20),  # neither letter nor digit: not asked for
    ]
    regions = [
        region("TAXI!", 20, 0, 100, 14),  # overlap 0.5 of the union, the same as words are compared
        region("hotal", 0, 50, 100, 20),
        region("tale", 0, 100, 100, 20),
        region(None, 0, 150, 100, 20),
        region("coffeeshop", 0, 200, 200, 20),
        region("road", 0, 250, 45, 20),
        region("work", 55, 250, 45, 20),
        region("op", 0, 300, 40, 20),
        region("x", 50, 360, 100, 40),
        region("far", 300, 0, 50, 20),
        region("...", 300, 50, 50, 20),
    ]
    assert fates(words, regions) == {
        "Taxi": "read",
        "hotel": "near",
        "sale": "near",
        "blank": "unread",
        # half of the region of both: the first one's partner by overlap
        "coffee": "misread",
        "shop": "glued",
        "roadwork": "split",
        "open": "cut",
        "beside": "off",
        "nothing": "missed",
    }
    judged = judge(GalleryImage("p", words=tuple(words)), regions)
    assert (judged.regions, judged.right, judged.ground) == (10, 5, 1)
    assert (judged.words, judged.read) == (10, 1)


def test_the_same_text_comes_before_more_overlap() -> None:
    words = [word("one", 0, 0, 100, 20)]
    regions = [region("on", 0, 0, 100, 20), region("One", 0, 0, 100, 30)]
    assert fates(words, regions) == {"one": "read"}
    # Too far away for a pair, but read all the same.
    judged = judge(GalleryImage("p", words=tuple(words)), [region("one", 0, 100, 100, 20)])
    assert judged.fates == (Fated("one", (0, 0, 100, 20), "missed"),)
    assert judged.read == 1


def test_pictures_without_boxes_or_regions() -> None:
    unboxed = GalleryImage("p", words=(AnnotatedWord("taxi", None), AnnotatedWord("taxi", None)))
    judged = judge(unboxed, [region("Taxi", 0, 0, 9, 9)])
    assert (judged.fates, judged.words, judged.read) == ((), 2, 1)
    assert fates([word("taxi", 0, 0, 9, 9)], []) == {"taxi": "missed"}


def test_traits_of_rendered_words() -> None:
    grey = np.full((100, 400), 200, np.uint8)
    grey[40:60, 100:300] = 50
    found = traits("HOTEL", (100, 30, 200, 40), grey)
    assert found["height"] == "30 to 50 px"
    assert found["at 640 px"] == "40 and more px"
    assert found["contrast"] == "150 and more levels"
    assert found["edge"] == "1.5 to 2.5 px"  # as sharp as pixels can be, by a Sobel filter
    assert (found["case"], found["length"], found["direction"]) == ("UPPER", "4 to 5", "level")
    assert traits("A4", (0, 0, 2, 2), grey)["case"] == "letters and digits"
    assert traits("Main", (0, 0, 20, 90), grey)["direction"] == "steep"


def test_the_command_on_rendered_pictures(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    image, boxes = render_words(["taxi", "hotel"], (400, 240))
    Image.fromarray(image).save(tmp_path / "a.png")
    row = {
        "image": "a.png",
        "words": ["taxi", "hotel"],
        "boxes": [_upright(cast(list[tuple[float, float]], box)) for box in boxes],
        "subset": "s",
    }
    (tmp_path / "annotations.jsonl").write_text(json.dumps(row))
    (tmp_path / "queries.jsonl").write_text('{"query": "taxi", "images": ["a.png"]}')
    words = tmp_path / "words.jsonl"
    asked = ["--data", str(tmp_path), "--systems", "rapidocr", "--list", str(words)]
    asked += ["--cache", str(tmp_path / "cache")]
    [first] = run(parser().parse_args(asked))
    [total] = [one for one in first["subsets"] if one["subset"] == "all"]
    assert (total["read"], total["precision"], total["by text"]) == (1.0, 1.0, 1.0)
    assert total["ms"] > 0
    listed = [json.loads(line) for line in words.read_text().splitlines()]
    assert [one["fate"] for one in listed] == ["read", "read"]
    assert "rapidocr, all" in capsys.readouterr().out
    # Half a line, as a killed run leaves it, is read again; the times of the first run stay.
    [cache] = (tmp_path / "cache").iterdir()
    with cache.open("a") as file:
        file.write('{"path": "half')
    assert run(parser().parse_args(asked))[0]["subsets"] == first["subsets"]
    assert len(cache.read_text().splitlines()) == 1
    with pytest.raises(UsageError, match="--model"):
        run(parser().parse_args(["--data", str(tmp_path), "--systems", "spotter-low"]))


def _upright(points: list[tuple[float, float]]) -> list[float]:
    xs, ys = zip(*points, strict=True)
    return [min(xs), min(ys), max(xs) - min(xs), max(ys) - min(ys)]


def test_the_table_of_tesseract() -> None:
    head = "level page_num block_num par_num line_num word_num left top width height conf text"
    rows = [head.split()]
    rows += [["4", "1", "1", "1", "1", "0", "5", "5", "90", "20", "-1", ""]]
    rows += [["5", "1", "1", "1", "1", "1", "5", "6", "40", "18", "96.5", '"Open']]
    rows += [["5", "1", "1", "1", "2", "1", "5", "36", "40", "18", "41", "late"]]
    rows += [["5", "1", "1", "1", "2", "2", "50", "36", "4", "18", "95", " "]]
    found = words_of("\n".join("\t".join(row) for row in rows))
    assert [(one.text, one.confidence, one.line) for one in found] == [
        ('"Open', 0.965, 0),
        ("late", 0.41, 1),
    ]
    assert found[0].box == ((5, 6), (45, 6), (45, 24), (5, 24))
