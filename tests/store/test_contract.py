"""What any store has to do, whatever engine keeps it."""

from __future__ import annotations

import random
import string

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sightread.protocols import Store
from sightread.types import (
    FIELDS,
    Compare,
    PathStamp,
    PictureRecord,
    RegionRecord,
)

from .conftest import Place, filled
from .oracle import WORDS, PlainStore, assert_same, hit_rows, record

NUMBERS = (0, 1, 7, 2**31, 2**53 + 1, 2**62, 2**63 - 1)


@pytest.mark.parametrize(
    "numbers", [(), (0,), NUMBERS, range(257)], ids=["none", "one", "odd", "many"]
)
def test_what_was_put_is_there_and_after_reopening_too(
    place: Place, numbers: tuple[int, ...] | range
) -> None:
    store, plain = filled(place, numbers)
    assert_same(store, plain)
    assert_same(place.reader(), plain)
    store.close()
    assert_same(place.writer(), plain)


def test_put_replaces_a_picture_whole(place: Place) -> None:
    store, plain = filled(place, range(20))
    again = [record(3, seed=1, regions=0), record(4, seed=1, regions=9), record(99, regions=2)]
    for part in (again, [record(4, seed=2, regions=1)], [record(5, seed=1), record(5, seed=2)]):
        store.put(part)
        plain.put(part)
    store.flush()
    assert_same(store, plain)


def test_forget_counts_what_was_there(place: Place) -> None:
    store, plain = filled(place, range(20))
    store.put([record(50)])
    plain.put([record(50)])
    assert store.forget([3, 3, 77, 50, -1, 2**63 - 1]) == 2
    assert plain.forget([3, 50]) == 2
    assert store.forget([3]) == 0
    assert store.forget([]) == 0
    store.put([record(3, seed=1)])
    plain.put([record(3, seed=1)])
    store.flush()
    assert_same(store, plain)
    assert store.forget(list(range(20))) == 20
    store.flush()
    assert_same(place.reader(), PlainStore())


def test_stamps_are_replaced_for_known_pictures_only(place: Place) -> None:
    store, plain = filled(place, range(12))
    store.put([record(30)])
    plain.put([record(30)])
    odd = [PathStamp("/odd/\udcfe\udcff.PNG", 5, 6), PathStamp("/x/Y.jpeg", 7, 2**62)]
    for new in ({1: [], 2: odd, 30: odd[:1], 555: odd}, {2: odd[1:]}):
        store.set_stamps(new)
        plain.set_stamps(new)
    store.flush()
    assert_same(store, plain)
    assert store.ids(Compare("ext", "eq", "png")).tolist() == plain.ids(Compare("ext", "eq", "png"))


def test_dates_are_those_of_the_pictures_asked_for(place: Place) -> None:
    store, plain = filled(place, range(20))
    asked = np.array([7, 3, 3, 999, 19], dtype=np.int64)
    expected = [
        plain.records[number].metadata.taken_at if number in plain.records else None
        for number in asked.tolist()
    ]
    assert any(one is not None for one in expected)
    dates = [None if np.isnan(one) else one for one in store.dates(asked).tolist()]
    assert dates == expected
    assert store.dates(np.zeros(0, dtype=np.int64)).tolist() == []


def test_the_newest_come_first_and_the_undated_by_path(place: Place) -> None:
    store, plain = filled(place, range(40))
    known = [number for number in range(0, 40, 3) if number in plain.records]

    def order(number: int) -> tuple[float, bool, str, int]:
        one = plain.records[number]
        taken, path = one.metadata.taken_at, "\0".join(s.path.lower() for s in one.stamps)
        return (-taken if taken is not None else np.inf, not one.stamps, path, number)

    asked = np.array([*known, 999], dtype=np.int64)
    assert store.newest(asked).tolist() == sorted(known, key=order)
    assert store.newest(np.zeros(0, dtype=np.int64)).tolist() == []


def test_nobody_sees_what_is_not_flushed(place: Place) -> None:
    store, plain = filled(place, range(10))
    reader = place.reader()
    before = reader.refresh()
    store.put([record(100), record(1, seed=5)])
    store.forget([2])
    store.set_stamps({3: []})
    assert_same(store, plain)
    assert_same(place.reader(), plain)
    assert reader.refresh() == before
    store.flush()
    assert_same(reader, plain)  # has not refreshed
    plain.put([record(100), record(1, seed=5)])
    plain.forget([2])
    plain.set_stamps({3: []})
    assert reader.refresh() > before
    assert_same(reader, plain)
    assert_same(store, plain)


