"""What is particular to libraries in folders: who may open them, and who may be there with whom."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import pytest

from sightread.errors import LibraryError
from sightread.protocols import Store
from sightread.store import open_store

from .oracle import PlainStore, assert_same, hit_rows, record


@pytest.mark.parametrize(
    ("uri", "says"),
    [
        ("milvus://host:19530/library", "Milvus server, which this version cannot use"),
        ("redis://host/3", "names no library"),
        ("", "no name"),
        ("file://", "no name"),
    ],
)
def test_only_folders_are_libraries(uri: str, says: str) -> None:
    with pytest.raises(LibraryError, match=says):
        open_store(uri)


@pytest.mark.parametrize("write", [False, True])
def test_not_there_says_how_to_make_one(tmp_path: Path, write: bool) -> None:
    (tmp_path / "file").touch()
    for missing in (tmp_path / "nothing", tmp_path / "no" / "where", tmp_path, tmp_path / "file"):
        with pytest.raises(LibraryError, match=f"sightread index FOLDER --library {missing}$"):
            open_store(str(missing), write=write)
    assert os.listdir(tmp_path) == ["file"]


def test_only_writers_create(folder: Path) -> None:
    with pytest.raises(ValueError, match="writer"):
        open_store(str(folder), create=True)


def test_a_folder_with_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "holiday.jpg").write_bytes(b"picture")
    with pytest.raises(LibraryError, match=r"not a library \(it holds 'holiday.jpg'\)"):
        open_store(str(tmp_path), write=True, create=True)
    assert os.listdir(tmp_path) == ["holiday.jpg"]
    with pytest.raises(LibraryError, match="is a file"):
        open_store(str(tmp_path / "holiday.jpg"), write=True, create=True)


@pytest.mark.parametrize(
    "name", ["a b", "#1 100% é?", "x%20y", "q[1]*{2}", "a:b", "it's", "-x", "写真\u3000帖\xa0"]
)
def test_awkward_folder_names(tmp_path: Path, name: str, plain: PlainStore) -> None:
    path = str(tmp_path / name)
    with_ = open_store(path, write=True, create=True)
    with_.put([record(number) for number in range(30)])
    with_.flush()
    with_.close()
    assert_same(open_store(path), plain)
    assert os.listdir(tmp_path) == [name]


@pytest.mark.parametrize("name", ["new\nline", "\udcff", "bell\x07"])
def test_folder_names_that_cannot_be(tmp_path: Path, name: str) -> None:
    with pytest.raises(LibraryError, match="choose another folder"):
        open_store(str(tmp_path / name), write=True, create=True)


def test_uris_and_home(store: Store, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert store.count() == 30
    assert open_store(folder.as_uri()).count() == 30
    monkeypatch.setenv("HOME", str(folder.parent))
    assert open_store("~/library").count() == 30
    monkeypatch.chdir(folder)
    assert open_store(".").count() == 30


def test_the_second_writer_is_told_who_is_first(folder: Path) -> None:
    code = (
        "import sys; from sightread.store import open_store\n"
        f"store = open_store({str(folder)!r}, write=True, create=True)\n"
        "print('open', flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", code]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as first:
        assert first.stdout is not None
        assert first.stdout.readline() == b"open\n"
        with pytest.raises(LibraryError, match=rf"another process \(process {first.pid}\)"):
            open_store(str(folder), write=True)
        assert open_store(str(folder)).count() == 0
        first.kill()
    open_store(str(folder), write=True).close()


def test_a_closed_writer_lets_the_next_one_in(store: Store, folder: Path) -> None:
    with pytest.raises(LibraryError, match="wait until it is done"):
        open_store(str(folder), write=True)
    store.close()
    store.close()
    again = open_store(str(folder), write=True)
    assert again.count() == 30
    again.close()
    for refused in (store, open_store(str(folder))):
        with pytest.raises(LibraryError, match="reading only"):
            refused.put([])


READ_ONLY = """
import os, sys, pathlib
from sightread.store import open_store
from sightread.errors import LibraryError
folder = sys.argv[1]
open_store(folder).get([1])  # everything is imported while it can be
if os.getuid() == 0:
    os.setuid(65534)
store = open_store(folder)
print(len(store.get(store.ids().tolist())), len(store.search_words(store.vocabulary().tokens)))
for options in ({"write": True}, {"write": True, "create": True}):
    try:
        open_store(folder, **options)
    except LibraryError as error:
        print(error)
try:
    open_store(folder + "/inner", write=True, create=True)
except LibraryError as error:
    print(error)
"""


def test_reading_needs_no_permission_to_write(
    store: Store, plain: PlainStore, folder: Path
) -> None:
    store.close()
    # Not in the folder of the test: that is closed to others, and root turns into someone else.
    with tempfile.TemporaryDirectory() as open_to_all:
        os.chmod(open_to_all, 0o755)
        copy = Path(shutil.copytree(folder, Path(open_to_all) / "library"))
        paths = [copy, *copy.rglob("*")]
        for path in paths:
            path.chmod(0o555 if path.is_dir() else 0o444)
        command = [sys.executable, "-c", READ_ONLY, str(copy)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        for path in paths:
            path.chmod(0o755)
    first, *refusals = done.stdout.splitlines()
    tokens = plain.vocabulary().tokens
    assert first == f"30 {len(plain.hits(tokens))}"
    assert len(refusals) == 3
    assert all("cannot be written to: you may not do that" in line for line in refusals)
    assert done.stderr == ""


WRITER = """
import sys, time
from sightread.store import manifest, open_store, writer
from tests.store.oracle import record
manifest.GRACE_S = writer.PRUNE_MARGIN_S = 0.1
store = open_store(sys.argv[1], write=True, create=True)
for version in range(1, 10_000):
    store.put([record(number, seed=version, regions=1 + version % 5) for number in range(40)])
    store.flush()
    if version % 4 == 0:
        store.maintain()
    if version == 1:
        print("started", flush=True)
"""


def test_one_process_writes_while_another_reads(folder: Path) -> None:
    command = [sys.executable, "-c", WRITER, str(folder)]
    root = Path(__file__).parents[2]  # where the package of the tests is found
    seen: set[float] = set()
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=root) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"started\n"
        reader = open_store(str(folder))
        # Busy machines get a commit done in a second or two.
        end = time.monotonic() + 30
        while len(seen) <= 5 and time.monotonic() < end:
            reader.refresh()
            records = reader.get(reader.ids().tolist())
            versions = {r.indexed_at - 1.7e9 for r in records}
            assert len(records) == 40
            assert len(versions) == 1, "pictures of two commits at once"
            (version,) = versions
            assert {len(r.regions) for r in records} == {1 + int(version) % 5}
            reader.search_words(["coffee", "shop"])
            seen.add(version)
        assert other.poll() is None
        other.kill()
    assert len(seen) > 5


def test_threads_read_while_one_writes(store: Store, folder: Path) -> None:
    reader = open_store(str(folder))
    stop = threading.Event()
    failures: list[BaseException] = []

    def read() -> None:
        try:
            while not stop.is_set():
                reader.refresh()
                records = reader.get(list(range(30)))
                assert len(records) == 30
                hit_rows(reader.search_words(["coffee", "café"]))
                assert reader.vocabulary().tokens
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=read) for _ in range(3)]
    for thread in threads:
        thread.start()
    for step in range(15):
        store.put([record(number, seed=step) for number in range(30)])
        store.flush()
    store.maintain()
    stop.set()
    for thread in threads:
        thread.join()
    assert failures == []
