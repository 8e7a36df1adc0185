"""Mistakes of a reader, made on purpose: how much may what was read be wrong?"""

from __future__ import annotations

import string
from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

import numpy as np

from sightread.types import WordRegion

Mistake = Literal["letters", "missed", "foreign"]
MISTAKES: tuple[Mistake, ...] = ("letters", "missed", "foreign")
"""A letter is read as another one; a word is not found; a word of another picture is read."""

Rng = np.random.Generator


def misread(
    words: Sequence[WordRegion],
    share: float,
    mistake: Mistake,
    rng: Rng,
    foreign: Sequence[str] = (),
) -> tuple[WordRegion, ...]:
    """The words with mistakes; each letter or word is hit on its own.

    Args:
        share: how many of the letters (`letters`) or words (the others) are hit, 0 to 1.
        foreign: what the words of other pictures are, for `foreign`.
    """
    if mistake == "missed":
        return tuple(one for one in words if rng.random() >= share)
    if mistake == "letters":
        return tuple(replace(one, text=_blurred(one.text or "", share, rng)) for one in words)
    return tuple(
        replace(one, text=foreign[int(rng.integers(len(foreign)))]) if rng.random() < share else one
        for one in words
    )


def _blurred(text: str, share: float, rng: Rng) -> str:
    """Each letter becomes another one with this chance."""
    letters = [_another(letter, rng) if rng.random() < share else letter for letter in text]
    return "".join(letters)


def _another(letter: str, rng: Rng) -> str:
    others = string.ascii_lowercase.replace(letter.lower(), "")
    return others[int(rng.integers(len(others)))]
