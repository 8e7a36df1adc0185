"""Read lines of text: cut each out upright, and decode what the recogniser sees column by column.

The recogniser is trained with connectionist temporal classification (Graves et al., ICML 2006):
for each column of the line it names a character or "blank", and repeats are merged, so that each
character read has a place along the line.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from sightread.readers.detect import Corners
from sightread.readers.nets import Net, Tensor
from sightread.types import RGBImage

_HEIGHT_PX = 48  # what the recogniser was trained with
_MAX_WIDTH_PX = 3200
_WIDTH_STEP_PX = 32
_INK_SHARE = 0.4  # of the contrast of the clearest columns


@dataclass(frozen=True, slots=True)
class RecogniserSettings:
    """How lines are cut out and grouped."""

    min_width_px: int = 96
    """Shorter crops are padded: the recogniser was trained on lines, not on letters."""
    batch_width_px: int = 1280
    """Most pixels along the lines that go through the net together: bounds the memory."""


@dataclass(frozen=True, slots=True)
class ReadChar:
    """A character and its place along the line, as fractions of the line's length."""

    text: str
    confidence: float
    start: float
    end: float
    space_before: float = 0.0
    """Greatest probability of a space since the character before this one."""
    gap_before: float = 0.0
    """Widest stretch without ink since the character before this one, in heights of the line."""


@dataclass(frozen=True, slots=True)
class ReadLine:
    """What a line says. Spaces are characters as well."""

    chars: tuple[ReadChar, ...]
    top: float = 0.0
    bottom: float = 1.0
    """Where the letters begin and end, as fractions of the height of the line's box."""

    @property
    def text(self) -> str:
        return "".join(char.text for char in self.chars)

    @property
    def confidence(self) -> float:
        """Mean over the characters; 0 where nothing was read."""
        if not self.chars:
            return 0.0
        return sum(char.confidence for char in self.chars) / len(self.chars)


def cut(image: RGBImage, corners: Corners) -> RGBImage:
    """The line inside `corners`, upright, (48, w, 3) RGB."""
    width = max(_length(corners, 0, 1), _length(corners, 3, 2), 1.0)
    height = max(_length(corners, 0, 3), _length(corners, 1, 2), 1.0)
    out_width = int(np.clip(math.ceil(_HEIGHT_PX * width / height), 8, _MAX_WIDTH_PX))
    # First at the picture's own resolution, then resized: sampling a large line directly at 48
    # pixels would skip most of its pixels.
    own = (max(1, round(min(width, _MAX_WIDTH_PX))), max(1, round(min(height, _MAX_WIDTH_PX))))
    target = np.array([[0, 0], [own[0], 0], [own[0], own[1]], [0, own[1]]], dtype=np.float32)
    transform = cv2.getPerspectiveTransform(corners, target)
    crop = cv2.warpPerspective(
        image, transform, own, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
    )
    resized: RGBImage = cv2.resize(crop, (out_width, _HEIGHT_PX), interpolation=cv2.INTER_LINEAR)
    return resized


def recognise(
    crops: Sequence[RGBImage], net: Net, alphabet: Sequence[str], settings: RecogniserSettings
) -> list[ReadLine]:
    """What each crop of `cut` says, in the same order.

    Args:
        net: (B, 3, 48, w) BGR in [-1, 1] -> (B, T, C) probabilities of C classes in T columns.
        alphabet: the C classes; the first is the blank.
    """
    lines: list[ReadLine] = [ReadLine(())] * len(crops)
    for batch, width in _batches([crop.shape[1] for crop in crops], settings):
        probabilities = net(_tensor([crops[i] for i in batch], width))
        for row, i in enumerate(batch):
            read = decode(probabilities[row], alphabet, width / crops[i].shape[1])
            lines[i] = _measured(read, crops[i])
    return lines


def _batches(
    widths: Sequence[int], settings: RecogniserSettings
) -> Iterator[tuple[list[int], int]]:
    """Crops of like width together, each batch with its padded width."""
    batch: list[int] = []
    batch_width = 0
    for i in sorted(range(len(widths)), key=lambda i: widths[i]):
        width = _padded(widths[i], settings.min_width_px)
        if batch and width * (len(batch) + 1) > settings.batch_width_px:
            yield batch, batch_width
            batch = []
        batch.append(i)
        batch_width = width
    if batch:
        yield batch, batch_width


