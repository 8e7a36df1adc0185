"""Where words begin and end, asked of what reads them.

The finder marks words by their looks: two that stand close are taken for one, and one that glare
cuts is taken for two. What reads strips knows the space between words. So a strip in which it reads
a space is cut there, and the strip of two neighbours in which it reads none, and the letters of
both, is one word.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from rapidfuzz.distance import Levenshtein

from sightread.readers.candidates import Candidates, Read
from sightread.spotting.choosing import choose
from sightread.spotting.joining import joined, neighbours, split
from sightread.spotting.readings import Reading
from sightread.text import key

_PART = 0.7
"""Each word of a place that is two is read with at least this share of the confidence of both."""
_REACH = 0.2
"""The widest gap, in heights, over which two places may be one word. Most words stand further from
each other: those up to 0.5 apart take a seventh more of strips for 0.1 points of mAP."""
_ROUNDS = 3
"""A word in four pieces is put together by two of them at a time."""
_AS_SURE = 0.8
"""The word of two places is read with at least this share of the confidence of the less sure."""
_NO_SPACE = 0.05
"""The greatest probability of a space in one word; pieces of words have 0.01, close words
0.1 and more."""
_MISREAD = 0.2
"""Letters of both that may be read differently in their word: most are cut through at the gap."""


def segmented(found: Candidates, read: Read) -> Candidates:
    """Candidates without those that are two words or half of one, with the words instead."""
    return _joined(_cut(found, read), read)


def _cut(found: Candidates, read: Read) -> Candidates:
    lines = [number for number, one in enumerate(found.readings) if one.breaks]
    if not lines:
        return found
    parts = [split(found.places[number], found.readings[number].breaks) for number in lines]
    counts = [len(part) for part in parts]
    again = read(np.concatenate(parts), np.repeat(found.scores[lines], counts))
    first, whole = 0, set(lines)
    kept: list[int] = []
    for number, count in zip(lines, counts, strict=True):
        words = range(first, first + count)
        first += count
        if _are_words([again.readings[n] for n in words], found.readings[number]):
            kept += words
        else:
            whole.discard(number)
    return found.only([n for n in range(len(found.scores)) if n not in whole]).and_(
        again.only(kept)
    )


def _are_words(parts: Sequence[Reading], line: Reading) -> bool:
    return all(one.confidence >= _PART * line.confidence for one in parts)


def _joined(found: Candidates, read: Read) -> Candidates:
    for _ in range(_ROUNDS):
        words, _ = choose(found.places, found.readings)
        words = [number for number in words if key(found.readings[number].text)]
        near = neighbours(found.places[words], _REACH)
        pairs = [(words[one], words[other]) for one, other in near]
        if not pairs:
            return found
        places = np.stack([joined(found.places[one], found.places[other]) for one, other in pairs])
        scores = np.array([found.scores[list(pair)].min() for pair in pairs], np.float32)
        both = read(places, scores)
        ones, halves = [], set[int]()
        for n in sorted(range(len(pairs)), key=lambda n: -both.readings[n].confidence):
            if halves.isdisjoint(pairs[n]) and _one_word(both.readings[n], found, pairs[n]):
                ones.append(n)
                halves.update(pairs[n])
        if not ones:
            return found
        kept = [number for number in range(len(found.scores)) if number not in halves]
        found = found.only(kept).and_(both.only(ones))
    return found


def _one_word(word: Reading, found: Candidates, pair: tuple[int, int]) -> bool:
    one, other = (found.readings[number] for number in pair)
    if word.space > _NO_SPACE or word.confidence < _AS_SURE * min(one.confidence, other.confidence):
        return False
    letters = key(one.text) + key(other.text)
    edits = Levenshtein.distance(letters, key(word.text))
    return edits <= max(1.0, _MISREAD * len(letters))
