"""Which read words count: section 3, on boxes whose order and overlap can be seen."""

import random

import pytest

from sightread.scenetext.tokens import SceneToken, scene_tokens
from sightread.types import Quad, WordRegion


def box(left: float, top: float, width: float, height: float) -> Quad:
    right, bottom = left + width, top + height
    return ((left, top), (right, top), (right, bottom), (left, bottom))


def word(text: str | None, place: Quad, confidence: float = 0.9, line: int = 0) -> WordRegion:
    return WordRegion(place, confidence, text, line=line)


def texts(found: tuple[SceneToken, ...]) -> list[str]:
    return [token.text for token in found]


def test_words_are_left_out_for_one_reason_each() -> None:
    words = [
        word("SALE", box(10, 10, 60, 20)),
        word("unsure", box(10, 60, 60, 20), 0.29),
        word("---", box(10, 90, 60, 20)),
        word(None, box(10, 120, 60, 20)),
        word("outside", box(210, 10, 60, 20)),
        word("nowhere", box(float("nan"), 10, 60, 20)),
        word("noidea", box(10, 150, 60, 20), float("nan")),
        word("just", box(10, 170, 60, 20), 0.3),
    ]
    assert texts(scene_tokens(words, 200, 200)) == ["SALE", "just"]
    assert scene_tokens([], 200, 200) == ()
    assert scene_tokens(words, 200, 200, most=0) == ()


def test_the_surer_of_two_readings_of_one_place_stays() -> None:
    # 100 x 20 against 90 x 20 inside of it: 1800 / 2000 = 0.9; against 70 x 20: 0.7.
    words = [
        word("HOTEI", box(10, 10, 90, 20), 0.5),
        word("HOTEL", box(10, 10, 100, 20), 0.9),
        word("HOT", box(10, 10, 70, 20), 0.9),
    ]
    assert texts(scene_tokens(words, 200, 200)) == ["HOT", "HOTEL"]


def test_the_largest_and_surest_stay_in_reading_order() -> None:
    words = [
        word("tiny", box(10, 150, 10, 5)),  # 0.9 sqrt(50) = 6.4
        word("second", box(80, 12, 60, 20)),  # 0.9 sqrt(1200) = 31.2
        word("below", box(10, 60, 100, 40), 0.5),  # 0.5 sqrt(4000) = 31.6
        word("first", box(10, 10, 60, 20), 1.0),
    ]
    found = scene_tokens(words, 200, 200, most=3)
    assert texts(found) == ["first", "second", "below"]
    assert [token.line for token in found] == [0, 0, 1]
    assert texts(scene_tokens(words, 200, 200, most=1)) == ["first"]


@pytest.mark.parametrize("seed", range(3))
def test_the_order_of_the_words_does_not_matter(seed: int) -> None:
    chance = random.Random(seed)
    words = [
        word(chance.choice("abc"), box(chance.randrange(150), chance.randrange(150), 40, 12), 0.8)
        for _ in range(40)
    ]
    expected = scene_tokens(words, 200, 200)
    for _ in range(5):
        chance.shuffle(words)
        assert scene_tokens(words, 200, 200) == expected
    assert len(expected) <= 30