def _padded(width: int, least: int) -> int:
    return math.ceil(max(width, least) / _WIDTH_STEP_PX) * _WIDTH_STEP_PX


def _tensor(crops: Sequence[RGBImage], width: int) -> Tensor:
    tensor = np.zeros((len(crops), 3, _HEIGHT_PX, width), dtype=np.float32)
    for row, crop in zip(tensor, crops, strict=True):
        pixels = crop[:, :, ::-1].transpose(2, 0, 1).astype(np.float32)
        row[:, :, : crop.shape[1]] = pixels / 127.5 - 1
    return tensor


def decode(probabilities: Tensor, alphabet: Sequence[str], stretch: float) -> ReadLine:
    """The most probable reading, column by column.

    Args:
        probabilities: (T, C).
        stretch: padded width over the width of the crop itself.
    """
    classes: NDArray[np.intp] = probabilities.argmax(axis=1)
    best = probabilities[np.arange(len(classes)), classes]
    spaces = probabilities[:, len(alphabet) - 1]
    bounds = np.flatnonzero(np.diff(classes, prepend=-1, append=-1))
    columns = len(classes)
    chars: list[ReadChar] = []
    before = 0
    for start, end in pairwise(bounds.tolist()):
        if classes[start] == 0:
            continue
        confidence = float(np.clip(best[start:end].max(), 0, 1))
        left, right = (min(1.0, edge / columns * stretch) for edge in (start, end))
        space = float(spaces[before : max(start, before + 1)].max()) if chars else 0.0
        chars.append(ReadChar(alphabet[classes[start]], confidence, left, right, space))
        before = end
    return ReadLine(tuple(chars))


def _measured(line: ReadLine, crop: RGBImage) -> ReadLine:
    """The line with the places of its characters and its height as the picture shows them.

    Strokes differ from the ground in lightness; how much, the line itself says.
    """
    if not line.chars:
        return line
    grey = cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY)
    columns = _has_ink(grey[_HEIGHT_PX // 8 : -_HEIGHT_PX // 8], axis=0)
    middles = [(char.start + char.end) / 2 for char in line.chars]
    borders = [_widest_gap(columns, 0.0, middles[0])]
    borders += [_widest_gap(columns, left, right) for left, right in pairwise(middles)]
    borders.append(_widest_gap(columns, middles[-1], 1.0))
    chars = tuple(
        replace(
            char,
            start=before[1],
            end=after[0],
            gap_before=(before[1] - before[0]) * len(columns) / _HEIGHT_PX,
        )
        for char, (before, after) in zip(line.chars, pairwise(borders), strict=True)
    )
    rows = np.flatnonzero(_has_ink(grey, axis=1))
    return ReadLine(chars, rows[0] / _HEIGHT_PX, (rows[-1] + 1) / _HEIGHT_PX)


def _has_ink(grey: NDArray[np.uint8], axis: int) -> NDArray[np.bool_]:
    """Whether a stroke passes through each column (axis 0) or row (axis 1)."""
    spread = grey.max(axis=axis).astype(np.float32) - grey.min(axis=axis)
    ink: NDArray[np.bool_] = spread >= max(1.0, _INK_SHARE * float(np.percentile(spread, 90)))
    return ink if ink.any() else np.ones_like(ink)


def _widest_gap(ink: NDArray[np.bool_], start: float, end: float) -> tuple[float, float]:
    """Where the widest stretch without ink lies between two places, all as fractions of the
    length; without any, a point half-way, or at the outer end of the line."""
    first, last = int(start * len(ink)), min(int(end * len(ink)) + 1, len(ink))
    edges = np.flatnonzero(np.diff(~ink[first:last], prepend=False, append=False))
    if not len(edges):
        middle = 0.0 if start == 0 else 1.0 if end == 1 else (start + end) / 2
        return middle, middle
    widest = 2 * int(np.argmax(edges[1::2] - edges[::2]))
    return (first + int(edges[widest])) / len(ink), (first + int(edges[widest + 1])) / len(ink)


def _length(corners: Corners, start: int, end: int) -> float:
    return float(np.linalg.norm(corners[end] - corners[start]))
