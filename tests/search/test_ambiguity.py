"""When the best pictures look alike and differ by what is written in them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pytest

from sightread.explained import Refinement
from sightread.protocols import Store
from sightread.search.ambiguity import LEAST_ALIKE, MOST, Ambiguity
from sightread.search.channels import Channels
from sightread.search.engine import Engine
from sightread.search.query import parse
from sightread.store import open_store
from sightread.types import EncoderSpec, ImageEmbedding, PictureRecord
from tests.colours import ColourEncoder, direction
from tests.search.test_engine import line, picture

HOTEL, TREE = (250, 20, 10), (10, 250, 20)
SURE = (40.0, -35.0)
SPACE = "pictures"


def shown(
    number: int, colour: tuple[int, int, int], *words: str, confidence: float = 0.9
) -> PictureRecord:
    """A picture in which words are written and that the encoder takes for this colour."""
    record = picture(number, *line(*words, confidence=confidence))
    vector = direction(np.array(colour) + number % 5)
    return PictureRecord(
        **{name: getattr(record, name) for name in record.__slots__ if name != "embeddings"},
        embeddings={SPACE: ImageEmbedding(vector)},
    )


def hotels(*names: str, first: int = 1) -> list[PictureRecord]:
    return [shown(first + at, HOTEL, *name.split()) for at, name in enumerate(names)]


TREES = [shown(100 + at, (at * 9 % 250, 250, 20), "OAK", "ELM") for at in range(40)]
BLUES = [shown(200 + at, (20, at * 7 % 250, 250), "SEA") for at in range(40)]
CHAINS = (*["HILTON"] * 6, *["Ibis"] * 4, "LONELY", "")


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """Trees and water of many colours, so that two pictures at random are not alike. With hotels
    among them, which the answers of most tests do not come from."""
    opened = open_store(str(tmp_path_factory.mktemp("alike")), write=True, create=True)
    opened.open_space(ColourEncoder(space=SPACE, calibration=SURE).spec)
    opened.open_space(EncoderSpec("empty", 3, "r"))
    opened.put([*TREES, *BLUES, *hotels(*CHAINS)])
    opened.flush()
    yield opened
    opened.close()


def report(store: Store, query: str, records: Sequence[PictureRecord]) -> list[tuple[str, int]]:
    found = Ambiguity(store).report(parse(query), records, [SPACE])
    return [(one.word, one.pictures) for one in found]


def test_words_that_part_pictures_which_look_alike(store: Store) -> None:
    assert report(store, "hotel", hotels(*CHAINS)) == [("HILTON", 6), ("Ibis", 4)]


def test_nothing_is_said_of_pictures_that_do_not_look_alike(store: Store) -> None:
    colours = [(250, 0, 0), (0, 250, 0), (0, 0, 250), (250, 250, 0), (0, 250, 250), (250, 0, 250)]
    unlike = [shown(at, one, "AAAA" if at % 2 else "BBBB") for at, one in enumerate(colours)]
    assert report(store, "hotel", unlike) == []
    alike = [shown(at, HOTEL, "AAAA" if at % 2 else "BBBB") for at in range(len(colours))]
    assert report(store, "hotel", alike) == [("AAAA", 3), ("BBBB", 3)]


def test_only_those_that_look_alike_are_counted(store: Store) -> None:
    others = [shown(50 + at, (0, 0, 250), "HILTON") for at in range(3)]
    assert report(store, "x1", [*others, *hotels(*CHAINS)]) == [("HILTON", 6), ("Ibis", 4)]


@pytest.mark.parametrize(
    ("names", "why"),
    [
        (("HILTON",) * 9, "all say the same"),
        (("HILTON", "IBIS", "RITZ", "SAVOY", "ASTORIA"), "each says something else"),
        (("HILTON", "HILTON", "", "", "", ""), "one word alone"),
        (("HILTON IBIS",) * 3 + ("",) * 5, "both stand in the same pictures"),
        (("the",) * 3 + ("and",) * 3, "small words"),
        (("4",) * 3 + ("7",) * 3, "single digits"),
        (("ab",) * 3 + ("it",) * 3, "two letters"),
        (("HOTEL",) * 4 + ("HOTELS",) * 4 + ("H0TEL",) * 4, "the query itself, and misreadings"),
        (("A" * 5000,) * 4 + ("B" * 5000,) * 4, "endless words"),
        (("", "", "", "", "", ""), "nothing written"),
        (("!!",) * 3 + ("--",) * 3, "no letters"),
        ((), "no pictures"),
    ],
)
def test_quiet_where_nothing_can_be_told(store: Store, names: tuple[str, ...], why: str) -> None:
    assert report(store, "hotel", hotels(*names)) == [], why


def test_words_of_which_the_reader_is_not_sure_do_not_count(store: Store) -> None:
    unsure = [shown(at, HOTEL, "AAAA" if at % 2 else "BBBB", confidence=0.3) for at in range(8)]
    assert report(store, "hotel", unsure) == []


def test_numbers_and_words_within_words(store: Store) -> None:
    """63 on some jerseys, 754 on others; HOTEL on most of both is told besides."""
    names = (*["SQUAD 63"] * 4, *["SQUAD 754"] * 2, *["63"] * 2, *["754"] * 2)
    assert report(store, "player", hotels(*names)) == [("SQUAD", 6), ("63", 6), ("754", 4)]


def test_never_more_than_so_many(store: Store) -> None:
    names = [f"HOTEL{chr(97 + at // 2) * 3}" for at in range(40)]
    assert len(report(store, "x1", hotels(*names))) == MOST


def test_beside_a_frequent_word_a_rare_one_is_an_accident(store: Store) -> None:
    names = (*["HILTON"] * 12, *["IBIS"] * 3, *["EXIT"] * 2, *[""] * 4)
    assert report(store, "hotel", hotels(*names)) == [("HILTON", 12), ("IBIS", 3)]


def test_few_pictures_are_no_crowd(store: Store) -> None:
    few = hotels("HILTON", "HILTON", "IBIS", "IBIS")[: LEAST_ALIKE - 1]
    assert report(store, "hotel", few) == []


def test_a_spelling_that_can_be_typed(store: Store) -> None:
    """Edges are cut off, and what a query line could not say is left out."""
    names = (*["“HILTON,"] * 3, *["(Ibis)"] * 3, *["A*CE"] * 3, *['RI"TZ'] * 3)
    found = report(store, "hotel", hotels(*names))
    assert found == [("HILTON", 3), ("Ibis", 3)]
    assert parse(f'hotel "{found[0][0]}"').terms[1].words == ("HILTON",)


def test_the_library_is_asked_only_if_there_are_words_to_tell(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    ambiguity = Ambiguity(store)
    asked: list[int] = []
    once = store.get

    def counted(*given: object, **more: object) -> list[PictureRecord]:
        asked.append(1)
        return once(*given, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(store, "get", counted)
    for records in (hotels("", "", "", ""), hotels(*CHAINS), hotels(*CHAINS)):
        ambiguity.report(parse("hotel"), records, [SPACE])
    assert len(asked) == 1  # what two pictures have in common is taken once


def test_the_engine_tells_it_with_the_answer(store: Store) -> None:
    engine = Engine(store, Channels(store, lambda _: ColourEncoder(space=SPACE, calibration=SURE)))
    result = engine.search("red")
    assert result.refine == (Refinement("HILTON", 6), Refinement("Ibis", 4))
    narrower = engine.search('red "HILTON"')
    assert {hit.id for hit in narrower.hits} == set(range(1, 7))
    assert narrower.refine == ()
    assert engine.search("blue").refine == ()
    assert engine.search("path:photos").refine == ()
    assert Engine(store).search("hilton").refine == ()  # by words alone nothing looks alike


def test_a_space_without_vectors_of_these_pictures(store: Store) -> None:
    found = Ambiguity(store).report(parse("hotel"), hotels(*CHAINS), ["empty", SPACE])
    assert [one.word for one in found] == ["HILTON", "Ibis"]
    assert Ambiguity(store).report(parse("hotel"), hotels(*CHAINS), ["empty"]) == ()
