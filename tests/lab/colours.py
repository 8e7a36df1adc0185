"""An encoder whose vectors can be counted by hand: pictures by colours, texts by letters.

A picture is the number of its pixels in red, green, blue and white; a text the number of its
letters r, g, b, w; both brought to unit length. "rrg" fits a picture two thirds red, one green.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from sightread.errors import PictureError
from sightread.tasks import RetrievalTask
from sightread.types import EncoderSpec, ImageEmbedding, RGBImage, Vectors

PALETTE = {"r": (255, 0, 0), "g": (0, 255, 0), "b": (0, 0, 255), "w": (255, 255, 255)}


def stripes(letters: str) -> RGBImage:
    """(4, 4 * len, 3): one stripe per letter, four pixels wide."""
    row = np.array([PALETTE[letter] for letter in letters], np.uint8)
    return np.tile(np.repeat(row, 4, axis=0), (4, 1, 1))


class ColourEncoder:
    """Counts its calls; pictures without any known colour are refused."""

    def __init__(self, revision: str = "colours-1") -> None:
        self.spec = EncoderSpec("colours", 4, revision, "colour counter")
        self.batches: list[int] = []

    def encode_images(self, images: Sequence[RGBImage]) -> list[ImageEmbedding]:
        self.batches.append(len(images))
        return [ImageEmbedding(self._count(image)) for image in images]

    def encode_texts(self, texts: Sequence[str]) -> Vectors:
        counts = np.array([[text.count(letter) for letter in PALETTE] for text in texts])
        return _unit(counts.astype(np.float32))

    def _count(self, image: RGBImage) -> Vectors:
        # The nearest corner of the colour cube, since JPEG moves colours a little.
        bits = np.round(image.reshape(-1, 3) / 255.0)
        known = [np.all(bits == np.array(colour) / 255, axis=1) for colour in PALETTE.values()]
        counts = np.array([found.sum() for found in known], np.float32)
        if not counts.any():
            raise PictureError("the picture has none of the colours")
        vector: Vectors = _unit(counts[None]).reshape(4)
        return vector


def _unit(vectors: Vectors) -> Vectors:
    found: Vectors = vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)
    return found


def colour_task(
    pictures: dict[str, str], queries: dict[str, tuple[str, set[str]]], **groups: str
) -> RetrievalTask:
    """`pictures`: id -> letters of its stripes, "" for one that cannot be decoded, "x" for one
    that the encoder refuses; `queries`: id -> (text, relevant pictures)."""

    def load(picture: str) -> RGBImage:
        letters = pictures[picture]
        if not letters:
            raise PictureError("the file is empty (0 bytes)")
        return np.zeros((4, 4, 3), np.uint8) if letters == "x" else stripes(letters)

    return RetrievalTask(
        name="stripes",
        queries={query: text for query, (text, _) in queries.items()},
        gallery=tuple(pictures),
        load=load,
        qrels={query: frozenset(right) for query, (_, right) in queries.items()},
        groups=groups,
    )
