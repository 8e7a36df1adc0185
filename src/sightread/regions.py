"""The vectors of words: what belongs to them besides `types`. A reader that gives its regions a
vector also has a tower for queries in the same space (`protocols.WordEncoder`)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from sightread.types import EncoderSpec

Owner = Literal["pictures", "regions"]
"""What the vectors of a space belong to: an encoder makes one of a whole picture, a reader one of
each word."""


@dataclass(frozen=True, slots=True)
class RegionHits:
    """The best region of each of the pictures nearest to one query vector, best first, ties by
    id: `picture` (n,), `ordinal` (n,) of the region in its picture, `score` (n,) dot products.

    The others are only there when asked for: `line` (n,) and `boxes` (n, 4, 2) as in `WordHits`,
    and what was read, with the reader's `confidence` (n,).
    """

    picture: NDArray[np.int64]
    ordinal: NDArray[np.int32]
    score: NDArray[np.float32]
    line: NDArray[np.int32] | None = None
    boxes: NDArray[np.float32] | None = None
    confidence: NDArray[np.float32] | None = None
    text: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.picture)


@dataclass(frozen=True, slots=True)
class RegionSpaceInfo:
    """As `SpaceInfo`, for vectors of regions: of which reader's model, and how many regions have
    one."""

    spec: EncoderSpec
    folder: str
    regions: int
    serving: bool = True


@dataclass(frozen=True, slots=True)
class WordCalibration:
    """From how much a region looks like a word, though another one was read there, to the
    probability that the word stands there.

    Log odds = slope * cosine + offset + length * ln(letters of the word) + unlike * u +
    certain * c + sure * u * c, where u is the share of the word's letters that were read
    differently (1 where nothing was read) and c the `certainty` of that reading, in a library of
    as many `regions` as they were fitted on. In a larger one ln(how many times as many) is taken
    away: every region is one more chance to look like a word that is nowhere.
    """

    slope: float
    offset: float
    length: float
    unlike: float
    certain: float
    sure: float
    regions: int

    def log_odds(self, looks: Looks, letters: int, regions: int) -> NDArray[np.float64]:
        """(n,) in a library with so many regions."""
        odds = self.slope * looks.cosine + self._rest(letters, regions)
        share, certain = looks.unlike, certainty(looks.confidence)
        read: NDArray[np.float64] = self.unlike * share + self.certain * certain
        return odds + read + self.sure * share * certain

    def least(self, log_odds: float, letters: int, regions: int) -> float:
        """The cosine that reaches these odds at best."""
        corners = (self.unlike, self.certain, self.unlike + self.certain + self.sure)
        gain = max(0.0, *corners)
        return (log_odds - gain - self._rest(letters, regions)) / self.slope

    def _rest(self, letters: int, regions: int) -> float:
        larger = max(0.0, math.log(max(regions, 1) / self.regions))
        return self.offset + self.length * math.log(max(letters, 1)) - larger


@dataclass(frozen=True, slots=True)
class Looks:
    """n regions beside a word: cosine, the share of the word's letters that were read differently,
    and the reader's confidence; all (n,)."""

    cosine: NDArray[np.float64]
    unlike: NDArray[np.float64]
    confidence: NDArray[np.float64]


def certainty(confidence: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    """How many nines the confidence has, as a share of four: 0.9 is 0.25, 0.99 is 0.5, and from
    0.9999 on 1. Readers that misread are often sure by two nines, seldom by four."""
    doubt = np.maximum(1 - np.asarray(confidence, dtype=np.float64), 1e-4)
    return np.asarray(-np.log10(doubt) / 4)
