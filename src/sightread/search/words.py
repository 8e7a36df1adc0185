"""The word channel: where a term of the query is written, and how probably.

First `plan` decides which tokens are worth fetching, from the vocabulary alone; then one call to
the store fetches all occurrences; then `occurrences` scores them, term by term.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from sightread.search import calibrate
from sightread.search.match import Candidate, Matcher
from sightread.search.phrases import Occurrences, Seen, apart, concatenate, follow, with_seen
from sightread.text import key, tokens
from sightread.types import ENTITY_FIELDS, FIELDS, Term, TermMode, WordHits

_INSIDE_NUMBER = re.compile(r"\d[^\w]+\d")

_WRITTEN = FIELDS.index("written")
_NAMING = [FIELDS.index(field) for field in ENTITY_FIELDS]

_CUT = 0.4
"""What is left of the probability of a word that was read in two neighbouring pieces. Set by hand:
of 24 such finds on real pictures, 15 were two words that are written apart and mean to be."""

_GLUED = 0.85
"""The same for a phrase that was read as one word, which has hardly another explanation; set by
hand, so that it comes behind the two words read apart, whose doubts add up."""


@dataclass(frozen=True, slots=True)
class Part:
    """One way to find a term: a run of words, each with its candidate tokens."""

    words: tuple[str, ...]
    mode: TermMode
    candidates: tuple[list[Candidate], ...]
    cut: bool = False
    """True for a single word of the query that may have been read in pieces, or the reverse."""


@dataclass(frozen=True, slots=True)
class Plan:
    """A term and the ways to find it, first the one as typed."""

    term: Term
    parts: tuple[Part, ...]

    def tokens(self) -> set[str]:
        return {c.token for part in self.parts for some in part.candidates for c in some}


def looked_for(term: Term) -> bool:
    """Whether looks count for a term: it is to be written in the picture."""
    return not term.negated and term.field in (None, "written")


def plan(term: Term, matcher: Matcher, floor: float = 0.0) -> Plan:
    """Candidates for each word of a term, whole, cut in two, or glued together.

    Args:
        floor: readings that cannot be the word with this probability are not followed up.
    """
    words = tuple(word for word in term.words if key(word))
    if not words:
        return Plan(term, ())
    # Only the last word of a phrase may be open-ended: "new yo*".
    fixed: TermMode = "exact" if term.mode in ("prefix", "part") else term.mode
    modes = [fixed] * (len(words) - 1) + [term.mode]
    found = [candidates(w, m, term, matcher, floor) for w, m in zip(words, modes, strict=True)]
    parts = [Part(words, term.mode, tuple(found))]
    if term.mode == "similar" and len(words) > 1:
        glued = "".join(words)
        some = candidates(glued, "similar", term, matcher, floor)
        parts.append(Part((glued,), "similar", (some,), cut=True))
    if term.mode in ("similar", "exact") and len(words) == 1:
        parts += [
            Part(pair, "exact", tuple([matcher.exact(half)] for half in pair), cut=True)
            for pair in matcher.halves(key(words[0]))
        ]
    return Plan(term, tuple(parts))


def candidates(
    word: str, mode: TermMode, term: Term, matcher: Matcher, floor: float
) -> list[Candidate]:
    """Readings that may be one word of the query: by the word with its inner punctuation
    ("1.44"), and, a little less likely then, by its letters and digits alone."""
    whole, bare = tokens(word)[0], key(word)
    if mode == "exact":
        return matcher.candidates(whole, mode)
    found = matcher.candidates(bare, mode, term.edits, far=floor == 0)
    if whole != bare:
        found += matcher.candidates(whole, "prefix" if mode == "prefix" else "exact")
    if mode == "similar":
        found = [_same_letters(candidate, whole, bare) for candidate in found]
    if floor == 0 or not found:
        return found
    likely = calibrate.odds(bare, mode, found).best() >= floor
    return [candidate for candidate, kept in zip(found, likely, strict=True) if kept]


def _same_letters(candidate: Candidate, word: str, bare: str) -> Candidate:
    """A reading that differs in punctuation alone is exact, at a cost: a hyphen matters little
    ("re-16a", "re16a"), a point or a slash between digits makes another number ("1.44", "144")."""
    if candidate.token == word or key(candidate.token) != bare:
        return candidate
    number = _INSIDE_NUMBER.search(word) or _INSIDE_NUMBER.search(candidate.token)
    return replace(candidate, kind="exact", edits=0, cost=1.0 if number else 0.5)


def occurrences(
    plan: Plan, asked: list[str], hits: WordHits, seen: Seen | None = None
) -> Occurrences | None:
    """All places where the term may stand, ordered by picture; None if there are none.

    Args:
        asked: the tokens that `hits.token` indexes.
        hits: what the store found for the tokens of this plan (and maybe others).
        seen: where words may stand by their looks.
    """
    place = {token: i for i, token in enumerate(asked)}
    found: list[Occurrences] = []
    for part in plan.parts:
        scored = [
            _score(word, part.mode, some, place, hits, plan.term)
            for word, some in zip(part.words, part.candidates, strict=True)
        ]
        if seen and part.mode == "similar" and looked_for(plan.term):
            pairs = zip(scored, part.words, strict=True)
            scored = [with_seen(read, seen.get(key(word))) for read, word in pairs]
        rows = [row for row in scored if row is not None]
        if len(rows) == len(part.words):
            found += _combine(rows, part)
    return concatenate(found) if found else None


def _combine(rows: list[Occurrences], part: Part) -> list[Occurrences]:
    if len(rows) == 1:
        return [_weakened(rows[0], _GLUED) if part.cut else rows[0]]
    chain = rows[0]
    for row in rows[1:]:
        chain = follow(chain, row, same_line=part.cut)
    if part.cut:
        return [_weakened(chain, _CUT)]
    return [chain, apart(rows)]


def _weakened(rows: Occurrences, factor: float) -> Occurrences:
    return Occurrences(
        rows.picture,
        rows.probability * factor,
        rows.ordinals,
        rows.kind,
        rows.edits,
        rows.field,
        rows.line,
        rows.boxes,
    )


def _score(
    word: str,
    mode: TermMode,
    candidates: list[Candidate],
    place: dict[str, int],
    hits: WordHits,
    term: Term,
) -> Occurrences | None:
    """Rows of `hits` that belong to one word of the query, with their probability."""
    if not candidates:
        return None
    odds = calibrate.odds(key(word), mode, candidates)
    which = np.full(len(place), -1, dtype=np.int32)
    # A token may be a candidate twice (near, and containing the word): the likelier one counts.
    for i in np.argsort(odds.base + odds.per_certainty, kind="stable"):
        which[place[candidates[i].token]] = i
    rows = np.flatnonzero((which[hits.token] >= 0) & _in_field(hits.field, term))
    if len(rows) == 0:
        return None
    chosen = which[hits.token[rows]]
    log_odds = odds.base[chosen] + odds.per_certainty[chosen] * calibrate.certainty(
        hits.confidence[rows]
    )
    log_odds += odds.for_whole[chosen] * hits.whole[rows]
    boxes = hits.boxes[rows] if hits.boxes is not None else _no_boxes(len(rows))
    return Occurrences(
        hits.picture[rows],
        calibrate.probability(log_odds),
        hits.ordinal[rows][:, None],
        np.array([calibrate.KINDS.index(c.kind) for c in candidates], dtype=np.int8)[chosen],
        np.array([c.edits for c in candidates], dtype=np.int16)[chosen],
        hits.field[rows],
        hits.line[rows],
        boxes,
    )


def _in_field(fields: NDArray[np.int8], term: Term) -> NDArray[np.bool_]:
    if term.field is None and not term.quoted:
        return np.ones(len(fields), dtype=bool)
    if term.field == "entity":
        return np.isin(fields, _NAMING)
    return np.equal(fields, _WRITTEN if term.field is None else FIELDS.index(term.field))


def _no_boxes(n: int) -> NDArray[np.float32]:
    return np.full((n, 4, 2), np.nan, dtype=np.float32)
