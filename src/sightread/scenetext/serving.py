"""From pixels and the words read in them to a vector, and from a caption to one.

The steps between the graphs of a model: the same when it is exported (the graphs are torch modules
then) and when it serves (ONNX), so that what was compared once is what runs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sightread.preprocess import PreprocessSpec, preprocess
from sightread.scenetext.captions import Entity, caption_words, entities, prompt
from sightread.scenetext.marks import marked
from sightread.scenetext.places import pooling, token_boxes
from sightread.scenetext.settings import SceneTextSettings
from sightread.scenetext.tokens import SceneToken, scene_tokens
from sightread.scenetext.wordvectors import word_vectors
from sightread.tokenizer import Tokenizer
from sightread.types import RGBImage, WordRegion

Vector = NDArray[np.float32]
Graph = Callable[..., Sequence[NDArray[np.float32]]]
"""An array for each input -> an array for each output."""


@dataclass(frozen=True, slots=True)
class Graphs:
    """The graphs of a model, see `methods.method.SceneTextTowers` and `Towers`."""

    image: Graph
    text: Graph
    written: Graph
    tag: Graph
    caption: Graph


@dataclass(frozen=True, slots=True)
class Written:
    """`vector` (C,) of a picture; the words that went into it, and for each how much it counts:
    `shares` (N,), which sum to at most 1."""

    vector: Vector
    tokens: tuple[SceneToken, ...] = ()
    shares: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class SceneTextPath:
    """The steps of one model.

    Attributes:
        side: patches along one side of the input.
        preprocess: how a picture becomes the input.
    """

    graphs: Graphs
    settings: SceneTextSettings
    side: int
    preprocess: PreprocessSpec
    tokenizer: Tokenizer

    def picture(self, pixels: RGBImage, words: Sequence[WordRegion]) -> Written:
        """The vector of a picture; of one without words that count what CLIP alone makes of it.

        Args:
            pixels: (H, W, 3) uint8, upright.
            words: as a reader gave them, boxes in pixels of the picture.
        """
        height, width = pixels.shape[:2]
        settings = self.settings
        tokens = scene_tokens(words, width, height, settings.most_tokens, settings.least_confidence)
        if not tokens:
            return Written(self._look(pixels)[0][0])
        drawn = marked(pixels, tokens, settings.marks)
        vector, patches = self._look(drawn)[:2]
        plain: list[NDArray[np.float32]] = []
        if settings.passes == "two":
            base, patches = self._look(pixels)[:2] if drawn is not pixels else (vector, patches)
            plain = [base]
        boxes = token_boxes(tokens, width, height, self.preprocess)
        named = word_vectors([token.text for token in tokens])
        corrected, weights, gate = self.graphs.written(
            vector, patches, named[None], boxes[None], pooling(boxes, self.side)[None], *plain
        )
        if not np.isfinite(corrected).all():  # whatever was read, the picture stays to be found
            return Written(self._look(pixels)[0][0])
        shares = np.clip(float(gate[0]) * weights[0].astype(np.float64), 0.0, 1.0)
        return Written(corrected[0], tokens, tuple(shares.tolist()))

    def _look(self, pixels: RGBImage) -> Sequence[NDArray[np.float32]]:
        return self.graphs.image(preprocess(pixels, self.preprocess)[None])

    def entities(self, text: str) -> tuple[Entity, ...]:
        """What is taken for scene text in a caption, in order."""
        settings = self.settings
        words = caption_words(text, settings.most_words)
        if not words:
            return ()
        [sure] = self.graphs.tag(word_vectors([word.text for word in words])[None])
        tagged = [bool(one >= settings.threshold) for one in np.ravel(sure)]
        return entities(words, tagged, settings.merge, settings.most_entities)

    def plain(self, text: str) -> Vector:
        """The vector (C,) of a text by CLIP alone. What is behind its end has no influence, and is
        left out: the prompt of a caption costs less than it saves."""
        ids = self.tokenizer([text])
        vector: Vector = self.graphs.text(ids[:, : int(ids[0].argmax()) + 1])[0][0]
        return vector

    def caption(self, text: str) -> Vector:
        """The vector (C,) of a caption; of one in which nothing is taken for scene text what CLIP
        alone makes of it.

        Raises:
            UsageError: the caption is empty.
        """
        vector = self.plain(text)
        found = self.entities(text)
        told, count = prompt(
            [one.text for one in found], self.settings.templates, self.tokenizer.fits
        )
        if not count:
            return vector
        words = caption_words(text, self.settings.most_words)
        named = word_vectors([one.text for one in found[:count]])
        at: NDArray[Any] = np.array([one.last for one in found[:count]], np.int64)
        spelled = word_vectors([word.text for word in words])
        [corrected] = self.graphs.caption(
            vector[None], self.plain(told)[None], spelled[None], named[None], at[None]
        )
        result: Vector = corrected[0]
        return result
