"""A library whose pictures carry captions, an entity model, a glossary: from folder to answer.

To the model, which goes by colours, taxi is blue and coffee is red, so that "taxi Zorin", explained
by "coffee cup", is purple.
"""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from PIL import Image
from tests.encoders.handmade import make_folder
from tests.test_metadata import data_set, with_iptc, xmp

from sightread.cli.entry import run
from sightread.library import Library
from sightread.modelfolder import Calibration
from sightread.service.app import create_app
from sightread.service.settings import Settings

Captured = pytest.CaptureFixture[str]
ENTITY = 'entity:"taxi Zorin"'


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("home")
    photos = home / "photos"
    photos.mkdir()
    for name, colour in (("blue", (0, 0, 250)), ("purple", (250, 0, 250)), ("red", (250, 0, 0))):
        Image.new("RGB", (64, 64), colour).save(photos / f"{name}.png")
    person = "<ext:PersonInImage><rdf:Bag><rdf:li>Taxi Zorin</rdf:li></rdf:Bag></ext:PersonInImage>"
    green = Image.new("RGB", (64, 64), (0, 250, 0))
    green.save(photos / "person.jpg", xmp=xmp(person))
    caption = with_iptc(data_set(2, 120, b"Taxi Zorin opens a bridge."))
    (photos / "caption.jpg").write_bytes(caption)
    make_folder(home / "model", space="entity", text_map=False, calibration=Calibration(20, -15))
    (home / "people.csv").write_text("entity,description,aliases\nTaxi Zorin,coffee cup,Zorin\n")
    return home


@pytest.fixture(scope="module")
def indexed(home: Path) -> str:
    """The library, with vectors and an explanation."""
    library = str(home / "library")
    model = ("--encoder", str(home / "model"))
    assert run(["index", str(home / "photos"), "-q", "-L", library, *model]) == 0
    assert run(["explain", "fill", "--glossary", str(home / "people.csv"), "-L", library]) == 0
    return library


@pytest.fixture
def library(indexed: str, tmp_path: Path) -> str:
    """A copy of its own."""
    return str(shutil.copytree(indexed, tmp_path / "library"))


def search(capsys: Captured, library: str, *arguments: str) -> dict[str, Any]:
    """The answer as JSON, and under `said` what was printed beside it."""
    capsys.readouterr()
    assert run(["search", *arguments, "--json", "-L", library]) == 0
    printed = capsys.readouterr()
    found: dict[str, Any] = {**json.loads(printed.out), "said": printed.err}
    return found


def shown(answer: dict[str, Any]) -> dict[str, set[str]]:
    """By which channels each picture was found."""
    return {
        os.path.basename(hit["path"]): {evidence["channel"] for evidence in hit["evidence"]}
        for hit in answer["results"]
    }


def test_by_its_look_and_by_its_name(indexed: str, capsys: Captured) -> None:
    answer = search(capsys, indexed, ENTITY)
    # Blue and red together are purple; blue alone is at a cosine of 0.71, too far away.
    assert shown(answer) == {
        "purple.png": {"entity"},
        "person.jpg": {"person"},
        "caption.jpg": {"caption"},
    }
    assert (answer["query"], answer["warnings"], answer["said"]) == (ENTITY, [], "")
    [used] = answer["explanations"]
    assert {name: used[name] for name in ("entity", "text", "source", "version", "joined")} == {
        "entity": "Taxi Zorin",
        "text": "coffee cup",
        "source": "glossary people.csv",
        "version": 1,
        "joined": True,
    }
    without = search(capsys, indexed, ENTITY, "--explain", "off")
    assert set(shown(without)) == {"blue.png", "person.jpg", "caption.jpg"}
    assert [one["joined"] for one in without["explanations"]] == [False]
    assert set(shown(search(capsys, indexed, "entity:zorin"))) == {"person.jpg", "caption.jpg"}


def test_people_are_told_what_was_used(indexed: str, capsys: Captured) -> None:
    capsys.readouterr()
    assert run(["search", ENTITY, "-L", indexed, "--rerank", "5"]) == 0
    said = capsys.readouterr().err
    assert said == (
        "taxi Zorin: coffee cup (glossary people.csv; searched with)\n"
        "Nothing was looked at again: handmade has no matching head.\n"
    )
    assert run(["search", 'entity:"taxi Bo"', "-L", indexed, "-0"]) == 0
    said = capsys.readouterr().err
    assert said.startswith("There is no explanation of taxi Bo, so it was searched by its name")
    assert said.count("\n") == 1


def test_the_service_says_the_same(indexed: str, tmp_path: Path) -> None:
    app = create_app(Settings((indexed,), cache=str(tmp_path / "cache")))
    with TestClient(app, base_url="http://127.0.0.1") as client:
        answer = client.get("/api/search", params={"q": ENTITY, "again": 5}).json()
        without = client.get("/api/search", params={"q": ENTITY, "explain": "off"}).json()
    assert set(shown(answer)) == {"purple.png", "person.jpg", "caption.jpg"}
    assert answer["explanations"][0]["text"] == "coffee cup"
    assert answer["looked_again"] is None  # this model has no head
    assert answer["parts"] == [{"text": ENTITY, "kind": "term", "negated": False}]
    assert set(shown(without)) == {"blue.png", "person.jpg", "caption.jpg"}


def test_switched_off_nothing_is_left_of_it(home: Path, library: str, capsys: Captured) -> None:
    capsys.readouterr()
    assert run(["entities", "off", "-L", library]) == 0
    said = capsys.readouterr().err
    assert said == (
        "Searching for entities is switched off in this library. The vectors of the entity model "
        "were removed.\n"
    )
    assert run(["search", ENTITY, "-L", library]) == 2
    assert "is switched off in this library; `sightread entities on`" in capsys.readouterr().err
    # What somebody wrote into the files is found as ever.
    assert set(shown(search(capsys, library, 'person:"taxi zorin"'))) == {"person.jpg"}
    assert run(["status", "-L", library]) == 0
    assert "entities  switched off: not searched for, not encoded\n" in capsys.readouterr().out
    again = ["index", str(home / "photos"), "-q", "-L", library]
    assert run([*again, "--encoder", str(home / "model")]) == 2
    assert "is switched off in this library, so nothing was encoded" in capsys.readouterr().err
    with Library.open(library) as opened:
        assert opened.status().spaces == ()
        assert not opened.status().entities
    assert run(["entities", "on", "-L", library]) == 0
    assert run([*again, "--encoder", str(home / "model"), "--json"]) == 0
    capsys.readouterr()
    assert "purple.png" in shown(search(capsys, library, ENTITY))


def test_a_switch_that_cannot_be_read_permits_nothing(library: str, capsys: Captured) -> None:
    switch = Path(library) / "privacy.json"
    for content in ("", "{}", '{"format": 2, "entities": true}', '{"format": 1, "entities": 1}'):
        switch.write_text(content)
        assert run(["search", ENTITY, "-L", library]) == 1
        assert "cannot be understood, so nobody can tell" in capsys.readouterr().err
    assert run(["search", "coffee", "-L", library]) == 0
    assert run(["entities", "on", "-L", library]) == 0
    assert run(["search", ENTITY, "-L", library]) == 0


def test_it_can_be_switched_off_before_anything_is_there(tmp_path: Path, capsys: Captured) -> None:
    library = str(tmp_path / "deep" / "library")
    assert run(["entities", "off", "-L", library]) == 0
    assert run(["search", "entity:x", "-L", library]) == 2
    assert capsys.readouterr().err.count("\n") == 2
