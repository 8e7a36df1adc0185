"""The commands about explanations, from an empty book to a training file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from benchmarks.faulty_endpoint import FaultyEndpoint, describe
from tests.cli.test_end_to_end import sightread
from tests.search.ingest.conftest import ColourReader
from tests.test_metadata import xmp

from sightread.cli.entry import run
from sightread.explain import Book, Subject
from sightread.library import Library
from sightread.search.ledger import Ledger
from sightread.store import open_store

Captured = pytest.CaptureFixture[str]


@pytest.fixture
def book(tmp_path: Path) -> str:
    return str(tmp_path / "book.sqlite")


def done(captured: Captured, *arguments: str, code: int = 0) -> tuple[str, str]:
    """What a command that ends with this code prints to stdout and to stderr."""
    captured.readouterr()
    assert run(["explain", *arguments]) == code
    printed = captured.readouterr()
    return printed.out, printed.err


def test_from_an_endpoint_to_a_training_file(
    book: str, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SIGHTREAD_EXPLAIN_KEY", "secret")
    with FaultyEndpoint(key="secret") as server:
        asked = ("fill", "Ada", "Bo", "--endpoint", server.url, "--model", "m", "--book", book)
        _, err = done(capsys, *asked, "--dry-run")
        assert "2 names: 0 explained already, 0 would be taken from files, 2 would be asked" in err
        out, err = done(capsys, *asked, "--json")
        assert json.loads(out)["answered"] == 2
        assert err.startswith("2 names: 0 explained already, 2 answered; ")
        done(capsys, "edit", "ada", "--text", "A woman at a loom.", "--alias", "A", "--book", book)
        assert done(capsys, *asked)[1].startswith("2 names: 2 explained already; ")
        assert len(server.times) == 2
    out, _ = done(capsys, "list", "--book", book)
    assert out == (
        f"Ada: A woman at a loom. (hand)\nBo: {describe('Bo')} (endpoint {server.url}, m)\n"
    )
    out, _ = done(capsys, "show", "a", "--book", book)
    first, said, second, text = out.splitlines()
    assert first.endswith(f"replaced  endpoint {server.url}, m, question 1")
    assert (said, second.split("  ")[2:], text) == (
        f"   {describe('Ada')}",
        ["used", "hand"],
        "   A woman at a loom.",
    )
    out, _ = done(capsys, "export", "--book", book)
    assert [json.loads(line)["entity"] for line in out.splitlines()] == ["Ada", "Bo"]


def test_a_glossary_alone_is_taken_whole(tmp_path: Path, book: str, capsys: Captured) -> None:
    glossary = tmp_path / "people.csv"
    glossary.write_text(f"entity,description\nAda,A woman.\nBo,{'word ' * 90}\n")
    _, err = done(capsys, "fill", "--glossary", str(glossary), "--book", book)
    assert "1 taken from files, 1 kept out (`sightread explain list --rejected` says why)" in err
    assert "Bo: [too long] word word" in done(capsys, "list", "--rejected", "--book", book)[0]
    dump = tmp_path / "dump.jsonl"
    dump.write_text('{"label": "Cy", "facts": ["blue coat"]}\n{"label": "Di", "facts": ["x"]}\n')
    names = tmp_path / "names.txt"
    names.write_text("cy\n\nEd\n")
    more = ("--knowledge", str(dump), "--from", str(names), "--book", book)
    _, err = done(capsys, "fill", *more)
    assert "2 names: 0 explained already, 1 taken from files, 1 still without" in err
    fields = json.loads(done(capsys, "list", "--json", "--book", book)[0])["explanations"]
    assert [(one["entity"], one["text"]) for one in fields] == [
        ("Ada", "A woman."),
        ("Cy", "blue coat."),
    ]


def test_out_by_a_file_and_in_again(tmp_path: Path, book: str, capsys: Captured) -> None:
    done(capsys, "edit", "Ada", "--text", "A woman.", "--book", book)
    file = tmp_path / "out.jsonl"
    done(capsys, "export", str(file), "--whole", "--book", book)
    _, err = done(capsys, "export", str(file), "--book", book, code=2)
    assert "is there already; name another file, or add --force" in err
    other = str(tmp_path / "other.sqlite")
    assert "1 explanation taken, 0 known" in done(capsys, "import", str(file), "--book", other)[1]
    assert "0 explanations taken, 1 known" in done(capsys, "import", str(file), "--book", other)[1]
    assert "1 version forgotten" in done(capsys, "remove", "ADA", "--book", other)[1]
    assert done(capsys, "list", "--book", other) == (
        "",
        "There is nothing here; `sightread explain fill` gets explanations.\n",
    )


def test_an_editor_is_opened(
    tmp_path: Path, book: str, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = tmp_path / "my editor"
    script.write_text('#!/bin/sh\nsed -i s/woman/person/ "$1"\n')
    script.chmod(0o755)
    done(capsys, "edit", "Ada", "--text", "A woman.", "--book", book)
    monkeypatch.delenv("VISUAL", raising=False)
    monkeypatch.setenv("EDITOR", f"'{script}'")
    assert done(capsys, "edit", "ada", "--book", book)[1] == "Ada: A person. (version 2)\n"
    assert done(capsys, "edit", "ada", "--book", book)[1] == "Nothing was changed.\n"
    monkeypatch.setenv("EDITOR", "false")
    assert "ended with code 1" in done(capsys, "edit", "ada", "--book", book, code=2)[1]
    monkeypatch.delenv("EDITOR")
    assert "No editor is known" in done(capsys, "edit", "ada", "--book", book, code=2)[1]


def test_names_come_from_the_metadata(tmp_path: Path, capsys: Captured) -> None:
    from PIL import Image

    photos = tmp_path / "photos"
    photos.mkdir()
    packet = xmp(
        "<dc:subject><rdf:Bag><rdf:li>loom</rdf:li></rdf:Bag></dc:subject>"
        "<ext:PersonInImage><rdf:Bag><rdf:li>Ada</rdf:li></rdf:Bag></ext:PersonInImage>"
    )
    Image.new("RGB", (32, 32)).save(photos / "a.jpg", xmp=packet)
    library = str(tmp_path / "library")
    store = open_store(library, write=True, create=True)
    with Library(store, Ledger.open(library, write=True), ColourReader) as opened:
        opened.index([str(photos)])
    with FaultyEndpoint() as server:
        asked = ("fill", "--endpoint", server.url, "-L", library)
        done(capsys, *asked, "--persons")
        assert list(server.answered) == ["Ada"]
        done(capsys, *asked, "--persons", "--keywords")
        assert sorted(server.answered) == ["Ada", "loom"]
    with Book.open(f"{library}/explanations.sqlite") as kept:
        assert kept.find(Subject("ada")) is not None


@pytest.mark.parametrize(
    ("arguments", "says", "code"),
    [
        (("fill", "A", "--endpoint", "nowhere"), "is not the address of an endpoint", 1),
        (("fill", "A", "--endpoint", "https://example.org/v1"), "--allow-remote", 1),
        (("fill", "A", "--endpoint", "http://127.0.0.1:9/v1"), "There is nobody at", 1),
        (
            ("fill", "A", "--endpoint", "http://127.0.0.1:9/v1", "--key-variable", "NO_KEY"),
            "NO_KEY is not set",
            2,
        ),
        (("fill",), "Name what is to be explained", 2),
        (("fill", "--from", "/no/file"), "/no/file cannot be read: No such file", 2),
        (("fill", "--glossary", "/no/file.csv"), "/no/file.csv cannot be read", 1),
        (("fill", "--knowledge", "/no/file.jsonl"), "/no/file.jsonl cannot be read", 1),
        (("show", "Nobody"), "There is no explanation of Nobody; `sightread explain fill`", 1),
        (("remove", "Nobody"), "There is no explanation of Nobody", 1),
        (("edit", "&", "--text", "x"), "has no letter and no digit", 2),
        (("edit", "A", "--text", " "), "The explanation of A is empty", 1),
        (("import", "/no/file"), "/no/file cannot be read", 2),
    ],
)
def test_what_is_wrong_is_one_sentence(
    arguments: tuple[str, ...], says: str, code: int, book: str, capsys: Captured
) -> None:
    out, err = done(capsys, *arguments, "--book", book, code=code)
    assert (out, says in err, err.count("\n")) == ("", True, 1), err


def test_a_broken_line_is_named(tmp_path: Path, book: str, capsys: Captured) -> None:
    glossary = tmp_path / "people.csv"
    glossary.write_text("entity,description\nAda,A woman.\nBo\n")
    _, err = done(capsys, "fill", "--glossary", str(glossary), "--book", book, code=1)
    assert err.startswith(f"sightread: {glossary}, line 3: there must be 2 columns")


def test_without_a_library_there_is_no_place(tmp_path: Path) -> None:
    answer = sightread(tmp_path, "explain", "edit", "Ada", "--text", "A woman.")
    assert answer.returncode == 2
    assert "There is no library at" in answer.stderr
    assert "--book FILE" in answer.stderr
