"""What the network's columns say: the likeliest string, character by character."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from rapidfuzz.distance import Levenshtein

from sightread.spotting.alphabet import READ

_LEAST = 1e-6


@dataclass(frozen=True, slots=True)
class Reading:
    """A word, and the geometric mean of how sure its characters are; "" and 0 if nothing stands
    there."""

    text: str
    confidence: float


def read_columns(logs: NDArray[np.float32]) -> Reading:
    """The best path of CTC (Graves et al., ICML 2006): the likeliest class of each column, repeats
    taken together, blanks left out.

    Args:
        logs: (T, classes) logarithms of probabilities, class 0 the blank.
    """
    best = logs.argmax(axis=1)
    sure = np.exp(logs.max(axis=1))
    text, logarithms = "", []
    previous = 0
    for number, probability in zip(best.tolist(), sure.tolist(), strict=True):
        if number and number != previous:
            text += READ[number - 1]
            logarithms.append(probability)
        elif number:
            logarithms[-1] = max(logarithms[-1], probability)
        previous = number
    if not text:
        return Reading("", 0.0)
    mean = float(np.mean(np.log(np.maximum(logarithms, _LEAST))))
    return Reading(text, float(np.exp(mean)))


def unlike(word: str, read: Sequence[str]) -> NDArray[np.float64]:
    """(n,) which share of the word's letters was read differently: edits by letters, at most 1.

    Args:
        word: as words are compared (`text.key`), as are the readings; "" where nothing was read.
    """
    edits = [Levenshtein.distance(word, one) for one in read]
    return np.minimum(np.array(edits, dtype=np.float64) / max(len(word), 1), 1.0)
