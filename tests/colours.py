"""An encoder whose vectors can be counted by hand: pictures and words by their colour."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

import numpy as np

from sightread.types import EncoderSpec, ImageEmbedding, RGBImage, TextArea, Vectors

NAMES = {
    "red": (255, 0, 0),
    "green": (0, 255, 0),
    "blue": (0, 0, 255),
    "yellow": (255, 255, 0),
    "white": (255, 255, 255),
}


class ColourEncoder:
    """A picture's vector is the colour in its middle, as a direction: red is (1, 0, 0), yellow is
    (1, 1, 0) / sqrt(2). A text is the sum of the colours it names, other words count as white.
    The left half of every picture is taken for text.

    `before` is called with the colour in the middle before each picture, in the worker's thread.
    """

    def __init__(
        self,
        revision: str = "c1",
        *,
        space: str = "scene-text",
        calibration: tuple[float, float] | None = None,
        before: Callable[[tuple[int, ...]], object] | None = None,
    ) -> None:
        self.spec = EncoderSpec(space, 3, revision, "colours", calibration)
        self.seen: list[tuple[int, ...]] = []
        self.asked: list[str] = []
        self._before = before
        self._lock = threading.Lock()

    def encode_images(self, images: Sequence[RGBImage]) -> list[ImageEmbedding]:
        return [self._encode(image) for image in images]

    def encode_texts(self, texts: Sequence[str]) -> Vectors:
        self.asked += texts
        rows = [np.sum([NAMES.get(w, NAMES["white"]) for w in t.split()], axis=0) for t in texts]
        return np.stack([direction(row) for row in rows])

    def _encode(self, image: RGBImage) -> ImageEmbedding:
        height, width = image.shape[:2]
        colour = tuple(image[height // 2, width // 2].tolist())
        if self._before is not None:
            self._before(colour)
        with self._lock:
            self.seen.append(colour)
        half = width / 2
        box = ((0.0, 0.0), (half, 0.0), (half, float(height)), (0.0, float(height)))
        return ImageEmbedding(direction(np.array(colour)), (TextArea(box, 0.75),))


def direction(colour: np.ndarray) -> Vectors:
    """(3,) of length one; black is as grey as white."""
    wide = colour.astype(np.float64) if colour.any() else np.ones(3)
    unit: Vectors = (wide / np.linalg.norm(wide)).astype(np.float32)
    return unit
