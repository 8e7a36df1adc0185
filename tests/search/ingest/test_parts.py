"""The small parts that a run is put together from."""

from __future__ import annotations

import os
import threading
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sightread.search.backlog import Backlog
from sightread.search.batch import Batch
from sightread.search.known import Claims, KnownPaths
from sightread.search.missing import Folders
from sightread.search.pipeline import PixelBudget
from sightread.search.progress import Pace
from sightread.search.records import metadata_regions, picture_record, written_regions
from sightread.types import Metadata, PathStamp, Picture, PictureRecord, ReaderSpec, WordRegion

from .conftest import Desk

STAMPS = st.builds(
    PathStamp, st.sampled_from("abcdefgh"), st.integers(0, 3), st.integers(-1, 2**62)
)


@given(st.lists(STAMPS, unique_by=lambda stamp: stamp.path), st.lists(STAMPS))
def test_known_paths_agree_with_a_dictionary(before: list[PathStamp], now: list[PathStamp]) -> None:
    known = KnownPaths((stamp, number) for number, stamp in enumerate(before))
    ids = {stamp: number for number, stamp in enumerate(before)}
    for stamp in now:
        assert known.meet(stamp) == ids.get(stamp)
    met = {stamp.path for stamp in now}
    for number, stamp in enumerate(before):
        assert known.missing(stamp.path) == (stamp.path not in met)
        assert known.pictures_of(stamp.path) == [number]
    assert known.pictures().tolist() == list(range(len(before)))
    assert not known.missing("/never/known")
    assert known.pictures_of("/never/known") == []


def test_a_path_of_two_pictures_is_looked_at_again() -> None:
    stamp = PathStamp("/a.png", 1, 2)
    known = KnownPaths([(stamp, 5), (PathStamp("/a.png", 9, 9), 6)])
    assert known.meet(stamp) is None
    assert sorted(known.pictures_of("/a.png")) == [5, 6]
    assert not known.missing("/a.png")
    known.miss("/a.png")
    assert known.missing("/a.png")


def test_one_claim_a_content() -> None:
    claims = Claims(np.array([3, 7], dtype=np.int64))
    assert not claims.claim(3)
    assert [claims.claim(5), claims.claim(5)] == [True, False]
    assert [claims.is_known(n) for n in (3, 5, 7, 8)] == [True, False, True, False]
    claims.settle(5)
    assert claims.is_known(5)
    assert not claims.claim(5)


@pytest.mark.parametrize("count", [0, 1, 1023, 1024, 1025, 5000])
def test_backlog_gives_all_back_in_order(count: int) -> None:
    backlog = Backlog()
    paths = [os.fsdecode(b"/folder \xff/line\nbreak %d" % number) for number in range(count)]
    for path in paths:
        backlog.add(path)
    backlog.close()
    assert [backlog.take() for _ in range(count + 2)] == [*paths, None, None]


def test_backlog_hands_out_while_it_is_filled() -> None:
    backlog = Backlog()
    taken: list[str] = []

    def work() -> None:
        while (path := backlog.take()) is not None:
            taken.append(path)

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for number in range(4000):
        backlog.add(str(number))
    backlog.close()
    for thread in threads:
        thread.join()
    assert sorted(map(int, taken)) == list(range(4000))


def test_a_dropped_backlog_is_empty() -> None:
    backlog = Backlog()
    for number in range(3000):
        backlog.add(str(number))
    backlog.take()
    backlog.close(drop=True)
    assert backlog.take() is None


