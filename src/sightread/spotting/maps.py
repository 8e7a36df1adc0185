"""From the maps of the finder to places of words.

The finder marks the *kernel* of each word, the word without a rim of a quarter of its thickness, so
that neighbours stay apart (as PSENet, Wang et al., CVPR 2019, and DB, Liao et al., AAAI 2020, do
for lines), and says for each cell how thick the word is and where it runs. A connected kernel with
the rim put back is a place: what the cells agree on (thickness, direction) is averaged, what only
the kernel as a whole can tell (length) is measured.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from sightread.spotting.places import Places

Map = NDArray[np.float32]

STRIDE = 32
"""Width and height of the finder's input are multiples of this."""
KERNEL_CELL, GEOMETRY_CELL = 2, 4
"""Sides of the cells of both maps, in pixels of the input."""
RIM = 0.25
"""What the kernel lacks on each side, in thicknesses."""
UNIT_PX = 16.0
"""Thickness is given as log(px / 16)."""


@dataclass(frozen=True, slots=True)
class FindSettings:
    """When marks count as a word.

    Attributes:
        cell: least probability of a cell of a kernel.
        word: least mean probability of a kernel.
        cells: least number of cells.
        thinnest_px: least thickness, in pixels of the input.
        most: at most so many words, those with the greatest mean probability.
    """

    cell: float = 0.4
    word: float = 0.55
    cells: int = 3
    thinnest_px: float = 3.0
    most: int = 500


@dataclass(frozen=True, slots=True)
class Found:
    """Places in pixels of the input, (n, 5), and the mean probability of their kernels, (n,)."""

    places: Places
    scores: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.scores)


def find_places(kernel: Map, geometry: Map, settings: FindSettings | None = None) -> Found:
    """The words that the maps show, from top to bottom (of their kernels' first cells).

    Args:
        kernel: (h, w) probabilities, cells of 2 px.
        geometry: (3, h/2, w/2): log(thickness / 16 px), cosine and sine of the direction (of any
            common length), cells of 4 px.
    """
    settings = settings or FindSettings()
    rows, columns, owner = _owned(kernel >= settings.cell, settings.cells)
    if not len(owner):
        return Found(np.zeros((0, 5), np.float32), np.zeros(0, np.float32))
    starts = np.concatenate([[0], np.flatnonzero(owner[1:] != owner[:-1]) + 1])
    counts = np.concatenate([starts[1:], [len(owner)]]) - starts
    weights = kernel[rows, columns].astype(np.float64)
    mass = np.add.reduceat(weights, starts)
    scores = mass / counts

    ratio = GEOMETRY_CELL // KERNEL_CELL
    near = geometry[:, rows // ratio, columns // ratio]
    log, cos, sin = (np.add.reduceat(weights * one, starts) / mass for one in near)
    thickness = UNIT_PX * np.exp(np.clip(log, -4.0, 5.0))
    points = (np.stack([columns, rows], axis=1).astype(np.float64) + 0.5) * KERNEL_CELL
    places = _boxes(points, starts, counts, np.arctan2(sin, cos), thickness)
    kept = np.flatnonzero((scores >= settings.word) & (thickness >= settings.thinnest_px))
    if len(kept) > settings.most:
        best = np.argsort(-scores[kept], kind="stable")[: settings.most]
        kept = kept[np.sort(best)]
    return Found(places[kept].astype(np.float32), scores[kept].astype(np.float32))


def _owned(
    mask: NDArray[np.bool_], cells: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int32]]:
    """Rows and columns of the marked cells that touch at least so many, and a number for each
    such group; group by group, from top to bottom."""
    marks = mask.view(np.uint8)
    left, top, width, height = cv2.boundingRect(marks)  # most of a map is empty
    marks = np.ascontiguousarray(marks[top : top + height, left : left + width])
    if not marks.size:
        return np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0, np.int32)
    _, labels = cv2.connectedComponents(marks, connectivity=4)
    marked = np.flatnonzero(marks.view(np.bool_))
    owner = labels.ravel()[marked].astype(np.int32, copy=False)
    large = np.bincount(owner)[owner] >= cells
    marked, owner = marked[large], owner[large]
    order = np.argsort(owner, kind="stable")
    rows, columns = np.divmod(marked[order], width)
    return rows + top, columns + left, owner[order]


def _boxes(
    points: NDArray[np.float64],
    starts: NDArray[np.int64],
    counts: NDArray[np.int64],
    angle: NDArray[np.floating],
    thickness: NDArray[np.floating],
) -> NDArray[np.float64]:
    """The extent of each group of cells in its own direction, with the rim."""
    cos, sin = np.cos(angle), np.sin(angle)
    each_cos, each_sin = np.repeat(cos, counts), np.repeat(sin, counts)
    along = points[:, 0] * each_cos + points[:, 1] * each_sin
    across = points[:, 1] * each_cos - points[:, 0] * each_sin
    low, high = np.minimum.reduceat(along, starts), np.maximum.reduceat(along, starts)
    upper, lower = np.minimum.reduceat(across, starts), np.maximum.reduceat(across, starts)
    middle, level = (low + high) / 2, (upper + lower) / 2
    rims = KERNEL_CELL + 2 * RIM * thickness
    # A bent word is higher than it is thick.
    height = np.maximum(thickness, lower - upper + rims)
    straight = lower - upper + KERNEL_CELL <= thickness
    height = np.where(straight, thickness, height)
    x, y = middle * cos - level * sin, middle * sin + level * cos
    return np.stack([x, y, high - low + rims, height, angle], axis=1)
