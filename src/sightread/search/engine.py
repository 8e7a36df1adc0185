"""From a query line to an answer. Down once, up once; nothing loops back.

parse -> candidate tokens per term, from the vocabulary in memory -> one call to the store for
their occurrences, filters applied -> score, combine, cut at the threshold -> the pictures of one
page with the evidence for each.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np

from sightread.errors import UsageError
from sightread.protocols import Store
from sightread.search.calibrate import DEFAULT_THRESHOLD, KINDS, threshold_for
from sightread.search.fusion import Ranking, combine
from sightread.search.match import Matcher
from sightread.search.phrases import Occurrences
from sightread.search.query import format_query, parse
from sightread.search.words import Plan, occurrences, plan
from sightread.text import key
from sightread.types import Evidence, Hit, PictureRecord, Quad, Query, Result

_FLOOR = 0.05
"""Readings less likely than this are not fetched for an answer that would not show them."""

MAX_EVIDENCE = 20
"""Places shown per term and picture, best first."""


@dataclass(frozen=True, slots=True)
class Found:
    """A ranking of the whole library with what it was made of."""

    ranking: Ranking
    terms: tuple[tuple[Plan, Occurrences | None], ...]


class Engine:
    """Searches one library. Not safe for several threads at once; make one engine for each."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._version: int | None = None
        self._matcher: Matcher | None = None

    def search(
        self, query: str | Query, *, k: int = 20, offset: int = 0, threshold: float | None = None
    ) -> Result:
        """The answer to a query line.

        Args:
            query: see `query.parse`.
            k: at most so many hits, after `offset` better ones.
            threshold: pictures below this probability are left out. None for the default, or,
                where nothing reaches it, for the lower `calibrate.FALLBACK_THRESHOLD`.

        Raises:
            QueryError: the line cannot be understood.
            UsageError: nothing to look for, or a number out of range.
        """
        began = time.perf_counter()
        _check(k, offset, threshold)
        parsed = parse(query) if isinstance(query, str) else query
        found = self.find(parsed, floor=_FLOOR if threshold is None else min(_FLOOR, threshold))
        ranking = found.ranking
        cut = threshold_for(ranking.probability) if threshold is None else threshold
        total = int(np.count_nonzero(ranking.probability >= cut))
        return Result(
            query=format_query(parsed),
            hits=self._page(found, offset, min(offset + k, total)),
            total=total,
            below=len(ranking.picture) - total,
            threshold=cut,
            nearest=() if total else self._nearest(parsed),
            took_ms=1000 * (time.perf_counter() - began),
        )

    def find(self, query: Query, floor: float = 0.0) -> Found:
        """Every picture that may answer, best first, down to a probability of about `floor`."""
        if not any(not term.negated for term in query.terms):
            raise UsageError(
                "The query names nothing to look for, only filters or exclusions; add a word, "
                'for example: "sale" path:2024/'
            )
        matcher = self._current_matcher()
        plans = [plan(term, matcher, floor) for term in query.terms]
        asked = sorted({token for one in plans for token in one.tokens()})
        boxes = any(len(term.words) > 1 for term in query.terms)
        hits = self._store.search_words(asked, query.where, boxes=boxes)
        terms = tuple((one, occurrences(one, asked, hits)) for one in plans)
        ranking = combine([(one.term, rows) for one, rows in terms], DEFAULT_THRESHOLD)
        return Found(ranking, terms)

    def _current_matcher(self) -> Matcher:
        version = self._store.refresh()
        if self._matcher is None or version != self._version:
            self._matcher = Matcher(self._store.vocabulary())
            self._version = version
        return self._matcher

    def _nearest(self, query: Query) -> tuple[str, ...]:
        matcher = self._current_matcher()
        words = [key(w) for term in query.terms if not term.negated for w in term.words]
        missing = [word for word in words if word and not matcher.knows(word)]
        return tuple(dict.fromkeys(near for word in missing for near in matcher.nearest(word)))

    def _page(self, found: Found, start: int, stop: int) -> tuple[Hit, ...]:
        ids = [int(i) for i in found.ranking.picture[start:stop]]
        records = {record.id: record for record in self._store.get(ids)}
        hits = []
        for rank, picture in enumerate(ids, start):
            if picture not in records:  # forgotten by another process a moment ago
                continue
            probability = float(found.ranking.probability[rank])
            hits.append(_hit(records[picture], probability, found, rank + 1))
        return tuple(hits)


def _check(k: int, offset: int, threshold: float | None) -> None:
    if k < 1 or offset < 0:
        raise UsageError(
            f"k is {k} and offset is {offset}; k must be at least 1, offset at least 0."
        )
    if threshold is not None and not 0 <= threshold <= 1:
        raise UsageError(f"The threshold is {threshold}; it must be a probability from 0 to 1.")


def _hit(record: PictureRecord, probability: float, found: Found, rank: int) -> Hit:
    evidence: list[Evidence] = []
    for one, rows in found.terms:
        if rows is not None and not one.term.negated:
            evidence += _evidence(record, one, rows, rank)
    return Hit(
        id=record.id,
        path=record.stamps[0].path if record.stamps else "",
        score=probability,
        probability=probability,
        evidence=tuple(evidence),
        width=record.width,
        height=record.height,
        taken_at=record.metadata.taken_at,
    )


def _evidence(record: PictureRecord, one: Plan, rows: Occurrences, rank: int) -> list[Evidence]:
    """The places of one term in one picture, each region once; weak ones only if there are no
    others, since an outlined look-alike beside the word itself would mislead."""
    start, stop = np.searchsorted(rows.picture, [record.id, record.id + 1])
    mine = np.arange(start, stop)
    order = mine[np.argsort(-rows.probability[mine], kind="stable")]
    shown: list[Evidence] = []
    taken: set[int] = set()
    for row in order[: 4 * MAX_EVIDENCE]:
        weak = rows.probability[row] < DEFAULT_THRESHOLD
        regions = [int(o) for o in rows.ordinals[row] if 0 <= o < len(record.regions)]
        if (weak and shown) or taken.intersection(regions) or len(shown) == MAX_EVIDENCE:
            continue
        taken.update(regions)
        shown.append(_one_place(record, one, rows, int(row), rank))
    return shown


def _one_place(
    record: PictureRecord, one: Plan, rows: Occurrences, row: int, rank: int
) -> Evidence:
    regions = [record.regions[o] for o in rows.ordinals[row] if 0 <= o < len(record.regions)]
    boxes: list[Quad] = [region.box for region in regions if region.box is not None]
    probability = float(rows.probability[row])
    return Evidence(
        channel=regions[0].field if regions else "written",
        rank=rank,
        score=probability,
        match=KINDS[rows.kind[row]],
        edits=int(rows.edits[row]),
        term=" ".join(one.term.words),
        word=" ".join(region.text for region in regions),
        boxes=tuple(boxes),
    )
