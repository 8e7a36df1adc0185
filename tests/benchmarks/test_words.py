"""The benchmark of readers, on a few rendered pictures."""

import importlib
import json
import sys
from pathlib import Path

import numpy as np
import pytest
from benchmarks.words import __main__ as command
from benchmarks.words import worker
from benchmarks.words.galleries import QUIET, real, synth
from benchmarks.words.scores import scores, within
from PIL import Image

from sightread.measure.gallery import AnnotatedWord, GalleryImage, WordGallery
from sightread.search.engine import Engine
from sightread.store import open_store
from sightread.synth.simple import render_words
from sightread.text import tokens
from sightread.types import PathStamp, PictureRecord, RegionRecord


def record(number: int, *words: str) -> PictureRecord:
    regions = tuple(RegionRecord("written", word, tokens(word), 0.99, 0) for word in words)
    stamp = PathStamp(f"/{number}.jpg", 1, 1)
    return PictureRecord(
        number, f"{number:064x}", (stamp,), "JPEG", 9, 9, "t", 0.0, regions=regions
    )


def test_scores_by_hand(tmp_path: Path) -> None:
    store = open_store(str(tmp_path / "library"), write=True, create=True)
    records = [record(1, "sale"), record(2), record(3, "sale"), record(4)]
    store.put(records)
    store.flush()
    images = (
        GalleryImage("1", "coco-hand", words=(AnnotatedWord("Sale", 12.0),)),
        GalleryImage("2", "coco-hand", words=(AnnotatedWord("sale", 40.0),)),
        GalleryImage("3", "graphics", words=(AnnotatedWord("sale", 25.0),)),
        GalleryImage("4", QUIET),
    )
    gallery = WordGallery("g", images, {"sale": frozenset({0, 1, 2})})
    found = scores(gallery, Engine(store), records, seed=0)
    # All: two found first, the third ties with the picture without text: 3 of 4.
    assert found["parts"]["all"]["map"] == pytest.approx((1 + 1 + 3 / 4) / 3, abs=1e-4)
    # Photographs: 1 and 2, with the picture without text, which ties with 2.
    assert found["parts"]["photographs"] == {
        "images": 3,
        "queries": 1,
        "map": pytest.approx((1 + 2 / 3) / 2, abs=1e-4),
        "precision": 1.0,
        "recall": 0.5,
        "calibration_error": pytest.approx(0.0, abs=0.06),  # one answer, right
    }
    assert set(found["parts"]) == {"all", "photographs", "coco-hand", "graphics"}
    # One answer each; the other one is neither right nor wrong.
    assert found["map_by_height"] == {"10-14 px": (1.0, 1), "30-50 px": (0.5, 1)}
    assert found["false_accept"] is None  # too few words to invent others


def test_a_part_has_the_queries_that_it_answers() -> None:
    images = tuple(GalleryImage(str(number)) for number in range(3))
    gallery = WordGallery("g", images, {"a": frozenset({0, 2}), "b": frozenset({1})})
    columns = {"a": np.array([0.1, 0.2, 0.3]), "b": np.array([0.4, 0.5, 0.6])}
    kept, queries, inside = within(gallery, columns, [True, False, True])
    assert [image.path for image in kept] == ["0", "2"]
    assert queries == {"a": frozenset({0, 1})}
    assert inside["a"].tolist() == [0.1, 0.3]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("words") / "data"
    (folder / "quiet").mkdir(parents=True)
    rows, queries = [], []
    for number, word in enumerate(("taxi", "hotel", "coffee")):
        Image.fromarray(render_words([word], (320, 200))[0]).save(folder / f"{word}.png")
        rows.append({"image": f"{word}.png", "words": [word], "boxes": [[1, 1, 9, 12 + number]]})
        queries.append({"query": word, "images": [f"{word}.png"]})
        grey = np.full((64, 64, 3), 90 + number, np.uint8)
        Image.fromarray(grey).save(folder / "quiet" / f"{number}.png")
    for name, lines in (("annotations", rows), ("queries", queries)):
        (folder / f"{name}.jsonl").write_text("\n".join(map(json.dumps, lines)))
    return folder


