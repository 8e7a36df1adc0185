"""Which of the words read in a picture go into its vector (section 3)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from sightread.spotting.lines import line_numbers
from sightread.spotting.pairs import overlaps, upright
from sightread.spotting.places import around
from sightread.text import key
from sightread.types import Quad, WordRegion

MOST = 30
LEAST = 0.3
_CANDIDATES = 20
"""So many times as many words as may count are compared with each other: a page of thousands of
words shall not take seconds."""
_LONG = 200
_SAME = 0.8
"""More overlap than this (intersection over union) and two readings are one word."""


@dataclass(frozen=True, slots=True)
class SceneToken:
    """A word that counts: `text` as it was read, `quad` in pixels of the picture. `line` numbers
    the lines from top to bottom, whatever the reader called them."""

    text: str
    quad: Quad
    confidence: float
    line: int = 0

    @property
    def corners(self) -> NDArray[np.float64]:
        """(4, 2)."""
        return np.asarray(self.quad, np.float64)


def scene_tokens(
    words: Sequence[WordRegion], width: int, height: int, most: int = MOST, least: float = LEAST
) -> tuple[SceneToken, ...]:
    """The words that count, in reading order; () if the picture has no text to go by.

    Left out are words that the reader is not sure of, that have no letter or digit, that lie
    outside of the picture, and second readings of the same place; then, of what is left, all but
    the `most` with the largest confidence times square root of the area. The result does not depend
    on the order in which the words come.

    Args:
        words: as a reader gave them, boxes in pixels of the picture; one without text is left out.
        width, height: of the picture in pixels.
        most: so many at most; 0 leaves none.
        least: the smallest confidence.
    """
    kept = [_near(word, width, height) for word in words if _counts(word, width, height, least)]
    kept.sort(key=lambda word: (-_weight(word), word.text or "", word.box))
    kept = _once(kept[: _CANDIDATES * most])[:most]
    if not kept:
        return ()
    lines = line_numbers(np.concatenate([around(word.box)[0] for word in kept]))
    order = sorted(range(len(kept)), key=lambda at: (lines[at], at))
    return tuple(
        SceneToken(kept[at].text or "", kept[at].box, kept[at].confidence, lines[at][0])
        for at in order
    )


def _counts(word: WordRegion, width: int, height: int, least: float) -> bool:
    if word.text is None or not key(word.text[:_LONG]) or not word.confidence >= least:
        return False
    corners = np.asarray(word.box, np.float64)
    if not np.isfinite(corners).all():
        return False
    low, high = corners.min(axis=0), corners.max(axis=0)
    return bool((low < (width, height)).all() and (high > 0).all())


def _near(word: WordRegion, width: int, height: int) -> WordRegion:
    """The word with a box that reaches no more than a picture's size out of the picture."""
    size = np.array([width, height], np.float64)
    corners = np.asarray(word.box, np.float64)
    near = corners.clip(-size, 2 * size)
    if (near == corners).all():
        return word
    a, b, c, d = ((float(x), float(y)) for x, y in near)
    return replace(word, box=(a, b, c, d))


def _weight(word: WordRegion) -> float:
    return word.confidence * math.sqrt(_area(word.box))


def _area(box: Quad) -> float:
    x, y = np.asarray(box, np.float64).T
    return abs(float(x @ np.roll(y, -1) - y @ np.roll(x, -1))) / 2


def _once(words: list[WordRegion]) -> list[WordRegion]:
    """Without those that an earlier one covers."""
    if len(words) < 2:
        return words
    boxes = upright([word.box for word in words])
    same = overlaps(boxes, boxes) > _SAME
    kept: list[int] = []
    for at in range(len(words)):
        if not same[at, kept].any():
            kept.append(at)
    return [words[at] for at in kept]
