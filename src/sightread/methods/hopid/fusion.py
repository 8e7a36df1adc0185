"""How one vector joins another (section 6.6): three rules, of which the paper names none."""

from __future__ import annotations

from typing import Literal, cast

import torch
from torch import Tensor, nn


class Fusion(nn.Module):
    """LN of x with y joined to it, as far as y is there.

    * `gated`: LN(x + mu sigmoid(W_g [x; y]) * W_v y)
    * `add`: LN(x + mu W_v y)
    * `mul`: LN(x + mu x * y), STARNet's rule

    Args:
        width: d of both.
        kind: the rule.
    """

    def __init__(self, width: int, kind: Literal["gated", "add", "mul"]) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.value = nn.Linear(width, width) if kind != "mul" else None
        self.gate = nn.Linear(2 * width, width) if kind == "gated" else None

    def forward(self, x: Tensor, y: Tensor, there: Tensor | None = None) -> Tensor:
        """x (B, d), y (B, d) and whether y is there (B,), bool or number; None: always."""
        joined = x * y if self.value is None else self.value(y)
        if self.gate is not None:
            joined = torch.sigmoid(self.gate(torch.cat([x, y], -1))) * joined
        if there is not None:
            joined = joined * there[:, None].to(joined.dtype)
        return cast(Tensor, self.norm(x + joined))
