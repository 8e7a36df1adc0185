"""Serves a HOPID: an encoder of pictures and the words read in them.

A picture without words has the vector of plain CLIP, and so has a caption in which nothing is
taken for scene text. A picture with words costs one run of the image tower too (two in models that
look twice), and a graph that takes well under a tenth of that.
"""

from __future__ import annotations

import os
from collections.abc import Sequence

import numpy as np

from sightread.encoders.onnx import Graph, OnnxEncoder
from sightread.errors import ModelError, UsageError
from sightread.modelfolder import (
    CAPTION_GRAPH,
    IMAGE_GRAPH,
    SCENE_TEXT_GRAPHS,
    TAG_GRAPH,
    TEXT_GRAPH,
    WRITTEN_GRAPH,
    ModelInfo,
)
from sightread.scenetext.serving import Graphs, SceneTextPath
from sightread.scenetext.settings import SceneTextSettings
from sightread.types import ImageEmbedding, RGBImage, TextArea, Vectors, WordRegion

MOST_SIDE = 256
"""Patches along a side of a picture; CLIP's ViT-L/14 at 336 px has 24."""


class SceneTextEncoder(OnnxEncoder):
    """See `DualEncoder` and `ReadingEncoder`. The areas of its embeddings are the words that went
    into the vector; the confidence of each is how much it counts in it."""

    def __init__(
        self, folder: str | os.PathLike[str], *, threads: int = 1, image_batch: int = 1
    ) -> None:
        """
        Raises:
            ModelError: as `OnnxEncoder`, or a part of what lets words count is missing or wrong.
        """
        super().__init__(folder, threads=threads, image_batch=image_batch)
        missing = [name for name in SCENE_TEXT_GRAPHS if name not in self.info.files]
        if missing:
            raise ModelError(
                f"{folder} lets the words of pictures count, but lacks {', '.join(missing)}; fetch "
                "or export it again."
            )
        self._settings, self._side = _details(self.info, str(folder))
        self._made: SceneTextPath | None = None

    def encode_read(
        self, images: Sequence[RGBImage], words: Sequence[Sequence[WordRegion]]
    ) -> list[ImageEmbedding]:
        """See `ReadingEncoder.encode_read`; images are (H, W, 3) uint8, of any sizes."""
        return [self._read_one(*one) for one in zip(images, words, strict=True)]

    def encode_texts(self, texts: Sequence[str]) -> Vectors:
        """See `DualEncoder.encode_texts`. What stands in quotation marks is scene text; what else
        is, the model infers. A text that is too long is cut off at its end.

        Raises:
            UsageError: a text is empty.
        """
        rows = [self._path().caption(text) for text in texts]
        found = np.stack(rows) if rows else np.empty((0, self.info.dim), np.float32)
        return self._units(found, len(texts))

    def plain_texts(self, texts: Sequence[str]) -> Vectors:
        """(n, D) of plain CLIP: as if no text named anything that is written.

        Raises:
            UsageError: a text is empty.
        """
        return super().encode_texts(texts)

    def scene_text(self, text: str) -> tuple[str, ...]:
        """What is taken for scene text in a text, in order; () if its vector is plain CLIP's."""
        return tuple(one.text for one in self._path().entities(text))

    def _read_one(self, image: RGBImage, words: Sequence[WordRegion]) -> ImageEmbedding:
        found = self._path().picture(image, words)
        [vector] = self._units(found.vector[None], 1)
        areas = (
            TextArea(token.quad, share)
            for token, share in zip(found.tokens, found.shares, strict=True)
        )
        return ImageEmbedding(vector, tuple(areas))

    def _later(self, name: str) -> Graph:
        return lambda *values: self._graph(name)(*values)

    def _path(self) -> SceneTextPath:
        if self._made is None:
            # Each graph is loaded when it is first needed: a search needs no image tower.
            names = (IMAGE_GRAPH, TEXT_GRAPH, WRITTEN_GRAPH, TAG_GRAPH, CAPTION_GRAPH)
            graphs = Graphs(*(self._later(name) for name in names))
            parts = (self._settings, self._side, self.info.preprocess)
            self._made = SceneTextPath(graphs, *parts, self._tokens())
        return self._made


def _details(info: ModelInfo, folder: str) -> tuple[SceneTextSettings, int]:
    details = info.details.get("scene_text")
    if not isinstance(details, dict):
        raise ModelError(
            f"{folder} does not say how words are to count: details.scene_text is missing from "
            "model.json; fetch or export it again."
        )
    rest = dict(details)
    side = rest.pop("patches", None)
    if type(side) is not int or not 1 <= side <= MOST_SIDE:
        raise ModelError(
            f"{folder} says that a picture has {side!r} patches along a side; it must be a number "
            f"from 1 to {MOST_SIDE}: fetch or export it again."
        )
    try:
        return SceneTextSettings.from_json(rest), side
    except (ModelError, UsageError) as error:
        raise ModelError(f"{folder} cannot let words count: {error}") from error
