"""What scenes are drawn on: plain colours, gradients, textures, stripes, shapes, photographs."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from sightread.errors import PictureError
from sightread.synth import surfaces
from sightread.types import RGBImage

Rng = np.random.Generator
Grey = NDArray[np.uint8]
"""(H, W)."""
Ground = Callable[[int, int, Rng], RGBImage]
"""Width and height in pixels and a generator to a picture of that size."""
TEXTURES = 48
"""How many textures are made, on first use; scenes take pieces of them in other colours."""
_TEXTURE_PX = 384
_PHOTO_PX = 720
_PLAIN = (180, 180, 180)


def flat(width: int, height: int, rng: Rng) -> RGBImage:
    """One colour."""
    pixels = np.empty((height, width, 3), np.uint8)
    cv2.rectangle(pixels, (0, 0), (width, height), _colour(rng), cv2.FILLED)
    return pixels


def gradient(width: int, height: int, rng: Rng) -> RGBImage:
    """From one colour to a neighbouring one, in any direction."""
    start = np.array(_colour(rng), np.float64)
    down, across = rng.normal(0, 50, (2, 3))
    steps = np.linspace(-0.5, 0.5, 16)
    small = start + steps[:, None, None] * down + steps[None, :, None] * across
    coarse = np.clip(small, 0, 255).astype(np.uint8)
    pixels: RGBImage = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_LINEAR)
    return pixels


def texture(width: int, height: int, rng: Rng) -> RGBImage:
    """A piece of a wall, of boards, cloth, paper or stone, between two colours."""
    grain = _texture(int(rng.integers(TEXTURES)))
    side = max(width, height)
    span = min(_TEXTURE_PX, int(_TEXTURE_PX * (0.4 + 0.6 * rng.random())))
    left, top = (int(rng.integers(_TEXTURE_PX - span + 1)) for _ in range(2))
    piece = grain[top : top + span, left : left + span]
    if rng.random() < 0.5:
        piece = piece[:, ::-1]
    how = cv2.INTER_AREA if span > 2 * side else cv2.INTER_LINEAR
    piece = cv2.resize(np.ascontiguousarray(piece), (side, side), interpolation=how)
    return _tinted(piece[:height, :width], rng)


def stripes(width: int, height: int, rng: Rng) -> RGBImage:
    """Parallel stripes of two colours that are not far apart."""
    period = max(width, height) * (0.04 + 0.2 * rng.random())
    angle = np.pi * rng.random()
    x = np.arange(width, dtype=np.float32)[None, :] * np.float32(np.cos(angle) / period)
    y = np.arange(height, dtype=np.float32)[:, None] * np.float32(np.sin(angle) / period)
    place = x + y
    wave = np.abs(place - np.rint(place)) * 2
    sharp = np.clip((wave - 0.5) * period * 0.5 + 0.5, 0, 1) * 255
    return _tinted(sharp.astype(np.uint8), rng)


def shapes(width: int, height: int, rng: Rng) -> RGBImage:
    """Overlapping blots and bars: clutter that has no name, unlike what `things` draws."""
    pixels = gradient(width, height, rng)
    side = max(width, height)
    for _ in range(3 + int(rng.integers(8))):
        x, y = int(rng.integers(width)), int(rng.integers(height))
        colour = _colour(rng)
        if rng.random() < 0.6:
            corners = 5 + int(rng.integers(4))
            angles = np.linspace(0, 2 * np.pi, corners, endpoint=False)
            reach = side * (0.05 + 0.2 * rng.random()) * (0.4 + 1.2 * rng.random(corners))
            blot = np.stack([x + reach * np.cos(angles), y + reach * np.sin(angles)], axis=1)
            cv2.fillPoly(pixels, [np.rint(blot).astype(np.int32)], colour, cv2.LINE_AA)
        else:
            end = (int(rng.integers(width)), int(rng.integers(height)))
            cv2.line(pixels, (x, y), end, colour, 1 + int(rng.integers(1 + side // 20)))
    return pixels


GROUNDS: dict[str, Ground] = {
    "flat": flat,
    "gradient": gradient,
    "texture": texture,
    "stripes": stripes,
    "shapes": shapes,
}
"""Procedural grounds by name."""


def photograph(path: Path, width: int, height: int, rng: Rng) -> RGBImage:
    """A piece of a photograph, of this size.

    Raises:
        PictureError: the file cannot be read as a picture.
    """
    photo = _photo(path)
    have_h, have_w = photo.shape[:2]
    span = min(have_w / width, have_h / height) * (0.5 + 0.5 * rng.random())
    w, h = max(1, int(width * span)), max(1, int(height * span))
    left, top = int(rng.integers(have_w - w + 1)), int(rng.integers(have_h - h + 1))
    piece = photo[top : top + h, left : left + w]
    if rng.random() < 0.5:
        piece = np.ascontiguousarray(piece[:, ::-1])
    how = cv2.INTER_AREA if span > 1 else cv2.INTER_LINEAR
    pixels: RGBImage = cv2.resize(piece, (width, height), interpolation=how)
    return pixels


@lru_cache(maxsize=256)
def _photo(path: Path) -> RGBImage:
    try:
        with Image.open(path) as image:
            image.draft("RGB", (_PHOTO_PX, _PHOTO_PX))
            image.thumbnail((_PHOTO_PX, _PHOTO_PX))
            return np.asarray(image.convert("RGB"))
    except (OSError, ValueError, SyntaxError) as error:
        raise PictureError(
            f"The background {path} cannot be read as a picture: remove it from the backgrounds."
        ) from error


@lru_cache(maxsize=TEXTURES)
def _texture(number: int) -> Grey:
    """One of the textures as brightness: always the same for the same number."""
    rng = np.random.default_rng([20_24, number])
    make = _MATERIALS[number % len(_MATERIALS)]
    pixels = make(_TEXTURE_PX, rng)
    grain: Grey = cv2.normalize(pixels[:, :, 1], None, 0, 255, cv2.NORM_MINMAX)
    return grain


_MATERIALS: tuple[Callable[[int, Rng], RGBImage], ...] = (
    lambda side, rng: surfaces.brick(side, side, rng, _PLAIN, 18 + int(rng.integers(30))),
    lambda side, rng: surfaces.plaster(side, side, rng, _PLAIN),
    lambda side, rng: surfaces.planks(side, side, rng, _PLAIN, 3 + int(rng.integers(6))),
    lambda side, rng: surfaces.cloth(side, side, rng, _PLAIN),
    lambda side, rng: surfaces.corrugated(side, side, rng, _PLAIN, 20 + int(rng.integers(40))),
    lambda side, rng: surfaces.paper(side, side, rng, _PLAIN, 1 + int(rng.integers(4))),
    lambda side, rng: surfaces.asphalt(side, side, rng, _PLAIN),
    lambda side, rng: surfaces.grass(side, side, rng, _PLAIN),
)


def _colour(rng: Rng) -> tuple[int, int, int]:
    r, g, b = (int(v) for v in rng.integers(20, 250, 3))
    grey = (r + g + b) // 3
    return ((r + grey) // 2, (g + grey) // 2, (b + grey) // 2)


def _tinted(grey: Grey, rng: Rng) -> RGBImage:
    """Brightness as a way from one colour to another that is not far from it."""
    start = np.array(_colour(rng), np.float32)
    reach = 30 + 80 * rng.random()
    stop = np.clip(start + reach * (2 * rng.random(3) - 1) + (128 - start) * 0.3, 0, 255)
    mix = np.zeros((3, 4), np.float64)
    mix[:, :3], mix[:, 3] = np.diag((stop - start) / 255), start
    pixels: RGBImage = cv2.transform(cv2.merge([grey, grey, grey]), mix)
    return pixels
