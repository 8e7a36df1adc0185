"""A vector for every word, also for one that nobody has seen (section 6.3, the offline embedder).

A word is the set of its pieces: runs of one to three characters, with "<" and ">" for its ends, and
each character with its place from the front and from the back. Each piece has a direction that a
hash decides, the same on every machine. Words that share pieces are near each other, so that a
reading with a wrong letter still resembles the word, and what is learned with some words holds for
others. Words are compared as the search compares them (`text.key`).
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from sightread.text import key
from sightread.types import Vectors

WIDTH = 256
_LONGEST = 40  # characters of a word that count


def word_vectors(words: Sequence[str]) -> Vectors:
    """(n, 256) float32, rows of unit length; a word without letters and digits has one too."""
    rows = [_vector(key(word)[:_LONGEST]) for word in words]
    return np.stack(rows) if rows else np.zeros((0, WIDTH), np.float32)


@lru_cache(maxsize=65536)
def _vector(word: str) -> NDArray[np.float32]:
    found = np.zeros(WIDTH, np.float64)
    for piece in _pieces(word):
        number = zlib.crc32(piece.encode("utf-8"))
        found[number % WIDTH] += 1.0 if number >> 16 & 1 else -1.0
    length = float(np.linalg.norm(found))
    if length == 0:  # all of it cancelled: never seen, but not impossible
        found[0] = length = 1.0
    unit = (found / length).astype(np.float32)
    unit.setflags(write=False)
    return unit


def _pieces(word: str) -> Iterator[str]:
    if not word:
        yield "<>"
    marked = f"<{word}>"
    for length in (1, 2, 3):
        runs = (marked[at : at + length] for at in range(len(marked) - length + 1))
        yield from (run for run in runs if run not in ("<", ">"))
    for at, character in enumerate(word):
        yield f"{at}/{character}"
        yield f"{at - len(word)}/{character}"
