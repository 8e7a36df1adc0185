"""What was read with doubt is cut out a little larger and a little smaller, and read again.

Places are inexact by a few hundredths of a word's height, and a letter at the rim decides. Only
what would be a word (`spotting.choosing`) is worth another look, and only where something was read.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sightread.readers.candidates import Candidates, Read
from sightread.spotting.choosing import choose
from sightread.spotting.readings import Reading

_LEAST, _SURE = 0.3, 0.95
"""Confidence from which, and up to which, a reading is doubtful."""
_LETTERS = 2
_GROWN = (0.14, -0.1)
"""What is added to length and height of a place, in heights."""
_THINNEST = 0.2


def read_again(found: Candidates, read: Read) -> Candidates:
    """The candidates, each with the surest of its readings, and the place of that."""
    words, _ = choose(found.places, found.readings)
    doubtful = [number for number in words if _is_doubtful(found.readings[number])]
    if not doubtful:
        return found
    tries = np.concatenate([_grown(found.places[doubtful], share) for share in _GROWN])
    every = found.and_(read(tries, np.tile(found.scores[doubtful], len(_GROWN))))
    best = list(range(len(found.scores)))
    for at, number in enumerate(doubtful * len(_GROWN), len(best)):
        if every.readings[at].confidence > every.readings[best[number]].confidence:
            best[number] = at
    return every.only(best)


def _is_doubtful(reading: Reading) -> bool:
    return _LEAST <= reading.confidence < _SURE and len(reading.text) >= _LETTERS


def _grown(places: NDArray[np.float32], share: float) -> NDArray[np.float32]:
    grown = places.copy()
    heights = places[:, 3:4]
    grown[:, 2:4] = np.maximum(places[:, 2:4] + share * heights, _THINNEST * heights)
    return grown
