"""What the spotter is trained to do: mark kernels, measure words, read, and put strings and strips
into one space in which similarity falls with edit distance."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from rapidfuzz import process
from rapidfuzz.distance import Levenshtein
from torch import Tensor

_SMOOTH = 1.0


def graded_similarity(
    queries: Sequence[str], others: Sequence[str], decay: float = 0.5
) -> NDArray[np.float32]:
    """What the cosine of two strings shall be, (len(queries), len(others)):

        exp(-decay * d) * (1 - d / longer length), d the edit distance.

    1 for equal strings, 0.40 one edit apart at 3 letters and 0.53 at 8, 0 if no letter stays.
    """
    distance = process.cdist(queries, others, scorer=Levenshtein.distance).astype(np.float32)
    own = np.array([len(one) for one in queries], np.float32)[:, None]
    longer = np.maximum(own, np.array([len(one) for one in others], np.float32)[None])
    similar: NDArray[np.float32] = np.exp(-np.float32(decay) * distance) * (
        1 - distance / np.maximum(longer, 1)
    )
    return similar


def graded_loss(cosines: Tensor, target: Tensor) -> Tensor:
    """Squared error of cosines, near pairs (target above 0.05) and far ones weighted alike.

    Far pairs are many and easy; averaged together they would drown the near ones.
    """
    error = (cosines - target).square()
    near = target > 0.05
    parts = [error[mask].mean() for mask in (near, ~near) if bool(mask.any())]
    return torch.stack(parts).mean()


def contrastive_loss(logits: Tensor, target: Tensor) -> Tensor:
    """Cross entropy with several right answers.

    Args:
        logits: (N, Q) of each strip for each query.
        target: (N, Q) 1 where the query is what is written; at least one in each row.
    """
    share = target / target.sum(dim=1, keepdim=True)
    return -(share * F.log_softmax(logits, dim=1)).sum(dim=1).mean()


def reading_loss(logs: Tensor, texts: Tensor, lengths: Tensor) -> Tensor:
    """CTC per character; words that do not fit into the columns count nothing.

    Args:
        logs: (N, T, classes) logarithms of probabilities.
        texts: (N, L) classes, padded with anything.
        lengths: (N,) of the texts.
    """
    columns = torch.full((len(logs),), logs.shape[1], dtype=torch.int64)
    losses = F.ctc_loss(
        logs.transpose(0, 1), texts, columns, lengths.cpu(), reduction="none", zero_infinity=True
    )
    return (losses / lengths.clamp(min=1)).sum()


def kernel_loss(logits: Tensor, target: Tensor, mask: Tensor, hard: float = 3.0) -> Tensor:
    """Binary cross entropy over all kernel cells and as many hardest other cells times `hard`,
    plus the dice loss, which does not care how large kernels are.

    Args:
        logits, target, mask: (B, h, w); cells with mask 0 count nothing.
    """
    losses = F.binary_cross_entropy_with_logits(logits, target, reduction="none") * mask
    inside = target * mask
    outside = (1 - target) * mask
    positives = int(inside.sum())
    wanted = int(min(float(outside.sum()), max(hard * positives, 0.002 * mask.numel())))
    hardest = (losses * outside).flatten().topk(max(wanted, 1)).values
    entropy = ((losses * inside).sum() + hardest.sum()) / max(positives + wanted, 1)
    marks = torch.sigmoid(logits) * mask
    overlap = 2 * (marks * inside).sum(dim=(1, 2)) + _SMOOTH
    whole = marks.sum(dim=(1, 2)) + inside.sum(dim=(1, 2)) + _SMOOTH
    return entropy + (1 - overlap / whole).mean()


def geometry_loss(found: Tensor, target: Tensor, weights: Tensor) -> Tensor:
    """Smooth L1 of log thickness, cosine and sine, averaged with weights.

    Args:
        found, target: (B, 3, h, w).
        weights: (B, h, w), 0 outside of kernels.
    """
    errors = F.smooth_l1_loss(found, target, beta=0.1, reduction="none").sum(dim=1)
    return (errors * weights).sum() / weights.sum().clamp(min=1e-6)