def test_galleries(data: Path, tmp_path: Path) -> None:
    gallery = real(str(data), str(data / "quiet"), 2)
    assert [image.subset for image in gallery.images] == ["all"] * 2 + [QUIET] * 2
    assert len(gallery.queries) == 2
    assert all(max(images) < 2 for images in gallery.queries.values())
    # Of three pictures with boxes the second is one that training does not see.
    kept = real(str(data), None, None, held_out=True)
    assert [Path(image.path).stem for image in kept.images] == ["hotel"]
    assert set(kept.queries) == {"hotel"}
    rendered = synth(tmp_path / "synth", 1)
    assert len(rendered.queries) == 6
    assert all(rendered.queries.values())
    assert all(image.words[0].box for image in rendered.images if image.words)
    assert synth(tmp_path / "synth", 1) == rendered  # from the disk


def test_the_benchmark_goes_on_where_it_was(
    data: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    jobs = []

    def here(job: worker.Job) -> None:  # in this process: another one takes seconds to start
        jobs.append(job.system)
        Path(job.out).write_text(json.dumps(worker.run(job)))

    monkeypatch.setattr(command, "_run", here)
    monkeypatch.setenv("PATH", "")  # no tesseract
    out, figure = tmp_path / "out.json", tmp_path / "figure.png"
    asked = ["words", "--data", str(data), "--quiet", str(data / "quiet")]
    asked += ["--work", str(tmp_path / "work"), "--galleries", "real", "--out", str(out)]
    monkeypatch.setattr(sys, "argv", [*asked, "--systems", "rapidocr"])
    assert command.main() == 0
    monkeypatch.setattr(
        sys, "argv", [*asked, "--systems", "rapidocr", "tesseract", "--figure", str(figure)]
    )
    assert command.main() == 0
    assert jobs == ["rapidocr", "tesseract"]
    first, second = json.loads(out.read_text())["galleries"]["real"]
    assert first["parts"]["all"]["map"] == 1.0
    assert first["costs"]["all"]["pictures"] == first["costs"][QUIET]["pictures"] == 3
    assert first["costs"]["all"]["reading_ms"] > first["costs"][QUIET]["reading_ms"] > 0
    assert first["bytes_per_picture"] > 0
    assert "is not installed" in second["missing"]
    assert figure.read_bytes().startswith(b"\x89PNG")
    printed = capsys.readouterr().out
    assert "tesseract: the program tesseract is not installed" in printed
    assert "mAP" in printed
    monkeypatch.setattr(sys, "argv", ["words", "--work", str(tmp_path / "work")])
    assert command.main() == 2
    assert "needs --data" in capsys.readouterr().err


def test_the_numbers_are_printed_once_they_are_there(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.syspath_prepend(str(Path(__file__).parents[2] / "scripts"))
    readers_part = importlib.import_module("readers_part")
    monkeypatch.setattr(readers_part, "RESULTS", tmp_path)
    monkeypatch.setattr("results.RESULTS", tmp_path)
    assert readers_part.readers() == ""
    found = {"system": "rapidocr", "mAP": 0.875, "precision": None, "reading ms": "412.0"}
    missing = {"system": "tesseract", "missing": "the program tesseract is not installed"}
    rows = {"real": [found | {"10-14 px": 0.5}, missing]}
    measured = {"real": [{"system": "rapidocr", "commit": "abc"}, {"system": "tesseract"}]}
    about = {"commit": "abc", "seed": 1, "cores": 2, "processor": "p", "held_out": True}
    result = {"rows": rows, "galleries": measured, **about}
    (tmp_path / "word_readers.json").write_text(json.dumps(result))
    printed = readers_part.readers()
    assert "| rapidocr | 87.5 % | – | – | – | – | – |" in printed
    assert "learned from none of these pictures" in printed
    assert "| rapidocr | 412.0 | – | – | – | – | – |" in printed
    assert "| system | 10-14 px |" in printed
    assert "tesseract: the program tesseract is not installed." in printed
    assert "synth-str" not in printed.partition("### ")[2]
    assert "Rows of another commit" not in printed
    measured["real"][0]["commit"] = "def"
    (tmp_path / "word_readers.json").write_text(json.dumps(result))
    assert "Rows of another commit: rapidocr (real, def)." in readers_part.readers()
