"""Real pictures whose words are known, as scenes to train on.

A file of one JSON object a line: `image` (relative to the file), `words`, and for each a place in
`boxes`, `[x, y, w, h]` or a quad `[[x, y], ...]` from where the word starts, clockwise, in pixels;
`unsure`: more places, of which nobody knows what they say. What is in no list is taken for ground.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from sightread.errors import PictureError, UsageError
from sightread.images import decode, read_file
from sightread.spotting.places import halves
from sightread.synth.plans import Scene, WrittenWord
from sightread.types import RGBImage

Rng = np.random.Generator
_FOUND_AT_PX = (960, 640, 256)
_OFTEN = (0.6, 0.25, 0.15)
"""Longer sides at which pictures are searched: closely, at a glance, for large words; and how often
a window is taken from each."""
_AT_A_WORD = 0.7
"""The share of windows that have a word about their middle, or anywhere else in them."""
_ENLARGED = 2.0
_ZOOM = 0.3  # standard deviation of the logarithm of the scale
_TURN = math.radians(4.0)
_STRETCH = 0.12  # standard deviation of the logarithm of width to height
_CAPITALS = 0.8  # the height of capitals in that of a box, about: some words have g or y
_CORNERS = 4
_KEPT = 400  # decoded pictures


@dataclass(frozen=True, slots=True)
class Photograph:
    """A line of the file. `quads` (n, 4, 2) are the places of `words`, `unsure` (m, 4, 2) more."""

    path: Path
    words: tuple[str, ...]
    quads: NDArray[np.float64]
    unsure: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Seen:
    """A scene, and outlines in it that are neither text nor ground."""

    scene: Scene
    unsure: tuple[NDArray[np.float64], ...] = ()


class Photographs:
    """Windows of annotated photographs.

    Args:
        file: see the module.
        size_px: the side of a window.

    Raises:
        UsageError: the file cannot be read, or a line of it is of another form.
    """

    def __init__(self, file: str, size_px: int) -> None:
        self.size_px = size_px
        self.listed = read_photographs(Path(file))

    def get(self, rng: Rng) -> Seen:
        """A window of one of them, a little turned, at about a size at which pictures are
        searched, in other light."""
        one = self.listed[int(rng.integers(len(self.listed)))]
        pixels = _decoded(one.path)
        matrix = self._window(pixels.shape[1], pixels.shape[0], one.quads, rng)
        side = (self.size_px, self.size_px)
        shrunk, inner = _averaged(pixels, matrix)
        window: RGBImage = cv2.warpAffine(shrunk, inner, side, borderMode=cv2.BORDER_REPLICATE)
        quads, unsure = _moved(one.quads, matrix), _moved(one.unsure, matrix)
        whole = [self._holds(quad) for quad in quads]
        cut = [quad for quad, inside in zip(quads, whole, strict=True) if not inside]
        words = tuple(
            _written(text, quad)
            for text, quad, inside in zip(one.words, quads, whole, strict=True)
            if inside
        )
        return Seen(Scene(_relit(window, rng), words), (*unsure, *cut))

    def _window(
        self, width: int, height: int, quads: NDArray[np.float64], rng: Rng
    ) -> NDArray[np.float64]:
        """From pixels of the photograph to those of the window, (2, 3)."""
        side_px = float(rng.choice(_FOUND_AT_PX, p=_OFTEN))
        scale = min(side_px / max(width, height), _ENLARGED) * math.exp(_ZOOM * rng.normal())
        turn = _TURN * rng.normal()
        stretch = math.exp(_STRETCH / 2 * rng.normal())
        turned = scale * np.array(
            [
                [stretch * math.cos(turn), -stretch * math.sin(turn)],
                [math.sin(turn) / stretch, math.cos(turn) / stretch],
            ]
        )
        # A part of the picture with a word or any part, and little that is outside of it.
        reach = self.size_px / scale / 2
        low = np.minimum(reach, np.array([width, height]) / 2)
        high = np.array([width, height]) - low
        if len(quads) and rng.random() < _AT_A_WORD:
            middle = quads[int(rng.integers(len(quads)))].mean(axis=0)
            middle = np.clip(middle + rng.uniform(-reach, reach, 2) * 0.7, low, high)
        else:
            middle = rng.uniform(low, high)
        shift = self.size_px / 2 - turned @ middle
        return np.concatenate([turned, shift[:, None]], axis=1)

    def _holds(self, quad: NDArray[np.float64]) -> bool:
        return bool((quad > 0).all() and (quad < self.size_px).all())


def read_photographs(file: Path) -> list[Photograph]:
    """All lines of a file, see the module.

    Raises:
        UsageError: the file cannot be read, has no lines, or one is of another form.
    """
    try:
        lines = file.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"Annotated photographs are read from {file}: {error}.") from error
    if not lines:
        raise UsageError(f"{file} names no photograph.")
    found = []
    for number, line in enumerate(lines, 1):
        try:
            found.append(_parsed(json.loads(line), file.parent))
        except (ValueError, KeyError, TypeError) as error:
            raise UsageError(
                f"Line {number} of {file} does not describe a photograph with image, words and "
                f"boxes: {error}."
            ) from error
    return found


def _parsed(row: dict[str, Any], folder: Path) -> Photograph:
    words, quads = tuple(str(word) for word in row["words"]), _quads(row["boxes"])
    if len(words) != len(quads):
        raise ValueError(f"{len(words)} words have {len(quads)} boxes")
    return Photograph(folder / row["image"], words, quads, _quads(row.get("unsure", [])))


def _quads(boxes: list[Any]) -> NDArray[np.float64]:
    """Boxes of either form, (n, 4, 2)."""
    found = np.zeros((len(boxes), _CORNERS, 2))
    for number, box in enumerate(boxes):
        values = np.asarray(box, np.float64)
        if values.shape == (_CORNERS,):
            x, y, w, h = values
            values = np.array([[x, y], [x + w, y], [x + w, y + h], [x, y + h]])
        if values.shape != (_CORNERS, 2):
            raise ValueError(f"box {number + 1} has neither four numbers nor four corners")
        found[number] = values
    return found


@lru_cache(maxsize=_KEPT)
def _decoded(path: Path) -> RGBImage:
    try:
        return decode(read_file(str(path))).pixels
    except PictureError as error:
        raise UsageError(f"The photograph {path} cannot be trained on: {error}.") from error


def _averaged(
    pixels: RGBImage, matrix: NDArray[np.float64]
) -> tuple[RGBImage, NDArray[np.float64]]:
    """The picture at the scale of the window if that is smaller, lest pixels be skipped, and what
    is left of the matrix for it, from middle of pixel to middle of pixel."""
    scale = math.hypot(matrix[0, 0], matrix[1, 0])
    height, width = pixels.shape[:2]
    factor = min(scale, 1.0)
    size = (max(1, round(width * factor)), max(1, round(height * factor)))
    if factor < 1:
        pixels = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
    inner = matrix.copy()
    inner[:, 0] *= width / size[0]
    inner[:, 1] *= height / size[1]
    # Coordinates count from corners of pixels, OpenCV from their middles.
    inner[:, 2] += inner[:, :2] @ (0.5, 0.5) - 0.5
    return pixels, inner


def _moved(quads: NDArray[np.float64], matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    return quads @ matrix[:, :2].T + matrix[:, 2]


def _written(text: str, quad: NDArray[np.float64]) -> WrittenWord:
    top, bottom = halves(quad)
    height = float(np.linalg.norm(bottom - top, axis=1).mean())
    outline = tuple((float(x), float(y)) for x, y in quad)
    return WrittenWord(text, outline, "", _CAPITALS * height, 0)


def _relit(pixels: RGBImage, rng: Rng) -> RGBImage:
    """Brighter or darker, of another tint, now and then a negative, in other colours, or blurred:
    a few hundred photographs are seen many times, and shall not be learned by heart."""
    if rng.random() < 0.3:
        pixels = pixels[..., rng.permutation(3)]
    if rng.random() < 0.25:
        pixels = cv2.GaussianBlur(pixels, (0, 0), rng.uniform(0.4, 1.2)).astype(np.uint8)
    values = pixels.astype(np.float32) / 255
    if rng.random() < 0.25:
        values = values + rng.normal(0, rng.uniform(0.01, 0.05), values.shape)
        values = np.clip(values, 0, 1)
    values = values ** float(np.exp(rng.normal(0, 0.25))) * np.exp(rng.normal(0, 0.08, 3))
    if rng.random() < 0.15:
        values = 1 - values
    found: RGBImage = (255 * np.clip(values, 0, 1)).astype(np.uint8)
    return found
