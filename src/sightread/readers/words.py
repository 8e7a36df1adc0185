"""The tower of a word spotter that puts words into the space of its regions, and no more of it:
a search has no picture to read."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from sightread import modelfolder
from sightread.errors import ModelError
from sightread.modelfolder import ModelInfo
from sightread.readers.nets import load_graph
from sightread.regions import WordCalibration
from sightread.spotting.alphabet import spell
from sightread.tokenizer import Tokenizer, TokenizerSource
from sightread.types import EncoderSpec, Vectors


class WordTower:
    """A `WordEncoder` of a model folder of kind "spotter". May be called from several threads."""

    def __init__(self, folder: str | os.PathLike[str], info: ModelInfo) -> None:
        """
        Args:
            info: what the folder says, as `modelfolder.read` gives it.

        Raises:
            ModelError: a file is damaged; the sentence has both checksums.
        """
        self._info = info
        content = modelfolder.read_bytes(folder, info, modelfolder.TEXT_GRAPH)
        self._text = load_graph(content, Path(folder) / modelfolder.TEXT_GRAPH)
        pieces = modelfolder.read_bytes(folder, info, modelfolder.TOKENIZER_JSON)
        self._tokens = Tokenizer(TokenizerSource(pieces.decode("utf-8"), info.tokenizer))

    @property
    def spec(self) -> EncoderSpec:
        info = self._info
        return EncoderSpec(info.space, info.dim, info.revision, info.name)

    @property
    def calibration(self) -> WordCalibration | None:
        return self._info.words

    def encode_words(self, words: Sequence[str]) -> Vectors:
        """See `WordEncoder.encode_words`.

        Raises:
            UsageError: a word has no letter or digit, or one that the spotter does not know.
        """
        if not words:
            return np.zeros((0, self._info.dim), np.float32)
        return self._text(self._tokens([spell(word) for word in words]))[0]


def read_spotter(folder: str | os.PathLike[str]) -> ModelInfo:
    """What a model folder says, if it is a word spotter's.

    Raises:
        ModelError: there is no model, it is damaged, or of another kind.
    """
    info = modelfolder.read(folder)
    if info.kind != "spotter":
        raise ModelError(
            f"{folder} is of kind {info.kind} and cannot read; name a model folder of "
            "kind spotter, as `sightread train spotter` and `export` make it."
        )
    return info
