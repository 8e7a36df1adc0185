"""library.json: damaged, of another format, brought up to date."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from sightread.errors import LibraryError
from sightread.store import manifest, open_store
from sightread.store.manifest import Manifest, Space, read_manifest, write_manifest
from sightread.types import EncoderSpec

from .oracle import record


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    open_store(str(tmp_path / "library"), write=True, create=True).close()
    return tmp_path / "library"


def change(folder: Path, **values: Any) -> None:
    path = folder / "library.json"
    content = json.loads(path.read_bytes())
    content.update(values)
    path.write_text(json.dumps({k: v for k, v in content.items() if v is not ...}))


@pytest.mark.parametrize(
    "content", [b"", b"{", b"\xff\xfe", b"[]", b"7", b"{}", b'{"format": "1"}', b'{"format": -3}']
)
def test_no_manifest_at_all(folder: Path, content: bytes) -> None:
    (folder / "library.json").write_bytes(content)
    for write in (False, True):
        with pytest.raises(LibraryError, match=r"damaged: library\.json cannot be understood"):
            open_store(str(folder), write=write)


@pytest.mark.parametrize(
    "values",
    [
        {"tables": ...},
        {"tables": []},
        {"tables": {"pictures": 1}},
        {"tables": {"pictures": 1, "regions": None}},
        {"commit": "many"},
        {"created": None},
        {"past": 3},
        {"past": [{}]},
    ],
    ids=repr,
)
def test_a_manifest_with_something_missing(folder: Path, values: dict[str, Any]) -> None:
    change(folder, **values)
    with pytest.raises(LibraryError, match=r"damaged: library\.json cannot be understood"):
        open_store(str(folder))


def test_versions_that_are_not_there(folder: Path) -> None:
    change(folder, tables={"pictures": 77, "regions": 1})
    with pytest.raises(LibraryError, match="cannot be read"):
        open_store(str(folder)).count()
    with pytest.raises(LibraryError, match="cannot be written to"):
        open_store(str(folder), write=True)


def test_a_newer_format_is_refused(folder: Path) -> None:
    change(folder, format=manifest.FORMAT + 1, unknown="field")
    for write in (False, True):
        with pytest.raises(LibraryError, match="update sightread"):
            open_store(str(folder), write=write)


def test_an_older_format_without_a_way_is_refused(folder: Path) -> None:
    change(folder, format=0)
    with pytest.raises(LibraryError, match="run `sightread index`"):
        open_store(str(folder))
    with pytest.raises(LibraryError, match="index again into a new"):
        open_store(str(folder), write=True)


def test_an_older_format_is_brought_up_to_date_step_by_step(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def rename(_: Path, content: dict[str, Any]) -> dict[str, Any]:
        return {**content, "commit": content.pop("generation")}

    def stop(*_: Any) -> dict[str, Any]:
        raise OSError(28, "No space left on device")

    def double(_: Path, content: dict[str, Any]) -> dict[str, Any]:
        return {**content, "commit": content["commit"] * 2}

    monkeypatch.setattr(manifest, "FORMAT", 3)
    change(folder, format=1, commit=..., generation=21)
    monkeypatch.setitem(manifest.MIGRATIONS, 1, rename)
    monkeypatch.setitem(manifest.MIGRATIONS, 2, stop)
    with pytest.raises(LibraryError, match="is full"):
        open_store(str(folder), write=True)
    assert json.loads((folder / "library.json").read_bytes())["format"] == 2
    monkeypatch.setitem(manifest.MIGRATIONS, 2, double)
    open_store(str(folder), write=True).close()
    assert read_manifest(folder).commit == 42
    assert open_store(str(folder)).refresh() == 42


def test_the_past_is_kept_for_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1000.0
    monkeypatch.setattr("sightread.store.manifest.time.time", lambda: now)
    first = Manifest(tables={"pictures": 1, "regions": 4}, created=now)
    second = first.successor({"pictures": 3, "regions": 9}, commit=1, flushes=1)
    assert (second.kept("pictures"), second.kept("regions")) == (1, 4)
    now += manifest.GRACE_S - 1
    third = second.successor({"pictures": 5, "regions": 9}, commit=2, flushes=2)
    assert third.kept("pictures") == 1
    now += 2
    assert third.kept("pictures") == 3
    fourth = third.successor({"pictures": 6, "regions": 10}, commit=3, flushes=3)
    assert [past.tables["pictures"] for past in fourth.past] == [3, 5]
    assert fourth.successor(fourth.tables, commit=3, flushes=0).past == fourth.past


def test_writing_and_reading_agree(folder: Path) -> None:
    written = read_manifest(folder).successor({"pictures": 8, "regions": 9}, commit=5, flushes=2)
    write_manifest(folder, written)
    assert read_manifest(folder) == written


def to_first_format(folder: Path) -> None:
    """As libraries were before there were spaces: the same tables, and this in library.json."""
    path = folder / "library.json"
    content = json.loads(path.read_bytes())
    assert content.pop("spaces") == []
    content["format"] = 1
    assert sorted(content) == ["commit", "created", "flushes", "format", "past", "tables"]
    path.write_text(json.dumps(content, indent=1) + "\n")


def test_a_library_of_the_first_format_can_be_read_where_it_cannot_be_written(
    folder: Path,
) -> None:
    with_ = open_store(str(folder), write=True)
    with_.put([record(number) for number in range(5)])
    with_.flush()
    with_.close()
    to_first_format(folder)
    before = (folder / "library.json").read_bytes()
    old = open_store(str(folder))
    assert (old.count(), old.spaces(), old.info().format) == (5, (), 3)
    assert (folder / "library.json").read_bytes() == before
    open_store(str(folder), write=True).close()
    content = json.loads((folder / "library.json").read_bytes())
    assert (content["format"], content["spaces"]) == (3, [])
    assert old.refresh() == content["commit"]
    assert old.count() == 5


def test_spaces_are_written_and_read(folder: Path) -> None:
    spec = EncoderSpec("scene-text", 4, "a" * 64, "é", (21.5, -9.25))
    first = read_manifest(folder)
    tables = {**first.tables, "vectors-3": 1}
    space = Space(spec, "/m/\udcff", "vectors-3", serving=False)
    written = first.successor(tables, commit=3, flushes=0, spaces=(space,))
    write_manifest(folder, written)
    assert read_manifest(folder) == written
    assert written.named() == {"pictures", "regions", "vectors-3"}
    later = written.successor(first.tables, commit=4, flushes=0, spaces=())
    assert later.named() == {"pictures", "regions", "vectors-3"}  # readers may be at it
    assert later.spaces == ()
    assert (written.kept("vectors-3"), later.kept("vectors-3")) == (1, 1)


@pytest.mark.parametrize(
    "changes",
    [{"table": "vectors-9"}, {"spec": None}, {"spec": {"space": "x"}}, {"folder": ...}],
    ids=repr,
)
def test_a_damaged_space(folder: Path, changes: dict[str, Any]) -> None:
    writer = open_store(str(folder), write=True)
    writer.open_space(EncoderSpec("scene-text", 4, "a" * 64))
    writer.close()
    [space] = json.loads((folder / "library.json").read_bytes())["spaces"]
    space |= changes
    change(folder, spaces=[{k: v for k, v in space.items() if v is not ...}])
    with pytest.raises(LibraryError, match=r"damaged: library\.json cannot be understood"):
        open_store(str(folder))
