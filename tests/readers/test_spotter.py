"""The spotter as a reader, with a network of random weights: what it computes, not how well."""

import hashlib
import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from sightread.errors import ModelError, UsageError
from sightread.lab.export import export
from sightread.modelfolder import GOLDEN, STRIP_GRAPH, read, read_bytes
from sightread.readers import open_reader, open_word_encoder
from sightread.readers.spotter import DETAILS, SpotterReader, _size_for
from sightread.spotting.golden import check, unpack
from sightread.spotting.maps import FindSettings
from sightread.synth.simple import render_words
from tests.readers.conftest import train_nothing


@pytest.fixture
def folder(spotter: Path) -> Path:
    return spotter


@pytest.fixture
def reader(folder: Path) -> SpotterReader:
    # Random weights mark nothing at the default thresholds; these take every cell.
    return SpotterReader(folder, settings=[FindSettings(cell=0.0, word=0.0, thinnest_px=0.0)])


def test_the_folder_says_what_it_is(folder: Path) -> None:
    info = read(folder)
    assert (info.kind, info.space, info.dim) == ("spotter", "words", 32)
    assert {"find.onnx", "strips.onnx", "text.onnx"} <= set(info.files)
    assert set(info.provenance["parity"]) == {"finder", "strips", "text"}
    assert "read in the picture itself" in (folder / "CARD.md").read_text()


def test_golden_numbers_are_given_again(folder: Path, reader: SpotterReader) -> None:
    golden = unpack(read_bytes(folder, reader.info, GOLDEN), GOLDEN)
    assert len(golden.strips) >= 2
    assert check(golden, reader) > 0.99999


def test_words_have_boxes_vectors_and_lines(reader: SpotterReader) -> None:
    image, _ = render_words(["taxi", "hotel"], (200, 120))
    (words,) = reader.read([image])
    assert len(words) == 1  # every cell is one kernel
    (word,) = words
    assert word.vector is not None
    assert np.linalg.norm(word.vector) == pytest.approx(1, abs=1e-5)
    assert 0 <= word.confidence <= 1
    assert np.isfinite(word.box).all()


def test_reading_does_not_depend_on_company(reader: SpotterReader) -> None:
    rng = np.random.default_rng(0)
    strips = [rng.integers(0, 256, (32, w, 3), dtype=np.uint8) for w in (32, 96, 48, 96, 192, 32)]
    vectors, columns = reader.read_strips(strips)
    for strip, vector, logs in zip(strips, vectors, columns, strict=True):
        alone, (own,) = reader.read_strips([strip])
        assert alone[0] == pytest.approx(vector, abs=1e-5)
        assert own == pytest.approx(logs, abs=1e-4)
        assert own.shape[0] == strip.shape[1] // 4


@pytest.mark.parametrize("size", [(1, 1), (3, 500), (640, 480), (31, 33), (1500, 200)])
def test_pictures_of_any_size_can_be_read(folder: Path, size: tuple[int, int]) -> None:
    image = np.full((size[1], size[0], 3), 200, np.uint8)
    assert SpotterReader(folder).read([image]) == [[]]


def test_places_are_in_pixels_of_the_picture_at_every_detail(folder: Path) -> None:
    image, _ = render_words(["taxi"], (800, 300))
    every = [FindSettings(cell=0.0, word=0.0, thinnest_px=0.0)]
    for detail, sides in DETAILS.items():
        found = SpotterReader(folder, detail=detail, settings=every).find(image)
        # One kernel that covers all: its middle is that of the picture, up to what was filled in.
        filled = 16 * 800 / sides.far_px
        assert found.places[0, 0] == pytest.approx(400, abs=filled)
        assert found.places[0, 1] == pytest.approx(150, abs=filled)


def test_banners_are_searched_larger() -> None:
    assert _size_for(1280, 960, 640) == (640, 480)
    assert _size_for(960, 1280, 640) == (480, 640)
    assert _size_for(1000, 1000, 640) == (640, 640)
    # 1280 x 240 px have the area of 640 x 480.
    assert _size_for(640, 120, 640) == (1280, 240)
    assert _size_for(6400, 100, 640) == (1280, 20)
    # Small pictures are not enlarged more than twice.
    assert _size_for(100, 75, 640) == (200, 150)


