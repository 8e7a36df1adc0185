"""The data sets of captioned pictures, read from the layouts that they come in."""

import json
from pathlib import Path
from typing import Any

import pytest

from sightread.errors import UsageError
from sightread.methods.hopid.data import open_pictures
from sightread.methods.hopid.protocols import textcaps as textcaps_module
from sightread.methods.hopid.protocols.ctc import check_part, ctc, number_of
from sightread.methods.hopid.protocols.textcaps import textcaps
from sightread.methods.hopid.published import ROWS, SIZES, rows_for
from sightread.scenetext.records import plain_record, upright, write_record
from sightread.synth.ambiguity import AmbiguitySettings
from sightread.types import WordRegion
from tests.methods.fdp.protocols.layouts import picture, write
from tests.methods.hopid import layouts
from tests.methods.hopid.layouts import COCO
from tests.pictures import assert_corners

SEVEN, TWELVE = (f"train2014/{COCO.format(number)}" for number in (7, 12))


# --- CTC, released lists -----------------------------------------------------------------------


def test_ctc_as_lists(tmp_path: Path) -> None:
    found = ctc(layouts.ctc_lists(tmp_path), "ctc-1k")
    task = found.task()
    assert (task.name, task.gallery) == ("ctc-1k", (SEVEN, TWELVE))
    assert task.queries == {
        f"{name}#{n}": f"caption {n} of {image}"
        for name, image in ((SEVEN, 7), (TWELVE, 12))
        for n in (0, 1)
    }
    assert task.qrels[f"{TWELVE}#1"] == frozenset([TWELVE])
    assert_corners(task.load(SEVEN))
    five = ctc(tmp_path / "CTC", "ctc-5k")
    assert five.pictures == found.pictures
    assert five.left_out == {"without a file": 1}


def test_ctc_readings_are_found_by_the_number(tmp_path: Path) -> None:
    find = ctc(layouts.ctc_lists(tmp_path), "ctc-1k").find
    assert find is not None
    record = find(SEVEN)
    assert record is not None
    assert find(TWELVE) is None
    # The transcription keeps its comma; what reaches over the edge is cut there.
    words, outside = record.within(96, 64)
    assert [(word.text, word.line) for word in words] == [("Krispy, Kreme", 0), ("POLICE", 1)]
    assert words[0].box == ((10, 5), (60, 5), (60, 30), (10, 30))
    assert words[1].box == ((0, 40), (20, 40), (20, 60), (0, 60))
    assert outside == 0
    assert record.engine.startswith("ctc_ocr")
    assert number_of("a/COCO_val2014_000000000120.jpg") == number_of("gt_120.txt") == "120"
    assert number_of("harbour.jpg") == "harbour"


def test_pictures_of_the_lists_may_lie_elsewhere(tmp_path: Path) -> None:
    layouts.ctc_lists(tmp_path)
    (tmp_path / "CTC" / "train2014").rename(tmp_path / "train2014")
    assert_corners(ctc(tmp_path, "ctc-1k").load(SEVEN))


@pytest.mark.parametrize(
    ("file", "content", "said"),
    [
        ("CTC_1K_list_ocr_release.txt", "7\t70\tcaption", "line 1: expected image_id, sent_id,"),
        ("CTC_1K_list_ocr_release.txt", "7\t70\tc\tp\tx\ty", "line 1: expected image_id, sent_id,"),
        ("CTC_1K_list_ocr_release.txt", "7\t70\tcaption\t \n", "line 1: expected image_id"),
        ("CTC_1K_list_ocr_release.txt", "7\t70\t \tnowhere.jpg", "no picture with a caption: 1 w"),
        ("CTC_1K_list_ocr_release.txt", "", "no picture with a caption: no records"),
    ],
)
def test_broken_lists_are_one_sentence(tmp_path: Path, file: str, content: str, said: str) -> None:
    layouts.ctc_lists(tmp_path)
    write(tmp_path / "CTC" / file, content)
    with pytest.raises(UsageError, match=said):
        ctc(tmp_path, "ctc-1k")


@pytest.mark.parametrize("line", ["1,2,3,4,5,6,7,STOP", "1,2,3,4,5,6,7,x,STOP", "STOP"])
def test_broken_readings_are_one_sentence_when_they_are_needed(tmp_path: Path, line: str) -> None:
    layouts.ctc_lists(tmp_path)
    write(tmp_path / "CTC" / "ctc_ocr" / "gt_000000000012.txt", line)
    find = ctc(tmp_path, "ctc-1k").find
    assert find is not None
    assert find(SEVEN) is not None
    with pytest.raises(UsageError, match=r"gt_000000000012\.txt, line 1: expected eight numbers"):
        find(TWELVE)


# --- CTC, annotations --------------------------------------------------------------------------


