"""The first convolution of a graph of pictures, in a form that takes a third of the time.

It sees three channels, and ONNX Runtime gathers its inputs three bytes at a time, which costs more
than the multiplications. Four pixels side by side are twelve channels of one wide pixel, without
moving a byte; a convolution of those that computes two pixels of output at once has most weights
zero and is nevertheless faster. Its input is the bytes of the picture themselves, a byte b for
(b - 128) * unit; a finder's b / 127.5 - 1 is half a grey level off.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sightread.errors import SightreadError
from sightread.lab.editing import Edited, Step, Weights

_WIDE, _CHANNELS, _TAPS = 4, 3, 3
"""Pixels taken together, channels of each, and the width and height of the convolution."""
_MIDDLE = 128
_WINDOW = {"kernel_shape": [_TAPS, 2], "strides": [2, 1], "pads": [1, 1, 0, 0]}


def wide_stem(graph: bytes, unit: float) -> bytes:
    """The graph with its first convolution computed four pixels at a time.

    Args:
        graph: of eight bits, as `quantise` makes it, with one input (B, H, W, 3) uint8 that it
            scales for a 3 x 3 convolution of stride 2; W is a multiple of 4.
        unit: what that convolution sees of a byte more.

    Raises:
        SightreadError: it is of another form.
    """
    edited = Edited(graph)
    picture = edited.graph.input[0].name
    first = edited.along(picture, "Conv")
    conv, (store,) = first[-1], edited.readers[first[-1].output[0]]
    (load,) = edited.readers[store.output[0]]
    narrow = edited.weights(conv)
    if narrow.values.shape[1:] != (_CHANNELS, _TAPS, _TAPS):
        raise SightreadError(
            f"The first convolution cannot be widened: it has weights of {narrow.values.shape}."
        )
    wide = Weights(widened(narrow.values), np.tile(narrow.scales, 2), np.tile(narrow.biases, 2))
    nodes = _input(edited, picture, unit)
    nodes += edited.convolution("wide.pixels", "wide.output", wide, unit, _WINDOW)
    store.input[0] = "wide.output"
    apart = _apart(edited, store.output[0], len(narrow.values))
    load.input[0] = apart[-1].output[0]
    edited.replace([*first, store], [*nodes, store, *apart])
    return edited.finished()


def widened(weights: NDArray[np.int8]) -> NDArray[np.int8]:
    """(C, 3, 3, 3) of one pixel -> (2 C, 12, 3, 2) of two pixels of output, which lie in the second
    of two wide pixels of input; of the first, the left pixel of output sees the last column."""
    out = len(weights)
    wide = np.zeros((2 * out, _WIDE * _CHANNELS, _TAPS, 2), weights.dtype)
    for right in (0, 1):
        rows = slice(right * out, (right + 1) * out)
        for tap in range(_TAPS):
            pixel = 2 * right + tap - 1
            at, column = (1, pixel) if pixel >= 0 else (0, _WIDE - 1)
            channels = slice(column * _CHANNELS, (column + 1) * _CHANNELS)
            wide[rows, channels, :, at] = weights[..., tap]
    return wide


def _input(edited: Edited, picture: str, unit: float) -> list[Any]:
    """Bytes as wide pixels, (B, 12, H, W / 4), and how they are numbers."""
    edited.put("wide.shape", [0, 0, -1, _WIDE * _CHANNELS])
    edited.put("wide.scale", np.array(unit, np.float32))
    edited.put("wide.zero", np.array(_MIDDLE, np.uint8))
    steps: list[Step] = [
        ("Reshape", [picture, ".shape"], ".last", {}),
        ("Transpose", [".last"], ".bytes", {"perm": [0, 3, 1, 2]}),
        ("DequantizeLinear", [".bytes", ".scale", ".zero"], ".pixels", {}),
    ]
    return edited.steps("wide", steps)


def _apart(edited: Edited, name: str, channels: int) -> list[Any]:
    """(B, 2 C, h, w / 2) -> (B, C, h, w), again without moving anything where channels are last."""
    edited.put("apart.shape", [0, 0, -1, channels])
    steps: list[Step] = [
        ("Transpose", [name], ".last", {"perm": [0, 2, 3, 1]}),
        ("Reshape", [".last", ".shape"], ".pixels", {}),
        ("Transpose", [".pixels"], ".first", {"perm": [0, 3, 1, 2]}),
    ]
    return edited.steps("apart", steps)
