"""Things that stand about in scenes: windows, awnings, trees, lamps, cars, poles, barcodes."""

from __future__ import annotations

from itertools import product

import numpy as np

from sightread.synth.canvas import Canvas, Color
from sightread.synth.geometry import Box, box_quad
from sightread.synth.surfaces import Shade, asphalt, gradient, ramp, tone, value_noise
from sightread.types import Point, RGBImage

Rng = np.random.Generator

DAY_GLASS: tuple[Shade, Shade] = ((164, 190, 206), (96, 122, 142))
NIGHT_GLASS: tuple[Shade, Shade] = ((38, 44, 62), (24, 28, 44))
LIT_GLASS: tuple[Shade, Shade] = ((255, 214, 140), (226, 158, 78))


def shade(color: Color, gain: float) -> Color:
    """A colour made lighter or darker."""
    r, g, b = (min(255, round(c * gain)) for c in color[:3])
    return (r, g, b)


def window(
    canvas: Canvas, box: Box, glass: tuple[Shade, Shade], frame: Color = (238, 234, 226)
) -> None:
    """A sash window with frame, sill and a slanting reflection."""
    x0, y0, x1, y1 = box
    w, h = x1 - x0, y1 - y0
    canvas.box((x0 - 4, y0 - 4, x1 + 4, y1 + 4), shade(frame, 0.72))
    canvas.box((x0 - 3, y0 - 3, x1 + 3, y1 + 3), frame)
    canvas.paint(gradient(2, 32, *glass), box)
    canvas.polygon(
        [(x0 + w * 0.1, y1), (x0 + w * 0.55, y0), (x0 + w * 0.8, y0), (x0 + w * 0.35, y1)],
        (255, 255, 255, 34),
    )
    canvas.box((x0, y0 + h * 0.47, x1, y0 + h * 0.47 + 3), frame)
    canvas.box((x0 + w / 2 - 1.5, y0, x0 + w / 2 + 1.5, y1), frame)
    canvas.glaze((0, 0, 0), ramp((0, 0.35), (0.12, 0), across=False), box)
    canvas.box((x0 - 8, y1 + 3, x1 + 8, y1 + 10), frame)
    canvas.box((x0 - 8, y1 + 10, x1 + 8, y1 + 15), (0, 0, 0, 60))


def awning(canvas: Canvas, box: Box, colors: tuple[Color, Color], stripes: int = 14) -> None:
    """A striped awning, narrower at the top, with a scalloped edge and its shadow below."""
    x0, y0, x1, y1 = box
    step, slope, drop = (x1 - x0) / stripes, 18.0, 14.0
    canvas.glaze((0, 0, 0), ramp((0, 0.5), (1, 0), across=False), (x0 + 6, y1, x1 - 6, y1 + 46))
    top = (x1 - x0 - 2 * slope) / stripes
    for i in range(stripes):
        color = colors[i % 2]
        left, right = x0 + i * step, x0 + (i + 1) * step
        upper = x0 + slope + i * top
        canvas.polygon([(upper, y0), (upper + top, y0), (right, y1), (left, y1)], color)
        dark = shade(color, 0.82)
        canvas.box((left, y1, right, y1 + drop * 0.6), dark)
        canvas.ellipse((left, y1 + drop * 0.1, right, y1 + drop * 1.1), dark)
    canvas.glaze((0, 0, 0), ramp((0, 0.28), (0.5, 0), (1, 0.1), across=False), (x0, y0, x1, y1))


def lit_room(canvas: Canvas, box: Box, rng: Rng, warm: bool = True) -> None:
    """What one sees through a shop window: shelves with goods, lamps, the glass in front."""
    x0, y0, x1, y1 = box
    w, h = x1 - x0, y1 - y0
    glass: tuple[Shade, ...] = ((92, 66, 44), (150, 108, 66), (70, 48, 34))
    if not warm:
        glass = ((70, 84, 92), (120, 140, 146), (58, 66, 72))
    canvas.paint(gradient(2, 64, *glass), box)
    for shelf in range(2):
        y = y0 + h * (0.52 + 0.3 * shelf)
        x = x0 + 8
        while x < x1 - 22:
            width = float(rng.uniform(10, 24))
            height = float(rng.uniform(0.08, 0.2)) * h
            r, g, b = (int(v) for v in rng.integers(70, 220, 3))
            canvas.box((x, y - height, x + width, y), (r, g, b, 170), radius=3)
            x += width + float(rng.uniform(2, 12))
        canvas.box((x0, y, x1, y + 5), (52, 36, 26, 230))
    for i in range(3):
        at = (x0 + w * (0.2 + 0.3 * i), y0 + h * 0.16)
        canvas.line([(at[0], y0), at], (40, 30, 24), 1.5)
        glow_spot(canvas, at, h * 0.34, (255, 226, 160), 0.75)
        canvas.disc(at, 6, (255, 246, 214))
    canvas.polygon(
        [(x0 + w * 0.05, y1), (x0 + w * 0.3, y0), (x0 + w * 0.46, y0), (x0 + w * 0.2, y1)],
        (255, 255, 255, 26),
    )