@pytest.mark.parametrize("apart", [False, True])
def test_ctc_as_annotations(tmp_path: Path, apart: bool) -> None:
    layouts.ctc_annotations(tmp_path, apart)
    one, five = ctc(tmp_path, "ctc-1k"), ctc(tmp_path, "ctc-5k")
    assert [picture.id for picture in one.pictures] == [COCO.format(7)]
    assert one.pictures[0].captions == ("one of 7", "two of 7")
    # CTC-1K is a part of CTC-5K.
    assert [picture.id for picture in five.pictures] == [COCO.format(7), COCO.format(12)]
    assert [p.id for p in ctc(tmp_path, "ctc-train").pictures] == [COCO.format(13)]
    assert one.find is not None
    record = one.find(COCO.format(7))
    assert record is not None
    assert [word.text for word in record.words] == ["STOP"]  # and not the illegible one
    assert record.words[0].box == ((10, 5), (60, 5), (60, 30), (10, 30))
    assert "ground truth" in record.engine


def test_keys_of_annotations_can_be_named(tmp_path: Path) -> None:
    layouts.ctc_annotations(tmp_path, split="kind", words="texts")
    with pytest.raises(
        UsageError, match="split is under none of the keys split, set, subset; "
    ) as e:
        ctc(tmp_path, "ctc-1k")
    assert "captions, coco_url, id, kind, texts. Name it with --key split=KEY." in str(e.value)
    found = ctc(tmp_path, "ctc-1k", {"split": "kind", "ctc-1k": "test", "words": "texts"})
    assert [picture.id for picture in found.pictures] == [COCO.format(12)]
    assert found.find is None
    with pytest.raises(UsageError, match=r"no picture is of ctc-1k; .*: dev, test, train\. Name"):
        ctc(tmp_path, "ctc-1k", {"split": "kind", "ctc-1k": "small"})
    with pytest.raises(UsageError, match="There is no key 'colour' to name; there are: file, id,"):
        ctc(tmp_path, "ctc-1k", {"colour": "kind"})


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ([], "must be an object with a list of objects, images"),
        ({"images": []}, "must be an object with a list of objects, images"),
        (
            {"images": [{"split": "dev", "file_name": "a.jpg"}]},
            "captions is under none of the keys",
        ),
        (
            {"images": [{"split": "dev", "captions": ["x"]}]},
            "file is under none of the keys file_n",
        ),
        (
            {"images": [{"split": "dev", "file_name": "a", "id": 1}], "annotations": [3]},
            "annotations must be a list of objects",
        ),
    ],
)
def test_broken_annotations_are_one_sentence(tmp_path: Path, data: Any, said: str) -> None:
    layouts.ctc_annotations(tmp_path)
    write(tmp_path / "CTC" / "CTC_anns.json", json.dumps(data))
    with pytest.raises(UsageError, match=said):
        ctc(tmp_path, "ctc-1k")


def test_a_word_without_a_place_is_one_sentence(tmp_path: Path) -> None:
    layouts.ctc_annotations(tmp_path)
    path = tmp_path / "CTC" / "CTC_anns.json"
    data = json.loads(path.read_text())
    del data["images"][0]["scene_text"][0]["bbox"]
    write(path, json.dumps(data))
    find = ctc(tmp_path, "ctc-1k").find
    assert find is not None
    with pytest.raises(UsageError, match="box is under none of the keys bbox, box, bounding_box"):
        find(COCO.format(7))


def test_what_is_not_there_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="does not hold this data set; expected in it: CTC/CTC_"):
        ctc(tmp_path, "ctc-1k")
    with pytest.raises(UsageError, match="CTC has no part 'ctc-2k'; there are: ctc-1k, ctc-5k"):
        check_part("ctc-2k")
    assert check_part("ctc-5k") == "ctc-5k"


# --- TextCaps ----------------------------------------------------------------------------------


def test_textcaps(tmp_path: Path) -> None:
    found = textcaps(layouts.textcaps(tmp_path))
    assert [one.id for one in found.pictures] == ["aa.jpg", "bb.jpg"]
    assert all(one.captions == tuple(f"caption {n}" for n in range(5)) for one in found.pictures)
    assert found.find is not None
    assert found.find("bb.jpg") is None
    record = found.find("aa.jpg")
    assert record is not None
    [word], _ = record.within(200, 100)
    assert (word.text, word.box) == ("HILTON", ((50, 50), (150, 50), (150, 75), (50, 75)))
    assert record.engine.startswith("Rosetta")
    assert_corners(found.load("bb.jpg"))


