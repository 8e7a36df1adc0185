"""The multi-modal token of a word read in a picture (section 6.3, M4C's form)."""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn

from sightread.methods.hopid.config import HopidConfig
from sightread.scenetext.wordvectors import WIDTH


def levelled(vectors: Tensor) -> Tensor:
    """Unit vectors (..., D) as numbers of about 1, which layers learn from faster."""
    scale: float = vectors.shape[-1] ** 0.5
    return vectors * scale


class Binding(nn.Module):
    """LN((B_1 x) * tanh(B_2 y)): a word together with what bears it (section 6.9).

    The inner product of two sums of such products is large where both the words and the bearers are
    alike, also for words that training never saw.
    """

    def __init__(self, words: int, bearers: int, width: int) -> None:
        super().__init__()
        self.word = nn.Linear(words, width, bias=False)
        self.bearer = nn.Linear(bearers, width)
        self.norm = nn.LayerNorm(width)

    def product(self, word: Tensor, bearer: Tensor) -> Tensor:
        """(..., words) and (..., bearers) -> (..., d), not yet normalised."""
        return cast(Tensor, self.word(word) * torch.tanh(self.bearer(bearer)))

    def forward(self, word: Tensor, bearer: Tensor) -> Tensor:
        """The same, normalised."""
        return cast(Tensor, self.norm(self.product(word, bearer)))


class WordTokens(nn.Module):
    """x_n = LN(W_w w_n + W_a a_n) + LN(W_b b_n) [+ LN((B_w w_n) * tanh(B_a a_n))], dropout.

    w_n is the spelled word (`scenetext.wordvectors`, which carries letters by their places, as PHOC
    does), a_n the mean of the patches around it, b_n its box.

    Args:
        config: which of them there are.
        patch_width: of CLIP's patches.
    """

    def __init__(self, config: HopidConfig, patch_width: int) -> None:
        super().__init__()
        d, kind = config.width, config.token
        self.word = nn.Linear(WIDTH, d) if kind != "appearance" else None
        self.appearance = nn.Linear(patch_width, d) if kind in ("multi", "appearance") else None
        self.norm = nn.LayerNorm(d)
        self.box = nn.Linear(4, d) if kind != "word" else None
        self.box_norm = nn.LayerNorm(d) if kind != "word" else None
        binds = config.bind and kind == "multi"
        self.binding = Binding(WIDTH, patch_width, d) if binds else None
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, words: Tensor, appearance: Tensor, boxes: Tensor) -> Tensor:
        """(B, N, 256), (B, N, W) and (B, N, 4) -> (B, N, d)."""
        parts = []
        if self.word is not None:
            parts.append(self.word(levelled(words)))
        if self.appearance is not None:
            parts.append(self.appearance(appearance))
        found = self.norm(torch.stack(parts).sum(0))  # (B, N, d)
        if self.box is not None and self.box_norm is not None:
            found = found + self.box_norm(self.box(boxes))
        if self.binding is not None:
            found = found + self.binding(words, appearance)
        return cast(Tensor, self.dropout(found))
