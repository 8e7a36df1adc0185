"""From terms to pictures: which pictures answer the whole query, and how probably.

What was read gives every term a calibrated probability r per picture, and a calibrated encoder
gives the same term a probability e for its nearest pictures. Either may be right where the other
is blind, so they are fused as independent chances, p = 1 - (1 - r)(1 - e), which lets no channel
lower what another one found and leaves p = r where no encoder speaks. A picture has to answer all
terms, hence P = product of p over the terms; the unquoted ones among them may also be answered
together, by the free query with probability f, and then count 1 - (1 - product of p)(1 - f). An
encoder that is not calibrated has no e: it orders pictures that have the same P in whole per
cents, by the sum over its strings of 1 / (60 + rank), and finds none by itself unless it was
asked to (`extras`), so that "not found" stays what was measured for the others.

An unquoted word may as well be shown as written: a picture in which it was not read keeps a small
chance, so that `--threshold 0` still ranks it. Negated terms take out what was read only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sightread.search.calibrate import DEFAULT_THRESHOLD, threshold_for
from sightread.search.channels import Ranked
from sightread.search.phrases import Occurrences, best_per_picture
from sightread.types import Term

MISSING = 0.02
"""The chance that is left to a picture in which an unquoted word was not found."""

RANK_OFFSET = 60
"""Of reciprocal ranks: the usual choice, at which the first few ranks count about the same."""

NEAREST = 200
"""So far down its list an encoder puts equals in order: as far as every page of an answer asks, so
that the pages agree."""

Chances = NDArray[np.float64]
Read = Sequence[tuple[Term, Occurrences | None]]


@dataclass(frozen=True, slots=True)
class Ranking:
    """Pictures best first, ties by id; all columns (n,). `read` is the probability by what was
    read alone."""

    picture: NDArray[np.int64]
    probability: Chances
    read: Chances

    def take(self, rows: NDArray[np.int64] | NDArray[np.bool_]) -> Ranking:
        return Ranking(self.picture[rows], self.probability[rows], self.read[rows])


@dataclass(frozen=True, slots=True)
class Extras:
    """Pictures that only an encoder without probabilities takes for an answer, best first."""

    picture: NDArray[np.int64]
    score: Chances


def combine(terms: Read, threshold: float, ranked: Sequence[Ranked] = ()) -> Ranking:
    """Pictures that answer the terms; negated terms take out those that hold them.

    Args:
        terms: each with the places where it may stand.
        threshold: a negated term counts as there from this probability on.
        ranked: what the encoders found.
    """
    calibrated = [one for one in ranked if one.probability is not None]
    columns = [best.picture for _, best in _wanted(terms)]
    pictures = _union([*columns, *(one.picture for one in calibrated)])
    chances = _chances(terms, pictures)
    read = np.prod(list(chances.values()), axis=0)
    for one in calibrated:
        if not one.asked.free:
            [at] = one.asked.terms
            chances[at] = _either(chances[at], one, pictures)
    free = {at for one in calibrated if one.asked.free for at in one.asked.terms}
    total = np.prod([chances[at] for at in chances if at not in free] or [np.ones(1)], axis=0)
    together = np.prod([chances[at] for at in free] or [np.ones(len(pictures))], axis=0)
    for one in calibrated:
        if one.asked.free:
            together = _either(together, one, pictures)
    total = total * together
    total[np.isin(pictures, _negated(terms, threshold))] = 0.0
    kept = np.flatnonzero(total > 0)
    ranking = Ranking(pictures[kept], total[kept], read[kept])
    others = [one for one in ranked if one.probability is None]
    near = _nearness(pictures[kept], others, NEAREST)
    if not near.any():
        return ranking.take(np.lexsort((ranking.picture, -ranking.probability)))
    per_cent = np.floor(100 * ranking.probability)
    return ranking.take(np.lexsort((ranking.picture, -ranking.probability, -near, -per_cent)))


def shown(ranking: Ranking, threshold: float | None) -> tuple[Ranking, float]:
    """The part of a ranking that is an answer, and the threshold that it reaches.

    Without `threshold` it is the default one, or, where nothing reaches that, a lower one which
    was measured for what was read, and which what was read has to reach alone.
    """
    if threshold is not None:
        return ranking.take(ranking.probability >= threshold), threshold
    cut = threshold_for(ranking.probability)
    answers = ranking.take(ranking.probability >= cut)
    return (answers if cut == DEFAULT_THRESHOLD else answers.take(answers.read >= cut)), cut


def extras(
    terms: Read, threshold: float, ranked: Sequence[Ranked], answers: NDArray[np.int64]
) -> Extras:
    """Pictures beside the `answers` in which each term was found by an encoder or was read."""
    pictures = np.setdiff1d(_union([one.picture for one in ranked]), answers)
    pictures = np.setdiff1d(pictures, _negated(terms, threshold))
    fits = np.ones(len(pictures), dtype=bool)
    for at, read in _wanted(terms):
        seen = [one.picture for one in ranked if at in one.asked.terms]
        fits &= np.isin(pictures, _union([read.picture, *seen]))
    near = _nearness(pictures[fits], ranked)
    order = np.lexsort((pictures[fits], -near))
    return Extras(pictures[fits][order], near[order])


def without(pictures: NDArray[np.int64], terms: Read) -> NDArray[np.int64]:
    """The pictures (ascending) but those that hold a negated term."""
    return np.setdiff1d(pictures, _negated(terms, DEFAULT_THRESHOLD))


def _wanted(terms: Read) -> list[tuple[int, Ranking]]:
    return [(at, _best(found)) for at, (term, found) in enumerate(terms) if not term.negated]


def _chances(terms: Read, pictures: NDArray[np.int64]) -> dict[int, Chances]:
    """For each term that is not negated its chance in each of the pictures (ascending), by what
    was read."""
    chances = {}
    for at, best in _wanted(terms):
        term = terms[at][0]
        chance = np.full(len(pictures), 0.0 if term.quoted or term.field else MISSING)
        _fill(chance, pictures, best)
        chances[at] = chance
    return chances


def _fill(chance: Chances, pictures: NDArray[np.int64], best: Ranking) -> None:
    there = np.isin(best.picture, pictures)
    chance[np.searchsorted(pictures, best.picture[there])] = best.probability[there]


def _either(chance: Chances, one: Ranked, pictures: NDArray[np.int64]) -> Chances:
    assert one.probability is not None
    other = np.zeros(len(pictures))
    other[np.searchsorted(pictures, one.picture)] = one.probability
    return 1 - (1 - chance) * (1 - other)


def _nearness(
    pictures: NDArray[np.int64], ranked: Sequence[Ranked], limit: int | None = None
) -> Chances:
    """The sum of reciprocal ranks (up to `limit`) of each of the pictures (ascending)."""
    near = np.zeros(len(pictures))
    for one in ranked:
        there = np.isin(one.picture[:limit], pictures)
        rank = np.flatnonzero(there) + 1
        near[np.searchsorted(pictures, one.picture[:limit][there])] += 1 / (RANK_OFFSET + rank)
    return near


def _negated(terms: Read, threshold: float) -> NDArray[np.int64]:
    bests = (_best(found) for term, found in terms if term.negated)
    return _union([best.picture[best.probability >= threshold] for best in bests])


def _union(columns: Sequence[NDArray[np.int64]]) -> NDArray[np.int64]:
    return np.unique(np.concatenate([np.zeros(0, dtype=np.int64), *columns]))


def _best(found: Occurrences | None) -> Ranking:
    if found is None:
        return Ranking(np.zeros(0, dtype=np.int64), np.zeros(0), np.zeros(0))
    best = best_per_picture(found)
    return Ranking(best.picture, best.probability, best.probability)
