"""Perceptive entity distilling: what the words of a picture say together (section 6.4).

It is no teaching of a small model by a large one. A few learned slots ask all words of the picture
again and again; their mean is the vector E of its scene text.
"""

from __future__ import annotations

import math
from typing import NamedTuple, cast

import torch
from torch import Tensor, nn

from sightread.methods.hopid.config import HopidConfig

_NEVER = -1e4
"""Added to the logits of padding: a softmax of nothing but padding stays finite."""
_SPREAD = 0.5
"""Slots start this far apart: equal ones would never part."""


class Distilled(NamedTuple):
    """`entity` (B, d) is E, zero for a picture without words; `slots` (B, K, d); `relevance`
    (B, N) says how much each word counts, at most 1 together; `sure` (B, N) is the largest share
    that one slot gives it."""

    entity: Tensor
    slots: Tensor
    relevance: Tensor
    sure: Tensor


class CrossAttention(nn.Module):
    """One distilling layer, pre-norm: slots += attention(LN slots, words), slots += FFN(LN slots).

    A = softmax over words((LN(E) W_q)(Z W_k)^T / sqrt(d_h) + mask), FFN d-2d-d with GELU.
    """

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm = nn.LayerNorm(width)
        self.query = nn.Linear(width, width, bias=False)
        self.key = nn.Linear(width, width, bias=False)
        self.value = nn.Linear(width, width, bias=False)
        self.out = nn.Linear(width, width, bias=False)
        self.ffn = _ffn(width)

    def told(self, z: Tensor) -> tuple[Tensor, Tensor]:
        """What words (B, M, d) say, the same for every layer with these weights: keys and values
        (B, heads, M, d_h)."""
        return self._split(self.key(z)), self._split(self.value(z))

    def forward(
        self, slots: Tensor, told: tuple[Tensor, Tensor], mask: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Slots (B, K, d), what the words said, 0 or very negative (B, M) -> slots and A, the mean
        over the heads (B, K, M)."""
        key, value = told
        query = self._split(self.query(self.norm(slots)))  # (B, heads, K, d_h)
        logits = query @ key.transpose(-1, -2) / math.sqrt(query.shape[-1])  # (B, heads, K, M)
        weights = (logits + mask[:, None, None]).softmax(-1)
        mixed = (weights @ value).transpose(1, 2).flatten(2)  # (B, K, d)
        slots = slots + self.out(mixed)
        return slots + self.ffn(slots), weights.mean(1)

    def _split(self, x: Tensor) -> Tensor:
        return x.view(*x.shape[:2], self.heads, -1).transpose(1, 2)


class SlotAttention(nn.Module):
    """The other kind of layer (Locatello et al., 2020): slots compete for words, a GRU keeps them.

    A = softmax over slots, divided by its sum over words; slots = GRU(A Z W_v, slots), += FFN.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.query = nn.Linear(width, width, bias=False)
        self.key = nn.Linear(width, width, bias=False)
        self.value = nn.Linear(width, width, bias=False)
        self.update = nn.GRUCell(width, width)
        self.ffn = _ffn(width)

    def told(self, z: Tensor) -> tuple[Tensor, Tensor]:
        """As `CrossAttention`, without heads."""
        return self.key(z), self.value(z)

    def forward(
        self, slots: Tensor, told: tuple[Tensor, Tensor], mask: Tensor
    ) -> tuple[Tensor, Tensor]:
        """As `CrossAttention`."""
        key, value = told
        query = self.query(self.norm(slots)) / math.sqrt(slots.shape[-1])
        shares = (query @ key.transpose(1, 2)).softmax(1)  # (B, K, M): over slots
        shares = shares * (mask > _NEVER / 2)[:, None].to(shares.dtype)
        weights = shares / shares.sum(-1, keepdim=True).clamp(min=1e-8)
        mixed = weights @ value  # (B, K, d)
        kept = self.update(mixed.flatten(0, 1), slots.flatten(0, 1)).view_as(slots)
        return kept + self.ffn(kept), weights


def _ffn(width: int) -> nn.Sequential:
    wide = nn.Linear(width, 2 * width)
    return nn.Sequential(nn.LayerNorm(width), wide, nn.GELU(), nn.Linear(2 * width, width))


class Ped(nn.Module):
    """t layers over the words and a learned token that stands for nothing; E is the mean of the
    last slots."""

    def __init__(self, config: HopidConfig) -> None:
        super().__init__()
        width, count = config.width, 1 if config.share else config.layers
        self.times = config.layers
        self.start = nn.Parameter(_SPREAD * torch.randn(config.slots, width))
        self.null = nn.Parameter(0.02 * torch.randn(width)) if config.null_token else None
        kinds = [
            SlotAttention(width) if config.ped == "slot" else CrossAttention(width, config.heads)
            for _ in range(count)
        ]
        self.layers = nn.ModuleList(kinds)

    def kinds(self) -> list[CrossAttention | SlotAttention]:
        """The layers, each once."""
        return [cast(CrossAttention | SlotAttention, layer) for layer in self.layers]

    def forward(self, tokens: Tensor, keep: Tensor) -> Distilled:
        """Words (B, N, d) and which of them are there (B, N) bool."""
        batch, count = keep.shape
        z, there = tokens, keep
        if self.null is not None:
            z = torch.cat([tokens, self.null.expand(batch, 1, -1)], 1)  # (B, N + 1, d)
            there = torch.cat([keep, keep.new_ones(batch, 1)], 1)
        mask = (~there).to(z.dtype) * _NEVER
        slots = self.start.expand(batch, -1, -1)  # (B, K, d)
        weights = z.new_zeros(batch, slots.shape[1], z.shape[1])
        said = [layer.told(z) for layer in self.kinds()]
        for number in range(self.times):
            at = number % len(said)
            slots, weights = self.layers[at](slots, said[at], mask)
        some = keep.any(1).to(z.dtype)  # (B,)
        shares = weights[:, :, :count] * keep[:, None].to(z.dtype)  # (B, K, N)
        entity = slots.mean(1) * some[:, None]
        return Distilled(entity, slots, shares.mean(1), shares.amax(1))


class MeanPed(nn.Module):
    """Without distilling: the mean of the words, and a linear layer."""

    def __init__(self, config: HopidConfig) -> None:
        super().__init__()
        self.linear = nn.Linear(config.width, config.width)

    def forward(self, tokens: Tensor, keep: Tensor) -> Distilled:
        """As `Ped`; there is one slot."""
        there = keep.to(tokens.dtype)
        share = there / there.sum(1, keepdim=True).clamp(min=1)  # (B, N)
        mean = torch.einsum("bn,bnd->bd", share, tokens)
        entity = self.linear(mean) * keep.any(1).to(tokens.dtype)[:, None]
        return Distilled(entity, entity[:, None], share, share)


def make_ped(config: HopidConfig) -> Ped | MeanPed:
    """What the switches ask for."""
    return MeanPed(config) if config.ped == "mean" else Ped(config)


def diversity(slots: Tensor) -> Tensor:
    """L_div: mean over pairs of slots (B, K, d) of cos^2; 0 for one slot."""
    unit = nn.functional.normalize(slots, dim=-1)
    cosines = unit @ unit.transpose(1, 2)  # (B, K, K)
    count = slots.shape[1]
    others = ~torch.eye(count, dtype=torch.bool, device=slots.device)
    pairs = max(count * (count - 1), 1)
    return (cosines.square() * others).sum((1, 2)).mean() / pairs
