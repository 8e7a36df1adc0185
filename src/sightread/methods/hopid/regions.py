"""The local features of a picture (section 6.5): a grid of CLIP's own patches.

The published neighbours take 36 regions of a detector; here 6 x 6 cells stand for them.
"""

from __future__ import annotations

from typing import cast

import numpy as np
import torch
from torch import Tensor, nn

from sightread.clip.model import ResidualAttentionBlock
from sightread.methods.hopid.config import HopidConfig
from sightread.scenetext.places import pooling

MOST = 6
"""Cells along a side; no more than there are patches."""


class Regions(nn.Module):
    """Means of patches in a grid, with their boxes; linear, one transformer block, mean.

    Args:
        config: d and the heads.
        side: patches along a side.
        patch_width: W.
    """

    cells: Tensor
    boxes: Tensor

    def __init__(self, config: HopidConfig, side: int, patch_width: int) -> None:
        super().__init__()
        cells = min(MOST, side)
        at = np.arange(cells) / cells
        left, top = (one.ravel() for one in np.meshgrid(at, at))
        boxes = np.stack([left, top, left + 1 / cells, top + 1 / cells], 1).astype(np.float32)
        weights = torch.from_numpy(pooling(boxes, side, around=0.0, least=1))
        self.register_buffer("cells", weights, persistent=False)  # (R, P * P)
        self.register_buffer("boxes", torch.from_numpy(boxes), persistent=False)  # (R, 4)
        self.inward = nn.Linear(patch_width + 4, config.width)
        self.block = ResidualAttentionBlock(
            config.width, config.heads, causal=False, quick_gelu=False
        )

    def forward(self, patches: Tensor) -> Tensor:
        """(B, P * P, W) -> r (B, d)."""
        means = self.cells @ patches  # (B, R, W)
        boxes = self.boxes.expand(len(patches), -1, -1)
        x = self.inward(torch.cat([means, boxes], -1))  # (B, R, d)
        # The block, with the mean taken before its last linear layer: the same for less.
        wide, gelu, narrow = self.block.mlp
        x = x + self.block.attn(self.block.ln_1(x))
        return cast(Tensor, x.mean(1) + narrow(gelu(wide(self.block.ln_2(x))).mean(1)))
