"""`evaluate fdp` on a small SVT with an encoder whose vectors are counted by hand."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from tests.encoders.handmade import make_folder
from tests.lab.colours import ColourEncoder, stripes
from tests.methods.fdp.protocols.layouts import svt_xml, write

from sightread.cli.benchmarking import describe, measure, report_text
from sightread.cli.entry import run
from sightread.lab.encoding import EncodingProgress
from sightread.lab.evaluate import first_pictures
from sightread.methods.fdp.data import open_benchmark
from sightread.wire import dump_json


@pytest.fixture
def svt(tmp_path: Path) -> Path:
    """Pictures of stripes: what is written on them is their colours."""
    tags = {"img/1.jpg": ["R"], "img/2.jpg": ["RG"], "img/3.jpg": ["g"], "img/4.jpg": ["r", "b"]}
    write(tmp_path / "SVT" / "test.xml", svt_xml(tags))
    for name, letters in {"1": "r", "2": "rg", "3": "g"}.items():
        buffer = io.BytesIO()
        Image.fromarray(stripes(letters)).save(buffer, "PNG")  # under the name of a JPEG
        write(tmp_path / "SVT" / "img" / f"{name}.jpg", buffer.getvalue())
    return tmp_path


def report(root: Path, **also: Any) -> dict[str, Any]:
    task = open_benchmark("svt", root)
    return {**measure(ColourEncoder(), task), "weights": "models/fdp", "limit": None, **also}


def test_what_is_measured(svt: Path) -> None:
    found = report(svt)
    # r: picture 1 first, 4 is missing and so last of four: (1/1 + 2/4) / 2 = 3/4. rg: 1. g: 1.
    # b: all three have cosine 0 and 4 comes after them: 1/4.
    assert found["map"] == pytest.approx((3 / 4 + 1 + 1 + 1 / 4) / 4)
    assert found["hit_at_k"] == {1: 0.75, 5: 1.0, 10: 1.0}
    assert (found["benchmark"], found["pictures"], found["queries"]) == ("svt", 4, 4)
    assert list(found["missing"]) == ["img/4.jpg"]
    assert found["published_size"] == {"pictures": 249, "queries": 427}
    assert found["revision"] == "colours-1"
    assert {"processor", "cores", "commit", "seed"} <= found.keys()
    (fdp,) = [row for row in found["published"] if row["method"] == "FDP-S"]
    assert fdp == {
        "method": "FDP-S",
        "map_percent": 82.56,
        "fps": 45.11,
        "source": "review",
        "note": "",
    }
    assert json.loads(dump_json(found))["map"] == pytest.approx(0.75)


def test_the_report_for_people(svt: Path) -> None:
    text = report_text(report(svt))
    lines = text.splitlines()
    assert lines[0] == (
        "svt: 4 pictures, 4 queries (the papers have 249 and 427: not the same task)."
    )
    table = {line[:20].strip(): line[20:].split() for line in lines[2:16]}
    assert table["method"] == ["mAP", "%", "pictures/s", "source"]
    assert table["this encoder"][0] == "75.00"
    assert table["FDP-S"] == ["82.56", "45.11", "review"]
    assert table["FDP-L"] == ["89.63", "11.82", "review", "+", "MSTAR", "table"]
    assert "TotalText" not in text
    assert "hits      R@1 75.00 %, R@5 100.00 %, R@10 100.00 %" in lines
    assert "weights   models/fdp (revision colours-1)" in lines
    assert "missing   1 picture, ranked last:" in lines
    assert "seed      0" in lines
    after = lines[lines.index("missing   1 picture, ranked last:") + 1]
    assert after.strip().startswith("img/4.jpg: there is no img/4.jpg in ")


def test_a_try_on_a_part_shows_no_published_numbers(svt: Path) -> None:
    task = first_pictures(open_benchmark("svt", svt), 2)
    found = {**measure(ColourEncoder(), task), "weights": "m", "limit": 2}
    text = report_text(found)
    assert text.startswith("svt: 2 pictures, 2 queries (a try on a part, comparable with no other")
    assert "FDP-S" not in text
    assert "missing   0 pictures" in text


def test_headlines_and_groups(svt: Path) -> None:
    found = report(svt, published_size={"pictures": 4, "queries": 4})
    assert report_text(found).startswith("svt: 4 pictures, 4 queries (as many as in the papers).")
    found |= {"published_size": None, "queries": 1, "map_by_group": {"seen": 0.5, "phrase": 0.25}}
    found |= {"missing": {f"{n}.jpg": "gone" for n in range(7)}, "pictures_per_s": 0.0}
    text = report_text(found)
    assert text.startswith("svt: 4 pictures, 1 query (no paper reports this benchmark).")
    assert "by group  seen 50.00 %, phrase 25.00 %" in text
    assert "4.jpg: gone\n          and 2 more\n" in text
    assert "5.jpg" not in text


def test_progress_for_people() -> None:
    assert describe(EncodingProgress(1234, 10_000, 200, 2, 4.1)) == (
        "1,234 of 10,000 pictures · 4.1 pictures/s · 36 min left · 200 known · 2 missing"
    )
    assert (
        describe(EncodingProgress(1, 3, 0, 0, 2.0)) == "1 of 3 pictures · 2 pictures/s · 1 s left"
    )
    assert "· 1,234 pictures/s ·" in describe(EncodingProgress(1, 3, 0, 0, 1234.4))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--benchmark", "coco"], "There is no benchmark 'coco'; there are: iiit-str, svt,"),
        (["--benchmark", "svt"], "svt is read from disk: name its folder with --root; in it: SVT/"),
        (
            ["--benchmark", "svt", "--root", "nowhere"],
            "nowhere is not there; expected in it: SVT/t",
        ),
        (["--benchmark", "svt", "--batch", "0"], "'--batch'"),
        (["--root", "."], "Missing option '--benchmark'"),
    ],
)
def test_wrong_usage_gets_one_sentence_and_2(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["evaluate", "fdp", "--encoder", "m", *arguments]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.count("\n") == 1
    assert said in printed.err


def test_without_torch_the_command_says_what_to_install() -> None:
    code = (
        "import sys; sys.modules['torch'] = None\n"
        "from sightread.cli.entry import run\n"
        "sys.exit(run(['evaluate', 'fdp', '--benchmark', 'svt', '--encoder', 'm']))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "sightread: This command needs the package torch, which is not installed: run "
        "`pip install 'sightread[train]'`.\n"
    )


@pytest.fixture
def streets(tmp_path: Path) -> Path:
    """For the encoder by hand, coffee is red, shop green and taxi blue."""
    tags = {"img/1.jpg": ["Coffee"], "img/2.jpg": ["COFFEE", "shop"], "img/3.jpg": ["Taxi"]}
    write(tmp_path / "test.xml", svt_xml(tags))
    for name, letters in {"1": "r", "2": "rg", "3": "b"}.items():
        buffer = io.BytesIO()
        Image.fromarray(stripes(letters * 8)).save(buffer, "PNG")
        write(tmp_path / "img" / f"{name}.jpg", buffer.getvalue())
    return tmp_path


def test_the_command_with_a_model_folder(
    streets: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = make_folder(tmp_path / "model")
    arguments = ["evaluate", "fdp", "--benchmark", "svt", "--root", str(streets)]
    arguments += ["--encoder", str(model), "--cache", str(tmp_path / "vectors"), "--json"]
    assert run(arguments) == 0
    printed = capsys.readouterr()
    first = json.loads(printed.out)
    assert printed.err == ""
    assert (first["map"], first["cached"], first["missing"]) == (1.0, 0, {})
    assert first["weights"] == str(model)
    assert first["limit"] is None
    # Once more: every vector is known. Without --json a table is printed.
    assert run(arguments[:-1]) == 0
    text = capsys.readouterr().out
    assert text.startswith("svt: 3 pictures, 3 queries (the papers have 249 and 427")
    assert "this encoder           100.00" in text
    assert "3 vectors known" in text
    assert f"revision {first['revision']}" in text


def test_the_rendered_benchmark_from_training_to_report(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = ["variant=tiny", "size_px=64", "positions=grid_bicubic", "distinction=false"]
    changes = [f"method.model.{one}" for one in settings]
    changes += ["method.pictures=2", "method.batch=2", "method.validation_queries=0"]
    sets = [word for one in [*changes, "train.steps=1"] for word in ("--set", one)]
    trained, model = str(tmp_path / "run"), str(tmp_path / "model")
    assert run(["train", "fdp", "--out", trained, "--quiet", *sets]) == 0
    assert run(["export", trained, "--out", model]) == 0
    arguments = ["evaluate", "fdp", "--benchmark", "synth-str", "--encoder", model, "--json"]
    arguments += ["--limit", "24", "--cache", str(tmp_path / "vectors"), "--quiet"]
    capsys.readouterr()
    assert run(arguments) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["benchmark"], found["pictures"], found["missing"]) == ("synth-str", 24, {})
    # Four pictures answer each query, and they come first: six, one of them by
    # chance, since a word that a query of another group asks for stands in them too.
    assert found["queries"] == 6
    assert 0 < found["map"] < 1
    assert found["map_by_group"].keys() == {"seen", "content"}


def test_a_folder_that_is_no_model_is_one_sentence(
    streets: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["evaluate", "fdp", "--benchmark", "svt", "--root", str(streets)]
    assert run([*arguments, "--encoder", str(tmp_path)]) == 1
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith("sightread: ")
    assert printed.err.count("\n") == 1
