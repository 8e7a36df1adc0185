"""Whole answers from a real store with hand-made records."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from sightread.errors import QueryError, UsageError
from sightread.search.calibrate import DEFAULT_THRESHOLD, FALLBACK_THRESHOLD
from sightread.search.engine import EVERYTHING, Engine, Floors
from sightread.search.entities import Aid
from sightread.search.evidence import Found
from sightread.store import open_store
from sightread.text import tokens
from sightread.types import (
    Field,
    Metadata,
    PathStamp,
    PictureRecord,
    Quad,
    Query,
    RegionRecord,
    Result,
)

Placed = tuple[str, float, float]


def box(x: float, y: float, width: float = 80, height: float = 30) -> Quad:
    return ((x, y), (x + width, y), (x + width, y + height), (x, y + height))


def written(text: str, x: float, y: float, line: int, confidence: float = 0.99) -> RegionRecord:
    return RegionRecord("written", text, tokens(text), confidence, line, box(x, y))


def typed(field: Field, text: str, line: int) -> list[RegionRecord]:
    return [RegionRecord(field, word, tokens(word), 1.0, line) for word in text.split()]


def picture(
    number: int, *regions: RegionRecord, path: str = "", taken_at: float | None = None
) -> PictureRecord:
    return PictureRecord(
        id=number,
        sha256=f"{number:064x}",
        stamps=(PathStamp(path or f"/photos/{number}.jpg", 1, 1),),
        format="JPEG",
        width=640,
        height=480,
        reader="test",
        indexed_at=0.0,
        metadata=Metadata(taken_at=taken_at),
        regions=regions,
    )


def line(
    *words: str, y: float = 0, number: int = 0, confidence: float = 0.99
) -> list[RegionRecord]:
    return [written(w, 100.0 * i, y, number, confidence) for i, w in enumerate(words)]


PICTURES = [
    picture(1, *line("COFFEE", "SHOP")),
    picture(2, *line("Coffee", number=0), *line("Shop", y=40, number=1)),  # one under the other
    picture(3, *line("coffee", number=0), *line("shop", y=400, number=1)),  # far apart
    picture(4, *line("COFFEESHOP")),
    picture(5, *line("TOFFEE")),
    picture(6, *line("C0FFEE", confidence=0.6)),
    picture(7, *line("No", "Parking"), path="/photos/2024/street.png", taken_at=1_714_521_600.0),
    picture(8, *line("Taxi", "Parking"), path="/photos/2023/rank.jpg"),
    picture(9, *line("RE-16A", "PRICE", "£1.44")),
    picture(10, *line("Ausstellung"), *typed("title", "Old Harbour", 1)),
    picture(11, *typed("person", "Ada Lovelace", 0), *typed("caption", "coffee at noon", 1)),
    picture(12, *line("INFOR", "MATION")),
    picture(13, *line("Zürich")),
    picture(14, *line("東京駅")),
    picture(15, *line("144")),
]


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    folder: Path = tmp_path_factory.mktemp("engine") / "library"
    store = open_store(str(folder), write=True, create=True)
    store.put(PICTURES)
    store.flush()
    yield Engine(store)
    store.close()


def ids(result: Result) -> list[int]:
    return [hit.id for hit in result.hits]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("re-16-a", [9]),
        ('"zurich"', [13]),
        ('"ZÜRICH"~0', [13]),
        ('"no parking"', [7]),
        ("parking -taxi", [7]),
        ('parking -"no parking"', [8]),
        ("parking path:2023", [8]),
        ("parking ext:png", [7]),
        ("parking after:2024-05", [7]),
        ("parking before:2024-05", []),
        ("re-16a", [9]),
        ("re16a", [9]),
        ('"RE16*"', [9]),
        ('"*stell*"', [10]),
        ("title:harbour", [10]),
        ("harbour", [10]),
        ('"harbour"', []),  # quoted: written in the picture
        ('title:"old harbour"', [10]),
        ('title:"harbour old"', []),
        ('person:"ada lovelace"', [11]),
        ("caption:coffee", [11]),
        ('"information"', [12]),  # read in two pieces
        ('"東京"~0', [14]),
        ('"1.44"~0', [9]),
        ('"toffe"~1', [5]),
        ('"toffe"~0', []),
        ("qqzzyx", []),
    ],
)
def test_queries(engine: Engine, query: str, found: list[int]) -> None:
    assert sorted(ids(engine.search(query))) == found


def test_exact_before_everything_else(engine: Engine) -> None:
    result = engine.search('"coffee"', threshold=0)
    assert set(ids(result)[:3]) == {1, 2, 3}
    kinds = {hit.id: hit.evidence[0].match for hit in result.hits}
    assert kinds[1] == "exact"
    assert kinds[6] == "look-alike"
    assert kinds[5] == "edits"
    assert kinds[4] == "part"
    weak = {hit.id for hit in result.hits if (hit.probability or 0) < result.threshold}
    assert not weak
    assert set(ids(engine.search('"coffee"'))) <= {1, 2, 3, 6}  # toffee is another word


def test_phrase_by_geometry(engine: Engine) -> None:
    result = engine.search('"coffee shop"', threshold=0)
    by_id = {hit.id: hit for hit in result.hits}
    assert by_id[1].score >= by_id[2].score > by_id[4].score > by_id[3].score
    assert [len(e.boxes) for e in by_id[1].evidence] == [2]
    assert set(ids(engine.search('"coffee shop"'))) == {1, 2, 4}
    assert ids(engine.search('"shop coffee"')) == []


def test_punctuation_inside_a_word_counts(engine: Engine) -> None:
    result = engine.search('"1.44"', threshold=0)
    assert ids(result)[:2] == [9, 15]
    assert ids(engine.search('"144"', threshold=0))[0] == 15


def test_pages_and_totals(engine: Engine) -> None:
    every = engine.search('"coffee"', threshold=0)
    assert every.total == len(every.hits)
    pages = [engine.search('"coffee"', threshold=0, k=2, offset=n) for n in range(0, 8, 2)]
    assert [i for page in pages for i in ids(page)] == ids(every)
    strict = engine.search('"coffee"')
    assert strict.total + strict.below <= every.total
    assert strict.threshold == DEFAULT_THRESHOLD


def test_doubtful_matches_only_where_there_is_nothing_better(tmp_path: Path) -> None:
    store = open_store(str(tmp_path / "library"), write=True, create=True)
    store.put([picture(1, *line("OFFEE")), picture(2, *line("SUGAR")), picture(3, *line("TEAPOT"))])
    store.flush()
    engine = Engine(store)
    result = engine.search('"coffee"')  # a covered initial
    assert ids(result) == [1]
    assert result.threshold == FALLBACK_THRESHOLD
    assert FALLBACK_THRESHOLD < (result.hits[0].probability or 0) < DEFAULT_THRESHOLD
    assert ids(engine.search('"coffee"', threshold=DEFAULT_THRESHOLD)) == []
    store.put([picture(4, *line("COFFEE"))])
    store.flush()
    assert ids(engine.search('"coffee"')) == [4]
    store.close()


def test_not_found_names_what_is_near(engine: Engine) -> None:
    result = engine.search('"toffey"')
    assert result.total == 0
    assert "toffee" in result.nearest


def test_answer_carries_place_and_echo(engine: Engine) -> None:
    result = engine.search("  “No   parking” ")
    assert result.query == '"No parking"'
    [hit] = result.hits
    assert hit.path == "/photos/2024/street.png"
    assert hit.probability is not None
    assert hit.probability > 0.8
    [evidence] = hit.evidence
    assert evidence.word == "No Parking"
    assert evidence.boxes == (box(0, 0), box(100, 0))
    assert evidence.channel == "written"


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("path:2024/", [7]),
        ("path:photos/20", [7, 8]),
        ("path:photos/20 -taxi", [7]),
        ("path:photos/20 -parking", []),
        ("ext:png before:2030", [7]),
        ("path:nowhere/", []),
    ],
)
def test_filters_alone_list_what_fits(engine: Engine, query: str, found: list[int]) -> None:
    result = engine.search(query)
    assert ids(result) == found
    assert (result.total, result.below, result.nearest) == (len(found), 0, ())
    assert engine.search(query, threshold=1.0, sort="date").hits == result.hits
    for hit in result.hits:
        assert (hit.score, hit.probability, hit.evidence) == (0.0, None, ())


def test_a_list_is_newest_first_and_then_by_path(tmp_path: Path) -> None:
    store = open_store(str(tmp_path / "library"), write=True, create=True)
    store.put(
        [
            picture(1, path="/p/b.png"),
            picture(2, path="/p/old.png", taken_at=5.0),
            picture(3, path="/p/A.png"),
            picture(4, path="/p/new.png", taken_at=9.0),
        ]
    )
    store.flush()
    engine = Engine(store)
    assert ids(engine.search("path:/p/")) == [4, 2, 3, 1]
    assert ids(engine.search("path:/p/", k=2, offset=1)) == [2, 3]
    store.close()


def test_exclusions_alone_find_nothing(engine: Engine) -> None:
    with pytest.raises(UsageError, match="only exclusions; add a word or a filter"):
        engine.search("-taxi -parking")


def test_wrong_numbers(engine: Engine) -> None:
    with pytest.raises(UsageError, match="threshold is 2"):
        engine.search("a", threshold=2)
    with pytest.raises(UsageError, match="k is 0"):
        engine.search("a", k=0)
    with pytest.raises(QueryError):
        engine.search('"unbalanced')


def test_new_pictures_are_seen(tmp_path: Path) -> None:
    writer = open_store(str(tmp_path / "library"), write=True, create=True)
    reader = Engine(open_store(str(tmp_path / "library")))
    assert reader.search("sale").total == 0
    writer.put([picture(1, *line("SALE"))])
    assert reader.search("sale").total == 0
    writer.flush()
    assert ids(reader.search("sale")) == [1]
    writer.forget([1])
    writer.flush()
    assert reader.search("sale").total == 0
    writer.close()


def test_newest_first_and_without_a_date_last(engine: Engine) -> None:
    best = engine.search("parking", threshold=0.0)
    newest = engine.search("parking", threshold=0.0, sort="date")
    assert sorted(ids(newest)) == sorted(ids(best))
    assert ids(newest)[0] == 7  # the only one with a date
    assert ids(newest)[1:] == [number for number in ids(best) if number != 7]
    assert [hit.evidence[0].rank for hit in newest.hits] == list(range(1, newest.total + 1))
    assert (
        ids(engine.search("parking", threshold=0.0, sort="date", k=1, offset=1)) == ids(newest)[1:2]
    )


def test_pages_of_an_answer_cost_one_ranking(tmp_path: Path) -> None:
    store = open_store(str(tmp_path / "library"), write=True, create=True)
    store.put(PICTURES)
    store.flush()
    asked = []

    class Counted(Engine):
        def find(
            self,
            query: Query,
            floors: Floors = EVERYTHING,
            depth: int = 200,
            aid: Aid | None = None,
        ) -> Found:
            asked.append(query)
            return super().find(query, floors, depth, aid)

    engine = Counted(store)
    pages = [ids(engine.search("coffee", threshold=0.0, k=2, offset=at)) for at in (0, 2, 4)]
    assert len(asked) == 1
    whole = ids(Engine(store).search("coffee", threshold=0.0))
    assert [one for page in pages for one in page] == whole[:6]
    store.put([picture(99, *line("coffee"))])
    store.flush()  # a ranking that was remembered is of another commit now
    assert 99 in ids(engine.search("coffee", threshold=0.0))
    store.close()
