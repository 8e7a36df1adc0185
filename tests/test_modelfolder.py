"""Model folders: written whole, read strictly, verified byte by byte."""

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sightread import modelfolder
from sightread.errors import ModelError, UsageError
from sightread.modelfolder import Calibration, ModelInfo, TextMap
from sightread.preprocess import PreprocessSpec
from sightread.regions import WordCalibration
from sightread.tokenizer import TokenLayout

INFO = ModelInfo(
    kind="encoder",
    name="toy",
    space="scene-text",
    dim=8,
    licence="Apache-2.0",
    preprocess=PreprocessSpec(32),
    tokenizer=TokenLayout(context_length=6, start_id=10, end_id=11),
    text_map=TextMap(4, 4),
    calibration=Calibration(12.5, -3.0),
    provenance={"method": "toy", "steps": 3, "config": {"lr": [0.1]}},
    created_with={"sightread": "0"},
)
FILES = {name: name.encode() * 50 for name in modelfolder.NEEDED["encoder"]}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    modelfolder.write(tmp_path / "toy", INFO, FILES)
    return tmp_path / "toy"


def change_json(folder: Path, **changes: Any) -> None:
    path = folder / "model.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def test_round_trip(folder: Path) -> None:
    info = modelfolder.read(folder)
    assert info == modelfolder.verify(folder)
    assert replace(info, files={}) == INFO
    assert sorted(info.files) == sorted(FILES)
    assert modelfolder.read_bytes(folder, info, "CARD.md") == FILES["CARD.md"]
    assert {path.name for path in folder.parent.iterdir()} == {"toy"}, "no rests of writing"


def test_files_may_be_given_by_path(tmp_path: Path) -> None:
    (tmp_path / "source").write_bytes(b"weights")
    info = replace(INFO, kind="weights", text_map=None)
    files: dict[str, bytes | Path] = {
        "model.safetensors": tmp_path / "source",
        "tokenizer.json": b"{}",
    }
    written = modelfolder.write(tmp_path / "w", info, files)
    assert written == modelfolder.verify(tmp_path / "w")
    # printf weights | sha256sum
    expected = "9a129038d9a00aed0cf6a7ea059ca50a813449061ab87848cf1a13eafdf33b2c"
    assert written.files["model.safetensors"] == modelfolder.FileSum(7, expected)


@pytest.mark.parametrize("name", sorted(FILES))
def test_a_changed_byte_is_found(folder: Path, name: str) -> None:
    content = bytearray(FILES[name])
    content[7] ^= 1
    (folder / name).write_bytes(content)
    info = modelfolder.read(folder)
    with pytest.raises(ModelError) as raised:
        modelfolder.verify(folder)
    found = modelfolder.file_sum(folder / name).sha256
    for part in (str(folder / name), found, info.files[name].sha256):
        assert part in str(raised.value)
    with pytest.raises(ModelError, match="changed or damaged"):
        modelfolder.read_bytes(folder, info, name)


def test_short_and_missing_files(folder: Path) -> None:
    (folder / "image.onnx").write_bytes(b"x")
    with pytest.raises(ModelError, match=r"image.onnx has 1 bytes, but model.json says 500"):
        modelfolder.read(folder)
    (folder / "image.onnx").unlink()
    with pytest.raises(ModelError, match=r"image.onnx is missing"):
        modelfolder.read(folder)


def test_links_are_not_followed(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "outside").write_bytes(FILES["CARD.md"])
    (folder / "CARD.md").unlink()
    (folder / "CARD.md").symlink_to(tmp_path / "outside")
    with pytest.raises(ModelError, match="links are not followed"):
        modelfolder.read(folder)


def test_files_that_nobody_named(folder: Path) -> None:
    (folder / ".hidden").touch()
    modelfolder.verify(folder)
    (folder / "image.onnx.data").touch()
    with pytest.raises(ModelError, match=r"image.onnx.data is not named in model.json"):
        modelfolder.verify(folder)