def test_pixel_budget_is_never_overdrawn() -> None:
    budget = PixelBudget(100)
    lock = threading.Lock()
    held: list[int] = []
    sums: list[int] = []

    def work(pixels: int) -> None:
        for _ in range(200):
            with budget.hold(pixels):
                with lock:
                    held.append(min(pixels, 100))
                    sums.append(sum(held))
                with lock:
                    held.remove(min(pixels, 100))

    threads = [threading.Thread(target=work, args=(n,)) for n in (30, 45, 60, 100, 5000)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    assert len(sums) == 1000
    assert max(sums) <= 100


def test_pace_looks_at_the_last_half_minute() -> None:
    now = 100.0
    pace = Pace(lambda: now)
    assert [pace.due(), pace.due()] == [True, False]
    now = 110.0
    assert pace.due()
    assert pace.sample(50) == 5.0  # 50 files in 10 s
    now = 150.0
    assert pace.sample(90) == 1.0  # 40 files since 40 s ago; what was before does not count
    now = 190.0
    assert pace.sample(90) == 0.0


def test_folders_hold_what_is_in_them() -> None:
    folders = Folders(["/a", "/a/b", "/c.png"])
    assert sorted(folders.holding("/a/b/x.png")) == ["/a", "/a/b"]
    assert folders.holding("/a/bc/x.png") == ["/a"]
    assert folders.holding("/c.png") == ["/c.png"]
    assert folders.holding("/ab.png") == []
    assert Folders(["/"]).holding("/x.png") == ["/"]


# --- records --------------------------------------------------------------------------------


def picture(width: int, height: int, scale: int, metadata: Metadata | None = None) -> Picture:
    pixels = np.zeros((height // scale, width // scale, 3), np.uint8)
    return Picture(pixels, width, height, "PNG", metadata or Metadata())


def test_boxes_are_in_pixels_of_the_full_picture() -> None:
    box = ((1.0, 2.0), (11.0, 2.0), (11.0, 5.0), (1.0, 5.0))
    words = [WordRegion(box, 1.5, "Café!", line=3), WordRegion(box, 0.5, "--"), WordRegion(box, 1)]
    [region] = written_regions(words, picture(400, 200, 4))
    assert region.box == ((4.0, 8.0), (44.0, 8.0), (44.0, 20.0), (4.0, 20.0))
    assert (region.text, region.tokens, region.line) == ("Café!", ("cafe",), 3)
    assert region.confidence == 1.0


def test_each_entry_of_the_metadata_is_a_line() -> None:
    metadata = Metadata(
        title="Two words", caption="A - b", keywords=("red sign", "x"), persons=("Ada L.",)
    )
    found = [(r.field, r.text, r.line, r.box) for r in metadata_regions(metadata, 7)]
    assert found == [
        ("title", "Two", 7, None),
        ("title", "words", 7, None),
        ("caption", "A", 8, None),
        ("caption", "b", 8, None),
        ("keyword", "red", 9, None),
        ("keyword", "sign", 9, None),
        ("keyword", "x", 10, None),
        ("person", "Ada", 11, None),
        ("person", "L.", 11, None),
    ]


READER = ReaderSpec("letters", "r9")


def test_lines_of_the_metadata_follow_those_of_the_picture() -> None:
    box = ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0))
    words = [WordRegion(box, 1.0, "a", line=4)]
    made = picture_record((1, "ff"), picture(8, 8, 1, Metadata(title="b")), words, READER)
    assert [(region.text, region.line) for region in made.regions] == [("a", 4), ("b", 5)]
    assert (made.id, made.sha256, made.reader, made.stamps) == (1, "ff", "r9", ())


# --- batch ----------------------------------------------------------------------------------


def record(number: int, sha256: str) -> PictureRecord:
    return PictureRecord(number, sha256, (), "PNG", 1, 1, "r1", 0.0)


def test_two_contents_with_one_id_do_not_replace_each_other(desk: Desk) -> None:
    # 63 bits of a hash: not by chance, but an attacker may make such a pair.
    stamps = [PathStamp(f"/{number}.png", 1, 1) for number in range(4)]
    batch = Batch(desk.store, desk.ledger, KnownPaths([]))
    batch.add_record(stamps[0], record(5, "aa"))
    batch.add_path(stamps[1], 5, "bb")
    assert batch.commit() == 2
    batch.add_record(stamps[2], record(5, "cc"))
    batch.add_path(stamps[3], 5, "cc")
    assert batch.commit() == 2
    [kept] = desk.records()
    assert kept == replace(record(5, "aa"), stamps=(stamps[0],))
    assert [failure.path for failure in desk.ledger.failures()] == ["/1.png", "/2.png", "/3.png"]
    assert all("has the same id" in failure.reason for failure in desk.ledger.failures())


def test_an_empty_batch_writes_nothing(desk: Desk) -> None:
    before = desk.store.refresh()
    assert Batch(desk.store, desk.ledger, KnownPaths([])).commit() == 0
    assert desk.store.refresh() == before
