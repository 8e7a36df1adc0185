"""A graph whose convolutions compute in eight bits.

On processors with instructions for it (VNNI: most since 2019) a word spotter takes half the time
of one in float32, on others about the same. Weights keep seven bits, so that sums of two products
fit into 16 bits and processors of both kinds compute the same.
"""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sightread.errors import SightreadError
from sightread.lab.graphs import Arrays

LEAST_COSINE = 0.99
MOST_DEVIATION = 0.01
"""Of probabilities, on the average over a map."""
LEAST_AGREEING = 0.98
"""Share of cells or columns that are decided as in float32."""


def quantised(graph: bytes, samples: Sequence[NDArray[Any]], exact: Sequence[str] = ()) -> bytes:
    """The graph with convolutions of unsigned 8-bit activations and signed 7-bit weights, a scale
    for each channel.

    Args:
        graph: with one input, in float32.
        samples: inputs, from which the range of each activation is taken.
        exact: names of weights whose convolutions stay as they are.

    Raises:
        SightreadError: it cannot be quantised.
    """
    import onnx
    from onnxruntime import quantization
    from onnxruntime.quantization.shape_inference import quant_pre_process

    name = onnx.load_from_string(graph).graph.input[0].name
    with tempfile.TemporaryDirectory() as folder, _quiet():
        given, prepared, made = (Path(folder, f"{part}.onnx") for part in ("in", "prepared", "out"))
        given.write_bytes(graph)
        try:
            quant_pre_process(given, prepared, skip_symbolic_shape=True)
            nodes = onnx.load(prepared).graph.node
            left = [node.name for node in nodes if not set(exact).isdisjoint(node.input)]
            quantization.quantize_static(
                prepared,
                made,
                _Samples(name, samples),
                quant_format=quantization.QuantFormat.QDQ,
                op_types_to_quantize=["Conv", "Relu", "Add", "Resize"],
                activation_type=quantization.QuantType.QUInt8,
                weight_type=quantization.QuantType.QInt8,
                per_channel=True,
                reduce_range=True,
                nodes_to_exclude=left,
            )
        except Exception as error:  # of many kinds, as with export itself
            reason = " ".join(str(error).split())[:300]
            raise SightreadError(f"The graph cannot be computed in eight bits: {reason}") from error
        return made.read_bytes()


class _Samples:
    """Hands out inputs one by one, as onnxruntime asks for them."""

    def __init__(self, name: str, samples: Sequence[NDArray[Any]]) -> None:
        self._left = iter([{name: one} for one in samples])

    def get_next(self) -> dict[str, NDArray[Any]] | None:
        return next(self._left, None)


@contextmanager
def _quiet() -> Iterator[None]:
    """Without advice to do what is done."""
    root = logging.getLogger()
    level = root.level
    root.setLevel(logging.ERROR)
    try:
        yield
    finally:
        root.setLevel(level)


def require_close_maps(expected: Arrays, found: Arrays) -> float:
    """Compare a map of probabilities in eight bits with torch's.

    Returns:
        Their mean difference.

    Raises:
        SightreadError: too much of them differs.
    """
    ours, theirs = expected[0], found[0]
    deviation = float(np.abs(ours - theirs).mean())
    agreeing = float(((ours >= 0.5) == (theirs >= 0.5)).mean())
    if not (deviation <= MOST_DEVIATION and agreeing >= LEAST_AGREEING):
        raise SightreadError(
            f"In eight bits the finder computes something else: {agreeing:.2%} of its cells are "
            f"decided alike (at least {LEAST_AGREEING:.0%} is needed), the mean difference is "
            f"{deviation:.3g} (at most {MOST_DEVIATION}); export with --precision float32."
        )
    return deviation


def require_close_readings(expected: Arrays, found: Arrays) -> float:
    """Compare vectors (n, D) and logarithms of probabilities (columns, classes) in eight bits with
    torch's.

    Returns:
        The smallest cosine of two vectors.

    Raises:
        SightreadError: they differ by too much.
    """
    cosine = float((expected[0] * found[0]).sum(-1).min())
    agreeing = float((expected[1].argmax(-1) == found[1].argmax(-1)).mean())
    if not (cosine >= LEAST_COSINE and agreeing >= LEAST_AGREEING):
        raise SightreadError(
            f"In eight bits the strip encoder computes something else: smallest cosine "
            f"{cosine:.4f} (at least {LEAST_COSINE} is needed), {agreeing:.2%} of the columns are "
            f"read alike (at least {LEAST_AGREEING:.0%}); export with --precision float32."
        )
    return cosine
