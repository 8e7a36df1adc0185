"""Materials as pixel arrays: sky, brick, wood, plaster, metal, paper, asphalt, cloth.

Each takes its size in pixels and a generator and returns (H, W, 3) uint8.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from sightread.types import RGBImage

Shade = tuple[int, int, int]
Field = NDArray[np.float32]
"""(H, W) float32."""


def value_noise(
    width: int, height: int, rng: np.random.Generator, cells: tuple[int, int], octaves: int = 3
) -> Field:
    """Smooth noise in [0, 1]: random grids of ever finer cells, added up.

    `cells` is the number of cells across and down in the coarsest grid.
    """
    total = np.zeros((height, width), np.float32)
    weight, norm = 1.0, 0.0
    for octave in range(octaves):
        across, down = cells[0] * 2**octave + 1, cells[1] * 2**octave + 1
        grid = rng.random((min(down, height), min(across, width)), dtype=np.float32)
        layer = Image.fromarray(grid).resize((width, height), Image.Resampling.BICUBIC)
        total += weight * np.asarray(layer, dtype=np.float32)
        norm += weight
        weight *= 0.5
    field: Field = np.clip(total / np.float32(norm), 0, 1).astype(np.float32)
    return field


def tone(color: Shade, gain: Field) -> RGBImage:
    """A colour times a field around 1."""
    pixels: Field = np.asarray(color, np.float32) * gain[:, :, None]
    return np.clip(pixels, 0, 255).astype(np.uint8)


def gradient(width: int, height: int, *colors: Shade) -> RGBImage:
    """Colours from top to bottom at equal distances."""
    places = np.linspace(0, 1, len(colors))
    rows = np.linspace(0, 1, height)
    table = np.array(colors, np.float32)
    column = np.stack([np.interp(rows, places, table[:, c]) for c in range(3)], axis=1)
    return np.repeat(column[:, None, :], width, axis=1).astype(np.uint8)


def blend(under: RGBImage, color: Shade, mask: Field) -> RGBImage:
    """A colour laid over pixels with a density of 0 to 1."""
    alpha = mask[:, :, None]
    mixed = under * (1 - alpha) + np.asarray(color, np.float32) * alpha
    return mixed.astype(np.uint8)


def sky(
    width: int, height: int, rng: np.random.Generator, colors: tuple[Shade, ...], cover: float = 0.5
) -> RGBImage:
    """A sky with soft clouds; `cover` 0 is clear, 1 is overcast."""
    base = gradient(width, height, *colors)
    noise = value_noise(width, height, rng, (4, 7), 4)
    density = np.clip((noise - (0.78 - 0.45 * cover)) * 3.2, 0, 0.85)
    return blend(base, (255, 252, 248), density)


def brick(
    width: int, height: int, rng: np.random.Generator, color: Shade, course: int = 18
) -> RGBImage:
    """A wall of bricks, each of its own shade, with light mortar."""
    length = round(course * 2.6)
    rows, columns = np.arange(height), np.arange(width)
    row = rows // course
    shifted = columns[None, :] + (row[:, None] % 2) * (length // 2)
    column = shifted // length
    shades = rng.uniform(0.78, 1.16, (row.max() + 1, column.max() + 1)).astype(np.float32)
    gain = shades[row[:, None], column]
    gain = gain * (0.92 + 0.16 * value_noise(width, height, rng, (40, 30), 3))
    edge = ((rows % course) >= course - 2)[:, None] | ((shifted % length) >= length - 2)
    mortar = np.where(edge, np.float32(0.75), np.float32(0.0))
    return blend(tone(color, gain.astype(np.float32)), (196, 188, 176), mortar)


def planks(
    width: int, height: int, rng: np.random.Generator, color: Shade, count: int = 6
) -> RGBImage:
    """Boards lying across, with grain along them and a dark gap between."""
    step = max(2, height // count)
    rows = np.arange(height)
    shades = rng.uniform(0.84, 1.12, height // step + 1).astype(np.float32)
    grain = value_noise(width, height, rng, (3, height // 5), 3)
    warp = value_noise(width, height, rng, (5, 4 * count), 2)
    gain = shades[rows // step][:, None] * (0.74 + 0.34 * grain + 0.2 * warp)
    gap = np.minimum(rows % step, step - rows % step)
    gain *= np.where(gap < 2, 0.55, 1.0).astype(np.float32)[:, None]
    return tone(color, gain)


def plaster(
    width: int, height: int, rng: np.random.Generator, color: Shade, depth: float = 0.12
) -> RGBImage:
    """A painted wall or card: large soft stains and a fine grain."""
    large = value_noise(width, height, rng, (4, 3), 4)
    fine = rng.random((height, width), dtype=np.float32)
    grain: Field = large * np.float32(0.8) + fine * np.float32(0.2)
    return tone(color, grain * np.float32(depth) + np.float32(1 - depth / 2))


def corrugated(
    width: int, height: int, rng: np.random.Generator, color: Shade, period: int = 34
) -> RGBImage:
    """Ribbed sheet steel with streaks of wear, ribs upright."""
    phase = (np.arange(width) % period) / period
    places, light = [0, 0.1, 0.45, 0.55, 0.9, 1], [0.8, 1.08, 1.02, 0.72, 0.78, 0.8]
    rib = np.interp(phase, places, light).astype(np.float32)
    streaks = value_noise(width, height, rng, (width // 14, 3), 3)
    gain = rib[None, :] * (0.88 + 0.2 * streaks)
    return tone(color, gain.astype(np.float32))


def asphalt(width: int, height: int, rng: np.random.Generator, color: Shade) -> RGBImage:
    """Grainy ground, lighter towards the viewer."""
    grain = rng.random((height, width), dtype=np.float32)
    stains = value_noise(width, height, rng, (6, 3), 3)
    depth = np.linspace(0.86, 1.08, height, dtype=np.float32)[:, None]
    return tone(color, depth * (0.8 + 0.16 * grain + 0.24 * stains))


def grass(width: int, height: int, rng: np.random.Generator, color: Shade) -> RGBImage:
    """A meadow: short upright blades."""
    blades = value_noise(width, height, rng, (width // 3, height // 14), 2)
    patches = value_noise(width, height, rng, (5, 3), 3)
    return tone(color, 0.62 + 0.5 * blades + 0.24 * patches)


def paper(
    width: int, height: int, rng: np.random.Generator, color: Shade, creases: int = 0
) -> RGBImage:
    """Paper, with straight creases where it was folded."""
    gain = 0.965 + 0.05 * value_noise(width, height, rng, (3, 4), 4)
    x, y = np.arange(width, dtype=np.float32)[None, :], np.arange(height, dtype=np.float32)[:, None]
    for _ in range(creases):
        angle = rng.uniform(0, np.pi)
        side = (x - rng.uniform(0.2, 0.8) * width) * np.cos(angle)
        side = side + (y - rng.uniform(0.2, 0.8) * height) * np.sin(angle)
        gain = gain + 0.03 * np.tanh(side / 6) * np.exp(-np.abs(side) / 60)
        gain = gain - 0.05 * np.exp(-np.abs(side) / 1.2)
    return tone(color, gain.astype(np.float32))


def cloth(width: int, height: int, rng: np.random.Generator, color: Shade) -> RGBImage:
    """Cotton with slanting folds."""
    folds = value_noise(width, height, rng, (6, 3), 2)
    weave = rng.random((height, width), dtype=np.float32)
    return tone(color, 0.8 + 0.34 * folds + 0.05 * weave)


def radial(width: int, height: int, center: tuple[float, float], reach: float) -> Field:
    """1 at the centre (fractions of the size), falling smoothly to 0 at `reach` widths."""
    x = (np.arange(width, dtype=np.float32) / width - center[0])[None, :]
    y = ((np.arange(height, dtype=np.float32) / height - center[1]) * height / width)[:, None]
    near = np.clip(1 - np.sqrt(x * x + y * y) / reach, 0, 1)
    field: Field = (near * near * (3 - 2 * near)).astype(np.float32)
    return field


def ramp(*stops: tuple[float, float], across: bool = True, size: int = 128) -> Field:
    """A mask that goes through (place, density) stops, from left to right or top to bottom."""
    places, values = zip(*stops, strict=True)
    line: Field = np.interp(np.linspace(0, 1, size), places, values).astype(np.float32)
    return line[None, :] if across else line[:, None]
