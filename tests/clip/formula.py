"""Weights and inputs that are functions of a name and an index: the same everywhere, always.

`scripts/clip_golden.py` puts them into the public implementations and notes what comes out; the
test puts them into ours. No random generator is involved, so that no version of one matters.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from sightread.clip.config import ClipConfig, ResNetConfig, TextConfig, ViTConfig

TEXT = TextConfig(context_length=9, vocab_size=40, width=128, heads=2, layers=2)
CONFIGS = {
    # Stages of unequal depth, a grid of 3 x 3, 4 heads.
    "resnet": ClipConfig("resnet", 24, ResNetConfig((2, 3, 1, 2), 8, 96), TEXT),
    "vit": ClipConfig("vit", 24, ViTConfig(2, 128, 2, 8, 32), TEXT),
}
"""Shapes that the public implementations can build: 64 channels a head."""


def values(name: str, shape: tuple[int, ...]) -> NDArray[np.float64]:
    """Numbers in [-1, 1) by a 32-bit hash of name and index."""
    mask = np.uint64(0xFFFFFFFF)
    index = np.arange(int(np.prod(shape)), dtype=np.uint64)
    bits = (index * np.uint64(2654435761) + np.uint64(zlib.crc32(name.encode()))) & mask
    for _ in range(2):
        bits ^= bits >> np.uint64(16)
        bits = (bits * np.uint64(0x45D9F3B)) & mask
    bits ^= bits >> np.uint64(16)
    return (bits.astype(np.float64) / 2**31 - 1).reshape(shape)


def weight(name: str, shape: tuple[int, ...]) -> Tensor:
    """A weight that keeps activations of the order of 1, and leaves no layer idle."""
    raw = values(name, shape)
    if name.endswith("logit_scale"):
        raw = raw + 2
    elif name.endswith("running_var"):
        raw = 1 + raw / 2
    elif name.endswith(("running_mean", "bias")):
        raw = raw / 4
    elif len(shape) == 1 and name.endswith("weight"):
        raw = 1 + raw / 3
    elif name.endswith("attnpool.positional_embedding"):
        raw = raw / 2
    elif len(shape) > 1 and not name.endswith(("embedding", "embedding.weight")):
        # text_projection and proj are (in, out), the others (out, in, ...).
        inputs = shape[0] if name.endswith("proj") or "projection" in name else shape[1:]
        # ReLU halves what passes; the convolutions make up for it, or deep pictures all look alike.
        gain = 2 if len(shape) == 4 else 1
        raw = raw * (3 * gain / np.prod(inputs)) ** 0.5
    return torch.from_numpy(np.asarray(raw, np.float32))


def fill(module: nn.Module, prefix: str = "") -> None:
    """Set every parameter and buffer of `module` by its name, in place."""
    state: Mapping[str, Tensor] = module.state_dict()
    with torch.no_grad():
        for name, tensor in state.items():
            if tensor.is_floating_point():
                tensor.copy_(weight(prefix + name, tuple(tensor.shape)))


def images(count: int, side: int) -> Tensor:
    """(count, 3, side, side): flat patches of different colours and a little noise."""
    coarse = values(f"coarse {side}", (count, 3, 4, 4)).repeat(side // 4, 2).repeat(side // 4, 3)
    noise = values(f"noise {side}", (count, 3, side, side))
    return torch.from_numpy((coarse * 2 + noise).astype(np.float32))


TOKENS = torch.tensor(
    [[38, 5, 17, 39, 0, 0, 0, 0, 0], [38, 39, 0, 0, 0, 0, 0, 0, 0], [38, 1, 2, 3, 4, 5, 6, 7, 39]]
)
"""Start, a text, end (the highest id), padding: three, none and seven pieces."""
