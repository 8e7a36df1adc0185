"""The book keeps every version, and tells the one that counts."""

from __future__ import annotations

import os
import signal
import sqlite3
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from sightread.errors import ExplanationError
from sightread.explain import Book, Explanation, Subject
from sightread.explain.explanation import HAND

ZORIN = Subject("Mara Zorin")


def said(text: str, source: str = "endpoint x", **more: str) -> Explanation:
    return Explanation("Mara Zorin", text, source, **more)  # type: ignore[arg-type]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "deep" / "explanations.sqlite"


def test_the_newest_good_version_counts(path: Path) -> None:
    with Book.open(path, write=True) as book:
        assert book.find(ZORIN) is None
        assert book.add(said("One.")).version == 1
        assert book.add(said("Two.", model="m", prompt="1"), "f1").version == 2
        book.add(said("", verdict="empty"), "f2")
        found = book.find(Subject("MARA  zorin!"))
        assert found is not None
        assert (found.text, found.version, found.origin) == ("Two.", 2, "endpoint x, m")
        assert found.made_at > 1.7e9
        assert [one.text for one in book.versions(ZORIN)] == ["One.", "Two.", ""]
        assert book.was_asked(ZORIN, "f2")
        assert not book.was_asked(ZORIN, "f3")
        assert [one.version for one in book.all()] == [2]
        assert len(book) == 1


def test_what_has_no_good_version_is_listed(path: Path) -> None:
    with Book.open(path, write=True) as book:
        book.add(said("Never heard.", verdict="refused"))
        book.add(said("A dog.", verdict="off topic"))
        [only] = book.all()
        assert only.verdict == "off topic"


def test_entities_and_captions_are_apart(path: Path) -> None:
    with Book.open(path, write=True) as book:
        book.add(Explanation("Zorin", "A person.", HAND))
        book.add(Explanation("Zorin", "A caption.", HAND, kind="caption"))
        found = book.find(Subject("zorin", "caption"))
        assert found is not None
        assert found.text == "A caption."
        assert [(one.kind, one.text) for one in book.all()] == [
            ("entity", "A person."),
            ("caption", "A caption."),
        ]
        assert book.remove(Subject("Zorin")) == 1
        assert [one.kind for one in book.all()] == ["caption"]


def test_aliases_lead_to_the_entity(path: Path) -> None:
    with Book.open(path, write=True) as book:
        book.add(said("Blue."), aliases=["Zorin", "The Chair"])
        found = book.find(Subject("the chair"))
        assert found is not None
        assert found.name == "Mara Zorin"
        assert book.find(Subject("chair")) is None
        assert book.remove(ZORIN) == 1
        assert book.find(Subject("the chair")) is None


def test_failures_go_with_the_first_answer(path: Path) -> None:
    with Book.open(path, write=True) as book:
        book.fail(ZORIN, "status 500")
        book.fail(ZORIN, "cut")
        [failure] = book.unanswered()
        assert (failure.name, failure.reason) == ("Mara Zorin", "cut")
        book.add(said("Blue."))
        assert book.unanswered() == []


def test_vectors_belong_to_a_text_and_a_model(path: Path) -> None:
    with Book.open(path, write=True) as book:
        book.add(said("Blue."))
        book.keep_vector("Blue.", "r1", b"1234")
        assert book.vector("Blue.", "r1") == b"1234"
        assert book.vector("Blue.", "r2") is None
        book.remove(ZORIN)
        assert book.vector("Blue.", "r1") is None


def test_a_reader_sees_what_a_writer_adds(path: Path) -> None:
    assert Book.open(path).find(ZORIN) is None
    assert not path.exists()
    with Book.open(path, write=True) as writer:
        writer.add(said("One."))
        with Book.open(path) as reader:
            writer.add(said("Two."))
            found = reader.find(ZORIN)
            assert found is not None
            assert found.text == "Two."
            with pytest.raises(ExplanationError, match="open for reading only"):
                reader.fail(ZORIN, "x")


def test_a_read_only_medium_can_be_read(path: Path) -> None:
    with Book.open(path, write=True) as book:
        book.add(said("One."))
    assert sorted(entry.name for entry in path.parent.iterdir()) == [path.name]
    path.chmod(stat.S_IRUSR)
    path.parent.chmod(stat.S_IRUSR | stat.S_IXUSR)
    try:
        with Book.open(path) as book:
            assert len(book) == 1
    finally:
        path.parent.chmod(0o755)


def test_a_killed_writer_loses_nothing(path: Path) -> None:
    code = (
        "import os, sys\n"
        "from sightread.explain import Book, Explanation\n"
        f"book = Book.open({str(path)!r}, write=True)\n"
        "for n in range(50): book.add(Explanation(f'e{n}', 'Text.', 'hand'))\n"
        "os.kill(os.getpid(), 9)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], check=False)
    assert done.returncode == -signal.SIGKILL
    with Book.open(path) as book:
        assert len(book) == 50
    with Book.open(path, write=True) as book:
        assert len(book) == 50


def test_two_writers_take_turns(path: Path) -> None:
    with Book.open(path, write=True) as one, Book.open(path, write=True) as other:
        for number in range(10):
            (one, other)[number % 2].add(said(f"Number {number}."))
        with one._changing():
            short = sqlite3.connect(path, timeout=0)
            with pytest.raises(sqlite3.OperationalError, match="locked"):
                short.execute("DELETE FROM failures")
            short.close()
        assert [found.version for found in other.versions(ZORIN)] == list(range(1, 11))


def test_what_is_no_book_says_so(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b"no database at all, " * 100)
    for write in (False, True):
        with pytest.raises(ExplanationError, match="is no book of explanations or is damaged"):
            Book.open(path, write=write)
    os.unlink(path)
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 7")
    for write in (False, True):
        with pytest.raises(ExplanationError, match="have format 7, and this program knows"):
            Book.open(path, write=write)
    with pytest.raises(ExplanationError, match="cannot be used: "):
        Book.open(path / "below", write=True)
