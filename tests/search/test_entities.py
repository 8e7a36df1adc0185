"""`entity:` in a query: names in the metadata, the space of entities, explanations, the head.

Vectors are colours. A name is white, (1, 1, 1) / sqrt(3), until its explanation says a colour.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from sightread.errors import PictureError, UsageError
from sightread.explain import Book, Subject
from sightread.explain.book import FILE_NAME
from sightread.explain.fill import by_hand
from sightread.explain.shelf import Shelf
from sightread.protocols import MatchingHead, Store
from sightread.search.again import LookAgain, reranked
from sightread.search.channels import Channels, strings
from sightread.search.engine import Engine
from sightread.search.entities import names
from sightread.search.query import parse
from sightread.store import open_store
from sightread.types import Evidence, PictureId, PictureRecord, Result, RGBImage

from ..colours import NAMES, ColourEncoder, direction
from .test_channels import LINE, coloured, sure
from .test_engine import ids, line, picture, typed

PICTURES = [
    coloured(1, "red", spaces=("entity",)),
    coloured(2, "blue", spaces=("entity",)),
    coloured(3, "white", spaces=("entity",)),
    picture(4, *typed("person", "Mara Zorin", 0)),
    picture(5, *typed("caption", "The chair Mara Zorin opens a bridge", 0)),
    picture(6, *typed("title", "Mara Zorin", 0)),
    picture(7, *line("MARA", "ZORIN")),
    picture(8, *typed("keyword", "Zorin", 0), *typed("keyword", "Mara", 1)),
]


class Judge(ColourEncoder):
    """With a head: log odds are ten times how blue a picture is."""

    scale = 10.0
    judged: list[tuple[str, str, int]]

    def image_tokens(self, images: Sequence[RGBImage]) -> NDArray[np.float16]:
        return np.stack([image[0, :1] for image in images]).astype(np.float16)

    def log_odds(
        self, text: str, explanation: str, tokens: NDArray[np.float16]
    ) -> NDArray[np.float32]:
        self.judged = [*getattr(self, "judged", []), (text, explanation, len(tokens))]
        return (10 * tokens[:, 0, 2] / 255).astype(np.float32)


class Desk:
    """A library with a book of explanations."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "library"
        self.store: Store = open_store(str(self.folder), write=True, create=True)
        self.shelf = Shelf(str(self.folder))
        self.gone: set[PictureId] = set()
        self.opened: list[PictureId] = []

    def fill(self, *encoders: ColourEncoder, pictures: list[PictureRecord] = PICTURES) -> Engine:
        for encoder in encoders:
            self.store.open_space(encoder.spec, "/models/x")
        self.store.put(pictures if encoders else pictures[3:])
        self.store.flush()
        by_space = {encoder.spec.space: encoder for encoder in encoders}
        channels = Channels(
            self.store, lambda info: by_space[info.spec.space], self.shelf, LookAgain(self.pixels)
        )
        return Engine(self.store, channels)

    def explain(self, name: str, text: str, *aliases: str) -> None:
        with Book.open(self.folder / FILE_NAME, write=True) as book:
            book.add(by_hand(Subject(name), text), aliases=aliases)

    def pixels(self, number: PictureId) -> RGBImage:
        self.opened.append(number)
        if number in self.gone:
            raise PictureError("gone")
        [record] = self.store.get([number], embeddings=True)
        colour = record.embeddings["entity"].vector
        return np.full((2, 2, 3), np.round(255 * colour / colour.max()), dtype=np.uint8)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path)
    yield made
    made.shelf.close()
    made.store.close()


ZORIN = 'entity:"Mara Zorin"'


def test_the_strings_of_a_query() -> None:
    asked = strings(parse(f'{ZORIN} red -entity:Bo entity:Cy~1 "sale" sign'))
    assert [(one.text, one.entity, one.free) for one in asked] == [
        ("Mara Zorin", True, False),
        ("red", False, False),
        ("sale", False, False),
        ("sign", False, False),
        ("red sale sign", False, True),
    ]
    assert names(parse(f"{ZORIN} entity:Bo {ZORIN} -entity:Cy person:Di")) == ("Mara Zorin", "Bo")


def test_without_a_model_the_metadata_is_searched(desk: Desk) -> None:
    result = desk.fill().search(ZORIN)
    # As a phrase in one person or caption; not a title, not what is written, not two keywords.
    assert ids(result) == [4, 5]
    assert {e.channel for hit in result.hits for e in hit.evidence} == {"person", "caption"}
    [warning] = result.warnings
    assert warning.startswith("The library has no vectors of entities, so entity: was looked for")
    assert ids(desk.fill().search("entity:zorin")) == [4, 5, 8]
    assert ids(desk.fill().search("-entity:bridge entity:zorin")) == [4, 8]


