import numpy as np
import pytest
from numpy.typing import NDArray

from sightread.spotting.alphabet import CLASSES, READ
from sightread.spotting.readings import read_columns


def columns(*pairs: tuple[str, float]) -> NDArray[np.float32]:
    """One row per (character, probability); "" is the blank."""
    rows = np.full((len(pairs), CLASSES), 1e-9)
    for row, (char, probability) in zip(rows, pairs, strict=True):
        row[READ.index(char) + 1 if char else 0] = probability
    logs: NDArray[np.float32] = np.log(rows).astype(np.float32)
    return logs


def test_repeats_are_one_character_unless_a_blank_parts_them() -> None:
    reading = read_columns(
        columns(("h", 0.9), ("e", 0.8), ("e", 0.9), ("l", 0.9), ("", 0.9), ("l", 0.9), ("", 1.0))
    )
    assert reading.text == "hell"
    assert reading.confidence == pytest.approx(0.9)  # the e counts with its better column


def test_confidence_is_the_geometric_mean_over_characters() -> None:
    reading = read_columns(columns(("a", 0.9), ("", 0.99), ("b", 0.4)))
    assert reading.confidence == pytest.approx(0.6)  # sqrt(0.36)


def test_nothing_is_read_where_all_is_blank() -> None:
    assert read_columns(columns(("", 0.9), ("", 0.8))).text == ""
    assert read_columns(columns(("", 0.9))).confidence == 0.0


def test_a_space_is_a_break_between_words_and_nothing_at_the_ends() -> None:
    reading = read_columns(
        columns((" ", 0.9), ("n", 0.9), ("o", 0.9), ("", 0.9), (" ", 0.9), (" ", 0.8), ("w", 0.9))
    )
    assert reading.text == "no w"
    assert reading.breaks == pytest.approx((4.5 / 7,))
    reading = read_columns(columns(("n", 0.9), (" ", 0.9), ("", 0.9)))
    assert (reading.text, reading.breaks) == ("n", ())
    assert read_columns(columns((" ", 0.9))).text == ""


def test_a_space_that_is_doubtful_is_none_but_is_remembered() -> None:
    found = read_columns(columns(("n", 0.9), (" ", 0.55), ("w", 0.9)))
    assert (found.text, found.breaks) == ("nw", ())
    assert found.space == pytest.approx(0.55)
    assert read_columns(columns(("n", 0.9), (" ", 0.65), ("w", 0.9))).text == "n w"
