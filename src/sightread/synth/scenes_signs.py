"""Traffic signs, street names, directions, notices and lit signs, in the open and indoors."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TypedDict, Unpack

import numpy as np

from sightread.synth.canvas import Canvas, Color, Pen
from sightread.synth.effects import DAYLIGHT, Look
from sightread.synth.fonts import Face
from sightread.synth.geometry import Box, turned_quad
from sightread.synth.places import outdoors
from sightread.synth.props import (
    LIT_GLASS,
    Rng,
    glow_spot,
    pole,
    screws,
    sheet_shadow,
    window,
)
from sightread.synth.shot import Shot
from sightread.synth.surfaces import (
    plaster,
    ramp,
    sky,
)
from sightread.types import Metadata, Point

RED: Color = (190, 34, 36)
BLUE: Color = (24, 78, 156)
GREEN: Color = (10, 102, 72)
WHITE: Color = (248, 248, 244)
BLACK: Color = (22, 22, 24)
YELLOW: Color = (246, 196, 32)


@dataclass(frozen=True, slots=True)
class Board:
    """A flat sign: lines of text, colours and form."""

    lines: tuple[str, ...]
    size: tuple[int, int] = (420, 300)
    fill: Color = WHITE
    ink: Color = BLACK
    face: Face = "heavy"
    edge: Color | None = None
    header: tuple[str, Color, Color] | None = None
    symbol: str = ""
    arrows: str = ""


def draw_board(board: Board) -> Canvas:
    """The sign face on, with reflective sheen."""
    width, height = board.size
    canvas = Canvas(width, height, board.fill)
    canvas.box((8, 8, width - 8, height - 8), None, 12, board.edge or board.ink, 5)
    top, left, right = 24.0, 26.0, width - 26.0
    if board.header:
        text, fill, ink = board.header
        canvas.box((14, 14, width - 14, 84), fill, 8)
        canvas.text((width / 2, 50), text, Pen("heavy", 44, ink).fit(text, width - 60))
        top = 92.0
    if board.symbol:
        draw_symbol(canvas, board.symbol, (left + height * 0.3, (top + height) / 2), height * 0.3)
        left += height * 0.66
    if board.arrows:
        left += 74
    step = (height - top - 22) / max(1, len(board.lines))
    for i, line in enumerate(board.lines):
        y = top + step * (i + 0.5)
        pen = Pen(board.face, min(step * 0.8, 104), board.ink).fit(line, right - left)
        x, anchor = (left, "lm") if board.arrows else ((left + right) / 2, "mm")
        canvas.text((x, y), line, Pen(pen.face, pen.size, pen.fill, anchor))
        if board.arrows:
            draw_arrow(canvas, (left - 42, y), 26, board.arrows[i], board.ink)
    canvas.glaze((255, 255, 255), ramp((0, 0), (0.3, 0.14), (0.5, 0), (1, 0)))
    return canvas


def draw_arrow(canvas: Canvas, at: Point, size: float, way: str, color: Color) -> None:
    """An arrow: `<`, `>` or `^`."""
    x, y = at
    turn = {"<": (-1, 0), ">": (1, 0), "^": (0, -1)}[way]
    tip = (x + turn[0] * size, y + turn[1] * size)
    tail = (x - turn[0] * size, y - turn[1] * size)
    canvas.line([tail, (x + turn[0] * size * 0.5, y + turn[1] * size * 0.5)], color, size * 0.34)
    side = (turn[1] * size * 0.62, turn[0] * size * 0.62)
    canvas.polygon([tip, (x + side[0], y + side[1]), (x - side[0], y - side[1])], color)


def draw_symbol(canvas: Canvas, kind: str, at: Point, size: float) -> None:
    """A pictogram: no parking ring, warning triangle, or a letter in a square."""
    x, y = at
    if kind == "forbidden":
        canvas.disc(at, size, RED)
        canvas.disc(at, size * 0.78, BLUE)
        canvas.line(
            [(x - size * 0.6, y - size * 0.6), (x + size * 0.6, y + size * 0.6)], RED, size * 0.2
        )
    elif kind == "warning":
        canvas.polygon(
            [(x, y - size), (x + size * 1.05, y + size * 0.8), (x - size * 1.05, y + size * 0.8)],
            BLACK,
        )
        canvas.polygon(
            [
                (x, y - size * 0.7),
                (x + size * 0.8, y + size * 0.66),
                (x - size * 0.8, y + size * 0.66),
            ],
            YELLOW,
        )
        canvas.box(
            (x - size * 0.08, y - size * 0.3, x + size * 0.08, y + size * 0.26), BLACK, size * 0.06
        )
        canvas.disc((x, y + size * 0.44), size * 0.1, BLACK)
    elif kind == "plane":
        canvas.polygon(
            [
                (x, y - size),
                (x + size * 0.16, y - size * 0.3),
                (x + size, y + size * 0.3),
                (x + size * 0.16, y + size * 0.12),
                (x, y + size * 0.9),
                (x - size * 0.16, y + size * 0.12),
                (x - size, y + size * 0.3),
                (x - size * 0.16, y - size * 0.3),
            ],
            WHITE,
        )


class Hanging(TypedDict, total=False):
    """How a sign hangs: turned by `angle` degrees, foreshortened to one side by `lean`."""

    angle: float
    lean: float


def board_scene(board: Board, place: str, hanging: Hanging, rng: Rng) -> Canvas:
    """A sign on posts or screwed to a wall."""
    canvas = outdoors(rng, place)
    width, height = board.size
    center = (canvas.width / 2, canvas.height * 0.44)
    if place in ("street", "park", "road"):
        for dx in (-width * 0.3, width * 0.3):
            pole(canvas, center[0] + dx, center[1] - height * 0.5 - 14, canvas.height, 8)
    quad = list(turned_quad(center, (width, height), hanging.get("angle", 0.0)))
    lean = hanging.get("lean", 0.0)
    squeeze = 1 - 0.22 * abs(lean)
    for i in (1, 2) if lean > 0 else (0, 3):
        x, y = quad[i]
        quad[i] = (center[0] + (x - center[0]) * squeeze, center[1] + (y - center[1]) * squeeze)
    canvas.place(draw_board(board), quad, shadow=12)
    corners = [(cx + (center[0] - cx) * 0.06, cy + (center[1] - cy) * 0.08) for cx, cy in quad]
    screws(canvas, corners)
    return canvas


def stop_sign(rng: Rng) -> Canvas:
    """An octagon on a post at a crossing."""
    canvas = outdoors(rng, "road")
    pole(canvas, 560, 300, 720, 9)
    for radius, fill in ((190.0, WHITE), (180.0, RED)):
        corners = [
            (
                560 + radius * np.cos(np.pi / 8 + k * np.pi / 4),
                270 + radius * np.sin(np.pi / 8 + k * np.pi / 4),
            )
            for k in range(8)
        ]
        canvas.polygon([(float(x), float(y)) for x, y in corners], fill)
    canvas.text((560, 270), "STOP", Pen("grotesk bold", 128, WHITE))
    canvas.place(
        draw_board(Board(("ALL WAY",), (320, 110), RED, WHITE)),
        turned_quad((560, 522), (240, 82), 2),
        shadow=5,
    )
    return canvas


def turned_hotel(rng: Rng) -> Canvas:
    """A projecting sign whose word runs down the house: letters turned by 90 degrees."""
    canvas = Canvas(720, 960)
    canvas.paint(sky(720, 960, rng, ((70, 92, 150), (226, 170, 130)), 0.4))
    house = Canvas(460, 960)
    house.paint(plaster(460, 960, rng, (190, 150, 120), 0.25))
    for row in range(4):
        for column in range(2):
            window(
                house,
                (180 + column * 140, 60 + row * 230, 270 + column * 140, 200 + row * 230),
                LIT_GLASS,
            )
    canvas.place(house, ((300, 0), (720, -40), (720, 1000), (300, 960)))
    sign = Canvas(620, 150, (28, 32, 60))
    sign.box((8, 8, 612, 142), None, 10, (255, 206, 120), 4)
    sign.text(
        (310, 77), "HOTEL", Pen("heavy", 104, (255, 232, 170), tracking=26, glow=(255, 170, 60))
    )
    canvas.box((236, 150, 320, 162), (40, 40, 44))
    canvas.box((236, 700, 320, 712), (40, 40, 44))
    canvas.place(sign, turned_quad((180, 430), (620, 150), 90), shadow=10)
    canvas.text((180, 800), "RIVERSIDE", Pen("medium", 34, (250, 240, 226), shadow=(1, 2)))
    return canvas


def road_arrow(rng: Rng) -> Canvas:
    """A green motorway gantry with distances."""
    canvas = outdoors(rng, "road", (1120, 760))
    for x in (150, 970):
        pole(canvas, x, 80, 760, 12)
    canvas.box((120, 96, 1000, 112), (150, 154, 158))
    left = Board(
        ("North Harbour 12", "Zürich 148"), (470, 220), BLUE, WHITE, "bold", WHITE, arrows="^^"
    )
    right = Board(("Airport", "EXIT 27B"), (350, 220), GREEN, WHITE, "bold", WHITE, symbol="plane")
    canvas.place(draw_board(left), ((110, 130), (580, 120), (580, 340), (110, 346)), shadow=10)
    canvas.place(draw_board(right), ((620, 120), (980, 128), (980, 350), (620, 340)), shadow=10)
    return canvas


def lit_exit(rng: Rng) -> Canvas:
    """An emergency exit sign in a dim corridor."""
    canvas = Canvas(880, 660)
    canvas.paint(plaster(880, 660, rng, (58, 62, 70), 0.2))
    canvas.polygon([(0, 0), (880, 0), (640, 120), (240, 120)], (44, 46, 52))
    canvas.polygon([(0, 660), (880, 660), (640, 470), (240, 470)], (70, 62, 56))
    canvas.box((330, 240, 550, 470), (36, 40, 46))
    canvas.box((345, 252, 535, 470), (84, 70, 58))
    glow_spot(canvas, (440, 190), 380, (60, 220, 130), 0.5)
    canvas.box((290, 130, 590, 226), (16, 150, 86), 8)
    canvas.text((470, 179), "EXIT", Pen("heavy", 72, WHITE, tracking=8, glow=(180, 255, 210)))
    draw_arrow(canvas, (338, 179), 26, "<", WHITE)
    canvas.text((440, 360), "STAIRCASE B", Pen("bold", 24, (226, 216, 196)))
    return canvas


def street_names(rng: Rng) -> Canvas:
    """Two street name plates crossing on one post."""
    canvas = outdoors(rng, "street")
    pole(canvas, 480, 150, 720, 9)
    first = Board(("ELM STREET",), (440, 96), GREEN, WHITE, "grotesk bold", WHITE)
    second = Board(("8th Avenue",), (420, 92), GREEN, WHITE, "grotesk bold", WHITE)
    canvas.place(draw_board(second), ((290, 318), (690, 282), (690, 362), (290, 412)), shadow=7)
    canvas.place(draw_board(first), ((240, 176), (700, 212), (700, 304), (240, 270)), shadow=7)
    one_way = Board(("ONE WAY",), (360, 110), BLACK, WHITE, "heavy", WHITE)
    canvas.place(draw_board(one_way), ((330, 452), (640, 448), (640, 540), (330, 546)), shadow=6)
    return canvas


def plaque(rng: Rng) -> Canvas:
    """An engraved brass plate on tiles."""
    canvas = outdoors(rng, "brick", (900, 700))
    plate = Canvas(520, 360)
    plate.paint(plaster(520, 360, rng, (196, 160, 84), 0.3))
    plate.box((12, 12, 508, 348), None, 8, (120, 90, 40), 4)
    ink: Color = (66, 46, 18)
    written: tuple[tuple[float, str, float, Face], ...] = (
        (74, "IN THIS HOUSE LIVED", 32, "serif"),
        (146, "Tobias Quill", 62, "serif italic"),
        (214, "clockmaker and poet", 34, "serif"),
        (284, "1791 – 1856", 44, "serif bold"),
    )
    for y, line, size, face in written:
        pen = Pen(face, size, ink, shadow=(1, 1), shadow_fill=(255, 240, 190, 160))
        plate.text((260, y), line, pen)
    box: Box = (180, 150, 710, 520)
    sheet_shadow(canvas, box, 9)
    canvas.place(plate, ((184, 160), (712, 148), (706, 520), (188, 512)))
    screws(canvas, [(206, 182), (690, 172), (686, 498), (208, 490)], 6)
    return canvas


def _shot(
    name: str, board: Board, place: str, look: Look = DAYLIGHT, **hanging: Unpack[Hanging]
) -> Shot:
    draw = partial(board_scene, board, place, hanging)
    return Shot(f"sign-{name}", "signs", draw, look)


SHOTS: tuple[Shot, ...] = (
    _shot(
        "no-parking",
        Board(("NO", "PARKING"), (520, 320), WHITE, RED, symbol="forbidden"),
        "brick",
        angle=-3.0,
    ),
    _shot(
        "no-parking-taxi",
        Board(("NO PARKING", "TAXI ONLY"), (460, 300), YELLOW, BLACK),
        "street",
        lean=0.8,
        look=Look(dapple=0.25),
    ),
    Shot("sign-stop", "signs", stop_sign, metadata=Metadata(taken_at=1656849600.0)),
    _shot(
        "speed-limit",
        Board(("30",), (260, 320), WHITE, BLACK, header=("LIMIT", WHITE, BLACK)),
        "road",
        look=Look(haze=0.25),
    ),
    _shot(
        "wet-floor",
        Board(
            ("WET FLOOR", "watch your step"),
            (480, 340),
            YELLOW,
            BLACK,
            header=("CAUTION", BLACK, YELLOW),
        ),
        "tiles",
        angle=4.0,
    ),
    _shot(
        "high-voltage",
        Board(
            ("HIGH", "VOLTAGE", "keep out"),
            (520, 320),
            YELLOW,
            BLACK,
            symbol="warning",
            header=("DANGER", RED, WHITE),
        ),
        "fence",
        lean=-0.7,
    ),
    _shot(
        "platform",
        Board(
            ("Platform 9", "Trains to Bern"), (560, 220), BLUE, WHITE, "bold", WHITE, arrows="<<"
        ),
        "concrete",
        look=Look(light=0.8, noise=4),
    ),
    _shot(
        "private-road",
        Board(
            ("PRIVATE ROAD", "no turning", "dogs on lead"),
            (460, 320),
            (226, 220, 196),
            (40, 70, 44),
            "slab bold",
        ),
        "park",
        angle=-5.0,
        look=Look(warmth=0.3),
    ),
    _shot(
        "garage",
        Board(("24h ACCESS", "DO NOT BLOCK"), (560, 260), WHITE, RED, "grotesk bold"),
        "shutter",
        angle=2.0,
        look=Look(light=0.5, noise=7, blur=0.8),
    ),
    Shot("sign-street-names", "signs", street_names),
    Shot("sign-hotel-turned", "signs", turned_hotel, Look(noise=3, warmth=0.2)),
    Shot("sign-motorway", "signs", road_arrow, Look(shake=3, haze=0.1)),
    Shot("sign-exit", "signs", lit_exit, Look(noise=6, vignette=0.4)),
    Shot(
        "sign-plaque",
        "signs",
        plaque,
        Look(warmth=0.3, dapple=0.25),
        metadata=Metadata(
            caption="Memorial plate", persons=("Tobias Quill",), taken_at=1623500000.0
        ),
    ),
)