def test_the_explanation_is_shown_even_where_nothing_can_be_done_with_it(desk: Desk) -> None:
    desk.explain("Mara Zorin", "red", "Zorin")
    [one] = desk.fill().search("entity:zorin").explanations
    assert (one.term, one.entity, one.text, one.joined) == ("zorin", "Mara Zorin", "red", False)


def test_the_name_alone(desk: Desk) -> None:
    engine = desk.fill(ColourEncoder(space="entity", calibration=LINE))
    result = engine.search(ZORIN)
    assert sorted(ids(result)) == [3, 4, 5]
    assert [e.score for e in hit(result, 3)] == [pytest.approx(sure(1.0))]
    [warning] = result.warnings
    assert warning.startswith("There is no explanation of Mara Zorin, so it was searched by its")
    assert engine.search(ZORIN, explain=False).warnings == ()


def hit(result: Result, number: int) -> list[Evidence]:
    [found] = [one for one in result.hits if one.id == number]
    return list(found.evidence)


def test_a_name_joined_with_its_explanation(desk: Desk) -> None:
    desk.explain("Mara Zorin", "red")
    encoder = ColourEncoder(space="entity", calibration=LINE)
    engine = desk.fill(encoder)
    result = engine.search(ZORIN, threshold=0.05)
    # (1, 1, 1) / sqrt(3) + (1, 0, 0), at unit length: the cosine to red is (1 + 1/sqrt(3)) / r
    # with r^2 = (1 + 1/sqrt(3))^2 + 2/3.
    r = np.sqrt((1 + 1 / np.sqrt(3)) ** 2 + 2 / 3)
    [evidence] = hit(result, 1)
    assert (evidence.channel, evidence.match) == ("entity", "meaning")
    assert evidence.score == pytest.approx(sure((1 + 1 / np.sqrt(3)) / r), rel=1e-3)
    [used] = result.explanations
    assert (used.text, used.source, used.version, used.joined) == ("red", "hand", 1, True)
    assert result.warnings == ()
    plain = engine.search(ZORIN, threshold=0.0, explain=False)
    assert [e.score for e in hit(plain, 1)] == [pytest.approx(sure(1 / np.sqrt(3)), rel=1e-3)]
    assert [one.joined for one in plain.explanations] == [False]


def test_an_explanation_that_is_edited_counts_at_once(desk: Desk) -> None:
    engine = desk.fill(ColourEncoder(space="entity"))
    assert ids(engine.search(ZORIN))[:3] == [4, 5, 3]
    desk.explain("Mara Zorin", "blue blue")
    found = engine.search(ZORIN)
    assert found.explanations[0].joined
    assert ids(found)[2] in (2, 3)
    desk.explain("Mara Zorin", "red")
    assert ids(engine.search(ZORIN))[-1] == 2


def test_an_explanation_is_encoded_once_and_kept(desk: Desk) -> None:
    desk.explain("Mara Zorin", "red")
    first = ColourEncoder(space="entity")
    engine = desk.fill(first)
    engine.search(ZORIN)
    engine.search(f"{ZORIN} path:png")
    assert first.asked == ["Mara Zorin", "red", "Mara Zorin"]
    later = ColourEncoder(space="entity")
    desk.fill(later).search(ZORIN)
    assert later.asked == ["Mara Zorin"]  # the book remembers
    other = ColourEncoder("c2", space="entity")
    desk.store.open_space(other.spec, "/models/y", replace=True)
    desk.store.set_embeddings("entity", {1: PICTURES[0].embeddings["entity"]})
    desk.store.switch_space("entity")
    engine = Engine(desk.store, Channels(desk.store, lambda _: other, desk.shelf))
    engine.search(ZORIN)
    assert other.asked == ["Mara Zorin", "red"]  # another model sees it otherwise


def test_who_asks_for_an_entity_wants_its_space_without_probabilities_too(desk: Desk) -> None:
    result = desk.fill(ColourEncoder(space="entity")).search(ZORIN)
    assert ids(result) == [4, 5, 3, 1, 2]
    assert [hit.probability is None for hit in result.hits] == [False, False, True, True, True]
    assert ids(desk.fill(ColourEncoder(space="entity")).search('person:"Mara Zorin"')) == [4]


