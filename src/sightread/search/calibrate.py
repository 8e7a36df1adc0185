"""From the way a reading matches to the probability that the word is really there.

One small logistic line per kind of match. The numbers come from `benchmarks/fit_calibration.py`:
words that are present and words that are absent, on real photographs, which says that an exact
reading of a whole word is nearly always right, that a piece of a hyphenated word is right about
one time in five, and that a near reading, made by a confident reader, is usually another word.
The line of exact readings is of the word spotter and RapidOCR together, on pictures that no
training saw; the others are of RapidOCR alone: fitted to both they let twice as many made-up words
pass.
What they achieve is printed by `sightread evaluate words`: precision at the default threshold and
the share of invented words that find anything.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sightread.regions import certainty as certainty
from sightread.search.match import Candidate
from sightread.text import letters
from sightread.types import MatchKind, TermMode

DEFAULT_THRESHOLD = 0.3
"""Pictures below this probability are left out of an answer unless asked for. Chosen for a
precision of at least 0.95 with at most 2 % of invented words accepted."""

FALLBACK_THRESHOLD = 0.15
"""When nothing reaches the default threshold, somebody would rather see a doubtful match than
none: the word is then most often there, misread. Invented words hardly ever get this far."""

KINDS: tuple[MatchKind, ...] = ("exact", "look-alike", "edits", "prefix", "part")


@dataclass(frozen=True, slots=True)
class Line:
    """log odds = bias + cost * weighted edits + share * weighted edits per character
    + length * ln(letters) + count * ln(regions that hold the reading)
    + certainty * the reader's certainty + whole * (1 for a whole word, 0 for a piece of one)."""

    bias: float
    cost: float = 0.0
    share: float = 0.0
    length: float = 0.0
    count: float = 0.0
    certainty: float = 0.0
    whole: float = 0.0


_NEAR = Line(-5.81, cost=-1.76, share=-4.82, length=3.42, count=-0.70, certainty=-3.17, whole=0.90)

LINES: dict[MatchKind, Line] = {
    "exact": Line(-6.21, cost=-4.25, length=2.21, certainty=2.50, whole=5.02),
    "look-alike": _NEAR,
    "edits": _NEAR,
    "part": Line(-5.02, cost=1.02, length=2.72, certainty=-3.18),
}

_LITERAL = Line(1.0, cost=-0.3, certainty=2.0)
"""What the user spelt out (`word*`, `*word*`, the edits of `~n`) is no guess: only the reading
may be wrong. Fewer edits come first."""


@dataclass(frozen=True, slots=True)
class Odds:
    """Per candidate (n,): log odds at certainty 0 for a piece, and what is added per unit of
    certainty and for a whole word."""

    base: NDArray[np.float64]
    per_certainty: NDArray[np.float64]
    for_whole: NDArray[np.float64]

    def best(self) -> NDArray[np.float64]:
        """(n,) the highest probability that an occurrence can have; readers are hardly ever less
        sure than 0.5 of what they give out at all."""
        sure = np.maximum(certainty(np.array(0.5)) * self.per_certainty, self.per_certainty)
        return probability(self.base + sure + np.maximum(0.0, self.for_whole))


def odds(word: str, mode: TermMode, candidates: list[Candidate]) -> Odds:
    """Log odds that each candidate is the `word` (folded) that was asked for in this mode."""
    rows = [_coefficients(word, mode, candidate) for candidate in candidates]
    columns = np.array(rows, dtype=np.float64).reshape(len(rows), 3).T
    return Odds(columns[0], columns[1], columns[2])


def _coefficients(word: str, mode: TermMode, candidate: Candidate) -> tuple[float, float, float]:
    literal = mode in ("prefix", "part") or (mode == "edits" and candidate.kind != "exact")
    line = _LITERAL if literal else LINES[candidate.kind]
    base = line.bias + line.cost * candidate.cost + line.share * candidate.cost / len(word)
    base += line.length * float(np.log(letters(word))) + line.count * float(np.log(candidate.count))
    if letters(word) > len(word):  # scripts without spaces have no pieces, only words in a row
        return base + line.whole, line.certainty, 0.0
    return base, line.certainty, line.whole


def threshold_for(probabilities: NDArray[np.float64]) -> float:
    """The default threshold, or the lower one if none of the (n,) probabilities reaches it."""
    found = bool((probabilities >= DEFAULT_THRESHOLD).any())
    return DEFAULT_THRESHOLD if found else FALLBACK_THRESHOLD


def probability(log_odds: NDArray[np.float64]) -> NDArray[np.float64]:
    """The logistic function."""
    result: NDArray[np.float64] = 1 / (1 + np.exp(-log_odds))
    return result
