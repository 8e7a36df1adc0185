"""Re-ranking with a trained matching head: does this text, with its explanation, belong to this
picture?

It reads the tokens of pictures and texts where an encoder reads one vector of each, so that it is
for the first few of an answer and not for a library: `search.again` mixes what it says with the
cosines.
"""

from __future__ import annotations

import os
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from sightread.encoders.onnx import OnnxEncoder
from sightread.errors import ModelError
from sightread.modelfolder import IMAGE_GRAPH, MATCH_GRAPH, TEXT_GRAPH, ModelInfo
from sightread.preprocess import preprocess
from sightread.types import RGBImage

Tokens = NDArray[np.float16]
"""(n, N, D): of n pictures. In half precision, 52 kB for a picture of CLIP's ViT-B/32."""


def head_scale(info: ModelInfo) -> float | None:
    """`OnnxMatcher.scale` of a model, None if it has no matching head."""
    scale = info.details.get("scale")
    if MATCH_GRAPH not in info.files or not isinstance(scale, int | float):
        return None
    return float(scale)


class OnnxMatcher(OnnxEncoder):
    """A model folder with a matching head, as an encoder and as a judge of pairs: see
    `DualEncoder` and `MatchingHead`.

    Attributes:
        scale: what cosines are multiplied with to be on the scale of log odds.
    """

    def __init__(
        self, folder: str | os.PathLike[str], *, threads: int = 1, image_batch: int = 1
    ) -> None:
        """
        Raises:
            ModelError: as `OnnxEncoder`, or the model has no matching head.
        """
        super().__init__(folder, threads=threads, image_batch=image_batch)
        scale = head_scale(self.info)
        if scale is None:
            raise ModelError(
                f"{folder} has no matching head and cannot re-rank; name the folder of an "
                "EntityCLIP that was trained with GI-ITM."
            )
        self.scale = scale

    def image_tokens(self, images: Sequence[RGBImage]) -> Tokens:
        """What the head reads of each picture; images are (H, W, 3) uint8, of any sizes."""
        graph = self._graph(IMAGE_GRAPH)
        rows = [graph(preprocess(one, self.info.preprocess)[None])[1] for one in images]
        tokens: Tokens = np.concatenate(rows).astype(np.float16)
        return tokens

    def log_odds(self, text: str, explanation: str, tokens: Tokens) -> NDArray[np.float32]:
        """For each picture the logarithm of the odds that the text belongs to it.

        Args:
            explanation: of the text; may be empty.
            tokens: (n, N, D) of `image_tokens`.

        Returns:
            (n,).

        Raises:
            UsageError: the text is empty.
        """
        ids = np.concatenate([self._tokens()([text]), self._explanation_ids(explanation)])
        rows = self._graph(TEXT_GRAPH)(ids)[1]
        images = tokens.astype(np.float32)
        graph = self._graph(MATCH_GRAPH)
        return graph(images, rows[:1], ids[:1], rows[1:], ids[1:])[0]

    def _explanation_ids(self, explanation: str) -> NDArray[np.int64]:
        if explanation.strip():
            return self._tokens()([explanation])
        layout = self.info.tokenizer
        ids = np.full((1, layout.context_length), layout.pad_id, np.int64)
        ids[0, :2] = layout.start_id, layout.end_id
        return ids
