"""Invented words: they look like words, and nobody wrote them anywhere.

Letter sequences of the real words decide which letter follows which two, so that the inventions
have the shape of words and come near real ones, as a typing error or a rare name does.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterable

from sightread.errors import UsageError
from sightread.text import key

_ENOUGH = 50
_TRIES_PER_WORD = 100


def invented_words(
    real: Iterable[str], count: int, seed: int, more: Iterable[str] = ()
) -> list[str]:
    """At most `count` distinct words of letters that are not, and not part of, any word of `real`.

    Lengths follow those of the real words, at least four letters, since a shorter one is nearly
    always a real word or part of one.

    Args:
        more: words to learn the shape from if the real ones are too few for it; only the real
            ones are kept from being invented.

    Raises:
        UsageError: there are too few words to learn from.
    """
    known = sorted({key(word) for word in real} - {""})
    joined = "\n".join(known)
    source = _lettered(known)
    if len(source) < _ENOUGH:
        source = _lettered(sorted({*known, *map(key, more)}))
    if len(source) < _ENOUGH:
        raise UsageError(
            f"The gallery names {len(source)} different words of four letters or more; to invent "
            f"words like them takes at least {_ENOUGH}."
        )
    follows: defaultdict[str, list[str]] = defaultdict(list)
    for word in source:
        padded = f"^^{word}"
        for i in range(len(word)):
            follows[padded[i : i + 2]].append(padded[i + 2])
    chance = random.Random(seed)
    found: dict[str, None] = {}
    for _ in range(_TRIES_PER_WORD * count):
        if len(found) == count:
            break
        word = _one(follows, len(chance.choice(source)), chance)
        if word and word not in joined:
            found.setdefault(word)
    return list(found)


def _lettered(words: list[str]) -> list[str]:
    return [word for word in words if word.isascii() and word.isalpha() and len(word) >= 4]


def _one(follows: dict[str, list[str]], length: int, chance: random.Random) -> str:
    word = "^^"
    while len(word) < length + 2:
        letters = follows.get(word[-2:])
        if not letters:
            return ""
        word += chance.choice(letters)
    return word[2:]
