"""What any store has to do with vectors of regions. The oracle looks at each region."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from sightread.errors import LibraryError, UnsupportedFilter
from sightread.protocols import Store
from sightread.regions import RegionHits, RegionSpaceInfo
from sightread.store.regions import SIGNS_FROM
from sightread.types import (
    AllOf,
    Compare,
    EncoderSpec,
    Filter,
    Not,
    PictureRecord,
    RegionRecord,
)

from .conftest import Place
from .oracle import PlainStore, assert_same, embedding, record, with_vectors

WORDS = EncoderSpec("words", 8, "a" * 64, "spotter-tiny")
NEXT = replace(WORDS, dim=5, revision="d" * 64, name="spotter-next")


def queries(dim: int, count: int = 2) -> NDArray[np.float32]:
    return np.stack([embedding(-1 - n, dim).vector for n in range(count)])


def rows(hits: RegionHits) -> list[tuple[int, int, float]]:
    columns = (hits.picture.tolist(), hits.ordinal.tolist(), hits.score.tolist())
    return list(zip(*columns, strict=True))


def assert_regions(
    store: Store, plain: PlainStore, where: Filter | None = None, dim: int = 8
) -> None:
    """The store finds what the oracle finds, to the last bit."""
    asked = queries(dim)
    for k, least in ((1, -1.0), (5, -1.0), (1000, -1.0), (1000, 0.3), (3, 0.3)):
        found = store.search_regions("words", asked, k, where, least=least)
        assert [rows(hits) for hits in found] == [
            plain.nearest_regions(query, k, where, least) for query in asked
        ]


def filled(place: Place, count: int) -> tuple[Store, PlainStore]:
    store, plain = place.writer(), PlainStore()
    store.open_space(WORDS, "/models/spotter", of="regions")
    records = [with_vectors(record(number), 8) for number in range(count)]
    store.put(records)
    plain.put(records)
    store.flush()
    return store, plain


@pytest.mark.parametrize("count", [0, 1, 77])
def test_vectors_are_there_and_after_reopening_too(place: Place, count: int) -> None:
    store, plain = filled(place, count)
    assert_same(store, plain)
    assert_regions(store, plain)
    assert_regions(place.reader(), plain)
    store.close()
    assert_regions(place.writer(), plain)


def test_hits_have_the_agreed_types(place: Place) -> None:
    store, _ = filled(place, 60)
    [hits] = store.search_regions("words", queries(8, 1), 4)
    columns = (hits.picture, hits.ordinal, hits.score)
    assert [column.dtype.name for column in columns] == ["int64", "int32", "float32"]
    assert (len(hits), hits.line, hits.boxes) == (4, None, None)
    assert store.search_regions("words", queries(8)[:0], 4) == []


def test_what_was_read_comes_when_asked_for(place: Place) -> None:
    store, plain = filled(place, 60)
    for hits in store.search_regions("words", queries(8), 30, read=True):
        assert hits.line is not None
        assert hits.boxes is not None
        assert (hits.line.dtype.name, hits.boxes.dtype.name) == ("int32", "float32")
        assert len(hits) > 20
        for picture, ordinal, line, box in zip(
            hits.picture.tolist(), hits.ordinal.tolist(), hits.line, hits.boxes, strict=True
        ):
            region = plain.records[picture].regions[ordinal]
            assert (line, region.box) == (region.line, tuple(map(tuple, box.tolist())))
        found = [
            plain.records[picture].regions[ordinal]
            for picture, ordinal in zip(hits.picture.tolist(), hits.ordinal.tolist(), strict=True)
        ]
        assert hits.text == tuple(region.text for region in found)
        assert hits.confidence is not None
        assert hits.confidence.tolist() == [region.confidence for region in found]
    [none] = store.search_regions("words", queries(8, 1), 30, least=2.0, read=True)
    assert none.boxes is not None
    assert none.boxes.shape == (0, 4, 2)


def test_a_region_without_a_box_has_none(place: Place) -> None:
    store, _ = filled(place, 0)
    region = RegionRecord("written", "W", ("w",), 0.5, 3, vector=embedding(1, 8).vector)
    store.put([replace(record(7), regions=(region,), region_space="words")])
    store.flush()
    [hits] = store.search_regions("words", queries(8, 1), 30, read=True)
    assert hits.line is not None
    assert hits.boxes is not None
    assert hits.line.tolist() == [3]
    assert np.isnan(hits.boxes).all()


def test_the_spaces_of_regions_are_beside_those_of_pictures(place: Place) -> None:
    store, plain = filled(place, 30)
    same_name = EncoderSpec("words", 3, "b" * 64)
    store.open_space(same_name)
    store.set_embeddings("words", {4: embedding(4, 3)})
    store.flush()
    count = sum(region.vector is not None for r in plain.records.values() for region in r.regions)
    expected = (RegionSpaceInfo(WORDS, "/models/spotter", count),)
    for one in (store, place.reader()):
        assert one.region_spaces() == expected
        assert [(info.spec, info.pictures) for info in one.spaces()] == [(same_name, 1)]
        assert_regions(one, plain)
        [hits] = one.search_vectors("words", embedding(4, 3).vector[None], 5)
        assert hits.picture.tolist() == [4]


def test_vectors_go_with_the_reading(place: Place) -> None:
    store, plain = filled(place, 40)
    again = [
        with_vectors(record(3, seed=1), 8, seed=1),
        record(4, seed=1, regions=4),  # by a reader that gives none
        with_vectors(record(5, seed=1, regions=0), 8),
        with_vectors(record(99, regions=5), 8),
    ]
    store.put(again)
    store.put([with_vectors(record(3, seed=2, regions=3), 8, seed=2)])
    plain.put([*again, with_vectors(record(3, seed=2, regions=3), 8, seed=2)])
    assert store.forget([6, 99]) == plain.forget([6, 99]) == 2
    store.set_stamps({7: []})
    plain.set_stamps({7: []})
    store.flush()
    assert_same(store, plain)
    assert_regions(store, plain)
    assert_regions(place.reader(), plain)
    store.put([record(number) for number in range(40)])
    store.flush()
    assert store.region_spaces()[0].regions == 0
    assert [len(hits) for hits in store.search_regions("words", queries(8), 5)] == [0, 0]


def test_nobody_sees_vectors_that_are_not_flushed(place: Place) -> None:
    store, plain = filled(place, 10)
    reader = place.reader()
    store.put([with_vectors(record(100, regions=9), 8)])
    store.forget([2])
    for one in (store, reader):
        assert_regions(one, plain)
    store.close()
    assert_regions(place.writer(), plain)


CONDITIONS: list[Filter] = [
    Compare("id", "in", (2, 4, 6, 100, -3)),
    Compare("id", "in", tuple(range(1500))),
    Compare("id", "eq", 1),
    Compare("ext", "eq", "jpg"),
    Not(Compare("path", "contains", "/a/")),
    AllOf((Compare("has_text", "eq", True), Compare("id", "in", tuple(range(0, 70, 7))))),
    Compare("path", "eq", "/nowhere"),
]


@pytest.mark.parametrize("signs_from", [1, SIGNS_FROM])
def test_filters_apply_before_ranking(
    place: Place, signs_from: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sightread.store.regions.SIGNS_FROM", signs_from)
    store, plain = filled(place, 77)
    for where in CONDITIONS:
        assert_regions(store, plain, where)


def test_what_cannot_be_asked_or_put_is_refused(place: Place) -> None:
    store, _ = filled(place, 3)
    with pytest.raises(UnsupportedFilter):
        store.search_regions("words", queries(8), 1, Compare("ext", "ge", "x"))
    with pytest.raises(LibraryError, match=r"no vectors in the space entity.*--reader spotter"):
        store.search_regions("entity", queries(8), 1)
    with pytest.raises(LibraryError, match="no vectors in the space words"):
        store.search_vectors("words", queries(8), 1)
    with pytest.raises(LibraryError, match=r"shape \(2, 7\).* 8 dimensions"):
        store.search_regions("words", queries(7), 1)
    with pytest.raises(ValueError, match="k is 0"):
        store.search_regions("words", queries(8), 0)
    some = with_vectors(record(9, regions=9), 8)
    with pytest.raises(LibraryError, match="no space letters that a vector could go to"):
        store.put([replace(some, region_space="letters")])
    for bad in (np.zeros(4), np.full(8, np.nan)):
        wrong = replace(some.regions[0], vector=bad.astype(np.float32))
        with pytest.raises(LibraryError, match="words takes 8 finite numbers"):
            store.put([replace(some, regions=(wrong,))])
    assert store.count() == 3


def test_a_vector_of_zeros_is_far_from_everything(place: Place) -> None:
    store, _ = filled(place, 0)
    region = RegionRecord("written", "W", ("w",), 0.5, 0, vector=np.zeros(8, np.float32))
    store.put([replace(record(1), regions=(region,), region_space="words")])
    store.flush()
    [hits] = store.search_regions("words", queries(8, 1), 1)
    assert rows(hits) == [(1, 0, 0.0)]


def test_ties_go_by_id_and_then_by_region(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sightread.store.snapshot.ROWS_AT_ONCE", 13)
    store, plain = filled(place, 0)
    rng = random.Random(3)
    pictures = []
    for number in rng.sample(range(1000), 200):
        vectors = [embedding(rng.randrange(4), 8).vector for _ in range(3)]
        regions = tuple(RegionRecord("written", "W", ("w",), 0.5, 0, vector=v) for v in vectors)
        pictures.append(replace(record(number), regions=regions, region_space="words"))
    store.put(pictures)
    plain.put(pictures)
    store.flush()
    for reader in (store, place.reader()):
        for k in (1, 59, 61, 199, 200, 201):
            found = reader.search_regions("words", queries(8), k)
            for hits, query in zip(found, queries(8), strict=True):
                assert rows(hits) == plain.nearest_regions(query, k)


def test_the_old_vectors_serve_until_the_new_ones_are_complete(place: Place) -> None:
    store, plain = filled(place, 10)
    with pytest.raises(LibraryError, match=r"of revision aaaaaaaaaaaa \(spotter-tiny\).*--reread"):
        store.open_space(NEXT, "/models/new", of="regions")
    store.open_space(NEXT, "/models/new", replace=True, of="regions")
    new = [with_vectors(record(n, seed=1, regions=4), 5, seed=1) for n in (0, 1, 2)]
    store.put(new)
    store.flush()
    # Those that were read again are not found by what was read before.
    left, after = PlainStore(), PlainStore()
    left.put(with_vectors(record(n), 8) for n in range(3, 10))
    after.put(new)
    reader = place.reader()
    for one in (store, reader):
        assert_regions(one, left)
        assert [info.serving for info in one.region_spaces()] == [True, False]
    store.close()
    store = place.writer()
    store.open_space(NEXT, of="regions")
    store.switch_space("words", of="regions")
    for one in (store, place.reader()):
        assert [info.spec for info in one.region_spaces()] == [NEXT]
        assert_regions(one, after, dim=5)
    assert_regions(reader, left)  # has not refreshed
    assert plain.ids() == store.ids().tolist()


def test_a_space_of_pictures_goes_without_that_of_regions_of_the_same_name(place: Place) -> None:
    store, plain = filled(place, 5)
    assert not store.drop_space("words")
    store.open_space(replace(WORDS, dim=3), "/models/encoder")
    assert store.drop_space("words")
    for one in (store, place.reader()):
        assert one.spaces() == ()
        assert_regions(one, plain)


def test_any_order_of_changes(place: Place) -> None:
    rng = random.Random(4)
    store, plain = filled(place, 10)
    for step in range(30):
        numbers = rng.sample(range(25), rng.randrange(1, 6))
        match rng.randrange(6):
            case 0 | 1 | 2:
                pictures = [record(n, seed=step) for n in numbers]
                if rng.random() < 0.8:
                    pictures = [with_vectors(p, 8, step) for p in pictures]
                store.put(pictures)
                plain.put(pictures)
            case 3:
                assert store.forget(numbers) == plain.forget(numbers)
            case 4:
                store.flush()
                assert_regions(store, plain)
            case 5 if rng.random() < 0.3:
                store.maintain()
    store.flush()
    assert_same(store, plain)
    assert_regions(store, plain)
    assert_regions(place.reader(), plain)


# --- many -------------------------------------------------------------------------------------


def crowd(
    words: int, pictures: int, each: int, dim: int
) -> tuple[list[PictureRecord], Sequence[NDArray[np.float32]]]:
    """Pictures with `each` of so many words, every time a little different; and the words."""
    chance = np.random.default_rng(5)
    known = chance.standard_normal((words, dim))
    known /= np.linalg.norm(known, axis=1, keepdims=True)
    records = []
    for number in range(pictures):
        some = known[chance.integers(words, size=each)]
        some = some + 0.04 * chance.standard_normal(some.shape)
        some /= np.linalg.norm(some, axis=1, keepdims=True)
        regions = tuple(
            RegionRecord("written", "W", ("w",), 0.5, 0, vector=one)
            for one in some.astype(np.float32)
        )
        picture = PictureRecord(number, "", (), "PNG", 1, 1, "r", 0.0)
        records.append(replace(picture, regions=regions, region_space="words"))
    return records, list(known.astype(np.float32))


def test_many_vectors_are_searched_by_their_signs_and_scored_exactly(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sightread.store.regions.SIGNS_FROM", 3_000)
    store, plain = place.writer(), PlainStore()
    store.open_space(replace(WORDS, dim=96), of="regions")
    records, known = crowd(words=60, pictures=800, each=4, dim=96)
    store.put(records)
    plain.put(records)
    store.flush()
    store.maintain()
    tenth = Compare("id", "in", tuple(range(0, 800, 20)))
    some = Compare("id", "in", tuple(range(400)))
    cases: list[tuple[int, float, Filter | None]] = [
        (20, -1.0, None), (300, 0.6, None), (5, 0.99, None), (300, 0.6, some), (300, 0.6, tenth)
    ]  # fmt: skip
    for k, least, where in cases:
        found = store.search_regions("words", np.stack(known[:2]), k, where, least=least)
        for hits, query in zip(found, known, strict=False):
            assert rows(hits) == plain.nearest_regions(query, k, where, least)
