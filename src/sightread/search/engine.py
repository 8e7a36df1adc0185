"""From a query line to an answer. Down once, up once; nothing loops back.

parse -> candidate tokens per term, from the vocabulary in memory -> one call to the store for
their occurrences, filters applied -> score; beside that each encoder ranks the pictures nearest to
the terms and to the free query -> combine, cut at the threshold -> the pictures of one page with
the evidence for each.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from sightread.errors import UsageError
from sightread.protocols import Store
from sightread.search.again import MOST
from sightread.search.calibrate import DEFAULT_THRESHOLD
from sightread.search.channels import Channels, Told
from sightread.search.entities import Aid, Known, names
from sightread.search.evidence import Found, Shown, hit
from sightread.search.fusion import NEAREST, Extras, Ranking, combine, extras, shown
from sightread.search.match import Matcher
from sightread.search.query import format_query, parse
from sightread.search.words import occurrences, plan
from sightread.text import key
from sightread.types import Hit, Query, Result

Sort = Literal["relevance", "date"]

_KEPT = 4
"""Rankings that are remembered, so that the next page of an answer costs its records only."""

_NO_ENTITY_SPACE = (
    "The library has no vectors of entities, so entity: was looked for in captions, keywords and "
    "names of persons alone; `sightread index --encoder DIR` with an entity model makes them."
)

_FLOOR = 0.05
"""Readings less likely than this are not fetched for an answer that would not show them."""


class Engine:
    """Searches one library. Not safe for several threads at once; make one engine for each."""

    def __init__(self, store: Store, channels: Channels | None = None) -> None:
        """Without `channels` by the words that were read alone."""
        self._store = store
        self.channels = channels
        self._version: int | None = None
        self._matcher: Matcher | None = None
        self._kept: OrderedDict[tuple[int, Query, float, int, Aid], Found] = OrderedDict()

    def search(
        self,
        query: str | Query,
        *,
        k: int = 20,
        offset: int = 0,
        threshold: float | None = None,
        also: Sequence[str] = (),
        sort: Sort = "relevance",
        explain: bool = True,
        again: int = 0,
    ) -> Result:
        """The answer to a query line.

        Args:
            query: see `query.parse`.
            k: at most so many hits, after `offset` better ones.
            threshold: pictures below this probability are left out. None for the default, or,
                where nothing reaches it, for the lower `calibrate.FALLBACK_THRESHOLD`.
            also: spaces without probabilities whose nearest pictures are wanted all the same,
                after the others.
            sort: `date` puts the pictures of the answer in the order in which they were taken,
                the newest first, those without a date last.
            explain: search for an entity by its explanation too, where there is one.
            again: let an encoder with a matching head look again at so many of the pictures
                nearest to an entity, at most `again.MOST`.

        Raises:
            QueryError: the line cannot be understood.
            UsageError: nothing to look for, a number out of range, or no such space.
        """
        began = time.perf_counter()
        _check(k, offset, threshold)
        _check_again(again)
        self._check_spaces(also)
        parsed = parse(query) if isinstance(query, str) else query
        floor = _FLOOR if threshold is None else min(_FLOOR, threshold)
        known, also = self._entities(parsed, explain, also)
        aid = known.aid(again) if explain else Aid(again=again)
        found = self._find_once(parsed, floor, max(NEAREST, 5 * (offset + k)), aid)
        answers, cut = shown(found.ranking, threshold)
        beside = extras(found.read, DEFAULT_THRESHOLD, found.by(also), answers.picture)
        total = len(answers.picture) + len(beside.picture)
        places: Sequence[int] = range(total)
        if sort == "date":
            places = self._by_date(np.concatenate([answers.picture, beside.picture]))
        return Result(
            query=format_query(parsed),
            hits=self._page(found, answers, beside, places[offset : offset + k], offset),
            total=total,
            below=len(found.ranking.picture) - len(answers.picture),
            threshold=cut,
            nearest=() if total else self._nearest(parsed),
            warnings=(*found.warnings, *known.warnings),
            explanations=known.shown(joined=explain and found.asked_for_entities),
            looked_again=found.looked_again,
            took_ms=1000 * (time.perf_counter() - began),
        )

    def _entities(
        self, query: Query, explain: bool, also: Sequence[str]
    ) -> tuple[Known, Sequence[str]]:
        """What is known of the entities of a query, and the spaces whose nearest pictures are
        wanted: who asks for an entity wants those of its space, probable or not."""
        wanted = names(query)
        if not wanted or self.channels is None:
            return Known(), also
        spaces = self.channels.entity_spaces()
        known = self.channels.joining.known(wanted, wanted=explain and bool(spaces))
        if not spaces:
            known = replace(known, warnings=(*known.warnings, _NO_ENTITY_SPACE))
        return known, (*also, *spaces)

    def _find_once(self, query: Query, floor: float, depth: int, aid: Aid) -> Found:
        # Only encoders look no further than they are asked to.
        depth = depth if self.channels and self.channels.spaces() else NEAREST
        this = (self._store.refresh(), query, floor, depth, aid)
        if this not in self._kept:
            self._kept[this] = self.find(query, floor, depth, aid)
            if len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
        self._kept.move_to_end(this)
        return self._kept[this]

    def _by_date(self, pictures: NDArray[np.int64]) -> list[int]:
        newest_first = -self._store.dates(pictures)  # NaN, no date, sorts last
        return [int(place) for place in np.argsort(newest_first, kind="stable")]

    def find(
        self, query: Query, floor: float = 0.0, depth: int = NEAREST, aid: Aid | None = None
    ) -> Found:
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
        told = self.channels.ask(query, depth, floor, aid) if self.channels else Told()
        read = [(one.term, rows) for one, rows in terms]
        ranking = combine(read, DEFAULT_THRESHOLD, told.ranked)
        return Found(ranking, terms, told.ranked, told.warnings, told.looked_again)

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

    def _page(
        self, found: Found, answers: Ranking, beside: Extras, places: Sequence[int], offset: int
    ) -> tuple[Hit, ...]:
        pictures = np.concatenate([answers.picture, beside.picture])
        scores = np.concatenate([answers.probability, beside.score])
        split = len(answers.picture)
        page = [
            Shown(int(pictures[at]), rank, float(scores[at]), calibrated=at < split)
            for rank, at in enumerate(places, start=offset + 1)
        ]
        ids = [one.picture for one in page]
        records = self._store.get(ids, embeddings=bool(found.ranked))
        by_id = {record.id: record for record in records}
        # One that is not there was forgotten by another process a moment ago.
        return tuple(hit(by_id[one.picture], one, found) for one in page if one.picture in by_id)

    def _check_spaces(self, names: Sequence[str]) -> None:
        known = self.channels.spaces() if self.channels else []
        for name in names:
            if name not in known:
                there = f"it has {', '.join(known)}" if known else "it has none"
                raise UsageError(
                    f"The library has no space {name} to search in; {there}: "
                    "`sightread index --encoder DIR` makes one."
                )


def _check(k: int, offset: int, threshold: float | None) -> None:
    if k < 1 or offset < 0:
        raise UsageError(
            f"k is {k} and offset is {offset}; k must be at least 1, offset at least 0."
        )
    if threshold is not None and not 0 <= threshold <= 1:
        raise UsageError(f"The threshold is {threshold}; it must be a probability from 0 to 1.")


def _check_again(again: int) -> None:
    if not 0 <= again <= MOST:
        raise UsageError(
            f"{again} pictures cannot be looked at again; it must be from 0 (none) to {MOST}."
        )
