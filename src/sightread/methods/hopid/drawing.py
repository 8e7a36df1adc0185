"""Batches of what the frozen parts said of the training data."""

from __future__ import annotations

import numpy as np
import torch

from sightread.methods.hopid.config import HopidRecipe
from sightread.methods.hopid.data import shuffled
from sightread.methods.hopid.features import CaptionTable, PictureTable, Taken
from sightread.methods.method import Batch
from sightread.synth.misreading import misread
from sightread.text import key
from sightread.types import WordRegion


class Drawer:
    """Batches from what the frozen parts said."""

    def __init__(
        self, recipe: HopidRecipe, pictures: PictureTable, captions: CaptionTable, seed: int
    ) -> None:
        self._recipe, self._seed = recipe, seed
        self._pictures, self._captions = pictures, captions
        counts = [len(one.captions) for one in pictures.pictures]
        self._first = np.cumsum([0, *counts])
        self._words = [frozenset(key(one.text) for one in some) for some in pictures.tokens]
        self._foreign = sorted({one.text for some in pictures.tokens for one in some})
        self._mentioned = [pictures.mentioned(at) for at in range(len(pictures))]
        texts = {text: at for at, text in enumerate(sorted(set(captions.texts)))}
        self._text = [texts[text] for text in captions.texts]
        said = [tuple(sorted(key(one.text) for one in some)) for some in captions.entities]
        names = {one: at for at, one in enumerate(sorted(set(said)))}
        self._named = [names[one] for one in said]
        self._size = min(recipe.batch, len(pictures))
        self.per_epoch = len(pictures) // self._size

    def batch(self, number: int) -> Batch:
        """Batch `number`; see `losses` for what is in it."""
        epoch, place = divmod(number, self.per_epoch)
        order = shuffled(
            self._pictures.pictures,
            self._words,
            self._recipe.sampler,
            np.random.default_rng([self._seed, 62, epoch]),
        )
        chosen = order[place * self._size : (place + 1) * self._size]
        rng = np.random.default_rng([self._seed, 63, number])
        told = [int(rng.integers(self._first[at], self._first[at + 1])) for at in chosen]
        taken = [self._taken(at, rng) for at in chosen]
        seen, read = self._pictures.seen(chosen, taken), self._captions.read(told)
        mentioned = torch.zeros(seen.keep.shape, dtype=torch.bool)
        for row, at, some in zip(mentioned, chosen, taken, strict=True):
            numbers = np.array([one for one, _ in some], int)
            row[: len(numbers)] = torch.from_numpy(self._mentioned[at][numbers])
        if self._recipe.model.scene_text.passes == "two":
            dropped = torch.from_numpy(rng.random(len(chosen)) < self._recipe.marks_dropped)
            seen = seen._replace(marked=torch.where(dropped[:, None], seen.base, seen.marked))
        return {
            **seen._asdict(),
            **{f"caption_{name}": value for name, value in read._asdict().items()},
            "mentioned": mentioned,
            "key": torch.tensor([self._text[at] for at in told]),
            "entity_key": torch.tensor([self._named[at] for at in told]),
            "hardest": number >= self._recipe.nce_batches,
        }

    def _taken(self, at: int, rng: np.random.Generator) -> Taken:
        """The words of a picture as training takes them this time."""
        recipe, tokens = self._recipe, self._pictures.tokens[at]
        if recipe.text_dropped and rng.random() < recipe.text_dropped:
            return []
        kept = [n for n in range(len(tokens)) if rng.random() >= recipe.words_dropped]
        # What has text keeps some, or marks would be seen that surround nothing.
        kept = kept or list(range(len(tokens)))
        words = tuple(WordRegion(tokens[n].quad, 1.0, tokens[n].text) for n in kept)
        words = misread(words, recipe.letters_misread, "letters", rng)
        words = misread(words, recipe.words_misread, "foreign", rng, self._foreign)
        return [(n, one.text or "") for n, one in zip(kept, words, strict=True)]
