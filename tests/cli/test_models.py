"""The models commands, on folders with files that are not looked into."""

import json
from pathlib import Path

import pytest

from sightread import modelfolder
from sightread.cli.entry import run
from sightread.modelfolder import ModelInfo
from sightread.preprocess import PreprocessSpec
from sightread.tokenizer import TokenLayout

INFO = ModelInfo(
    "weights", "tiny", "", 8, "Apache-2.0", PreprocessSpec(32), TokenLayout(), details={"a": 1}
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    files = {"model.safetensors": b"0123456789", "tokenizer.json": b"{}"}
    modelfolder.write(tmp_path / "tiny", INFO, files)
    return tmp_path / "tiny"


def test_verify(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["models", "verify", str(folder)]) == 0
    shown = capsys.readouterr().out
    assert "All 2 files are as they were made." in shown
    assert run(["models", "verify", str(folder), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["size_bytes"] == 12


def test_verify_refuses_a_changed_file(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "model.safetensors").write_bytes(b"0123456788")
    assert run(["models", "verify", str(folder)]) == 1
    said = capsys.readouterr().err
    assert said.startswith(f"sightread: {folder / 'model.safetensors'} was changed or damaged")
    assert said.count("\n") == 1


def test_list(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    parent = folder.parent
    (parent / "broken").mkdir()
    (parent / "broken" / "model.json").write_text("{")
    (parent / "other").mkdir()
    assert run(["models", "list", str(parent)]) == 0
    broken, tiny = capsys.readouterr().out.splitlines()
    assert broken.startswith(f"{parent / 'broken'}: {parent / 'broken' / 'model.json'} is damaged")
    assert tiny == f"{folder}: tiny (weights, space none, 8 dimensions, 12 bytes)"
    assert run(["models", "list", str(parent), "--json"]) == 0
    assert [len(one) for one in json.loads(capsys.readouterr().out)["models"]] == [2, 9]


def test_list_of_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["models", "list", str(tmp_path)]) == 0
    assert "no model folder" in capsys.readouterr().out
    assert run(["models", "list", str(tmp_path / "nowhere")]) == 2
    assert "is no folder" in capsys.readouterr().err
