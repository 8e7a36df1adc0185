"""What leaves the lab: the three graphs, how pictures and words become their inputs."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from tokenizers import Regex, Tokenizer, pre_tokenizers
from tokenizers.models import WordLevel
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from sightread.methods.method import Parts
from sightread.methods.spotter.data import FIRST_SEED, Scenes, strips_of
from sightread.methods.spotter.model import BinPool, Finder, Spotter, StripEncoder, standardised
from sightread.methods.spotter.words import Words
from sightread.preprocess import PreprocessSpec
from sightread.spotting.alphabet import ASKED, CONTEXT, END, PAD, START
from sightread.spotting.strips import COLUMN_PX, WIDTHS_PX, as_input, by_width
from sightread.tokenizer import TokenizerSource, TokenLayout

if TYPE_CHECKING:
    from sightread.methods.spotter.recipe import SpotterRecipe

NORMAL_PX = 640
_MOST_COLUMNS = WIDTHS_PX[-1] // COLUMN_PX
_MIDDLE = (0.5, 0.5, 0.5)
_SAMPLE_SCENES, _SAMPLE_PX = 32, 320


class FinderGraph(nn.Module):
    """The finder with the picture's bytes going in and probabilities coming out."""

    def __init__(self, finder: Finder) -> None:
        super().__init__()
        self.finder = finder

    def forward(self, picture: Tensor) -> tuple[Tensor, Tensor]:
        """(B, H, W, 3) uint8 -> kernels (B, H/2, W/2) and geometry (B, 3, H/4, W/4)."""
        pixels = picture.permute(0, 3, 1, 2).float() / 127.5 - 1
        kernel, geometry = self.finder(pixels)
        return torch.sigmoid(kernel), geometry


class KnownPool(nn.Module):
    """`BinPool` without lengths, its weights looked up: a dozen operations on a few numbers each
    cost what a convolution does."""

    weights: Tensor

    def __init__(self, pool: BinPool) -> None:
        super().__init__()
        weights = torch.zeros(_MOST_COLUMNS + 1, _MOST_COLUMNS, pool.bins)
        for columns in range(1, _MOST_COLUMNS + 1):
            parts = pool(torch.eye(columns)[None])  # (1, T * bins)
            weights[columns, :columns] = parts.reshape(columns, pool.bins)
        self.register_buffer("weights", weights)

    def forward(self, x: Tensor) -> Tensor:
        """x (B, C, T) -> (B, C * bins)."""
        columns = x.shape[2]
        return (x @ self.weights[columns, :columns]).flatten(1)


class StripGraph(nn.Module):
    """The strip encoder with bytes going in, and its last batch norm in the convolution before it:
    exported, the convolution's result has other readers, and would be normed as float32."""

    def __init__(self, strips: StripEncoder) -> None:
        super().__init__()
        self.strips = copy.deepcopy(strips).eval()
        *before, conv, norm, relu = self.strips.picture
        pool = self.strips.pool
        assert isinstance(pool, BinPool)
        assert isinstance(conv, nn.Conv2d)
        assert isinstance(norm, nn.BatchNorm2d)
        self.strips.picture = nn.Sequential(*before, fuse_conv_bn_eval(conv, norm), relu)
        self.strips.pool = KnownPool(pool)

    def forward(self, strips: Tensor) -> tuple[Tensor, Tensor]:
        """(N, 32, W, 3) uint8 of `spotting.strips.as_input` -> as `StripEncoder`."""
        vectors, logs = self.strips(standardised(strips.permute(0, 3, 1, 2)))
        return vectors, logs


def parts(recipe: SpotterRecipe, model: Spotter) -> Parts:
    """The three graphs, in eval mode."""
    finder = FinderGraph(model.finder).eval()
    return Parts(
        finder, StripGraph(model.strips).eval(), model.query.eval(), recipe.model.dim, samples
    )


def samples() -> tuple[Sequence[NDArray[Any]], Sequence[NDArray[Any]]]:
    """Rendered pictures (1, H, W, 3) uint8 that training does not see, and batches of their words,
    (n, 32, W, 3) uint8."""
    rng = np.random.default_rng([FIRST_SEED, 9])
    renderer = Scenes(Words(), _SAMPLE_PX)
    scenes = [renderer.get(rng) for _ in range(_SAMPLE_SCENES)]
    strips = [strip.pixels for scene in scenes for strip in strips_of(scene, rng)]
    batches = [
        as_input([strips[number] for number in group])
        for group in by_width([strip.shape[1] for strip in strips]).values()
    ]
    return [scene.pixels[None].copy() for scene in scenes], batches


def preprocess_spec(recipe: SpotterRecipe) -> PreprocessSpec:
    """The longer side of a picture at normal detail; it is not made a square."""
    del recipe
    return PreprocessSpec(NORMAL_PX, "pad", _MIDDLE, _MIDDLE)


def tokenizer(recipe: SpotterRecipe, model: Spotter) -> TokenizerSource:
    """Character by character, of spelled words (`spotting.alphabet.spell`)."""
    del recipe, model
    ids = {"[PAD]": PAD, **{char: number for number, char in enumerate(ASKED, 1)}}
    pieces = Tokenizer(WordLevel(ids | {"[START]": START, "[END]": END}, unk_token="[PAD]"))
    pieces.pre_tokenizer = pre_tokenizers.Split(Regex("."), behavior="isolated")
    return TokenizerSource(pieces.to_str(), TokenLayout(CONTEXT, START, END, PAD))
