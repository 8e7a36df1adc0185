"""The answer to a query in every output format."""

from __future__ import annotations

import io
import json
import math
import os
from dataclasses import replace

import pytest

from sightread.cli import answers
from sightread.explained import Explained, LookedAgain, Refinement
from sightread.types import Evidence, Hit, Result
from sightread.wire import FIELDS, dump_json

BOX = ((1.0, 2.0), (30.04, 2.0), (30.0, 9.0), (1.0, 9.0))
EXACT = Evidence("written", 1, 0.9, "exact", 0, "sale", "SALE!", (BOX,))
EDITED = Evidence("title", 1, 0.5, "edits", 2, "red\tsign", "rad\\n", ())
ODD_PATH = "/p/[red]tab\there\nline\\n\x1b[2J\udcff.jpg"
HITS = (
    Hit(0xAB, "/p/a.jpg", 0.98, 0.9991, (EXACT, EDITED), 640, 480, 1714564800.0),
    Hit(2**63 - 1, ODD_PATH, math.nan, None, ()),
)
RESULT = Result('"sale" red', HITS, total=12, below=3, threshold=0.4, took_ms=23.44)
EMPTY = Result("zzqx", (), total=0, nearest=("zzq\x1b", "zax"))


def test_json_is_one_object_with_the_echo_and_the_hits() -> None:
    answer = json.loads(answers.as_json(RESULT, offset=10))
    assert list(answer) == [
        *("query", "total", "below", "threshold", "took_ms", "nearest", "warnings"),
        *("explanations", "looked_again", "refine", "results"),
    ]
    assert answer["query"] == '"sale" red'
    assert (answer["total"], answer["below"], answer["took_ms"]) == (12, 3, 23.4)
    first, second = answer["results"]
    assert tuple(first) == FIELDS
    assert first["evidence"][0] == {
        "channel": "written",
        "rank": 1,
        "score": 0.9,
        "match": "exact",
        "term": "sale",
        "word": "SALE!",
        "other_reading": None,
        "scene_text": None,
        "boxes": [[[1.0, 2.0], [30.0, 2.0], [30.0, 9.0], [1.0, 9.0]]],
    }
    assert first["evidence"][1]["match"] == "edits:2"
    assert (first["rank"], second["rank"]) == (11, 12)
    assert (first["id"], second["id"]) == ("00000000000000ab", "7fffffffffffffff")
    assert first["taken_at"] == "2024-05-01T12:00:00Z"
    assert second["score"] is None
    assert second["probability"] is None
    assert os.fsencode(second["path"]) == os.fsencode(ODD_PATH)


def test_json_keeps_letters_readable_and_is_valid_utf_8() -> None:
    text = answers.as_json(replace(RESULT, query="東京駅 café"))
    assert "東京駅 café" in text
    text.encode("utf-8")  # no lone surrogate is left


def test_jsonl_has_the_hits_of_json_one_per_line() -> None:
    lines = answers.as_jsonl(RESULT, offset=10).splitlines()
    assert [json.loads(line) for line in lines] == (
        json.loads(answers.as_json(RESULT, offset=10))["results"]
    )
    assert answers.as_jsonl(EMPTY) == ""


def unescape(cell: str) -> str:
    return cell.encode("latin-1", "backslashreplace").decode("unicode_escape")


def test_tsv_has_the_fields_of_json_in_cells() -> None:
    lines = answers.as_tsv(RESULT).split("\n")
    assert lines[0].split("\t") == list(FIELDS)
    assert lines[-1] == ""
    assert len(lines) == 4, "tabs and newlines of file names stay inside of their cells"
    hits = json.loads(answers.as_json(RESULT))["results"]
    first, second = (dict(zip(FIELDS, line.split("\t"), strict=True)) for line in lines[1:3])
    assert first["path"] == "/p/a.jpg"
    assert first["probability"] == "0.9991"
    assert json.loads(unescape(first["evidence"])) == hits[0]["evidence"]
    assert second["path"] == "/p/[red]tab\\there\\nline\\\\n\x1b[2J\udcff.jpg"
    assert (second["score"], second["probability"], second["taken_at"]) == ("", "", "")


def test_paths_are_ended_by_nul_and_otherwise_as_they_are() -> None:
    assert answers.as_paths(RESULT) == f"/p/a.jpg\0{ODD_PATH}\0"


def table(result: Result, width: int = 100) -> list[str]:
    out = io.StringIO()
    answers.print_table(result, out, width=width)
    return [line.rstrip() for line in out.getvalue().splitlines()]


def test_the_table_shows_rank_probability_match_word_and_path() -> None:
    head, first, second = table(RESULT)
    assert head.split() == ["#", "prob.", "match", "word", "picture"]
    assert " ".join(first.split()) == "1 99 % exact, edits:2 SALE!, rad\\n /p/a.jpg"
    assert second.split()[:2] == ["2", "–"]


