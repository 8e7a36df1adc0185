"""How the spotter is trained: what the lab needs to know of it.

Two stages, one loss. In the first (`finder = false`) only strips are learned: scenes are rendered,
their words cut out, and strips and strings brought together; that is cheap per word. In the second
(`start_from` names the run of the first) the finder learns on the whole scenes, with strips or
without: the two share no weights.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from sightread.errors import UsageError
from sightread.methods.method import Batch, Batches, Losses, Method, ParameterGroup
from sightread.methods.spotter.data import RealWords, Scenes, Strip, list_backgrounds, strips_of
from sightread.methods.spotter.exported import parts, preprocess_spec, tokenizer
from sightread.methods.spotter.losses import (
    contrastive_loss,
    geometry_loss,
    graded_loss,
    graded_similarity,
    kernel_loss,
    reading_loss,
)
from sightread.methods.spotter.model import Spotter, SpotterConfig, standardised
from sightread.methods.spotter.photographs import Photographs, Seen
from sightread.methods.spotter.start import learn_to_spell, load_weights
from sightread.methods.spotter.targets import draw_targets
from sightread.methods.spotter.validation import validate
from sightread.methods.spotter.words import Words, near_strings, read_word_list
from sightread.spotting.alphabet import LONGEST, query_ids, reading_classes, spell
from sightread.spotting.strips import WIDTHS_PX, as_input, by_width

Rng = np.random.Generator

ABOUT = (
    "Finds words in pictures and gives each a place, a vector and a reading: a small network of "
    "our own. Latin letters, digits and common accents; words of up to "
    "25 characters that run roughly to the right. Handwriting, strongly bent words, other scripts "
    "and letters below about 8 pixels are where it fails first."
)


@dataclass(frozen=True, slots=True)
class SpotterRecipe:
    """A training run.

    Attributes:
        finder: whether the finder is trained; without it only strips are.
        start_from: a checkpoint, or the folder of a run, whose weights it begins with.
        spelling_steps: updates of the query tower alone before the first picture, if there is no
            `start_from`.
        scenes: rendered for each batch; `size_px` is their side.
        batch: at most so many strips of each batch are learned; 0 for the finder alone, with
            which strips share nothing.
        pairs: the share of neighbours in a line that are also shown as one strip, so that the
            space between words is learned.
        views: how often each scene's words are cut out, each time a little differently.
        distractors: strings at a small edit distance for each word of a batch.
        words: a text file with more words to write, one a line (tabs end a word).
        backgrounds: a folder of photographs to write on.
        photographs: a file of photographs whose words are known (`photographs`), and
            `photo_scenes`, how many of the scenes of a batch are taken from them.
        real_words: a folder of photographed words (`data.RealWords`), and `real_share` of a batch.
        held_out: rendered strips and scenes for validation; 0 for none.
    """

    model: SpotterConfig = field(default_factory=SpotterConfig)
    finder: bool = False
    start_from: str = ""
    spelling_steps: int = 500
    scenes: int = 8
    size_px: int = 320
    batch: int = 96
    pairs: float = 0.3
    views: int = 1
    distractors: int = 2
    words: str = ""
    backgrounds: str = ""
    photographs: str = ""
    photo_scenes: int = 0
    real_words: str = ""
    real_share: float = 0.1
    reading_weight: float = 1.0
    contrast_weight: float = 0.5
    graded_weight: float = 2.0
    kernel_weight: float = 1.0
    geometry_weight: float = 1.0
    lr: float = 1e-3
    weight_decay: float = 0.02
    held_out: int = 256


def build(recipe: SpotterRecipe, seed: int) -> Spotter:
    """A model with weights drawn from the seed."""
    torch.manual_seed(seed)
    model = Spotter(recipe.model)
    for name, parameter in model.named_parameters():
        # Each residual block starts as the identity.
        if name.endswith("second.1.weight"):
            torch.nn.init.zeros_(parameter)
    return model


def start(recipe: SpotterRecipe, model: Spotter) -> None:
    """The weights of an earlier run, or a query tower that can spell.

    Raises:
        UsageError: `start_from` has no weights.
        ModelError: they are of another model.
    """
    if recipe.start_from:
        load_weights(model, Path(recipe.start_from))
    else:
        learn_to_spell(model, Words(), recipe.spelling_steps, seed=0)


def batches(recipe: SpotterRecipe, model: Spotter, seed: int) -> Batches:
    """Batch n: scenes, and strips of their words."""
    del model
    words = Words(read_word_list(Path(recipe.words)) if recipe.words else ())
    source = Scenes(words, recipe.size_px, list_backgrounds(recipe.backgrounds))
    real = RealWords(recipe.real_words) if recipe.real_words else None
    photographs = Photographs(recipe.photographs, recipe.size_px) if recipe.photographs else None
    photo_scenes = recipe.photo_scenes if photographs else 0

    def batch(number: int) -> Batch:
        rng = np.random.default_rng([seed, 7, number])
        seen = [Seen(source.get(rng)) for _ in range(recipe.scenes - photo_scenes)]
        if photographs:
            seen += [photographs.get(rng) for _ in range(photo_scenes)]
        found = finder_batch(seen) if recipe.finder else {}
        if not recipe.batch:
            return found
        strips = [
            strip
            for one in seen
            for _ in range(recipe.views)
            for strip in strips_of(one.scene, rng, pairs=recipe.pairs)
        ]
        chosen = [strips[int(i)] for i in rng.permutation(len(strips))[: recipe.batch]]
        if real is not None:
            chosen = _with_real(chosen, real, recipe.real_share, rng)
        return found | strip_batch(chosen, recipe.distractors, rng)

    return batch


def _with_real(strips: list[Strip], real: RealWords, share: float, rng: Rng) -> list[Strip]:
    """Photographed words in the place of some rendered ones."""
    wanted = round(len(strips) * share)
    drawn = [real.get(int(i), rng) for i in rng.integers(len(real), size=wanted)]
    kept = [strip for strip in drawn if strip is not None]
    return [*kept, *strips[len(kept) :]]


def strip_batch(strips: Sequence[Strip], distractors: int, rng: Rng) -> dict[str, Tensor]:
    """Strips by width, their texts, the strings they are compared with, and how similar those are.

    `texts` (N, 25) classes and `lengths` (N,) are in the order of the widths; `queries` (Q, 27) are
    ids, `similar` (N, Q) and `related` (Q, Q) what cosines shall be.
    """
    groups = by_width([strip.pixels.shape[1] for strip in strips])
    order = [number for group in groups.values() for number in group]
    texts = torch.zeros((len(order), LONGEST), dtype=torch.int64)
    lengths = torch.zeros(len(order), dtype=torch.int64)
    for row, number in enumerate(order):
        classes = reading_classes(strips[number].text)[:LONGEST]
        texts[row, : len(classes)] = torch.tensor(classes)
        lengths[row] = len(classes)
    written = [spell(strips[number].text) for number in order]
    asked = list(dict.fromkeys(written))
    near = [made for word in asked for made in near_strings(word, distractors, rng)]
    asked = list(dict.fromkeys([*asked, *near]))
    found = {
        "texts": texts,
        "lengths": lengths,
        "queries": torch.from_numpy(query_ids(asked)),
        "similar": torch.from_numpy(graded_similarity(written, asked)),
        "related": torch.from_numpy(graded_similarity(asked, asked)),
    }
    for width, numbers in groups.items():
        pixels = torch.from_numpy(as_input([strips[number].pixels for number in numbers]))
        found[f"strips_{width}"] = pixels.permute(0, 3, 1, 2)
    return found


def finder_batch(seen: Sequence[Seen]) -> dict[str, Tensor]:
    """Pixels (B, 3, H, W) uint8 and what the finder's maps shall show."""
    height, width = seen[0].scene.pixels.shape[:2]
    targets = [
        draw_targets([word.polygon for word in one.scene.words], width, height, one.unsure)
        for one in seen
    ]
    pixels = np.stack([one.scene.pixels.transpose(2, 0, 1) for one in seen])
    found = {"pixels": torch.from_numpy(pixels)}
    for name in ("kernel", "mask", "geometry", "weights"):
        found[name] = torch.from_numpy(np.stack([getattr(one, name) for one in targets]))
    return found


