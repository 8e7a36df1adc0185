"""Places that were read, before it is decided which of them are words."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sightread.spotting.places import Places
from sightread.spotting.readings import Reading
from sightread.types import Vectors


@dataclass(frozen=True, slots=True)
class Candidates:
    """Places that were read: (n, 5), how likely they are words (n,), vectors (n, D), readings."""

    places: Places
    scores: NDArray[np.float32]
    vectors: Vectors
    readings: Sequence[Reading]

    def only(self, kept: Sequence[int]) -> Candidates:
        """Those with these numbers, in this order."""
        numbers = np.array(kept, np.intp)
        return Candidates(
            self.places[numbers],
            self.scores[numbers],
            self.vectors[numbers],
            [self.readings[number] for number in kept],
        )

    def and_(self, other: Candidates) -> Candidates:
        """These, then the others."""
        return Candidates(
            np.concatenate([self.places, other.places]),
            np.concatenate([self.scores, other.scores]),
            np.concatenate([self.vectors, other.vectors]),
            [*self.readings, *other.readings],
        )


Read = Callable[[Places, NDArray[np.float32]], Candidates]
"""Reads the words at places with scores."""
