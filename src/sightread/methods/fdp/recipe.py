"""How FDP is trained: what the lab needs to know of it (section 8 of the specification).

The published recipe is the default: Adam's learning rates 2e-3 for new parameters and 1e-4 for
those that start from CLIP's, batches of 48 word-image pairs. Deviations: samples are drawn anew in
every epoch (Q13), and the published stopping point, epoch 8, is replaced by a held-out score (Q7).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
import torch
import torch.nn.functional as F
from tokenizers import Tokenizer as Pieces
from torch import Tensor

from sightread.clip.backbone import load_backbone as load_pretrained
from sightread.clip.backbone import token_id
from sightread.clip.config import CONFIGS, ResNetConfig
from sightread.clip.model import CLIP
from sightread.clip.tokens import END, PAD_ID, START, clip_tokenizer, tiny_tokenizer, tokenise
from sightread.errors import UsageError
from sightread.methods.fdp.config import FdpConfig
from sightread.methods.fdp.data import TRAINING_SETS
from sightread.methods.fdp.distractors import Lexicon
from sightread.methods.fdp.examples import (
    AnnotatedExamples,
    Example,
    Examples,
    RenderedExamples,
    read_words,
    word_list,
)
from sightread.methods.fdp.losses import (
    alignment_loss,
    distraction_loss,
    distraction_target,
    localisation_loss,
)
from sightread.methods.fdp.model import FDP
from sightread.methods.fdp.queries import fit_clusters
from sightread.methods.fdp.targets import localisation_target
from sightread.methods.fdp.towers import ImageTower, TextTower
from sightread.methods.fdp.validation import figures, held_out_task
from sightread.methods.method import Batch, Batches, Losses, Method, ParameterGroup, Towers
from sightread.preprocess import PreprocessSpec, normalise
from sightread.tokenizer import TokenizerSource, TokenLayout

ABOUT = (
    "Finds pictures by the words, phrases and short descriptions of text that is written in them, "
    'without reading it: FDP ("Focus, Distinguish, and Prompt", Zeng et al., ACM MM 2024), built '
    "from its description. One vector stands for a whole picture, so that very small text, "
    "pictures full of words, and words that differ in one letter are where it fails first."
)

CLIP_DOT = 269
"""Id of "." at the end of a word in the vocabulary of the published models."""


@dataclass(frozen=True, slots=True)
class FdpRecipe:
    """A training run.

    Attributes:
        model: the switches of FDP.
        clip: weights of the backbone: a file, a folder made by `models pull` or `models import`,
            or a run of `train clip`. Empty: random weights, which is good for tests only.
        data: `synth-str` is rendered; the others are read from `root`.
        words: file with the words that are clustered, one per line; empty: the most frequent 500
            of the data, for `synth-str` words of both kinds, equal in number and length.
        lexicon: file with the words that distractors come from; empty: all words of the data, for
            `synth-str` with made-up look-alikes.
        pictures: how many to render for `synth-str`.
        batch: word-image pairs.
        held_out: share of the pictures of a data set that training leaves alone (Q7).
        validation_queries: for each group of `synth-str`; for a data set any number but 0 means
            all. 0: no validation.
    """

    model: FdpConfig = field(default_factory=FdpConfig)
    clip: str = ""
    data: Literal["synth-str", "mlt", "icdar2015"] = "synth-str"
    root: str = ""
    words: str = ""
    lexicon: str = ""
    pictures: int = 4000
    batch: int = 48
    held_out: float = 0.05
    validation_queries: int = 6
    lr_new: float = 2e-3
    lr_tuned: float = 1e-4
    weight_decay: float = 1e-3


def build(recipe: FdpRecipe, seed: int) -> FDP:
    """A model with weights drawn from the seed."""
    torch.manual_seed(seed)
    tiny = recipe.model.variant == "tiny"
    dot = token_id(tiny_tokenizer(), ".</w>") if tiny else CLIP_DOT
    return FDP(CLIP(CONFIGS[recipe.model.backbone]), recipe.model, dot)


def start(recipe: FdpRecipe, model: FDP) -> None:
    """Load the backbone, then fit what is fitted once: clusters and probe.

    Raises:
        ModelError: the checkpoint is not one of the variant's backbone.
        UsageError: a file is missing, or the anchors cannot be told apart.
    """
    settings = recipe.model
    if recipe.clip:
        model.clip.load_state_dict(load_backbone(recipe).state_dict())
    model.start_from_clip()
    words = word_list(recipe.words, open_examples(recipe, 0))
    adopt_words(model, pieces_of(recipe), list(dict.fromkeys([*settings.anchors, *words])))


@torch.no_grad()
def adopt_words(model: FDP, pieces: Pieces, words: list[str]) -> None:
    """Fit the clusters to a word list and encode the probe; both become buffers of the model."""
    settings = model.config
    length = model.clip.config.text.context_length
    model.probe.copy_(model.clip.encode_text(tokenise(pieces, [settings.probe_text], length))[0])
    if settings.distinction:
        features = model.clip.encode_text(tokenise(pieces, words, length))
        model.centroids.copy_(
            fit_clusters(features, words, settings.anchors, settings.cluster_seed)
        )


def batches(recipe: FdpRecipe, model: FDP, seed: int) -> Batches:
    """Batch n: pairs of a shuffled epoch, their candidates, and the targets of the text map."""
    del model
    examples = open_examples(recipe, seed)
    settings, pieces, spec = recipe.model, pieces_of(recipe), preprocess_spec(recipe)
    words = read_words(Path(recipe.lexicon)) if recipe.lexicon else examples.lexicon()
    lexicon = Lexicon(words, settings.candidates, settings.padding, seed)
    per_epoch = max(1, len(examples) // recipe.batch)

    def batch(number: int) -> Batch:
        epoch, place = divmod(number, per_epoch)
        order = np.random.default_rng([seed, 1, epoch]).permutation(len(examples))
        chosen = order[place * recipe.batch : (place + 1) * recipe.batch]
        rng = np.random.default_rng([seed, 2, number])
        drawn = [examples.get(int(index), rng) for index in chosen]
        pixels = np.stack([normalise(example.square, spec) for example in drawn])
        return {"images": torch.from_numpy(pixels), **pair_batch(drawn, settings, pieces, lexicon)}

    return batch


def pair_batch(
    drawn: Sequence[Example], settings: FdpConfig, pieces: Pieces, lexicon: Lexicon
) -> dict[str, Tensor]:
    """Everything about pairs but the pixels.

    Returns:
        `tokens` (B, n, T): the word and its distractors; `distances` (B, n); `target` and `mask`
        (B, h, w); `word` and `picture` (B,), equal numbers for equal ones.
    """
    found = [lexicon.candidates(example.word) for example in drawn]
    count = settings.candidates if settings.distracted_queries else 1
    strings = [text for one in found for text in one.strings[:count]]
    longest = CONFIGS[settings.backbone].text.context_length
    tokens = tokenise(pieces, strings, longest)
    # The prompt needs its context, "." and one place more; what is behind is padding.
    room = int(tokens.argmax(-1).max()) + settings.content_context + settings.function_context + 3
    tokens = tokens[:, : min(room, longest)]
    size, how, cell = settings.size_px, settings.map_sampling, cell_px(settings)
    maps = [localisation_target(e.texts, e.ignored, size, cell, how) for e in drawn]
    ids = {word: number for number, word in enumerate(sorted({e.word for e in drawn}))}
    return {
        "tokens": tokens.view(len(drawn), count, -1),
        "distances": torch.tensor([one.distances[:count] for one in found]),
        "target": torch.from_numpy(np.stack([target for target, _ in maps])),
        "mask": torch.from_numpy(np.stack([mask for _, mask in maps])),
        "word": torch.tensor([ids[e.word] for e in drawn]),
        "picture": torch.tensor([e.picture for e in drawn]),
    }


def cell_px(settings: FdpConfig) -> int:
    """Pixels of the input per cell of the text map."""
    vision = CONFIGS[settings.backbone].vision
    assert isinstance(vision, ResNetConfig)  # every variant's backbone is one
    return vision.cell_px


def losses(recipe: FdpRecipe, model: FDP, batch: Batch) -> Losses:
    """The three losses of section 7; `grid` in place of `images` saves the backbone's work."""
    settings = recipe.model
    grid = batch["grid"] if "grid" in batch else model.grid(batch["images"])  # (B, C, h, w)
    features, text_map = model.image_head(grid)
    images = F.normalize(features, dim=-1)  # (B, D)
    tokens = batch["tokens"]  # (B, n, T)
    pairs, count = tokens.shape[:2]
    cluster = model.cluster(tokens[:, 0])  # (B,)
    texts = model.encode_text(tokens.flatten(0, 1), cluster.repeat_interleave(count))  # (Bn, D)
    texts = F.normalize(texts, dim=-1).view(pairs, count, -1)  # (B, n, D)
    scale = model.clip.logit_scale.exp()
    positive = None
    if settings.multi_positive:
        word, picture = batch["word"], batch["picture"]
        positive = (word[:, None] == word) | (picture[:, None] == picture)
    alignment = alignment_loss(scale * images @ texts[:, 0].T, positive)
    found = {"alignment": alignment, "total": settings.alignment_weight * alignment}
    if settings.distracted_queries:
        target = distraction_target(batch["distances"], settings.dqa_temperature)
        logits = scale * torch.einsum("bd,bnd->bn", images, texts)
        found["distraction"] = distraction_loss(logits, target)
        found["total"] = found["total"] + settings.distraction_weight * found["distraction"]
    if settings.localisation_loss:
        found["localisation"] = localisation_loss(text_map, batch["target"], batch["mask"])
        found["total"] = found["total"] + settings.localisation_weight * found["localisation"]
    return found


