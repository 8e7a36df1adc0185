"""Files that fail, readers that fail, stores that fail, and users who have no patience."""

from __future__ import annotations

import os
import signal
import threading

import pytest

from sightread.errors import LibraryError
from sightread.search.ingest import IndexOptions, IndexProgress
from sightread.store import open_store

from .conftest import ColourReader, Desk, colour, colour_word

ONE, TWO, THREE = (colour_word(colour(number)) for number in (1, 2, 3))


def attempts(desk: Desk) -> list[int]:
    return [failure.attempts for failure in desk.ledger.failures()]


def test_a_broken_file_is_listed_and_the_others_are_indexed(desk: Desk) -> None:
    (desk.pictures / "a.jpg").write_text("no picture")
    (desk.pictures / "b.png").write_bytes(b"")
    os.mkfifo(desk.pictures / "c.png")
    (desk.pictures / "d.png").symlink_to("nowhere")
    desk.paint("e.png", 1)
    report = desk.index()
    assert (report.failed, report.new, report.done, report.seen) == (4, 1, 5, 5)
    assert desk.contents() == {ONE: ["e.png"]}
    reasons = desk.failures()
    assert sorted(reasons) == ["a.jpg", "b.png", "c.png", "d.png"]
    assert reasons["a.jpg"].startswith("the content is not a picture")
    assert "empty" in reasons["b.png"]
    assert "named pipe" in reasons["c.png"]
    assert "broken link" in reasons["d.png"]


def test_a_failed_file_is_tried_again_only_when_it_changed(desk: Desk) -> None:
    path = desk.pictures / "a.png"
    path.write_text("no picture")
    os.mkfifo(desk.pictures / "b.png")
    desk.index()
    report = desk.index()
    assert (report.failed, report.done) == (2, 2)
    assert attempts(desk) == [1, 1]
    path.write_text("still no picture")
    desk.index()
    assert attempts(desk) == [2, 1]
    desk.paint("a.png", 1)
    desk.index()
    assert sorted(desk.failures()) == ["b.png"]
    assert desk.contents() == {ONE: ["a.png"]}


def test_retry_tries_unchanged_files(desk: Desk) -> None:
    desk.paint("a.png", 1, size=(100, 100))
    desk.index(options=IndexOptions(max_pixels=9999))
    assert "limit" in desk.failures()["a.png"]
    desk.index()
    assert attempts(desk) == [1]
    report = desk.index(options=IndexOptions(retry_failed=True, max_pixels=9999))
    assert (attempts(desk), report.failed) == ([2], 1)
    report = desk.index(options=IndexOptions(retry_failed=True))
    assert (report.new, report.failed, desk.failures()) == (1, 0, {})


def test_failures_of_vanished_files_are_dropped(desk: Desk) -> None:
    (desk.pictures / "x").mkdir()
    for name in ("a.png", "b.png", "x/c.png"):
        (desk.pictures / name).write_text("no picture")
    desk.index()
    (desk.pictures / "a.png").unlink()
    (desk.pictures / "x/c.png").unlink()
    desk.index(folders=[desk.pictures / "x"])
    assert sorted(desk.failures()) == ["a.png", "b.png"]
    desk.index()
    assert sorted(desk.failures()) == ["b.png"]


def test_a_picture_that_broke_leaves_the_library(desk: Desk) -> None:
    desk.paint("a.png", 1)
    desk.paint("b.png", 2)
    desk.index()
    (desk.pictures / "a.png").write_text("no picture any more")
    assert desk.index().forgotten == 1
    assert desk.contents() == {TWO: ["b.png"]}
    assert sorted(desk.failures()) == ["a.png"]


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (ValueError("no\nsuch line"), "reader failed: ValueError: no such line"),
        (MemoryError(), "the picture needs more memory than there is"),
        (OSError(5, "device gone"), "reader failed: OSError: [Errno 5] device gone"),
    ],
)
def test_a_failing_reader_costs_one_picture(desk: Desk, error: Exception, reason: str) -> None:
    for number in (1, 2, 3):
        desk.paint(f"{number}.png", number)

    def fail(word: str) -> None:
        if word == TWO:
            raise error

    report = desk.index(ColourReader(before=fail))
    assert (report.new, report.failed) == (2, 1)
    assert desk.failures() == {"2.png": reason}


def test_equal_files_fail_together(desk: Desk) -> None:
    for number in range(5):
        desk.paint(f"{number}.png", 1)
    tried = []

    def fail(word: str) -> None:
        tried.append(word)
        threading.Event().wait(0.2)  # so that the others are seen before, and some after
        raise ValueError("no")

    report = desk.index(ColourReader(before=fail), IndexOptions(workers=3))
    assert (report.failed, report.done, tried) == (5, 5, [ONE])
    assert len(desk.failures()) == 5
    assert desk.store.count() == 0


