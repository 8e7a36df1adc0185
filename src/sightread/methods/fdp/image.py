"""The image side of FDP: position table, localisation network, text knowledge probing."""

from __future__ import annotations

from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sightread.clip.model import AttentionPool2d
from sightread.clip.positions import resize_positions
from sightread.methods.fdp.config import FdpConfig


def expanded_positions(table: Tensor, side: int, how: str) -> Tensor:
    """The position table for a grid of `side` cells a side (section 4.3).

    `flat_nearest` is the published code's: the table is taken for a picture of one channel and
    its rows are stretched as a list, the pooled token's row with them, so that token i starts
    with row floor(i * n / m). The other two resize the grid in two dimensions.

    Args:
        table: CLIP's own, (n, C).
        side: cells a side of the new grid; m = side * side + 1.
        how: one of `FdpConfig.positions`.

    Returns:
        (m, C).
    """
    if how != "flat_nearest":
        return resize_positions(table, side, "nearest" if how == "grid_nearest" else "bicubic")
    count = side * side + 1
    return table[torch.arange(count) * len(table) // count].clone()


class Localisation(nn.Module):
    """Dense CLIP features as in MaskCLIP, and one linear classifier on them (section 4.4).

    `value` and `project` start as the attention pool's own v and c projections, taken as 1x1
    convolutions; they learn, the originals do not.
    """

    def __init__(self, pool: AttentionPool2d) -> None:
        super().__init__()
        channels, width = pool.v_proj.in_features, pool.c_proj.out_features
        self.value = nn.Conv2d(channels, channels, 1)
        self.project = nn.Conv2d(channels, width, 1)
        self.classify = nn.Conv2d(width, 1, 1)

    @torch.no_grad()
    def start_from(self, pool: AttentionPool2d) -> None:
        """Copy the pool's projections."""
        for mine, theirs in ((self.value, pool.v_proj), (self.project, pool.c_proj)):
            mine.weight.copy_(theirs.weight[:, :, None, None])
            cast(Tensor, mine.bias).copy_(theirs.bias)

    def forward(self, grid: Tensor) -> Tensor:
        """Features (B, C, h, w), without positions -> logits of text (B, h, w)."""
        dense = self.project(self.value(grid))  # (B, D, h, w)
        return cast(Tensor, self.classify(dense)[:, 0])  # (B, h, w)


class Probing(nn.Module):
    """Text knowledge probing: the image asks one text embedding, "scene text" (section 4.6).

    u = LN(g + Drop(W_o MHCA(g, t, t))). With one key the softmax is 1 for any query, so that
    W_q and W_k never learn and the whole attention is a constant once dropout is off; they are
    kept for fidelity. `constant` gives that constant, which inference and export use.
    """

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.heads = heads
        self.query = nn.Linear(width, heads * width, bias=False)
        self.key = nn.Linear(width, heads * width, bias=False)
        self.value = nn.Linear(width, heads * width, bias=False)
        self.out = nn.Linear(heads * width, width, bias=False)
        self.norm = nn.LayerNorm(width, eps=1e-6)
        self.dropout = nn.Dropout(dropout)

    def constant(self, text: Tensor) -> Tensor:
        """What the attention adds when nothing is dropped: (D,) -> (D,)."""
        return cast(Tensor, self.out(self.value(text)))

    def attended(self, features: Tensor, text: Tensor) -> Tensor:
        """The attention as the paper has it: g (B, D), t (D,) -> (B, D)."""
        batch, width = features.shape
        size = (batch, self.heads, 1, width)
        query = self.query(features).view(size)  # (B, heads, 1, D)
        key = self.key(text).view(1, self.heads, 1, width)  # (1, heads, 1, D)
        value = self.value(text).view(1, self.heads, 1, width)
        logits = query @ key.transpose(2, 3) / width**0.5  # (B, heads, 1, 1)
        weights = self.dropout(logits.softmax(-1))
        mixed = (weights @ value).reshape(batch, self.heads * width)  # (B, heads * D)
        return cast(Tensor, self.dropout(self.out(mixed)))

    def forward(self, features: Tensor, text: Tensor) -> Tensor:
        """g (B, D) and t (D,) -> u (B, D)."""
        more = self.attended(features, text) if self.training else self.constant(text)
        return cast(Tensor, self.norm(features + more))


def attention_bias(text_map: Tensor, config: FdpConfig, heads: int) -> Tensor | None:
    """What the text map adds to the attention logits (section 4.5).

    The pooled token has the constant 1. With S = 1 everywhere nothing changes, because a softmax
    ignores a constant.

    Args:
        text_map: logits (B, h, w).
        config: chooses additive, multiplicative, off, and the published mix-up.
        heads: of the attention pool.

    Returns:
        (B, 1 + h w), or (B, heads, 1 + h w) with `legacy_mask_tiling`; None when off.
    """
    if config.attention_shift == "off":
        return None
    flat = text_map.flatten(1)  # (B, hw)
    if config.attention_shift == "additive":
        bias = F.pad(flat.sigmoid(), (1, 0), value=1.0)  # (B, 1 + hw)
    else:
        bias = F.pad(F.logsigmoid(flat), (1, 0), value=0.0)  # log 1 = 0
    if config.legacy_mask_tiling:
        # Rows tiled image after image where (image, head) pairs are expected: image b, head h
        # gets the map of image (b * heads + h) mod B.
        bias = bias.repeat(heads, 1).view(len(bias), heads, -1)
    return bias
