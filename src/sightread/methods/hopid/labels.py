"""Weak labels: which words of a caption are written in its picture, as far as OCR read them (6.7).

They teach entity inferring and say which words of a picture count. Only pictures that training may
see are ever labelled.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache

from rapidfuzz.distance import Levenshtein

from sightread.scenetext.captions import CaptionWord
from sightread.scenetext.tokens import SceneToken
from sightread.text import key

IGNORED = -100
LEAST_SURE = 0.4
"""Where a reader is less sure than this in the mean, its words teach nothing."""
_ALIKE, _SHORTEST, _LONGEST_RUN = 0.8, 4, 6
_STOP_WORDS = """a an and are as at be but by for from has have he her his i in is it its my no not
of on or our s she so that the their there these they this those to up was we were which with you
your"""
STOP_WORDS = frozenset(_STOP_WORDS.split())


def weak_labels(words: Sequence[CaptionWord], tokens: Sequence[SceneToken]) -> list[int]:
    """1 for each word that is written, 0 for the others, `IGNORED` where nobody can say.

    Args:
        words: of one caption.
        tokens: read in its own picture; none: every word is 0.
    """
    if not tokens:
        return [0] * len(words)
    if sum(token.confidence for token in tokens) / len(tokens) < LEAST_SURE:
        return [IGNORED] * len(words)
    written = [key(token.text) for token in tokens]
    found = [int(is_written(word.text, written)) for word in words]
    for first, last in _runs(words, tokens):
        found[first : last + 1] = [1] * (last + 1 - first)
    spans = {word.quoted for word, label in zip(words, found, strict=True) if label} - {-1}
    return [int(label or word.quoted in spans) for word, label in zip(words, found, strict=True)]


def is_written(word: str, written: Sequence[str]) -> bool:
    """Whether a word of a caption is one of the readings (as `text.key` has them)."""
    asked = key(word)
    return asked not in STOP_WORDS and any(same_word(asked, one) for one in written)


@lru_cache(maxsize=1 << 18)
def same_word(asked: str, read: str) -> bool:
    """Equal; or both of four letters at least and alike to 0.8; or equal but for a final s or es.
    Numbers only if equal."""
    if asked == read:
        return bool(asked)
    if asked.isdigit() or read.isdigit() or not (asked and read):
        return False
    if _singular(asked) & _singular(read):
        return True
    return min(len(asked), len(read)) >= _SHORTEST and _alike(asked, read) >= _ALIKE


def _singular(word: str) -> set[str]:
    """The word, and what may be its singular."""
    endings = [ending for ending in ("s", "es") if word.endswith(ending)]
    return {word, *(word.removesuffix(ending) for ending in endings)} - {""}


def _alike(one: str, other: str) -> float:
    return 1 - Levenshtein.distance(one, other) / max(len(one), len(other))


def _runs(words: Sequence[CaptionWord], tokens: Sequence[SceneToken]) -> Iterator[tuple[int, int]]:
    """(first, last) of the words that say a line of the picture, stop words among them."""
    lines: dict[int, list[str]] = {}
    for token in tokens:
        lines.setdefault(token.line, []).append(key(token.text))
    keys = [key(word.text) for word in words]
    for line in (parts for parts in lines.values() if len(parts) > 1):
        text = " ".join(line)
        best = (0.0, 0, 0)
        for first in range(len(keys)):
            for count in range(2, min(_LONGEST_RUN, len(keys) - first) + 1):
                run = " ".join(keys[first : first + count])
                best = max(best, (_alike(run, text), first, first + count - 1))
        if best[0] >= _ALIKE:
            yield best[1], best[2]
