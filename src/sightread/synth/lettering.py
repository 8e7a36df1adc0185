"""Words as coverage masks, with the exact box of the ink of each word."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import ImageFont

from sightread.synth.geometry import Box
from sightread.synth.typefaces import Typeface, load_font

Mask = NDArray[np.uint8]
"""(H, W): 255 is ink."""
_EMS = (8, 10, 12, 14, 16, 20, 24, 28, 32, 40, 48, 56, 64, 80, 96, 128, 160, 192, 256)
"""Sizes at which faces are rasterised; everything between is scaled down from the next."""


@dataclass(frozen=True, slots=True)
class Lettering:
    """Lines of words, drawn.

    `mask` has `scale` pixels per local unit (a pixel of the picture) and the local origin, the
    middle of all ink, at pixel `origin` (x, y, pixel edges at whole numbers). `boxes` are the
    tight boxes of the words' ink in local units, in reading order; `rises` are, per word, where
    its baseline and the top of its capitals are (v).
    """

    mask: Mask
    scale: float
    origin: tuple[float, float]
    words: tuple[str, ...]
    boxes: tuple[Box, ...]
    rises: tuple[tuple[float, float], ...]

    @property
    def extent(self) -> tuple[float, float]:
        """Width and height of all ink, in local units."""
        return (
            max(box[2] for box in self.boxes) - min(box[0] for box in self.boxes),
            max(box[3] for box in self.boxes) - min(box[1] for box in self.boxes),
        )


def letter(
    face: Typeface, lines: Sequence[Sequence[str]], height_px: float, *, tracking: float = 0.0
) -> Lettering:
    """Write centred lines of words so that capitals are `height_px` local units high.

    Args:
        tracking: extra room between letters, in ems.
    """
    wanted = height_px / face.capital
    sharp = wanted * (2.0 if height_px < 24 else 1.0)
    em = next((size for size in _EMS if size >= sharp), _EMS[-1])
    scale = em / wanted
    font = load_font(face.path, em)
    stamps: list[tuple[str, Mask, int, int]] = []
    rows = [_row(font, line, round(tracking * em)) for line in lines]
    widest = max(width for _, width in rows)
    step = round(em * max(1.0, face.capital + 0.35))
    baselines = []
    for number, (pieces, width) in enumerate(rows):
        indent = (widest - width) // 2
        for word, mask, x, y in pieces:
            stamps.append((word, mask, indent + x, number * step + y))
            baselines.append(number * step)
    return _gather(stamps, baselines, scale, height_px)


def _row(
    font: ImageFont.FreeTypeFont, line: Sequence[str], tracking: int
) -> tuple[list[tuple[str, Mask, int, int]], int]:
    """The words of a line, their masks and where those begin; and the width of the line."""
    pieces, x = [], 0.0
    space = max(font.getlength(" "), font.size * 0.22) + tracking
    for word in line:
        mask, dx, dy = _stamp(font, word, tracking)
        pieces.append((word, mask, round(x) + dx, dy))
        x += font.getlength(word) + tracking * (len(word) - 1) + space
    return pieces, round(x - space)


def _stamp(font: ImageFont.FreeTypeFont, word: str, tracking: int) -> tuple[Mask, int, int]:
    """The ink of a word, cut tightly, and where its corner is from the start of the baseline."""
    if not tracking:
        return _ink(font, word)
    parts = []
    for place, character in enumerate(word):
        mask, dx, dy = _ink(font, character)
        start = round(font.getlength(word[:place])) + tracking * place
        parts.append((mask, start + dx, dy))
    x0, y0 = min(x for _, x, _ in parts), min(y for _, _, y in parts)
    x1 = max(x + mask.shape[1] for mask, x, _ in parts)
    y1 = max(y + mask.shape[0] for mask, _, y in parts)
    whole = np.zeros((y1 - y0, x1 - x0), np.uint8)
    for mask, x, y in parts:
        _stack(whole, mask, x - x0, y - y0)
    return whole, x0, y0


def _ink(font: ImageFont.FreeTypeFont, text: str) -> tuple[Mask, int, int]:
    core, (dx, dy) = font.getmask2(text, "L", anchor="ls")
    box = core.getbbox()
    if box is None:
        return np.zeros((1, 1), np.uint8), 0, 0
    width, height = core.size
    pixels = np.frombuffer(bytes(core), np.uint8).reshape(height, width)
    return pixels[box[1] : box[3], box[0] : box[2]], dx + box[0], dy + box[1]


def _stack(whole: Mask, part: Mask, x: int, y: int) -> None:
    height, width = part.shape
    under = whole[y : y + height, x : x + width]
    np.maximum(under, part, out=under)


def _gather(
    stamps: Sequence[tuple[str, Mask, int, int]],
    baselines: Sequence[int],
    scale: float,
    height_px: float,
) -> Lettering:
    x0, y0 = min(x for _, _, x, _ in stamps), min(y for _, _, _, y in stamps)
    x1 = max(x + mask.shape[1] for _, mask, x, _ in stamps)
    y1 = max(y + mask.shape[0] for _, mask, _, y in stamps)
    pad = 2  # so that fetching between pixels never reaches over the rim
    whole = np.zeros((y1 - y0 + 2 * pad, x1 - x0 + 2 * pad), np.uint8)
    middle = ((x0 + x1) / 2, (y0 + y1) / 2)
    boxes, rises = [], []
    for (_, mask, x, y), baseline in zip(stamps, baselines, strict=True):
        _stack(whole, mask, x - x0 + pad, y - y0 + pad)
        height, width = mask.shape
        left, top = (x - middle[0]) / scale, (y - middle[1]) / scale
        boxes.append((left, top, left + width / scale, top + height / scale))
        foot = (baseline - middle[1]) / scale
        rises.append((foot, foot - height_px))
    origin = (middle[0] - x0 + pad, middle[1] - y0 + pad)
    words = tuple(stamp[0] for stamp in stamps)
    return Lettering(whole, scale, origin, words, tuple(boxes), tuple(rises))
