"""The ambiguity report from rendered pixels to every front: Python, command line, service."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from sightread.explained import Refinement
from sightread.library import Library
from sightread.remote import RemoteLibrary
from tests.hotels import NAMES, QUERY, make_library
from tests.serving import served

# The word spotter reads without capitals.
SAID = (Refinement("hilton", NAMES.count("HILTON")), Refinement("ibis", NAMES.count("IBIS")))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_library(tmp_path_factory.mktemp("hotels"))


@pytest.fixture(scope="module")
def url(folder: Path) -> Iterator[str]:
    with served(str(folder), cache=str(folder.parent / "cache")) as service:
        yield service.url


def sightread(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "sightread", *arguments]
    return subprocess.run(command, capture_output=True, check=True, timeout=120, text=True)


def test_the_library_tells_it_and_its_words_part_the_pictures(folder: Path) -> None:
    with Library.open(str(folder)) as library:
        result = library.search(QUERY)
        assert (len(result.hits), result.refine) == (len(NAMES), SAID)
        for one in SAID:
            narrower = library.search(f'{QUERY} "{one.word}"')
            assert (narrower.total, narrower.refine) == (one.pictures, ())
        assert library.search('"hilton"').refine == ()


def test_the_command_line_tells_it(folder: Path) -> None:
    said = "Written in them: hilton 5, ibis 3\n"
    table = sightread("search", QUERY, "--library", str(folder), "--table")
    assert table.stderr.startswith(said)
    quiet = sightread("search", '"ibis"', "--library", str(folder), "--table")
    assert "Written in them" not in quiet.stderr


def test_a_service_sends_it_and_who_asks_a_service_gets_it(folder: Path, url: str) -> None:
    with Library.open(str(folder)) as here, RemoteLibrary(url) as there:
        assert there.search(QUERY).refine == here.search(QUERY).refine == SAID
        assert there.search('"ibis"').refine == ()
