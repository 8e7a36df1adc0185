"""The graph of a matching head: one text with its explanation against several pictures."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from sightread.lab.graphs import require_same_maps, run_onnx, to_onnx_of_many

NAMES = ("image", "text", "ids", "explanation", "explanation_ids")
OUTPUT = "log_odds"


def export_matcher(
    matcher: nn.Module,
    images: NDArray[np.float32],
    texts: NDArray[np.float32],
    ids: NDArray[np.int64],
) -> tuple[bytes, float]:
    """Make and check the graph.

    Args:
        matcher: see `methods.method.Towers`.
        images: (n, N, D), tokens of pictures.
        texts: (m, T, D), tokens of texts of different lengths, and their `ids` (m, T).

    Returns:
        The graph, and how much its log odds differ from torch's at most.

    Raises:
        SightreadError: the graph and torch disagree.
    """
    examples = _inputs(images[:2], texts, ids, 0, 1)
    graph = to_onnx_of_many(matcher, [torch.from_numpy(one) for one in examples], NAMES, OUTPUT)
    deviation = 0.0
    for at in range(len(ids)):
        values = _inputs(images, texts, ids, at, len(ids) - 1 - at)
        with torch.no_grad():
            expected = matcher(*(torch.from_numpy(one) for one in values)).numpy()
        found = run_onnx(graph, *values)
        deviation = max(deviation, require_same_maps([expected], found, name="matching head"))
    return graph, deviation


def _inputs(
    images: NDArray[np.float32],
    texts: NDArray[np.float32],
    ids: NDArray[np.int64],
    text: int,
    explanation: int,
) -> list[NDArray[Any]]:
    """One of the texts, explained by another one."""
    inputs: list[NDArray[Any]] = [images]
    for at in (text, explanation):
        inputs += [texts[at : at + 1].copy(), ids[at : at + 1].copy()]
    return inputs
