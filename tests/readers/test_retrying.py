"""A second try at doubtful words, with a reader that is the surer the smaller a place is."""

import numpy as np
import pytest
from numpy.typing import NDArray

from sightread.readers.candidates import Candidates
from sightread.readers.retrying import read_again
from sightread.spotting.places import Places
from sightread.spotting.readings import Reading


def candidates(places: Places, *readings: Reading) -> Candidates:
    count = len(places)
    vectors = np.arange(count, dtype=np.float32)[:, None].repeat(4, axis=1)
    return Candidates(places, np.full(count, 0.9, np.float32), vectors, readings)


class Smaller:
    """Reads "right", the surer the lower; remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[list[float]] = []

    def __call__(self, places: Places, scores: NDArray[np.float32]) -> Candidates:
        assert len(places) == len(scores)
        self.asked += places.tolist()
        return candidates(
            places, *(Reading("right", 1 - float(place[3]) / 100) for place in places)
        )


PLACES = np.array([[50, 50, 60, 50, 0], [200, 50, 60, 50, 0]], np.float32)


def test_the_surer_reading_counts_and_its_place() -> None:
    read = Smaller()
    found = read_again(candidates(PLACES, Reading("wr0ng", 0.5), Reading("sure", 0.99)), read)
    assert [one.text for one in found.readings] == ["right", "sure"]
    assert found.readings[0].confidence == pytest.approx(0.55)
    assert found.places[0] == pytest.approx([50, 50, 55, 45, 0])
    assert found.places[1] == pytest.approx(PLACES[1])
    assert [place[3] for place in read.asked] == pytest.approx([45])


def test_a_first_reading_that_is_surer_stays() -> None:
    first = candidates(PLACES, Reading("first", 0.8), Reading("sure", 0.99))
    found = read_again(first, Smaller())
    assert found.readings[0] == Reading("first", 0.8)
    assert np.array_equal(found.vectors, first.vectors)


@pytest.mark.parametrize("reading", [Reading("x", 0.5), Reading("murmur", 0.2), Reading("", 0.0)])
def test_what_is_hardly_a_word_is_not_tried_again(reading: Reading) -> None:
    read = Smaller()
    first = candidates(PLACES, reading, Reading("sure", 0.99))
    assert read_again(first, read) is first
    assert not read.asked


def test_second_thoughts_are_not_tried_again() -> None:
    read = Smaller()
    over = np.array([[50, 50, 60, 50, 0], [55, 50, 40, 45, 0]], np.float32)
    read_again(candidates(over, Reading("word", 0.99), Reading("wor", 0.6)), read)
    assert not read.asked
