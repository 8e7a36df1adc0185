"""Libraries in folders outlive kills, full disks and impatience; upkeep loses nothing."""

from __future__ import annotations

import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from sightread.errors import LibraryError
from sightread.protocols import Store
from sightread.store import manifest, open_store, writer
from sightread.store.manifest import read_manifest
from sightread.store.tables import Tables, one_of
from sightread.store.uninterrupted import uninterrupted
from sightread.types import EncoderSpec, ImageEmbedding

from .oracle import PlainStore, assert_same, embedding, record


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
    # With nothing dropped there would be nearly twice as many as before. How many fragments the
    # last versions have depends on how busy the machine is.
    assert len(list(folder.rglob("*"))) < with_history * 2 / 3
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


# --- vectors ----------------------------------------------------------------------------------

WORDS = EncoderSpec("scene-text", 4, "a" * 64)
NEXT = EncoderSpec("scene-text", 6, "b" * 64)


def encoded(store: Store, spec: EncoderSpec) -> list[int]:
    found: list[int] = store.encoded(spec.space, spec.revision).tolist()
    return found


def vector_tables(folder: Path) -> list[str]:
    return sorted(path.name for path in (folder / "tables").glob("vectors-*"))


def some_vectors(dim: int, numbers: range) -> dict[int, ImageEmbedding]:
    return {number: embedding(number, dim) for number in numbers}


def test_a_table_that_was_never_committed_is_removed(
    store: Store, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise OSError("pulled the plug")

    with monkeypatch.context() as patch:
        patch.setattr("sightread.store.writer.write_manifest", fail)
        with pytest.raises(LibraryError, match="pulled the plug"):
            store.open_space(WORDS)
    assert len(vector_tables(folder)) == 1
    assert (store.spaces(), open_store(str(folder)).spaces()) == ((), ())
    store.open_space(WORDS)  # the same writer tries again
    store.set_embeddings("scene-text", some_vectors(4, range(3)))
    store.flush()
    assert encoded(store, WORDS) == [0, 1, 2]
    with monkeypatch.context() as patch:
        patch.setattr("sightread.store.writer.write_manifest", fail)
        with pytest.raises(LibraryError, match="pulled the plug"):
            store.open_space(NEXT, replace=True)
    store.close()
    assert len(vector_tables(folder)) == 2
    again = open_store(str(folder), write=True)
    assert len(vector_tables(folder)) == 1
    assert encoded(again, WORDS) == [0, 1, 2]
    again.close()


def test_a_switch_that_failed_is_done_again(
    store: Store, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def write_then_fail(folder: Path, content: manifest.Manifest) -> None:
        manifest.write_manifest(folder, content)
        raise OSError("the messenger was shot")

    store.open_space(WORDS)
    store.open_space(NEXT, replace=True)
    store.set_embeddings("scene-text", some_vectors(6, range(4)))
    with monkeypatch.context() as patch:
        patch.setattr("sightread.store.writer.write_manifest", write_then_fail)
        with pytest.raises(LibraryError, match="messenger"):
            store.switch_space("scene-text")
    store.switch_space("scene-text")
    assert encoded(store, NEXT) == [0, 1, 2, 3]
    assert [one.spec for one in open_store(str(folder)).spaces()] == [NEXT]


def test_vectors_of_an_old_revision_go_when_no_reader_can_miss_them(
    store: Store, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.open_space(WORDS)
    store.set_embeddings("scene-text", some_vectors(4, range(30)))
    store.flush()
    late = open_store(str(folder))
    query = embedding(-1, 4).vector[None]
    assert len(late.search_vectors("scene-text", query, 5)[0]) == 5
    store.open_space(NEXT, replace=True)
    store.set_embeddings("scene-text", some_vectors(6, range(30)))
    store.switch_space("scene-text")
    store.maintain()
    assert len(vector_tables(folder)) == 2
    assert len(late.search_vectors("scene-text", query, 5)[0]) == 5
    monkeypatch.setattr(manifest, "GRACE_S", 0.0)
    store.put([record(40)])
    store.flush()
    for number in range(12):  # so that maintenance finds something to do
        store.put([record(100 + number)])
        store.flush()
    store.maintain()
    assert len(vector_tables(folder)) == 1
    late.refresh()
    assert encoded(late, NEXT) == list(range(30))


def test_lost_vectors_are_an_error_in_one_sentence(store: Store, folder: Path) -> None:
    store.open_space(WORDS)
    store.set_embeddings("scene-text", some_vectors(4, range(30)))
    store.flush()
    store.close()
    [name] = vector_tables(folder)
    shutil.rmtree(folder / "tables" / name / "data")
    reader = open_store(str(folder))
    with pytest.raises(LibraryError, match="cannot be read") as caught:
        reader.search_vectors("scene-text", embedding(-1, 4).vector[None], 5)
    assert "\n" not in str(caught.value)
    assert reader.count() == 30


def test_a_full_disk_loses_no_vector(store: Store, folder: Path) -> None:
    store.open_space(WORDS)
    store.set_embeddings("scene-text", some_vectors(4, range(10)))
    store.flush()
    store.open_space(EncoderSpec("caption", 900, "c"))
    store.set_embeddings("caption", some_vectors(900, range(30)))
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, hard))
    try:
        with pytest.raises(LibraryError, match=r"is full: nothing .* is lost; make room"):
            store.flush()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert encoded(open_store(str(folder)), WORDS) == list(range(10))
    store.flush()
    for one in (store, open_store(str(folder))):
        assert encoded(one, WORDS) == list(range(10))
        assert one.encoded("caption", "c").tolist() == list(range(30))
