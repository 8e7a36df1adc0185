"""A library whose pictures are encoded by a real model folder: found again, lost, replaced.

The model is made by hand: pictures by their mean colour, coffee is red, shop green, taxi blue.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from PIL import Image

from sightread.errors import LibraryError, ModelError, UsageError
from sightread.library import Encoders, IndexReport, Library
from sightread.modelfolder import Calibration
from sightread.search.ingest import IndexOptions
from sightread.search.ledger import Ledger
from sightread.store import open_store
from sightread.types import Result
from tests.encoders.handmade import image_graph, make_folder, text_graph
from tests.search.ingest.conftest import ColourReader

SURE = Calibration(20.0, -15.0)
RED, GREEN, BLUE = (250, 0, 0), (0, 250, 0), (0, 0, 250)


class Desk:
    """A folder of plain pictures, a model folder, and a library that is opened for each step. Its
    reader reads colours, so that nothing has to be loaded."""

    def __init__(self, base: Path) -> None:
        self.base = base
        self.model = str(make_folder(base / "model", space="scene-text", calibration=SURE))
        for name, colour in (("red", RED), ("green", GREEN), ("blue", BLUE)):
            self.paint(name, colour)

    def paint(self, name: str, colour: tuple[int, int, int]) -> None:
        path = self.base / "pictures" / f"{name}.png"
        path.parent.mkdir(exist_ok=True)
        # No two are the same file, of whatever colour they are.
        size = (40 + len(list(path.parent.iterdir())), 20)
        Image.new("RGB", size, colour).save(path)

    def open(
        self, encoder: str | None = None, *, write: bool = False, reader_only: bool = False
    ) -> Library:
        folder = str(self.base / "library")
        encoders = None if reader_only else Encoders(encoder)
        store = open_store(folder, write=write, create=write)
        return Library(store, Ledger.open(folder, write=write), ColourReader, encoders)

    def index(
        self, encoder: str | None = None, *, reencode: bool = False, reader_only: bool = False
    ) -> IndexReport:
        with self.open(encoder, write=True, reader_only=reader_only) as library:
            options = IndexOptions(reencode=reencode)
            return library.index([str(self.base / "pictures")], options)

    def search(self, query: str, encoder: str | None = None, **more: object) -> Result:
        with self.open(encoder) as library:
            return library.search(query, **more)  # type: ignore[arg-type]


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def names(result: Result) -> list[str]:
    return [os.path.basename(hit.path).removesuffix(".png") for hit in result.hits]


def test_what_is_not_written_is_found_by_the_encoder(desk: Desk) -> None:
    assert (desk.index(desk.model).new, names(desk.search('"coffee"'))) == (3, ["red"])
    [evidence] = desk.search('"coffee"').hits[0].evidence
    assert (evidence.channel, evidence.match) == ("scene-text", "look-alike")
    assert desk.search('"coffee"').warnings == ()
    [space] = desk.open().status().spaces
    assert (space.folder, space.pictures, space.spec.name) == (desk.model, 3, "handmade")
    assert space.spec.calibration == (20.0, -15.0)
    with desk.open() as library:
        picture = library.picture(str(desk.base / "pictures" / "red.png"))
    assert picture.embeddings["scene-text"].vector.tolist() == pytest.approx([1, 0, 0])


def test_later_runs_find_the_encoder(desk: Desk) -> None:
    desk.index()
    assert desk.index(desk.model).encoded == 3
    desk.paint("late", BLUE)
    report = desk.index()
    assert (report.new, report.warnings) == (1, ())
    desk.paint("later", RED)
    report = desk.index(reader_only=True)
    assert report.new == 1
    assert sorted(names(desk.search('"taxi"'))) == ["blue", "late"]
    assert names(desk.search('"coffee"')) == ["red"]
    assert desk.index().encoded == 1
    assert sorted(names(desk.search('"coffee"'))) == ["later", "red"]


def test_nothing_is_loaded_for_who_wants_the_reader_alone(desk: Desk) -> None:
    desk.index(desk.model)
    with desk.open(reader_only=True) as library:
        assert names(library.search('"coffee"')) == []
        assert names(library.search('"c0000fa"')) == ["blue"]


def test_a_model_that_moved(desk: Desk) -> None:
    desk.index(desk.model)
    moved = str(desk.base / "elsewhere")
    shutil.move(desk.model, moved)
    result = desk.search('"c0000fa"')
    assert names(result) == ["blue"]
    [warning] = result.warnings
    assert warning == (
        "Searched without scene-text, by what was read alone: There is no model in "
        f"{desk.model}: model.json is missing; `sightread export` makes a model folder."
    )
    assert names(desk.search('"coffee"')) == []
    assert names(desk.search('"coffee"', moved)) == ["red"]
    desk.paint("late", RED)
    report = desk.index()
    [warning] = report.warnings
    assert warning.startswith("Nothing was encoded in scene-text: There is no model in ")
    assert report.new == 1
    assert desk.index(moved).encoded == 1
    assert sorted(names(desk.search('"coffee"'))) == ["late", "red"]  # it is remembered there


@pytest.mark.parametrize("name", ["text.onnx", "tokenizer.json", "model.json"])
def test_a_damaged_model(desk: Desk, name: str) -> None:
    desk.index(desk.model)
    path = Path(desk.model) / name
    path.write_bytes(path.read_bytes()[:-20])
    result = desk.search('"c0000fa"')
    assert names(result) == ["blue"]
    [warning] = result.warnings
    assert warning.startswith("Searched without scene-text, by what was read alone: ")
    assert warning.count("\n") == 0
    with pytest.raises(ModelError):
        desk.index(desk.model)


def test_an_encoder_that_cannot_encode_is_noticed_before_every_picture_fails(desk: Desk) -> None:
    desk.index(desk.model)
    shutil.rmtree(desk.model)
    broken = {"image.onnx": image_graph(channels=4)}
    make_folder(Path(desk.model), space="scene-text", files=broken)
    desk.paint("late", RED)
    with pytest.raises(ModelError, match=r"cannot be run by onnxruntime: .* Got: 3 Expected: 4"):
        desk.index(desk.model, reencode=True)
    with desk.open() as library:
        assert (library.status().pictures, library.failures()) == (3, [])
        assert library.status().spaces[0].serving


def test_another_model_in_the_same_space(desk: Desk) -> None:
    desk.index(desk.model)
    other = str(make_folder(desk.base / "other", fit="squash", space="scene-text"))
    with pytest.raises(LibraryError, match=r"must not be mixed: `sightread index --encoder /"):
        desk.index(other)
    assert names(desk.search('"coffee"')) == ["red"]
    [warning] = desk.search('"coffee"', other).warnings
    assert warning.startswith("Searched without scene-text, by what was read alone: the encoder ")
    shutil.rmtree(desk.model)
    shutil.copytree(other, desk.model)  # another one in its place
    report = desk.index()
    [warning] = report.warnings
    assert f"add --encoder {desk.model} --reencode" in warning
    report = desk.index(desk.model, reencode=True)
    assert (report.encoded, report.warnings) == (3, ())
    result = desk.search('"coffee"', also=["scene-text"])
    assert names(result)[0] == "red"
    assert result.hits[0].probability is None
    assert names(desk.search('"coffee"')) == []  # this one is not calibrated


def test_a_model_that_is_calibrated_later(desk: Desk) -> None:
    plain = str(make_folder(desk.base / "plain", space="scene-text"))
    desk.index(plain)
    assert names(desk.search('"coffee"')) == []
    shutil.rmtree(plain)
    make_folder(Path(plain), space="scene-text", calibration=SURE)
    assert names(desk.search('"coffee"')) == ["red"]
    assert desk.index(plain).unchanged == 3
    assert desk.open().status().spaces[0].spec.calibration == (20.0, -15.0)


def test_an_encoder_without_vectors_says_so(desk: Desk) -> None:
    desk.index()
    result = desk.search('"coffee"', desk.model)
    assert result.warnings == (
        "The library has no vectors in scene-text: make them with `sightread index --encoder "
        f"{desk.model} FOLDER...`.",
    )
    with pytest.raises(ModelError, match="There is no model in"):
        desk.search('"coffee"', str(desk.base))


def test_two_spaces_each_with_its_model(desk: Desk) -> None:
    desk.index(desk.model)
    meaning = str(make_folder(desk.base / "m", fit="squash", space="caption", calibration=SURE))
    assert desk.index(meaning).encoded == 3
    desk.paint("late", RED)
    desk.index()
    assert [one.pictures for one in desk.open().status().spaces] == [4, 4]
    hit = desk.search("coffee").hits[0]
    assert {(e.channel, e.match) for e in hit.evidence} == {
        ("scene-text", "look-alike"),
        ("caption", "meaning"),
    }
    assert {e.channel for e in desk.search('"coffee"').hits[0].evidence} == {"scene-text"}
    assert text_graph()  # the same words in both
    with pytest.raises(UsageError, match="it has caption, scene-text"):
        desk.search("coffee", also=["entity"])
