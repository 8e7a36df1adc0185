"""Which text explains a caption, and what of it is read (papers/entityclip section 4)."""

import json
from pathlib import Path

import pytest

from sightread.clip.tokens import word_tokenizer
from sightread.errors import UsageError
from sightread.methods.entityclip.explanations import (
    Explanation,
    Explanations,
    explanation_of,
    limit,
    read_explanations,
    read_picture_explanations,
    shortened,
)
from sightread.synth.entities import vocabulary
from tests.methods.entityclip.small import settings

KNOWN = Explanations(
    [
        Explanation("Vola Rano", "VOLA RANO has a red shield.", "glossary", "the society"),
        Explanation("Vola", "a village", "glossary"),
        Explanation("Zürich", "a city by a lake", "model"),
        Explanation("Vola Rano", "a later text", "model"),
        Explanation("Bure", "  ", "model"),
        Explanation("A night in Zürich.", "lights on water", "model"),
    ]
)


@pytest.mark.parametrize(
    ("caption", "told"),
    [
        ("Members of vola rano meet", "VOLA RANO has a red shield."),
        ("Vola, and then ZURICH", "a village; a city by a lake"),
        ("Vola's town, Vola", "a village"),  # once, however often
        ("Volar Rano", ""),  # whole words only
        ("Bure", ""),
        ("a night in zürich", "lights on water"),  # a whole caption wins over the name in it
        ("", ""),
    ],
)
def test_a_caption_is_explained_by_what_it_names(caption: str, told: str) -> None:
    assert KNOWN.of(caption) == told


def test_names_are_masked_by_kinds() -> None:
    assert KNOWN.of("Vola Rano", masked=True) == "the society has a red shield."
    one = Explanation("Jean-Luc Roux", "Jean Luc  Roux wears blue. jean-luc roux sings.")
    assert one.without_name() == "this wears blue. this sings."
    assert Explanation("Ann", "Annual meeting of Ann").without_name() == "Annual meeting of this"
    assert Explanation("a(b", "an A(B and a b", kind=r"\1").without_name() == r"an \1 and \1"


def test_switches_choose_the_explanation() -> None:
    caption = "Vola Rano"
    assert explanation_of(settings(), KNOWN, caption).startswith("VOLA")
    assert explanation_of(settings(mask_names=True), KNOWN, caption).startswith("the society")
    assert explanation_of(settings(explanations="caption"), KNOWN, caption) == caption
    assert explanation_of(settings(explanations="none"), KNOWN, caption) == ""


def test_explanations_are_read_line_by_line(tmp_path: Path) -> None:
    path = tmp_path / "told.jsonl"
    lines = [
        {"entity": "Vola Rano", "text": "red", "source": "glossary", "kind": "the society"},
        {"entity": "Gine", "text": "blue", "source": "model", "more": 1},
        {"entity": "Boso", "text": ""},
    ]
    path.write_text("\n".join(map(json.dumps, lines)) + "\n\n")
    found = read_explanations(path)
    assert [one.entity for one in found.entries] == ["Vola Rano", "Gine"]
    assert found.entries[0].kind == "the society"
    assert [one.entity for one in read_explanations(path, ["model"]).entries] == ["Gine"]
    with pytest.raises(UsageError, match=r"no explanations from book; it has some from: , glossa"):
        read_explanations(path, ["book"])


@pytest.mark.parametrize(
    "line",
    [
        "{",
        "[1]",
        '{"entity": "A"}',
        '{"entity": " ", "text": "x"}',
        '{"entity": 1, "text": ""}',
        '{"entity": "A", "text": 3}',
        '{"entity": "A", "text": "x", "source": []}',
    ],
)
def test_a_broken_line_is_named(tmp_path: Path, line: str) -> None:
    path = tmp_path / "told.jsonl"
    path.write_text('{"entity": "A", "text": "x"}\n' + line)
    with pytest.raises(UsageError, match=r"told\.jsonl, line 2: expected an object"):
        read_explanations(path)


def test_the_authors_files_are_known_by_the_picture(tmp_path: Path) -> None:
    path = tmp_path / "CapDsc.json"
    published = {
        "/data/someone/VisualNews/images/guardian/images/0319/958.jpg": "of the guardian",
        "/data/someone/VisualNews/images/bbc/images/0319/958.jpg": "of the bbc",
        "7d43f0a1.jpg": " of a name ",
        "/home/x/GoodNews/images/4fd2_0.jpg": "of an article",
    }
    path.write_text(json.dumps(published))
    found = read_picture_explanations(path)
    assert found.by_picture
    assert found.of("", "bbc/images/0319/958.jpg") == "of the bbc"
    assert found.of("", "guardian/images/0319/958.jpg") == "of the guardian"
    assert found.of("", "7d43f0a1.jpg") == "of a name"
    assert found.of("", "4fd2_0.jpg") == "of an article"
    assert found.of("", "other.jpg") == ""
    for content, said in (("{", "is not JSON"), ('{"a": 1}', "must be one JSON object")):
        path.write_text(content)
        with pytest.raises(UsageError, match=said):
            read_picture_explanations(path)


def test_long_explanations_keep_what_fits() -> None:
    pieces = word_tokenizer(vocabulary())
    text = "a red shield. a blue star! the river; more"
    assert shortened(text, pieces, 100) == text
    assert shortened(text, pieces, 8) == "a red shield. a blue star!"
    assert shortened(text, pieces, 4) == "a red shield."
    assert shortened(text, pieces, 2) == text  # not even the first: cut within it
    assert limit(settings(), 77) == 75
    assert limit(settings(explanation_tokens=8), 77) == 8
    assert limit(settings(explanation_tokens=90), 77) == 75
