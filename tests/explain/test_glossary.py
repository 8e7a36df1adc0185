"""Glossaries and knowledge dumps, and what is wrong with them, by file and line."""

from __future__ import annotations

from pathlib import Path

import pytest

from sightread.errors import ExplanationError
from sightread.explain.explanation import Subject
from sightread.explain.glossary import Entry, read_glossary, read_knowledge


def written(folder: Path, name: str, text: str | bytes) -> str:
    path = folder / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return str(path)


def test_a_glossary_in_csv(tmp_path: Path) -> None:
    text = (
        "\ufeffentity,aliases,description\r\n"
        'Mara Zorin,"Zorin|M. Zorin","A tall woman, always\r\nin blue."\r\n'
        "Café Müller,,A grey stage\r\n"
    )
    found = read_glossary(written(tmp_path, "people.csv", text))
    zorin = found.find(Subject("ZORIN"))
    assert zorin == Entry(
        "Mara Zorin",
        "A tall woman, always\r\nin blue.",
        ("Zorin", "M. Zorin"),
        "glossary people.csv",
        2,
    )
    cafe = found.find(Subject("cafe muller"))
    assert cafe is not None
    assert (cafe.aliases, cafe.line) == ((), 4)
    assert found.find(Subject("Mara Zorin", "caption")) is None
    assert found.find(Subject("Mara")) is None
    assert found.warnings == []


def test_a_glossary_in_jsonl(tmp_path: Path) -> None:
    text = '{"entity": "Zorin", "description": "Blue.", "aliases": ["Z"]}\n\n'
    text += '{"entity": "zorin", "description": "Red."}\n'
    found = read_glossary(written(tmp_path, "people.jsonl", text))
    assert [entry.text for entry in found.all] == ["Blue."]
    assert found.find(Subject("z")) is found.all[0]
    assert found.warnings == [
        "zorin is there twice in glossary people.jsonl: lines 1 and 3; the first was taken."
    ]


def test_a_name_goes_before_the_alias_of_another(tmp_path: Path) -> None:
    text = "entity,description,aliases\nParis Hilton,A person,Paris\nParis,A city,\n"
    found = read_glossary(written(tmp_path, "g.csv", text))
    city = found.find(Subject("Paris"))
    assert city is not None
    assert city.text == "A city"


def test_a_knowledge_dump_is_read_for_what_is_asked(tmp_path: Path) -> None:
    text = (
        '{"label": "Elizabeth II", "aliases": ["Queen Elizabeth II"], "id": "Q9682",'
        ' "description": "Queen of the United Kingdom.", "facts": ["wore bright coats", "a hat "],'
        ' "source": "a dump of 2024"}\n'
        '{"label": "Somebody else", "facts": ["is not asked for"]}\n'
    )
    path = written(tmp_path, "dump.jsonl", text)
    found = read_knowledge(path, [Subject("queen elizabeth II"), Subject("Nobody")])
    [entry] = found.all
    assert entry.text == "Queen of the United Kingdom. wore bright coats. a hat."
    assert entry.source == "knowledge dump.jsonl (a dump of 2024)"
    assert found.find(Subject("Queen Elizabeth II")) is entry


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("g.csv", "name,description\nA,b\n", "line 1: there is no column entity"),
        ("g.csv", "", "line 1: there is no column entity"),
        ("g.csv", "entity,description\n", "has no entry"),
        ("g.csv", "entity,description\nA,b\nC,d,e\n", "line 3: there must be 2 columns"),
        ("g.csv", "entity,description\nA,b\nC\n", "line 3: there must be 2 columns"),
        ("g.csv", "entity,description\nA,b\n,d\n", "line 3: there is no entity"),
        ("g.csv", "entity,description\nA,b\nC, \n", "line 3: there is no description"),
        ("g.csv", "entity,description\nA,b\n&,d\n", "line 3: the entity '&' has no letter"),
        ("g.csv", 'entity,description\nA,b\nC,"d\nE,f\n', "line 3 is no CSV: unexpected end"),
        ("g.csv", b"entity,description\nA,b\nC,\xff\xfe\n", "line 3 is no text in UTF-8"),
        ("g.jsonl", '{"entity": "A", "description": "b"}\n{"entity":\n', "line 2 is not JSON"),
        ("g.jsonl", "[1]\n", "line 1 is no JSON object"),
        ("g.jsonl", '{"entity": 3, "description": "b"}\n', "line 1: there is no entity"),
        (
            "g.jsonl",
            '{"entity": "A", "description": "b", "aliases": [1]}\n',
            "line 1: aliases must be a list",
        ),
        ("g.jsonl", "[" * 100_000, "line 1 is not JSON: it cannot be parsed"),
    ],
)
def test_a_broken_line_is_named(tmp_path: Path, name: str, text: str | bytes, says: str) -> None:
    path = written(tmp_path, name, text)
    with pytest.raises(ExplanationError) as raised:
        read_glossary(path)
    assert says in str(raised.value)
    assert path in str(raised.value)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('{"facts": ["x"]}\n', "line 1: there is no label"),
        ('{"label": "A"}\n', "line 1: there is no description"),
        ('{"label": "A", "facts": "x"}\n', "line 1: facts must be a list of texts"),
    ],
)
def test_a_broken_line_of_a_dump(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(ExplanationError, match=says):
        read_knowledge(written(tmp_path, "d.jsonl", text), [Subject("A")])


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ExplanationError, match=r"g\.csv cannot be read: No such file"):
        read_glossary(str(tmp_path / "g.csv"))
