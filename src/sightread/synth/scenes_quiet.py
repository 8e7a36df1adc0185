"""Pictures without a single word: hills, fruit, a city at night, the sea, a forest."""

from __future__ import annotations

import numpy as np

from sightread.synth.canvas import Canvas, Color
from sightread.synth.effects import Look
from sightread.synth.places import LINEN, table_top
from sightread.synth.props import Rng, glow_spot, shade, skyline, tree
from sightread.synth.shot import Shot
from sightread.synth.surfaces import grass, planks, ramp, sky, value_noise
from sightread.types import Metadata


def hills(rng: Rng) -> Canvas:
    """Mountains in layers under an evening sky."""
    canvas = Canvas(960, 640)
    canvas.paint(sky(480, 320, rng, ((84, 116, 176), (244, 190, 150), (252, 226, 180)), 0.4))
    glow_spot(canvas, (660, 300), 240, (255, 240, 200), 0.9)
    canvas.disc((660, 300), 34, (255, 248, 224))
    layers: tuple[Color, ...] = ((150, 138, 168), (112, 112, 150), (76, 92, 116), (46, 72, 74))
    for depth, color in enumerate(layers):
        ridge = value_noise(241, 4, rng, (4 + depth, 1), 4)[1]
        base = 300 + 84 * depth
        points = [(4.0 * i, base + 150 - 230 * float(v)) for i, v in enumerate(ridge)]
        canvas.polygon([(0, 640), *points, (960, 640)], color)
    return canvas


def still_life(rng: Rng) -> Canvas:
    """A bowl of fruit on linen, from above."""
    canvas = table_top(rng, LINEN, "cloth", (860, 660))
    canvas.shadow([(210, 150), (680, 150), (700, 600), (230, 600)], 40, 0.35)
    for radius, color in ((258, (60, 96, 120)), (246, (96, 140, 164)), (220, (70, 108, 132))):
        canvas.disc((430, 330), radius, color)
    fruits: tuple[Color, ...] = ((214, 60, 50), (240, 160, 50), (150, 180, 60), (240, 206, 80))
    for i in range(9):
        angle, far = i * 2.4, 52 * np.sqrt(i)
        x, y = 430 + float(np.cos(angle)) * far, 330 + float(np.sin(angle)) * far
        skin = fruits[i % 4]
        canvas.disc((x + 8, y + 12), 66, (0, 0, 0, 70))
        canvas.disc((x, y), 64, shade(skin, 0.82))
        canvas.disc((x - 5, y - 6), 55, skin)
        glow_spot(canvas, (x - 20, y - 24), 34, (255, 255, 255), 0.7)
        canvas.line([(x + 6, y - 4), (x + 14, y - 20)], (84, 60, 40), 5)
    return canvas


def night_city(rng: Rng) -> Canvas:
    """Lit windows above a river that mirrors them."""
    canvas = Canvas(1024, 683)
    canvas.paint(sky(512, 342, rng, ((8, 12, 34), (30, 34, 74), (80, 60, 96)), 0.1))
    for _ in range(90):
        at = (float(rng.uniform(0, 1024)), float(rng.uniform(0, 260)))
        canvas.disc(at, float(rng.uniform(0.5, 1.4)), (255, 255, 240))
    canvas.disc((820, 96), 38, (246, 240, 214))
    skyline(canvas, 430, rng, (34, 40, 62), lit=True)
    upper = np.asarray(canvas.image.crop((0, 360, 2048, 860)).reduce(2))[::-1]
    canvas.paint(np.ascontiguousarray(upper // 2), (0, 430, 1024, 683))
    waves = value_noise(256, 120, rng, (6, 40), 2)
    canvas.glaze((12, 18, 40), waves * 0.6, (0, 430, 1024, 683))
    canvas.box((0, 426, 1024, 434), (20, 22, 34))
    return canvas


def sea(rng: Rng) -> Canvas:
    """A pier that runs out into a calm sea."""
    canvas = Canvas(960, 720)
    canvas.paint(sky(480, 200, rng, ((120, 176, 220), (222, 236, 240)), 0.6), (0, 0, 960, 380))
    water = value_noise(480, 170, rng, (8, 60), 3)
    canvas.box((0, 380, 960, 720), (58, 128, 150))
    canvas.glaze((190, 226, 230), np.clip(water - 0.4, 0, 1), (0, 380, 960, 720))
    canvas.glaze((10, 60, 90), ramp((0, 0), (1, 0.5), across=False), (0, 380, 960, 720))
    deck = Canvas(300, 700)
    deck.paint(planks(300, 700, rng, (164, 134, 104), 26))
    canvas.place(deck, ((462, 386), (498, 386), (760, 720), (200, 720)))
    canvas.polygon([(640, 380), (660, 330), (676, 380)], (250, 248, 240))
    canvas.box((630, 378, 690, 384), (120, 60, 50), 3)
    return canvas


def forest(rng: Rng) -> Canvas:
    """Trees on a meadow, the far ones in mist."""
    canvas = Canvas(690, 520)
    canvas.paint(sky(345, 260, rng, ((170, 196, 206), (232, 232, 216)), 0.8))
    canvas.paint(grass(690, 184, rng, (120, 146, 82)), (0, 336, 690, 520))
    for depth in range(3):
        color = ((150, 176, 150), (110, 146, 100), (70, 112, 60))[depth]
        for _ in range(7 - 2 * depth):
            foot = (float(rng.uniform(0, 690)), 354.0 + 42 * depth)
            tree(canvas, foot, 160 + 84 * depth, rng, color)
        canvas.glaze((228, 232, 222), ramp((0, 0.3), (0.7, 0.12), (1, 0), across=False))
    return canvas


SHOTS: tuple[Shot, ...] = (
    Shot(
        "quiet-hills",
        "no text",
        hills,
        metadata=Metadata(
            caption="Sunset above the Lauterbach valley",
            keywords=("mountains", "evening"),
            taken_at=1693850400.0,
            latitude=46.5935,
            longitude=7.9091,
        ),
    ),
    Shot("quiet-fruit", "no text", still_life, Look(warmth=0.2)),
    Shot("quiet-night", "no text", night_city, Look(noise=4)),
    Shot(
        "quiet-sea",
        "no text",
        sea,
        metadata=Metadata(
            title="Holiday by the sea",
            persons=("Ada Fernwood", "Marlow Quince"),
            taken_at=1689600000.0,
        ),
    ),
    Shot("quiet-forest", "no text", forest, Look(haze=0.1), "bmp"),
)
