"""The ambiguity report: the best pictures look alike, but differ by what is written in them.

Who asks for `hotel entrance` gets entrances of many hotels, and no encoder can know which one was
meant. What was read in them can tell: HILTON in six, IBIS in four. The answer then offers those
words, and each of them added to the query parts the pictures: what HOPID calls the semantic
ambiguity of scene text, turned into a question.

"Alike" cannot be a fixed cosine, since every space has another one for pictures that have nothing
in common. It is half way from what two pictures of this library have, taken at random, to 1.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from rapidfuzz.distance import Levenshtein

from sightread.explained import Refinement
from sightread.protocols import Store
from sightread.search.query_scan import QUOTES
from sightread.text import key, letters
from sightread.types import PictureRecord, Query, RegionRecord, Vectors

MOST = 6
"""Words that are offered."""

LOOKED_AT = 60
"""So many of the best pictures are compared."""

LEAST_ALIKE = 4
"""Two pictures with one word and two with another are the least that a word parts."""

LEAST_PICTURES = 2
"""A word that only one picture bears may be a misreading, and parts nothing from much."""

LARGEST_SHARE = 0.8
"""A word that more of them bear does not part them."""

LEAST_OF_MOST = 0.25
"""Of the most frequent word: beside HILTON in twenty pictures, two are an accident."""

SAMPLE = 32
"""Pictures of the library whose cosines are the measure: 496 pairs."""

_SURE = 0.5
_SHORTEST_WORD, _SHORTEST_NUMBER, _LONGEST = 3, 2, 60
_EDGES = "\"'“”„‘’«»‹›.,:;!?()[]{}<>|/\\*-–—_ "
_UNQUOTABLE = frozenset(f"{QUOTES}*~ ")
"""What a quoted term of a query line cannot hold."""

_ENGLISH = """
a about all an and are as at be but by can do for from get has have her his how if in into is it its
just me my new no not now of off on one only or our out so that the their them then there these they
this to up us was we what when which who will with www com you your
"""
_OTHERS = """
au aux avec ce ces dans de des du elle en est et il la le les ne nous ou par pas pour qui sur un une
vous am auf aus bei das dem den der die ein eine für im ist mit nicht oder sie und von wir zu zum
zur al con del el es las lo los para por que se su una y da di per
"""
_SMALL_WORDS = frozenset((_ENGLISH + _OTHERS).split())
"""That are written everywhere and say nothing: English, French, German, Spanish, Italian."""


class Ambiguity:
    """Looks through answers of one library. Not safe for several threads at once."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._typical: dict[str, tuple[int, float]] = {}

    def report(
        self, query: Query, records: Sequence[PictureRecord], spaces: Iterable[str]
    ) -> tuple[Refinement, ...]:
        """Words that part the pictures of an answer, those of most pictures first; none if the
        pictures do not look alike, or nothing that is written in them parts them.

        Args:
            records: of the best pictures, best first, with their regions and embeddings.
            spaces: in which they may look alike; the first one that has something to tell does.
        """
        best = list(records[:LOOKED_AT])
        borne = _borne(best, {key(word) for term in query.terms for word in term.words})
        if len(borne) < 2 or len(best) < LEAST_ALIKE:
            return ()  # as nearly always: nothing was compared, and nothing fetched
        for space in dict.fromkeys(spaces):
            alike = self._alike(best, space)
            if len(alike) >= LEAST_ALIKE and (found := _parting(borne, alike)):
                return found
        return ()

    def _alike(self, records: Sequence[PictureRecord], space: str) -> set[int]:
        """The largest set of pictures that look like one of them, as places in `records`."""
        there = [at for at, one in enumerate(records) if space in one.embeddings]
        if len(there) < LEAST_ALIKE:
            return set()
        cosines = _cosines([records[at] for at in there], space)
        near = cosines >= (1 + self._typical_cosine(space)) / 2
        centre = int(near.sum(axis=1).argmax())  # of equals the best
        return {there[at] for at in np.flatnonzero(near[centre])}

    def _typical_cosine(self, space: str) -> float:
        """Of two pictures of the library, as it is now."""
        version = self._store.refresh()
        if self._typical.get(space, (None, 0.0))[0] != version:
            # Ids are hashes of contents: any choice by id is one at random.
            ids = self._store.ids()
            some = ids[np.linspace(0, len(ids) - 1, min(SAMPLE, len(ids))).astype(int)]
            sample = self._store.get(some.tolist(), regions=False, embeddings=True)
            cosines = _cosines([one for one in sample if space in one.embeddings], space)
            pairs = cosines[np.triu_indices(len(cosines), 1)]
            self._typical[space] = (version, float(np.median(pairs)) if len(pairs) else 0.0)
        return self._typical[space][1]


