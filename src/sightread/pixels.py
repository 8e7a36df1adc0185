"""Pixels of any kind to 8-bit grey or RGB: 16 bits, floats, CMYK, palettes, transparency."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageChops

from sightread.errors import PictureError


def flatten(image: Image.Image) -> Image.Image:
    """Bring a loaded picture of any mode to L or RGB.

    Raises:
        PictureError: the mode cannot be converted.
    """
    mode = image.mode
    if mode in ("I", "F") or mode.startswith("I;16"):
        grey = Image.fromarray(_eight_bits(np.asarray(image)))
        return ImageChops.invert(grey) if _white_is_zero(image) else grey
    if mode == "CMYK":
        # Pillow takes every JPEG in CMYK for one by Adobe, which stores inverted values.
        plain = image.format == "JPEG" and "adobe" not in image.info
        return (ImageChops.invert(image) if plain else image).convert("RGB")
    if image.has_transparency_data:
        return _over_background(image if mode == "RGBA" else image.convert("RGBA"))
    if mode in ("L", "RGB"):
        return image
    if mode == "LAB":
        raise PictureError("pictures in Lab colours are not supported; save it in RGB")
    return image.convert("L" if mode == "1" else "RGB")


def _white_is_zero(image: Image.Image) -> bool:
    tags: Any = getattr(image, "tag_v2", {})
    return image.mode.startswith("I;16") and tags.get(262) == 0


def _eight_bits(values: NDArray[Any]) -> NDArray[np.uint8]:
    """Scale 16-bit, 32-bit and float grey values to 0..255 so that nothing is clipped."""
    if values.dtype.kind == "u" and values.size and values.max() >= 4096:
        return (values >> 8).astype(np.uint8)
    # 12-bit cameras and scanners use the low end only, and floats have any range: stretch.
    low, high = _finite_range(values)
    low = 0.0 if values.dtype.kind == "u" else low
    scale = 255.0 / ((high - low) or 1.0)
    scaled = np.empty(values.shape, np.uint8)
    for start in range(0, len(values), 256):  # in bands, since floats take eight times the memory
        band = values[start : start + 256].astype(np.float64)
        band = (np.where(np.isfinite(band), band, low) - low) * scale
        scaled[start : start + 256] = np.rint(np.clip(band, 0.0, 255.0))
    return scaled


def _finite_range(values: NDArray[Any]) -> tuple[float, float]:
    """Smallest and largest value that is a number; 0, 0 if none is."""
    low, high = np.inf, -np.inf
    for start in range(0, len(values), 256):
        band = values[start : start + 256]
        band = band[np.isfinite(band)]
        if band.size:
            low, high = min(low, float(band.min())), max(high, float(band.max()))
    return (low, high) if low <= high else (0.0, 0.0)


def _over_background(image: Image.Image) -> Image.Image:
    """Put an RGBA picture on white, or on black if what it shows is itself bright.

    White writing on a transparent ground, as in logos and stickers, would vanish on white.
    """
    alpha = image.getchannel("A")
    if alpha.getextrema() == (255, 255):
        return image.convert("RGB")
    opaque = alpha.point(lambda value: 255 if value >= 128 else 0)
    histogram = np.asarray(image.convert("L").histogram(opaque), dtype=np.int64)
    shown = int(histogram.sum())
    mean = float(histogram @ np.arange(256)) / shown if shown else 0.0
    ground = Image.new("RGB", image.size, "black" if mean >= 128 else "white")
    ground.paste(image, mask=alpha)
    return ground
