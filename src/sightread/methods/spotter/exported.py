"""What leaves the lab: the three graphs, how pictures and words become their inputs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from tokenizers import Regex, Tokenizer, pre_tokenizers
from tokenizers.models import WordLevel
from torch import Tensor, nn

from sightread.methods.method import Parts
from sightread.methods.spotter.model import Finder, Spotter
from sightread.preprocess import PreprocessSpec
from sightread.spotting.alphabet import ASKED, CONTEXT, END, PAD, START
from sightread.tokenizer import TokenizerSource, TokenLayout

if TYPE_CHECKING:
    from sightread.methods.spotter.recipe import SpotterRecipe

NORMAL_PX = 640
_MIDDLE = (0.5, 0.5, 0.5)


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


def parts(recipe: SpotterRecipe, model: Spotter) -> Parts:
    """The three graphs, in eval mode."""
    finder = FinderGraph(model.finder).eval()
    return Parts(finder, model.strips.eval(), model.query.eval(), recipe.model.dim)


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