def glow_spot(
    canvas: Canvas, at: Point, radius: float, color: Color, strength: float = 0.6
) -> None:
    """A round patch of light."""
    steps = np.linspace(-1, 1, 48, dtype=np.float32)
    distance = np.sqrt(steps[None, :] ** 2 + steps[:, None] ** 2)
    mask = np.clip(1 - distance, 0, 1) ** 2 * strength
    x, y = at
    canvas.glaze(color, mask, (x - radius, y - radius, x + radius, y + radius))


def tree(canvas: Canvas, at: Point, height: float, rng: Rng, leaf: Color = (74, 112, 58)) -> None:
    """A tree in leaf; `at` is the foot of the trunk."""
    x, y = at
    trunk = height * 0.045
    canvas.polygon(
        [
            (x - trunk, y),
            (x - trunk * 0.5, y - height * 0.6),
            (x + trunk * 0.5, y - height * 0.6),
            (x + trunk, y),
        ],
        (84, 64, 48),
    )
    for layer in range(3):
        color = shade(leaf, 0.74 + 0.2 * layer)
        for _ in range(26):
            angle, far = rng.uniform(0, 2 * np.pi), np.sqrt(rng.uniform(0, 1))
            cx = x + np.cos(angle) * far * height * 0.26 - layer * height * 0.015
            cy = y - height * 0.7 + np.sin(angle) * far * height * 0.24 - layer * height * 0.03
            size = float(rng.uniform(0.035, 0.075)) * height
            canvas.disc((float(cx), float(cy)), size, color)


def lamp(canvas: Canvas, at: Point, height: float, lit: bool = False) -> None:
    """A street lamp; `at` is its foot."""
    x, y = at
    iron: Color = (44, 48, 52)
    canvas.box((x - 3, y - height, x + 3, y), iron)
    canvas.box((x - 7, y - height * 0.16, x + 7, y), iron, radius=2)
    top = y - height
    if lit:
        glow_spot(canvas, (x, top - 14), 90, (255, 220, 150), 0.8)
    head: Color = (255, 240, 200) if lit else (226, 230, 226)
    canvas.polygon([(x - 10, top - 26), (x + 10, top - 26), (x + 6, top), (x - 6, top)], head)
    canvas.polygon([(x - 13, top - 26), (x + 13, top - 26), (x, top - 40)], iron)
    canvas.box((x - 7, top - 2, x + 7, top + 4), iron)


def car(canvas: Canvas, box: Box, color: Color) -> None:
    """A small car from the side, standing on the lower edge of the box."""
    x0, y0, x1, y1 = box
    w, h = x1 - x0, y1 - y0

    def at(u: float, v: float) -> Point:
        return (x0 + u * w, y0 + v * h)

    canvas.shadow([at(0.02, 0.94), at(0.98, 0.94), at(0.94, 1.05), at(0.06, 1.05)], 6, 0.6)
    roof = [at(0.2, 0.45), at(0.32, 0.05), at(0.68, 0.05), at(0.84, 0.45)]
    canvas.polygon(roof, shade(color, 0.9))
    for u0, u1, v0, v1 in ((0.26, 0.49, 0.34, 0.48), (0.52, 0.77, 0.52, 0.66)):
        glass = [at(u0, 0.43), at(v0, 0.12), at(v1, 0.12), at(u1, 0.43)]
        canvas.polygon(glass, (132, 156, 172))
    body = [
        at(0, 0.56),
        at(0.06, 0.46),
        at(0.2, 0.42),
        at(0.84, 0.42),
        at(0.98, 0.52),
        at(1, 0.82),
        at(0, 0.82),
    ]
    canvas.polygon(body, color)
    canvas.box((x0, y0 + h * 0.7, x1, y0 + h * 0.82), shade(color, 0.8), radius=4)
    canvas.line([at(0.5, 0.44), at(0.5, 0.78)], shade(color, 0.7), 1.5)
    canvas.box((*at(0.0, 0.56), *at(0.04, 0.64)), (255, 214, 120), radius=2)
    canvas.box((*at(0.96, 0.54), *at(1.0, 0.62)), (208, 52, 44), radius=2)
    for u in (0.2, 0.8):
        canvas.disc(at(u, 0.82), h * 0.17, (32, 32, 34))
        canvas.disc(at(u, 0.82), h * 0.09, (176, 178, 182))


def pole(canvas: Canvas, x: float, top: float, bottom: float, radius: float = 6.0) -> None:
    """A galvanised post, rounded by its shading."""
    box = (x - radius, top, x + radius, bottom)
    canvas.box(box, (168, 172, 176))
    canvas.glaze((0, 0, 0), ramp((0, 0.4), (0.35, 0), (0.7, 0.15), (1, 0.55)), box)


def screws(canvas: Canvas, points: list[Point], radius: float = 4.0) -> None:
    """Screw heads."""
    for x, y in points:
        canvas.disc((x + 1, y + 1), radius, (0, 0, 0, 90))
        canvas.disc((x, y), radius, (190, 192, 194))
        canvas.line([(x - radius * 0.6, y - 1), (x + radius * 0.6, y + 1)], (90, 92, 94), 1)