def test_textcaps_holds_pictures_of_the_training_set_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(textcaps_module, "HELD_OUT", 3)
    layouts.textcaps(tmp_path, count=8)
    held = {one.id for one in textcaps(tmp_path, "held-out").pictures}
    rest = {one.id for one in textcaps(tmp_path, "train").pictures}
    assert (len(held), len(rest), held & rest) == (3, 5, set())
    assert held == {one.id for one in textcaps(tmp_path, "held-out").pictures}


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ([], "must be an object with a list of objects, data"),
        ({"data": [3]}, "must be an object with a list of objects, data"),
        ({"data": [{"id": "aa"}]}, "record 1: it has no image_id; its keys are: id"),
        (
            {"data": [{"image_id": "aa", "reference_strs": [3]}]},
            "record 1: expected reference_strs",
        ),
    ],
)
def test_broken_captions_are_one_sentence(tmp_path: Path, data: Any, said: str) -> None:
    layouts.textcaps(tmp_path)
    write(tmp_path / "TextCaps" / "TextCaps_0.1_val.json", json.dumps(data))
    with pytest.raises(UsageError, match=said):
        textcaps(tmp_path)


def test_readings_of_textcaps_may_be_missing_or_broken(tmp_path: Path) -> None:
    path = layouts.textcaps(tmp_path) / "TextCaps" / "TextVQA_Rosetta_OCR_v0.2_val.json"
    for record, said in (
        ({"image_id": "aa"}, r"aa\.jpg: expected ocr_info, a list"),
        ({"image_id": "aa", "ocr_info": [{"word": "x"}]}, r"aa\.jpg, word 1: expected word and"),
        (
            {"image_id": "aa", "ocr_info": [{"word": "x", "bounding_box": {"width": 1}}]},
            r"aa\.jpg, token 1: expected a token with",
        ),
    ):
        write(path, json.dumps({"data": [record]}))
        find = textcaps(tmp_path).find
        assert find is not None
        with pytest.raises(UsageError, match=said):
            find("aa.jpg")
    path.unlink()
    assert textcaps(tmp_path).find is None


# --- published ---------------------------------------------------------------------------------


def test_published_rows_add_up() -> None:
    """The sums are those that the specification counts."""
    sums = {(row.benchmark, row.method): row.r_sum for row in ROWS}
    expected = {
        "SCAN": (320.7, 203.5), "VSRN": (331.7, 225.5), "STARNet": (366.3, 244.2),
        "ViSTA-S": (398.4, 273.5), "UMS, first release": (477.2, None),
        "UMS ViT-B, second release": (459.5, None), "HOPID": (None, None),
    }  # fmt: skip
    for method, pair in expected.items():
        assert (sums.get(("ctc-1k", method)), sums.get(("ctc-5k", method))) == pair
    # Nothing of HOPID is known, and nothing is made up.
    assert not any(row.text_to_image for row in ROWS if row.method == "HOPID")
    assert {row.benchmark for row in ROWS} == set(SIZES)
    assert rows_for("synth-ambiguity") == ()


def test_pictures_that_lie_twice_are_one_sentence(tmp_path: Path) -> None:
    layouts.textcaps(tmp_path)
    picture(tmp_path / "TextCaps" / "train_images" / "AA.jpg")
    with pytest.raises(UsageError, match="holds both"):
        textcaps(tmp_path)


# --- training ----------------------------------------------------------------------------------


def test_pictures_of_a_test_are_never_learned_from(tmp_path: Path) -> None:
    layouts.ctc_lists(tmp_path)
    layouts.ctc_training(tmp_path)
    train = open_pictures("ctc", str(tmp_path), AmbiguitySettings(), "train")
    held = open_pictures("ctc", str(tmp_path), AmbiguitySettings(), "val")
    names = [one.id for one in (*train, *held)]
    assert sorted(names) == [f"ctc-train/train2014/{COCO.format(n)}" for n in range(100, 111)]
    assert (len(train), len(held)) == (9, 2)
    words = {one.id: [word.text for word in one.words] for one in (*train, *held)}
    assert words.pop(f"ctc-train/train2014/{COCO.format(100)}") == ["HOTEL"]
    assert not any(words.values())
    assert_corners(train[0].load())


def test_readings_of_ones_own_go_before_those_of_the_data_set(tmp_path: Path) -> None:
    layouts.textcaps(tmp_path, count=3)
    with pytest.raises(UsageError, match=r"textcaps has no readings beside it: `python scripts/re"):
        open_pictures("textcaps", str(tmp_path), AmbiguitySettings(), "val")
    for n in range(3):
        words = [WordRegion(upright(1, 2, 3, 4), 0.5, f"word {n}")]
        write_record(tmp_path / "words", plain_record(f"t{n}.jpg", (96, 64), "me", words))
    found = open_pictures("textcaps", str(tmp_path), AmbiguitySettings(), "val")
    texts = {one.id: [word.text for word in one.words] for one in found}
    assert texts == {f"textcaps-held-out/t{n}.jpg": [f"word {n}"] for n in range(3)}
    (tmp_path / "TextCaps" / "train_images" / "t0.jpg").write_bytes(b"torn")
    assert len(open_pictures("textcaps", str(tmp_path), AmbiguitySettings(), "val")) == 2
