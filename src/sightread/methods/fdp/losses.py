"""The three losses of FDP (section 7 of the specification) and their targets."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def alignment_loss(logits: Tensor, positive: Tensor | None = None) -> Tensor:
    """Symmetric cross entropy of a batch of image-word pairs, L_ce.

    Args:
        logits: (B, B), scaled cosines; row i is image i, column j is word j.
        positive: (B, B) bool, which pairs are right, the diagonal among them; None: only the
            diagonal, as published. Several positives share the target evenly.

    Returns:
        Scalar.
    """
    if positive is None:
        target = torch.arange(len(logits), device=logits.device)
        return (F.cross_entropy(logits, target) + F.cross_entropy(logits.T, target)) / 2
    share = positive.float()
    rows = F.cross_entropy(logits, share / share.sum(1, keepdim=True))
    columns = F.cross_entropy(logits.T, share.T / share.T.sum(1, keepdim=True))
    return (rows + columns) / 2


def distraction_target(distances: Tensor, temperature: float = 1.0) -> Tensor:
    """softmax_j(1 / (d_j + 0.1)): the nearer a string to the word, the larger (section 6).

    Args:
        distances: (B, n) edit distances to the word; 0 for the word itself.
        temperature: divides before the softmax; 1 as published, where the target is almost
            one-hot: (0, 1, 1, 1, 1) gives 0.99955 and four times 0.00011.

    Returns:
        (B, n), rows sum to 1.
    """
    return (1 / (distances.float() + 0.1) / temperature).softmax(-1)


def distraction_loss(logits: Tensor, target: Tensor) -> Tensor:
    """KL(t || p) over each image's own candidates, mean over the batch, L_kl.

    Args:
        logits: (B, n) scaled cosines of image b with its candidates.
        target: (B, n) from `distraction_target`.
    """
    return F.kl_div(logits.log_softmax(-1), target, reduction="batchmean")


def localisation_loss(logits: Tensor, target: Tensor, mask: Tensor, ratio: int = 3) -> Tensor:
    """Binary cross entropy on the text map, hard negatives balanced over the batch, L_loc.

    All positives count, and of the negatives the `ratio` times as many with the largest loss.

    Args:
        logits: (B, h, w).
        target: (B, h, w), 1 where text is, else 0.
        mask: (B, h, w), 0 where a cell is to be ignored, else 1.
        ratio: negatives kept per positive, at most.

    Returns:
        Scalar; 0 (with a gradient of zeros) when there are no positives.
    """
    positive = (target * mask) > 0.5  # (B, h, w)
    negative = ((1 - target) * mask) > 0.5
    losses = F.binary_cross_entropy_with_logits(logits, target, reduction="none")
    kept = min(int(negative.sum()), ratio * int(positive.sum()))
    if not kept and not positive.any():
        return losses.sum() * 0.0
    hardest = losses[negative].topk(kept).values
    total = losses[positive].sum() + hardest.sum()
    return total / (int(positive.sum()) + kept + 1e-6)
