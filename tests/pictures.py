"""A picture with known colours in known places, and its files."""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from sightread.types import RGBImage

RED, GREEN, BLUE, WHITE = (220, 20, 30), (20, 160, 40), (30, 40, 200), (255, 255, 255)


def corners(width: int = 96, height: int = 64) -> Image.Image:
    """Red, green, blue, white in the quarters: top left, top right, bottom left, bottom right."""
    image = Image.new("RGB", (width, height), WHITE)
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, 0, width // 2 - 1, height // 2 - 1), fill=RED)
    draw.rectangle((width // 2, 0, width, height // 2 - 1), fill=GREEN)
    draw.rectangle((0, height // 2, width // 2 - 1, height), fill=BLUE)
    return image


def saved(image: Image.Image, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def saved_heif(image: Image.Image, **options: object) -> bytes:
    from pillow_heif import from_pillow

    buffer = io.BytesIO()
    from_pillow(image).save(buffer, quality=90, **options)
    return buffer.getvalue()


def quarters(pixels: RGBImage) -> NDArray[np.int64]:
    """(4, 3): the colour in the middle of each quarter."""
    height, width = pixels.shape[:2]
    points = [(1, 1), (1, 3), (3, 1), (3, 3)]
    return np.array([pixels[height * y // 4, width * x // 4] for y, x in points], np.int64)


def assert_corners(pixels: RGBImage, tolerance: int = 12) -> None:
    assert np.abs(quarters(pixels) - [RED, GREEN, BLUE, WHITE]).max() <= tolerance
