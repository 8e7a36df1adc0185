"""Vectors as points on a plane: neighbours stay neighbours as well as that is possible."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

FEW = 10
"""Fewer rows than this have no neighbourhoods that t-SNE could keep."""
_EQUAL = 1e-9
"""Rows that are all less apart than this are one."""


def flattened(vectors: NDArray[np.float32], seed: int = 0) -> tuple[NDArray[np.float64], str]:
    """Points (n, 2) for unit rows (n, D), and how they were found: t-SNE, or the first two
    principal components where there are few rows or all are equal."""
    rows = np.asarray(vectors, np.float64)
    start = principal(rows)
    spread = float(start[:, 0].std())
    if len(rows) < FEW or spread < _EQUAL:
        return start, "principal components"
    from sklearn.manifold import TSNE

    # Of unit rows the squared distance is 2 - 2 cosine, so that both know the same neighbours.
    near = min(30.0, (len(rows) - 1) / 3)
    begin = (start / spread * 1e-4).astype(np.float32)
    search = TSNE(2, perplexity=near, init=begin, learning_rate="auto", random_state=seed)
    found: NDArray[np.float64] = search.fit_transform(rows).astype(np.float64)
    return found, "t-SNE"


def principal(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """The first two principal components, (n, 2); zeros where there are fewer."""
    left, sizes, _ = np.linalg.svd(rows - rows.mean(axis=0), full_matrices=False)
    found: NDArray[np.float64] = np.zeros((len(rows), 2))
    count = min(2, len(sizes))
    found[:, :count] = left[:, :count] * sizes[:count]
    return found
