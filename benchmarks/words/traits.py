"""What makes a word hard to read, as far as its annotation and its pixels tell: height, length,
letters, direction, contrast and sharpness. Each trait has few values, so that misses can be
counted by them."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from sightread.measure.words import HEIGHT_BINS_PX
from sightread.text import key

Box = tuple[float, float, float, float]
"""left, top, width, height"""

FINDER_PX = 640
"""Longer side of the picture in which the spotter looks for words at normal detail."""
_SMALL = (0, 6, 8, 11, 16, 24, 40, 10_000)
_LENGTHS = (1, 2, 3, 4, 6, 9, 1000)
_CONTRASTS = (0, 30, 60, 100, 150, 1000)
_EDGES = (0.0, 1.5, 2.5, 4.0, 8.0, 1e9)
_STEEP, _SLANTED = 0.25, 0.4
"""Width over height and letters: upright capitals have about 0.7, narrow small letters 0.4."""


def traits(text: str, box: Box, grey: NDArray[np.uint8]) -> dict[str, str]:
    """Trait -> value, of a word in a grey picture."""
    contrast, edge = _ink(box, grey)
    reduced = box[3] * FINDER_PX / max(grey.shape)
    return {
        "height": _bin(box[3], HEIGHT_BINS_PX, " px"),
        f"at {FINDER_PX} px": _bin(reduced, _SMALL, " px"),
        "length": _bin(len(key(text)), _LENGTHS, ""),
        "case": case(text),
        "direction": direction(text, box),
        "contrast": _bin(contrast, _CONTRASTS, " levels"),
        "edge": _bin(edge, _EDGES, " px"),
    }


def case(text: str) -> str:
    """How it is written."""
    letters = [char for char in text if char.isalpha()]
    digits = any(char.isdigit() for char in text)
    if digits:
        return "letters and digits" if letters else "digits"
    if all(char.isupper() for char in letters):
        return "UPPER" if len(letters) > 1 else "one capital"
    if all(char.islower() for char in letters):
        return "lower"
    return "Title" if letters[0].isupper() and text[1:].islower() else "miXed"


def direction(text: str, box: Box) -> str:
    """Guessed from the shape of the upright box: words of three letters and more that are narrower
    than letters can be do not run to the right."""
    count = len(key(text))
    if count < 3:
        return "too short to tell"
    shape = box[2] / max(box[3], 1e-6) / count
    return "steep" if shape < _STEEP else "slanted or narrow" if shape < _SLANTED else "level"


def _ink(box: Box, grey: NDArray[np.uint8]) -> tuple[float, float]:
    """Contrast in grey levels between the darker and the lighter parts, and the width of an edge:
    how many pixels it takes from one to the other where that is quickest."""
    left, top, width, height = box
    rows, columns = grey.shape
    x0, x1 = (int(np.clip(v, 0, columns)) for v in (np.floor(left), np.ceil(left + width)))
    y0, y1 = (int(np.clip(v, 0, rows)) for v in (np.floor(top), np.ceil(top + height)))
    part = grey[y0:y1, x0:x1].astype(np.float32)
    if min(part.shape) < 3:
        return 0.0, 0.0
    low, high = np.percentile(part, (5, 95))
    contrast = float(high - low)
    slope = np.hypot(cv2.Sobel(part, -1, 1, 0, scale=1 / 8), cv2.Sobel(part, -1, 0, 1, scale=1 / 8))
    return contrast, contrast / max(float(np.percentile(slope, 98)), 1e-3)


def _bin(value: float, edges: Sequence[float], unit: str) -> str:
    for low, high in itertools.pairwise(edges):
        if value < high:
            return _named(low, high, high == edges[-1], unit)
    return _named(edges[-2], edges[-1], True, unit)


def _named(low: float, high: float, last: bool, unit: str) -> str:
    if last:
        return f"{low:g} and more{unit}"
    whole = float(low).is_integer() and float(high).is_integer()
    if whole and high - low == 1 and not unit:
        return f"{low:g}"
    return f"{low:g} to {high - 1:g}" if whole and not unit else f"{low:g} to {high:g}{unit}"
