"""A plain CLIP as it serves: two modules that give unit vectors."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from sightread.clip.model import CLIP


class ImageTower(nn.Module):
    """Pixels -> embeddings."""

    def __init__(self, model: CLIP) -> None:
        super().__init__()
        self.visual = model.visual

    def forward(self, pixels: Tensor) -> Tensor:
        """(B, 3, S, S), preprocessed, at the native size -> (B, D), rows of unit length."""
        return F.normalize(self.visual(pixels), dim=-1)


class TextTower(nn.Module):
    """Token ids -> embeddings."""

    def __init__(self, model: CLIP) -> None:
        super().__init__()
        self.model = model

    def forward(self, tokens: Tensor) -> Tensor:
        """(B, T) int64, as `tokens.tokenise` lays them out -> (B, D), rows of unit length."""
        return F.normalize(self.model.encode_text(tokens), dim=-1)
