"""What any store has to do with vectors, whatever engine keeps it. The oracle is plain numpy."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from sightread.errors import LibraryError, UnsupportedFilter
from sightread.protocols import Store
from sightread.store import vectors
from sightread.types import (
    AllOf,
    Compare,
    EncoderSpec,
    Filter,
    ImageEmbedding,
    Not,
    SpaceInfo,
    VectorHits,
)

from .conftest import Place
from .oracle import PlainStore, assert_same, embedding, record

WORDS = EncoderSpec("scene-text", 7, "a" * 64, "fdp-tiny")
MEANING = EncoderSpec("caption", 3, "b" * 64)


def queries(dim: int, count: int = 2) -> NDArray[np.float32]:
    return np.stack([embedding(-1 - n, dim).vector for n in range(count)])


def rows(hits: VectorHits) -> list[tuple[int, float]]:
    return list(zip(hits.picture.tolist(), hits.score.tolist(), strict=True))


def assert_vectors(
    store: Store,
    plain: PlainStore,
    specs: Sequence[EncoderSpec] = (WORDS, MEANING),
    where: Filter | None = None,
) -> None:
    """The store has the vectors of the oracle, bit for bit, and ranks like it."""
    for spec in specs:
        assert store.encoded(spec.space, spec.revision).tolist() == plain.encoded(spec.space)
        asked = queries(spec.dim)
        for k in (1, 5, 1000):
            found = store.search_vectors(spec.space, asked, k, where)
            assert [rows(hits) for hits in found] == [
                plain.nearest(spec.space, query, k, where) for query in asked
            ]
    for picture in store.get(plain.ids(), regions=False, embeddings=True):
        expected = plain.records[picture.id].embeddings
        assert picture.embeddings.keys() == expected.keys()
        for space, one in picture.embeddings.items():
            assert one.vector.dtype == np.float32
            assert one.vector.tobytes() == expected[space].vector.tobytes()
            assert one.areas == expected[space].areas
    assert all(not one.embeddings for one in store.get(plain.ids()))


def filled(place: Place, count: int) -> tuple[Store, PlainStore]:
    """Pictures 0, 1, 2, ...: every second one has a word vector, every third one a meaning."""
    store, plain = place.writer(), PlainStore()
    store.open_space(WORDS, "/models/fdp")
    store.open_space(MEANING)
    for number in range(count):
        given = {}
        if number % 2 == 0:
            given["scene-text"] = embedding(number, 7)
        if number % 3 == 0:
            given["caption"] = embedding(number, 3)
        picture = replace(record(number), embeddings=given)
        store.put([picture])
        plain.put([picture])
    store.flush()
    return store, plain


@pytest.mark.parametrize("count", [0, 1, 77])
def test_vectors_are_there_and_after_reopening_too(place: Place, count: int) -> None:
    store, plain = filled(place, count)
    assert_vectors(store, plain)
    assert_vectors(place.reader(), plain)
    store.close()
    assert_vectors(place.writer(), plain)


def test_hits_have_the_agreed_types(place: Place) -> None:
    store, _ = filled(place, 20)
    [hits] = store.search_vectors("scene-text", queries(7, 1), 4)
    assert (hits.picture.dtype.name, hits.score.dtype.name, len(hits)) == ("int64", "float32", 4)
    assert store.search_vectors("scene-text", queries(7)[:0], 4) == []


def test_the_spaces_say_what_there_is(place: Place) -> None:
    store, _ = filled(place, 10)
    expected = (
        SpaceInfo(MEANING, "", 4),  # 0, 3, 6, 9
        SpaceInfo(WORDS, "/models/fdp", 5),
    )
    assert store.spaces() == expected
    assert place.reader().info().spaces == expected


def test_a_picture_put_again_keeps_the_vectors_that_it_does_not_bring(place: Place) -> None:
    store, plain = filled(place, 20)
    again = [
        replace(record(6, seed=1), embeddings={"caption": embedding(6, 3, seed=1)}),
        record(4, seed=1),
        replace(record(1, seed=1), embeddings={"scene-text": embedding(1, 7)}),
    ]
    store.put(again)
    store.put([record(6, seed=2)])
    plain.put([*again, record(6, seed=2)])
    store.flush()
    assert_vectors(store, plain)


def test_forgotten_pictures_have_no_vectors(place: Place) -> None:
    store, plain = filled(place, 20)
    store.put([replace(record(30), embeddings={"caption": embedding(30, 3)})])
    plain.put([record(30)])
    for number in (0, 6, 30):
        assert store.forget([number]) == 1
        plain.forget([number])
    store.put([record(6, seed=1), record(30)])  # back again, but not encoded
    plain.put([record(6, seed=1), record(30)])
    store.flush()
    assert_vectors(store, plain)
    assert_vectors(place.reader(), plain)


def test_vectors_are_added_to_known_pictures_only(place: Place) -> None:
    store, plain = filled(place, 20)
    store.put([record(30)])
    plain.put([record(30)])
    new = {number: embedding(number, 7, seed=2) for number in (0, 1, 3, 30, 555, -1)}
    store.set_embeddings("scene-text", new)
    plain.set_embeddings("scene-text", new)
    assert_same(place.reader(), filled_plain(20))
    store.flush()
    assert_vectors(store, plain)
    assert_vectors(place.reader(), plain)


def test_vectors_are_removed_alone(place: Place) -> None:
    store, plain = filled(place, 20)
    gone: dict[int, ImageEmbedding | None] = dict.fromkeys((0, 3, 7, 555))
    for one in (store, plain):
        one.set_embeddings("caption", gone)
    store.flush()
    assert_vectors(store, plain)
    assert_vectors(place.reader(), plain)
    for one in (store, plain):  # removed, made again and removed again in one step
        one.set_embeddings("caption", {1: None, 3: embedding(3, 3), 6: embedding(6, 3, seed=9)})
        one.set_embeddings("caption", {1: embedding(1, 3, seed=4), 6: None, 9: None})
    store.flush()
    assert_vectors(store, plain)
    again = {number: embedding(number, 3, seed=5) for number in (0, 9)}
    for one in (store, plain):
        one.set_embeddings("caption", again)
    store.flush()
    assert_vectors(place.reader(), plain)


def filled_plain(count: int) -> PlainStore:
    plain = PlainStore()
    plain.put(record(number) for number in range(count))
    return plain


def test_nobody_sees_vectors_that_are_not_flushed(place: Place) -> None:
    store, plain = filled(place, 10)
    reader = place.reader()
    store.set_embeddings("caption", {1: embedding(1, 3)})
    assert_vectors(store, plain)
    store.flush()
    assert_vectors(reader, plain)
    reader.refresh()
    plain.set_embeddings("caption", {1: embedding(1, 3)})
    assert_vectors(reader, plain)
    store.set_embeddings("caption", {2: embedding(2, 3)})
    store.close()
    assert_vectors(place.writer(), plain)


CONDITIONS: list[Filter] = [
    Compare("id", "in", (2, 4, 6, 100, -3)),
    Compare("id", "in", tuple(range(1500))),
    Compare("id", "eq", 1),
    Compare("ext", "eq", "jpg"),
    Not(Compare("path", "contains", "/a/")),
    AllOf((Compare("has_text", "eq", True), Compare("id", "in", tuple(range(0, 70, 7))))),
    Compare("path", "eq", "/nowhere"),
]


@pytest.mark.parametrize("where", CONDITIONS, ids=repr)
def test_filters_apply_before_ranking(place: Place, where: Filter) -> None:
    store, plain = filled(place, 77)
    assert_vectors(store, plain, where=where)
    assert_vectors(store, plain, where=where)  # once more, now that they are held


def test_what_cannot_be_asked_is_refused(place: Place) -> None:
    store, _ = filled(place, 3)
    with pytest.raises(UnsupportedFilter):
        store.search_vectors("caption", queries(3), 1, Compare("ext", "ge", "x"))
    with pytest.raises(LibraryError, match="no vectors in the space entity"):
        store.search_vectors("entity", queries(3), 1)
    with pytest.raises(LibraryError, match=r"shape \(2, 7\).* 3 dimensions"):
        store.search_vectors("caption", queries(7), 1)
    with pytest.raises(ValueError, match="k is 0"):
        store.search_vectors("caption", queries(3), 0)
    with pytest.raises(LibraryError, match="no space entity that a vector could go to"):
        store.set_embeddings("entity", {1: embedding(1, 3)})
    with pytest.raises(LibraryError, match="no space entity"):
        store.put([replace(record(9), embeddings={"entity": embedding(9, 3)})])
    for bad in (np.zeros(4), np.zeros((1, 3)), np.array([0, np.nan, 1])):
        wrong = ImageEmbedding(bad.astype(np.float32))
        with pytest.raises(LibraryError, match=r"caption takes 3 finite numbers, not \["):
            store.set_embeddings("caption", {1: wrong})
        with pytest.raises(LibraryError, match="caption takes 3 finite numbers"):
            store.put([replace(record(9), embeddings={"caption": wrong})])
    assert store.count() == 3


def test_ties_go_by_id_wherever_the_pictures_lie(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Equal vectors in many pieces: what a matrix product makes of a row depends on its neighbours.
    monkeypatch.setattr("sightread.store.snapshot.ROWS_AT_ONCE", 13)
    monkeypatch.setattr(vectors, "HELD_ROWS_AT_ONCE", 17)
    store, plain = place.writer(), PlainStore()
    spec = EncoderSpec("scene-text", 96, "c")
    store.open_space(spec)
    numbers = random.Random(3).sample(range(1000), 300)
    pictures = [
        replace(record(n, regions=0), embeddings={"scene-text": embedding(n % 5, 96)})
        for n in numbers
    ]
    store.put(pictures)
    plain.put(pictures)
    store.flush()
    for reader in (store, place.reader()):
        for k in (1, 59, 61, 200, 300, 301):
            found = reader.search_vectors("scene-text", queries(96), k)
            for hits, query in zip(found, queries(96), strict=True):
                assert rows(hits) == plain.nearest("scene-text", query, k)


def test_tables_too_large_to_be_held_answer_the_same(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vectors, "HELD_BYTES", 0)
    store, plain = filled(place, 77)
    for where in (None, *CONDITIONS):
        assert_vectors(store, plain, where=where)


def test_maintenance_changes_no_vector(place: Place) -> None:
    store, plain = filled(place, 10)
    for step in range(30):
        new = {number: embedding(number, 7, seed=step) for number in (step % 4, 8)}
        store.set_embeddings("scene-text", new)
        plain.set_embeddings("scene-text", new)
        store.flush()
    store.maintain()
    assert_vectors(store, plain)
    assert_vectors(place.reader(), plain)


@pytest.mark.parametrize("maintained", [False, True])
def test_many_vectors_with_and_without_an_index(place: Place, maintained: bool) -> None:
    store, plain = place.writer(), PlainStore()
    store.open_space(MEANING)
    pictures = [
        replace(record(n, regions=0), embeddings={"caption": embedding(n, 3)}) for n in range(6000)
    ]
    store.put(pictures)
    plain.put(pictures)
    store.flush()
    if maintained:
        store.maintain()
    changed = {n: embedding(n, 3, seed=1) for n in range(5000, 6000, 10)}
    store.set_embeddings("caption", changed)
    plain.set_embeddings("caption", changed)
    gone = list(range(100, 1300))
    assert store.forget(gone) == plain.forget(gone)
    store.flush()
    where = Compare("id", "in", tuple(range(0, 6000, 3)))
    for asked in (None, where, Compare("id", "in", tuple(range(5000, 5020)))):
        [hits] = store.search_vectors("caption", queries(3, 1), 50, asked)
        assert rows(hits) == plain.nearest("caption", queries(3)[0], 50, asked)
    assert store.encoded("caption", MEANING.revision).tolist() == plain.encoded("caption")


# --- another revision --------------------------------------------------------------------------

NEXT = replace(WORDS, dim=5, revision="d" * 64, name="fdp-next")


def test_vectors_of_two_revisions_are_not_mixed(place: Place) -> None:
    store, plain = filled(place, 10)
    with pytest.raises(LibraryError) as caught:
        store.open_space(NEXT, "/models/new")
    assert str(caught.value).startswith(
        f"The vectors in the space scene-text of {place.uri} are of revision aaaaaaaaaaaa "
        "(fdp-tiny), and this encoder has revision dddddddddddd (fdp-next); they must not be "
        "mixed: `sightread index --encoder /models/new --reencode FOLDER...` encodes"
    )
    assert_vectors(store, plain)


def test_the_old_vectors_serve_until_the_new_ones_are_complete(place: Place) -> None:
    store, plain = filled(place, 10)
    store.open_space(NEXT, "/models/new", replace=True)
    new = {number: embedding(number, 5) for number in (0, 1, 2)}
    store.set_embeddings("scene-text", new)
    store.put([replace(record(11), embeddings={"scene-text": embedding(11, 5)})])
    store.flush()
    plain.put([record(11)])
    reader = place.reader()
    for one in (store, reader):
        assert_vectors(one, plain)
        assert one.encoded("scene-text", NEXT.revision).tolist() == [0, 1, 2, 11]
        assert one.spaces()[1:] == (
            SpaceInfo(WORDS, "/models/fdp", 5),
            SpaceInfo(NEXT, "/models/new", 4, serving=False),
        )
    store.close()
    store = place.writer()  # goes on where it stopped, with nothing to be said twice
    store.open_space(NEXT)
    store.set_embeddings("scene-text", {3: embedding(3, 5)})
    store.forget([0])
    store.switch_space("scene-text")
    after = PlainStore()
    after.put(record(number) for number in (*range(1, 10), 11))
    after.set_embeddings("scene-text", {n: embedding(n, 5) for n in (1, 2, 3, 11)})
    after.set_embeddings("caption", {n: embedding(n, 3) for n in (3, 6, 9)})
    assert_vectors(store, after, (NEXT, MEANING))
    assert_vectors(place.reader(), after, (NEXT, MEANING))
    assert store.spaces()[1:] == (SpaceInfo(NEXT, "/models/new", 4),)
    assert store.encoded("scene-text", WORDS.revision).tolist() == []
    assert_vectors(reader, plain)  # has not refreshed: its files are kept for a while
    reader.refresh()
    assert_vectors(reader, after, (NEXT, MEANING))
    store.switch_space("scene-text")  # there is no follower
    assert_vectors(store, after, (NEXT, MEANING))


def test_a_space_is_dropped_with_all_its_vectors(place: Place) -> None:
    store, plain = filled(place, 10)
    store.open_space(NEXT, "/models/new", replace=True)
    store.set_embeddings("scene-text", {1: embedding(1, 5)})
    reader = place.reader()
    assert store.drop_space("scene-text")
    assert not store.drop_space("scene-text")
    reader.refresh()
    for one in (store, reader, place.reader()):
        assert [info.spec.space for info in one.spaces()] == ["caption"]
        assert one.ids().tolist() == plain.ids()
        assert one.encoded("caption", MEANING.revision).tolist() == plain.encoded("caption")
    store.open_space(NEXT, "/models/new")  # any model may begin anew
    store.set_embeddings("scene-text", {2: embedding(2, 5)})
    store.flush()
    assert store.encoded("scene-text", NEXT.revision).tolist() == [2]
    with pytest.raises(LibraryError, match="read"):
        reader.drop_space("caption")


def test_the_old_encoder_goes_on_while_another_one_is_to_follow(place: Place) -> None:
    store, plain = filled(place, 4)
    store.open_space(NEXT, replace=True)
    store.set_embeddings("scene-text", {1: embedding(1, 5)})
    store.open_space(WORDS)
    store.set_embeddings("scene-text", {3: embedding(3, 7)})
    plain.set_embeddings("scene-text", {3: embedding(3, 7)})
    store.flush()
    assert_vectors(store, plain)
    assert store.encoded("scene-text", NEXT.revision).tolist() == [1]
    third = replace(NEXT, revision="e" * 64, dim=2)
    store.open_space(third, replace=True)
    assert store.encoded("scene-text", NEXT.revision).tolist() == []
    assert [one.spec.revision[0] for one in store.spaces()] == ["b", "a", "e"]
    assert_vectors(store, plain)


def test_the_same_revision_may_move_and_be_calibrated(place: Place) -> None:
    store, plain = filled(place, 4)
    calibrated = replace(WORDS, calibration=(21.5, -9.25))
    store.open_space(calibrated, "/elsewhere/\udcff")
    assert place.reader().spaces()[1] == SpaceInfo(calibrated, "/elsewhere/\udcff", 2)
    store.open_space(calibrated)  # nobody knows where it is now: the hint stays
    assert store.spaces()[1].folder == "/elsewhere/\udcff"
    before = store.refresh()
    store.open_space(calibrated, "/elsewhere/\udcff")
    assert store.refresh() == before
    assert_vectors(store, plain)


@pytest.mark.parametrize("seed", range(2))
def test_any_order_of_changes(place: Place, seed: int) -> None:
    rng = random.Random(seed)
    store, plain = place.writer(), PlainStore()
    store.open_space(WORDS)
    store.open_space(MEANING)
    for step in range(60):
        numbers = rng.sample(range(25), rng.randrange(1, 6))
        spec = rng.choice((WORDS, MEANING))
        given = {n: embedding(n, spec.dim, step) for n in numbers}
        match rng.randrange(6):
            case 0 | 1:
                pictures = [record(n, seed=step) for n in numbers]
                if rng.random() < 0.7:
                    pictures = [replace(p, embeddings={spec.space: given[p.id]}) for p in pictures]
                store.put(pictures)
                plain.put(pictures)
            case 2:
                assert store.forget(numbers) == plain.forget(numbers)
            case 3:
                store.set_embeddings(spec.space, given)
                plain.set_embeddings(spec.space, given)
            case 4:
                store.flush()
                assert store.ids().tolist() == plain.ids()
            case 5 if rng.random() < 0.3:
                store.maintain()
    store.flush()
    assert_vectors(store, plain)
    assert_vectors(place.reader(), plain)
