"""What a camera does to a scene: light, focus, shake, noise. Nothing here moves a word."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageFilter

from sightread.synth.surfaces import Field, radial, value_noise
from sightread.types import RGBImage


@dataclass(frozen=True, slots=True)
class Look:
    """How a picture was taken. The defaults are a calm daylight photograph.

    `light` scales brightness, `warmth` shifts blue to red (-1 to 1), `vignette` darkens the
    corners, `blur` is a radius and `shake` a length in pixels, `noise` a standard deviation in
    grey levels, `dapple` the strength of shadows as of leaves, `haze` a grey veil.
    """

    light: float = 1.0
    warmth: float = 0.0
    vignette: float = 0.18
    blur: float = 0.4
    shake: int = 0
    noise: float = 2.0
    dapple: float = 0.0
    haze: float = 0.0


DAYLIGHT = Look()
SCREENSHOT = Look(vignette=0.0, blur=0.0, noise=0.0)
"""Pixels as they were drawn."""


def develop(image: RGBImage, look: Look, rng: np.random.Generator) -> RGBImage:
    """The scene as the camera saw it; same shape."""
    if look == SCREENSHOT:
        return image
    height, width = image.shape[:2]
    if look.blur or look.shake:
        image = _defocus(image, look)
    gain = np.full((height, width), look.light, np.float32)
    if look.vignette:
        edge = 1 - radial(width // 8, height // 8, (0.5, 0.5), 0.85)
        gain *= 1 - look.vignette * _enlarge(edge.astype(np.float32), width, height)
    if look.dapple:
        leaves = value_noise(width // 4, height // 4, rng, (7, 5), 3)
        shade = np.clip((leaves - 0.5) * 7, 0, 1).astype(np.float32)
        gain *= 1 - look.dapple * _enlarge(shade, width, height)
    pixels = image * gain[:, :, None]
    if look.warmth:
        pixels *= np.array([1 + 0.12 * look.warmth, 1.0, 1 - 0.16 * look.warmth], np.float32)
    if look.haze:
        pixels = pixels * (1 - look.haze) + 205 * look.haze
    if look.noise:
        grain = rng.standard_normal((height, width), dtype=np.float32)
        pixels += look.noise * grain[:, :, None]
    developed: RGBImage = np.clip(pixels, 0, 255).astype(np.uint8)
    return developed


def _defocus(image: RGBImage, look: Look) -> RGBImage:
    picture = Image.fromarray(image)
    if look.blur:
        picture = picture.filter(ImageFilter.GaussianBlur(look.blur))
    pixels = np.asarray(picture)
    if look.shake > 1:
        # A camera that moves sideways during the exposure: a symmetric box along the rows.
        half = look.shake // 2
        padded = np.pad(pixels, ((0, 0), (half, half), (0, 0)), mode="edge").astype(np.float32)
        width = pixels.shape[1]
        total = sum(padded[:, i : i + width] for i in range(2 * half + 1))
        pixels = (np.asarray(total) / (2 * half + 1)).astype(np.uint8)
    return pixels


def _enlarge(field: Field, width: int, height: int) -> Field:
    resized = Image.fromarray(field).resize((width, height), Image.Resampling.BILINEAR)
    return np.asarray(resized, dtype=np.float32)
