"""Maps, whiteboards and printed shirts."""

from __future__ import annotations

from functools import partial

import numpy as np
from PIL import Image, ImageDraw

from sightread.synth.canvas import Canvas, Color, Pen
from sightread.synth.effects import SCREENSHOT, Look
from sightread.synth.fonts import Face
from sightread.synth.places import PINE, Pose, crumple, lay, outdoors, pencil, table_top
from sightread.synth.props import Rng, glow_spot, shade
from sightread.synth.shot import Shot
from sightread.synth.surfaces import Shade, cloth, planks, plaster
from sightread.types import Metadata, Point

INK: Color = (40, 44, 52)
STREETS: tuple[tuple[Point, Point, str, float, float], ...] = (
    ((-20, 180), (920, 120), "Orchard Road", 26, 0.46),
    ((-20, 430), (920, 470), "King Street", 32, 0.44),
    ((200, -20), (260, 720), "Mill Lane", 26, 0.78),
    ((640, -20), (560, 720), "Museum Avenue", 30, 0.32),
    ((-20, 610), (920, 640), "Canal Walk", 26, 0.8),
    ((430, -20), (410, 720), "", 16, 0),
    ((790, -20), (780, 720), "", 16, 0),
    ((-20, 300), (920, 300), "", 14, 0),
)
"""Start, end, name, width, and how far along the name stands."""


def city_map(rng: Rng) -> Canvas:
    """A city map with streets, a park, a river and pins."""
    canvas = Canvas(900, 700, (238, 234, 226))
    for _ in range(150):
        x, y = float(rng.uniform(0, 900)), float(rng.uniform(0, 700))
        w, h = float(rng.uniform(18, 60)), float(rng.uniform(18, 50))
        canvas.box((x, y, x + w, y + h), (222, 214, 204), 2)
    canvas.box((290, 200, 540, 420), (190, 222, 170), 26)
    for _ in range(40):
        at = (float(rng.uniform(302, 528)), float(rng.uniform(212, 408)))
        canvas.disc(at, float(rng.uniform(5, 10)), (160, 204, 140))
    river = [(float(x), 560 + 46 * float(np.sin(x / 150))) for x in range(-20, 930, 10)]
    canvas.line(river, (150, 200, 226), 56)
    for start, end, _, width, _ in STREETS:
        canvas.line([start, end], (206, 198, 186), width + 4)
    for start, end, _, width, _ in STREETS:
        canvas.line([start, end], (255, 255, 255), width)
    for (x0, y0), (x1, y1), name, width, share in STREETS:
        if name:
            angle = float(np.degrees(np.arctan2(y1 - y0, x1 - x0)))
            angle = angle - 180 if angle > 90 else angle
            at = (x0 + (x1 - x0) * share, y0 + (y1 - y0) * share)
            pen = Pen(
                "medium", width * 0.95, INK, angle=angle, stroke=2, stroke_fill=(255, 255, 255)
            )
            canvas.text(at, name, pen)
    canvas.text((346, 352), "Linden", Pen("bold", 30, (60, 110, 50)))
    canvas.text((346, 388), "Park", Pen("bold", 30, (60, 110, 50)))
    for x, y, name, color in (
        (740, 250, "Library", (60, 110, 210)),
        (110, 300, "Hospital", (208, 52, 48)),
        (720, 400, "Central Station", (40, 44, 52)),
    ):
        canvas.polygon([(x - 13, y - 26), (x + 13, y - 26), (x, y)], color)
        canvas.disc((x, y - 32), 16, color)
        canvas.disc((x, y - 32), 6, (255, 255, 255))
        canvas.text(
            (x, y + 18), name, Pen("bold", 27, color, stroke=2, stroke_fill=(255, 255, 255))
        )
    return canvas


def folded_map(rng: Rng) -> Canvas:
    """The map on paper with folds, on a table, a pencil beside it."""
    canvas = table_top(rng, PINE, size=(1024, 768))
    sheet = city_map(rng)
    for k in range(1, 4):
        x = 225.0 * k
        sheet.box((x - 1, 0, x + 1, 700), (0, 0, 0, 40))
        sheet.box((x + 1, 0, x + 26, 700), (0, 0, 0, 14 if k % 2 else 0))
    crumple(sheet, rng, 0.2)
    lay(canvas, sheet, Pose((500, 384), 5, 0.98, 0.08))
    pencil(canvas, (900, 720), (990, 380), (200, 60, 60))
    return canvas


