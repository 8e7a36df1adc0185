"""Parts of CLIP in plain numpy loops, written from their description, for comparison."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def softmax(values: Array) -> Array:
    shifted = np.exp(values - values.max())
    return np.asarray(shifted / shifted.sum())


def attention(query: Array, keys: Array, values: Array, bias: Array | None = None) -> Array:
    """One query of one head. query (d,), keys and values (T, d), bias (T,) -> (d,)."""
    scores = np.array([query @ key for key in keys]) / math.sqrt(len(query))
    weights = softmax(scores if bias is None else scores + bias)
    return sum((w * v for w, v in zip(weights, values, strict=True)), np.zeros_like(query))


def attention_pool(
    grid: Array, weights: dict[str, Array], heads: int, shift: Array | None = None
) -> Array:
    """One picture. grid (C, h, w); shift (heads, T) -> (D,)."""
    channels = grid.shape[0]
    cells = [grid[:, y, x] for y in range(grid.shape[1]) for x in range(grid.shape[2])]
    tokens = np.array([np.mean(cells, axis=0), *cells]) + weights["positional_embedding"]

    def project(name: str, rows: Array) -> Array:
        return rows @ weights[f"{name}.weight"].T + weights[f"{name}.bias"]

    query, keys = project("q_proj", tokens[:1])[0], project("k_proj", tokens)
    values = project("v_proj", tokens)
    size = channels // heads
    parts = []
    for head in range(heads):
        part = slice(head * size, (head + 1) * size)
        bias = None if shift is None else shift[head]
        parts.append(attention(query[part], keys[:, part], values[:, part], bias))
    return np.asarray(project("c_proj", np.concatenate(parts)[None])[0])


def _cubic(x: float) -> float:
    """Keys' cubic kernel with a = -0.75."""
    a, x = -0.75, abs(x)
    if x <= 1:
        return (a + 2) * x**3 - (a + 3) * x**2 + 1
    if x < 2:
        return a * x**3 - 5 * a * x**2 + 8 * a * x - 4 * a
    return 0.0


def resize_grid(grid: Array, side: int, how: str) -> Array:
    """(old, old, C) -> (side, side, C), one axis after the other, edges repeated."""
    old = grid.shape[0]
    matrix = np.zeros((side, old))
    for new in range(side):
        if how == "nearest":
            matrix[new, math.floor(new * old / side)] = 1
            continue
        centre = (new + 0.5) * old / side - 0.5
        first = math.floor(centre) - 1
        for tap in range(first, first + 4):
            matrix[new, min(max(tap, 0), old - 1)] += _cubic(centre - tap)
    return np.asarray(np.einsum("iy,jx,yxc->ijc", matrix, matrix, grid))
