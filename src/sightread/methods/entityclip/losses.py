"""The losses of EntityCLIP and the negatives of GI-ITM (section 6)."""

from __future__ import annotations

from typing import Literal, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

MATCH, MISMATCH = 0, 1
"""Classes of the matching head, as published."""
_FLOOR = 1e-5


def contrast_logits(first: Tensor, second: Tensor, scale: Tensor) -> Tensor:
    """Scaled cosines, (B, D) and (B, D) -> (B, B) float32.

    Args:
        scale: exp of CLIP's learned temperature.
    """
    # Autocast would make bf16 of the product, and losses of it.
    with torch.autocast(first.device.type, enabled=False):
        a, b = (F.normalize(one.float(), dim=-1) for one in (first, second))
        return scale.float() * a @ b.T


def contrastive_loss(logits: Tensor) -> Tensor:
    """L_VTC: symmetric cross entropy, row i belongs to column i."""
    target = torch.arange(len(logits), device=logits.device)
    return (F.cross_entropy(logits, target) + F.cross_entropy(logits.T, target)) / 2


class Negatives(NamedTuple):
    """`text` (B,): for each image the text that is shown with it in place of its own; `image` (B,):
    for each text an image. `text_there` and `image_there` (B,) bool: whether there is one; without,
    the index is the row's own."""

    text: Tensor
    image: Tensor
    text_there: Tensor
    image_there: Tensor


@torch.no_grad()
def draw_negatives(
    logits: Tensor, key: Tensor, how: Literal["hard", "random"] = "hard"
) -> Negatives:
    """One text for each image and one image for each text, none that says or shows the same.

    `hard` draws with probabilities softmax(logits) + 1e-5, so mostly the most similar ones; what
    has an equal key, the row itself among it, has probability 0 (section 10.6).

    Args:
        logits: (B, B) scaled cosines, rows are images.
        key: (B,) equal numbers for pairs that must not be each other's negatives.
    """
    other = key[:, None] != key  # (B, B)
    drawn = []
    for table in (logits, logits.T):
        likely = table.float().softmax(-1) if how == "hard" else torch.ones_like(table).float()
        weights = (likely + _FLOOR) * other
        there = other.any(-1)
        # A row without any negative draws itself, and is left out of the loss.
        weights = weights + torch.diag_embed((~there).float())
        drawn.append((torch.multinomial(weights, 1)[:, 0], there))
    (text, text_there), (image, image_there) = drawn
    return Negatives(text, image, text_there, image_there)


def matching_loss(
    positive: Tensor, wrong_text: Tensor, wrong_image: Tensor, negatives: Negatives
) -> Tensor:
    """L_GI-ITM = [-log p0(pos) - log p1(wrong text) - log p1(wrong image)] / 3, batch means.

    Args:
        positive, wrong_text, wrong_image: (B, 2) logits of the matching head.
        negatives: which of the wrong ones there are.
    """
    right = _mean_loss(positive, MATCH, torch.ones_like(negatives.text_there))
    texts = _mean_loss(wrong_text, MISMATCH, negatives.text_there)
    images = _mean_loss(wrong_image, MISMATCH, negatives.image_there)
    return (right + texts + images) / 3


def _mean_loss(logits: Tensor, wanted: int, there: Tensor) -> Tensor:
    target = torch.full_like(there, wanted, dtype=torch.int64)
    losses = F.cross_entropy(logits.float(), target, reduction="none")
    return (losses * there).sum() / there.sum().clamp(min=1)
