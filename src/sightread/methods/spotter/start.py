"""What happens before the first picture: spelling, or the weights of an earlier run."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from sightread.errors import ModelError, UsageError
from sightread.methods.spotter.losses import graded_loss, graded_similarity
from sightread.methods.spotter.model import Spotter
from sightread.methods.spotter.words import Words, near_strings
from sightread.spotting.alphabet import query_ids, spell

_WORDS, _NEAR, _LR = 96, 1, 3e-3


def learn_to_spell(model: Spotter, words: Words, steps: int, seed: int) -> None:
    """Teach the query tower what similar strings are, from strings alone.

    A step compares 96 words and 96 strings one or two edits from them, all with all.
    """
    if not steps:
        return
    tower = model.query
    rng = np.random.default_rng([seed, 8])
    optimizer = torch.optim.Adam(tower.parameters(), lr=_LR)
    falling = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    for _ in range(steps):
        drawn = [spell(words.draw(rng)) for _ in range(_WORDS)]
        asked = list(dict.fromkeys(s for w in drawn for s in (w, *near_strings(w, _NEAR, rng))))
        target = torch.from_numpy(graded_similarity(asked, asked))
        vectors = tower(torch.from_numpy(query_ids(asked)))
        loss = graded_loss(vectors @ vectors.T, target)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        falling.step()


def load_weights(model: Spotter, path: Path) -> None:
    """All weights of a checkpoint, the moving average if there is one.

    A model with more channels or more blocks than the checkpoint computes at first what that did:
    see `_grow`.

    Raises:
        UsageError: there are none.
        ModelError: they cannot be read, or are of a larger or another spotter.
    """
    file = _weights_file(path)
    try:
        saved = load_file(file)
    except (OSError, SafetensorError) as error:
        raise ModelError(f"{file} cannot be read: {error}.") from error
    own = model.state_dict()
    for name, values in saved.items():
        if name not in own or not _fits(values.shape, own[name].shape):
            raise ModelError(
                f"{file} is of a spotter of other sizes: {name} has the shape "
                f"{tuple(values.shape)}, which does not fit into this one."
            )
        _grow(own[name], values)


def _fits(inner: Sequence[int], outer: Sequence[int]) -> bool:
    return len(inner) == len(outer) and all(a <= b for a, b in zip(inner, outer, strict=True))


@torch.no_grad()
def _grow(weights: Tensor, saved: Tensor) -> None:
    """Put smaller weights into larger ones: old outputs listen to old inputs alone, new outputs
    keep the weights with which they were made (Net2Net, Chen et al., ICLR 2016, without copies).
    Blocks that are new begin as the identity."""
    old = tuple(slice(0, size) for size in saved.shape)
    if saved.ndim > 1:
        weights[old[0]] = 0.0
    weights[old] = saved


def _weights_file(path: Path) -> Path:
    steps = sorted(path.glob("checkpoints/step-*"))
    for folder in (path, *reversed(steps)):
        for name in ("ema.safetensors", "model.safetensors"):
            if (folder / name).is_file():
                return folder / name
    raise UsageError(
        f"{path} has no weights to start from: name a checkpoint, or the folder of a training run, "
        "with --set method.start_from="
    )