def test_what_was_not_flushed_is_gone_after_reopening(place: Place) -> None:
    store, plain = filled(place, range(10))
    store.put([record(100)])
    store.close()
    assert_same(place.writer(), plain)


def test_flushing_nothing_is_no_new_version(place: Place) -> None:
    store, _ = filled(place, range(3))
    reader = place.reader()
    seen = reader.refresh()
    store.flush()
    assert reader.refresh() == seen


def test_get_keeps_the_order_and_leaves_out_the_unknown(place: Place) -> None:
    store, plain = filled(place, range(1500))
    wanted = [7, 1499, -1, 0, 99999, 7, 2**64]
    assert [r.id for r in store.get(wanted)] == [7, 1499, 0, 7]
    everything = random.Random(0).sample(range(1500), 1500)
    assert store.get(everything) == [plain.records[i] for i in everything]
    bare = store.get([7, 3], regions=False)
    assert [(r.id, r.regions) for r in bare] == [(7, ()), (3, ())]
    assert bare[0].stamps == plain.records[7].stamps
    assert store.get([]) == []


def test_boxes_come_when_asked_for(place: Place) -> None:
    store, plain = filled(place, range(40))
    assert store.search_words(WORDS).boxes is None
    hits = store.search_words(WORDS, boxes=True)
    assert hits.boxes is not None
    assert hits.boxes.shape == (len(hits), 4, 2)
    assert hits.boxes.dtype == np.float32
    for picture, ordinal, box in zip(hits.picture, hits.ordinal, hits.boxes, strict=True):
        expected = plain.records[int(picture)].regions[ordinal].box
        if expected is None:
            assert np.isnan(box).all()
        else:
            assert box.tolist() == [list(point) for point in expected]
    assert np.isnan(hits.boxes).any()
    assert not np.isnan(hits.boxes).all()
    empty = store.search_words(["nothing like it"], boxes=True)
    assert len(empty) == 0
    assert empty.boxes is not None
    assert empty.boxes.shape == (0, 4, 2)


def test_hits_have_the_agreed_types_and_order(place: Place) -> None:
    store, plain = filled(place, range(200))
    tokens = ["coffee", "none", "東京", "coffee", "o'neill"]
    hits = store.search_words(tokens)
    columns = (hits.picture, hits.ordinal, hits.token, hits.whole, hits.field, hits.line)
    kinds = ["int64", "int32", "int32", "bool", "int8", "int32"]
    assert [column.dtype.name for column in columns] == kinds
    assert hits.confidence.dtype == np.float32
    assert hit_rows(hits) == plain.hits(tokens)
    assert len(hits) > 50
    assert set(hits.token.tolist()) == {0, 2, 4}
    assert len(store.search_words([])) == 0


@pytest.mark.parametrize("count", [1, 999, 1000, 1001, 2500])
def test_long_lists_of_tokens_and_ids(place: Place, count: int) -> None:
    words = [f"w{n}" for n in range(2500)]
    region = RegionRecord("written", "W", ("w0",), 0.5, 0)
    records = [
        PictureRecord(n, "", (), "PNG", 1, 1, "r", 0.0,
                      regions=(RegionRecord("written", "W", (f"w{n}", "w0"), 0.5, 0), region)
                      if n else (region,))
        for n in range(2500)
    ]  # fmt: skip
    store, plain = place.writer(), PlainStore()
    store.put(records)
    plain.put(records)
    store.flush()
    asked = words[:count]
    assert hit_rows(store.search_words(asked)) == plain.hits(asked)
    among = Compare("id", "in", tuple(range(0, 2 * count, 2)))
    assert hit_rows(store.search_words(["w0", "w8"], among)) == plain.hits(["w0", "w8"], among)
    assert store.ids(among).tolist() == plain.ids(among)
    some = list(range(count))
    assert store.forget(some) == plain.forget(some)
    store.flush()
    assert store.ids().tolist() == plain.ids()
    assert hit_rows(store.search_words(["w0"])) == plain.hits(["w0"])


@settings(
    max_examples=15, deadline=None, derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)  # fmt: skip
