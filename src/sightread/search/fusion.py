"""From terms to pictures: which pictures answer the whole query, and how probably.

Every term has a calibrated probability per picture, so terms are combined as chances: a picture
has to answer all of them. An unquoted word may as well be shown as written, which nothing here
can tell yet; a picture without it keeps a small chance, so that `--threshold 0` still ranks it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sightread.search.phrases import Occurrences, best_per_picture
from sightread.types import Term

MISSING = 0.02
"""The chance that is left to a picture in which an unquoted word was not found."""


@dataclass(frozen=True, slots=True)
class Ranking:
    """Pictures best first, ties by id; all columns (n,)."""

    picture: NDArray[np.int64]
    probability: NDArray[np.float64]


def combine(terms: Sequence[tuple[Term, Occurrences | None]], threshold: float) -> Ranking:
    """Pictures that answer the terms; negated terms take out those that hold them.

    Args:
        terms: each with the places where it may stand.
        threshold: a negated term counts as there from this probability on.
    """
    wanted = [(term, _best(found)) for term, found in terms if not term.negated]
    columns = [ranking.picture for _, ranking in wanted]
    pictures = np.unique(np.concatenate(columns)) if columns else np.zeros(0, dtype=np.int64)
    total = np.ones(len(pictures))
    for term, ranking in wanted:
        chance = np.full(len(pictures), 0.0 if term.quoted or term.field else MISSING)
        chance[np.searchsorted(pictures, ranking.picture)] = ranking.probability
        total *= chance
    for term, found in terms:
        if term.negated:
            best = _best(found)
            total[np.isin(pictures, best.picture[best.probability >= threshold])] = 0.0
    kept = np.flatnonzero(total > 0)
    order = kept[np.lexsort((pictures[kept], -total[kept]))]
    return Ranking(pictures[order], total[order])


def _best(found: Occurrences | None) -> Ranking:
    if found is None:
        return Ranking(np.zeros(0, dtype=np.int64), np.zeros(0))
    best = best_per_picture(found)
    return Ranking(best.picture, best.probability)
