"""The losses of HOPID (section 7). Row i of the pictures belongs to row i of the captions."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

NCE_WEIGHT, NCE_BESIDE = 10.0, 2.0
"""Of InfoNCE alone, and beside hardest negatives."""
_FLOOR = 1e-6


def cosines(images: Tensor, texts: Tensor) -> Tensor:
    """Scores (B, B) float32 of unit rows, rows are pictures; in float32 under autocast too."""
    with torch.autocast(images.device.type, enabled=False):
        return images.float() @ texts.float().T


def others(key: Tensor) -> Tensor:
    """(B, B) bool: which pairs may be negatives of each other, from numbers (B,) that are equal
    where they must not."""
    return key[:, None] != key


def info_nce(scores: Tensor, negative: Tensor, temperature: float) -> Tensor:
    """Symmetric cross entropy of scores / temperature; what is no negative is left out.

    Args:
        scores: (B, B).
        negative: (B, B) bool, symmetric, False on the diagonal.
    """
    own = torch.eye(len(scores), dtype=torch.bool, device=scores.device)
    logits = (scores / temperature).masked_fill(~(negative | own), -torch.inf)
    target = torch.arange(len(scores), device=scores.device)
    return (F.cross_entropy(logits, target) + F.cross_entropy(logits.T, target)) / 2


def triplet_loss(scores: Tensor, negative: Tensor, margin: float, hardest: bool = True) -> Tensor:
    """L_tri, the sum over the batch of [margin + s(negative) - s(own)]_+ both ways.

    Args:
        hardest: only the nearest negative of each row and column counts (VSE++); off: all do.
    """
    own = scores.diagonal()
    by_image = (margin + scores - own[:, None]).clamp(min=0) * negative
    by_text = (margin + scores - own[None]).clamp(min=0) * negative
    if hardest:
        return by_image.amax(1).sum() + by_text.amax(0).sum()
    return by_image.sum() + by_text.sum()


def prompt_loss(
    prompts: Tensor, marked: Tensor, both: Tensor, named: Tensor, temperature: float
) -> Tensor:
    """L_hp: InfoNCE between text prompts and pictures with their marks, where there are both.

    Args:
        prompts, marked: (B, d), not normalised.
        both: (B,) bool: the caption names something and the picture has text.
        named: (B,) equal numbers for captions that name the same: they are no negatives.
    """
    if int(both.sum()) < 2:
        return prompts.sum() * 0.0
    first, second = (F.normalize(one[both], dim=-1) for one in (prompts, marked))
    return info_nce(cosines(first, second), others(named[both]), temperature)


def token_loss(sure: Tensor, mentioned: Tensor, keep: Tensor) -> Tensor:
    """L_tok: binary cross entropy of the largest share that a slot gives a word against whether a
    caption mentions it, the mean over words (B, N) that are there; 0 if there are none."""
    if not keep.any():
        return sure.sum() * 0.0
    with torch.autocast(sure.device.type, enabled=False):
        likely = sure.float()[keep].clamp(_FLOOR, 1 - _FLOOR)
        return F.binary_cross_entropy(likely, mentioned[keep].float())


def mean_cosine(vectors: Tensor) -> float:
    """Of all pairs of different unit rows (B, D); 0 for a single one."""
    count = len(vectors)
    if count < 2:
        return 0.0
    rows = vectors.detach().float()
    return float((rows.sum(0).square().sum() - rows.square().sum()) / (count * (count - 1)))
