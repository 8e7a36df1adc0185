"""Where words are in the input of the network, and which of its patches surround them (6.3)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from sightread.preprocess import PreprocessSpec, to_input
from sightread.scenetext.tokens import SceneToken

Boxes = NDArray[np.float32]
"""(n, 4): left, top, right, bottom, fractions of the side of the network's input."""

AROUND = 0.5
"""A word's surroundings reach so many of its heights beyond it: what bears it tells it apart."""


def token_boxes(
    tokens: Sequence[SceneToken], width: int, height: int, spec: PreprocessSpec
) -> Boxes:
    """Upright boxes of the tokens of a picture of `width` x `height` px, cut to the input."""
    if not tokens:
        return np.zeros((0, 4), np.float32)
    corners = np.stack([token.corners for token in tokens])  # (n, 4, 2)
    placed = to_input(corners, width, height, spec) / spec.size_px
    found = np.concatenate([placed.min(axis=1), placed.max(axis=1)], axis=1)
    boxes: Boxes = np.clip(found, 0.0, 1.0).astype(np.float32)
    return boxes


def pooling(boxes: Boxes, side: int, around: float = AROUND, least: int = 2) -> NDArray[np.float32]:
    """What each patch counts for each box: (n, side * side), rows that sum to 1.

    A box is grown by `around` of its height on each side, and to `least` patches each way at least,
    kept inside of the input; a patch counts by how much of it the grown box covers. The features
    around a word are then `pooling @ patches`.

    Args:
        boxes: (n, 4).
        side: patches along one side of the input, row by row.
    """
    corners = np.asarray(boxes, np.float64).reshape(-1, 4)
    low, high = corners[:, :2], corners[:, 2:]
    grow = around * (high[:, 1:] - low[:, 1:])
    size = np.clip(high - low + 2 * grow, min(least / side, 1.0), 1.0)  # (n, 2)
    start = np.clip((low + high - size) / 2, 0.0, 1.0 - size)
    edges = np.arange(side) / side
    covered = np.minimum((start + size)[..., None], edges + 1 / side) - np.maximum(
        start[..., None], edges
    )  # (n, 2, side)
    across, down = np.clip(covered, 0.0, None).transpose(1, 0, 2)
    weights = (down[:, :, None] * across[:, None, :]).reshape(len(corners), side * side)
    found: NDArray[np.float32] = (weights / weights.sum(axis=1, keepdims=True)).astype(np.float32)
    return found
