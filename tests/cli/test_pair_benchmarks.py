"""`evaluate entityclip` on a small N24News with an encoder whose vectors are counted by hand."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from tests.encoders.handmade import make_folder
from tests.lab.colours import ColourEncoder, stripes
from tests.methods.fdp.protocols.layouts import write

from sightread.cli.entry import run
from sightread.cli.pair_benchmarks import measure, report_text
from sightread.lab.evaluate import first_pictures
from sightread.methods.entityclip.data import open_benchmark

CAPTIONS = {"a1": "r", "a2": "rg", "a3": "r", "a4": "b"}
COLOURS = {"a1": "r", "a2": "rg", "a3": "g"}


@pytest.fixture
def news(tmp_path: Path) -> Path:
    """Pictures of stripes; the last one is no picture."""
    home = tmp_path / "N24News"
    records = [{"image_id": name, "caption": text} for name, text in CAPTIONS.items()]
    write(home / "news" / "nytimes_test.json", json.dumps(records))
    for name, letters in COLOURS.items():
        buffer = io.BytesIO()
        Image.fromarray(stripes(letters)).save(buffer, "PNG")
        write(home / "imgs" / f"{name}.jpg", buffer.getvalue())
    write(home / "imgs" / "a4.jpg", "torn")
    return tmp_path


def report(root: Path, **also: Any) -> dict[str, Any]:
    task = open_benchmark("n24news", root)
    return {**measure(ColourEncoder(), task), "weights": "models/entity", "limit": None, **also}


def test_what_is_measured(news: Path) -> None:
    found = report(news)
    # Captions a1 and a2 find theirs, a3 ("r" for a green picture) and a4 (torn) do not.
    assert found["text_to_image"]["hit_at_k"] == {1: 0.5, 5: 1.0, 10: 1.0}
    assert found["text_to_image"]["same_text"] == {1: 0.75, 5: 1.0, 10: 1.0}
    assert list(found["missing"]) == ["a4.jpg"]
    assert (found["benchmark"], found["pairs"], found["told"]) == ("n24news", 4, 0)
    methods = [row["method"] for row in found["published"]]
    assert methods == ["CLIP, zero-shot", "CLIP, fine-tuned", "EntityCLIP"]
    # Nothing of the paper's table was at hand, and nothing is made up.
    assert all(row["text_to_image"] == row["image_to_text"] == {} for row in found["published"])


def test_the_report_for_people(news: Path) -> None:
    text = report_text(report(news))
    lines = text.splitlines()
    assert lines[0] == (
        "n24news: 4 pairs of picture and caption (which split and how many pairs the paper has is "
        "not known)."
    )
    table = {line[:16].strip(): line[16:].split() for line in lines[2:7]}
    assert table["R@K in %"][:3] == ["t>i", "1", "t>i"]
    assert table["this encoder"][:3] == ["50.00", "100.00", "100.00"]
    assert table["EntityCLIP"][:6] == ["-"] * 6
    assert "reported, but the numbers were not at hand" in text
    assert "repeated  with every pair of the same caption right: text -> image R@1 75.00 %" in text
    assert "ranks     median and mean: text -> image" in text
    assert "missing   1 picture, ranked last:" in text


def test_a_try_and_the_rendered_one_have_no_published_rows(news: Path) -> None:
    task = first_pictures(open_benchmark("n24news", news), 2)
    found = {**measure(ColourEncoder(), task), "weights": "m", "limit": 2}
    text = report_text(found)
    assert text.startswith("n24news: 2 pairs of picture and caption (a try on a part, comparable")
    assert "EntityCLIP" not in text
    groups = {"head": {1: 0.5, 5: 1.0, 10: 1.0}, "tail": {1: 0.25, 5: 1.0, 10: 1.0}}
    found = report(news, published=[], told=3)
    found["text_to_image"]["by_group"] = groups
    text = report_text(found)
    assert "(no paper reports this benchmark); 3 captions with their explanation." in text
    assert "by group  text -> image, R@1: head 50.0 %, tail 25.0 %" in text


def test_the_command(news: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """For the encoder by hand, coffee is red, shop green and taxi blue."""
    records = [
        {"image_id": "a1", "caption": "coffee"},
        {"image_id": "a3", "caption": "shop corner"},
    ]
    write(news / "N24News" / "news" / "nytimes_test.json", json.dumps(records))
    told = write(tmp_path / "told.jsonl", '{"entity": "corner", "text": "shop", "source": "me"}')
    model = make_folder(tmp_path / "model")
    arguments = ["evaluate", "entityclip", "--benchmark", "n24news", "--root", str(news)]
    arguments += ["--encoder", str(model), "--cache", str(tmp_path / "vectors"), "--json"]
    assert run([*arguments, "--explanations", str(told)]) == 0
    printed = capsys.readouterr()
    found = json.loads(printed.out)
    assert printed.err == ""
    assert (found["pairs"], found["told"], found["weights"]) == (2, 1, str(model))
    assert found["text_to_image"]["hit_at_k"]["1"] == 1.0
    assert run(arguments[:-1]) == 0
    assert capsys.readouterr().out.startswith("n24news: 2 pairs of picture and caption (which")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--benchmark", "coco"], "There is no benchmark 'coco'; there are: n24news, visualnews,"),
        (["--benchmark", "goodnews"], "goodnews is read from disk: name its folder with --root;"),
        (["--benchmark", "n24news", "--root", "nowhere"], "nowhere is not there; expected in it:"),
        (["--benchmark", "synth-entity", "--explanations", "no.jsonl"], "no.jsonl cannot be read"),
    ],
)
def test_wrong_usage_gets_one_sentence(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["evaluate", "entityclip", "--encoder", "m", *arguments]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.count("\n") == 1
    assert said in printed.err
