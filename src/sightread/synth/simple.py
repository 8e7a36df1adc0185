"""Plain, easily readable words on a light ground: pictures with known words for tests.

Needs nothing but Pillow's built-in face.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from sightread.synth.canvas import Canvas, Color, Pen
from sightread.types import Quad, RGBImage

GROUNDS: tuple[Color, ...] = (
    (250, 248, 242),
    (236, 242, 248),
    (246, 238, 228),
    (232, 240, 230),
    (252, 252, 252),
)
INKS: tuple[Color, ...] = ((20, 20, 24), (92, 22, 30), (20, 54, 96), (26, 74, 48), (66, 34, 82))


def render_words(
    words: Sequence[str],
    size: tuple[int, int] = (640, 480),
    seed: int = 0,
    *,
    text_px: float = 40.0,
) -> tuple[RGBImage, list[Quad]]:
    """A picture with the given words in reading order, wrapped into lines.

    Words become smaller where they would not fit.

    Args:
        words: what to write; an entry with spaces stays on one line and counts as one word.
        size: width and height in pixels.
        seed: chooses colours and where the text begins.
        text_px: size of the letters in pixels per em, at most.

    Returns:
        The picture, (H, W, 3), and one quad per entry of `words`, in pixels of it.
    """
    rng = np.random.default_rng(seed)
    canvas = Canvas(*size, GROUNDS[int(rng.integers(len(GROUNDS)))])
    pen = Pen("plain", text_px, INKS[int(rng.integers(len(INKS)))], "ls")
    margin = 24.0
    while True:
        places = _wrap(words, pen, size[0] - 2 * margin)
        rows = 1 + max((row for row, _ in places), default=0)
        widest = max((x + pen.width(w) for w, (_, x) in zip(words, places, strict=True)), default=0)
        if pen.size < 6 or (
            rows * pen.size * 1.7 <= size[1] - 2 * margin and widest <= size[0] - 2 * margin
        ):
            break
        pen = Pen(pen.face, pen.size * 0.9, pen.fill, pen.anchor)
    room = (size[0] - 2 * margin - widest, size[1] - 2 * margin - rows * pen.size * 1.7)
    left, top = (margin + float(rng.random()) * max(0.0, extra) for extra in room)
    quads = []
    for word, (row, x) in zip(words, places, strict=True):
        start = len(canvas.words)
        canvas.text((left + x, top + pen.size * (1.2 + 1.7 * row)), word, pen)
        quads.append(_hull([w.quad for w in canvas.words[start:]]))
    return canvas.finish(), quads


def _wrap(words: Sequence[str], pen: Pen, width: float) -> list[tuple[int, float]]:
    """(row, x) of each word; a word too long for a row stands in a row of its own."""
    places: list[tuple[int, float]] = []
    row, x = 0, 0.0
    for word in words:
        length = pen.width(word)
        if x and x + length > width:
            row, x = row + 1, 0.0
        places.append((row, x))
        x += length + pen.size * 0.9
    return places


def _hull(quads: Sequence[Quad]) -> Quad:
    xs = [x for quad in quads for x, _ in quad]
    ys = [y for quad in quads for _, y in quad]
    return ((min(xs), min(ys)), (max(xs), min(ys)), (max(xs), max(ys)), (min(xs), max(ys)))
