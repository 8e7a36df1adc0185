from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sightread.readers.lines import split_line, word_regions
from sightread.readers.recognise import ReadChar, ReadLine
from sightread.types import WordRegion

FLAT = np.array([[0, 0], [100, 0], [100, 10], [0, 10]], dtype=np.float32)


def line(text: str, spaces: dict[int, float] | None = None) -> ReadLine:
    """Characters of equal width along the line; `spaces`: evidence before the i-th."""
    step = 1 / len(text)
    evidence = spaces or {}
    return ReadLine(
        tuple(
            ReadChar(c, 0.9, i * step, (i + 1) * step, evidence.get(i, 0.0), 0.05)
            for i, c in enumerate(text)
        )
    )


def corners(word: WordRegion) -> list[float]:
    return [number for point in word.box for number in point]


def split(read: ReadLine) -> list[str]:
    return ["".join(char.text for char in word) for word in split_line(read)]


def test_spaces_part_words() -> None:
    assert split(line("OPEN ALL DAY")) == ["OPEN", "ALL", "DAY"]


def test_repeated_and_outer_spaces_make_no_empty_words() -> None:
    assert split(line("  OPEN   DAY ")) == ["OPEN", "DAY"]


def test_nothing_and_blanks_are_no_words() -> None:
    assert split(ReadLine(())) == []
    assert split(line("   ")) == []


def test_a_likely_space_parts_glued_words() -> None:
    # logit(0.4) = -0.41, plus a gap ratio of 1, is above the threshold; logit(0.01) = -4.6 is not.
    assert split(line("NOPARKING", {2: 0.4})) == ["NO", "PARKING"]
    assert split(line("NOPARKING", {2: 0.01})) == ["NOPARKING"]


def test_a_wide_gap_helps_an_unlikely_space() -> None:
    # logit(0.06) = -2.75: with an ordinary gap (1) below -1.5, with a wide one (3) above.
    chars = list(line("NOPARKING", {2: 0.06}).chars)
    assert split(ReadLine(tuple(chars))) == ["NOPARKING"]
    wide = ReadChar("P", 0.9, chars[2].start, chars[2].end, 0.06, 0.4)
    assert split(ReadLine((*chars[:2], wide, *chars[3:]))) == ["NO", "PARKING"]


def test_dashes_part_words_and_hyphens_do_not() -> None:
    assert split(line("SEE—AND")) == ["SEE", "—", "AND"]
    assert split(line("T-SHIRT")) == ["T-SHIRT"]


def test_boxes_reach_from_the_first_letter_to_the_last() -> None:
    # Ten characters of width 10 px: "AB" covers 0..20 and "CDEFGH" 40..100.
    first, second = word_regions(line("AB  CDEFGH"), FLAT, 7)
    assert corners(first) == pytest.approx([0, 0, 20, 0, 20, 10, 0, 10], abs=1e-4)
    assert corners(second) == pytest.approx([40, 0, 100, 0, 100, 10, 40, 10], abs=1e-4)
    assert (first.line, second.line) == (7, 7)


def test_boxes_of_a_turned_line_are_cut_along_its_own_axes() -> None:
    # The flat line turned by 90 degrees clockwise about the origin: x becomes y, y becomes -x.
    turned = np.stack([-FLAT[:, 1], FLAT[:, 0]], axis=1)
    first, second = word_regions(line("AB  CDEFGH"), turned, 0)
    assert corners(first) == pytest.approx([0, 0, 0, 20, -10, 20, -10, 0], abs=1e-4)
    assert corners(second)[:2] == pytest.approx([0, 40], abs=1e-4)


def test_boxes_are_as_high_as_the_letters() -> None:
    low = ReadLine(line("AB").chars, top=0.2, bottom=0.7)
    (word,) = word_regions(low, FLAT, 0)
    assert corners(word) == pytest.approx([0, 2, 100, 2, 100, 7, 0, 7], abs=1e-4)


def test_one_doubtful_letter_makes_a_doubtful_word() -> None:
    chars = (ReadChar("A", 1.0, 0, 0.5), ReadChar("B", 0.25, 0.5, 1))
    (word,) = word_regions(ReadLine(chars), FLAT, 0)
    assert word.confidence == pytest.approx(math.sqrt(0.25))


@settings(deadline=None)  # a busy machine is no error
@given(
    st.lists(
        st.tuples(st.sampled_from("aB1 -—é東"), st.floats(0, 1), st.floats(0, 1), st.floats(0, 2)),
        max_size=30,
    )
)
def test_splitting_keeps_every_letter_in_order(rows: list[tuple[str, float, float, float]]) -> None:
    step = 1 / max(len(rows), 1)
    chars = tuple(
        ReadChar(c, confidence, i * step, (i + 1) * step, space, gap)
        for i, (c, confidence, space, gap) in enumerate(rows)
    )
    words = word_regions(ReadLine(chars), FLAT, 0)
    assert "".join(word.text or "" for word in words) == "".join(c for c, *_ in rows if c != " ")
    assert all(word.text for word in words)
    assert all(0 <= word.confidence <= 1 for word in words)
    starts = [word.box[0][0] for word in words]
    assert starts == sorted(starts)
