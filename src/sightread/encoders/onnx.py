"""Serves a model folder with ONNX Runtime."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sightread.encoders.areas import heat, text_areas
from sightread.errors import ModelError, UsageError
from sightread.modelfolder import (
    IMAGE_GRAPH,
    TEXT_GRAPH,
    TOKENIZER_JSON,
    ModelInfo,
    read,
    read_bytes,
)
from sightread.preprocess import preprocess
from sightread.tokenizer import Tokenizer, TokenizerSource
from sightread.types import EncoderSpec, ImageEmbedding, RGBImage, Vectors

Graph = Callable[..., list[NDArray[np.float32]]]
"""An array for each input -> an array for each output."""

_TEXT_BATCH = 32


class OnnxEncoder:
    """See `DualEncoder`. May be called from several threads; each call computes with `threads`
    threads of its own, since one picture per core is faster than many cores per picture.

    Attributes:
        info: what `model.json` says, with the calibration.
    """

    def __init__(
        self, folder: str | os.PathLike[str], *, threads: int = 1, image_batch: int = 1
    ) -> None:
        """
        Args:
            threads: for one call.
            image_batch: pictures per run of the graph; on a CPU more than one gains nothing.

        Raises:
            ModelError: there is no model, it is damaged, or it cannot serve.
        """
        self.info: ModelInfo = read(folder)
        if self.info.kind != "encoder":
            raise ModelError(
                f"{folder} is of kind {self.info.kind} and cannot serve; train with it, and export "
                "with `sightread export`."
            )
        self._folder = Path(folder)
        self._threads, self._image_batch = threads, image_batch
        self._lock = threading.Lock()
        self._graphs: dict[str, Graph] = {}
        self._tokenizer: Tokenizer | None = None
        line = self.info.calibration
        self._spec = EncoderSpec(
            space=self.info.space,
            dim=self.info.dim,
            revision=self.info.revision,
            name=self.info.name,
            calibration=(line.slope, line.offset) if line else None,
        )

    @property
    def spec(self) -> EncoderSpec:
        return self._spec

    def encode_images(self, images: Sequence[RGBImage]) -> list[ImageEmbedding]:
        """See `DualEncoder.encode_images`; images are (H, W, 3) uint8, of any sizes."""
        graph = self._graph(IMAGE_GRAPH)
        embeddings: list[ImageEmbedding] = []
        for batch in _batches(images, self._image_batch):
            pixels = np.stack([preprocess(image, self.info.preprocess) for image in batch])
            vectors, *maps = graph(pixels)
            units = self._units(vectors, len(batch))
            text_maps = maps[0] if self.info.text_map is not None else [None] * len(batch)
            embeddings += map(self._embedding, batch, units, text_maps)
        return embeddings

    def text_heat(self, image: RGBImage) -> NDArray[np.float32]:
        """The probability of text at every pixel of an image (H, W, 3): (H, W) in [0, 1].

        Raises:
            UsageError: the model makes no map of text.
        """
        if self.info.text_map is None:
            raise UsageError(f"{self._folder} makes no map of text; name the folder of an FDP.")
        pixels = preprocess(image, self.info.preprocess)[None]
        _, text_maps = self._graph(IMAGE_GRAPH)(pixels)
        height, width = image.shape[:2]
        return heat(text_maps[0], width, height, self.info.preprocess)

    def _embedding(
        self, image: RGBImage, vector: NDArray[np.float32], text_map: NDArray[np.float32] | None
    ) -> ImageEmbedding:
        if text_map is None or self.info.text_map is None:
            return ImageEmbedding(vector)
        height, width = image.shape[:2]
        threshold = self.info.text_map.threshold
        areas = text_areas(text_map, threshold, width, height, self.info.preprocess)
        return ImageEmbedding(vector, areas)

    def encode_texts(self, texts: Sequence[str]) -> Vectors:
        """See `DualEncoder.encode_texts`. A text that is too long is cut off at its end.

        Raises:
            UsageError: a text is empty.
        """
        graph = self._graph(TEXT_GRAPH)
        ids = self._tokens()(texts)
        rows = [self._units(graph(part)[0], len(part)) for part in _batches(ids, _TEXT_BATCH)]
        return np.concatenate([np.empty((0, self.info.dim), np.float32), *rows])

    def _units(self, vectors: NDArray[np.float32], count: int) -> Vectors:
        """The rows at unit length, as the graph promises but rounding may spoil."""
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        if vectors.shape != (count, self.info.dim) or not (lengths > 0).all():
            raise ModelError(
                f"The model {self._folder} gives no vectors of {self.info.dim} finite numbers here."
            )
        units: Vectors = (vectors / lengths).astype(np.float32)
        return units

    # --- loaded when first needed ------------------------------------------------------------

    def _graph(self, name: str) -> Graph:
        with self._lock:
            if name not in self._graphs:
                content = read_bytes(self._folder, self.info, name)
                self._graphs[name] = load_graph(content, self._folder / name, self._threads)
            return self._graphs[name]

    def _tokens(self) -> Tokenizer:
        with self._lock:
            if self._tokenizer is None:
                text = read_bytes(self._folder, self.info, TOKENIZER_JSON).decode("utf-8")
                self._tokenizer = Tokenizer(TokenizerSource(text, self.info.tokenizer))
            return self._tokenizer


def _batches(items: Any, size: int) -> Iterator[Any]:
    for start in range(0, len(items), size):
        yield items[start : start + size]


def load_graph(content: bytes, path: Path, threads: int) -> Graph:
    """From bytes: what was checked is what runs, and it cannot name further files.

    Raises:
        ModelError: the runtime does not take it.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 4  # fatal only: nothing is to be printed on a user's terminal
    try:
        session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
        names = [one.name for one in session.get_inputs()]
    except Exception as error:  # the runtime raises many kinds, all derived from Exception
        raise _cannot_run(path, error) from error

    def graph(*values: NDArray[Any]) -> list[NDArray[np.float32]]:
        try:
            feed = dict(zip(names, values, strict=True))
            outputs: list[NDArray[np.float32]] = session.run(None, feed)
        except Exception as error:
            raise _cannot_run(path, error) from error
        return outputs

    return graph


def _cannot_run(path: Path, error: Exception) -> ModelError:
    reason = " ".join(str(error).split())[:200]
    return ModelError(f"{path} cannot be run by onnxruntime: {reason}")
