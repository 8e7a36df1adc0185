"""Looking for small words in a large picture: piece by piece, beside a look at the whole.

The finder knows words by what is around them, up to about a hundred pixels high. In the whole
picture made small it finds large words, in pieces of the picture itself small ones.
"""

from __future__ import annotations

import numpy as np

from sightread.spotting.maps import Found
from sightread.spotting.places import corners

SIDE_PX = 1024
"""The longest side of a piece."""
SHARED_PX = 160
"""What neighbouring pieces share, at least: small words lie whole in one of them."""
_RIM_PX = 4.0

Window = tuple[int, int, int, int]
"""Left, top, right, bottom in pixels."""


def windows(width: int, height: int) -> list[Window]:
    """Pieces that cover a picture, row by row, of about the same size."""
    return [
        (left, top, right, bottom)
        for top, bottom in _spans(height)
        for left, right in _spans(width)
    ]


def _spans(length: int) -> list[tuple[int, int]]:
    if length <= SIDE_PX:
        return [(0, length)]
    count = -(-(length - SHARED_PX) // (SIDE_PX - SHARED_PX))
    starts = np.linspace(0, length - SIDE_PX, count).round().astype(int).tolist()
    return [(start, start + SIDE_PX) for start in starts]


def whole(found: Found, window: Window, width: int, height: int) -> Found:
    """What was found in a piece, in pixels of the picture of `width` x `height`, without words
    that the piece cuts: a neighbour has them, or the look at the whole."""
    left, top, right, bottom = window
    places = found.places + np.array([left, top, 0, 0, 0], np.float32)
    points = corners(places)
    low, high = points.min(axis=1), points.max(axis=1)
    cut = np.zeros(len(places), bool)
    if left > 0:
        cut |= low[:, 0] < left + _RIM_PX
    if top > 0:
        cut |= low[:, 1] < top + _RIM_PX
    if right < width:
        cut |= high[:, 0] > right - _RIM_PX
    if bottom < height:
        cut |= high[:, 1] > bottom - _RIM_PX
    return Found(places[~cut], found.scores[~cut])
