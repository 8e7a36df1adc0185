from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from sightread.errors import LibraryError
from sightread.search import ledger as ledger_module
from sightread.search.ledger import FILE_NAME, Ledger
from sightread.types import PathStamp

ODD = os.fsdecode(b"/pictures/line\nbreak \xff\xfe.jpg")


def test_what_failed_is_there_after_reopening(tmp_path: Path) -> None:
    before = time.time()
    with Ledger.open(str(tmp_path), write=True) as ledger:
        ledger.fail(PathStamp(ODD, 12, 34), "the content is not a picture")
    with Ledger.open(str(tmp_path)) as ledger:
        [failure] = ledger.failures()
        assert ledger.stamp_of(ODD) == failure.stamp == PathStamp(ODD, 12, 34)
        assert ledger.stamp_of("/other.jpg") is None
        assert len(ledger) == 1
    assert (failure.path, failure.reason, failure.attempts) == (
        ODD,
        "the content is not a picture",
        1,
    )
    assert before <= failure.failed_at <= time.time()


def test_a_second_failure_counts_and_replaces_the_reason(tmp_path: Path) -> None:
    with Ledger.open(str(tmp_path), write=True) as ledger:
        ledger.fail(PathStamp("/a.jpg", 1, 1), "first")
        ledger.fail(PathStamp("/a.jpg", 2, 2), "second")
        [failure] = ledger.failures()
    assert (failure.reason, failure.size, failure.attempts) == ("second", 2, 2)


def test_clear_takes_only_what_it_is_given(tmp_path: Path) -> None:
    with Ledger.open(str(tmp_path), write=True) as ledger:
        for name in ("/c.jpg", "/a.jpg", "/b.jpg"):
            ledger.fail(PathStamp(name, 1, 1), "broken")
        ledger.clear(["/b.jpg", "/never.jpg"])
        assert [failure.path for failure in ledger.failures()] == ["/a.jpg", "/c.jpg"]


def test_a_missing_file_is_an_empty_ledger_for_readers(tmp_path: Path) -> None:
    with Ledger.open(str(tmp_path)) as ledger:
        assert ledger.failures() == []
        assert len(ledger) == 0
        with pytest.raises(LibraryError, match="reading only"):
            ledger.fail(PathStamp("/a.jpg", 1, 1), "broken")
    assert os.listdir(tmp_path) == []


def test_readers_leave_no_file_beside_it(tmp_path: Path) -> None:
    with Ledger.open(str(tmp_path), write=True) as ledger:
        ledger.fail(PathStamp("/a.jpg", 1, 1), "broken")
        with Ledger.open(str(tmp_path)) as reader:
            assert len(reader) == 1
    assert os.listdir(tmp_path) == [FILE_NAME]


def test_odd_folder_names(tmp_path: Path) -> None:
    folder = tmp_path / "100% of?pictures#1"
    folder.mkdir()
    with Ledger.open(str(folder), write=True) as ledger:
        ledger.fail(PathStamp("/a.jpg", 1, 1), "broken")
    with Ledger.open(str(folder)) as ledger:
        assert len(ledger) == 1


def test_reasons_may_quote_undecodable_names(tmp_path: Path) -> None:
    with Ledger.open(str(tmp_path), write=True) as ledger:
        ledger.fail(PathStamp("/a.jpg", 1, 1), f"cannot read {ODD}")
        [failure] = ledger.failures()
    assert failure.reason.endswith(r"\udcff\udcfe.jpg")


def test_a_damaged_ledger_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_bytes(
        b"this is no database, and long enough to be read as one" * 9
    )
    for write in (False, True):
        with pytest.raises(LibraryError, match="delete that file"):
            Ledger.open(str(tmp_path), write=write)


def test_a_full_disk_is_one_sentence(tmp_path: Path) -> None:
    with Ledger.open(str(tmp_path), write=True) as ledger:
        ledger.fail(PathStamp("/a.jpg", 1, 1), "broken")
        assert ledger.connection is not None
        ledger.connection.execute("PRAGMA max_page_count = 4")  # SQLite's own idea of a full disk
        with pytest.raises(LibraryError, match="full: nothing that was there is lost"):
            ledger.record([(PathStamp(f"/{n}", 1, 1), "long " * 99) for n in range(99)], ())
        assert len(ledger) == 1


def test_a_newer_ledger_is_refused(tmp_path: Path) -> None:
    Ledger.open(str(tmp_path), write=True).close()
    connection = sqlite3.connect(tmp_path / FILE_NAME)
    connection.execute("PRAGMA user_version = 7")
    connection.close()
    for write in (False, True):
        with pytest.raises(LibraryError, match="format 7, this Sightread knows up to 1"):
            Ledger.open(str(tmp_path), write=write)


_KILLED_IN_TRANSACTION = """
import os, sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("PRAGMA cache_size = 1")
connection.execute("BEGIN")
connection.execute("UPDATE failures SET reason = 'half'")
os.kill(os.getpid(), 9)
"""


def test_a_writer_killed_in_a_transaction_leaves_the_state_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Ledger.open(str(tmp_path), write=True) as ledger:
        many = [(PathStamp(f"/{n}.jpg", n, n), "whole " * 50) for n in range(200)]
        ledger.record(many, ())
    script = [sys.executable, "-c", _KILLED_IN_TRANSACTION, str(tmp_path / FILE_NAME)]
    assert subprocess.run(script, check=False).returncode == -9
    assert len(os.listdir(tmp_path)) == 2  # the journal is there to be rolled back
    copy = tmp_path.parent / f"{tmp_path.name}-copy"
    shutil.copytree(tmp_path, copy)
    with Ledger.open(str(tmp_path)) as ledger:
        assert {failure.reason for failure in ledger.failures()} == {"whole " * 50}
    monkeypatch.setattr(ledger_module, "_open_rolling_back", _as_on_a_read_only_medium)
    with Ledger.open(str(copy)) as ledger:
        assert {failure.reason for failure in ledger.failures()} == {"whole " * 50}
    assert len(os.listdir(copy)) == 2


def _as_on_a_read_only_medium(path: str) -> sqlite3.Connection:
    connection = ledger_module._open_uri(path, "mode=ro")
    connection.execute("PRAGMA user_version")
    raise AssertionError("SQLite rolled back a journal although it may not write")
