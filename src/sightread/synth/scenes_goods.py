"""Packages on a kitchen counter: bags, cartons, tins, jars, bars."""

from __future__ import annotations

from functools import partial

import numpy as np
from PIL import Image, ImageDraw

from sightread.synth.canvas import Canvas, Pen
from sightread.synth.effects import Look
from sightread.synth.geometry import turned_quad
from sightread.synth.packs import Pack, draw_motif, label
from sightread.synth.places import LINEN, PINE, SLATE, WALNUT, Pose, counter, lay, table_top
from sightread.synth.props import Rng, barcode, shade
from sightread.synth.shot import Shot
from sightread.synth.surfaces import gradient, ramp, value_noise
from sightread.types import Metadata


def rounded_mask(width: int, height: int, bulge: float) -> np.ndarray:
    """A can's outline: straight sides, top and bottom curved downwards by `bulge` pixels."""
    image = Image.new("L", (width, height))
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, bulge, width, height - bulge), 255)
    draw.ellipse((0, 0, width, bulge * 2), 255)
    draw.ellipse((0, height - 2 * bulge, width, height), 255)
    return np.asarray(image)


def round_light(canvas: Canvas) -> None:
    """The light on a cylinder."""
    canvas.glaze((0, 0, 0), ramp((0, 0.62), (0.16, 0.2), (0.34, 0), (0.7, 0.1), (1, 0.68)))
    canvas.glaze((255, 255, 255), ramp((0.2, 0), (0.28, 0.34), (0.36, 0)))


def can_scene(pack: Pack, rng: Rng) -> Canvas:
    """A tin, or a jar with a lid, standing on the counter."""
    canvas = counter(rng, pack.wall, pack.wood)
    width, height = (340, 440) if pack.form == "can" else (310, 370)
    face = label(pack, width, height, rng)
    round_light(face)
    x0, y0 = 420 - width / 2, 600 - height
    canvas.shadow(
        [(x0 + 10, 590), (x0 + width + 60, 590), (x0 + width + 40, 628), (x0, 628)], 14, 0.6
    )
    if pack.form == "jar":
        glass = Canvas(width, 70, (226, 214, 190))
        round_light(glass)
        canvas.place(
            glass, [(x0, y0 - 34), (x0 + width, y0 - 34), (x0 + width, y0 + 36), (x0, y0 + 36)]
        )
        lid = Canvas(width - 30, 64, (176, 44, 48))
        for k in range(0, width, 12):
            lid.box((k, 0, k + 6, 64), (212, 84, 84))
        round_light(lid)
        canvas.place(
            lid,
            [
                (x0 + 15, y0 - 92),
                (x0 + width - 15, y0 - 92),
                (x0 + width - 15, y0 - 30),
                (x0 + 15, y0 - 30),
            ],
            mask=rounded_mask(width - 30, 64, 10).astype(np.uint8),
        )
    quad = [(x0, y0), (x0 + width, y0), (x0 + width, y0 + height), (x0, y0 + height)]
    canvas.place(face, quad, mask=rounded_mask(width, height, 18).astype(np.uint8))
    if pack.form == "can":
        canvas.ellipse((x0, y0 - 2, x0 + width, y0 + 40), (150, 154, 158))
        canvas.ellipse((x0 + 8, y0 + 2, x0 + width - 8, y0 + 35), (206, 210, 212))
        canvas.ellipse((x0 + 20, y0 + 8, x0 + width - 20, y0 + 31), None, (170, 174, 178), 2)
    return canvas


