"""Explanations as JSONL, out and in again."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sightread.errors import ExplanationError
from sightread.explain import Book, Explanation, Subject
from sightread.explain.exchange import take_in, training_lines, whole_lines

ADA = Explanation(
    "Ada", "A woman.", "endpoint x", model="m", prompt="1", made_at=5.0, raw="Sure: A"
)
BO = Explanation("Bo", "A man.", "glossary g.csv", made_at=6.0)
LOST = Explanation("Lost", "unknown", "endpoint x", verdict="refused", made_at=7.0)
BRIDGE = Explanation("Ada opens a bridge", "A woman, a ribbon.", "hand", kind="caption")


def book(folder: Path, name: str, *some: Explanation) -> Book:
    made = Book.open(folder / name, write=True)
    for one in some:
        made.add(one)
    return made


def test_for_training_only_what_is_good(tmp_path: Path) -> None:
    with book(tmp_path, "a", ADA, BO, LOST, BRIDGE) as one:
        lines = [json.loads(line) for line in training_lines(one.all())]
    assert lines == [
        {"entity": "Ada", "text": "A woman.", "source": "endpoint x, m"},
        {"entity": "Bo", "text": "A man.", "source": "glossary g.csv"},
        {"entity": "Ada opens a bridge", "text": "A woman, a ribbon.", "source": "hand"},
    ]


def test_the_whole_comes_back_as_it_was(tmp_path: Path) -> None:
    with book(tmp_path, "a", ADA, BO, LOST, BRIDGE) as one, book(tmp_path, "b") as other:
        lines = list(whole_lines(one.all()))
        assert take_in(other, lines, "f.jsonl") == (4, 0)
        assert take_in(other, lines, "f.jsonl") == (0, 4)
        assert other.all() == one.all()


def test_a_text_that_was_corrected_is_by_hand(tmp_path: Path) -> None:
    with book(tmp_path, "a", ADA, BO) as one:
        training = [line.replace("A woman.", "A tall woman.") for line in training_lines(one.all())]
        assert take_in(one, training, "f.jsonl") == (1, 1)
        ada = one.find(Subject("Ada"))
        assert ada is not None
        assert (ada.text, ada.source, ada.version) == ("A tall woman.", "hand", 2)
        whole = [line.replace("A man.", "A tall man.") for line in whole_lines(one.all())]
        assert take_in(one, whole, "f.jsonl") == (1, 1)
        newer = whole_lines([Explanation("Bo", "Old.", "glossary h.csv", made_at=9.0)])
        assert take_in(one, newer, "f.jsonl") == (1, 0)
        bo = one.find(Subject("Bo"))
        assert bo is not None
        assert (bo.text, bo.source) == ("Old.", "glossary h.csv")


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("{", "f.jsonl, line 2 is not JSON"),
        ("3", "f.jsonl, line 2 is no JSON object"),
        ('{"text": "x"}', "line 2: there is no entity"),
        ('{"entity": "A", "text": ""}', "line 2: The explanation of A is empty"),
        ('{"entity": "A", "text": 3}', "line 2: text must be a text"),
        ('{"entity": "A", "text": "x", "about": "dog"}', "line 2: dog or good is not known"),
        ('{"entity": "A", "text": "x", "verdict": []}', "is not known here"),
    ],
)
def test_a_broken_line_takes_nothing(tmp_path: Path, line: str, says: str) -> None:
    with book(tmp_path, "a") as one:
        with pytest.raises(ExplanationError) as raised:
            take_in(one, ['{"entity": "Z", "text": "Blue."}', line], "f.jsonl")
        assert says in str(raised.value)
        assert len(one) == 0