def validate(recipe: FdpRecipe, model: FDP) -> dict[str, float]:
    """mAP on held-out pictures, and what cosines mean; see `validation`."""
    if not recipe.validation_queries:
        return {}
    task = held_out_task(recipe)
    return figures(model, task, pieces_of(recipe), preprocess_spec(recipe))


def groups(recipe: FdpRecipe, model: FDP) -> list[ParameterGroup]:
    """New parameters learn fast, those that start from CLIP's slowly."""
    new, tuned = model.parameter_groups()
    return [
        ParameterGroup("new", new, recipe.lr_new, recipe.weight_decay),
        ParameterGroup("tuned", tuned, recipe.lr_tuned, recipe.weight_decay),
    ]


def towers(recipe: FdpRecipe, model: FDP) -> Towers:
    """What is exported."""
    dim = CONFIGS[recipe.model.backbone].embed_dim
    return Towers(ImageTower(model).eval(), TextTower(model).eval(), dim, text_map=True)


def preprocess_spec(recipe: FdpRecipe) -> PreprocessSpec:
    """Padded to a square, then resized (Q4)."""
    return PreprocessSpec(recipe.model.size_px, "pad")


def tokenizer(recipe: FdpRecipe, model: FDP) -> TokenizerSource:
    """The backbone's own."""
    pieces, text = pieces_of(recipe), model.clip.config.text
    start, end = token_id(pieces, START), token_id(pieces, END)
    return TokenizerSource(pieces.to_str(), TokenLayout(text.context_length, start, end, PAD_ID))


