"""Draws where an encoder takes a picture for text: the more probable, the warmer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from PIL import Image

    from sightread.types import RGBImage

_STRENGTH = 0.65
"""How much of a picture's pixel is covered where text is certain."""
_GREY = 0.5
"""How far the rest is turned grey, so that colours of the picture are not taken for heat."""


def warmed(pixels: RGBImage, heat: NDArray[np.float32]) -> Image.Image:
    """A copy of the picture, greyer, with the heat laid over it in yellow to red.

    Args:
        pixels: (H, W, 3) uint8.
        heat: (H, W) in [0, 1].
    """
    from PIL import Image

    colours = pixels.astype(np.float32)
    dull = colours + _GREY * (colours.mean(-1, keepdims=True) - colours)
    # Yellow where text is possible, red where it is certain.
    warm = np.stack(
        [np.full_like(heat, 255.0), 210.0 * (1 - heat), np.full_like(heat, 0.0)], axis=-1
    )
    cover = _STRENGTH * heat[..., None]
    return Image.fromarray(((1 - cover) * dull + cover * warm).round().astype(np.uint8))
