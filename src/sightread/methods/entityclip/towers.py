"""EntityCLIP as it serves: CLIP's two towers and, for re-ranking, the matching head (12.3).

The head reads tokens, not vectors. So where it is exported the towers give their tokens besides,
and the weights of CLIP are in the folder once.
"""

from __future__ import annotations

from typing import cast

import torch.nn.functional as F
from torch import Tensor, nn

from sightread.clip import towers as plain
from sightread.clip.model import VisionTransformer
from sightread.methods.entityclip.losses import MATCH, MISMATCH
from sightread.methods.entityclip.mmae import Features, Tokens
from sightread.methods.entityclip.model import EntityCLIP
from sightread.methods.method import Towers


def make_towers(model: EntityCLIP, dim: int) -> Towers:
    """What is exported."""
    if model.matching is None:
        image, text = plain.ImageTower(model.clip), plain.TextTower(model.clip)
        return Towers(image.eval(), text.eval(), dim)
    return Towers(
        ImageTower(model).eval(),
        TextTower(model).eval(),
        dim,
        matcher=Matcher(model).eval(),
        scale=float(model.scale.detach()),
    )


class ImageTower(nn.Module):
    """Pixels -> the unit vector, and every token."""

    def __init__(self, model: EntityCLIP) -> None:
        super().__init__()
        self.visual = cast(VisionTransformer, model.clip.visual)

    def forward(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        """(B, 3, S, S) -> (B, D), rows of unit length, and (B, N, D)."""
        rows = self.visual.tokens(pixels)
        return F.normalize(rows[:, 0], dim=-1), rows


class TextTower(nn.Module):
    """Token ids -> the unit vector, and every token."""

    def __init__(self, model: EntityCLIP) -> None:
        super().__init__()
        self.model = model

    def forward(self, ids: Tensor) -> tuple[Tensor, Tensor]:
        """(B, T) int64 -> (B, D), rows of unit length, and (B, T, D)."""
        found = self.model.read(ids)
        return F.normalize(found.first, dim=-1), found.rows


class Matcher(nn.Module):
    """One text with its explanation against several pictures.

    What depends on the text alone is computed once.
    """

    def __init__(self, model: EntityCLIP) -> None:
        super().__init__()
        self.model = model

    def forward(
        self, image: Tensor, text: Tensor, ids: Tensor, explanation: Tensor, told_ids: Tensor
    ) -> Tensor:
        """Log odds that picture and text belong together.

        Args:
            image: (K, N, D), the tokens of K pictures.
            text: (1, T, D), the tokens of the text, and its `ids` (1, T).
            explanation: (1, T, D) and `told_ids` (1, T); [SOT] [EOT] if there is none.

        Returns:
            (K,): logit of match - logit of mismatch.
        """
        experts, seen = self.model.experts, Tokens(image, image[:, 0])
        asked, told = self.model.placed(text, ids), self.model.placed(explanation, told_ids)
        told = self.model.emptied(told, told_ids.argmax(-1) > 1)
        count = image.shape[0]
        own, shared = experts.text(asked), experts.text_shared(asked, told)
        features = Features(
            experts.image(seen),
            experts.image_shared(seen, told),
            own.expand(count, -1, -1),
            shared.expand(count, -1, -1),
        )
        asked = asked._replace(first=asked.first.expand(count, -1))
        logits = self.model.match(seen, asked, features)  # (K, 2)
        return logits[:, MATCH] - logits[:, MISMATCH]
