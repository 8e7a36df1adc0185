"""What the network's columns say: the likeliest string, character by character."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from rapidfuzz.distance import Levenshtein

from sightread.spotting.alphabet import READ

_LEAST = math.log(1e-6)
_SPACE = READ.index(" ") + 1
_LEAST_SPACE = math.log(0.6)
"""Less sure ones part more words than they set free: 0.4 points of mAP between 0.3 and 0.6."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What a strip says, and the geometric mean of how sure its characters are; "" and 0 if nothing
    stands there.

    `breaks` are the places of the spaces in `text`, as shares of the strip's length; `space` is the
    greatest probability of a space between two characters.
    """

    text: str
    confidence: float
    breaks: tuple[float, ...] = ()
    space: float = 0.0


def read_columns(logs: NDArray[np.float32]) -> Reading:
    """The best path of CTC (Graves et al., ICML 2006): the likeliest class of each column, repeats
    taken together, blanks left out, and spaces that are not sure.

    Args:
        logs: (T, classes) logarithms of probabilities, class 0 the blank.
    """
    # A strip has few columns: plain numbers are quicker than arrays.
    best, sure = logs.argmax(axis=1).tolist(), logs.max(axis=1).tolist()
    spaces = logs[:, _SPACE].tolist()
    letters: list[str] = []
    sures: list[float] = []
    gaps: list[tuple[float, float]] = []  # before each letter: a space's logarithm, and its place
    previous, gap = 0, (-math.inf, 0.0)
    for column, (number, logarithm) in enumerate(zip(best, sure, strict=True)):
        here = (spaces[column], (column + 0.5) / len(best))
        gap = max(gap, here)
        if number in (0, _SPACE):
            previous = number
            continue
        if number == previous:
            sures[-1] = max(sures[-1], logarithm)
        else:
            letters.append(READ[number - 1])
            sures.append(logarithm)
            gaps.append(gap)
        previous, gap = number, here
    if not letters:
        return Reading("", 0.0)
    spaced = [
        letter if one < _LEAST_SPACE else f" {letter}"
        for letter, (one, _) in zip(letters[1:], gaps[1:], strict=True)
    ]
    breaks = tuple(place for one, place in gaps[1:] if one >= _LEAST_SPACE)
    mean = sum(max(one, _LEAST) for one in sures) / len(sures)
    widest = max((one for one, _ in gaps[1:]), default=-math.inf)
    return Reading(letters[0] + "".join(spaced), math.exp(mean), breaks, math.exp(widest))


def unlike(word: str, read: Sequence[str]) -> NDArray[np.float64]:
    """(n,) which share of the word's letters was read differently: edits by letters, at most 1.

    Args:
        word: as words are compared (`text.key`), as are the readings; "" where nothing was read.
    """
    edits = [Levenshtein.distance(word, one) for one in read]
    return np.minimum(np.array(edits, dtype=np.float64) / max(len(word), 1), 1.0)