@pytest.mark.parametrize(
    "name", ["../evil", "/etc/passwd", "a/b", ".bashrc", "", "a\\b", "a\0b", "model.json", "é"]
)
def test_names_that_leave_the_folder_are_refused(folder: Path, name: str, tmp_path: Path) -> None:
    files = json.loads((folder / "model.json").read_text())["files"]
    change_json(folder, files=files | {name: {"size_bytes": 0, "sha256": ""}})
    with pytest.raises(ModelError, match="is refused"):
        modelfolder.read(folder)
    with pytest.raises(ModelError, match="is refused"):
        modelfolder.write(tmp_path / "other", INFO, FILES | {name: b""})
    assert not (tmp_path / "other").exists()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"format": 2}, "format 2; this version knows formats 1 to 1: update"),
        ({"format": None}, "format None"),
        ({"kind": "reader"}, "kind is 'reader', but must be one of encoder, spotter, weights"),
        ({"dim": 0}, "the dimension is 0"),
        ({"dim": "8"}, "dim is '8', but must be a whole number"),
        ({"preprocess": {"size_px": 32, "fit": "x"}}, "preprocess.fit is 'x'"),
        ({"tokenizer": {"context_length": 1}}, "context length of 1"),
        ({"extra": 1}, "extra is unknown"),
        ({"files": {}}, "of kind encoder and must have image.onnx"),
    ],
)
def test_nonsense_is_refused(folder: Path, changes: dict[str, Any], said: str) -> None:
    change_json(folder, **changes)
    with pytest.raises(ModelError, match=said) as raised:
        modelfolder.read(folder)
    assert str(folder) in str(raised.value)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"{", "is damaged"),
        (b"[]", "must hold a JSON object"),
        (b"\xff", "is damaged"),
        (b"[" * 900_000, "is damaged"),
        (b" " * 1_000_001, "more than 1,000,000 bytes"),
    ],
)
def test_broken_json(folder: Path, content: bytes, said: str) -> None:
    (folder / "model.json").write_bytes(content)
    with pytest.raises(ModelError, match=said):
        modelfolder.read(folder)


@pytest.mark.parametrize("place", ["", "nowhere", "toy/CARD.md"])
def test_no_model_there(folder: Path, place: str) -> None:
    with pytest.raises(ModelError, match="There is no model in"):
        modelfolder.read(folder.parent / place)


def test_the_revision_is_what_decides_about_vectors(folder: Path, tmp_path: Path) -> None:
    info = modelfolder.read(folder)
    same = [
        replace(info, calibration=None, name="other", provenance={}, text_map=None),
        modelfolder.write(tmp_path / "b", INFO, FILES | {"CARD.md": b"said better"}),
    ]
    assert all(one.revision == info.revision for one in same)
    others = [
        replace(info, preprocess=PreprocessSpec(32, "crop")),
        replace(info, tokenizer=replace(info.tokenizer, pad_id=1)),
        modelfolder.write(tmp_path / "c", INFO, FILES | {"text.onnx": b"other"}),
    ]
    assert len({info.revision, *(one.revision for one in others)}) == 4


def test_nothing_is_overwritten_unasked(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is there already"):
        modelfolder.write(folder, INFO, FILES)
    modelfolder.write(folder, replace(INFO, name="new"), FILES, overwrite=True)
    assert modelfolder.verify(folder).name == "new"
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "a.jpg").touch()
    with pytest.raises(UsageError, match="is no model folder and is not replaced"):
        modelfolder.write(tmp_path / "photos", INFO, FILES, overwrite=True)
    assert (tmp_path / "photos" / "a.jpg").exists()
    assert {path.name for path in tmp_path.iterdir()} == {"toy", "photos"}


def test_a_failed_write_leaves_nothing(tmp_path: Path) -> None:
    broken: dict[str, bytes | Path] = {**FILES, "CARD.md": tmp_path / "missing"}
    with pytest.raises(FileNotFoundError):
        modelfolder.write(tmp_path / "toy", INFO, broken)
    with pytest.raises(ModelError, match=r"needs image.onnx, text.onnx"):
        modelfolder.write(tmp_path / "toy", INFO, {})
    assert not os.listdir(tmp_path)


def test_what_a_folder_says_can_be_rewritten_its_files_cannot(tmp_path: Path) -> None:
    files = {"model.safetensors": b"0123456789", "tokenizer.json": b"{}"}
    info = ModelInfo("weights", "tiny", "", 8, "MIT", PreprocessSpec(32), TokenLayout())
    info = modelfolder.write(tmp_path / "tiny", info, files)
    words = WordCalibration(20.0, -11.0, 0.5, -1.0, -2.0, -3.0, 4_000)
    modelfolder.rewrite(tmp_path / "tiny", replace(info, words=words))
    again = modelfolder.verify(tmp_path / "tiny")
    assert again == replace(info, words=words)
    assert again.revision == info.revision
    (tmp_path / "tiny" / "tokenizer.json").write_bytes(b"[]")
    with pytest.raises(ModelError, match="was changed or damaged"):
        modelfolder.rewrite(tmp_path / "tiny", info)
    assert modelfolder.read(tmp_path / "tiny").words == words
