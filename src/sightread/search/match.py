"""Which readings of a library could be a word that is asked for.

The distinct tokens of a library are far fewer than its words, so they are kept in memory and all
matching runs over them: exact and prefix by bisection, part-of-word by scanning one joined string,
near readings by a character-set signature, the plain edit distance and then the distance weighted
by confusions (`confusion.py`). The store is only asked where the chosen tokens occur.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from rapidfuzz import process
from rapidfuzz.distance import Levenshtein

from sightread.search.confusion import CLOSE, weighted_distances
from sightread.text import letters
from sightread.types import MatchKind, TermMode, Vocabulary

MAX_CANDIDATES = 256
"""Readings followed up for one word. Those beyond are too far away to matter, or, for very short
prefixes and parts, too many to be an answer; the most frequent ones are kept then."""

_EDITS_PER_CHARACTER = {False: 0.25, True: 0.4}
"""Near readings are looked for up to this many edits per character of the word: further away only
when every picture is to be ranked, since nothing beyond a quarter can pass for the word."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A token of the library that may be the word asked for.

    `edits` is the plain edit distance, `cost` the weighted one; for a part of a word `cost` is
    the share of the token that lies outside the word asked for. `count` says in how many regions
    the token occurs.
    """

    token: str
    kind: MatchKind
    edits: int = 0
    cost: float = 0.0
    count: int = 1


class Matcher:
    """Looks words up in one state of a library's vocabulary."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self.tokens = vocabulary.tokens
        self.counts = vocabulary.counts
        self._joined = "\n" + "\n".join(self.tokens) + "\n"
        lengths = np.fromiter((len(t) for t in self.tokens), np.int64, len(self.tokens))
        self._lengths = lengths
        self._starts = np.cumsum(lengths + 1) - lengths
        self._signatures = _signatures(self._joined, lengths)

    def candidates(
        self, word: str, mode: TermMode = "similar", edits: int = 0, *, far: bool = False
    ) -> list[Candidate]:
        """Tokens that may be `word` (folded, see `text.tokens`). One token may be there twice:
        as a near reading, and because it contains the word.

        Args:
            word: the key of the word; "" matches nothing.
            mode: how it may differ, see `TermMode`.
            edits: at most so many edits, for mode "edits".
            far: for mode "similar", look for unlikely readings as well.
        """
        if not word:
            return []
        exact = [self.exact(word)] if self.knows(word) else []
        if mode == "exact":
            return exact
        if mode == "prefix":
            return self._starting(word)
        if mode == "part":
            return self._containing(word)
        if mode == "edits":
            return exact + self._near(word, edits)
        near = self._near(word, max(1, round(_EDITS_PER_CHARACTER[far] * len(word))))
        parts = self._containing(word) if letters(word) >= 3 else []
        return exact + near + [c for c in parts if c.kind == "part"]

    def knows(self, token: str) -> bool:
        """Whether the library holds this very token."""
        place = bisect_left(self.tokens, token)
        return place < len(self.tokens) and self.tokens[place] == token

    def exact(self, token: str) -> Candidate:
        """The candidate for a token that the library holds."""
        return Candidate(token, "exact", count=int(self.counts[bisect_left(self.tokens, token)]))

    def halves(self, word: str) -> list[tuple[str, str]]:
        """Ways to cut `word` into two tokens of the library: a reader may split a word."""
        cuts = ((word[:i], word[i:]) for i in range(2, len(word) - 1))
        return [(a, b) for a, b in cuts if self.knows(a) and self.knows(b)]

    def nearest(self, word: str, limit: int = 3) -> list[str]:
        """The library's readings most like `word`, for a helpful "not found"."""
        found = [c for c in self.candidates(word) if c.kind != "part"]
        return [c.token for c in found[:limit]]

    def _starting(self, word: str) -> list[Candidate]:
        first = bisect_left(self.tokens, word)
        last = bisect_left(self.tokens, word + "\U0010ffff")
        return [self._part(i, word, "prefix") for i in self._most_frequent(np.arange(first, last))]

    def _containing(self, word: str) -> list[Candidate]:
        places: list[int] = []
        at = self._joined.find(word)
        while at >= 0:
            places.append(at)
            at = self._joined.find(word, at + 1)
        rows = np.unique(np.searchsorted(self._starts, places, side="right") - 1)
        return [self._part(i, word, "part") for i in self._most_frequent(rows)]

    def _part(self, row: int, word: str, kind: MatchKind) -> Candidate:
        token, count = self.tokens[row], int(self.counts[row])
        if token == word:
            return Candidate(token, "exact", count=count)
        return Candidate(token, kind, len(token) - len(word), 1 - len(word) / len(token), count)

    def _most_frequent(self, rows: NDArray[np.int64]) -> list[int]:
        if len(rows) > MAX_CANDIDATES:
            rows = rows[np.argsort(-self.counts[rows], kind="stable")[:MAX_CANDIDATES]]
        return [int(row) for row in rows]

    def _near(self, word: str, limit: int) -> list[Candidate]:
        """Tokens within `limit` plain edits, by weighted distance, the word itself left out."""
        if limit < 1:
            return []
        signature = _signatures("\n" + word + "\n", np.array([len(word)]))[0]
        gained = np.bitwise_count(self._signatures & ~signature)
        lost = np.bitwise_count(signature & ~self._signatures)
        fits = (np.maximum(gained, lost) <= limit) & (abs(self._lengths - len(word)) <= limit)
        rows = np.flatnonzero(fits)
        some = [self.tokens[row] for row in rows]
        plain = process.cdist(
            [word], some, scorer=Levenshtein.distance, score_cutoff=limit, dtype=np.int32
        )[0]
        kept = np.flatnonzero((plain <= limit) & (plain > 0))
        if len(kept) == 0:
            return []
        tokens, counts = [some[i] for i in kept], self.counts[rows[kept]]
        costs = weighted_distances(word, tokens)
        order = np.lexsort((-counts, costs))[:MAX_CANDIDATES]
        columns = (plain[kept][order].tolist(), costs[order].tolist(), counts[order].tolist())
        return [
            Candidate(tokens[i], _kind(word, tokens[i], edits, cost), edits, cost, count)
            for i, edits, cost, count in zip(order, *columns, strict=True)
        ]


def _kind(word: str, token: str, edits: int, cost: float) -> MatchKind:
    # Every edit a known confusion: the reading looks like the word. A lost letter is no likeness.
    alike = cost <= edits * CLOSE + 0.01 and not word.endswith(token)
    return "look-alike" if alike else "edits"


def _signatures(joined: str, lengths: NDArray[np.int64]) -> NDArray[np.uint64]:
    """(n,) one bit per kind of character that a token holds, from "\\n"-joined tokens.

    A token within k edits lacks at most k of a word's characters and has at most k others, so
    the bits (collisions included) never rule out a token that is near enough.
    """
    if len(lengths) == 0:
        return np.zeros(0, dtype=np.uint64)
    chars = np.frombuffer(joined.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
    bits = np.uint64(1) << (chars % np.uint32(61)).astype(np.uint64)
    bits[chars == ord("\n")] = 0
    starts = np.cumsum(lengths + 1) - lengths
    signatures: NDArray[np.uint64] = np.bitwise_or.reduceat(bits, starts)
    return signatures
