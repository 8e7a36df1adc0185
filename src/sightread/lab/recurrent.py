"""GRUs that can be exported for texts of any length.

torch.export unrolls `nn.GRU` into the steps of the example, so that the graph takes texts of that
one length. ONNX has a GRU of its own, and this writes it down.
"""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn


class SpelledGRU(nn.Module):
    """An `nn.GRU` of one layer with `batch_first`, as the ONNX operator; for export only."""

    def __init__(self, gru: nn.GRU) -> None:
        super().__init__()
        if gru.num_layers != 1 or not gru.batch_first or not gru.bias:
            raise ValueError("only a GRU of one layer with batch_first and biases is spelled")
        self.size, self.ways = gru.hidden_size, 1 + int(gru.bidirectional)
        ends = ("", "_reverse")[: self.ways]

        def stacked(*names: str) -> Tensor:
            rows = [
                torch.cat([_reordered(getattr(gru, f"{name}_l0{end}")) for name in names])
                for end in ends
            ]
            return torch.stack(rows).detach()

        self.inward: Tensor
        self.onward: Tensor
        self.biases: Tensor
        self.register_buffer("inward", stacked("weight_ih"))  # (ways, 3 H, I)
        self.register_buffer("onward", stacked("weight_hh"))  # (ways, 3 H, H)
        self.register_buffer("biases", stacked("bias_ih", "bias_hh"))  # (ways, 6 H)

    def forward(self, words: Tensor) -> tuple[Tensor, Tensor]:
        """(B, L, I) -> states (B, L, ways * H) and the last ones (ways, B, H)."""
        batch, length, _ = words.shape
        states, last = torch.onnx.ops.symbolic_multi_out(
            "GRU",
            (words.transpose(0, 1), self.inward, self.onward, self.biases),
            attrs={
                "hidden_size": self.size,
                "linear_before_reset": 1,  # as torch has it
                "direction": "bidirectional" if self.ways == 2 else "forward",
            },
            dtypes=(torch.float32, torch.float32),
            shapes=((length, self.ways, batch, self.size), (self.ways, batch, self.size)),
        )
        joined = states.permute(2, 0, 1, 3).reshape(batch, length, self.ways * self.size)
        return joined, last


def with_spelled_grus(module: nn.Module) -> nn.Module:
    """A copy of the module that can be exported with free lengths; it does not run in torch."""
    found = copy.deepcopy(module)
    for name, part in list(found.named_modules()):
        if isinstance(part, nn.GRU):
            above, _, last = name.rpartition(".")
            setattr(found.get_submodule(above), last, SpelledGRU(part))
    return found


def _reordered(rows: Tensor) -> Tensor:
    """Gates of torch (reset, update, new) in the order of ONNX (update, reset, new)."""
    reset, update, new = rows.chunk(3, 0)
    return torch.cat([update, reset, new], 0)
