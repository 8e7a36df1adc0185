"""The command line inside this process: arguments, sentences, exit codes."""

from __future__ import annotations

import os

import pytest

from sightread.cli.entry import WORD_MARK, mark_negations, query_line, run
from sightread.cli.options import library_path


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["coffee", "-taxi"], "coffee -taxi"),
        (['-"no parking"', "sale"], '-"no parking" sale'),
        (["-no parking"], "-no parking"),
        (["-path:x", "-has:text", "a"], "-path:x -has:text a"),
        (["-kitchen", "-2024", "-東"], "-kitchen -2024 -東"),
        (["a", "-"], "a -"),
    ],
)
def test_negations_are_words_of_the_query(arguments: list[str], line: str) -> None:
    marked = mark_negations(["search", *arguments])[1:]
    assert not [one for one in marked if one.startswith("-") and one != "-"]
    assert query_line(marked) == line


@pytest.mark.parametrize(
    "arguments",
    [
        ["-k", "5", "-L", "/x", "-0", "-h", "--all", "--json"],
        ["-k5", "-L/x", "-L./x", "-L~/x"],
        ["-L", "-odd-name", "--threshold", "-0.5"],
        ["a", "--", "-taxi"],
    ],
)
def test_options_and_their_values_stay_what_they_are(arguments: list[str]) -> None:
    assert mark_negations(["search", *arguments]) == ["search", *arguments]


def test_only_search_takes_negations() -> None:
    assert mark_negations(["index", "-quick"]) == ["index", "-quick"]
    assert mark_negations([]) == []
    assert WORD_MARK not in query_line([WORD_MARK + "-a", "b"])


USAGE = [
    (["search", 'say "coffee'], "The quote at character 5 has no partner"),
    (["search"], "The query is empty"),
    (["search", "x", "--json", "--tsv"], "--json and --tsv exclude each other"),
    (["search", "x", "--all", "--threshold", "0.5"], "--all and --threshold exclude each other"),
    (["search", "x", "--like", "a.jpg"], "--like and a query exclude each other"),
    (["search", "--like", "/no/such.jpg"], "cannot be searched with: the file is not there"),
    (["search", "x", "--url", "photos"], "photos is not the address of a service"),
    (["search", "x", "--url", "http://127.0.0.1:1", "--reader-only"], "--url leaves the encoders"),
    (["serve", "/no/library", "--host", "0.0.0.0"], "so a token is needed"),
    (["search", "x", "-k", "0"], "'-k'"),
    (["search", "x", "--threshold", "2"], "'--threshold'"),
    (["search", "x", "--threshold", "much"], "'--threshold'"),
    (["search", "x", "--bogus"], "No such option: --bogus"),
    (["search", "x", "-z"], "No such option: -z"),
    (["search", "entity:"], "There is nothing after entity:"),
    (["search", "x", "--explain", "maybe"], "'--explain'"),
    (["search", "x", "--rerank", "201"], "'--rerank'"),
    (["entities", "maybe"], "'on|off'"),
    (["serch", "x"], "No such command 'serch'"),
    (["index"], "Missing argument"),
    (["forget"], "or say --missing"),
    (["forget", "x", "--missing"], "or say --missing"),
    (["show", "x", "--query", "q"], "needs --out FILE"),
    (["evaluate"], "Missing command"),
    (["bench", "query", "--pictures", "0"], "'--pictures'"),
]


@pytest.mark.parametrize(("arguments", "sentence"), USAGE)
def test_wrong_usage_gets_one_sentence_and_2(
    arguments: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(arguments) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith("sightread: ")
    assert printed.err.count("\n") == 1
    assert sentence in printed.err


def test_a_library_that_is_not_there_gets_one_sentence_and_1(
    tmp_path: os.PathLike[str], capsys: pytest.CaptureFixture[str]
) -> None:
    missing = os.path.join(tmp_path, "no\x1blibrary")
    for command in (["search", "x"], ["show", "x"], ["status"], ["retry"], ["forget", "x"]):
        assert run([*command, "-L", missing]) == 1
        printed = capsys.readouterr()
        assert printed.out == ""
        assert printed.err.startswith("sightread: ")
        assert printed.err.count("\n") == 1
        assert "\x1b" not in printed.err
    assert os.listdir(tmp_path) == []


def test_help_needs_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    assert run([]) == 0
    assert "sightread index FOLDER" in capsys.readouterr().out
    assert run(["search", "--help"]) == 0
    text = capsys.readouterr().out
    assert "after:2024-05-01" in text
    assert "\x1b" not in text
    assert run(["--version"]) == 0


def test_the_library_is_in_the_users_data_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/ada")
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    default = "/home/ada/.local/share/sightread/library.sightread"
    assert library_path(None) == default
    assert library_path("~/x") == "/home/ada/x"
    assert library_path("/l/") == "/l"
    monkeypatch.setenv("XDG_DATA_HOME", "relative")
    assert library_path("") == default
    monkeypatch.setenv("XDG_DATA_HOME", "/data")
    assert library_path(None) == "/data/sightread/library.sightread"
