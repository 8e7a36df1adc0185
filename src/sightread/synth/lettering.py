"""Words as coverage masks, with the exact box of the ink of each word.

Words are put together from glyphs that are kept once drawn, with the face's own kerning: that is
several times faster than asking for every word anew.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from sightread.synth.geometry import Box
from sightread.synth.typefaces import Mask, Typeface, draw_glyphs, load_font

Stamp = tuple[Mask, int, int]
"""Ink, cut tightly, and where its corner is from the start of the baseline, in pixels."""

_EMS = (12, 16, 24, 32, 48, 64, 96, 128, 192, 256)
"""Sizes at which faces are rasterised; everything between is scaled down from the next."""
_KEPT_EM = 128  # a glyph has 1 kB to 8 kB, those in use mostly 1: kept ones stay below 100 MB
FINE_PX = 24.0
"""Below this height of capitals, letters are rasterised and sampled at twice the resolution."""
_PAD = 2  # around the mask, so that fetching between pixels never reaches over the rim


@dataclass(frozen=True, slots=True)
class Lettering:
    """Lines of words, drawn.

    `mask` has `scale` pixels per local unit (a pixel of the picture) and the local origin, the
    middle of all ink, at pixel `origin` (x, y, pixel edges at whole numbers). `boxes` are the
    tight boxes of the words' ink in local units, in reading order; `feet` are, per word, where
    its baseline is (v), and capitals are `height_px` high.
    """

    mask: Mask
    scale: float
    origin: tuple[float, float]
    height_px: float
    words: tuple[str, ...]
    boxes: tuple[Box, ...]
    feet: tuple[float, ...]

    @property
    def extent(self) -> tuple[float, float]:
        """Width and height of all ink, in local units."""
        height, width = self.mask.shape
        return (width - 2 * _PAD) / self.scale, (height - 2 * _PAD) / self.scale


def letter(
    face: Typeface, lines: Sequence[Sequence[str]], height_px: float, *, tracking: float = 0.0
) -> Lettering:
    """Write centred lines of words so that capitals are `height_px` local units high.

    Args:
        tracking: extra room between letters, in ems.
    """
    wanted = height_px / face.capital
    sharp = wanted * (2.0 if height_px < FINE_PX else 1.0)
    em = next((size for size in _EMS if size >= sharp), _EMS[-1])
    rows = [_row(face.path, em, line, round(tracking * em)) for line in lines]
    widest = max(width for _, width in rows)
    step = round(em * max(1.0, face.capital + 0.35))
    stamps: list[Stamp] = []
    baselines: list[int] = []
    for number, (pieces, width) in enumerate(rows):
        indent = (widest - width) // 2
        stamps += [(mask, indent + x, number * step + y) for mask, x, y in pieces]
        baselines += [number * step] * len(pieces)
    words = tuple(word for line in lines for word in line)
    return _gather(words, stamps, baselines, em / wanted, height_px)


def _gather(
    words: tuple[str, ...],
    stamps: Sequence[Stamp],
    baselines: Sequence[int],
    scale: float,
    height_px: float,
) -> Lettering:
    whole, x0, y0 = _together(stamps, _PAD)
    height, width = whole.shape
    left, top = x0 + width / 2, y0 + height / 2
    boxes = []
    for mask, x, y in stamps:
        u, v = (x - left) / scale, (y - top) / scale
        boxes.append((u, v, u + mask.shape[1] / scale, v + mask.shape[0] / scale))
    feet = tuple((baseline - top) / scale for baseline in baselines)
    origin = (width / 2, height / 2)
    return Lettering(whole, scale, origin, height_px, words, tuple(boxes), feet)


def _row(path: Path | None, em: int, line: Sequence[str], tracking: int) -> tuple[list[Stamp], int]:
    """The words of a line, and its width."""
    pieces, x = [], 0.0
    space = max(_advance(path, em, " ", ""), em * 0.22) + tracking
    for word in line:
        (mask, dx, dy), width = _word(path, em, word, tracking)
        pieces.append((mask, round(x) + dx, dy))
        x += width + space
    return pieces, round(x - space)


def _word(path: Path | None, em: int, word: str, tracking: int) -> tuple[Stamp, float]:
    """The ink of a word, and how far it moves the pen."""
    stamps, x = [], 0.0
    for character, after in zip(word, [*word[1:], ""], strict=True):
        mask, dx, dy = _glyph(path, em, character)
        if mask.size:
            stamps.append((mask, round(x) + dx, dy))
        x += _advance(path, em, character, after) + tracking
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


def _glyph(path: Path | None, em: int, character: str) -> Stamp:
    return (_kept_glyph if em <= _KEPT_EM else _drawn_glyph)(path, em, character)


def _drawn_glyph(path: Path | None, em: int, character: str) -> Stamp:
    return draw_glyphs(load_font(path, em), character)


_kept_glyph = lru_cache(maxsize=12_000)(_drawn_glyph)


@lru_cache(maxsize=50_000)
def _advance(path: Path | None, em: int, character: str, after: str) -> float:
    """How far the pen moves from a character to the next one, kerning included."""
    font = load_font(path, em)
    return font.getlength(character + after) - (font.getlength(after) if after else 0.0)