def carton_scene(pack: Pack, rng: Rng) -> Canvas:
    """A carton in perspective: front, side and top."""
    canvas = counter(rng, pack.wall, pack.wood)
    width, height = 340, 470
    face = label(pack, width, height, rng)
    face.glaze((255, 255, 255), ramp((0, 0.12), (0.5, 0), (1, 0.05)))
    r, g, b, *_ = shade(pack.color, 0.72)
    side = Canvas(130, height, (r, g, b))
    for i, line in enumerate(pack.side):
        pen = Pen("medium", 34, pack.ink, angle=-90).fit(line, height * 0.8)
        side.text((44 + i * 44, height / 2), line, pen)
    side.glaze((0, 0, 0), ramp((0, 0.12), (1, 0.4)))
    if not pack.side:
        barcode(side, (34, height - 130, 106, height - 40), rng)
    left, right, edge = 200.0, 545.0, 690.0
    canvas.shadow([(left, 604), (edge + 40, 590), (edge + 60, 622), (left + 20, 640)], 14, 0.6)
    canvas.place(side, [(right, 148), (edge, 176), (edge, 596), (right, 622)])
    canvas.place(face, [(left, 164), (right, 148), (right, 622), (left, 606)])
    return canvas


def bag_scene(pack: Pack, rng: Rng) -> Canvas:
    """A paper bag with a folded top and crinkles."""
    canvas = counter(rng, pack.wall, pack.wood)
    width, height = 380, 500
    face = label(pack, width, height, rng)
    wrinkles = value_noise(190, 250, rng, (4, 6), 3)
    face.glaze((0, 0, 0), np.clip((0.52 - wrinkles) * 1.6, 0, 0.3).astype(np.float32))
    face.glaze((255, 255, 255), np.clip((wrinkles - 0.58) * 1.2, 0, 0.2).astype(np.float32))
    face.glaze((0, 0, 0), ramp((0, 0.5), (0.1, 0.1), (0.2, 0), (0.8, 0), (0.92, 0.12), (1, 0.55)))
    canvas.shadow([(220, 600), (680, 590), (690, 636), (226, 640)], 14, 0.6)
    canvas.place(face, [(244, 120), (606, 120), (624, 624), (226, 624)])
    fold = Canvas(width, 46, pack.color)
    fold.glaze((0, 0, 0), ramp((0, 0), (0.7, 0.15), (1, 0.5), across=False))
    canvas.place(fold, [(240, 92), (610, 92), (608, 140), (242, 140)])
    canvas.box((236, 106, 614, 118), (206, 176, 110), radius=4)
    return canvas


def bar_scene(pack: Pack, rng: Rng) -> Canvas:
    """A bar or flat box lying on a table, seen from above."""
    canvas = table_top(rng, pack.wood, size=(900, 640))
    face = Canvas(680, 300)
    r, g, b, *_ = shade(pack.color, 0.82)
    face.paint(gradient(2, 64, pack.color, (r, g, b)))
    draw_motif(face, pack.motif, (580, 200), 70, pack, rng)
    if pack.band:
        face.box((0, 0, 680, 70), pack.band)
    y = 60.0
    for text, font, size in pack.lines:
        pen = Pen(font, size, pack.ink, "lm").fit(text, 470)
        face.text((40, y), text, pen)
        y += size * 1.05 + 12
    face.glaze((255, 255, 255), ramp((0.1, 0), (0.3, 0.2), (0.42, 0), (1, 0)))
    for x in (14, 666):
        face.glaze((0, 0, 0), ramp((0, 0), (0.5, 0.4), (1, 0)), (x - 14, 0, x + 14, 300))
    lay(canvas, face, Pose((450, 320), pack.angle), shadow=14)
    if pack.form == "bar":
        for i in range(3):
            at = (700 + 64 * i, 575 - 14 * i)
            canvas.place(_square(), turned_quad(at, (62, 56), 12 + 9 * i), shadow=5)
    return canvas


def _square() -> Canvas:
    piece = Canvas(62, 56, (86, 52, 34))
    piece.box((6, 6, 56, 50), (104, 64, 42), 4)
    return piece


FORMS = {
    "can": can_scene,
    "jar": can_scene,
    "carton": carton_scene,
    "bag": bag_scene,
    "bar": bar_scene,
    "flat": bar_scene,
}

