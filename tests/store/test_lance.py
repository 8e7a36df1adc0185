"""What is particular to libraries in folders: who may open them, and what survives what."""

from __future__ import annotations

import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from sightread.errors import LibraryError
from sightread.store import manifest, open_store, writer
from sightread.store.manifest import read_manifest
from sightread.store.tables import Tables, one_of
from sightread.store.writer import uninterrupted
from sightread.types import Store

from .oracle import PlainStore, hit_rows, record
from .test_contract import assert_same


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "library"


@pytest.fixture
def store(folder: Path) -> Iterator[Store]:
    opened = open_store(str(folder), write=True, create=True)
    opened.put([record(number) for number in range(30)])
    opened.flush()
    yield opened
    opened.close()


@pytest.fixture
def plain() -> PlainStore:
    oracle = PlainStore()
    oracle.put(record(number) for number in range(30))
    return oracle


# --- opening -------------------------------------------------------------------------------


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


# --- surviving -----------------------------------------------------------------------------


def test_what_a_killed_writer_left_is_undone(store: Store, plain: PlainStore, folder: Path) -> None:
    store.close()
    left = Tables(folder)
    left.open("pictures").delete(one_of("id", [3, 4]))
    left.open("regions").delete("true")
    assert_same(open_store(str(folder)), plain)
    again = open_store(str(folder), write=True)
    assert_same(again, plain)
    again.put([record(50)])
    plain.put([record(50)])
    again.flush()
    assert_same(open_store(str(folder)), plain)
    again.close()


def test_an_unreadable_version_after_the_commit_is_dropped(
    store: Store, plain: PlainStore, folder: Path
) -> None:
    store.close()
    versions = folder / "tables" / "pictures.lance" / "_versions"
    before = set(versions.glob("*.manifest"))
    Tables(folder).open("pictures").delete("true")
    (torn,) = set(versions.glob("*.manifest")) - before
    torn.write_bytes(b"")
    with pytest.raises(LibraryError):
        open_store(str(folder)).count()
    again = open_store(str(folder), write=True)
    assert_same(again, plain)
    again.close()
    assert_same(open_store(str(folder)), plain)


def test_an_interrupted_creation_is_repeated(store: Store, folder: Path) -> None:
    store.close()
    (folder / "library.json").unlink()
    with pytest.raises(LibraryError, match=r"its library\.json is gone"):
        open_store(str(folder), write=True, create=True)
    shutil.rmtree(folder / "tables" / "regions.lance")
    shutil.rmtree(folder / "tables" / "pictures.lance" / "_versions")
    open_store(str(folder), write=True, create=True).close()
    assert open_store(str(folder)).count() == 0


def test_lost_files_are_an_error_in_one_sentence(store: Store, folder: Path) -> None:
    store.close()
    shutil.rmtree(folder / "tables" / "regions.lance" / "data")
    reader = open_store(str(folder))
    with pytest.raises(LibraryError, match="cannot be read") as caught:
        reader.search_words(["coffee"])
    assert "\n" not in str(caught.value)


def test_a_full_disk_loses_nothing(store: Store, plain: PlainStore, folder: Path) -> None:
    more = [record(number, regions=4) for number in range(100, 3000)]
    store.put(more)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    # To the program a file that may not grow looks like a disk that has no room.
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, hard))
    try:
        for _ in range(2):
            with pytest.raises(LibraryError, match=r"is full: nothing .* is lost; make room"):
                store.flush()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert_same(store, plain)
    assert_same(open_store(str(folder)), plain)
    store.flush()
    plain.put(more)
    assert_same(store, plain)
    assert_same(open_store(str(folder)), plain)


