"""Where one word ends is often known only when it has been read.

A map is cut at more than one threshold, and looked at in more than one size, so that there are more
places than words: "low", "flying" and "lowflying". All are read; of places that overlap the reading
that explains most is the *word*, the others are kept as *second thoughts* if they are not much less
sure and say something else. A search finds both; lines and phrases are made of words alone.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from sightread.spotting.maps import Found
from sightread.spotting.places import Places, corners
from sightread.spotting.readings import Reading
from sightread.text import key

_ALIKE = 0.65
"""Intersection over union: of places that are so much alike one is enough."""
_OVERLAP = 0.5
"""Two places are of one word if what they share is this much of the smaller."""
_LENGTH = 0.5
"""A long reading explains more of the picture than a short one: of two that overlap that with the
greater confidence * letters ** 0.5 is the word."""
_SURE, _AS_SURE = 0.3, 0.6
"""Second thoughts have at least this confidence, and this share of that of the word."""


def distinct(looks: Sequence[Found]) -> Found:
    """All that the looks found, without places that are nearly the same: of those the one with the
    greatest probability stays."""
    places = np.concatenate([np.zeros((0, 5), np.float32), *(one.places for one in looks)])
    scores = np.concatenate([np.zeros(0, np.float32), *(one.scores for one in looks)])
    shared, areas = _shared(places)
    alike = (shared > _ALIKE * (areas[:, None] + areas - shared)).tolist()
    kept: list[int] = []
    for number in np.argsort(-scores, kind="stable").tolist():
        if not any(alike[number][one] for one in kept):
            kept.append(number)
    kept.sort()
    return Found(places[kept], scores[kept])


def choose(places: Places, readings: Sequence[Reading]) -> tuple[list[int], list[int]]:
    """Which places are words, and which are second thoughts; both ascending."""
    shared, areas = _shared(places)
    overlap = (shared > _OVERLAP * np.minimum(areas[:, None], areas)).tolist()
    keys = [key(one.text) for one in readings]
    sure = np.array(
        [one.confidence if said else 0.0 for one, said in zip(readings, keys, strict=True)]
    )
    words: list[int] = []
    others: list[int] = []
    explained = sure * np.array([len(said) for said in keys]) ** _LENGTH
    for number in np.argsort(-explained, kind="stable").tolist():
        near = overlap[number]
        rivals = [one for one in words if near[one]]
        if not rivals:
            words.append(number)
        elif _worth_it(number, rivals, sure) and not any(
            keys[one] == keys[number] for one in (*words, *others) if near[one]
        ):
            others.append(number)
    return sorted(words), sorted(others)


def _worth_it(number: int, rivals: Sequence[int], sure: NDArray[np.float64]) -> bool:
    return bool(sure[number] >= max(_SURE, _AS_SURE * float(sure[list(rivals)].max())))


def _shared(places: Places) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Areas that any two share, (n, n), and their own areas, (n,)."""
    points = corners(places)
    low, high = points.min(axis=1), points.max(axis=1)
    # Upright boxes that do not meet hold words that do not.
    meet = ((low[:, None] < high) & (low < high[:, None])).all(axis=2)
    shared = np.zeros((len(places), len(places)))
    for one, other in np.argwhere(np.triu(meet, 1)).tolist():
        area, _ = cv2.intersectConvexConvex(points[one], points[other])
        shared[one, other] = shared[other, one] = area
    return shared, (places[:, 2] * places[:, 3]).astype(np.float64)
