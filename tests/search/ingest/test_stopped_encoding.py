"""Runs with an encoder that are stopped or killed: what is encoded stays, the next one goes on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from sightread.errors import SightreadError
from sightread.store import open_store

from ...colours import ColourEncoder
from .conftest import Desk, colour
from .encoders import SPACE, expected, index, vectors


def test_ctrl_c_keeps_what_is_encoded_and_the_next_run_goes_on(desk: Desk) -> None:
    for number in range(40):
        desk.paint(f"{number:02}.png", number)
    desk.index()
    started = threading.Event()

    def interrupt(seen: tuple[int, ...]) -> None:
        if not started.is_set() and seen == colour(5):
            started.set()
            os.kill(os.getpid(), signal.SIGINT)
        threading.Event().wait(0.02)

    first = ColourEncoder(before=interrupt)
    report = index(desk, first)
    assert report.interrupted
    assert 5 <= report.encoded < 40
    assert report.encoded == len(first.seen) == len(vectors(desk))
    second = ColourEncoder()
    report = index(desk, second)
    assert not report.interrupted
    assert sorted(first.seen + second.seen) == [colour(n) for n in range(40)]
    assert vectors(desk) == expected(*range(40))


KILLED = """
import os, sys, threading
from sightread.search import batch
from sightread.search.encoding import Source
from sightread.search.ingest import ingest
from sightread.search.ledger import Ledger
from sightread.store import open_store
from tests.colours import ColourEncoder
from tests.search.ingest.conftest import ColourReader
batch.PICTURES = 2
library, pictures, known = sys.argv[1:]
store = open_store(library, write=True, create=True)
ledger = Ledger.open(library, write=True)
if known == "known":
    ingest(store, ColourReader(), ledger, [pictures])

begun = []

def slowly(seen):
    begun.append(seen)
    threading.Event().wait(0.02 if len(begun) < 14 else 60)  # it is to be killed halfway

ingest(store, ColourReader(), ledger, [pictures], encoders=[Source(ColourEncoder(before=slowly))])
"""


def _count_encoded(library: str) -> int:
    """0 too while the library is being made."""
    try:
        return len(open_store(library).encoded(SPACE, "c1"))
    except SightreadError:
        return 0


@pytest.mark.parametrize("known", ["known", "new"])
def test_a_killed_run_leaves_whole_vectors_and_the_next_one_goes_on(
    tmp_path: Path, known: str
) -> None:
    desk = Desk(tmp_path)
    desk.close()
    for number in range(30):
        desk.paint(f"{number}.png", number)
    library = str(tmp_path / "library")
    command = [sys.executable, "-c", KILLED, library, str(desk.pictures), known]
    root = Path(__file__).parents[3]
    with subprocess.Popen(command, cwd=root) as child:
        until = time.monotonic() + 60
        while not _count_encoded(library):
            assert child.poll() is None
            assert time.monotonic() < until
            time.sleep(0.05)
        child.kill()
    encoded = open_store(library).encoded(SPACE, "c1")
    assert 0 < len(encoded) < 30
    again = Desk(tmp_path)
    assert vectors(again).items() <= expected(*range(30)).items()
    encoder = ColourEncoder()
    index(again, encoder)
    assert len(encoder.seen) == 30 - len(encoded)
    assert vectors(again) == expected(*range(30))
    again.close()
