"""From a recognised line to words with their own boxes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from sightread.readers.detect import Corners
from sightread.readers.recognise import ReadChar, ReadLine
from sightread.types import Point, Quad, WordRegion

# A border between two characters is one between words if
#     logit(probability of a space) + gap / median gap of the line  >  _BORDER_EVIDENCE,
# fitted by logistic regression on annotated pictures, where both weights came out equal. The
# recogniser alone glues words that stand close; the gap alone breaks widely set words.
_BORDER_EVIDENCE = -1.5
_LEAST_PROBABILITY = 1e-4
_LEAST_MEDIAN_GAP = 0.04  # heights of the line; italics have none at all
_MOST_GAP_RATIO = 3.0
# Dashes that are never part of a word, unlike the hyphen.
_DASHES = frozenset("\u2013\u2014\u2015")


def split_line(line: ReadLine) -> list[list[ReadChar]]:
    """The characters of each word, without the spaces between them."""
    chars = _without_spaces(line.chars)
    inside = [char.gap_before for char in chars[1:] if char.space_before < 0.5]
    median = max(float(np.median(inside)) if inside else 0.0, _LEAST_MEDIAN_GAP)
    words: list[list[ReadChar]] = []
    for char in chars:
        if not words or _begins_word(words[-1][-1], char, median):
            words.append([])
        words[-1].append(char)
    return words


def _without_spaces(chars: Sequence[ReadChar]) -> list[ReadChar]:
    """The evidence of a space goes to the character after it."""
    kept: list[ReadChar] = []
    space = gap = 0.0
    for char in chars:
        space = max(space, char.space_before)
        gap = max(gap, char.gap_before)
        if char.text.isspace():
            space = max(space, char.confidence)
            continue
        kept.append(replace(char, space_before=space, gap_before=gap))
        space = gap = 0.0
    return kept


def _begins_word(left: ReadChar, right: ReadChar, median_gap: float) -> bool:
    if left.text in _DASHES or right.text in _DASHES:
        return True
    probability = min(max(right.space_before, _LEAST_PROBABILITY), 1 - _LEAST_PROBABILITY)
    logit = math.log(probability / (1 - probability))
    return logit + min(right.gap_before / median_gap, _MOST_GAP_RATIO) > _BORDER_EVIDENCE


def word_regions(line: ReadLine, corners: Corners, number: int) -> list[WordRegion]:
    """The words of a line, each with the part of the line's box that it takes up.

    Args:
        corners: (4, 2) of the whole line, see `detect.Corners`.
        number: becomes `WordRegion.line`.
    """
    return [
        WordRegion(
            box=_part(corners, line, word),
            confidence=_confidence(word),
            text="".join(char.text for char in word),
            line=number,
            spaced=word[0].space_before >= 0.5,
        )
        for word in split_line(line)
    ]


def _confidence(word: Sequence[ReadChar]) -> float:
    """Geometric mean over the characters: one doubtful letter makes a doubtful word."""
    total = sum(math.log(max(char.confidence, 1e-6)) for char in word)
    return math.exp(total / len(word))


def _part(corners: Corners, line: ReadLine, word: Sequence[ReadChar]) -> Quad:
    """The part of a line's box that a word takes up, cut along the line's own axes."""
    start, end = word[0].start, max(word[-1].end, word[0].start)
    return (
        _inside(corners, start, line.top),
        _inside(corners, end, line.top),
        _inside(corners, end, line.bottom),
        _inside(corners, start, line.bottom),
    )


def _inside(corners: Corners, along: float, down: float) -> Point:
    top_left, top_right, bottom_right, bottom_left = corners.astype(np.float64)
    upper = top_left + along * (top_right - top_left)
    lower = bottom_left + along * (bottom_right - bottom_left)
    point = upper + down * (lower - upper)
    return float(point[0]), float(point[1])
