"""The explanations of a library as a search sees them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from sightread.errors import ExplanationError
from sightread.explain import Book, Explanation, Subject
from sightread.explain.book import FILE_NAME
from sightread.explain.shelf import Shelf
from sightread.explained import Explained

VECTOR = np.array([0.6, 0.8], np.float32)


def write(folder: Path, *some: Explanation) -> None:
    with Book.open(folder / FILE_NAME, write=True) as book:
        for one in some:
            book.add(one, aliases=["Zorin"])


def test_only_what_is_good_is_found(tmp_path: Path) -> None:
    shelf = Shelf(str(tmp_path))
    assert shelf.find("zorin") is None
    assert list(tmp_path.iterdir()) == []  # to look makes no file
    write(tmp_path, Explanation("Mara Zorin", "unknown", "endpoint x", verdict="refused"))
    assert shelf.find("zorin") is None
    write(tmp_path, Explanation("Mara Zorin", "Blue.", "endpoint x", model="m", made_at=5.0))
    assert shelf.find("zorin") == Explained(
        "zorin", "Mara Zorin", "Blue.", "endpoint x", "m", 5.0, version=2
    )
    shelf.close()


def test_vectors_are_kept_for_the_next_one(tmp_path: Path) -> None:
    write(tmp_path, Explanation("Mara Zorin", "Blue.", "hand"))
    Shelf(str(tmp_path)).keep("Blue.", "r", VECTOR)
    shelf = Shelf(str(tmp_path))
    kept = shelf.vector("Blue.", "r")
    assert kept is not None
    assert (kept.dtype.name, kept.tolist()) == ("float32", VECTOR.tolist())
    assert shelf.vector("Blue.", "other") is None
    with Book.open(tmp_path / FILE_NAME, write=True) as book:
        book.keep_vector("Blue.", "r", b"123")
        book.keep_vector("Red.", "r", np.array([np.nan, 1], "<f4").tobytes())
    assert shelf.vector("Blue.", "r") is None
    assert shelf.vector("Red.", "r") is None


def test_who_cannot_keep_a_vector_goes_on(tmp_path: Path) -> None:
    write(tmp_path, Explanation("Mara Zorin", "Blue.", "hand"))
    with Book.open(tmp_path / FILE_NAME, write=True) as busy, busy._changing():
        Shelf(str(tmp_path)).keep("Blue.", "r", VECTOR)  # does not wait for the other
    assert Shelf(str(tmp_path)).vector("Blue.", "r") is None


def test_another_book_in_its_place_is_seen(tmp_path: Path) -> None:
    shelf = Shelf(str(tmp_path))
    write(tmp_path, Explanation("Mara Zorin", "Blue.", "hand"))
    assert shelf.find("Mara Zorin") is not None
    (tmp_path / FILE_NAME).unlink()
    assert shelf.find("Mara Zorin") is None
    write(tmp_path, Explanation("Mara Zorin", "Red.", "hand"))
    found = shelf.find("Mara Zorin")
    assert found is not None
    assert found.text == "Red."
    (tmp_path / FILE_NAME).unlink()
    (tmp_path / FILE_NAME).write_bytes(b"no database " * 100)
    with pytest.raises(ExplanationError, match="is no book of explanations"):
        shelf.find("Mara Zorin")
    assert Subject("Mara Zorin").key == "mara zorin"