def _cosines(records: Sequence[PictureRecord], space: str) -> NDArray[np.float32]:
    if not records:
        return np.zeros((0, 0), np.float32)
    vectors: Vectors = np.stack([one.embeddings[space].vector for one in records])
    return vectors @ vectors.T


@dataclass(frozen=True, slots=True)
class _Word:
    """A word of the pictures: how it is spelled in them, and in which ones."""

    spelled: str
    pictures: frozenset[int]


def _borne(records: Sequence[PictureRecord], asked: set[str]) -> list[_Word]:
    """The words that several pictures bear and that could tell something."""
    # Nearly all words stand in one picture alone, and this is done for every query: so first
    # only those are looked at that do not.
    bearers: dict[str, dict[int, RegionRecord]] = {}
    for at, record in enumerate(records):
        for region in record.regions:
            if region.field == "written" and region.tokens and region.confidence >= _SURE:
                bearers.setdefault(region.tokens[0], {})[at] = region
    return [
        _Word(_spelling(regions.values()), frozenset(regions))
        for name, regions in bearers.items()
        if len(regions) >= LEAST_PICTURES and _tells(name) and not _is_asked(key(name), asked)
    ]


def _tells(name: str) -> bool:
    """Whether a word can tell something, and be asked for."""
    if len(name) > _LONGEST or _UNQUOTABLE.intersection(name) or name in _SMALL_WORDS:
        return False
    least = _SHORTEST_NUMBER if name.isdigit() else _SHORTEST_WORD
    return letters(name) >= least


def _spelling(regions: Iterable[RegionRecord]) -> str:
    """The most frequent one, of equals the first in the alphabet."""
    spellings = Counter(region.text.strip(_EDGES) for region in regions)
    return min(spellings, key=lambda text: (-spellings[text], text))


def _is_asked(name: str, asked: set[str]) -> bool:
    """Whether a word is one of the query, or a reading of one."""
    return any(
        name == one or (len(one) > _SHORTEST_WORD and _begins_alike(name, one)) for one in asked
    )


def _begins_alike(name: str, other: str) -> bool:
    if name.startswith(other) or other.startswith(name):
        return True
    return Levenshtein.distance(name, other, score_cutoff=1) <= 1


def _parting(borne: Iterable[_Word], alike: set[int]) -> tuple[Refinement, ...]:
    """Those of the words that part the pictures which look alike; at least two, else none.

    Of words that stand in about the same pictures one is enough: GRAND or HOTEL.
    """
    chosen: list[_Word] = []
    there = [_Word(word.spelled, word.pictures & alike) for word in borne]
    for word in sorted(there, key=_order):
        parts = len(word.pictures) <= LARGEST_SHARE * len(alike)
        most = len(chosen[0].pictures) if chosen else 0
        counts = len(word.pictures) >= max(LEAST_PICTURES, LEAST_OF_MOST * most)
        if parts and counts and not any(_mostly_same(word, other) for other in chosen):
            chosen.append(word)
    if len(chosen) < 2:
        return ()
    return tuple(Refinement(word.spelled, len(word.pictures)) for word in chosen[:MOST])


def _mostly_same(one: _Word, other: _Word) -> bool:
    return 2 * len(one.pictures & other.pictures) > len(one.pictures | other.pictures)


def _order(word: _Word) -> tuple[int, int, str]:
    """Those of many pictures first, of equals long ones."""
    return -len(word.pictures), -len(word.spelled), word.spelled
