"""Answers to which the looks of words contribute, with a tower that can be followed by hand."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

from sightread.errors import ModelError
from sightread.protocols import Store
from sightread.regions import Looks, RegionSpaceInfo, WordCalibration
from sightread.search.calibrate import DEFAULT_THRESHOLD
from sightread.search.engine import Engine
from sightread.search.lookalikes import SUREST, Lookalikes
from sightread.spotting.alphabet import ASKED, spell
from sightread.store import open_store
from sightread.types import EncoderSpec, Hit, PictureRecord, RegionRecord, Vectors

from .test_engine import ids, picture, written

# With these a cosine of 1 means 0.9933, of 0.9 0.8176, of 0.8 0.1192: a word of seven letters with
# another letter in one place has 6/7 = 0.857, which means 0.573.
LINE = WordCalibration(
    slope=35.0, offset=-30.0, length=0.0, unlike=0.0, certain=0.0, sure=0.0, regions=1_000
)


SPEC = EncoderSpec("words", 12 * len(ASKED), "a" * 64, "letters")


@dataclass(frozen=True)
class LetterTower:
    """Each letter has a place for each place in the word: the cosine of two words of one length
    is the share of the letters that agree."""

    calibration: WordCalibration | None = LINE
    spec: EncoderSpec = SPEC

    def encode_words(self, words: Sequence[str]) -> Vectors:
        rows = np.zeros((len(words), 12, len(ASKED)), np.float32)
        for row, word in zip(rows, words, strict=True):
            for place, letter in enumerate(spell(word)[:12]):
                row[place, ASKED.index(letter)] = 1
        flat = rows.reshape(len(words), -1)
        unit: Vectors = flat / np.linalg.norm(flat, axis=1, keepdims=True)
        return unit


TOWER = LetterTower()


def misread(
    text: str, seen: str, x: float = 0, y: float = 0, line: int = 0, sure: float = 0.9
) -> RegionRecord:
    """A region that was read as one word and looks like another."""
    [vector] = TOWER.encode_words([seen])
    return replace(written(text, x, y, line, sure), vector=vector)


def seen(number: int, *regions: RegionRecord, path: str = "") -> PictureRecord:
    return replace(picture(number, *regions, path=path), region_space="words")


PICTURES = [
    seen(1, misread("PARKING", "parking")),
    seen(2, misread("PXRXXNG", "parking")),  # far off, and yet it looks like it
    seen(3, misread("", "parking")),  # not read at all
    seen(4, misread("BARKING", "barking"), path="/photos/2023/dog.jpg"),
    seen(5, misread("N0", "no"), misread("PRRKLNG", "parking", x=100)),
    seen(6, misread("NO", "no"), misread("PRRKLNG", "parking", x=400, y=300, line=1)),
    seen(7, misread("PARKING", "garbage", sure=0.6)),
    picture(8, written("PRRKLNG", 0, 0, 0)),  # by a reader without vectors
    seen(9, misread("COFFEESHXP", "coffeeshop")),
]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    opened = open_store(str(tmp_path_factory.mktemp("looks") / "library"), write=True, create=True)
    opened.open_space(TOWER.spec, "/models/letters", of="regions")
    opened.put(PICTURES)
    opened.flush()
    yield opened
    opened.close()


def engine(store: Store, tower: LetterTower = TOWER) -> Engine:
    return Engine(store, None, Lookalikes(store, lambda _: tower))


def by_id(hits: Sequence[Hit]) -> dict[int, Hit]:
    return {hit.id: hit for hit in hits}


def chance(cosine: float, line: WordCalibration = LINE) -> float:
    return float(1 / (1 + np.exp(-(line.slope * cosine + line.offset))))


def test_words_are_found_by_their_looks_and_exact_readings_come_first(store: Store) -> None:
    result = engine(store).search('"parking"', k=50)
    assert ids(result)[0] == 1
    assert {2, 3, 5, 6} <= set(ids(result))
    hits = by_id(result.hits)
    for number, word in ((2, "PXRXXNG"), (3, "")):
        [why] = hits[number].evidence
        assert (why.match, why.word, why.channel, why.term) == (
            "look-alike", word, "written", "parking"
        )  # fmt: skip
        assert why.score == SUREST
        assert len(why.boxes) == 1
    assert [why.match for why in hits[1].evidence] == ["exact"]
    assert hits[1].probability is not None
    assert hits[1].probability > SUREST


def test_another_word_is_less_probable_and_says_so(store: Store) -> None:
    hits = by_id(engine(store).search('"parking"', k=50).hits)
    [why] = hits[4].evidence
    assert (why.match, why.word) == ("look-alike", "BARKING")
    assert why.score == pytest.approx(chance(6 / 7), abs=0.05)
    strict = engine(store).search('"parking"', k=50, threshold=0.8)
    assert 4 not in ids(strict)
    assert {1, 2, 3} <= set(ids(strict))


def test_what_was_read_without_vectors_stays_what_it_was(store: Store) -> None:
    plain = by_id(Engine(store).search('"parking"', threshold=0.0, k=50).hits)
    hits = by_id(engine(store).search('"parking"', threshold=0.0, k=50).hits)
    for number in (7, 8):
        assert hits[number].score == pytest.approx(plain[number].score, abs=1e-6)
        assert hits[number].evidence[0].match == plain[number].evidence[0].match


@pytest.mark.parametrize("line", ["park*", "*arkin*", "parking~0", "parking~1", "title:parking"])
def test_what_is_spelt_out_is_left_to_the_readings(store: Store, line: str) -> None:
    assert ids(engine(store).search(line, k=50)) == ids(Engine(store).search(line, k=50))


def test_what_must_not_be_there_is_left_to_the_readings(store: Store) -> None:
    found = ids(engine(store).search('"no" -parking', k=50))
    assert set(found) == {5, 6}


@pytest.mark.parametrize("beside", ["title:parking", 'entity:"parking"'])
def test_looks_say_nothing_of_a_word_that_is_to_be_in_the_metadata(
    store: Store, beside: str
) -> None:
    assert ids(engine(store).search(f'"parking" {beside}', k=50, threshold=0.0)) == []


def test_words_of_a_phrase_stand_next_to_each_other(store: Store) -> None:
    hits = by_id(engine(store).search('"no parking"', k=50).hits)
    assert set(hits) == {5}
    [why] = hits[5].evidence
    assert (why.match, why.word, len(why.boxes)) == ("look-alike", "N0 PRRKLNG", 2)
    weak = engine(store).search('"no parking"', k=50, threshold=0.0)
    assert ids(weak)[0] == 5
    assert 6 in ids(weak)  # apart


def test_a_phrase_may_look_like_one_word(store: Store) -> None:
    [hit] = engine(store).search('"coffee shop"').hits
    assert hit.id == 9
    assert hit.evidence[0].word == "COFFEESHXP"


def test_filters_apply(store: Store) -> None:
    assert ids(engine(store).search('"parking" path:2023/')) == [4]


def test_words_that_the_model_cannot_spell_are_looked_for_among_the_readings(store: Store) -> None:
    result = engine(store).search('"парк" "parking"', threshold=0.0)
    [said] = result.warnings
    assert "does not know 'парк' in 'парк'" in said
    assert "by their readings only" in said
    assert result.total == 0
    assert engine(store).search('"parking"').warnings == ()
    longer = engine(store).search('"parkingparkingparkingparking"')
    assert (longer.total, longer.warnings) == (0, ())


def test_a_model_that_is_not_calibrated_is_not_asked(store: Store) -> None:
    found = engine(store, LetterTower(calibration=None)).search('"parking"', k=50)
    assert found.hits == Engine(store).search('"parking"', k=50).hits


def test_a_model_that_is_not_there_or_another_one_is_no_reason_not_to_answer(store: Store) -> None:
    def gone(info: RegionSpaceInfo) -> LetterTower:
        raise ModelError(f"There is no model in {info.folder}.")

    result = Engine(store, None, Lookalikes(store, gone)).search('"parking"', k=50)
    assert result.hits == Engine(store).search('"parking"', k=50).hits
    [said] = result.warnings
    assert said == (
        "Searched without look-alikes, by what was read alone: There is no model in "
        "/models/letters."
    )
    other = LetterTower(spec=replace(TOWER.spec, revision="b" * 64))
    [said] = engine(store, other).search('"parking"').warnings
    assert "of revision bbbbbbbbbbbb, the words were read by aaaaaaaaaaaa" in said


def test_in_a_larger_library_more_likeness_is_needed() -> None:
    looks = Looks(np.array([0.9]), np.zeros(1), np.ones(1))
    [small], [same], [large] = (LINE.log_odds(looks, 7, n) for n in (10, 1_000, 100_000))
    assert small == same == pytest.approx(1.5)
    assert large == pytest.approx(1.5 - np.log(100))
    looks = Looks(np.array([LINE.least(0.3, 7, 5_000)]), np.zeros(1), np.ones(1))
    assert LINE.log_odds(looks, 7, 5_000)[0] == pytest.approx(0.3)


def test_a_sure_reading_of_another_word_counts_against_it(store: Store) -> None:
    line = replace(LINE, unlike=-1.0, certain=-2.0, sure=-4.0)
    hits = by_id(engine(store, LetterTower(line)).search('"parking"', k=50, threshold=0.0).hits)
    # Six of seven letters look alike, one was read differently, with a confidence of 0.9, which
    # is one nine of four.
    odds = 35 * 6 / 7 - 30 - 1 / 7 - (2 + 4 / 7) / 4
    [why] = [one for one in hits[4].evidence if one.match == "look-alike"]
    assert why.score == pytest.approx(1 / (1 + np.exp(-odds)), abs=1e-3)
    # Nothing was read: as if every letter was another one.
    odds = 5 - 1 - (2 + 4) / 4 - np.log(2)
    line = replace(line, offset=LINE.offset - np.log(2))
    hits = by_id(engine(store, LetterTower(line)).search('"parking"', k=50, threshold=0.0).hits)
    [why] = hits[3].evidence
    assert why.score == pytest.approx(min(SUREST, 1 / (1 + np.exp(-odds))), abs=1e-3)
    looks = Looks(np.array([line.least(0.3, 7, 10)]), np.zeros(1), np.zeros(1))
    assert line.log_odds(looks, 7, 10)[0] == pytest.approx(0.3)


def test_an_unlikely_look_alike_is_no_fallback(tmp_path: Path) -> None:
    # 0.22 is below the default threshold and above the lower one, which is for readings alone.
    line = replace(LINE, offset=LINE.offset - chance_shift(0.22))
    with open_store_of(tmp_path, [seen(1, misread("XXXXXXX", "parking"))]) as opened:
        assert chance(1.0, line) < DEFAULT_THRESHOLD
        found = engine(opened.store, LetterTower(calibration=line))
        assert found.search('"parking"').total == 0
        assert found.search('"parking"', threshold=0.2).total == 1


def chance_shift(wanted: float) -> float:
    """What to take from the offset, so that a cosine of 1 has this chance."""
    return LINE.slope + LINE.offset - float(np.log(wanted / (1 - wanted)))


class open_store_of:
    """A library of these pictures, closed at the end."""

    def __init__(self, folder: Path, pictures: Sequence[PictureRecord]) -> None:
        self.store = open_store(str(folder / "library"), write=True, create=True)
        self.store.open_space(TOWER.spec, of="regions")
        self.store.put(pictures)
        self.store.flush()

    def __enter__(self) -> open_store_of:
        return self

    def __exit__(self, *raised: object) -> None:
        self.store.close()
