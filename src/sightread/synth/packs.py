"""The printed faces of packages: words, colours and a small picture."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sightread.synth.canvas import Canvas, Color, Pen
from sightread.synth.fonts import Face
from sightread.synth.places import OAK
from sightread.synth.props import Rng, shade
from sightread.synth.surfaces import Shade, gradient
from sightread.types import Point

Line = tuple[str, Face, float]


@dataclass(frozen=True, slots=True)
class Pack:
    """A package: its form, its words from top to bottom, its colours and picture."""

    form: str
    lines: tuple[Line, ...]
    color: Shade
    ink: Color = (255, 250, 236)
    motif: str = "beans"
    accent: Color = (240, 190, 90)
    band: Color | None = None
    side: tuple[str, ...] = ()
    wall: Shade = (214, 216, 206)
    wood: Shade = OAK
    angle: float = 0.0


def label(pack: Pack, width: int, height: int, rng: Rng) -> Canvas:
    """The printed face of a package."""
    canvas = Canvas(width, height)
    r, g, b, *_ = shade(pack.color, 0.8)
    canvas.paint(gradient(2, 64, pack.color, pack.color, (r, g, b)))
    middle = height * 0.5
    draw_motif(
        canvas,
        pack.motif,
        (width / 2, height * 0.735),
        min(width * 0.24, height * 0.135),
        pack,
        rng,
    )
    if pack.band:
        canvas.box((0, height * 0.13, width, middle + height * 0.07), pack.band)
        canvas.box((0, height * 0.13 - 8, width, height * 0.13 - 3), pack.accent)
        canvas.box((0, middle + height * 0.07 + 3, width, middle + height * 0.07 + 8), pack.accent)
    last = len(pack.lines) - 1
    total = sum(size * 1.3 for _, _, size in pack.lines[:last])
    y = height * 0.33 - total / 2
    for i, (text, face, size) in enumerate(pack.lines):
        pen = Pen(face, size, pack.ink).fit(text, width * 0.86)
        if i == last:
            canvas.text((width / 2, height * 0.93), text, pen)
        else:
            canvas.text((width / 2, y + size * 0.65), text, pen)
            y += size * 1.3
    return canvas


def draw_motif(canvas: Canvas, kind: str, at: Point, size: float, pack: Pack, rng: Rng) -> None:
    """The picture on a package: beans, leaves, fruit, a sun, waves."""
    x, y = at
    if kind == "sun":
        for k in range(16):
            angle = k * np.pi / 8
            tip = (x + float(np.cos(angle)) * size, y + float(np.sin(angle)) * size)
            canvas.line([at, tip], pack.accent, size * 0.08)
        canvas.disc(at, size * 0.6, pack.accent)
        canvas.disc((x - size * 0.12, y - size * 0.12), size * 0.4, shade(pack.accent, 1.15))
    elif kind == "waves":
        for k in range(4):
            points = [
                (float(u), y + (k - 2) * size * 0.32 + float(np.sin(u / 22 + k)) * 8)
                for u in range(0, canvas.width + 8, 8)
            ]
            canvas.line(points, shade(pack.accent, 1 - 0.12 * k), size * 0.14)
    else:
        colors: dict[str, Color] = {
            "beans": (150, 96, 58),
            "leaf": (70, 120, 60),
            "fruit": (226, 120, 40),
            "tomato": (206, 44, 34),
        }
        for _ in range(9):
            cx, cy = x + float(rng.uniform(-1, 1)) * size, y + float(rng.uniform(-0.5, 0.5)) * size
            r = size * (0.34 if kind in ("fruit", "tomato") else 0.24)
            canvas.ellipse(
                (cx - r, cy - r * 0.74, cx + r, cy + r * 0.74), shade(colors[kind], 0.75)
            )
            canvas.ellipse(
                (cx - r * 0.92, cy - r * 0.7, cx + r * 0.86, cy + r * 0.62), colors[kind]
            )
            if kind in ("beans", "leaf"):
                canvas.arc(
                    (cx - r * 0.7, cy - r * 0.5, cx + r * 0.7, cy + r * 0.6),
                    190,
                    350,
                    shade(colors[kind], 1.6),
                    2,
                )
            else:
                canvas.ellipse(
                    (cx - r * 0.5, cy - r * 0.5, cx - r * 0.1, cy - r * 0.2), (255, 255, 255, 110)
                )
