"""`evaluate hopid` on a small CTC with encoders whose vectors are counted by hand."""

import io
import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from tests.encoders.handmade import make_folder
from tests.lab.colours import ColourEncoder, stripes
from tests.lab.reading import ReadingColours
from tests.methods.fdp.protocols.layouts import write

from sightread.cli.caption_benchmarks import ALONE, WITH, measure, report_text
from sightread.cli.entry import run
from sightread.errors import UsageError
from sightread.methods.hopid.benchmarks import BENCHMARKS, open_benchmark, rendered
from sightread.scenetext.given import GivenWords
from sightread.scenetext.records import open_records
from sightread.synth.ambiguity import AmbiguitySettings


@pytest.fixture
def ctc(tmp_path: Path) -> Path:
    """Three pictures with two captions each; the word on the last one is what tells it apart."""
    home = tmp_path / "CTC"
    captions = {"1": ("r", "rr"), "2": ("g", "g"), "3": ("gw", "wg")}
    lines = [
        f"{name}\t{name}{n}\t{text}\timages/{name}.png"
        for name, texts in captions.items()
        for n, text in enumerate(texts)
    ]
    write(home / "CTC_1K_list_ocr_release.txt", "\n".join(lines))
    for name, letters in {"1": "r", "2": "g", "3": "g"}.items():
        buffer = io.BytesIO()
        Image.fromarray(stripes(letters)).save(buffer, "PNG")
        write(home / "images" / f"{name}.png", buffer.getvalue())
    write(home / "ctc_ocr" / "3.txt", "0,0,4,0,4,4,0,4,w\n9,9,12,9,12,12,9,12,out\n")
    write(home / "ctc_ocr" / "1.txt", "torn")
    return tmp_path


def report(root: Path, encoder: ColourEncoder, **also: Any) -> dict[str, Any]:
    found = open_benchmark("ctc-1k", root)
    assert found.find is not None
    return measure(encoder, found, GivenWords(found.find), **also) | {"weights": "models/hopid"}


def test_what_is_measured(ctc: Path) -> None:
    found = report(ctc, ReadingColours())
    # Alone, pictures 2 and 3 are the same: each finds the captions of 2, and each caption ties.
    alone, read = found["rows"][ALONE], found["rows"][WITH]
    assert alone["text_to_image"]["hit_at_k"] == {1: 2 / 6, 5: 1.0, 10: 1.0}
    assert alone["image_to_text"]["hit_at_k"] == {1: 2 / 3, 5: 1.0, 10: 1.0}
    assert read["text_to_image"]["hit_at_k"][1] == read["image_to_text"]["hit_at_k"][1] == 1.0
    assert read["r_sum"] == 600.0
    assert read["text_to_image"]["by_group"]["with text"][1] == 1.0
    readings = found["readings"]
    assert (readings["with_words"], readings["missing"], readings["outside"]) == (1, 1, 1)
    assert list(readings["broken"]) == ["images/1.png"]
    assert readings["engines"] == ["ctc_ocr, as released with ViSTA (its engine is not named)"]
    assert (found["pictures"], found["captions"], found["seed"]) == (3, 6, 0)
    methods = [row["method"] for row in found["published"]]
    assert methods[0] == "SCAN"
    assert methods[-1] == "HOPID"


def test_the_report_for_people(ctc: Path) -> None:
    text = report_text(report(ctc, ReadingColours()))
    lines = text.splitlines()
    assert lines[0] == (
        "ctc-1k: 3 pictures, 6 captions (the papers have 1,000 and 5,000: not the same task)."
    )
    table = {line[:27].strip(): line[27:].split() for line in lines[2:12]}
    assert table["R@K in %"][:4] == ["i>t", "1", "i>t", "5"]
    assert table[WITH] == ["100.00"] * 6 + ["600.0"]
    assert table[ALONE] == ["66.67", "100.00", "100.00", "33.33", "100.00", "100.00", "500.0"]
    assert table["HOPID"][:7] == ["-"] * 7
    assert "reported, but the numbers were not at hand" in text
    assert "pictures alone, text -> image, R@1: with text 0.0 %, without text 50.0 %" in text
    assert "readings  ctc_ocr, as released with ViSTA" in text
    assert "1 picture with words, 1 without a reading, 1 word outside of their picture" in text
    assert "1.txt, line 1: expected eight numbers and a transcription" in text
    assert "(each counts half)" in text


