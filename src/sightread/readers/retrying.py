"""What was read with doubt is cut out a little smaller and read again.

Places are inexact by a few hundredths of a word's height, and a letter at the rim decides. Only
what would be a word (`spotting.choosing`) is worth another look, and only where something was read.
In photographs a larger cut finds little that the smaller one does not (docs/decisions/0013).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sightread.readers.candidates import Candidates, Read
from sightread.spotting.choosing import choose
from sightread.spotting.readings import Reading

_LEAST, _SURE = 0.3, 0.9
"""Confidence from which, and up to which, a reading is doubtful."""
_LETTERS = 2
_SMALLER = 0.1
"""What is taken from length and height of a place, in heights."""
_THINNEST = 0.2


def read_again(found: Candidates, read: Read) -> Candidates:
    """The candidates, each with the surer of its readings, and the place of that."""
    words, _ = choose(found.places, found.readings)
    doubtful = [number for number in words if _is_doubtful(found.readings[number])]
    if not doubtful:
        return found
    every = found.and_(read(_smaller(found.places[doubtful]), found.scores[doubtful]))
    best = list(range(len(found.scores)))
    for at, number in enumerate(doubtful, len(best)):
        if every.readings[at].confidence > every.readings[number].confidence:
            best[number] = at
    return every.only(best)


def _is_doubtful(reading: Reading) -> bool:
    return _LEAST <= reading.confidence < _SURE and len(reading.text) >= _LETTERS


def _smaller(places: NDArray[np.float32]) -> NDArray[np.float32]:
    smaller = places.copy()
    heights = places[:, 3:4]
    smaller[:, 2:4] = np.maximum(places[:, 2:4] - _SMALLER * heights, _THINNEST * heights)
    return smaller
