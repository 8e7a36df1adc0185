"""What the tiny CLIP of `synth-ambiguity` learns from: scenes of carriers, some of them marked.

Captions name two things of a scene and never a word that is written in it, so that it cannot read.
In half of the scenes the two are marked in red, where their plate is, like words on the ground that
nobody means: so it learns what a CLIP has from the web, that a sentence speaks of what is marked
(papers/hopid section 12).

Its text tower knows how words are spelled, which is learned from text alone: a prompt that names
words gets a vector that says which letters stand where in them (`spelling`). It learns so before
the first picture, and goes on meanwhile. No word of `synth-ambiguity` is among them.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from tokenizers import Tokenizer as Pieces
from torch import Tensor

from sightread.clip.model import CLIP
from sightread.clip.tokens import spelling_tokenizer, tokenise
from sightread.methods.clip.spelling import miss, spelling_targets
from sightread.methods.method import Batch, Batches
from sightread.preprocess import PreprocessSpec, fit_square, normalise
from sightread.scenetext.captions import prompt
from sightread.scenetext.marks import MarkSettings, marked
from sightread.scenetext.tokens import scene_tokens
from sightread.synth.ambiguity import (
    describe_two,
    made_up_word,
    made_up_words,
    random_board,
    true_words,
    vocabulary,
)
from sightread.synth.carriers import SIZE_PX, SLOTS, draw_board
from sightread.types import RGBImage

CARRIERS = "tiny-carriers"
"""The architecture that is trained so."""

_WRITTEN, _MARKED = 0.8, 0.5
"""Shares of scenes with words, and with marks."""
_PROMPTS = 16
"""Of a batch, besides its pictures."""
Rng = np.random.Generator
Scene = tuple[RGBImage, str]


def carrier_pieces() -> Pieces:
    """The tokeniser: words of captions whole, all others spelled."""
    return spelling_tokenizer(vocabulary())


def carrier_batches(
    pictures: int, batch: int, spec: PreprocessSpec, context_length: int, dim: int, seed: int
) -> Batches:
    """Batch n: scenes, what is said of them, and prompts with the spelling they should have.

    Args:
        pictures: how many scenes there are; each is drawn once and kept.
        batch: scenes in a batch.
        context_length: of the tokens.
        dim: of the vectors.
    """
    pieces = carrier_pieces()
    kept: dict[int, Scene] = {}

    def scene(number: int) -> Scene:
        if number not in kept:
            pixels, caption = draw_scene(np.random.default_rng([seed, 43, number]))
            kept[number] = fit_square(pixels, spec), caption
        return kept[number]

    def made(number: int) -> Batch:
        rng = np.random.default_rng([seed, 44, number])
        drawn = [scene(int(one)) for one in rng.choice(pictures, batch, replace=pictures < batch)]
        tokens = tokenise(pieces, [caption for _, caption in drawn], context_length)
        asked, targets = prompts(pieces, _PROMPTS, context_length, dim, rng)
        return {
            "images": torch.from_numpy(np.stack([normalise(one, spec) for one, _ in drawn])),
            "tokens": tokens[:, : int(tokens.argmax(-1).max()) + 1],
            "prompts": asked,
            "spelled": targets,
        }

    return made


def draw_scene(rng: Rng) -> Scene:
    """A picture (96, 96, 3) and a caption of two of its things; marked ones if any are marked."""
    words = rng.random() < _WRITTEN
    places = rng.permutation(SLOTS)[: rng.integers(1, 5) if words else 0]
    board = random_board(rng, {int(slot): made_up_word(rng) for slot in places})
    order = [int(at) for at in rng.permutation(4)]
    bearers = [cell for cell in order if board.cells[cell].bears][:2]
    written = {cell: made_up_word(rng) for cell in bearers if words}
    pixels = draw_board(board, written)
    if rng.random() >= _MARKED:
        return pixels, describe_two(board, rng)
    named = order[:2]
    places_of = {cell: written.get(cell, made_up_word(rng)) for cell in named}
    tokens = scene_tokens(true_words(board, places_of), SIZE_PX, SIZE_PX)
    return marked(pixels, tokens, MarkSettings()), describe_two(board, rng, named)


# --- spelling ----------------------------------------------------------------------------------


def learn_prompts(model: CLIP, steps: int, seed: int, batch: int = 128) -> float:
    """Train the text tower on the spelling of words in prompts; the image tower stays as it is.

    Returns:
        The last loss, 1 - cosine; 0.0 without steps.
    """
    pieces, text = carrier_pieces(), model.config.text
    parameters = [p for name, p in model.named_parameters() if not name.startswith("visual.")]
    optimizer = torch.optim.AdamW(parameters, lr=2e-3, betas=(0.9, 0.98))
    loss = torch.zeros(())
    for step in range(steps):
        for group in optimizer.param_groups:
            group["lr"] = 2e-3 * (1 - step / steps)
        rng = np.random.default_rng([seed, 45, step])
        asked, targets = prompts(pieces, batch, text.context_length, model.config.embed_dim, rng)
        loss = miss(model, asked, targets)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    return float(loss.detach())


def prompts(
    pieces: Pieces, count: int, context_length: int, dim: int, rng: Rng
) -> tuple[Tensor, Tensor]:
    """Token ids (count, T) of prompts that name one or two words, and the spelling (count, dim) of
    these; some are the words alone."""
    named = [[_name(rng) for _ in range(int(rng.integers(1, 3)))] for _ in range(count)]
    texts = [prompt(one)[0] if rng.random() < 0.8 else " ".join(one) for one in named]
    tokens = tokenise(pieces, texts, context_length)
    targets: NDArray[np.float32] = spelling_targets([" ".join(one) for one in named], dim)
    return tokens[:, : int(tokens.argmax(-1).max()) + 1], torch.from_numpy(targets)


def _name(rng: Rng) -> str:
    """A word that is not of `synth-ambiguity`; one of four is letters in any order."""
    known = made_up_words()
    while True:
        word = made_up_word(rng)
        if rng.random() < 0.25:
            word = "".join(
                chr(97 + int(at)) for at in rng.integers(26, size=int(rng.integers(3, 7)))
            )
        if word not in known[0] and word not in known[1]:
            return word
