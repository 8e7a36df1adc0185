"""Geometry of phrases, by hand-placed words."""

import math

import numpy as np
import pytest

from sightread.search.phrases import (
    LINK_BESIDE,
    LINK_SAME_LINE,
    LINK_UNDER,
    Occurrences,
    apart,
    best_per_picture,
    concatenate,
    follow,
)

Place = tuple[float, float, float, float]
"""x, y, width, height"""


def word(
    place: Place | None, *, picture: int = 1, ordinal: int = 0, line: int = 0, p: float = 0.9,
    degrees: float = 0,
) -> Occurrences:  # fmt: skip
    if place is None:
        box = np.full((4, 2), np.nan)
    else:
        x, y, w, h = place
        box = np.array([(x, y), (x + w, y), (x + w, y + h), (x, y + h)])
        turn = math.radians(degrees)
        box = box @ np.array([[math.cos(turn), math.sin(turn)], [-math.sin(turn), math.cos(turn)]])
    return Occurrences(
        picture=np.array([picture]),
        probability=np.array([p]),
        ordinals=np.array([[ordinal]], dtype=np.int32),
        kind=np.zeros(1, dtype=np.int8),
        edits=np.zeros(1, dtype=np.int16),
        field=np.zeros(1, dtype=np.int8),
        line=np.array([line], dtype=np.int32),
        boxes=box[None].astype(np.float32),
    )


def link(first: Place, second: Place, degrees: float = 0) -> float:
    """The link between two words that the reader put on different lines."""
    a = word(first, line=0, p=1.0, degrees=degrees)
    b = word(second, line=5, ordinal=5, p=1.0, degrees=degrees)
    found = follow(a, b)
    return float(found.probability[0]) if len(found) else 0.0


@pytest.mark.parametrize("degrees", [0, 30, 90, 180, 270])
@pytest.mark.parametrize(
    ("second", "expected"),
    [
        ((110, 0, 80, 20), LINK_BESIDE),
        ((140, 0, 80, 20), 0.0),  # two letter heights away
        ((110, 15, 80, 20), 0.0),  # on another level
        ((-100, 0, 90, 20), 0.0),  # before it
        ((0, 25, 100, 20), LINK_UNDER),
        ((30, 25, 40, 30), LINK_UNDER),  # centred below, larger letters
        ((0, -25, 100, 20), 0.0),  # above it
        ((0, 90, 100, 20), 0.0),  # far below
        ((300, 25, 100, 20), 0.0),  # below, but elsewhere
        ((110, -30, 80, 80), 0.0),  # letters four times as high
    ],
)
def test_link(second: Place, expected: float, degrees: float) -> None:
    assert link((0, 0, 100, 20), second, degrees) == pytest.approx(expected)


def test_next_on_the_line_needs_no_box() -> None:
    a, b = word(None, ordinal=3, line=2), word(None, ordinal=4, line=2, p=0.8)
    found = follow(a, b)
    assert found.probability == pytest.approx([0.8 * LINK_SAME_LINE])
    assert found.ordinals.tolist() == [[3, 4]]
    assert len(follow(b, a)) == 0
    assert len(follow(a, word(None, ordinal=4, line=2, picture=2))) == 0


def test_same_line_only() -> None:
    beside = word((110, 0, 80, 20), ordinal=9, line=7)
    assert len(follow(word((0, 0, 100, 20)), beside)) == 1
    assert len(follow(word((0, 0, 100, 20)), beside, same_line=True)) == 0


def test_all_pairs_of_a_picture_are_tried() -> None:
    first = concatenate([word((0, 0, 100, 20), ordinal=0), word((0, 300, 100, 20), ordinal=2)])
    then = concatenate([word((110, 300, 80, 20), ordinal=7, line=3), word(None, picture=4)])
    assert follow(first, then).ordinals.tolist() == [[2, 7]]


def test_apart_keeps_pictures_with_all_words() -> None:
    coffee = concatenate([word(None, picture=1), word(None, picture=2, p=0.5)])
    shop = concatenate([word(None, picture=2, p=0.7), word(None, picture=3)])
    found = apart([coffee, shop])
    assert found.picture.tolist() == [2]
    assert found.probability == pytest.approx([0.05])


def test_best_per_picture() -> None:
    rows = concatenate(
        [word(None, p=0.2, ordinal=0), word(None, p=0.9, ordinal=1), word(None, picture=2, p=0.4)]
    )
    best = best_per_picture(rows)
    assert best.picture.tolist() == [1, 2]
    assert best.ordinals[:, 0].tolist() == [1, 0]