def skyline(canvas: Canvas, horizon: float, rng: Rng, color: Shade, lit: bool = False) -> None:
    """Distant houses with rows of windows along the horizon."""
    x = -20.0
    while x < canvas.width:
        width, height = float(rng.uniform(60, 130)), float(rng.uniform(90, 250))
        wall = shade(color, float(rng.uniform(0.82, 1.12)))
        canvas.box((x, horizon - height, x + width, horizon), wall)
        for row, column in product(range(int(height // 26)), range(int(width // 22))):
            left, top = x + 8 + column * 22, horizon - height + 10 + row * 26
            glass: Color = shade(wall, 0.7)
            if lit and rng.random() < 0.4:
                glass = (246, 206, 126)
            canvas.box((left, top, left + 10, top + 14), glass)
        x += width


def street(canvas: Canvas, top: float, rng: Rng, dark: bool = False) -> None:
    """Pavement, kerb and road from `top` to the lower edge."""
    bottom = float(canvas.height)
    middle = top + (bottom - top) * 0.5
    gain = 0.45 if dark else 1.0
    stone = tone((186, 180, 170), np.full((2, 2), gain, np.float32))[0, 0]
    r, g, b = (int(v) for v in stone)
    canvas.paint(
        asphalt(canvas.width, int(middle - top) + 1, rng, (r, g, b)), (0, top, canvas.width, middle)
    )
    for i in range(-8, 26):
        x = canvas.width / 2 + (i - 8.5) * 64
        far = canvas.width / 2 + (x - canvas.width / 2) * 0.8
        canvas.line([(far, top), (x, middle)], (0, 0, 0, 46), 1.2)
    canvas.line(
        [(0, top + (middle - top) * 0.45), (canvas.width, top + (middle - top) * 0.45)],
        (0, 0, 0, 46),
        1.2,
    )
    canvas.box((0, middle - 3, canvas.width, middle + 8), shade((200, 196, 188), gain))
    road = round(92 * gain)
    canvas.paint(
        asphalt(canvas.width, int(bottom - middle), rng, (road, road, road + 4)),
        (0, middle + 8, canvas.width, bottom),
    )


def barcode(canvas: Canvas, box: Box, rng: Rng) -> None:
    """Black bars on white; the bars say nothing."""
    x0, y0, x1, y1 = box
    canvas.box(box, (252, 252, 250))
    x = x0 + 6
    while x < x1 - 8:
        width = float(rng.choice([1.0, 1.5, 2.5, 3.5]))
        canvas.box((x, y0 + 4, x + width, y1 - 4), (16, 16, 18))
        x += width + float(rng.choice([1.5, 2.0, 3.0]))


def matrix_code(canvas: Canvas, box: Box, rng: Rng, cells: int = 21) -> None:
    """A square of black and white cells with three finder squares; it says nothing."""
    x0, y0, x1, _ = box
    grid = rng.random((cells, cells)) < 0.5
    for row, column in ((0, 0), (0, cells - 7), (cells - 7, 0)):
        grid[row : row + 7, column : column + 7] = True
        grid[row + 1 : row + 6, column + 1 : column + 6] = False
        grid[row + 2 : row + 5, column + 2 : column + 5] = True
    size = (x1 - x0) / (cells + 4)
    canvas.box(box, (252, 252, 250))
    for row, column in np.argwhere(grid):
        left, top = x0 + (column + 2) * size, y0 + (row + 2) * size
        canvas.box((left, top, left + size, top + size), (18, 18, 20))


def clouds_of_leaves(canvas: Canvas, box: Box, rng: Rng, color: Color) -> None:
    """A hedge: a box of overlapping leaf clusters."""
    x0, y0, x1, y1 = box
    for layer in range(3):
        tint = shade(color, 0.7 + 0.22 * layer)
        for _ in range(int((x1 - x0) / 7)):
            at = (float(rng.uniform(x0, x1)), float(rng.uniform(y0, y1)) - layer * 4)
            canvas.disc(at, float(rng.uniform(7, 15)), tint)


def table(canvas: Canvas, rng: Rng, wood: RGBImage) -> None:
    """A table top seen from above, lit from the upper left."""
    canvas.paint(wood)
    falloff = value_noise(64, 48, rng, (2, 2), 1) * 0.15
    steps = np.linspace(0, 1, 64, dtype=np.float32)[None, :]
    rows = np.linspace(0, 1, 48, dtype=np.float32)[:, None]
    canvas.glaze((0, 0, 0), (falloff + 0.16 * steps + 0.14 * rows).astype(np.float32))


def sheet_shadow(canvas: Canvas, box: Box, blur: float = 10.0) -> None:
    """The shadow of an upright box, fallen to the lower right."""
    x0, y0, x1, y1 = box
    canvas.shadow(box_quad((x0 + 5, y0 + 8, x1 + 7, y1 + 11)), blur)
