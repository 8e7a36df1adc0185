"""A picture as the input of a network. This is the only implementation: training, export and
serving all call it, so that they cannot drift apart.

The chain is: RGB uint8 (H, W, 3) -> fit to a square -> bicubic to size x size -> [0, 1] ->
(value - mean) / std per channel -> float32 (3, size, size).

Points and boxes are continuous: the picture covers [0, W] x [0, H], pixel (0, 0) covers
[0, 1] x [0, 1]; the input covers [0, size] x [0, size].
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from sightread.config import parse, to_plain
from sightread.errors import ModelError
from sightread.types import RGBImage

Fit = Literal["pad", "crop", "squash"]
Points = NDArray[np.float64]
"""(..., 2): x to the right, y down."""

CLIP_MEAN = (0.48145466, 0.4578275, 0.40821073)
CLIP_STD = (0.26862954, 0.26130258, 0.27577711)

MAX_SIZE_PX = 4096
MAX_SIDE_PX = 16_384


@dataclass(frozen=True, slots=True)
class PreprocessSpec:
    """How a picture becomes a square.

    Attributes:
        size_px: side of the input.
        fit: "pad": black at the right or the bottom makes it square, then it is resized (FDP,
            papers/fdp.md 4.1a), so that coordinates keep their origin and nothing is lost;
            "crop": the shorter side becomes `size_px`, the middle is kept (CLIP);
            "squash": both sides become `size_px`, whatever the shape.
        mean, std: of each colour channel, for values in [0, 1].
    """

    size_px: int
    fit: Fit = "pad"
    mean: tuple[float, float, float] = CLIP_MEAN
    std: tuple[float, float, float] = CLIP_STD

    def __post_init__(self) -> None:
        if not 1 <= self.size_px <= MAX_SIZE_PX:
            raise ModelError(
                f"An input of {self.size_px} px is not possible: it must be 1 to {MAX_SIZE_PX}."
            )
        if not all(value > 0 for value in self.std):
            raise ModelError(f"The std {self.std} must be above 0 for each colour.")

    def to_json(self) -> dict[str, Any]:
        return to_plain(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> PreprocessSpec:
        """Raises ModelError: a field is missing, unknown, or makes no sense."""
        return parse(cls, data, "the preprocessing", ModelError)


def preprocess(image: RGBImage, spec: PreprocessSpec) -> NDArray[np.float32]:
    """The input of a network for one picture.

    Args:
        image: (H, W, 3) uint8, upright RGB, at least 1 x 1.

    Returns:
        (3, size, size) float32, C-contiguous.
    """
    return normalise(fit_square(image, spec), spec)


def fit_square(image: RGBImage, spec: PreprocessSpec) -> RGBImage:
    """The picture as (size, size, 3) uint8, before normalisation: what the network looks at.

    A picture with a side of more than 16,384 px is first averaged down by a whole factor.
    """
    size = spec.size_px
    whole = Image.fromarray(np.ascontiguousarray(image))
    factor = -(-max(whole.size) // MAX_SIDE_PX)
    if factor > 1:
        whole = whole.reduce(factor)
    if spec.fit == "pad":
        return _padded(whole, size)
    if spec.fit == "squash":
        return np.asarray(_resize(whole, size, (0, 0, whole.width, whole.height)))
    wide, high = _crop_size(*whole.size, size)
    left, top = _crop_corner(wide, high, size)
    x, y = whole.width / wide, whole.height / high
    # The same as to resize the whole and crop, but a panorama never becomes a huge picture.
    right, bottom = min((left + size) * x, whole.width), min((top + size) * y, whole.height)
    return np.asarray(_resize(whole, size, (left * x, top * y, right, bottom)))


def _padded(image: Image.Image, size: int) -> RGBImage:
    """Resized along its longer side, padded, then resized along the other: the same as padding
    first, without making the square of a panorama."""
    if image.width < image.height:
        turned = _padded(image.transpose(Image.Transpose.TRANSPOSE), size)
        return np.ascontiguousarray(turned.swapaxes(0, 1))
    side = image.width
    square = Image.new("RGB", (size, side))
    square.paste(image.resize((size, image.height), Image.Resampling.BICUBIC))
    return np.asarray(square.resize((size, size), Image.Resampling.BICUBIC))


def _resize(image: Image.Image, size: int, box: tuple[float, float, float, float]) -> Image.Image:
    """Bring a box of the picture to size x size, first across, then down.

    In two calls, since the order, which shows where values are clipped, is not the same in all
    versions of Pillow.
    """
    left, top, right, bottom = box
    bicubic = Image.Resampling.BICUBIC
    rows = image.resize((size, image.height), bicubic, box=(left, 0, right, image.height))
    return rows.resize((size, size), bicubic, box=(0, top, size, bottom))


def _crop_size(width: int, height: int, size: int) -> tuple[int, int]:
    """Shorter side to `size`; the longer one is rounded down, as CLIP's own transform does."""
    if width <= height:
        return size, int(size * height / width)
    return int(size * width / height), size


def _crop_corner(width: int, height: int, size: int) -> tuple[int, int]:
    return round((width - size) / 2), round((height - size) / 2)


def normalise(square: RGBImage, spec: PreprocessSpec) -> NDArray[np.float32]:
    """(S, S, 3) uint8 -> (3, S, S) float32: (value / 255 - mean) / std."""
    mean = np.asarray(spec.mean)
    std = np.asarray(spec.std)
    scale = (1.0 / (255.0 * std)).astype(np.float32)
    shift = (-mean / std).astype(np.float32)
    planes = square.transpose(2, 0, 1).astype(np.float32, order="C")
    planes *= scale[:, None, None]
    planes += shift[:, None, None]
    return planes


# --- where a point of the picture is in the input, and back ----------------------------------


def _mapping(width: int, height: int, spec: PreprocessSpec) -> tuple[Points, Points]:
    """(scale, shift), each (2,): input = picture * scale + shift."""
    size = spec.size_px
    if spec.fit == "pad":
        return np.full(2, size / max(width, height)), np.zeros(2)
    if spec.fit == "squash":
        return np.array([size / width, size / height]), np.zeros(2)
    wide, high = _crop_size(width, height, size)
    scale = np.array([wide / width, high / height])
    return scale, -np.asarray(_crop_corner(wide, high, size), np.float64)


def to_input(points: Points, width: int, height: int, spec: PreprocessSpec) -> Points:
    """Points of a picture of `width` x `height` px, (..., 2), in the pixels of the input.

    A point that the crop cuts off lands outside of [0, size].
    """
    scale, shift = _mapping(width, height, spec)
    return np.asarray(points, np.float64) * scale + shift


def to_picture(points: Points, width: int, height: int, spec: PreprocessSpec) -> Points:
    """The inverse of `to_input`. A point on the padding lands outside of the picture."""
    scale, shift = _mapping(width, height, spec)
    return (np.asarray(points, np.float64) - shift) / scale