@given(st.lists(st.text(max_size=12), min_size=1, max_size=12, unique=True))
def test_any_text_can_be_a_token(many: tuple[Store, PlainStore], words: list[str]) -> None:
    store, _ = many
    plain = PlainStore()
    regions = tuple(RegionRecord("written", w, (w,), 0.5, n) for n, w in enumerate(words))
    picture = PictureRecord(1, "", (), "PNG", 1, 1, "r", 0.0, regions=regions)
    store.put([picture])
    plain.put([picture])
    store.flush()
    asked = [*words, "absent", *(w + "'" for w in words)]
    asked = list(dict.fromkeys(asked))
    only = Compare("id", "eq", 1)
    assert hit_rows(store.search_words(asked, only)) == plain.hits(asked)
    assert store.get([1]) == [picture]
    assert set(store.vocabulary().tokens) >= set(words)


def test_broken_text_is_kept_as_far_as_it_goes(place: Place) -> None:
    store = place.writer()
    broken = RegionRecord("title", "a\ud800b", ("a\ud800b", "x"), 0.5, 0)
    store.put([PictureRecord(1, "", (), "PNG", 1, 1, "r", 0.0, regions=(broken,))])
    store.flush()
    assert store.get([1])[0].regions[0].text == "a?b"
    assert len(store.search_words(["x", "a\ud800b"])) == 2


@pytest.mark.parametrize("maintained", [False, True])
def test_rows_that_no_index_knows_yet_are_found(place: Place, maintained: bool) -> None:
    rng = random.Random(1)
    words = ["".join(rng.choices(string.ascii_lowercase[:5], k=4)) for _ in range(300)]

    def picture(number: int) -> PictureRecord:
        regions = tuple(
            RegionRecord(FIELDS[0], w, (w, w[:2]), 0.5, n)
            for n, w in enumerate(rng.choices(words, k=6))
        )
        return PictureRecord(number, "", (), "PNG", 1, 1, "r", 0.0, regions=regions)

    store, plain = place.writer(), PlainStore()

    def put(numbers: range) -> None:
        pictures = [picture(number) for number in numbers]
        store.put(pictures)
        plain.put(pictures)
        store.flush()

    put(range(6000))
    if maintained:
        store.maintain()
    put(range(6000, 6100))
    put(range(50, 60))
    gone = list(range(100, 140))
    assert store.forget(gone) == plain.forget(gone)
    store.flush()
    asked = [*words[:20], "aa", "never"]
    assert hit_rows(store.search_words(asked)) == plain.hits(asked)
    assert store.get(range(45, 65)) == [plain.records[n] for n in range(45, 65)]
    store.maintain()
    store.maintain()
    assert hit_rows(store.search_words(asked)) == plain.hits(asked)
    assert hit_rows(place.reader().search_words(asked)) == plain.hits(asked)
    assert store.count() == len(plain.records)


def test_maintenance_changes_nothing_to_see(place: Place) -> None:
    store, plain = filled(place, range(30))
    reader = place.reader()
    seen = reader.refresh()
    for step in range(30):
        store.put([record(step % 7, seed=step)])
        plain.put([record(step % 7, seed=step)])
        store.flush()
    store.maintain()
    assert reader.refresh() > seen
    assert_same(reader, plain)
    assert_same(store, plain)


def random_steps(store: Store, plain: PlainStore, seed: int) -> None:
    rng = random.Random(seed)
    for step in range(60):
        numbers = rng.sample(range(25), rng.randrange(1, 6))
        match rng.randrange(6):
            case 0 | 1:
                pictures = [record(n, seed=step) for n in numbers]
                store.put(pictures)
                plain.put(pictures)
            case 2:
                assert store.forget(numbers) == plain.forget(numbers)
            case 3:
                stamps = {n: record(n + 1, seed=step).stamps for n in numbers}
                store.set_stamps(stamps)
                plain.set_stamps(stamps)
            case 4:
                store.flush()
                assert store.ids().tolist() == plain.ids()
            case 5 if rng.random() < 0.3:
                store.maintain()


@pytest.mark.parametrize("seed", range(3))
def test_any_order_of_changes(place: Place, seed: int) -> None:
    store, plain = place.writer(), PlainStore()
    random_steps(store, plain, seed)
    store.flush()
    assert_same(store, plain)
    assert_same(place.reader(), plain)
