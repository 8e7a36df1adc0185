"""From a recognised line to words with their own boxes."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from sightread.readers.detect import Corners
from sightread.readers.recognise import ReadChar, ReadLine
from sightread.types import Point, Quad, WordRegion


def split_line(line: ReadLine) -> list[list[ReadChar]]:
    """The characters of each word, without the spaces between them."""
    words: list[list[ReadChar]] = [[]]
    for char in line.chars:
        if char.text.isspace():
            words.append([])
        else:
            words[-1].append(char)
    return [word for word in words if word]


def word_regions(line: ReadLine, corners: Corners, number: int) -> list[WordRegion]:
    """The words of a line, each with the part of the line's box that it takes up.

    Args:
        corners: (4, 2) of the whole line, see `detect.Corners`.
        number: becomes `WordRegion.line`.
    """
    words = split_line(line)
    return [
        WordRegion(
            box=_part(corners, start, end),
            confidence=_confidence(word),
            text="".join(char.text for char in word),
            line=number,
        )
        for word, (start, end) in zip(words, _extents(words), strict=True)
    ]


def _extents(words: Sequence[Sequence[ReadChar]]) -> list[tuple[float, float]]:
    """Where each word begins and ends along the line, as fractions of its length.

    The columns of a character mark its middle, not its edges, so that a word is cut half-way to
    its neighbours, and the outer words reach to the ends of the line.
    """
    edges = [0.0]
    for left, right in zip(words, words[1:], strict=False):
        edges.append((left[-1].end + right[0].start) / 2)
    edges.append(1.0)
    return list(zip(edges, edges[1:], strict=False))


def _confidence(word: Sequence[ReadChar]) -> float:
    """Geometric mean over the characters: one doubtful letter makes a doubtful word."""
    total = sum(math.log(max(char.confidence, 1e-6)) for char in word)
    return math.exp(total / len(word))


def _part(corners: Corners, start: float, end: float) -> Quad:
    """The stretch of a line's box from `start` to `end`, cut along its own axes."""
    top_left, top_right, bottom_right, bottom_left = corners.astype(np.float64)
    top = top_right - top_left
    bottom = bottom_right - bottom_left
    return (
        _point(top_left + start * top),
        _point(top_left + end * top),
        _point(bottom_left + end * bottom),
        _point(bottom_left + start * bottom),
    )


def _point(xy: np.ndarray) -> Point:  # type: ignore[type-arg]
    return float(xy[0]), float(xy[1])
