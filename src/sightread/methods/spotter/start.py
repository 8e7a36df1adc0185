"""What happens before the first picture: spelling, or the weights of an earlier run."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file

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

    Raises:
        UsageError: there are none.
        ModelError: they cannot be read, or are of a spotter of other sizes.
    """
    file = _weights_file(path)
    try:
        model.load_state_dict(load_file(file))
    except (OSError, SafetensorError) as error:
        raise ModelError(f"{file} cannot be read: {error}.") from error
    except RuntimeError as error:
        reason = " ".join(str(error).split())[:300]
        raise ModelError(f"{file} is of a spotter of other sizes: {reason}") from error


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
