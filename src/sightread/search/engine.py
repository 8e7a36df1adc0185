"""From a query line to an answer. Down once, up once; nothing loops back.

parse -> candidate tokens per term, from the vocabulary in memory -> one call to the store for
their occurrences, filters applied -> score; beside that each encoder ranks the pictures nearest to
the terms and to the free query -> combine, cut at the threshold -> the pictures of one page with
the evidence for each.

A query of filters alone lists the pictures that fit, the newest first.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from sightread.errors import UsageError
from sightread.protocols import Store
from sightread.search.again import MOST
from sightread.search.ambiguity import Ambiguity
from sightread.search.calibrate import DEFAULT_THRESHOLD
from sightread.search.channels import Channels, Told
from sightread.search.entities import Aid, Known, names
from sightread.search.evidence import Found, Shown, hit
from sightread.search.fusion import NEAREST, Extras, Ranking, combine, extras, shown, without
from sightread.search.lookalikes import Lookalikes
from sightread.search.match import Matcher
from sightread.search.phrases import Seen
from sightread.search.query import format_query, parse
from sightread.search.words import Plan, occurrences, plan
from sightread.text import key
from sightread.types import PictureRecord, Query, Result

Sort = Literal["relevance", "date"]

_KEPT = 4
"""Rankings that are remembered, so that the next page of an answer costs its records only."""

_NO_ENTITY_SPACE = (
    "The library has no vectors of entities, so entity: was looked for in captions, keywords and "
    "names of persons alone; `sightread index --encoder DIR` with an entity model makes them."
)

_FLOOR = 0.05
"""Readings less likely than this are not fetched for an answer that would not show them."""


@dataclass(frozen=True, slots=True)
class Floors:
    """Probabilities below which nothing is followed up: of readings, and of what is seen. The
    lower threshold for when nothing was found was measured for readings; what is seen has to reach
    the default one."""

    read: float
    seen: float


EVERYTHING = Floors(0.0, 0.0)


def _floors(threshold: float | None) -> Floors:
    if threshold is None:
        return Floors(_FLOOR, DEFAULT_THRESHOLD)
    return Floors(min(_FLOOR, threshold), min(DEFAULT_THRESHOLD, threshold))


class Engine:
    """Searches one library. Not safe for several threads at once; make one engine for each."""

    def __init__(
        self,
        store: Store,
        channels: Channels | None = None,
        lookalikes: Lookalikes | None = None,
    ) -> None:
        """Without `channels` and `lookalikes` by the words that were read alone."""
        self._store = store
        self.channels = channels
        self._lookalikes = lookalikes
        self._ambiguity = Ambiguity(store)
        self._version: int | None = None
        self._matcher: Matcher | None = None
        self._kept: OrderedDict[tuple[int, Query, Floors, int, Aid], Found] = OrderedDict()

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

        A query that looks for nothing, but has filters, lists the pictures that fit, by date and
        then by path. Nothing makes one of them a better answer: their score is 0, they have no
        probability and no evidence, and `threshold` and `sort` say nothing.

        Raises:
            QueryError: the line cannot be understood.
            UsageError: only exclusions, a number out of range, or no such space.
        """
        began = time.perf_counter()
        _check(k, offset, threshold)
        _check_again(again)
        self._check_spaces(also)
        parsed = parse(query) if isinstance(query, str) else query
        known, also = self._entities(parsed, explain, also)
        aid = known.aid(again) if explain else Aid(again=again)
        depth = max(NEAREST, 5 * (offset + k))
        found = self._find_once(parsed, _floors(threshold), depth, aid)
        answers, cut = (found.ranking, 0.0) if found.listed else shown(found.ranking, threshold)
        beside = extras(found.read, DEFAULT_THRESHOLD, found.by(also), answers.picture)
        total = len(answers.picture) + len(beside.picture)
        places: Sequence[int] = range(total)
        if sort == "date" and not found.listed:
            places = self._by_date(np.concatenate([answers.picture, beside.picture]))
        page = self._page(found, answers, beside, places[offset : offset + k], offset)
        return Result(
            query=format_query(parsed),
            hits=tuple(hit(record, one, found) for record, one in page),
            total=total,
            below=len(found.ranking.picture) - len(answers.picture),
            threshold=cut,
            nearest=() if total else self._nearest(parsed),
            warnings=(*found.warnings, *known.warnings),
            explanations=known.shown(joined=explain and found.asked_for_entities),
            looked_again=found.looked_again,
            refine=self._ambiguity.report(parsed, [record for record, _ in page], found.spaces),
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

    def _find_once(self, query: Query, floors: Floors, depth: int, aid: Aid) -> Found:
        # Only encoders look no further than they are asked to.
        depth = depth if self.channels and self.channels.spaces() else NEAREST
        this = (self._store.refresh(), query, floors, depth, aid)
        if this not in self._kept:
            self._kept[this] = self.find(query, floors, depth, aid)
            if len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
        self._kept.move_to_end(this)
        return self._kept[this]

    def _by_date(self, pictures: NDArray[np.int64]) -> list[int]:
        newest_first = -self._store.dates(pictures)  # NaN, no date, sorts last
        return [int(place) for place in np.argsort(newest_first, kind="stable")]

    def find(
        self,
        query: Query,
        floors: Floors = EVERYTHING,
        depth: int = NEAREST,
        aid: Aid | None = None,
    ) -> Found:
        """Every picture that may answer, best first, down to about the probabilities `floors`."""
        listing = all(term.negated for term in query.terms)
        if listing and query.where is None:
            raise UsageError(
                "The query names nothing to look for, only exclusions; add a word or a filter, "
                "for example: path:2024/ -taxi"
            )
        matcher = self._current_matcher()
        plans = [plan(term, matcher, floors.read) for term in query.terms]
        asked = sorted({token for one in plans for token in one.tokens()})
        boxes = any(len(term.words) > 1 for term in query.terms)
        hits = self._store.search_words(asked, query.where, boxes=boxes)
        seen, unknown = self._look(plans, query, floors.seen)
        terms = tuple((one, occurrences(one, asked, hits, seen)) for one in plans)
        read = [(one.term, rows) for one, rows in terms]
        if listing:
            fitting = without(self._store.ids(query.where), read)
            nothing = np.zeros(len(fitting))
            newest_first = Ranking(self._store.newest(fitting), nothing, nothing)
            return Found(newest_first, terms, listed=True)
        told = self.channels.ask(query, depth, floors.read, aid) if self.channels else Told()
        ranking = combine(read, DEFAULT_THRESHOLD, told.ranked)
        warnings = (*unknown, *told.warnings)
        return Found(ranking, terms, told.ranked, warnings, looked_again=told.looked_again)

    def _look(
        self, plans: Sequence[Plan], query: Query, least: float
    ) -> tuple[Seen, tuple[str, ...]]:
        if self._lookalikes is None:
            return {}, ()
        return self._lookalikes.ask(plans, query.where, least)

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
    ) -> list[tuple[PictureRecord, Shown]]:
        """The pictures of a page as they are known."""
        pictures = np.concatenate([answers.picture, beside.picture])
        scores = np.concatenate([answers.probability, beside.score])
        split = 0 if found.listed else len(answers.picture)
        page = [
            Shown(int(pictures[at]), rank, float(scores[at]), calibrated=at < split)
            for rank, at in enumerate(places, start=offset + 1)
        ]
        ids = [one.picture for one in page]
        records = self._store.get(ids, embeddings=bool(found.ranked))
        by_id = {record.id: record for record in records}
        # One that is not there was forgotten by another process a moment ago.
        return [(by_id[one.picture], one) for one in page if one.picture in by_id]

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