def losses(recipe: SpotterRecipe, model: Spotter, batch: Batch) -> Losses:
    """The weighted sum of what is wrong with strips and maps."""
    found = strip_losses(model, batch) if "texts" in batch and len(batch["texts"]) else {}
    if recipe.finder:
        kernel, geometry = model.finder(batch["pixels"].float() / 127.5 - 1)
        found["kernel"] = kernel_loss(kernel.float(), batch["kernel"], batch["mask"])
        found["geometry"] = geometry_loss(geometry.float(), batch["geometry"], batch["weights"])
    weights = {
        "reading": recipe.reading_weight,
        "contrast": recipe.contrast_weight,
        "graded": recipe.graded_weight,
        "kernel": recipe.kernel_weight,
        "geometry": recipe.geometry_weight,
    }
    total = sum(weights[name] * value for name, value in found.items())
    return {"total": torch.as_tensor(total), **found}


def strip_losses(model: Spotter, batch: Batch) -> Losses:
    """Reading, contrast and graded similarity of the strips of a batch."""
    vectors, reading, first = [], torch.zeros((), device=batch["texts"].device), 0
    for width in WIDTHS_PX:
        if f"strips_{width}" not in batch:
            continue
        found, logs = model.strips(standardised(batch[f"strips_{width}"]))
        rows = slice(first, first + len(found))
        reading = reading + reading_loss(logs, batch["texts"][rows], batch["lengths"][rows])
        vectors.append(found)
        first += len(found)
    queries = model.query(batch["queries"])  # (Q, D)
    cosines = torch.cat(vectors) @ queries.T  # (N, Q)
    right = (batch["similar"] > 1 - 1e-4).float()
    related = graded_loss(queries @ queries.T, batch["related"])
    return {
        "reading": reading / len(batch["texts"]),
        "contrast": contrastive_loss(model.scale() * cosines, right),
        "graded": graded_loss(cosines, batch["similar"]) + related,
    }


def groups(recipe: SpotterRecipe, model: Spotter) -> list[ParameterGroup]:
    """Weight decay on matrices only; what the batches do not teach stays out.

    Raises:
        UsageError: that is everything.
    """
    if not recipe.finder and not recipe.batch:
        raise UsageError("There is nothing to train: set method.finder=true or method.batch.")
    own = [
        parameter
        for name, parameter in model.named_parameters()
        if (recipe.finder if name.startswith("finder.") else recipe.batch)
    ]
    matrices, vectors = ([p for p in own if (p.ndim > 1) == big] for big in (True, False))
    return [
        ParameterGroup("matrices", matrices, recipe.lr, recipe.weight_decay),
        ParameterGroup("vectors", vectors, recipe.lr),
    ]


SPOTTER_METHOD: Method[SpotterRecipe, Spotter] = Method(
    name="spotter",
    space="words",
    config=SpotterRecipe,
    build=build,
    start=start,
    batches=batches,
    losses=losses,
    groups=groups,
    parts=parts,
    preprocess=preprocess_spec,
    tokenizer=tokenizer,
    validate=validate,
    about=ABOUT,
)
