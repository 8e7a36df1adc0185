"""Answers to which encoders contribute, with vectors that can be counted by hand."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from sightread.errors import LibraryError, UsageError
from sightread.protocols import DualEncoder, Store
from sightread.search.calibrate import DEFAULT_THRESHOLD, FALLBACK_THRESHOLD
from sightread.search.channels import Channels, strings
from sightread.search.engine import Engine
from sightread.search.query import parse
from sightread.store import open_store
from sightread.types import (
    Hit,
    ImageEmbedding,
    PictureRecord,
    Quad,
    RegionRecord,
    Result,
    SpaceInfo,
    TextArea,
    Vectors,
)

from ..colours import NAMES, ColourEncoder, direction
from .test_engine import ids, line, picture, typed

AREA: Quad = ((5.0, 6.0), (50.0, 6.0), (50.0, 20.0), (5.0, 20.0))

# With these, a cosine of 1 means 0.9933, of 1/sqrt(2) 0.2969, of 1/sqrt(3) 0.0306, of 0 nothing.
LINE = (20.0, -15.0)


def sure(cosine: float) -> float:
    return float(1 / (1 + np.exp(-(LINE[0] * cosine + LINE[1]))))


def coloured(
    number: int,
    colour: str,
    *regions: RegionRecord,
    spaces: tuple[str, ...] = ("scene-text",),
    path: str = "",
) -> PictureRecord:
    embedding = ImageEmbedding(direction(np.array(NAMES[colour])), (TextArea(AREA, 0.5),))
    return replace(
        picture(number, *regions, path=path), embeddings=dict.fromkeys(spaces, embedding)
    )


PICTURES = [
    coloured(1, "red", *line("RED")),
    coloured(2, "red"),
    coloured(3, "blue", *line("RED")),
    coloured(4, "blue", *line("SALE")),
    coloured(5, "red", *line("SALE"), path="/photos/2024/x.png"),
    coloured(6, "yellow", *typed("title", "harbour", 0)),
    picture(7, *line("RED")),  # not encoded
    coloured(8, "white", *line("NO", "PARKING")),
]


class Desk:
    """A library with coloured pictures, and the encoders that are asked in it."""

    def __init__(self, folder: Path) -> None:
        self.store: Store = open_store(str(folder), write=True, create=True)
        self.tried: list[str] = []

    def fill(self, *encoders: ColourEncoder, pictures: list[PictureRecord] = PICTURES) -> Engine:
        for encoder in encoders:
            self.store.open_space(encoder.spec, f"/models/{encoder.spec.space}")
        self.store.put(pictures)
        self.store.flush()
        by_space = {encoder.spec.space: encoder for encoder in encoders}
        return self.engine(lambda info: by_space[info.spec.space])

    def engine(self, open_encoder: Callable[[SpaceInfo], DualEncoder]) -> Engine:
        def opened(info: SpaceInfo) -> DualEncoder:
            self.tried.append(info.folder)
            return open_encoder(info)

        return Engine(self.store, Channels(self.store, opened))


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path / "library")
    yield made
    made.store.close()


def by_id(result: Result) -> dict[int, Hit]:
    return {hit.id: hit for hit in result.hits}


# --- what is asked ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("Coffee", ["Coffee"]),
        ('"coffee shop"', ["coffee shop"]),
        ('written:"coffee shop"', ["coffee shop"]),
        ("yellow sign taxi", ["yellow", "sign", "taxi", "yellow sign taxi"]),
        ('"sale" red sign', ["sale", "red", "sign", "sale red sign"]),
        ('"sale" "red"', ["sale", "red"]),
        ("coffee~0 tea~1 wat* *ine* title:milk -beer", []),
        ("red RE16* -blue path:2024", ["red"]),
    ],
)
def test_the_strings_of_a_query(query: str, expected: list[str]) -> None:
    assert [one.text for one in strings(parse(query))] == expected


def test_the_free_query_stands_for_the_unquoted_terms() -> None:
    *_, free = strings(parse('RE16* "sale" red -blue sign'))
    assert (free.text, free.terms, free.free) == ("sale red sign", (2, 4), True)


def test_encoders_of_meaning_are_not_asked_what_is_written(desk: Desk) -> None:
    words, meaning = ColourEncoder(calibration=LINE), ColourEncoder(space="caption")
    both = [coloured(1, "red", spaces=("scene-text", "caption"))]
    engine = desk.fill(words, meaning, pictures=both)
    engine.search('"sale" red sign')
    assert words.asked == ["sale", "red", "sign", "sale red sign"]
    assert meaning.asked == ["red", "sign", "sale red sign"]


# --- an encoder with probabilities ------------------------------------------------------------


def test_what_only_the_encoder_found_is_found(desk: Desk) -> None:
    engine = desk.fill(ColourEncoder(calibration=LINE))
    hits = by_id(engine.search('"red"'))
    assert set(hits) == {1, 2, 3, 5, 7}
    assert hits[2].probability == hits[2].score == pytest.approx(sure(1), abs=1e-6)
    [evidence] = hits[2].evidence
    assert (evidence.channel, evidence.match, evidence.term) == ("scene-text", "look-alike", "red")
    assert (evidence.word, evidence.boxes) == ("", (AREA,))
    assert evidence.rank == 2  # 1, 2 and 5 tie
    assert evidence.score == pytest.approx(sure(1), abs=1e-6)


def test_what_both_found_is_surer(desk: Desk) -> None:
    engine = desk.fill(ColourEncoder(calibration=LINE))
    alone = by_id(Engine(desk.store).search('"red"'))
    hits = by_id(engine.search('"red"'))
    read = alone[1].probability
    assert read is not None
    assert hits[1].probability == pytest.approx(1 - (1 - read) * (1 - sure(1)), abs=1e-9)
    assert hits[3].probability == pytest.approx(read, abs=1e-6)  # blue: the encoder says nothing
    assert hits[7].probability == read  # has no vector
    assert ids(engine.search('"red"'))[0] == 1
    assert [(e.channel, len(e.boxes)) for e in hits[1].evidence] == [
        ("written", 1),
        ("scene-text", 0),  # the word itself is outlined, and nothing beside it
    ]
    assert [e.channel for e in hits[3].evidence] == ["written"]


def test_filters_and_negations_hold_for_encoders(desk: Desk) -> None:
    engine = desk.fill(ColourEncoder(calibration=LINE))
    assert ids(engine.search('"red" ext:png')) == [5]
    assert sorted(ids(engine.search('"red" -sale'))) == [1, 2, 3, 7]
    # What is excluded is what was read: nothing is blue here by its words.
    assert sorted(ids(engine.search('"red" -blue'))) == [1, 2, 3, 5, 7]


def test_the_free_query_answers_for_its_terms_together(desk: Desk) -> None:
    encoder = ColourEncoder(calibration=LINE)
    engine = desk.fill(encoder)
    result = engine.search("red yellow")  # as one string: 2 red + 1 green
    cosine = float(direction(np.array([2, 1, 0])) @ direction(np.array([1, 0, 0])))  # 0.894
    assert sure(cosine) == pytest.approx(0.9473, abs=1e-4)
    hits = by_id(result)
    # Nearest to the string are yellow (3/sqrt 10), red (2/sqrt 5) and white (3/sqrt 15): 0.62.
    assert set(hits) == {1, 2, 5, 6, 8}
    # Each term by itself: red 1, yellow 1/sqrt(2); what was not read keeps a chance of 0.02.
    red, yellow = (1 - 0.98 * (1 - sure(c)) for c in (1.0, 0.5**0.5))
    expected = 1 - (1 - red * yellow) * (1 - sure(cosine))
    assert hits[2].probability == pytest.approx(expected, abs=1e-6)
    matches = {e.term: e.match for e in hits[2].evidence}
    assert matches["red yellow"] == "meaning"
    assert matches["red"] == "look-alike"


def test_a_quoted_word_is_needed_beside_a_free_query(desk: Desk) -> None:
    engine = desk.fill(ColourEncoder(calibration=LINE, space="caption"), pictures=[
        coloured(1, "red", *line("SALE"), spaces=("caption",)),
        coloured(2, "red", spaces=("caption",)),
        coloured(3, "blue", *line("SALE"), spaces=("caption",)),
    ])  # fmt: skip
    assert ids(engine.search('"sale" red')) == [1]
    assert sorted(ids(engine.search("red"))) == [1, 2]


def test_doubt_of_an_encoder_alone_is_no_answer(desk: Desk) -> None:
    # Where nothing reaches the threshold, a lower one holds for what was read, and only for that.
    slope = 20.0
    doubtful = (slope, float(np.log(0.25 / 0.75)) - slope)  # a cosine of 1 is 0.25
    assert FALLBACK_THRESHOLD < 0.25 < DEFAULT_THRESHOLD
    engine = desk.fill(ColourEncoder(calibration=doubtful), pictures=[coloured(1, "yellow")])
    result = engine.search('"yellow"')
    assert (result.total, result.below, result.threshold) == (0, 1, FALLBACK_THRESHOLD)
    assert ids(engine.search('"yellow"', threshold=0.2)) == [1]
    desk.store.put([picture(2, *line("ELLOW"))])  # a covered initial
    desk.store.flush()
    [read] = Engine(desk.store).search('"yellow"').hits
    assert FALLBACK_THRESHOLD < (read.probability or 0) < DEFAULT_THRESHOLD
    assert ids(engine.search('"yellow"')) == [2]


def test_nothing_weak_is_counted_that_nobody_wants_to_see(desk: Desk) -> None:
    engine = desk.fill(ColourEncoder(calibration=LINE))
    result = engine.search('"green"')  # yellow is 0.2969 near, white 0.0306: below the floor
    assert (result.total, result.below) == (0, 1)
    assert len(engine.search('"green"', threshold=0).hits) == 7  # all that have a vector


def test_new_vectors_are_seen(desk: Desk) -> None:
    engine = desk.fill(ColourEncoder(calibration=LINE))
    assert ids(engine.search('"green"')) == []
    desk.store.put([coloured(9, "green")])
    desk.store.flush()
    assert ids(engine.search('"green"')) == [9]
    desk.store.forget([9])
    desk.store.flush()
    assert ids(engine.search('"green"')) == []
    assert desk.tried == ["/models/scene-text"]  # opened once


# --- an encoder without -----------------------------------------------------------------------


def test_an_encoder_without_probabilities_finds_nothing_by_itself(desk: Desk) -> None:
    engine = desk.fill(ColourEncoder())
    for query in ('"red"', "red", '"qqzzyx"', "harbour", '"sale" -red'):
        alone, result = Engine(desk.store).search(query), engine.search(query)
        assert sorted(ids(result)) == sorted(ids(alone))
        assert (result.total, result.below) == (alone.total, alone.below)
        assert [hit.probability for hit in result.hits] == [h.probability for h in alone.hits]
        assert result.nearest == alone.nearest


def test_it_puts_equals_in_order(desk: Desk) -> None:
    engine = desk.fill(ColourEncoder())
    assert ids(Engine(desk.store).search('"sale"')) == [4, 5]
    # "sale" is white to the encoder: 5 and 4 are equally far, so that ids decide again.
    assert ids(engine.search('"sale"')) == [4, 5]
    result = engine.search("red sale -blue")
    assert Engine(desk.store).search("red sale -blue", threshold=0.001).total == 5
    assert result.total == 0
    order = ids(engine.search("red sale", threshold=0.001))
    assert order.index(5) < order.index(4)
    assert order.index(1) < order.index(3)


def test_it_never_puts_a_less_probable_picture_first(desk: Desk) -> None:
    pictures = [
        coloured(1, "blue", *line("RED")),
        coloured(2, "red", *line("RED", confidence=0.7)),
        coloured(3, "red", *line("RED")),
    ]
    engine = desk.fill(ColourEncoder(), pictures=pictures)
    alone = by_id(Engine(desk.store).search('"red"'))
    assert (alone[1].score, alone[1].score - alone[2].score > 0.01) == (alone[3].score, True)
    assert ids(Engine(desk.store).search('"red"')) == [1, 3, 2]
    assert ids(engine.search('"red"')) == [3, 1, 2]


def test_its_pictures_are_shown_after_the_others_when_asked_for(desk: Desk) -> None:
    engine = desk.fill(ColourEncoder())
    result = engine.search('"red"', also=["scene-text"])
    assert ids(result)[:3] == [1, 3, 7]
    # 1, 2 and 5 are red, then white (1/sqrt 3), yellow (1/sqrt 2): by rank in the space.
    assert ids(result)[3:] == [2, 5, 6, 8, 4]
    assert result.total == 8
    extra = by_id(result)[2]
    assert extra.probability is None
    assert extra.score == pytest.approx(1 / 62)
    [evidence] = extra.evidence
    assert (evidence.channel, evidence.match, evidence.rank) == ("scene-text", "look-alike", 2)
    assert evidence.score == pytest.approx(1.0)
    assert evidence.boxes == (AREA,)
    assert by_id(result)[1].probability is not None
    [read, seen] = by_id(result)[1].evidence
    assert (read.channel, seen.channel, seen.boxes) == ("written", "scene-text", ())


def test_every_term_is_answered_by_somebody(desk: Desk) -> None:
    engine = desk.fill(ColourEncoder())
    assert ids(engine.search('"red" sal*', also=["scene-text"])) == [5, 4]
    assert ids(engine.search('"red" -sale ext:png', also=["scene-text"])) == []
    assert ids(engine.search('"red" "sale"', also=["scene-text"]))  # each in the encoder's list


def test_pages_go_on_where_the_last_one_ended(desk: Desk) -> None:
    engine = desk.fill(ColourEncoder())
    whole = ids(engine.search("red", also=["scene-text"]))
    pages = [engine.search("red", k=3, offset=n, also=["scene-text"]) for n in range(0, 12, 3)]
    assert [i for page in pages for i in ids(page)] == whole
    assert {page.total for page in pages} == {len(whole)}


def test_asking_for_more_of_a_calibrated_encoder_changes_nothing(desk: Desk) -> None:
    engine = desk.fill(ColourEncoder(calibration=LINE))
    assert ids(engine.search("red", also=["scene-text"])) == ids(engine.search("red"))


def test_a_space_that_is_not_there_is_refused(desk: Desk) -> None:
    engine = desk.fill(ColourEncoder())
    with pytest.raises(UsageError, match=r"no space scenetext .* it has scene-text: `sightread"):
        engine.search("red", also=["scenetext"])
    with pytest.raises(UsageError, match="it has none"):
        Engine(desk.store).search("red", also=["scene-text"])


# --- encoders that cannot be used -------------------------------------------------------------


def test_the_search_goes_on_without_an_encoder_that_cannot_be_opened(desk: Desk) -> None:
    desk.fill(ColourEncoder(calibration=LINE))

    def refuse(info: SpaceInfo) -> DualEncoder:
        raise LibraryError(f"{info.folder} is no model folder: it has no\nmodel.json.")

    engine = desk.engine(refuse)
    alone = Engine(desk.store).search('"red"')
    for _ in range(2):
        result = engine.search('"red"')
        assert (result.hits, result.total) == (alone.hits, alone.total)
        assert result.warnings == (
            "Searched without scene-text, by what was read alone: /models/scene-text is no model "
            "folder: it has no model.json.",
        )
    assert desk.tried == ["/models/scene-text"]
    assert engine.search("title:harbour").warnings == ()  # nothing that it could have said


def test_a_model_that_fails_is_as_good_as_none(desk: Desk) -> None:
    class Broken(ColourEncoder):
        def encode_texts(self, texts: Sequence[str]) -> Vectors:
            raise RuntimeError(f"bad graph for {texts[0]}")

    engine = desk.fill(Broken(calibration=LINE))
    result = engine.search('"red"')
    assert result.warnings == (
        "Searched without scene-text, by what was read alone: RuntimeError: bad graph for red.",
    )
    assert sorted(ids(result)) == [1, 3, 7]


def test_another_model_in_its_place_is_not_used(desk: Desk) -> None:
    desk.fill(ColourEncoder("c" * 64, calibration=LINE))
    other = ColourEncoder("d" * 64, calibration=LINE)
    result = desk.engine(lambda _: other).search('"red"')
    [warning] = result.warnings
    assert "the encoder is of revision dddddddddddd, the vectors are of cccccccccccc; " in warning
    assert warning.endswith("`sightread index --encoder DIR --reencode FOLDER...` encodes them "
                            "again.")  # fmt: skip
    assert (other.asked, sorted(ids(result))) == ([], [1, 3, 7])


def test_a_new_model_is_opened_once_its_vectors_serve(desk: Desk) -> None:
    old, new = ColourEncoder("c1", calibration=LINE), ColourEncoder("c2", calibration=LINE)
    desk.fill(old)
    engine = desk.engine(lambda info: old if info.spec.revision == "c1" else new)
    assert len(engine.search('"red"').hits) == 5
    desk.store.open_space(new.spec, replace=True)
    desk.store.set_embeddings(
        "scene-text", {n: ImageEmbedding(direction(np.array(NAMES["red"]))) for n in range(1, 9)}
    )
    desk.store.flush()
    assert len(engine.search('"red"').hits) == 5
    assert new.asked == []
    desk.store.switch_space("scene-text")
    assert len(engine.search('"red"').hits) == 8
    assert new.asked == ["red"]
