"""What the camera and the file do to a finished scene. Nothing here moves a pixel's place.

`effects` does the like for the demo gallery, in one pass and with more care; these are single
steps that take a small part of a millisecond each.
"""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from sightread.types import RGBImage

Rng = np.random.Generator
_GRAIN_PX = 1024


def defocus(pixels: RGBImage, sigma_px: float) -> RGBImage:
    """Out of focus, by a Gaussian of `sigma_px`."""
    blurred: RGBImage = cv2.GaussianBlur(pixels, (0, 0), sigma_px)
    return blurred


def shake(pixels: RGBImage, length_px: float, angle: float) -> RGBImage:
    """Motion blur along a straight line centred on each pixel; `angle` in radians."""
    reach = int(np.ceil(length_px / 2))
    offsets = np.linspace(-length_px / 2, length_px / 2, 4 * reach + 1)
    kernel = np.zeros((2 * reach + 1, 2 * reach + 1), np.float32)
    xs = np.rint(reach + offsets * np.cos(angle)).astype(int)
    ys = np.rint(reach + offsets * np.sin(angle)).astype(int)
    np.add.at(kernel, (ys, xs), 1.0)
    blurred: RGBImage = cv2.filter2D(pixels, -1, kernel / kernel.sum())
    return blurred


def dim(pixels: RGBImage, light: float, warmth: float) -> RGBImage:
    """Less light, and a shift of blue to red (-1 to 1)."""
    gains = np.array([1 + 0.1 * warmth, 1.0, 1 - 0.1 * warmth], np.float64) * light
    dimmed: RGBImage = cv2.transform(pixels, np.diag(gains))
    return dimmed


def shade_unevenly(pixels: RGBImage, strength: float, rng: Rng) -> RGBImage:
    """Light that falls off from place to place, by at most the share `strength`."""
    height, width = pixels.shape[:2]
    gains = (1 - strength * rng.random((3, 3), dtype=np.float32)).astype(np.float32)
    field = cv2.resize(gains, (width, height), interpolation=cv2.INTER_CUBIC)
    shaded: RGBImage = cv2.multiply(pixels, cv2.merge([field, field, field]), dtype=cv2.CV_8U)
    return shaded


def add_noise(pixels: RGBImage, sigma: float, rng: Rng) -> RGBImage:
    """Grain with the standard deviation `sigma` in grey levels, half of it of one colour."""
    height, width = pixels.shape[:2]
    grain = _grain()
    if max(height, width) > _GRAIN_PX:
        rows, columns = np.arange(height) % _GRAIN_PX, np.arange(width) % _GRAIN_PX
        grain = grain[np.ix_(rows, columns)]
    top = int(rng.integers(grain.shape[0] - height + 1))
    left = int(rng.integers(grain.shape[1] - width + 1))
    piece = grain[top : top + height, left : left + width]
    noisy: RGBImage = cv2.addWeighted(piece, sigma, pixels, 1.0, 0.0, dtype=cv2.CV_8U)
    return noisy


def compress(pixels: RGBImage, quality: int) -> RGBImage:
    """What is left after JPEG compression with this quality, 1 to 100."""
    # Channels are swapped for the codec alone: its luma weighs them differently.
    swapped = cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR)
    _, data = cv2.imencode(".jpg", swapped, [cv2.IMWRITE_JPEG_QUALITY, quality])
    decoded: RGBImage = cv2.cvtColor(cv2.imdecode(data, cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)
    return decoded


@lru_cache(maxsize=1)
def _grain() -> NDArray[np.float32]:
    rng = np.random.default_rng(77)
    common = rng.standard_normal((_GRAIN_PX, _GRAIN_PX, 1), dtype=np.float32)
    own = rng.standard_normal((_GRAIN_PX, _GRAIN_PX, 3), dtype=np.float32)
    return (common + own) * np.float32(np.sqrt(0.5))