def test_a_commit_that_was_interrupted_after_it_counted_is_not_done_twice(
    store: Store, plain: PlainStore, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def write_then_fail(folder: Path, content: manifest.Manifest) -> None:
        manifest.write_manifest(folder, content)
        raise OSError("the messenger was shot")

    store.put([record(40), record(3, seed=1)])
    store.forget([5])
    with monkeypatch.context() as patch:
        patch.setattr("sightread.store.writer.write_manifest", write_then_fail)
        with pytest.raises(LibraryError, match="messenger"):
            store.flush()
    store.flush()
    plain.put([record(40), record(3, seed=1)])
    plain.forget([5])
    assert_same(store, plain)
    assert_same(open_store(str(folder)), plain)


def press_ctrl_c(times: int, done: list[str]) -> None:
    for n in range(times):
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(0.05)
        done.append(f"{n + 1} pressed")


def test_ctrl_c_waits_for_the_write() -> None:
    done: list[str] = []
    with pytest.raises(KeyboardInterrupt):
        uninterrupted(lambda: press_ctrl_c(1, done))
    assert done == ["1 pressed"]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_ctrl_c_twice_does_not_wait() -> None:
    done: list[str] = []
    with pytest.raises(KeyboardInterrupt):
        uninterrupted(lambda: press_ctrl_c(3, done))
    assert done == ["1 pressed"]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


@pytest.mark.parametrize("seed", [5, 6])
def test_killed_writers(seed: int) -> None:
    script = Path(__file__).parents[2] / "benchmarks" / "kill_store.py"
    subprocess.run([sys.executable, script, "--kills", "4", "--seed", str(seed)], check=True)


# --- maintenance ---------------------------------------------------------------------------


def fragments(folder: Path) -> dict[str, int]:
    tables = Tables(folder)
    versions = read_manifest(folder).tables
    return {
        name: tables.open(name, version).stats()["fragment_stats"]["num_fragments"]
        for name, version in versions.items()
    }


def test_small_flushes_do_not_pile_up(store: Store, plain: PlainStore, folder: Path) -> None:
    for number in range(60):
        store.put([record(number, seed=1, regions=2)])
        plain.put([record(number, seed=1, regions=2)])
        store.flush()
    assert max(fragments(folder).values()) < 30
    store.maintain()
    assert max(fragments(folder).values()) < 8
    assert_same(open_store(str(folder)), plain)


def test_a_large_library_is_not_maintained_for_a_little(
    store: Store, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "FLUSHES_PER_MAINTENANCE", 3)
    monkeypatch.setattr(writer, "FLUSHES_AT_MOST", 18)
    store.put([record(number, seed=1, regions=1) for number in range(1000, 1200)])
    store.maintain()
    merged = fragments(folder)["regions"]
    for number in range(10):  # 5 % more pictures in ten flushes
        store.put([record(2000 + number, seed=1, regions=1)])
        store.flush()
    assert fragments(folder)["regions"] == merged + 10
    for number in range(10):
        store.put([record(3000 + number, seed=1, regions=1)])
        store.flush()
    assert fragments(folder)["regions"] < merged + 10


def test_old_versions_go_when_no_reader_can_miss_them(
    store: Store, plain: PlainStore, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    late = open_store(str(folder))
    assert late.count() == 30
    for step in range(12):
        store.put([record(number, seed=step, regions=3) for number in range(20)])
        store.flush()
    store.maintain()
    with_history = len(list(folder.rglob("*")))
    assert_same(late, plain)  # its files are kept for ten minutes
    monkeypatch.setattr(manifest, "GRACE_S", 0.0)
    monkeypatch.setattr(writer, "PRUNE_MARGIN_S", 0.1)
    time.sleep(0.2)
    for step in range(12):
        store.put([record(number, seed=step, regions=3) for number in range(20)])
        store.flush()
    store.maintain()
    assert len(list(folder.rglob("*"))) < with_history / 2
    plain.put([record(number, seed=11, regions=3) for number in range(20)])
    assert_same(open_store(str(folder)), plain)
    assert_same(late, plain)  # looked again by itself when its files were gone


def test_the_written_vocabulary_is_never_an_old_one(
    store: Store, plain: PlainStore, folder: Path
) -> None:
    path = folder / "vocabulary.arrow"
    store.maintain()
    written = path.read_bytes()
    store.put([record(77, regions=4)])
    plain.put([record(77, regions=4)])
    store.flush()
    assert path.read_bytes() == written
    assert_same(open_store(str(folder)), plain)
    store.maintain()
    assert path.read_bytes() != written
    assert_same(open_store(str(folder)), plain)
    for damaged in (b"", written, path.read_bytes()[:-30], b"\0" * 500):
        path.write_bytes(damaged)
        assert_same(open_store(str(folder)), plain)
    path.unlink()
    path.mkdir()
    assert_same(open_store(str(folder)), plain)


# --- together ------------------------------------------------------------------------------

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
    seen = set()
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=root) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"started\n"
        reader = open_store(str(folder))
        end = time.monotonic() + 4
        while time.monotonic() < end:
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
