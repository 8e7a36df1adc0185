"""Position tables for another input size."""

from __future__ import annotations

from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

Interpolation = Literal["nearest", "bicubic"]


def resize_positions(table: Tensor, side: int, how: Interpolation = "bicubic") -> Tensor:
    """A table for a square grid of `side` cells a side, resized in two dimensions.

    Args:
        table: (1 + n * n, C); row 0 belongs to the pooled or class token and is copied.
        side: cells a side of the new grid.
        how: nearest takes the row of the cell that covers the new cell's corner.

    Returns:
        (1 + side * side, C).

    Raises:
        ValueError: the table has no square grid.
    """
    count, channels = table.shape
    old = round((count - 1) ** 0.5)
    if old * old != count - 1:
        raise ValueError(f"a position table of {count} rows is not 1 + a square number")
    if old == side:
        return table.clone()
    grid = table[1:].T.reshape(1, channels, old, old)
    # With corners aligned to the cells' edges, the pixel convention of every resize in CLIP.
    options = {} if how == "nearest" else {"align_corners": False}
    grid = F.interpolate(grid, size=(side, side), mode=how, **options)
    return torch.cat([table[:1], grid.reshape(channels, -1).T])