def test_a_file_that_vanishes_before_its_turn_is_no_failure(desk: Desk) -> None:
    for number in (1, 2, 3):
        desk.paint(f"{number}.png", number)
    desk.index()
    for number in (1, 2, 3):
        desk.paint(f"{number}.png", 10 + number)

    def remove(_word: str) -> None:
        (desk.pictures / "3.png").unlink(missing_ok=True)

    report = desk.index(ColourReader(before=remove), IndexOptions(workers=1))
    assert (report.new, report.failed, report.done, report.seen) == (2, 0, 3, 3)
    assert report.forgotten == 3
    assert desk.failures() == {}
    assert sorted(desk.contents().values()) == [["1.png"], ["2.png"]]


def test_a_failing_store_stops_the_run_and_keeps_what_was_saved(desk: Desk) -> None:
    for number in range(200):
        desk.paint(f"{number:03}.png", number)

    def close(progress: IndexProgress) -> None:
        if progress.saved:
            desk.store.close()

    reader = ColourReader(before=lambda _word: threading.Event().wait(0.005))
    with pytest.raises(LibraryError, match="open for reading only"):
        desk.index(reader, progress=close)
    assert not [t for t in threading.enumerate() if t.name.startswith("sightread-worker")]
    library = os.path.dirname(desk.ledger.path)
    with_store = open_store(library)
    assert 64 <= with_store.count() < 200
    with_store.close()


def test_ctrl_c_keeps_what_is_finished_and_the_next_run_goes_on(desk: Desk) -> None:
    for number in range(40):
        desk.paint(f"{number:02}.png", number)
    started = threading.Event()

    def interrupt(word: str) -> None:
        if not started.is_set() and word == colour_word(colour(5)):
            started.set()
            os.kill(os.getpid(), signal.SIGINT)
        threading.Event().wait(0.02)

    first = ColourReader(before=interrupt)
    handler = signal.getsignal(signal.SIGINT)
    report = desk.index(first)
    assert signal.getsignal(signal.SIGINT) is handler
    assert report.interrupted
    assert 5 <= report.new < 40
    assert report.new == len(first.words) == desk.store.count()
    second = ColourReader()
    report = desk.index(second)
    assert not report.interrupted
    assert sorted(first.words + second.words) == sorted(colour_word(colour(n)) for n in range(40))
    assert desk.store.count() == 40


def test_an_interrupted_run_forgets_nothing(desk: Desk) -> None:
    desk.paint("1.png", 1)
    desk.index()
    (desk.pictures / "1.png").unlink()
    desk.paint("2.png", 2)

    moments: list[IndexProgress] = []

    def interrupt_once(progress: IndexProgress) -> None:
        moments.append(progress)
        if len(moments) == 1:
            raise KeyboardInterrupt

    report = desk.index(progress=interrupt_once)
    assert (report.interrupted, report.forgotten) == (True, 0)
    assert ONE in desk.contents()
    assert desk.index().forgotten == 1


def test_a_second_ctrl_c_ends_at_once(desk: Desk) -> None:
    desk.paint("1.png", 1)
    release = threading.Event()

    def wait(_word: str) -> None:
        release.wait(30)

    def interrupt(_progress: IndexProgress) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        desk.index(ColourReader(before=wait), progress=interrupt)
    release.set()
    assert desk.store.count() == 0


def test_sigterm_is_as_good_as_ctrl_c(desk: Desk) -> None:
    for number in range(20):
        desk.paint(f"{number:02}.png", number)

    def terminate(word: str) -> None:
        if word == colour_word(colour(3)):
            os.kill(os.getpid(), signal.SIGTERM)
        threading.Event().wait(0.02)

    report = desk.index(ColourReader(before=terminate))
    assert report.interrupted
    assert 0 < desk.store.count() < 20


def test_an_interrupted_reread_goes_on(desk: Desk) -> None:
    for number in range(20):
        desk.paint(f"{number:02}.png", number)
    desk.index(ColourReader("r1"))

    def interrupt(word: str) -> None:
        if word == colour_word(colour(4)):
            os.kill(os.getpid(), signal.SIGINT)
        threading.Event().wait(0.02)

    first = ColourReader("r2", before=interrupt)
    assert desk.index(first, IndexOptions(reread=True)).interrupted
    assert {record.reader for record in desk.records()} == {"r1", "r2"}
    with pytest.raises(LibraryError, match="--reread"):
        desk.index(ColourReader("r2"))
    second = ColourReader("r2")
    desk.index(second, IndexOptions(reread=True))
    assert len(first.words) + len(second.words) == 20
    assert {record.reader for record in desk.records()} == {"r2"}
    assert desk.store.count() == 20


def test_indexing_works_outside_the_main_thread(desk: Desk) -> None:
    desk.paint("1.png", 1)
    thread = threading.Thread(target=desk.index)
    thread.start()
    thread.join()
    assert desk.contents() == {ONE: ["1.png"]}