PACKS: tuple[tuple[str, Pack, Look, Metadata], ...] = (
    (
        "coffee-bag",
        Pack(
            "bag",
            (
                ("MOUNTAIN", "slab bold", 50),
                ("COFFEE", "slab bold", 66),
                ("dark roast", "hand", 40),
                ("whole beans 500 g", "medium", 26),
            ),
            (92, 50, 38),
            band=(48, 28, 24),
        ),
        Look(warmth=0.3),
        Metadata(keywords=("kitchen", "pantry")),
    ),
    (
        "toffee-tin",
        Pack(
            "can",
            (
                ("BUTTER", "round", 44),
                ("TOFFEE", "round", 70),
                ("soft & creamy", "serif italic", 32),
                ("12 PIECES", "bold", 28),
            ),
            (238, 182, 78),
            (92, 42, 20),
            "waves",
            (196, 110, 40),
            wall=(176, 196, 200),
        ),
        Look(),
        Metadata(),
    ),
    (
        "green-tea",
        Pack(
            "carton",
            (
                ("Green Tea", "serif bold", 58),
                ("with jasmine", "serif italic", 36),
                ("20 bags", "medium", 30),
            ),
            (222, 232, 206),
            (34, 74, 44),
            "leaf",
            (120, 160, 90),
            side=("GREEN TEA",),
            wall=(206, 190, 176),
        ),
        Look(dapple=0.2),
        Metadata(),
    ),
    (
        "oats",
        Pack(
            "carton",
            (
                ("Crunchy", "round", 64),
                ("OATS", "round", 88),
                ("with honey", "hand", 36),
                ("NET WT 375 g", "bold", 24),
            ),
            (30, 92, 150),
            motif="sun",
            accent=(250, 196, 60),
            side=("wholegrain oats",),
        ),
        Look(),
        Metadata(),
    ),
    (
        "milk",
        Pack(
            "carton",
            (
                ("Fresh", "serif italic", 56),
                ("MILK", "heavy", 96),
                ("3.5% fat", "medium", 32),
                ("1 LITRE", "bold", 30),
            ),
            (240, 244, 248),
            (24, 70, 140),
            "waves",
            (90, 150, 210),
            wall=(214, 196, 170),
            wood=WALNUT,
        ),
        Look(warmth=-0.2),
        Metadata(),
    ),
    (
        "jam",
        Pack(
            "jar",
            (("Apricot", "hand", 62), ("Jam", "hand", 54), ("August 2023", "hand", 30)),
            (250, 244, 226),
            (110, 48, 30),
            "fruit",
            wood=PINE,
        ),
        Look(warmth=0.4),
        Metadata(
            title="Homemade", caption="Grandmother's recipe from the orchard", taken_at=1692000000.0
        ),
    ),
    (
        "tomatoes",
        Pack(
            "can",
            (
                ("Pomodori", "serif italic", 58),
                ("peeled tomatoes", "bold", 30),
                ("400 g", "heavy", 36),
            ),
            (206, 40, 34),
            motif="tomato",
            band=(26, 92, 60),
            wall=(226, 220, 206),
            wood=SLATE,
        ),
        Look(light=0.55, noise=7, blur=0.7),
        Metadata(),
    ),
    (
        "chocolate",
        Pack(
            "bar",
            (
                ("NOIR 70%", "narrow bold", 92),
                ("dark chocolate", "light", 36),
                ("with sea salt 100 g", "light", 26),
            ),
            (44, 26, 24),
            (232, 196, 130),
            "beans",
            wood=LINEN,
            angle=-9,
        ),
        Look(),
        Metadata(),
    ),
    (
        "tablets",
        Pack(
            "flat",
            (
                ("Dormilex", "heavy", 70),
                ("500 mg", "bold", 40),
                ("20 tablets", "medium", 30),
                ("Keep out of the reach of children", "sans", 22),
            ),
            (246, 248, 250),
            (20, 60, 110),
            "sun",
            (110, 190, 200),
            wood=PINE,
            angle=14,
        ),
        Look(dapple=0.25),
        Metadata(),
    ),
)

SHOTS: tuple[Shot, ...] = tuple(
    Shot(f"pack-{name}", "packages", partial(FORMS[pack.form], pack), look, metadata=metadata)
    for name, pack, look, metadata in PACKS
)
