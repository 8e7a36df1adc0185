"""Words as coverage masks, with the exact box of the ink of each word.

Words are put together from glyphs that are kept once drawn, without kerning: that is ten times
faster than having every word drawn anew, for drawing costs the same at every size.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import numpy as np

from sightread.synth.fonts import load_font
from sightread.synth.geometry import Box
from sightread.synth.typefaces import Mask, Typeface, draw_glyphs

Stamp = tuple[Mask, int, int]
"""Ink, cut tightly, and where its corner is from the start of the baseline, in pixels."""

_EMS = (32, 64, 128, 256)
"""Sizes at which faces are rasterised; everything between is scaled down from the next."""
_KEPT_EM = 64  # a glyph has 0.3 kB to 1.5 kB here: all that are kept stay below 60 MB
FINE_PX = 24.0
"""Below this height of capitals, letters are rasterised and sampled at twice the resolution."""
_PAD = 2  # around the mask, so that fetching between pixels never reaches over the rim


@dataclass(frozen=True, slots=True)
class Lettering:
    """Lines of words, drawn once, of any size.

    `mask` has its local origin, the middle of all ink, at pixel `origin` (x, y, pixel edges at
    whole numbers). `inks` are the tight boxes of the words in pixels of the mask, in reading
    order, `baselines` where each of them stands, and `capital` the height of capitals there.
    `height_px` is that height in local units, which are pixels of the picture.
    """

    mask: Mask
    origin: tuple[float, float]
    words: tuple[str, ...]
    inks: tuple[Box, ...]
    baselines: tuple[float, ...]
    capital: float
    height_px: float

    @property
    def scale(self) -> float:
        """Pixels of the mask per local unit."""
        return self.capital / self.height_px

    @property
    def extent(self) -> tuple[float, float]:
        """Width and height of all ink, in local units."""
        height, width = self.mask.shape
        return (width - 2 * _PAD) / self.scale, (height - 2 * _PAD) / self.scale

    def boxes(self) -> list[Box]:
        """The tight boxes of the words in local units."""
        scale, (x, y) = self.scale, self.origin
        return [
            ((x0 - x) / scale, (y0 - y) / scale, (x1 - x) / scale, (y1 - y) / scale)
            for x0, y0, x1, y1 in self.inks
        ]

    def feet(self) -> list[float]:
        """Where the words' baselines are (v), in local units."""
        return [(baseline - self.origin[1]) / self.scale for baseline in self.baselines]

    def at(self, height_px: float) -> Lettering:
        """The same, smaller or larger."""
        return replace(self, height_px=height_px)


def letter(
    face: Typeface, lines: Sequence[Sequence[str]], height_px: float, *, tracking: float = 0.0
) -> Lettering:
    """Write centred lines of words so that capitals are `height_px` local units high.

    Args:
        tracking: extra room between letters, in ems.
    """
    wanted = height_px / face.capital * (2.0 if height_px < FINE_PX else 1.0)
    em = next((size for size in _EMS if size >= wanted), _EMS[-1])
    rows = [_row(face.path, em, line, round(tracking * em)) for line in lines]
    widest = max(width for _, width in rows)
    step = round(em * max(1.0, face.capital + 0.35))
    stamps: list[Stamp] = []
    baselines: list[int] = []
    for number, (pieces, width) in enumerate(rows):
        indent = (widest - width) // 2
        stamps += [(mask, indent + x, number * step + y) for mask, x, y in pieces]
        baselines += [number * step] * len(pieces)
    whole, left, top = _together(stamps, _PAD)
    inks = tuple(
        (x - left, y - top, x - left + mask.shape[1], y - top + mask.shape[0])
        for mask, x, y in stamps
    )
    return Lettering(
        whole,
        (whole.shape[1] / 2, whole.shape[0] / 2),
        tuple(word for line in lines for word in line),
        inks,
        tuple(baseline - top for baseline in baselines),
        em * face.capital,
        height_px,
    )


def _row(path: Path | None, em: int, line: Sequence[str], tracking: int) -> tuple[list[Stamp], int]:
    """The words of a line, and its width."""
    pieces, x = [], 0.0
    space = max(_glyph(path, em, " ").advance, em * 0.22) + tracking
    for word in line:
        (mask, dx, dy), width = _word(path, em, word, tracking)
        pieces.append((mask, round(x) + dx, dy))
        x += width + space
    return pieces, round(x - space)


def _word(path: Path | None, em: int, word: str, tracking: int) -> tuple[Stamp, float]:
    """The ink of a word, and how far it moves the pen."""
    stamps, x = [], 0.0
    for character in word:
        glyph = _glyph(path, em, character)
        if glyph.mask.size:
            stamps.append((glyph.mask, round(x) + glyph.dx, glyph.dy))
        x += glyph.advance + tracking
    if not stamps:
        return (np.zeros((1, 1), np.uint8), 0, 0), x
    return _together(stamps, 0), x - tracking


def _together(stamps: Sequence[Stamp], pad: int) -> Stamp:
    x0, y0 = min(x for _, x, _ in stamps) - pad, min(y for _, _, y in stamps) - pad
    x1 = max(x + mask.shape[1] for mask, x, _ in stamps) + pad
    y1 = max(y + mask.shape[0] for mask, _, y in stamps) + pad
    whole = np.zeros((y1 - y0, x1 - x0), np.uint8)
    for mask, x, y in stamps:
        height, width = mask.shape
        under = whole[y - y0 : y - y0 + height, x - x0 : x - x0 + width]
        np.maximum(under, mask, out=under)
    return whole, x0, y0


@dataclass(frozen=True, slots=True)
class _Glyph:
    mask: Mask
    dx: int
    dy: int
    advance: float


def _glyph(path: Path | None, em: int, character: str) -> _Glyph:
    return (_kept_glyph if em <= _KEPT_EM else _large_glyph)(path, em, character)


def _drawn_glyph(path: Path | None, em: int, character: str) -> _Glyph:
    font = load_font(path, em)
    mask, dx, dy = draw_glyphs(font, character)
    return _Glyph(mask.copy(), dx, dy, font.getlength(character))


_kept_glyph = lru_cache(maxsize=60_000)(_drawn_glyph)
_large_glyph = lru_cache(maxsize=2_000)(_drawn_glyph)  # 6 kB to 25 kB each
