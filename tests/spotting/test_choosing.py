import numpy as np

from sightread.spotting.choosing import choose, distinct
from sightread.spotting.maps import Found
from sightread.spotting.readings import Reading

LOW, FLYING, BOTH = (30, 50, 50, 20, 0), (110, 50, 90, 20, 0), (80, 50, 150, 20, 0)


def found(*rows: tuple[float, ...], scores: tuple[float, ...]) -> Found:
    return Found(np.array(rows, np.float32).reshape(-1, 5), np.array(scores, np.float32))


def chosen(*read: tuple[tuple[float, ...], str, float]) -> tuple[list[int], list[int]]:
    places = np.array([place for place, _, _ in read], np.float32).reshape(-1, 5)
    return choose(places, [Reading(text, sure) for _, text, sure in read])


def test_places_that_are_alike_are_kept_once() -> None:
    whole = found((50, 50, 80, 20, 0), (50, 200, 80, 20, 0.1), scores=(0.7, 0.9))
    again = found((52, 51, 78, 19, 0), (300, 50, 30, 10, 0), scores=(0.8, 0.6))
    places = distinct([whole, again]).places
    assert places[:, 0].tolist() == [50, 52, 300]
    assert places[:, 1].tolist() == [200, 51, 50]
    assert len(distinct([])) == 0
    # A part of a word is no double of it.
    assert len(distinct([found(LOW, FLYING, BOTH, scores=(0.5, 0.5, 0.5))])) == 3


def test_the_reading_that_explains_most_is_the_word() -> None:
    # Confidence times the root of letters: 1.65, 1.80, 2.38.
    words, others = chosen((LOW, "LOW", 0.95), (BOTH, "lowflying", 0.6), (FLYING, "FLYING", 0.97))
    assert words == [0, 2]
    assert others == [1]
    # 2.7: one word, if no space was read in it; the parts are as sure.
    words, others = chosen((LOW, "LOW", 0.95), (BOTH, "lowflying", 0.9), (FLYING, "FLYING", 0.97))
    assert words == [1]
    assert others == [0, 2]
    words, others = chosen((LOW, "10w", 0.5), (BOTH, "lowflying", 0.9), (FLYING, "fIyi", 0.4))
    assert words == [1]
    assert others == []


def test_second_thoughts_say_something_else() -> None:
    wider = (50, 50, 110, 24, 0)
    words, others = chosen((LOW, "Low", 0.95), (wider, "low", 0.94), (wider, "lo", 0.9))
    assert words == [0]
    assert others == [2]


def test_places_without_a_reading_yield_to_those_with_one() -> None:
    words, others = chosen((BOTH, "", 0.0), (LOW, "low", 0.3), ((300, 50, 20, 20, 0), "", 0.0))
    assert words == [1, 2]
    assert others == []


def test_words_that_cross_are_told_apart() -> None:
    across, down = (100, 100, 100, 10, 0), (100, 100, 100, 10, np.pi / 2)
    assert chosen((across, "one", 0.9), (down, "two", 0.8)) == ([0, 1], [])
    assert chosen() == ([], [])
