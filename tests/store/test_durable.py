"""What is committed is on the disk before it counts."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from sightread.store import open_store
from sightread.store.durable import Barrier, replace_file

from .oracle import record


class Recorder:
    """Notes which files are forced to the disk, and still forces them."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.synced: list[int] = []
        self._fsync = os.fsync
        monkeypatch.setattr(os, "fsync", self._note)

    def _note(self, descriptor: int) -> None:
        self.synced.append(os.fstat(descriptor).st_ino)
        self._fsync(descriptor)


def inodes(paths: list[Path]) -> set[int]:
    return {path.stat().st_ino for path in paths}


def test_a_flush_syncs_what_is_new_and_then_the_manifest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "library"
    store = open_store(str(folder), write=True, create=True)
    for changes in ([record(1), record(2)], [record(2, seed=1), record(3)]):
        before = inodes(list((folder / "tables").rglob("*")))
        recorder = Recorder(monkeypatch)
        store.put(changes)
        store.flush()
        new = [p for p in (folder / "tables").rglob("*") if p.stat().st_ino not in before]
        assert len(new) > 5
        manifest = recorder.synced.index((folder / "library.json").stat().st_ino)
        assert inodes(new) | inodes([p.parent for p in new]) <= set(recorder.synced[:manifest])
        assert recorder.synced[manifest + 1 :] == [folder.stat().st_ino]
    store.close()


def test_the_barrier_syncs_each_change_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "old").write_text("x")
    barrier = Barrier(tmp_path)
    barrier.assume_synced()
    recorder = Recorder(monkeypatch)
    assert barrier.sync() == 0
    (tmp_path / "a" / "b").mkdir(parents=True)
    new = tmp_path / "a" / "b" / "new"
    new.write_text("x")
    assert barrier.sync() == 1
    expected = [new, tmp_path / "a" / "b", tmp_path / "a", tmp_path]
    assert recorder.synced == [path.stat().st_ino for path in expected]
    assert barrier.sync() == 0
    (tmp_path / "old").write_text("longer")
    new.unlink()
    assert barrier.sync() == 1


def test_a_file_is_replaced_in_one_step(tmp_path: Path) -> None:
    path = tmp_path / "file"
    replace_file(path, b"one")
    first = path.stat().st_ino
    replace_file(path, b"two")
    assert path.read_bytes() == b"two"
    assert path.stat().st_ino != first
    assert os.listdir(tmp_path) == ["file"]
