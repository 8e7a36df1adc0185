"""Both maps of a finder by one convolution, and their cells put in place while they are bytes.

Two convolutions of four and three channels cost twice what one of eight does, and parting a cell of
four channels into a square of floats costs as much again.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from sightread.lab.editing import Edited, Step, Weights

_KERNEL, _GEOMETRY = 4, 3
"""Channels."""


def joint_heads(graph: bytes) -> bytes:
    """The graph with one convolution for the outputs "kernel", (B, 2 h, 2 w) of (B, 4, h, w), and
    "geometry", (B, 3, h, w).

    Args:
        graph: of eight bits, as `quantise` makes it.

    Raises:
        SightreadError: its outputs do not come from convolutions.
    """
    edited = Edited(graph)
    kernel, geometry = (edited.back(name, "Conv") for name in ("kernel", "geometry"))
    source = kernel[-1].input[0]
    of_both = edited.weights(kernel[-1]), edited.weights(geometry[-1])
    unit, *_ = (edited.array(name) for name in edited.made_by[source].input[1:])
    (of_kernel,), (of_geometry,) = (
        [node.input[1:] for node in chain if node.op_type == "QuantizeLinear"]
        for chain in (kernel, geometry)
    )
    both = _joined(
        *of_both,
        [
            (float(edited.array(scale)), int(edited.array(zero)))
            for scale, zero in (of_kernel, of_geometry)
        ],
    )
    made = edited.convolution(source, "heads.all", both, float(unit), {"kernel_shape": [1, 1]})
    made += _placed(edited, of_kernel, of_geometry)
    edited.replace([*kernel, *geometry], made)
    return edited.finished()


def _joined(kernel: Weights, geometry: Weights, ranges: list[tuple[float, int]]) -> Weights:
    """Of eight channels, the last one empty. All bytes are made with the range (scale, zero) of
    kernels: those of geometry are scaled and moved so that they are what they were."""
    (scale, zero), (other, middle) = ranges
    values = [kernel.values, geometry.values, np.zeros_like(geometry.values[:1])]
    scales = [kernel.scales, geometry.scales * (scale / other), np.ones(1)]
    biases = [
        kernel.biases,
        geometry.biases * (scale / other) + (middle - zero) * scale,
        np.zeros(1),
    ]
    return Weights(
        np.concatenate(values), np.concatenate(scales).astype(np.float32), np.concatenate(biases)
    )


def _placed(edited: Edited, of_kernel: list[str], of_geometry: list[str]) -> list[Any]:
    """From (B, 8, h, w) to both outputs: left and right cells side by side, then upper and lower
    rows."""
    constants = {"none": [0], "one": [1], "four": [_KERNEL], "seven": [_KERNEL + _GEOMETRY]}
    constants |= {"two": [2, 2], "row": [0, 0, 0, -1]}
    for name, numbers in constants.items():
        edited.put(f"heads.{name}", numbers)
    steps: list[Step] = [
        ("QuantizeLinear", [".all", *of_kernel], ".bytes", {}),
        ("Slice", [".bytes", ".none", ".four", ".one"], ".cells", {}),
        ("Shape", [".cells"], ".batch", {"start": 0, "end": 1}),
        ("Shape", [".cells"], ".sides", {"start": 2, "end": 4}),
        ("Concat", [".batch", ".two", ".sides"], ".squares", {"axis": 0}),
        ("Mul", [".sides", ".two"], ".doubled", {}),
        ("Concat", [".batch", ".doubled"], ".map", {"axis": 0}),
        ("Reshape", [".cells", ".squares"], ".apart", {}),
        ("Transpose", [".apart"], ".pairs", {"perm": [0, 1, 3, 4, 2]}),
        # Without this both transpositions are taken together to a slow one.
        ("Reshape", [".pairs", ".row"], ".rows", {}),
        ("Transpose", [".rows"], ".order", {"perm": [0, 2, 1, 3]}),
        ("Reshape", [".order", ".map"], ".placed", {}),
        ("DequantizeLinear", [".placed", *of_kernel], ".logits", {}),
        ("Sigmoid", [".logits"], "kernel", {}),
        ("Slice", [".bytes", ".four", ".seven", ".one"], ".rest", {}),
        ("DequantizeLinear", [".rest", *of_geometry], "geometry", {}),
    ]
    return edited.steps("heads", steps)
