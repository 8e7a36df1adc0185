"""Places where things lie, stand or hang: a kitchen counter, table tops, a desk, walls."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sightread.synth.canvas import Canvas, Color
from sightread.synth.geometry import turned_quad
from sightread.synth.props import (
    Rng,
    clouds_of_leaves,
    glow_spot,
    shade,
    skyline,
    street,
    table,
    tree,
)
from sightread.synth.surfaces import (
    Shade,
    brick,
    cloth,
    corrugated,
    grass,
    planks,
    plaster,
    ramp,
    sky,
    value_noise,
)
from sightread.types import Point

OAK: Shade = (176, 132, 88)
WALNUT: Shade = (104, 72, 50)
PINE: Shade = (208, 172, 124)
SLATE: Shade = (84, 90, 96)
LINEN: Shade = (206, 200, 188)


def outdoors(rng: Rng, kind: str, size: tuple[int, int] = (960, 720)) -> Canvas:
    """A place to put a sign: street, park, country road, brick, concrete or fence."""
    width, height = size
    canvas = Canvas(width, height)
    walls = {
        "brick": lambda: brick(width, height, rng, (156, 84, 64), 26),
        "concrete": lambda: plaster(width, height, rng, (168, 166, 160), 0.3),
        "fence": lambda: np.rot90(planks(height, width, rng, (150, 112, 76), 9)).copy(),
        "shutter": lambda: np.rot90(corrugated(height, width, rng, (122, 136, 142), 30)).copy(),
        "tiles": lambda: brick(width, height, rng, (206, 214, 208), 46),
    }
    if kind in walls:
        canvas.paint(walls[kind]())
        canvas.glaze((0, 0, 0), ramp((0, 0), (1, 0.28), across=False))
        return canvas
    canvas.paint(sky(width, height, rng, ((98, 150, 208), (206, 222, 232)), 0.5))
    if kind == "street":
        skyline(canvas, height * 0.8, rng, (176, 166, 156))
        for x in (0.08, 0.9):
            tree(canvas, (width * x, height * 0.84), height * 0.42, rng)
        street(canvas, height * 0.78, rng)
    else:
        _fields(canvas, rng, kind)
    canvas.soften(3.0)
    return canvas


def _fields(canvas: Canvas, rng: Rng, kind: str) -> None:
    width, height = canvas.width, canvas.height
    ridge = value_noise(width, 8, rng, (5, 1), 3)[0]
    for depth, color in enumerate(((128, 154, 158), (104, 138, 112), (84, 122, 74))):
        base = height * (0.55 + 0.07 * depth)
        hills = [
            (float(x), base - 90 * float(ridge[(x + 211 * depth) % width]) + 30)
            for x in range(0, width, 12)
        ]
        canvas.polygon([(0, height), *hills, (width, base), (width, height)], color)
    canvas.paint(grass(width, height // 3, rng, (106, 138, 66)), (0, height * 0.72, width, height))
    if kind == "road":
        vanish, foot = (width * 0.34, height * 0.68), float(height)
        canvas.polygon(
            [
                (vanish[0] - 6, vanish[1]),
                (vanish[0] + 6, vanish[1]),
                (width * 0.62, foot),
                (-width * 0.12, foot),
            ],
            (112, 112, 116),
        )
        canvas.line([vanish, (width * 0.25, foot)], (240, 236, 220), 5)
    else:
        for x in (0.1, 0.22, 0.86):
            tree(canvas, (width * x, height * 0.8), height * float(rng.uniform(0.4, 0.55)), rng)
        clouds_of_leaves(canvas, (0, height * 0.76, width, height * 0.84), rng, (72, 108, 58))


def table_top(
    rng: Rng, color: Shade, kind: str = "wood", size: tuple[int, int] = (960, 720)
) -> Canvas:
    """A table seen from straight above: `wood`, `stone` or `cloth`."""
    canvas = Canvas(*size)
    width, height = size
    if kind == "wood":
        table(canvas, rng, planks(width, height, rng, color, 5))
    elif kind == "cloth":
        table(canvas, rng, cloth(width, height, rng, color))
    else:
        table(canvas, rng, plaster(width, height, rng, color, 0.45))
    return canvas


def counter(rng: Rng, wall: Shade, wood: Shade, size: tuple[int, int] = (840, 700)) -> Canvas:
    """A kitchen counter with tiles and things out of focus behind; the edge is at 0.74."""
    width, height = size
    canvas = Canvas(width, height)
    canvas.paint(brick(width // 3, height // 3, rng, wall, 18))  # it will be out of focus
    glow_spot(canvas, (width * 0.24, height * 0.2), width * 0.6, (255, 250, 230), 0.6)
    edge = height * 0.74
    x = 10.0
    while x < width - 40:
        w, h = float(rng.uniform(44, 96)), float(rng.uniform(110, 330))
        r, g, b = (int(v) for v in rng.integers(90, 215, 3))
        color: Color = (r, g, b)
        canvas.box((x, edge - h, x + w, edge), color, radius=12)
        canvas.box(
            (x + w * 0.1, edge - h * 0.7, x + w * 0.9, edge - h * 0.25), shade(color, 1.25), 4
        )
        canvas.glaze((0, 0, 0), ramp((0, 0.3), (0.4, 0), (1, 0.45)), (x, edge - h, x + w, edge))
        x += w + float(rng.uniform(14, 120))
    canvas.soften(9)
    top = planks(width, max(8, int(height - edge)), rng, wood, 3)
    canvas.paint(top, (0, edge, width, height))
    canvas.glaze((255, 255, 255), ramp((0, 0.3), (0.5, 0), across=False), (0, edge, width, height))
    canvas.soften(1.2)
    return canvas


def cup(canvas: Canvas, at: Point, radius: float, drink: Color = (74, 44, 26)) -> None:
    """A cup of coffee from above, on its saucer."""
    x, y = at
    ring = turned_quad((x + 8, y + 14), (radius * 2.5, radius * 2.5), 45)
    canvas.shadow(ring, radius * 0.22, 0.4)
    for grow, color in ((1.6, (232, 228, 220)), (1.52, (246, 243, 236)), (1.1, (222, 216, 206))):
        canvas.disc(at, radius * grow, color)
    canvas.ellipse(
        (x + radius * 0.8, y - radius * 0.26, x + radius * 1.5, y + radius * 0.26),
        None,
        (240, 236, 228),
        radius * 0.16,
    )
    canvas.disc(at, radius, (250, 248, 242))
    canvas.disc(at, radius * 0.86, drink)
    canvas.disc((x - radius * 0.1, y + radius * 0.06), radius * 0.7, shade(drink, 1.25))
    canvas.disc((x - radius * 0.14, y + radius * 0.1), radius * 0.52, shade(drink, 1.1))
    canvas.arc(
        (x - radius * 0.6, y - radius * 0.7, x + radius * 0.5, y + radius * 0.4),
        200,
        280,
        (255, 255, 255, 120),
        radius * 0.06,
    )


def pencil(canvas: Canvas, start: Point, end: Point, color: Color) -> None:
    """A pencil lying there, tip at `end`."""
    (x0, y0), (x1, y1) = start, end
    length = float(np.hypot(x1 - x0, y1 - y0))
    ux, uy = (x1 - x0) / length, (y1 - y0) / length
    px, py = -uy * 7, ux * 7

    def band(a: float, b: float, fill: Color, taper: float = 1.0) -> None:
        canvas.polygon(
            [
                (x0 + ux * a + px, y0 + uy * a + py),
                (x0 + ux * b + px * taper, y0 + uy * b + py * taper),
                (x0 + ux * b - px * taper, y0 + uy * b - py * taper),
                (x0 + ux * a - px, y0 + uy * a - py),
            ],
            fill,
        )

    quad = turned_quad(
        ((x0 + x1) / 2 + 5, (y0 + y1) / 2 + 8), (length, 14), float(np.degrees(np.arctan2(uy, ux)))
    )
    canvas.shadow(quad, 5, 0.5)
    band(0, 16, (226, 140, 140))
    band(16, 26, (190, 192, 190))
    band(26, length - 30, color)
    band(length - 30, length - 8, (226, 190, 140), 0.3)
    canvas.polygon(
        [
            (x1 - ux * 9 + px * 0.32, y1 - uy * 9 + py * 0.32),
            end,
            (x1 - ux * 9 - px * 0.32, y1 - uy * 9 - py * 0.32),
        ],
        (40, 40, 44),
    )


def coins(canvas: Canvas, at: Point, rng: Rng, count: int = 4) -> None:
    """A few coins."""
    for _ in range(count):
        x, y = at[0] + float(rng.uniform(-60, 60)), at[1] + float(rng.uniform(-40, 40))
        radius = float(rng.uniform(17, 25))
        metal: Color = (206, 168, 92) if rng.random() < 0.5 else (188, 190, 194)
        canvas.disc((x + 3, y + 5), radius, (0, 0, 0, 80))
        canvas.disc((x, y), radius, shade(metal, 0.85))
        canvas.disc((x - 1, y - 1), radius * 0.86, metal)
        canvas.arc(
            (x - radius * 0.6, y - radius * 0.6, x + radius * 0.6, y + radius * 0.6),
            190,
            300,
            (255, 255, 255, 130),
            2,
        )


@dataclass(frozen=True, slots=True)
class Pose:
    """How a sheet lies: turned by `angle` degrees; `tilt` makes its far edge smaller."""

    center: Point
    angle: float = 0.0
    zoom: float = 1.0
    tilt: float = 0.0


def lay(canvas: Canvas, sheet: Canvas, pose: Pose, shadow: float = 10.0) -> None:
    """Put a sheet down."""
    size = (sheet.width * pose.zoom, sheet.height * pose.zoom)
    quad = list(turned_quad(pose.center, size, pose.angle))
    (ax, ay), (bx, by) = quad[0], quad[1]
    inset = pose.tilt * 0.5
    quad[0] = (ax + (bx - ax) * inset, ay + (by - ay) * inset)
    quad[1] = (bx - (bx - ax) * inset, by - (by - ay) * inset)
    canvas.place(sheet, quad, shadow=shadow)


def crumple(sheet: Canvas, rng: Rng, strength: float = 0.16) -> None:
    """Soft uneven light on paper that was in a pocket."""
    noise = value_noise(sheet.width // 2, sheet.height // 2, rng, (5, 6), 3)
    sheet.glaze((0, 0, 0), np.clip((0.62 - noise) * 2, 0, 1).astype(np.float32) * strength)
