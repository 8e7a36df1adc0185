"""Two readings of one picture: which words are at one place."""

from sightread.spotting.pairs import (
    SECOND_LINE,
    is_second,
    pair_revision,
    read_twice,
    same_places,
)
from sightread.types import Quad


def box(left: float, top: float, width: float, height: float) -> Quad:
    right, bottom = left + width, top + height
    return ((left, top), (right, top), (right, bottom), (left, bottom))


def test_each_place_has_the_partner_that_covers_it_best() -> None:
    first = [box(0, 0, 100, 20), box(200, 0, 100, 20)]
    second = [box(40, 0, 100, 20), box(10, 0, 100, 20), box(200, 0, 40, 20)]
    # 90 of 110 px for the second, 60 of 140 for the first; 40 of 100 is no pair
    assert same_places(first, second) == {0: 1}
    assert same_places(second, first) == {1: 0}
    assert same_places([], second) == same_places(first, []) == {}


def test_a_pair_is_known_by_its_revision_and_lines() -> None:
    assert read_twice(pair_revision("a", "b"))
    assert not read_twice("a")
    assert is_second(SECOND_LINE)
    assert not is_second(SECOND_LINE - 1)
