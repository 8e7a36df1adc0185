"""FDP as it serves: everything that is constant or linear at inference is folded.

* probing: the attention over one text is a constant (`Probing.constant`);
* localisation: Bz(Cd(Vd(F))) has no non-linearity, so that it is one weight per channel:
  w = Bz Cd Vd.

Both are exact up to rounding; a test compares them with `FDP.encode_image`.
"""

from __future__ import annotations

from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sightread.methods.fdp.image import attention_bias
from sightread.methods.fdp.model import FDP


class ImageTower(nn.Module):
    """Pixels -> unit vector and text map."""

    text_weight: Tensor
    text_bias: Tensor
    added: Tensor

    def __init__(self, model: FDP) -> None:
        super().__init__()
        self.model = model
        with torch.no_grad():
            value, project, classify = (
                cast(nn.Conv2d, getattr(model.localisation, name))
                for name in ("value", "project", "classify")
            )
            through = classify.weight.flatten(1) @ project.weight.flatten(1)  # (1, C)
            weight = (through @ value.weight.flatten(1))[0]  # (C,)
            bias = through @ _bias(value) + classify.weight.flatten(1) @ _bias(project)
            self.register_buffer("text_weight", weight)
            self.register_buffer("text_bias", bias + _bias(classify))
            self.register_buffer("added", model.probing.constant(model.probe))

    def forward(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        """(B, 3, S, S) -> embeddings (B, D) and the probability of text (B, h, w)."""
        model, pool = self.model, self.model.visual.attnpool
        grid = model.visual.grid(pixels)  # (B, C, h, w)
        text_map = torch.einsum("bchw,c->bhw", grid, self.text_weight) + self.text_bias
        tokens = pool.tokens(grid, model.positions)  # (B, 1 + hw, C)
        features = pool.attend(tokens, attention_bias(text_map, model.config, pool.heads))
        if model.config.probing:
            features = features + model.probing.norm(features + self.added)  # (B, D)
        return F.normalize(features, dim=-1), text_map.sigmoid()


class TextTower(nn.Module):
    """Token ids of bare queries -> unit vectors: clustered, prompted, encoded."""

    def __init__(self, model: FDP) -> None:
        super().__init__()
        self.model = model

    def forward(self, tokens: Tensor) -> Tensor:
        """(B, T) int64 -> (B, D)."""
        return F.normalize(self.model.encode_text(tokens), dim=-1)


def _bias(layer: nn.Conv2d) -> Tensor:
    return cast(Tensor, layer.bias)