def whiteboard(
    title: str,
    notes: tuple[tuple[str, Color], ...],
    boxes: tuple[str, ...],
    rng: Rng,
    lean: float = 0.4,
) -> Canvas:
    """An office whiteboard with marker writing and a small diagram."""
    canvas = Canvas(1000, 720)
    canvas.paint(plaster(500, 360, rng, (190, 196, 200), 0.1))
    board = Canvas(860, 560)
    board.paint(plaster(430, 280, rng, (246, 248, 248), 0.05))
    glow_spot(board, (640, 100), 260, (255, 255, 255), 0.8)
    blue: Color = (30, 70, 170)
    board.text((50, 66), title, Pen("hand", 62, blue, "lm"))
    board.line([(50, 104), (60 + Pen("hand", 62).width(title), 98)], blue, 3)
    for i, (line, color) in enumerate(notes):
        board.text(
            (60, 166 + 66 * i), line, Pen("hand", 46, color, "lm", float(rng.uniform(-1.5, 1.5)))
        )
    for i, name in enumerate(boxes):
        x, y = 600.0, 150.0 + 140 * i
        board.box((x, y, x + 210, y + 84), None, 10, (24, 130, 80), 3)
        board.text((x + 105, y + 42), name, Pen("hand", 40, INK).fit(name, 190))
        if i:
            board.line([(x + 105, y - 52), (x + 105, y - 10)], (190, 40, 44), 3)
            board.polygon([(x + 95, y - 16), (x + 115, y - 16), (x + 105, y - 1)], (190, 40, 44))
    frame = Canvas(900, 600, (150, 154, 160))
    frame.place(board, ((20, 20), (880, 20), (880, 580), (20, 580)))
    dy = 46 * lean
    canvas.place(frame, ((50, 50), (950, 50 + dy), (950, 640 - dy), (50, 650)), shadow=12)
    canvas.box((250, 656, 720, 672), (120, 124, 130), 3)
    for i, color in enumerate(((30, 70, 170), (190, 40, 44), (24, 130, 80))):
        canvas.box((330 + 110 * i, 644, 400 + 110 * i, 658), color, 5)
        canvas.box((396 + 110 * i, 644, 412 + 110 * i, 658), shade(color, 0.6), 4)
    return canvas


SHIRT: tuple[Point, ...] = (
    (220, 30), (400, 30), (470, 56), (615, 200), (520, 290), (462, 236),
    (466, 672), (154, 672), (158, 236), (100, 290), (5, 200), (150, 56),
)  # fmt: skip
"""The outline of a shirt that hangs."""


def _print_art(sheet: Canvas, art: str, color: Shade, ink: Color) -> float:
    """The picture on a shirt; returns the y below it."""
    if art == "mountain":
        sheet.polygon([(190, 330), (270, 190), (310, 250), (350, 170), (440, 330)], ink)
        sheet.polygon([(250, 224), (270, 190), (292, 224), (270, 236)], color)
        sheet.polygon([(326, 214), (350, 170), (378, 214), (350, 232)], color)
        return 340.0
    if art == "sun":
        for k in range(5):
            sheet.arc((210 + 22 * k, 150 + 22 * k, 410 - 22 * k, 350 - 22 * k), 180, 360, ink, 10)
        return 268.0
    return 130.0


def shirt(
    lines: tuple[tuple[str, Face, float], ...], color: Shade, ink: Color, art: str, rng: Rng
) -> Canvas:
    """A T-shirt on a hanger before wooden boards."""
    canvas = Canvas(860, 820)
    canvas.paint(np.rot90(planks(820, 860, rng, (222, 216, 206), 7)).copy())
    form = Image.new("L", (620, 680))
    draw = ImageDraw.Draw(form)
    draw.polygon(list(SHIRT), 255)
    draw.ellipse((220, -24, 400, 84), 0)
    sheet = Canvas(620, 680)
    sheet.paint(cloth(310, 340, rng, color))
    y = _print_art(sheet, art, color, ink)
    for text, face, size in lines:
        y += size * 0.55
        sheet.text((310, y), text, Pen(face, size, ink).fit(text, 280))
        y += size * 0.55 + 6
    for x in (158, 462):
        sheet.line([(x, 236), (x, 300)], shade(color, 0.6), 2)
    shadow = [(120 + x + 14, 90 + y + 18) for x, y in SHIRT]
    canvas.shadow(shadow, 14, 0.4)
    canvas.arc((396, 6, 464, 74), 150, 360, (110, 112, 116), 6)
    canvas.line([(430, 72), (430, 96), (280, 150)], (110, 112, 116), 7)
    canvas.line([(430, 96), (580, 150)], (110, 112, 116), 7)
    canvas.place(sheet, ((120, 90), (740, 90), (740, 770), (120, 770)), mask=np.asarray(form))
    canvas.arc((340, 66, 520, 174), 6, 174, shade(color, 0.66), 10)
    return canvas