def test_words_are_encoded_as_they_are_compared(reader: SpotterReader) -> None:
    vectors = reader.encode_words(["Café", "cafe", "CAFE!", "tea"])
    assert vectors.shape == (4, 32)
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(np.ones(4), abs=1e-5)
    assert np.array_equal(vectors[0], vectors[1])
    assert np.array_equal(vectors[0], vectors[2])
    assert not np.allclose(vectors[0], vectors[3], atol=1e-3)
    assert reader.encode_words([]).shape == (0, 32)
    with pytest.raises(UsageError, match="'тес'"):
        reader.encode_words(["тест"])


def test_revisions_differ_by_what_changes_a_reading(folder: Path) -> None:
    revisions = {SpotterReader(folder, detail=detail).spec.revision for detail in DETAILS}
    assert len(revisions) == 3
    assert SpotterReader(folder).spec == SpotterReader(folder).spec
    assert SpotterReader(folder).spec.side_limit_px == 1280
    assert SpotterReader(folder).spec.revision.endswith("@320-1280")
    assert SpotterReader(folder, detail="high").spec.revision.endswith("@400-2048")


def test_the_tower_for_words_is_that_of_the_reader(folder: Path, reader: SpotterReader) -> None:
    tower = open_word_encoder(str(folder))
    assert tower.spec == reader.spec.space
    assert reader.spec.folder == str(folder)
    assert tower.calibration is None
    assert np.array_equal(tower.encode_words(["taxi"]), reader.encode_words(["taxi"]))


@pytest.mark.parametrize("name", ["find.onnx", "strips.onnx", "text.onnx", "tokenizer.json"])
def test_whichever_file_is_damaged_the_checksums_are_told(
    folder: Path, tmp_path: Path, name: str
) -> None:
    damaged = tmp_path / "damaged"
    shutil.copytree(folder, damaged)
    content = bytearray((damaged / name).read_bytes())
    content[len(content) // 2] ^= 1
    (damaged / name).write_bytes(content)
    expected = read(folder).files[name].sha256
    found = hashlib.sha256(content).hexdigest()
    with pytest.raises(ModelError, match=rf"{name} was changed.*is {found}, but .* {expected}"):
        SpotterReader(damaged)
    if name in ("text.onnx", "tokenizer.json"):
        with pytest.raises(ModelError, match=rf"{name} was changed"):
            open_word_encoder(str(damaged))
    (damaged / name).write_bytes(content[:-1])
    with pytest.raises(ModelError, match=rf"{name} has [\d,]+ bytes, but model.json says"):
        open_word_encoder(str(damaged))


def test_bad_folders_are_refused(folder: Path, tmp_path: Path) -> None:
    damaged = tmp_path / "damaged"
    shutil.copytree(folder, damaged)
    content = bytearray((damaged / STRIP_GRAPH).read_bytes())
    content[len(content) // 2] ^= 1
    (damaged / STRIP_GRAPH).write_bytes(content)
    with pytest.raises(ModelError, match="its SHA-256 is"):
        SpotterReader(damaged)
    other = tmp_path / "other"
    shutil.copytree(folder, other)
    data = json.loads((other / "model.json").read_text())
    data["details"]["read"] = "abc"
    (other / "model.json").write_text(json.dumps(data))
    with pytest.raises(ModelError, match=r"details\.read is not"):
        SpotterReader(other)
    with pytest.raises(ModelError, match="no model"):
        SpotterReader(tmp_path / "none")


def test_the_finder_may_be_of_another_run(folder: Path, tmp_path: Path) -> None:
    train_nothing(tmp_path / "one", 0)
    train_nothing(tmp_path / "other", 1)
    made = export(
        tmp_path / "one", tmp_path / "model", finder=tmp_path / "other", precision="float32"
    ).info
    own, before = (one.files for one in (made, read(folder)))
    assert own["strips.onnx"] == before["strips.onnx"]
    assert own["text.onnx"] == before["text.onnx"]
    assert own["find.onnx"] != before["find.onnx"]
    assert made.provenance["finder"]["digest"] == "0" * 64
    assert "finder" not in read(folder).provenance


def test_readers_are_opened_by_name(folder: Path) -> None:
    assert open_reader("spotter", folder=str(folder), detail="low").spec.name == "spotter"
    with pytest.raises(UsageError, match="has no detail"):
        open_reader("rapidocr", detail="low")
    with pytest.raises(UsageError, match="low, normal or high"):
        open_reader("spotter", folder=str(folder), detail="huge")