SEEN = Evidence("scene-text", 3, 0.41, "look-alike", term="sale", boxes=(BOX,))


def test_what_an_encoder_saw_is_told_like_what_was_read() -> None:
    hits = (
        replace(HITS[0], evidence=(EXACT, SEEN)),
        replace(HITS[0], evidence=(SEEN,), probability=None),
    )
    seen = replace(RESULT, hits=hits, warnings=("Searched without caption.",))
    answer = json.loads(answers.as_json(seen))
    assert answer["warnings"] == ["Searched without caption."]
    read, told = answer["results"][0]["evidence"]
    assert list(told) == list(read)
    assert (told["channel"], told["match"], told["word"]) == ("scene-text", "look-alike", "")
    _, both, alone = table(seen)
    assert " ".join(both.split()) == "1 99 % exact, look-alike (scene-text) SALE! /p/a.jpg"
    assert " ".join(alone.split()) == "2 – look-alike (scene-text) /p/a.jpg"


def test_the_table_lets_no_file_name_play_with_the_terminal() -> None:
    text = "\n".join(table(RESULT))
    assert "/p/[red]tab\\there\\nline\\n\\x1b[2J\\xff.jpg" in text
    assert "\x1b" not in text


def test_the_table_keeps_long_paths_whole_on_a_narrow_terminal() -> None:
    path = "/photos/" + "x" * 150 + ".jpg"
    lines = table(replace(RESULT, hits=(replace(HITS[0], path=path),)), width=60)
    assert max(map(len, lines)) <= 60
    assert "".join(line.split()[-1] for line in lines[1:]) == path


def test_the_table_shows_paths_from_the_current_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir("/usr")
    below, beside = (replace(HITS[0], path=path) for path in ("/usr/lib/a.jpg", "/usr2/a.jpg"))
    lines = table(replace(RESULT, hits=(below, beside)))
    assert [line.split()[-1] for line in lines[1:]] == ["lib/a.jpg", "/usr2/a.jpg"]


def test_the_summary_says_what_was_left_out() -> None:
    assert answers.summary(RESULT, offset=10) == (
        '11 to 12 of 12 pictures · query: "sale" red · '
        "3 weaker matches (below 0.4): --all shows them · 23 ms"
    )
    assert answers.summary(replace(RESULT, total=2, below=0)) == (
        '2 pictures · query: "sale" red · 23 ms'
    )
    assert answers.summary(replace(RESULT, hits=()), 50).startswith("none of 12 pictures")


def test_nothing_found_names_the_nearest_words() -> None:
    assert answers.nothing_found(EMPTY) == (
        "Nothing found for: zzqx · nearest words in the library: zzq\\x1b, zax"
    )
    assert answers.nothing_found(replace(EMPTY, nearest=(), below=1, threshold=0.5)) == (
        "Nothing found for: zzqx · 1 weaker match (below 0.5): --all shows them"
    )


def test_numbers_that_are_not_finite_become_null() -> None:
    text = dump_json({"a": math.nan, "b": (1.5, -math.inf), "c": {"d": math.inf}})
    assert json.loads(text) == {"a": None, "b": [1.5, None], "c": {"d": None}}


def test_the_table_says_whether_two_readers_agree() -> None:
    def shown(other: str | None) -> str:
        hit = replace(RESULT.hits[0], evidence=(replace(EXACT, other_reading=other),))
        return table(replace(RESULT, hits=(hit,)))[1]

    assert "exact (both readers)" in shown("Sale")
    assert "exact (other reader: Safe)" in shown("Safe")
    assert "exact (one reader of two)" in shown("")
    assert "reader" not in shown(None)


def test_words_that_part_pictures_are_told() -> None:
    words = (Refinement("HIL\x1bTON", 1234), Refinement("IBIS", 4))
    assert answers.refined(replace(RESULT, refine=words)) == (
        "Written in them: HIL\\x1bTON 1,234, IBIS 4"
    )
    assert answers.refined(RESULT) == ""


def test_an_explanation_is_told_with_where_it_is_from() -> None:
    told = Explained("zorin", "Mara Zorin", "Blue\x1b[0m.", "endpoint x", "m", joined=True)
    plain = Explained("bo", "Bo", "Red.", "hand")
    result = replace(RESULT, explanations=(told, plain), looked_again=LookedAgain(20, 84.2))
    assert answers.explained(result) == [
        "zorin: Blue\\x1b[0m. (endpoint x, m; searched with)",
        "bo: Red. (hand; not searched with)",
    ]
    assert "20 looked at again in 84 ms" in answers.summary(result)
    fields = json.loads(answers.as_json(result))
    assert fields["looked_again"] == {"pictures": 20, "took_ms": 84.2}
    assert fields["explanations"][0]["entity"] == "Mara Zorin"