def test_an_encoder_that_takes_no_words_is_measured_on_pictures_alone(ctc: Path) -> None:
    found = report(ctc, ColourEncoder(), limit=2)
    assert list(found["rows"]) == [ALONE]
    assert found["readings"] is None
    assert not found["rows"][ALONE]["text_to_image"]["by_group"]
    text = report_text(found)
    assert "a try on a part, comparable with no other number" in text
    assert "readings  none were used" in text
    assert "SCAN" not in text


def test_an_encoder_that_takes_words_wants_some(ctc: Path) -> None:
    found = open_benchmark("ctc-1k", ctc)
    with pytest.raises(UsageError, match=r"ctc-1k has no readings beside it, .* --pictures-only"):
        measure(ReadingColours(), found, None)
    assert list(measure(ReadingColours(), found, None, pictures_only=True)["rows"]) == [ALONE]


def test_what_is_rendered_comes_with_its_readings() -> None:
    few = AmbiguitySettings(groups=1, val_groups=1, test_groups=1, plain=0, val_plain=0)
    found = rendered("synth-ambiguity-unseen", few)
    assert found.find is not None
    assert found.task.name == "synth-ambiguity-unseen"
    assert (len(found.task.gallery), len(found.task.queries)) == (4, 20)
    given = GivenWords(found.find)
    for picture in found.task.gallery:
        height, width = found.task.load(picture).shape[:2]
        given.of(picture, width, height)
    assert (given.with_words, given.missing, given.broken) == (4, [], {})
    assert given.engines == {"rendered: 6 % of letters misread, 5 % of words missed"}
    assert set(BENCHMARKS) >= {"ctc-1k", "textcaps", "synth-ambiguity-text-free"}


def test_the_command(ctc: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With readings of one's own; the encoder by hand takes none, and coffee is red for it."""
    texts = {"1": "coffee", "2": "shop", "3": "shop"}
    lines = [f"{name}\t{name}0\t{text}\timages/{name}.png" for name, text in texts.items()]
    write(ctc / "CTC" / "CTC_1K_list_ocr_release.txt", "\n".join(lines))
    token = {"text": "w", "bbox": [0, 0, 4, 4]}
    record = {"image_id": "images/3.png", "w": 4, "h": 4, "engine": "me", "tokens": [token]}
    ocr = tmp_path / "words"
    write(ocr / "images" / "3.png.json", json.dumps(record))
    assert open_records(ocr)("images/3.png") is not None
    model = make_folder(tmp_path / "model")
    arguments = ["evaluate", "hopid", "--benchmark", "ctc-1k", "--root", str(ctc)]
    arguments += ["--encoder", str(model), "--cache", str(tmp_path / "vectors")]
    assert run([*arguments, "--ocr", str(ocr), "--json"]) == 0
    printed = capsys.readouterr()
    found = json.loads(printed.out)
    assert printed.err == ""
    assert (found["pictures"], found["weights"], list(found["rows"])) == (3, str(model), [ALONE])
    assert found["rows"][ALONE]["text_to_image"]["hit_at_k"]["1"] == pytest.approx(1 / 3)
    assert run([*arguments, "--pictures-only"]) == 0
    assert capsys.readouterr().out.startswith("ctc-1k: 3 pictures, 3 captions (the papers have")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--benchmark", "coco"], "There is no benchmark 'coco'; there are: ctc-1k, ctc-5k, text"),
        (["--benchmark", "ctc-1k"], "ctc-1k is read from disk: name its folder with --root; in"),
        (["--benchmark", "ctc-1k", "--key", "split"], "--key is 'split', but must be NAME=KEY"),
        (
            ["--benchmark", "synth-ambiguity", "--ocr", "nowhere"],
            "There are no readings at nowhere: `python scripts/read_words.py PICTURES nowhere`",
        ),
        (["--benchmark", "synth-ambiguity", "--ocr", "src"], "None of the 600 pictures of synth-a"),
        (
            ["--benchmark", "synth-ambiguity", "--ocr", "x", "--pictures-only"],
            "--ocr and --pictures-only exclude each other; leave one out.",
        ),
    ],
)
def test_wrong_usage_gets_one_sentence(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["evaluate", "hopid", "--encoder", "m", *arguments]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.count("\n") == 1
    assert said in printed.err
