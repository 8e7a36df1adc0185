"""What the tiny CLIP of `synth-entity` learns from: emblems and descriptions of them.

It gets to know looks, and no entity: the emblems of entities are left out, whatever the seed, and
no name is ever said (papers/entityclip section 13).
"""

from __future__ import annotations

import numpy as np
import torch

from sightread.clip.tokens import tokenise, word_tokenizer
from sightread.methods.method import Batch, Batches
from sightread.preprocess import PreprocessSpec, normalise
from sightread.synth.emblems import draw_emblem
from sightread.synth.entities import describe_freely, emblems_of_none, vocabulary
from sightread.types import RGBImage

_FIRST_SEED = 2**23
"""No picture of `synth-entity` has a seed as high as this."""


def emblem_batches(
    pictures: int, batch: int, spec: PreprocessSpec, context_length: int, seed: int
) -> Batches:
    """Batch n: pictures of emblems, each of another one, and what is said of them.

    Args:
        pictures: how many there are; each is drawn once and kept.
        batch: pictures in a batch.
        context_length: of the tokens.
    """
    emblems, pieces = emblems_of_none(), word_tokenizer(vocabulary())
    kept: dict[int, RGBImage] = {}

    def picture(number: int) -> RGBImage:
        if number not in kept:
            emblem = emblems[number % len(emblems)]
            kept[number] = draw_emblem(emblem, _FIRST_SEED + number, spec.size_px)
        return kept[number]

    def made(number: int) -> Batch:
        rng = np.random.default_rng([seed, 14, number])
        drawn = rng.choice(pictures, batch, replace=pictures < batch)
        pixels = [normalise(picture(int(one)), spec) for one in drawn]
        texts = [describe_freely(emblems[int(one) % len(emblems)], rng) for one in drawn]
        tokens = tokenise(pieces, texts, context_length)
        used = int(tokens.argmax(-1).max()) + 1
        return {"images": torch.from_numpy(np.stack(pixels)), "tokens": tokens[:, :used]}

    return made
