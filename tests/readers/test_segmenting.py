"""Words that are split and joined by what is read, with a reader that knows what stands where."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from sightread.readers.candidates import Candidates
from sightread.readers.segmenting import segmented
from sightread.spotting.places import Places
from sightread.spotting.readings import Reading
from sightread.spotting.strips import MARGIN


class Line:
    """A line of letters of 20 px height, 12 px wide, spaces of any width between words."""

    def __init__(
        self, words: Sequence[tuple[str, float]], sure: float = 0.95, space: float = 0.01
    ) -> None:
        self.words, self.sure, self.space = words, sure, space
        self.asked = 0

    def read(self, places: Places, scores: NDArray[np.float32]) -> Candidates:
        self.asked += len(places)
        readings = [self._read_one(place) for place in places]
        return Candidates(places, scores, np.ones((len(places), 4), np.float32), readings)

    def _read_one(self, place: NDArray[np.float32]) -> Reading:
        left, right = place[0] - place[2] / 2, place[0] + place[2] / 2
        text, breaks, end = "", [], 0.0
        for word, start in self.words:
            letters = [
                letter
                for at, letter in enumerate(word)
                if left - 1 <= start + 12 * at and start + 12 * (at + 1) <= right + 1
            ]
            if letters and text:
                shown = place[2] + 2 * MARGIN * place[3]
                middle = (end + start) / 2
                breaks.append(float((middle - left + MARGIN * place[3]) / shown))
                text += " "
            text += "".join(letters)
            end = start + 12 * len(word)
        space = 0.9 if breaks else self.space
        return Reading(text, self.sure if text else 0.0, tuple(breaks), space)


def place(left: float, right: float) -> list[float]:
    return [(left + right) / 2, 50, right - left, 20, 0]


def start(line: Line, *spans: tuple[float, float]) -> Candidates:
    places = np.array([place(*span) for span in spans], np.float32)
    return line.read(places, np.full(len(places), 0.9, np.float32))


def texts(found: Candidates) -> list[str]:
    return sorted(one.text for one in found.readings)


def test_two_words_at_one_place_are_taken_apart() -> None:
    line = Line([("low", 0.0), ("flying", 46.0)])
    found = segmented(start(line, (0, 118)), line.read)
    assert texts(found) == ["flying", "low"]
    left, right = sorted(found.places.tolist())
    assert left[0] - left[2] / 2 == 0
    assert abs(right[0] + right[2] / 2 - 118) < 1e-3
    # Nothing is cut: what is between them belongs to the space.
    assert left[0] + left[2] / 2 < right[0] - right[2] / 2


def test_one_word_at_two_places_is_put_together() -> None:
    line = Line([("hilton", 0.0)])
    found = segmented(start(line, (0, 36), (36, 72)), line.read)
    assert texts(found) == ["hilton"]
    assert found.places[0].tolist() == place(0, 72)
    assert found.scores.shape == (1,)


def test_a_word_in_four_pieces_is_put_together() -> None:
    line = Line([("listerine", 0.0)])
    found = segmented(start(line, (0, 36), (36, 60), (60, 84), (84, 108)), line.read)
    assert texts(found) == ["listerine"]


def test_two_words_at_two_places_stay_two() -> None:
    line = Line([("low", 0.0), ("flying", 39.0)])
    found = segmented(start(line, (0, 36), (39, 111)), line.read)
    assert texts(found) == ["flying", "low"]
    assert line.asked == 3  # both, and whether they are one
    further = Line([("low", 0.0), ("flying", 42.0)])
    segmented(start(further, (0, 36), (42, 114)), further.read)
    assert further.asked == 2


def test_what_is_joined_is_read_as_surely_as_its_parts() -> None:
    parts = start(Line([("hilton", 0.0)]), (0, 36), (36, 72))
    doubtful = Line([("hilton", 0.0)], sure=0.5)
    assert texts(segmented(parts, doubtful.read)) == ["hil", "ton"]


def test_a_possible_space_joins_nothing() -> None:
    parts = start(Line([("hilton", 0.0)]), (0, 36), (36, 72))
    open_ = Line([("hilton", 0.0)], space=0.1)
    assert texts(segmented(parts, open_.read)) == ["hil", "ton"]


def test_words_that_cannot_be_read_apart_stay_together() -> None:
    line = Line([("low", 0.0), ("flying", 46.0)])
    whole = start(line, (0, 118))
    doubtful = Line(line.words, sure=0.6)
    assert texts(segmented(whole, doubtful.read)) == ["low flying"]


def test_other_letters_than_those_of_the_parts_join_nothing() -> None:
    parts = start(Line([("hilton", 0.0)]), (0, 36), (36, 72))
    other = Line([("kelvin", 0.0)])
    assert texts(segmented(parts, other.read)) == ["hil", "ton"]


def test_nothing_is_asked_about_words_that_stand_alone() -> None:
    line = Line([("low", 0.0), ("flying", 200.0)])
    found = start(line, (0, 36), (200, 272))
    line.asked = 0
    assert segmented(found, line.read) is found
    assert line.asked == 0
