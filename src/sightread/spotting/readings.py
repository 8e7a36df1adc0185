"""What the network's columns say: the likeliest string, character by character."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from rapidfuzz.distance import Levenshtein

from sightread.spotting.alphabet import READ

_LEAST = math.log(1e-6)
_SPACE = READ.index(" ") + 1
_LEAST_SPACE = math.log(0.3)
"""Two words taken for one are both lost, a word taken for two is put together again."""


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
    taken together, blanks left out; spaces also where they are not the likeliest.

    Args:
        logs: (T, classes) logarithms of probabilities, class 0 the blank.
    """
    best = logs.argmax(axis=1)
    bounds = np.flatnonzero(np.diff(best, prepend=-1, append=-1)).tolist()
    runs = [(int(best[first]), first, last) for first, last in pairwise(bounds)]
    runs = [run for run in runs if run[0] not in (0, _SPACE)]
    if not runs:
        return Reading("", 0.0)
    sure = [float(logs[first:last, number].max()) for number, first, last in runs]
    text, breaks, space = READ[runs[0][0] - 1], [], -np.inf
    for (_, _, end), (number, start, _) in pairwise(runs):
        between = logs[end - 1 : start + 1, _SPACE]
        space = max(space, float(between.max()))
        if between.max() >= _LEAST_SPACE:
            text += " "
            breaks.append((end + int(between.argmax()) - 0.5) / len(logs))
        text += READ[number - 1]
    mean = float(np.mean(np.maximum(sure, _LEAST)))
    return Reading(text, float(np.exp(mean)), tuple(breaks), float(np.exp(space)))


def unlike(word: str, read: Sequence[str]) -> NDArray[np.float64]:
    """(n,) which share of the word's letters was read differently: edits by letters, at most 1.

    Args:
        word: as words are compared (`text.key`), as are the readings; "" where nothing was read.
    """
    edits = [Levenshtein.distance(word, one) for one in read]
    return np.minimum(np.array(edits, dtype=np.float64) / max(len(word), 1), 1.0)
