"""How good EntityCLIP is on pairs that it does not learn from, and what its cosines mean.

`loss` is L_VTC(V_cls, T_cls), the mean over batches of twice the size of training's: the published
checkpoint is the one where it is lowest (section 7). `text_to_image` and `image_to_text` are hits
at 1 among the held-out pairs. `calibration_slope` and `calibration_offset` are the logistic line
from cosine to the probability that a picture is the one of a caption; `answers_per_picture` says
how rare answers were.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from tokenizers import Tokenizer as Pieces
from torch import Tensor

from sightread.clip.tokens import tokenise
from sightread.errors import PictureError, UsageError
from sightread.methods.entityclip.data import Pair, Pairs, some
from sightread.methods.entityclip.losses import contrast_logits, contrastive_loss
from sightread.methods.entityclip.model import EntityCLIP
from sightread.methods.logistic import logistic_line
from sightread.preprocess import PreprocessSpec, preprocess

_CHUNK = 64


def figures(
    model: EntityCLIP,
    held: Pairs,
    most: int,
    batch: int,
    spec: PreprocessSpec,
    pieces: Pieces,
) -> dict[str, float]:
    """What the module's page says, of a model in eval mode.

    Args:
        held: pairs that training leaves alone.
        most: so many of them at most, always the same.
        batch: pairs of a batch of the loss; as many as there are if they are fewer.

    Raises:
        UsageError: fewer than two pictures can be decoded.
    """
    images, there = encode_pairs(model, some(held.pairs, most), spec)
    if len(there) < 2:
        raise UsageError(
            f"{len(there)} of the held-out pictures of {held.name} can be decoded, and two are "
            "needed: check the data set, or set method.validation_pairs=0 to train without "
            "validation"
        )
    texts = encode_texts(model, pieces, [pair.caption for pair in there])
    cosines = (images @ texts.T).numpy()
    keys = np.array([pair.key for pair in there])
    same = keys[:, None] == keys
    slope, offset = logistic_line(cosines.ravel(), same.ravel())
    return {
        "loss": _loss(images, texts, batch, model.scale.cpu()),
        "text_to_image": _hits(cosines.T, same),
        "image_to_text": _hits(cosines, same),
        "calibration_slope": slope,
        "calibration_offset": offset,
        "answers_per_picture": float(same.mean()),
    }


def encode_pairs(
    model: EntityCLIP, pairs: Sequence[Pair], spec: PreprocessSpec
) -> tuple[Tensor, list[Pair]]:
    """Unit vectors (n, D) of the pictures that can be decoded, and their pairs."""
    device = model.clip.logit_scale.device
    rows: list[Tensor] = [torch.empty(0, model.clip.config.embed_dim)]
    there: list[Pair] = []
    for first in range(0, len(pairs), _CHUNK):
        inputs = []
        for pair in pairs[first : first + _CHUNK]:
            try:
                inputs.append(preprocess(pair.load(), spec))
            except PictureError:
                continue
            there.append(pair)
        if inputs:
            pixels = torch.from_numpy(np.stack(inputs)).to(device)
            rows.append(F.normalize(model.clip.encode_image(pixels), dim=-1).cpu())
    return torch.cat(rows), there


def encode_texts(model: EntityCLIP, pieces: Pieces, texts: Sequence[str]) -> Tensor:
    """Unit vectors (n, D)."""
    device = model.clip.logit_scale.device
    ids = tokenise(pieces, texts, model.clip.config.text.context_length)
    rows = [model.clip.encode_text(part.to(device)).cpu() for part in torch.split(ids, _CHUNK)]
    return F.normalize(torch.cat(rows), dim=-1)


def _loss(images: Tensor, texts: Tensor, batch: int, scale: Tensor) -> float:
    """Mean over whole batches."""
    size = min(batch, len(images))
    edges = range(0, len(images) + 1, size)
    parts = [
        contrastive_loss(contrast_logits(images[a:b], texts[a:b], scale))
        for a, b in pairwise(edges)
    ]
    return float(torch.stack(parts).mean())


def _hits(scores: NDArray[np.float32], same: NDArray[np.bool_]) -> float:
    """Share of rows whose best column is a right one; ties count against us."""
    best_right = np.where(same, scores, -np.inf).max(1)
    best_wrong = np.where(same, -np.inf, scores).max(1)
    return float((best_right > best_wrong).mean())