def test_an_entity_is_asked_for_in_its_own_space_alone(desk: Desk) -> None:
    words, meaning = ColourEncoder(), ColourEncoder(space="caption")
    both = [coloured(1, "red", spaces=("scene-text", "caption"))]
    desk.fill(words, meaning, pictures=both).search(f"{ZORIN} red")
    assert (words.asked, meaning.asked) == (["red"], ["red"])


def test_a_damaged_book_does_not_stop_a_search(desk: Desk) -> None:
    engine = desk.fill(ColourEncoder(space="entity"))
    (desk.folder / FILE_NAME).write_bytes(b"no database " * 200)
    result = engine.search(ZORIN)
    assert ids(result)[:2] == [4, 5]
    assert result.warnings[0].startswith("Searched without explanations: ")


# --- the matching head ----------------------------------------------------------------------


def test_log_odds_and_cosines_are_mixed() -> None:
    cosines, odds = np.array([0.5, 0.4], np.float32), np.array([-2.0, 3.0], np.float32)
    assert reranked(cosines, odds, 10.0, 0.25).tolist() == pytest.approx([3.25, 3.75])
    assert reranked(cosines, odds, 10.0, 1.0).tolist() == [-2, 3]


def test_the_head_looks_again_at_the_first_pictures(desk: Desk) -> None:
    desk.explain("Mara Zorin", "red")
    judge = Judge(space="entity")
    assert isinstance(judge, MatchingHead)
    assert not isinstance(ColourEncoder(), MatchingHead)
    engine = desk.fill(judge)
    plain = engine.search(ZORIN)
    assert (ids(plain)[2:], plain.looked_again, desk.opened) == ([1, 3, 2], None, [])
    again = engine.search(ZORIN, again=3)
    # 0.3 * 10 * blue + 0.7 * 10 * cosine; blue is 0 in red, 1 in white and blue: white wins with
    # 3 + 7 * 0.888, then red with 7 * 0.888 against blue with 3 + 7 * 0.325.
    assert ids(again)[2:] == [3, 1, 2]
    assert again.looked_again is not None
    assert again.looked_again.pictures == 3
    assert judge.judged == [("Mara Zorin", "red", 3)]
    assert [e.score for e in hit(again, 2)] == [pytest.approx(0.325, abs=1e-3)]
    engine.search(f"{ZORIN} path:png", again=2)
    assert sorted(desk.opened) == [1, 2, 3]  # tokens are kept
    assert engine.search(ZORIN, again=3, explain=False).looked_again is not None
    assert judge.judged[-1][1] == ""


def test_a_picture_whose_file_is_gone_keeps_its_place(desk: Desk) -> None:
    desk.explain("Mara Zorin", "red")
    desk.gone = {1}
    again = desk.fill(Judge(space="entity")).search(ZORIN, again=3)
    assert ids(again)[2:] == [1, 3, 2]
    assert again.looked_again is not None
    assert again.looked_again.pictures == 2


def test_probabilities_belong_to_places(desk: Desk) -> None:
    desk.explain("Mara Zorin", "red")
    engine = desk.fill(Judge(space="entity", calibration=LINE))
    before = engine.search('entity:"Mara Zorin"', threshold=0.0)
    after = engine.search('entity:"Mara Zorin"', threshold=0.0, again=3)
    chances = [[h.probability for h in one.hits if h.id <= 3] for one in (before, after)]
    assert chances[0] == chances[1]
    assert [h.id for h in after.hits if h.id <= 3][-1] == 2


def test_a_head_that_fails_is_said(desk: Desk) -> None:
    class Broken(Judge):
        def image_tokens(self, images: Sequence[RGBImage]) -> NDArray[np.float16]:
            raise RuntimeError(f"no memory for {len(images)}")

    result = desk.fill(Broken(space="entity")).search(ZORIN, again=3)
    assert ids(result) == [4, 5, 3, 1, 2]
    assert result.warnings[0] == "Nothing was looked at again: RuntimeError: no memory for 1."


@pytest.mark.parametrize("again", [-1, 201])
def test_so_many_cannot_be_looked_at_again(desk: Desk, again: int) -> None:
    with pytest.raises(UsageError, match=f"{again} pictures cannot be looked at again"):
        desk.fill().search(ZORIN, again=again)


def test_colours_are_what_they_are() -> None:
    assert direction(np.array(NAMES["white"])) == pytest.approx(np.full(3, 1 / np.sqrt(3)))
