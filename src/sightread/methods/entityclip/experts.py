"""The experts of MMAE, and how their answers are mixed (sections 5.2 and 5.3).

An expert is one transformer block that reads tokens y for tokens x:

    x <- x + MHA(q = LN1(x), k = v = LN1(y))        one head
    x <- x + MLP(LN2(x))                            D -> 4 D -> D, quick GELU

Only one row of x is ever used, the class token. So a bank of experts asks one query for each
sample, and no key and no value is made for each token:

    q . (Wk LN1(y) + bk) = (q Wk) . LN1(y) + const
    sum_n a_n Wv LN1(y_n) = Wv sum_n a_n LN1(y_n)

which is exact: a test compares it with the whole block.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class ExpertBank(nn.Module):
    """Several experts of one kind, each with weights of its own, computed together.

    Args:
        count: n, at least 1.
        width: D.
    """

    def __init__(self, count: int, width: int) -> None:
        super().__init__()
        self.count = count
        self.norm1_weight = nn.Parameter(torch.ones(count, width))
        self.norm1_bias = nn.Parameter(torch.zeros(count, width))
        self.in_weight = nn.Parameter(torch.empty(count, 3 * width, width))
        self.in_bias = nn.Parameter(torch.zeros(count, 3 * width))
        self.out_weight = nn.Parameter(torch.empty(count, width, width))
        self.out_bias = nn.Parameter(torch.zeros(count, width))
        self.norm2_weight = nn.Parameter(torch.ones(count, width))
        self.norm2_bias = nn.Parameter(torch.zeros(count, width))
        self.wide_weight = nn.Parameter(torch.empty(count, 4 * width, width))
        self.wide_bias = nn.Parameter(torch.empty(count, 4 * width))
        self.narrow_weight = nn.Parameter(torch.empty(count, width, 4 * width))
        self.narrow_bias = nn.Parameter(torch.empty(count, width))
        self._start()

    @torch.no_grad()
    def _start(self) -> None:
        """As `nn.MultiheadAttention` and `nn.Linear` do."""
        for one in self.in_weight:
            nn.init.xavier_uniform_(one)
        width = self.out_weight.shape[-1]
        near, far = 1 / math.sqrt(width), 1 / math.sqrt(4 * width)
        for parameter, bound in (
            (self.out_weight, near),
            (self.wide_weight, near),
            (self.wide_bias, near),
            (self.narrow_weight, far),
            (self.narrow_bias, far),
        ):
            nn.init.uniform_(parameter, -bound, bound)

    def forward(self, query: Tensor, context: Tensor, keep: Tensor | None = None) -> Tensor:
        """What each expert makes of one token after reading others.

        Args:
            query: (B, D), the class tokens.
            context: (B, N, D), the tokens that are read; (1, N, D) if they are the same for all.
            keep: (B, N) or (1, N) bool, which of them; at least one in each row. None: all.

        Returns:
            (B, n, D).
        """
        return self._think(query[:, None] + self._read(query, context, keep))

    def attention(self, query: Tensor, context: Tensor, keep: Tensor | None = None) -> Tensor:
        """How much each expert looks at each token: (B, n, N), rows sum to 1."""
        width = query.shape[-1]
        normed = F.layer_norm(query, (width,))[:, None]  # (B, 1, D)
        asks = self._linear(normed * self.norm1_weight + self.norm1_bias, 0)  # (B, n, D)
        asked = torch.einsum("bne,ned->bnd", asks, self.in_weight[:, width : 2 * width])
        # LN1(y) = y' w + b with y' the same for all experts; what b adds is the same for all
        # tokens, and so is what the key's bias adds: the softmax ignores both.
        read = F.layer_norm(context, (width,))  # (B, N, D)
        logits = (asked * self.norm1_weight) @ read.transpose(1, 2) / math.sqrt(width)
        if keep is not None:
            logits = logits.masked_fill(~keep[:, None], -torch.inf)
        return logits.softmax(-1)

    def _read(self, query: Tensor, context: Tensor, keep: Tensor | None) -> Tensor:
        width = query.shape[-1]
        weights = self.attention(query, context, keep)
        mixed = weights @ F.layer_norm(context, (width,))  # (B, n, D)
        value = self._linear(mixed * self.norm1_weight + self.norm1_bias, 2)
        return torch.einsum("bne,nde->bnd", value, self.out_weight) + self.out_bias

    def _linear(self, x: Tensor, part: int) -> Tensor:
        """The part of the input projection for queries (0) or values (2); x (B, n, D)."""
        width = x.shape[-1]
        rows = slice(part * width, (part + 1) * width)
        return torch.einsum("bnd,ned->bne", x, self.in_weight[:, rows]) + self.in_bias[:, rows]

    def _think(self, x: Tensor) -> Tensor:
        normed = F.layer_norm(x, x.shape[-1:]) * self.norm2_weight + self.norm2_bias
        wide = torch.einsum("bnd,ned->bne", normed, self.wide_weight) + self.wide_bias
        wide = wide * torch.sigmoid(1.702 * wide)  # (B, n, 4 D)
        return x + torch.einsum("bne,nde->bnd", wide, self.narrow_weight) + self.narrow_bias


def gated(gate: nn.Linear, asked: Tensor, features: Tensor) -> Tensor:
    """The features mixed by a dense soft gate: sum_k softmax(gate(asked))_k features_k.

    Args:
        gate: (D' -> n).
        asked: (B, D').
        features: (B, n, D).

    Returns:
        (B, D).
    """
    weights = gate(asked).softmax(-1)  # (B, n)
    return torch.einsum("bn,bnd->bd", weights, features)
