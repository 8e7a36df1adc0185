"""How FDP is trained: what the lab needs to know of it (section 8 of the specification).

The published recipe is the default: Adam's learning rates 2e-3 for new parameters and 1e-4 for
those that start from CLIP's, batches of 48 word-image pairs. Deviations: samples are drawn anew in
every epoch (Q13), and the published stopping point, epoch 8, is replaced by a held-out score (Q7).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from sightread.clip.config import CONFIGS
from sightread.clip.model import CLIP
from sightread.clip.tokens import clip_tokenizer, tiny_tokenizer, tokenise
from sightread.clip.weights import build_clip, read_weights
from sightread.errors import UsageError
from sightread.methods.fdp.config import FdpConfig
from sightread.methods.fdp.examples import Example, Examples, annotated, rendered, word_list
from sightread.methods.fdp.distractors import Lexicon
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
from sightread.methods.method import Batch, Batches, Losses, Method, ParameterGroup, Towers
from sightread.preprocess import PreprocessSpec, normalise
from sightread.tokenizer import TokenizerSource, TokenLayout

CLIP_DOT = 269
"""Id of "." at the end of a word in the vocabulary of the published models."""


@dataclass(frozen=True, slots=True)
class FdpRecipe:
    """A training run.

    Attributes:
        model: the switches of FDP.
        clip: checkpoint of the backbone, or a folder with one and its tokeniser. Empty: random
            weights, which is good for tests only.
        data: `synth-str` is rendered; the others are read from `root`.
        words: file with the words that are clustered, one per line; empty: the most frequent 500
            of the data.
        lexicon: file with the words that distractors come from; empty: all words of the data.
        pictures: how many to render for `synth-str`.
        batch: word-image pairs.
    """

    model: FdpConfig = FdpConfig()
    clip: str = ""
    data: Literal["synth-str", "mlt", "icdar2015"] = "synth-str"
    root: str = ""
    words: str = ""
    lexicon: str = ""
    pictures: int = 4000
    batch: int = 48
    lr_new: float = 2e-3
    lr_tuned: float = 1e-4
    weight_decay: float = 1e-3


def build(recipe: FdpRecipe, seed: int) -> FDP:
    """A model with weights drawn from the seed."""
    torch.manual_seed(seed)
    tiny = recipe.model.variant == "tiny"
    dot = tiny_tokenizer().token_to_id(".</w>") if tiny else CLIP_DOT
    return FDP(CLIP(CONFIGS[recipe.model.backbone]), recipe.model, dot)


def start(recipe: FdpRecipe, model: FDP) -> None:
    """Load the backbone, then fit what is fitted once: clusters and probe.

    Raises:
        ModelError: the checkpoint is not one of the variant's backbone.
        UsageError: a file is missing, or the anchors cannot be told apart.
    """
    if recipe.clip:
        weights = read_weights(_weights_file(Path(recipe.clip)))
        model.clip.load_state_dict(
            build_clip(weights, CONFIGS[recipe.model.backbone]).state_dict()
        )
    model.start_from_clip()
    source = tokenizer(recipe, model)
    words = list(dict.fromkeys([*recipe.model.anchors, *word_list(recipe.words, _examples(recipe))]))
    with torch.no_grad():
        features = encode_bare(model, source, words)
        model.probe.copy_(encode_bare(model, source, [recipe.model.probe_text])[0])
    if recipe.model.distinction:
        settings = recipe.model
        model.centroids.copy_(
            fit_clusters(features, words, settings.anchors, settings.cluster_seed)
        )
