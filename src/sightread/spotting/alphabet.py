"""The characters that the spotter knows: those it can be asked for, and those it can read.

Queries are spelled as the search compares words (`text.key`): letters and digits, case and accents
folded, so that "Café" and "CAFE" are one vector. Readings keep accents and the punctuation that
stands inside of words, for people to see.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from sightread.errors import UsageError
from sightread.text import key

ASKED = "abcdefghijklmnopqrstuvwxyz0123456789"
ACCENTED = "àáâãäåæçèéêëìíîïñòóôõöøùúûüýßœšžł"
MARKS = "-'&.,:!?/+$€£%@#()"
READ = ASKED + ACCENTED + MARKS + " "
"""Class number n + 1 of a reading is character n of this; class 0 is the blank of CTC. The space
stands between two words in one strip."""
CLASSES = len(READ) + 1
LONGEST = 25
"""Characters of a query; what is longer is asked for by its first 25."""
PAD, START, END = 0, len(ASKED) + 1, len(ASKED) + 2
"""Ids beside those of the characters of `ASKED`, which begin at 1."""
CONTEXT = LONGEST + 2

_ASKED_ID = {char: number for number, char in enumerate(ASKED, 1)}
_READ_CLASS = {char: number for number, char in enumerate(READ, 1)}


def spell(word: str) -> str:
    """The word as it is asked for: 1 to 25 characters of `ASKED`.

    Raises:
        UsageError: it has no letter or digit, or some that the spotter does not know.
    """
    spelled = key(word)
    unknown = "".join(dict.fromkeys(char for char in spelled if char not in _ASKED_ID))
    if unknown:
        raise UsageError(
            f"The word spotter does not know {unknown!r} in {word!r}: it knows Latin letters and "
            "digits; other scripts are found by their readings only."
        )
    if not spelled:
        raise UsageError(f"{word!r} has no letter or digit that could be looked for.")
    return spelled[:LONGEST]


def query_ids(words: Sequence[str]) -> NDArray[np.int64]:
    """(n, 27): start, the characters of the spelled word, end, then 0: what a `Tokenizer` makes of
    the spelled words with the tokeniser that travels with the model.

    Raises:
        UsageError: as `spell`.
    """
    ids = np.full((len(words), CONTEXT), PAD, np.int64)
    for row, word in zip(ids, words, strict=True):
        spelled = spell(word)
        row[: len(spelled) + 2] = [START, *(_ASKED_ID[char] for char in spelled), END]
    return ids


def reading_classes(text: str) -> list[int]:
    """The classes of a written word; what cannot be read is left out."""
    return [_READ_CLASS[char] for char in text.lower() if char in _READ_CLASS]