def open_examples(recipe: FdpRecipe, seed: int) -> Examples:
    """The training pairs.

    Raises:
        UsageError: the data set or the lexicon is not there or not in its form.
    """
    if recipe.data == "synth-str":
        return RenderedExamples(recipe.pictures, recipe.model.size_px, seed)
    if not recipe.root:
        raise UsageError(
            f"training on {recipe.data} needs its folder: name it with --set method.root="
        )
    lexicon = frozenset(read_words(Path(recipe.lexicon))) if recipe.lexicon else None
    pictures = TRAINING_SETS[recipe.data](Path(recipe.root))
    rest, _ = pictures.split(recipe.held_out)
    return AnnotatedExamples(rest, lexicon, preprocess_spec(recipe))


def pieces_of(recipe: FdpRecipe) -> Pieces:
    """The tokeniser of the backbone.

    Raises:
        UsageError: it is to be read from the folder of the backbone, and none is named.
    """
    if recipe.model.variant == "tiny":
        return tiny_tokenizer()
    if not recipe.clip:
        raise UsageError(
            f"FDP-{recipe.model.variant} needs the tokeniser of its backbone: name a folder with "
            f"{recipe.model.backbone} and tokenizer.json with --set method.clip="
        )
    return clip_tokenizer(Path(recipe.clip))


def load_backbone(recipe: FdpRecipe) -> CLIP:
    """The pretrained CLIP of the variant.

    Raises:
        ModelError: the folder is damaged, or the weights are of another architecture.
        UsageError: there are none, or they are for another input size.
    """
    config = CONFIGS[recipe.model.backbone]
    return load_pretrained(Path(recipe.clip), config, f"FDP-{recipe.model.variant}")


FDP_METHOD: Method[FdpRecipe, FDP] = Method(
    name="fdp",
    space="scene-text",
    config=FdpRecipe,
    build=build,
    start=start,
    batches=batches,
    losses=losses,
    groups=groups,
    towers=towers,
    preprocess=preprocess_spec,
    tokenizer=tokenizer,
    validate=validate,
    about=ABOUT,
)
