"""How well a spotter does on rendered words that it has never seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from sightread.methods.spotter.data import Scenes, Strip, readable, strips_of
from sightread.methods.spotter.model import Spotter, standardised
from sightread.methods.spotter.words import Words
from sightread.metrics import average_precision
from sightread.spotting.alphabet import query_ids, spell
from sightread.spotting.maps import Found, find_places
from sightread.spotting.places import Places, around, corners
from sightread.spotting.readings import read_columns
from sightread.spotting.strips import as_input, by_width, cut_strips
from sightread.synth.plans import Scene, WrittenWord
from sightread.synth.vocabulary import unseen_words
from sightread.text import key
from sightread.types import RGBImage, Vectors

if TYPE_CHECKING:
    from sightread.methods.spotter.recipe import SpotterRecipe

Rng = np.random.Generator
_SCENES = 24
_OVERLAP = 0.5


class UnseenWords(Words):
    """Only words that no training shows."""

    def draw(self, rng: Rng) -> str:
        """One of the unseen words of `synth`."""
        unseen = unseen_words()
        return unseen[int(rng.integers(len(unseen)))]


@dataclass(frozen=True, slots=True)
class HeldOut:
    """Strips and scenes for validation, always the same."""

    strips: tuple[Strip, ...]
    scenes: tuple[Scene, ...]


@lru_cache(maxsize=2)
def held_out(count: int, size_px: int) -> HeldOut:
    """`count` strips of unseen words, and scenes with them."""
    rng = np.random.default_rng([20_26, 9])
    source = Scenes(UnseenWords(), size_px)
    scenes = [source.get(rng) for _ in range(_SCENES)]
    strips: list[Strip] = []
    while len(strips) < count:
        strips += strips_of(source.get(rng), rng, 0.5)
    return HeldOut(tuple(strips[:count]), tuple(scenes))


def validate(recipe: SpotterRecipe, model: Spotter) -> dict[str, float]:
    """Of the parts that this run trains or begins with. Strips: `read`, the share that is read
    exactly (as words are compared), and `map`, the mean average precision of asking for each word
    among all of them by vectors. The finder: `precision` and `recall` of places that overlap by
    half. Both: `spotted`, the share of words that are found and read."""
    if not recipe.held_out:
        return {}
    held = held_out(recipe.held_out, recipe.size_px)
    can_read = recipe.batch > 0 or bool(recipe.start_from)
    figures = reading_figures(model, held.strips) if can_read else {}
    if recipe.finder:
        figures |= finding_figures(model, held.scenes)
    if not can_read:
        figures.pop("spotted")
    return figures


def reading_figures(model: Spotter, strips: Sequence[Strip]) -> dict[str, float]:
    """Over all strips, `read` and `map`."""
    vectors, texts = read_strips(model, [strip.pixels for strip in strips])
    written = [spell(strip.text) for strip in strips]
    right = [key(text) == word for text, word in zip(texts, written, strict=True)]
    return {"read": float(np.mean(right)), "map": mean_ap(model, vectors, written)}


def read_strips(model: Spotter, strips: Sequence[RGBImage]) -> tuple[Vectors, list[str]]:
    """Vectors (n, D) and readings."""
    device = model.logit_scale.device
    vectors = np.zeros((len(strips), model.strips.dim), np.float32)
    texts = [""] * len(strips)
    for numbers in by_width([strip.shape[1] for strip in strips]).values():
        pixels = torch.from_numpy(as_input([strips[number] for number in numbers]))
        with torch.no_grad():
            found, logs = model.strips(standardised(pixels.permute(0, 3, 1, 2).to(device)))
        vectors[numbers] = found.cpu().numpy()
        for number, columns in zip(numbers, logs.cpu().numpy(), strict=True):
            texts[number] = read_columns(columns).text
    return vectors, texts


def mean_ap(model: Spotter, vectors: Vectors, written: Sequence[str]) -> float:
    """Of asking for each distinct word among all vectors (n, D)."""
    asked = sorted(set(written))
    with torch.no_grad():
        ids = torch.from_numpy(query_ids(asked)).to(model.logit_scale.device)
        queries = model.query(ids).cpu().numpy()
    scores = queries @ vectors.T
    named = np.array(written)
    precisions = [
        average_precision(row, named == word) for row, word in zip(scores, asked, strict=True)
    ]
    return float(np.mean(precisions))


def find(model: Spotter, pixels: RGBImage) -> Found:
    """The places of words in a picture whose sides are multiples of 32."""
    device = model.logit_scale.device
    planes = torch.from_numpy(pixels.transpose(2, 0, 1)[None].copy()).to(device)
    with torch.no_grad():
        kernel, geometry = model.finder(planes.float() / 127.5 - 1)
    return find_places(torch.sigmoid(kernel)[0].cpu().numpy(), geometry[0].cpu().numpy())


def finding_figures(model: Spotter, scenes: Sequence[Scene]) -> dict[str, float]:
    """Over all scenes; words too small to be read are neither asked for nor wrong."""
    found_count = right = wanted = hits = spotted = 0
    for scene in scenes:
        found = find(model, scene.pixels)
        _, texts = read_strips(model, cut_strips(scene.pixels, found.places))
        every = overlap(_places(scene.words), found.places)  # (words, found)
        asked = [readable(word) for word in scene.words]
        touched = every.max(axis=0, initial=0.0)
        small = every[[not one for one in asked]].max(axis=0, initial=0.0) > 0
        found_count += int((~small | (touched >= _OVERLAP)).sum())
        right += int((touched >= _OVERLAP).sum())
        for word, row in zip(scene.words, every, strict=True):
            if not readable(word):
                continue
            wanted += 1
            best = int(row.argmax()) if len(row) else -1
            if best >= 0 and row[best] >= _OVERLAP:
                hits += 1
                spotted += key(texts[best]) == spell(word.text)
    return {
        "precision": right / max(found_count, 1),
        "recall": hits / max(wanted, 1),
        "spotted": spotted / max(wanted, 1),
    }


def _places(words: Sequence[WrittenWord]) -> Places:
    boxes = [around(word.polygon)[0] for word in words]
    return np.concatenate([np.zeros((0, 5), np.float32), *boxes])


def overlap(ours: Places, theirs: Places) -> NDArray[np.float64]:
    """Intersection over union of each box of the first with each of the second, (n, m)."""
    found = np.zeros((len(ours), len(theirs)))
    left, right = corners(ours), corners(theirs)
    for i, one in enumerate(left):
        for j, other in enumerate(right):
            shared, _ = cv2.intersectConvexConvex(one, other)
            if shared > 0:
                both = ours[i, 2] * ours[i, 3] + theirs[j, 2] * theirs[j, 3]
                found[i, j] = shared / max(float(both) - shared, 1e-6)
    return found