def flag_banner(rng: Rng) -> Canvas:
    """A cloth banner between two trees' poles, slightly waved."""
    canvas = outdoors(rng, "park", (1040, 700))
    for x in (90, 950):
        canvas.box((x - 7, 90, x + 7, 700), (96, 72, 52))
    banner = Canvas(840, 190)
    banner.paint(cloth(420, 95, rng, (240, 236, 222)))
    banner.text(
        (420, 74), "HAPPY BIRTHDAY", Pen("round", 82, (206, 60, 90)).fit("HAPPY BIRTHDAY", 760)
    )
    banner.text((420, 148), "Grandma Wilhelmina", Pen("narrow bold", 62, (40, 90, 140)))
    canvas.place(banner, ((98, 130), (942, 150), (940, 350), (96, 320)), shadow=8)
    for k in range(9):
        at = (130 + 100.0 * k, 420 + 60 * float(np.sin(k)))
        r, g, b = ((214, 60, 80), (60, 130, 200), (246, 190, 60))[k % 3]
        canvas.line([at, (at[0] + 8, at[1] + 130)], (250, 250, 250), 1.5)
        canvas.ellipse((at[0] - 34, at[1] - 42, at[0] + 34, at[1] + 42), (r, g, b))
        glow_spot(canvas, (at[0] - 12, at[1] - 16), 18, (255, 255, 255), 0.8)
    return canvas


RED: Color = (190, 40, 44)
SHOTS: tuple[Shot, ...] = (
    Shot("map-city", "maps and boards", city_map, SCREENSHOT, "png"),
    Shot(
        "map-folded",
        "maps and boards",
        folded_map,
        Look(dapple=0.2, warmth=0.2),
        metadata=Metadata(caption="Planning the walk to Linden Park"),
    ),
    Shot(
        "board-release",
        "maps and boards",
        partial(
            whiteboard,
            "Release plan",
            (
                ("fix the importer", INK),
                ("write docs", INK),
                ("ask Marlow!", RED),
                ("ship on Friday", (24, 130, 80)),
            ),
            ("reader", "index", "search"),
        ),
        Look(noise=3),
    ),
    Shot(
        "board-physics",
        "maps and boards",
        partial(
            whiteboard,
            "Physics exam",
            (
                ("chapter 4 and 5", INK),
                ("energy, friction", INK),
                ("bring calculator", RED),
                ("room 203", INK),
            ),
            ("force", "mass"),
            lean=-0.5,
        ),
        Look(light=0.75, warmth=0.3, noise=5),
    ),
    Shot(
        "shirt-mountain",
        "clothes",
        partial(
            shirt,
            (("WANDER", "heavy", 64), ("more often", "hand", 48)),
            (50, 84, 92),
            (248, 238, 214),
            "mountain",
        ),
    ),
    Shot(
        "shirt-team",
        "clothes",
        partial(
            shirt,
            (("EAGLES", "slab bold", 72), ("23", "heavy", 190)),
            (170, 36, 44),
            (250, 246, 236),
            "",
        ),
        metadata=Metadata(persons=("Jolanda Weiss",), keywords=("football",)),
    ),
    Shot(
        "shirt-sun",
        "clothes",
        partial(
            shirt,
            (("GOOD VIBES", "round", 56), ("only", "serif italic", 52)),
            (242, 222, 170),
            (206, 90, 50),
            "sun",
        ),
        Look(warmth=0.3),
    ),
    Shot(
        "banner-birthday",
        "clothes",
        flag_banner,
        metadata=Metadata(
            title="Garden party",
            caption="Grandma turns ninety",
            persons=("Wilhelmina Quill",),
            taken_at=1685800000.0,
        ),
    ),
)
