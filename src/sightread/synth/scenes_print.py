"""Printed things on walls and tables: posters, book covers, menus, timetables."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from sightread.synth.canvas import Canvas, Color, Pen
from sightread.synth.effects import Look
from sightread.synth.geometry import turned_quad
from sightread.synth.places import (
    LINEN,
    OAK,
    PINE,
    WALNUT,
    Pose,
    crumple,
    cup,
    lay,
    outdoors,
    pencil,
    table_top,
)
from sightread.synth.props import Rng, glow_spot, pole, shade, tree
from sightread.synth.scenes_quiet import hills
from sightread.synth.shot import Shot
from sightread.synth.surfaces import Shade, gradient, paper, plaster, ramp
from sightread.types import Metadata

INK: Color = (30, 30, 34)
CREAM: Color = (250, 240, 216)
Sheet = Callable[[Rng], Canvas]


def jazz_poster(_: Rng) -> Canvas:
    """A festival poster with a saxophone-like curve and discs."""
    sheet = Canvas(480, 680, (24, 30, 62))
    for radius, color in ((190, (240, 120, 60)), (140, (250, 180, 70)), (90, (252, 226, 140))):
        sheet.disc((320, 380), radius * 0.84, color)
    sheet.line(
        [(120, 270), (190, 310), (240, 440), (300, 494), (356, 450), (366, 400)], (20, 20, 30), 34
    )
    for i in range(7):
        sheet.disc((206 + 9 * i, 344 + 19 * i), 8, (250, 220, 130))
    sheet.text((40, 78), "SUMMER", Pen("narrow bold", 110, CREAM, "lm"))
    sheet.text(
        (40, 168),
        "JAZZ NIGHTS",
        Pen("narrow bold", 96, (250, 180, 70), "lm").fit("JAZZ NIGHTS", 400),
    )
    sheet.text((40, 590), "12 – 15 July", Pen("bold", 42, CREAM, "lm"))
    sheet.text((40, 642), "Botanical Garden", Pen("medium", 36, CREAM, "lm"))
    return sheet


def lost_cat(rng: Rng) -> Canvas:
    """A home-made notice with a drawing of a cat."""
    sheet = Canvas(460, 620)
    sheet.paint(paper(460, 620, rng, (252, 250, 244), 2))
    sheet.text((230, 66), "LOST CAT", Pen("heavy", 76, (196, 30, 34)))
    sheet.box((90, 122, 370, 372), (206, 220, 206))
    fur: Color = (220, 140, 70)
    sheet.polygon([(160, 190), (176, 130), (212, 180)], fur)
    sheet.polygon([(300, 190), (284, 130), (248, 180)], fur)
    sheet.ellipse((150, 160, 310, 300), fur)
    sheet.ellipse((170, 280, 290, 372), shade(fur, 0.9))
    for x in (200, 260):
        sheet.ellipse((x - 16, 210, x + 16, 240), (236, 240, 160))
        sheet.ellipse((x - 5, 211, x + 5, 239), INK)
    sheet.polygon([(222, 252), (238, 252), (230, 264)], (190, 90, 90))
    sheet.text(
        (230, 416), "answers to Biscuit", Pen("hand", 44, INK).fit("answers to Biscuit", 400)
    )
    sheet.text((230, 478), "last seen near Elm Street", Pen("medium", 29, INK))
    sheet.text((230, 552), "REWARD $200", Pen("heavy", 54, INK))
    return sheet


def film_poster(_: Rng) -> Canvas:
    """A film poster: two moons above dunes."""
    sheet = Canvas(460, 680)
    sheet.paint(gradient(2, 64, (18, 16, 48), (110, 40, 96), (236, 116, 72), (80, 34, 40)))
    sheet.disc((150, 250), 60, (252, 226, 190))
    sheet.disc((280, 206), 28, (230, 190, 190))
    for depth in range(3):
        points = [
            (float(x), 430 + 40 * depth + 34 * float(np.sin(x / 90 + depth * 2)))
            for x in range(0, 466, 6)
        ]
        sheet.polygon([(0, 680), *points, (460, 680)], shade((150, 70, 60), 0.9 - 0.28 * depth))
    sheet.polygon([(236, 470), (244, 436), (252, 470)], (20, 16, 24))
    sheet.text((230, 78), "ECHOES", Pen("light", 78, CREAM, tracking=14).fit("ECHOES", 400))
    sheet.text((230, 140), "of the dunes", Pen("serif italic", 44, CREAM))
    sheet.text((230, 580), "IN CINEMAS", Pen("bold", 34, CREAM, tracking=5))
    sheet.text((230, 630), "NOVEMBER 8", Pen("bold", 38, (250, 200, 120), tracking=4))
    return sheet


def sale_poster(_: Rng) -> Canvas:
    """A shouting sale."""
    sheet = Canvas(560, 560, (208, 32, 40))
    points = []
    for k in range(40):
        radius = 268 if k % 2 else 232
        points.append(
            (
                280 + radius * float(np.cos(k * np.pi / 20)),
                280 + radius * float(np.sin(k * np.pi / 20)),
            )
        )
    sheet.polygon(points, (252, 214, 50))
    sheet.text((280, 190), "SALE", Pen("heavy", 150, (190, 24, 34)))
    sheet.text((280, 318), "up to 70%", Pen("heavy", 66, INK))
    sheet.text((280, 398), "final days", Pen("round", 52, INK))
    return sheet


def election_like(rng: Rng) -> Canvas:
    """A community poster with long words."""
    sheet = Canvas(440, 640)
    sheet.place(hills(rng), ((0, 0), (440, 0), (440, 330), (0, 330)))
    sheet.box((0, 320, 440, 640), (22, 86, 76))
    for y, line, face, size in (
        (372, "NEIGHBOURHOOD", "heavy", 48),
        (430, "CLEAN-UP DAY", "heavy", 48),
        (498, "gloves & bags provided", "medium", 32),
        (568, "Saturday 9:30", "bold", 42),
    ):
        sheet.text((220, y), line, Pen(face, size, CREAM).fit(line, 390))  # type: ignore[arg-type]
    return sheet


def book(
    title: tuple[str, ...], author: str, colors: tuple[Shade, Shade], rng: Rng, art: str = "waves"
) -> Canvas:
    """A book cover with simple art."""
    sheet = Canvas(400, 580)
    sheet.paint(gradient(2, 48, *colors))
    light = shade(colors[1], 1.5)
    if art == "waves":
        for k in range(6):
            points = [
                (float(x), 300 + 34 * k + 16 * float(np.sin(x / 34 + k))) for x in range(0, 408, 6)
            ]
            sheet.line(points, light, 5)
    elif art == "tower":
        sheet.polygon([(170, 480), (186, 330), (214, 330), (230, 480)], light)
        sheet.box((180, 306, 220, 332), light)
        sheet.polygon([(176, 308), (224, 308), (200, 280)], light)
        sheet.polygon([(200, 318), (400, 270), (400, 370)], (255, 250, 200, 90))
        sheet.polygon([(0, 480), (400, 480), (400, 500), (0, 520)], shade(colors[0], 0.6))
    else:
        tree(sheet, (200, 490), 210, rng, (90, 140, 90))
    y = 96.0
    for i, line in enumerate(title):
        pen = Pen(
            "serif black" if i % 2 == 0 else "serif italic", 66 if i % 2 == 0 else 44, CREAM
        ).fit(line, 340)
        sheet.text((200, y), line, pen)
        y += pen.size * 1.12
    sheet.text((200, 540), author, Pen("medium", 30, CREAM, tracking=2).fit(author, 340))
    sheet.glaze((0, 0, 0), ramp((0, 0.35), (0.04, 0.05), (0.07, 0.22), (0.1, 0), (1, 0.05)))
    return sheet


def menu(rng: Rng) -> Canvas:
    """A restaurant menu."""
    sheet = Canvas(520, 720)
    sheet.paint(paper(520, 720, rng, (250, 243, 226)))
    sheet.box((20, 20, 500, 700), None, 4, (150, 110, 60), 2)
    wine: Color = (120, 30, 40)
    sheet.text((260, 82), "La Piñata", Pen("serif italic", 68, wine))
    sheet.text((260, 146), "LUNCH MENU", Pen("bold", 30, INK, tracking=5))
    y = 210.0
    for dish, price, more in (
        ("Tortilla soup", "6.50", "with lime and coriander"),
        ("Grilled trout", "17.00", "potatoes, fennel salad"),
        ("Jalapeño burger", "13.80", "smoked cheese, fries"),
        ("Crème caramel", "5.90", "homemade"),
    ):
        sheet.text((54, y), dish, Pen("serif bold", 34, INK, "lm"))
        sheet.text((466, y), price, Pen("serif bold", 34, wine, "rm"))
        sheet.text((54, y + 40), more, Pen("serif italic", 27, (96, 90, 84), "lm"))
        y += 106
    sheet.text((260, 656), "prices in euro, service included", Pen("serif", 26, INK))
    return sheet


def chalkboard(rng: Rng) -> Canvas:
    """A chalk menu on a brick wall."""
    canvas = outdoors(rng, "brick", (960, 720))
    board = Canvas(600, 520)
    board.paint(plaster(600, 520, rng, (46, 52, 52), 0.4))
    chalk: Color = (244, 242, 232)
    board.text((300, 64), "TODAY'S SPECIAL", Pen("narrow bold", 84, (250, 214, 120)))
    board.line([(70, 120), (530, 124)], chalk, 2)
    for i, (left, right) in enumerate(
        (
            ("Pumpkin soup", "$5"),
            ("Mushroom pie", "$9"),
            ("Iced latte", "$4"),
            ("Apple crumble", "$6"),
        )
    ):
        board.text((60, 180 + 78 * i), left, Pen("hand", 54, chalk, "lm"))
        board.text((540, 180 + 78 * i), right, Pen("hand", 58, (250, 214, 120), "rm"))
    board.text((300, 484), "ask for vegan options", Pen("hand", 34, (190, 220, 200)))
    canvas.place(
        Canvas(660, 580, (120, 80, 46)), turned_quad((480, 350), (660, 580), -1.5), shadow=14
    )
    canvas.place(board, turned_quad((480, 350), (600, 520), -1.5))
    glow_spot(canvas, (480, 40), 420, (255, 220, 150), 0.3)
    return canvas


def bus_times(rng: Rng) -> Canvas:
    """A timetable case at a bus stop."""
    canvas = outdoors(rng, "street", (900, 760))
    for x in (250, 650):
        pole(canvas, x, 40, 760, 10)
    sheet = Canvas(480, 600, (252, 252, 250))
    sheet.box((0, 0, 480, 92), (20, 110, 80))
    sheet.text((28, 47), "Bus 42", Pen("heavy", 56, (255, 255, 255), "lm"))
    sheet.text((452, 47), "Riverside", Pen("bold", 38, (255, 255, 255), "rm"))
    for column, name in enumerate(("Weekdays", "Saturday")):
        sheet.text((130 + 226 * column, 130), name, Pen("bold", 32, INK))
    for row in range(8):
        y = 182 + 46 * row
        if row % 2 == 0:
            sheet.box((16, y - 23, 464, y + 23), (232, 240, 236))
        sheet.text((130, y), f"{6 + row:02d}:{(12 + 7 * row) % 60:02d}", Pen("grotesk", 34, INK))
        sheet.text((356, y), f"{7 + row:02d}:{(35 + 11 * row) % 60:02d}", Pen("grotesk", 34, INK))
    sheet.text((240, 566), "No service on Sunday", Pen("bold", 29, (190, 40, 40)))
    canvas.place(
        Canvas(520, 640, (70, 76, 82)), ((196, 66), (700, 84), (700, 680), (196, 704)), shadow=10
    )
    canvas.place(sheet, ((214, 86), (682, 102), (682, 662), (214, 684)))
    canvas.polygon([(300, 90), (420, 94), (330, 680), (214, 684), (214, 500)], (255, 255, 255, 26))
    return canvas


def departures(_: Rng) -> Canvas:
    """A departure board of a station: light on dark."""
    canvas = Canvas(1100, 640, (58, 60, 66))
    canvas.paint(gradient(2, 64, (84, 86, 92), (44, 46, 52)))
    canvas.box((60, 60, 1040, 560), (14, 16, 20), 8)
    yellow: Color = (252, 214, 70)
    canvas.text((96, 108), "Departures", Pen("bold", 46, (255, 255, 255), "lm"))
    canvas.text((1004, 108), "18:07", Pen("bold", 46, yellow, "rm"))
    trains = (
        ("18:12", "Zürich Airport", "4"),
        ("18:20", "Lausanne", "11"),
        ("18:31", "Milano Centrale", "7"),
        ("18:44", "Basel", "2"),
        ("18:59", "Luzern", "CANCELLED"),
    )
    for row, (time, town, track) in enumerate(trains):
        y = 194 + 78 * row
        canvas.box((84, y - 34, 1016, y + 34), (26, 29, 36), 4)
        canvas.box((84, y - 1, 1016, y), (10, 11, 14))
        canvas.text((100, y), time, Pen("grotesk bold", 46, yellow, "lm"))
        canvas.text((280, y), town, Pen("grotesk", 46, (250, 250, 244), "lm"))
        color: Color = (244, 90, 80) if len(track) > 2 else (250, 250, 244)
        canvas.text((1000, y), track, Pen("grotesk bold", 44, color, "rm"))
    for x in (200, 900):
        canvas.box((x - 5, 0, x + 5, 60), (30, 32, 36))
    return canvas


def on_wall(sheet: Sheet, wall: str, rng: Rng, angle: float = 0.0, lean: float = 0.0) -> Canvas:
    """A poster taped to a wall; `lean` is how much the right side is farther away."""
    canvas = outdoors(rng, wall, (860, 760))
    poster = sheet(rng)
    crumple(poster, rng, 0.12)
    zoom = 660 / poster.height
    quad = list(turned_quad((430, 380), (poster.width * zoom * (1 - 0.2 * lean), 660), angle))
    for i, sign in ((1, 1), (2, -1)):
        quad[i] = (quad[i][0], quad[i][1] + sign * 70 * lean)
    canvas.place(poster, quad, shadow=8)
    for x, y in quad:
        center = (x + (430 - x) * 0.04, y + (380 - y) * 0.03)
        canvas.polygon(
            turned_quad(center, (58, 22), 45 if (x < 430) != (y < 380) else -45),
            (250, 246, 226, 150),
        )
    return canvas


def book_scene(sheet: Sheet, wood: Shade, angle: float, rng: Rng) -> Canvas:
    """A book on a table, its pages showing at the edge."""
    canvas = table_top(rng, wood, size=(820, 760))
    pages = Canvas(412, 590, (236, 230, 216))
    for k in range(0, 412, 3):
        pages.box((k, 0, k + 1, 590), (210, 202, 186))
    lay(canvas, pages, Pose((418, 389), angle, 1.02), shadow=16)
    lay(canvas, sheet(rng), Pose((408, 377), angle, 1.05), shadow=3)
    return canvas


def menu_scene(rng: Rng) -> Canvas:
    """The menu on a linen table with a cup."""
    canvas = table_top(rng, LINEN, "cloth", (900, 800))
    lay(canvas, menu(rng), Pose((420, 400), -3, 1.0, 0.06))
    cup(canvas, (800, 140), 66)
    pencil(canvas, (760, 700), (830, 360), (60, 90, 150))
    return canvas


def shop_window(rng: Rng) -> Canvas:
    """A sale poster in a shop window."""
    canvas = Canvas(820, 760)
    canvas.paint(gradient(2, 64, (120, 140, 150), (60, 74, 84)))
    for _ in range(14):
        at = (float(rng.uniform(0, 820)), float(rng.uniform(0, 760)))
        glow_spot(canvas, at, float(rng.uniform(40, 120)), (255, 236, 190), 0.4)
    canvas.soften(4)
    canvas.place(sale_poster(rng), turned_quad((410, 380), (560, 560), -7), shadow=14)
    for x in (0.0, 790.0):
        canvas.box((x, 0, x + 30, 760), (40, 44, 48))
    canvas.polygon([(60, 760), (330, 0), (420, 0), (150, 760)], (255, 255, 255, 30))
    return canvas


SEA_BOOK = partial(
    book, ("The Silent", "sea of", "GLASS"), "Imogen Vantreight", ((20, 60, 96), (60, 130, 150))
)
LIGHT_BOOK = partial(
    book,
    ("LIGHTHOUSE", "keeping for", "BEGINNERS"),
    "Marlow Quince",
    ((36, 40, 80), (150, 90, 70)),
    art="tower",
)
TREE_BOOK = partial(
    book,
    ("A Field Guide", "to city", "TREES"),
    "second edition",
    ((90, 70, 40), (190, 170, 110)),
    art="tree",
)

SHOTS: tuple[Shot, ...] = (
    Shot(
        "poster-jazz",
        "posters and books",
        partial(on_wall, jazz_poster, "concrete", lean=0.7),
        metadata=Metadata(keywords=("music", "festival"), taken_at=1719820800.0),
    ),
    Shot(
        "poster-lost-cat",
        "posters and books",
        partial(on_wall, lost_cat, "brick", angle=4),
        Look(dapple=0.3),
    ),
    Shot(
        "poster-film",
        "posters and books",
        partial(on_wall, film_poster, "tiles", angle=-2),
        Look(light=0.85, noise=4),
    ),
    Shot("poster-sale", "posters and books", shop_window, suffix="webp"),
    Shot(
        "poster-clean-up",
        "posters and books",
        partial(on_wall, election_like, "fence", lean=0.4),
        orientation=8,
    ),
    Shot(
        "book-sea",
        "posters and books",
        partial(book_scene, SEA_BOOK, OAK, -8.0),
        Look(warmth=0.3),
        metadata=Metadata(title="Holiday reading", persons=("Imogen Vantreight",)),
    ),
    Shot(
        "book-lighthouse",
        "posters and books",
        partial(book_scene, LIGHT_BOOK, WALNUT, 6.0),
        Look(light=0.8, dapple=0.2),
    ),
    Shot("book-trees", "posters and books", partial(book_scene, TREE_BOOK, PINE, 82.0)),
    Shot("menu-lunch", "menus and timetables", menu_scene, Look(warmth=0.4)),
    Shot(
        "menu-chalkboard",
        "menus and timetables",
        chalkboard,
        Look(noise=4, warmth=0.4),
        metadata=Metadata(caption="Lunch with the choir", persons=("Jolanda Weiss",)),
    ),
    Shot("timetable-bus", "menus and timetables", bus_times, Look(haze=0.08)),
    Shot(
        "timetable-station",
        "menus and timetables",
        departures,
        Look(noise=5, blur=0.6),
        metadata=Metadata(latitude=46.948, longitude=7.4474, taken_at=1700503620.0),
    ),
)
