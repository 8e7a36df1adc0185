"""What became of each annotated word, and of each region that a reader gave.

A region and a word are a pair if their upright boxes overlap by half (intersection over union), or
by a fifth if the text is the same too: borders of annotations are a matter of taste. Pairs with the
same text are made first, then those that overlap most; each word and region has one partner.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from rapidfuzz.distance import Levenshtein

from sightread.measure.gallery import AnnotatedWord, GalleryImage
from sightread.text import key
from sightread.types import WordRegion

PAIRED, PAIRED_ALIKE = 0.5, 0.2
"""Least overlap of a pair, and of one with the same text."""
_COVERED = 0.6  # of a word that is in a region together with others, of a piece that is in a word
_GRAZED = 0.1  # of a word's area, below which nothing was seen there

Fate = Literal["read", "near", "misread", "unread", "glued", "split", "cut", "off", "missed"]
FATES: dict[Fate, str] = {
    "read": "found and read, letter for letter as words are compared",
    "near": "found, one edit away",
    "misread": "found, two or more edits away",
    "unread": "found, no letter read",
    "glued": "in a region that is larger by half: with a neighbour, or with much of the ground",
    "split": "in two or more pieces",
    "cut": "one piece of it",
    "off": "something overlaps it, but not enough",
    "missed": "nothing there",
}
FOUND: tuple[Fate, ...] = ("read", "near", "misread", "unread")

Boxes = NDArray[np.float64]
"""(n, 4): left, top, right, bottom."""


@dataclass(frozen=True, slots=True)
class Fated:
    """An annotated word and what became of it; `reading` of its partner, "" without one."""

    text: str
    box: tuple[float, float, float, float]
    fate: Fate
    reading: str = ""


@dataclass(frozen=True, slots=True)
class Judged:
    """One picture. `regions` that were given, `right` that could be paired with a word (of two
    readings of one word both), `ground` that lie where no word is annotated; `read` of `words` by
    text alone, wherever they stand."""

    fates: tuple[Fated, ...]
    regions: int
    right: int
    ground: int
    words: int
    read: int


def judge(image: GalleryImage, regions: Sequence[WordRegion]) -> Judged:
    """Words and regions of one picture. Words without letter or digit are left out, and regions of
    which only such were read."""
    words = [word for word in image.words if key(word.text)]
    given = [region for region in regions if not region.text or key(region.text)]
    boxed = [word for word in words if word.box is not None]
    texts = [key(region.text or "") for region in given]
    found, places = _word_boxes(boxed), _region_boxes(given)
    shared = _shared(found, places)
    overlap = _overlap(shared, found, places)
    fits = _fits(boxed, texts, overlap)
    partner = _pairs(fits, overlap)
    fates = [
        _fate(word, partner.get(at), given, _Around(shared[at], found[at], places))
        for at, word in enumerate(boxed)
    ]
    touched = shared > _GRAZED * np.maximum(_areas(places), 1e-6)[None]
    wanted = Counter(key(word.text) for word in words)
    return Judged(
        fates=tuple(fates),
        regions=len(given),
        right=int(fits.pair.any(axis=0).sum()),
        ground=int((~touched.any(axis=0)).sum()) if boxed else 0,
        words=len(words),
        read=(wanted & Counter(filter(None, texts))).total(),
    )


@dataclass(frozen=True, slots=True)
class _Around:
    """What lies round a word: (m,) shared areas, its box, and all (m, 4) regions."""

    shared: NDArray[np.float64]
    box: NDArray[np.float64]
    places: Boxes


@dataclass(frozen=True, slots=True)
class _Fits:
    """(words, regions): which may be a pair, and which have the same text."""

    pair: NDArray[np.bool_]
    same: NDArray[np.bool_]


def _fits(
    words: Sequence[AnnotatedWord], texts: Sequence[str], overlap: NDArray[np.float64]
) -> _Fits:
    same = np.array([[key(word.text) == text for text in texts] for word in words], dtype=bool)
    same = same.reshape(overlap.shape)
    return _Fits((overlap >= PAIRED) | (same & (overlap >= PAIRED_ALIKE)), same)


def _pairs(fits: _Fits, overlap: NDArray[np.float64]) -> dict[int, int]:
    """Word -> region."""
    pairs = np.argwhere(fits.pair).tolist()
    order = sorted(pairs, key=lambda one: (not fits.same[*one], -overlap[*one], one))
    partner: dict[int, int] = {}
    taken: set[int] = set()
    for word, region in order:
        if word not in partner and region not in taken:
            partner[word] = region
            taken.add(region)
    return partner


def _fate(
    word: AnnotatedWord, partner: int | None, regions: Sequence[WordRegion], around: _Around
) -> Fated:
    assert word.box is not None
    if partner is None:
        return Fated(word.text, word.box, _lost(around))
    reading = regions[partner].text or ""
    edits = Levenshtein.distance(key(word.text), key(reading))
    fate: Fate = "read" if not edits else "near" if edits == 1 else "misread"
    return Fated(word.text, word.box, fate if key(reading) else "unread", reading)


def _lost(around: _Around) -> Fate:
    """Why a word has no partner."""
    area = max(float(_areas(around.box[None])[0]), 1e-6)
    areas = np.maximum(_areas(around.places), 1e-6)
    share = around.shared / area
    if bool(((share >= _COVERED) & (areas > 1.5 * area)).any()):
        return "glued"
    pieces = int(((around.shared / areas >= _COVERED) & (share >= _GRAZED)).sum())
    if pieces:
        return "split" if pieces > 1 else "cut"
    return "off" if bool((share >= _GRAZED).any()) else "missed"


def _word_boxes(words: Sequence[AnnotatedWord]) -> Boxes:
    boxes = np.array([word.box for word in words], np.float64).reshape(-1, 4)
    return np.concatenate([boxes[:, :2], boxes[:, :2] + boxes[:, 2:]], axis=1)


def _region_boxes(regions: Sequence[WordRegion]) -> Boxes:
    corners = np.array([region.box for region in regions], np.float64).reshape(-1, 4, 2)
    return np.concatenate([corners.min(axis=1), corners.max(axis=1)], axis=1)


def _areas(boxes: Boxes) -> NDArray[np.float64]:
    sides = np.maximum(boxes[:, 2:] - boxes[:, :2], 0.0)
    return np.asarray(sides[:, 0] * sides[:, 1])


def _shared(one: Boxes, other: Boxes) -> NDArray[np.float64]:
    """(n, m) areas in common."""
    low = np.maximum(one[:, None, :2], other[None, :, :2])
    high = np.minimum(one[:, None, 2:], other[None, :, 2:])
    sides = np.maximum(high - low, 0.0)
    return np.asarray(sides[..., 0] * sides[..., 1])


def _overlap(shared: NDArray[np.float64], one: Boxes, other: Boxes) -> NDArray[np.float64]:
    """(n, m) intersection over union."""
    union = _areas(one)[:, None] + _areas(other)[None] - shared
    return np.asarray(shared / np.maximum(union, 1e-6))
