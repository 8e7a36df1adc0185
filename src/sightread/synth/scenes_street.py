"""Shop fronts along a street, by day and by night."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np

from sightread.synth.canvas import Canvas, Color, Pen
from sightread.synth.effects import Look
from sightread.synth.fonts import Face
from sightread.synth.props import (
    DAY_GLASS,
    LIT_GLASS,
    NIGHT_GLASS,
    Rng,
    awning,
    car,
    glow_spot,
    lamp,
    lit_room,
    shade,
    sheet_shadow,
    skyline,
    street,
    tree,
    window,
)
from sightread.synth.shot import Shot
from sightread.synth.surfaces import Shade, brick, plaster, ramp, sky
from sightread.types import Metadata, Point

DAY: tuple[Shade, ...] = ((104, 152, 206), (188, 212, 230))
DUSK: tuple[Shade, ...] = ((44, 54, 98), (150, 104, 120), (240, 176, 126))
NIGHT: tuple[Shade, ...] = ((10, 14, 32), (34, 38, 66))


@dataclass(frozen=True, slots=True)
class Shop:
    """One front: the words on its fascia, in its window and on the board before it."""

    name: str
    face: Face = "bold"
    wall: str = "brick"
    color: Shade = (160, 88, 66)
    fascia: Color = (30, 64, 58)
    letters: Color = (246, 236, 214)
    stripes: tuple[Color, Color] | None = ((196, 54, 48), (244, 238, 226))
    glass: tuple[str, ...] = ()
    door: tuple[str, ...] = ("OPEN",)
    board: tuple[str, ...] = ()
    tracking: float = 0.0
    night: bool = False
    turn: float = 0.0
    extra: str = ""


FRONT = (900, 620)


def front(shop: Shop, rng: Rng) -> Canvas:
    """The house front, straight on."""
    width, height = FRONT
    canvas = Canvas(width, height)
    dim = 0.32 if shop.night else 1.0
    r, g, b, *_ = shade(shop.color, dim)
    texture = brick if shop.wall == "brick" else plaster
    canvas.paint(texture(width, height, rng, (r, g, b)))
    for i in range(4):
        lit = shop.night and bool(rng.random() < 0.5)
        glass = LIT_GLASS if lit else (NIGHT_GLASS if shop.night else DAY_GLASS)
        x = 75 + i * 215
        window(canvas, (x, 34, x + 104, 158), glass, shade((238, 234, 226), max(dim, 0.4)))
    canvas.box((30, 236, 870, height), shade(shop.fascia, 0.62))
    lit_room(canvas, (56, 348, 560, 560), rng)
    _door(canvas, shop)
    canvas.box((46, 560, 572, 604), shade(shop.fascia, 0.8))
    _fascia(canvas, shop)
    if shop.stripes:
        awning(canvas, (48, 318, 580, 366), shop.stripes)
    _window_words(canvas, shop)
    return canvas


def _fascia(canvas: Canvas, shop: Shop) -> None:
    box = (22.0, 218.0, 878.0, 316.0)
    sheet_shadow(canvas, box, 7)
    canvas.box(box, shop.fascia, radius=3)
    canvas.glaze((255, 255, 255), ramp((0, 0.16), (0.5, 0), across=False), box)
    canvas.box((30, 226, 870, 308), None, outline=shop.letters, line=1.5)
    glow = shop.letters if shop.night else None
    pen = Pen(shop.face, 66, shop.letters, tracking=shop.tracking, shadow=(2, 3), glow=glow)
    canvas.text((450, 267), shop.name, pen.fit(shop.name, 780))


def _door(canvas: Canvas, shop: Shop) -> None:
    wood = shade(shop.fascia, 0.9)
    canvas.box((606, 330, 840, 620), shade(shop.fascia, 0.45))
    canvas.box((622, 340, 824, 620), wood, radius=2)
    lit_room(canvas, (644, 362, 802, 520), np.random.default_rng(7))
    canvas.box((644, 540, 802, 600), shade(wood, 0.8), radius=2)
    canvas.disc((636, 500), 5, (214, 178, 96))
    y = 420.0
    for i, line in enumerate(shop.door):
        pen = Pen("round", 26 if i == 0 else 15, (255, 252, 240)).fit(line, 120)
        if i == 0:
            half = pen.width(line) / 2 + 10
            canvas.box((723 - half, y - 17, 723 + half, y + 17), (178, 44, 40), radius=4)
        canvas.text((723, y), line, pen)
        y += 36 if i == 0 else 23


def _window_words(canvas: Canvas, shop: Shop) -> None:
    y = 420.0
    for i, line in enumerate(shop.glass):
        pen = Pen(
            "serif bold" if i == 0 else "medium",
            40 - 12 * (i > 0),
            (255, 250, 236),
            shadow=(1, 1.5),
        )
        canvas.text((308, y), line, pen.fit(line, 440))
        y += 44


def _a_board(canvas: Canvas, at: Point, lines: tuple[str, ...], rng: Rng) -> None:
    x, y = at
    canvas.shadow([(x - 66, y - 6), (x + 80, y - 6), (x + 92, y + 12), (x - 50, y + 12)], 7, 0.6)
    canvas.polygon([(x - 62, y - 210), (x + 62, y - 210), (x + 74, y), (x - 74, y)], (120, 84, 52))
    slate = Canvas(140, 210)
    slate.paint(plaster(140, 210, rng, (48, 54, 54), 0.3))
    top = 105 - 19 * (len(lines) - 1)
    for i, line in enumerate(lines):
        ink: Color = (250, 246, 232) if i % 2 == 0 else (250, 214, 120)
        slate.text((70, top + 38 * i), line, Pen("narrow bold", 42, ink).fit(line, 122))
    quad = ((x - 54, y - 202), (x + 54, y - 202), (x + 65, y - 16), (x - 65, y - 16))
    canvas.place(slate, quad)


def shop_scene(shop: Shop, rng: Rng) -> Canvas:
    """A shop front with sky, street and what stands in it."""
    canvas = Canvas(1024, 768)
    colors = NIGHT if shop.night else DAY
    canvas.paint(sky(1024, 420, rng, colors, 0.15 if shop.night else 0.55), (0, 0, 1024, 420))
    skyline(canvas, 602, rng, (52, 56, 76) if shop.night else (168, 162, 158), shop.night)
    street(canvas, 600, rng, shop.night)
    facade = front(shop, rng)
    lean = shop.turn
    near, far = 1 + 0.13 * abs(lean), 1 - 0.13 * abs(lean)
    left, right = (near, far) if lean < 0 else (far, near)
    base, rise, half = 622.0, 590.0, 468.0 * (1 - 0.1 * abs(lean))
    quad = (
        (512 - half, base - rise * left),
        (512 + half, base - rise * right),
        (512 + half, base + 26 * (right - 1) * 4),
        (512 - half, base + 26 * (left - 1) * 4),
    )
    canvas.place(facade, quad)
    if shop.night:
        glow_spot(canvas, (360, 640), 260, (255, 196, 120), 0.35)
    if shop.board:
        _a_board(canvas, (880, 706), shop.board, rng)
    if shop.extra == "tree":
        tree(canvas, (86, 690), 330, rng)
    if shop.extra == "lamp":
        lamp(canvas, (56, 690), 380, shop.night)
    if shop.extra == "car":
        car(canvas, (120, 612, 470, 752), (58, 92, 132))
    return canvas


SHOPS: tuple[tuple[str, Shop, Look, Metadata], ...] = (
    (
        "coffee-shop",
        Shop(
            "COFFEE SHOP",
            "slab bold",
            glass=("fresh bread daily", "cakes and pies"),
            board=("HOT SOUP", "today", "$4.50"),
            extra="lamp",
        ),
        Look(dapple=0.2),
        Metadata(
            taken_at=1714810500.0,
            latitude=47.3769,
            longitude=8.5417,
            title="Breakfast corner",
            keywords=("street", "breakfast"),
        ),
    ),
    (
        "cafe-zurich",
        Shop(
            "Café Zürich",
            "serif italic",
            wall="plaster",
            color=(226, 206, 168),
            fascia=(120, 30, 40),
            stripes=((34, 84, 76), (240, 234, 220)),
            glass=("Crème brûlée", "Espresso & Gâteau"),
            door=("OUVERT", "7h - 19h"),
            turn=0.7,
            extra="tree",
        ),
        Look(warmth=0.3),
        Metadata(caption="Morning light on the old town square"),
    ),
    (
        "toffee-shop",
        Shop(
            "THE TOFFEE SHOP",
            "round",
            wall="plaster",
            color=(170, 196, 204),
            fascia=(206, 92, 110),
            stripes=((206, 92, 110), (252, 246, 238)),
            glass=("handmade toffee", "since 1921"),
            door=("CLOSED",),
            turn=-0.6,
            extra="tree",
        ),
        Look(),
        Metadata(),
    ),
    (
        "coffin-maker",
        Shop(
            "COFFIN & SONS",
            "serif black",
            color=(96, 90, 88),
            fascia=(28, 28, 32),
            letters=(206, 186, 130),
            stripes=None,
            glass=("Undertakers", "est. 1874"),
            door=("RING", "the bell"),
            extra="lamp",
        ),
        Look(light=0.72, warmth=-0.4, haze=0.1),
        Metadata(),
    ),
    (
        "bakery-night",
        Shop(
            "BAKERY",
            "round",
            wall="plaster",
            color=(150, 120, 110),
            fascia=(52, 34, 66),
            letters=(255, 214, 120),
            stripes=((96, 50, 80), (196, 170, 150)),
            glass=("warm pretzels", "all night"),
            door=("OPEN", "24 hours"),
            tracking=10,
            night=True,
            extra="lamp",
        ),
        Look(noise=5, light=1.05, blur=0.6),
        Metadata(taken_at=1699653600.0),
    ),
    (
        "book-shop",
        Shop(
            "Harbour BOOK SHOP",
            "serif bold",
            color=(140, 96, 70),
            fascia=(30, 52, 92),
            stripes=None,
            glass=("maps & old books", "bought and sold"),
            board=("STORY", "TIME", "3 PM"),
            turn=0.5,
        ),
        Look(warmth=0.2),
        Metadata(title="Second-hand books by the harbour", persons=("Ada Fernwood",)),
    ),
    (
        "bookshop",
        Shop(
            "BOOKSHOP",
            "heavy",
            wall="plaster",
            color=(204, 196, 186),
            fascia=(232, 176, 52),
            letters=(34, 32, 30),
            stripes=((34, 32, 30), (232, 176, 52)),
            glass=("summer sale", "50% off all atlases"),
            tracking=14,
            extra="car",
        ),
        Look(),
        Metadata(),
    ),
    (
        "flower-market",
        Shop(
            "Fleurs & Flowers",
            "slab italic",
            wall="plaster",
            color=(214, 222, 206),
            fascia=(70, 104, 74),
            stripes=((120, 160, 110), (246, 246, 236)),
            glass=("roses tulips lilies",),
            board=("tulips", "10 for", "€7.90"),
            extra="tree",
        ),
        Look(dapple=0.3, warmth=0.2),
        Metadata(keywords=("flowers", "spring")),
    ),
    (
        "hotel-night",
        Shop(
            "GRAND HOTEL",
            "narrow bold",
            color=(116, 70, 60),
            fascia=(24, 26, 40),
            letters=(255, 120, 130),
            stripes=None,
            glass=("VACANCY", "rooms from $89"),
            door=("RECEPTION",),
            tracking=9,
            night=True,
            turn=-0.4,
        ),
        Look(noise=6, light=1.0, blur=0.7, vignette=0.3),
        Metadata(),
    ),
)

SHOTS: tuple[Shot, ...] = tuple(
    Shot(f"shop-{name}", "shop fronts", partial(shop_scene, shop), look, metadata=metadata)
    for name, shop, look, metadata in SHOPS
)
