"""Screens: web pages, dialogs, a terminal, a phone, a laptop."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from PIL import Image, ImageDraw

from sightread.synth.canvas import Canvas, Color, Pen
from sightread.synth.effects import SCREENSHOT, Look
from sightread.synth.geometry import Box, turned_quad
from sightread.synth.places import OAK, cup, table_top
from sightread.synth.props import Rng, glow_spot, shade, sheet_shadow
from sightread.synth.scenes_quiet import hills
from sightread.synth.shot import UNDESCRIBED, Shot, Suffix
from sightread.synth.surfaces import gradient
from sightread.types import Metadata

WHITE: Color = (255, 255, 255)
INK: Color = (32, 36, 44)
GREY: Color = (112, 118, 130)
BLUE: Color = (36, 99, 214)


def button(canvas: Canvas, box: Box, text: str, fill: Color, ink: Color = WHITE) -> None:
    """A push button with its caption."""
    x0, y0, x1, y1 = box
    canvas.box((x0, y0 + 2, x1, y1 + 3), (0, 0, 0, 50), 8)
    canvas.box(box, fill, 8)
    pen = Pen("bold", (y1 - y0) * 0.45, ink).fit(text, x1 - x0 - 16)
    canvas.text(((x0 + x1) / 2, (y0 + y1) / 2), text, pen)


def browser(address: str, size: tuple[int, int] = (1024, 720)) -> Canvas:
    """An empty page in a browser window; the page begins at y 84."""
    canvas = Canvas(*size, WHITE)
    canvas.box((0, 0, size[0], 84), (222, 226, 232))
    for i, color in enumerate(((236, 106, 94), (244, 190, 80), (98, 196, 86))):
        canvas.disc((26 + 24 * i, 22), 7, color)
    canvas.box((110, 8, 330, 44), (246, 248, 250), 8)
    canvas.box((20, 44, size[0] - 20, 78), WHITE, 17)
    canvas.text((48, 61), address, Pen("sans", 19, GREY, "lm"))
    return canvas


def news_page(rng: Rng) -> Canvas:
    """The front page of a newspaper."""
    canvas = browser("harbourdaily.example")
    canvas.text((40, 126), "Harbour Daily", Pen("serif black", 46, INK, "lm"))
    for i, name in enumerate(("Local", "Sports", "Culture", "Weather")):
        canvas.text((480 + 122 * i, 128), name, Pen("medium", 24, GREY, "lm"))
    canvas.box((40, 160, 984, 163), INK)
    picture = hills(rng)
    canvas.place(picture, ((40, 186), (600, 186), (600, 520), (40, 520)))
    head = Pen("serif bold", 44, INK, "lm")
    canvas.lines((630, 212), ("Old bridge", "reopens after", "long repairs"), head, 1.15)
    body = Pen("serif", 25, (60, 64, 72), "lm")
    canvas.lines(
        (630, 388),
        ("Ferries will run until", "Sunday, says the mayor,", "then buses take over."),
        body,
        1.4,
    )
    canvas.box((40, 552, 984, 554), (214, 218, 224))
    for i, lines in enumerate(
        (
            ("Lighthouse", "painted again"),
            ("Chess final", "ends in a draw"),
            ("Rain expected", "on Thursday"),
        )
    ):
        canvas.lines((40 + 320 * i, 592), lines, Pen("bold", 29, BLUE, "lm"), 1.4)
        canvas.text((40 + 320 * i, 676), f"{2 + 3 * i} min read", Pen("sans", 21, GREY, "lm"))
    return canvas


def desktop(rng: Rng, size: tuple[int, int] = (1024, 720)) -> Canvas:
    """A desktop with hills as wallpaper and a dock."""
    canvas = Canvas(*size)
    width, height = size
    canvas.place(hills(rng), ((0, 0), (width, 0), (width, height), (0, height)))
    canvas.box(
        (width / 2 - 200, height - 74, width / 2 + 200, height - 12), (255, 255, 255, 120), 18
    )
    for i in range(6):
        r, g, b = (int(v) for v in rng.integers(60, 230, 3))
        x = width / 2 - 180 + 62 * i
        canvas.box((x, height - 66, x + 48, height - 20), (r, g, b), 12)
        canvas.disc((x + 24, height - 43), 11, (255, 255, 255, 190))
    return canvas


def dialog(rng: Rng) -> Canvas:
    """A warning dialog on a desktop."""
    canvas = desktop(rng)
    box: Box = (242, 190, 782, 480)
    sheet_shadow(canvas, box, 18)
    canvas.box(box, (246, 247, 249), 14)
    canvas.box((242, 190, 782, 236), (228, 230, 234), 14)
    canvas.text((512, 214), "Storage", Pen("bold", 24, INK))
    canvas.polygon([(306, 276), (352, 360), (260, 360)], (246, 190, 40))
    canvas.box((302, 306, 310, 336), INK, 3)
    canvas.disc((306, 348), 4.5, INK)
    canvas.text((384, 296), "Disk almost full", Pen("heavy", 34, INK, "lm"))
    canvas.lines(
        (384, 342),
        ("Only 312 MB left on", "drive C. Free some space?"),
        Pen("sans", 25, GREY, "lm"),
        1.35,
    )
    button(canvas, (430, 416, 576, 460), "Cancel", (214, 218, 224), INK)
    button(canvas, (596, 416, 758, 460), "Delete files", (208, 52, 48))
    return canvas


def login(rng: Rng) -> Canvas:
    """A sign-in card on a coloured ground."""
    canvas = Canvas(960, 720)
    canvas.paint(gradient(2, 64, (60, 40, 130), (150, 60, 150), (250, 140, 110)))
    for _ in range(9):
        at = (float(rng.uniform(0, 960)), float(rng.uniform(0, 720)))
        glow_spot(canvas, at, float(rng.uniform(80, 220)), WHITE, 0.22)
    box: Box = (280, 100, 680, 620)
    sheet_shadow(canvas, box, 20)
    canvas.box(box, WHITE, 20)
    canvas.disc((480, 172), 36, BLUE)
    canvas.polygon([(480, 148), (500, 186), (460, 186)], WHITE)
    canvas.text((480, 250), "Welcome back", Pen("heavy", 40, INK))
    for y, name, value in ((310, "Email", "ada@example.org"), (404, "Password", "")):
        canvas.text((320, y), name, Pen("medium", 23, GREY, "lm"))
        canvas.box((320, y + 18, 640, y + 62), (244, 245, 248), 8, (206, 210, 218), 1.5)
        if value:
            canvas.text((336, y + 40), value, Pen("sans", 22, INK, "lm"))
    for i in range(9):
        canvas.disc((342 + 17 * i, 444), 5, INK)
    button(canvas, (320, 496, 640, 548), "Sign in", BLUE)
    canvas.text((480, 584), "Forgot password?", Pen("medium", 23, BLUE))
    return canvas


def dashboard(rng: Rng) -> Canvas:
    """A dark dashboard with figures and charts."""
    canvas = Canvas(1120, 740, (22, 26, 38))
    canvas.box((0, 0, 190, 740), (30, 36, 52))
    canvas.text((32, 48), "Orbit", Pen("round", 38, (120, 200, 255), "lm"))
    for i, name in enumerate(("Overview", "Orders", "Customers", "Settings")):
        canvas.text(
            (32, 128 + 56 * i),
            name,
            Pen("medium", 25, (214, 220, 236) if i == 0 else (146, 154, 176), "lm"),
        )
    cards = (
        ("Visitors", "12,480", (90, 200, 160)),
        ("Revenue", "$8,930", (250, 190, 90)),
        ("Refunds", "1.7%", (240, 110, 120)),
    )
    for i, (name, value, color) in enumerate(cards):
        x = 220 + 296 * i
        canvas.box((x, 36, x + 270, 176), (34, 41, 60), 14)
        canvas.box((x, 36, x + 6, 176), color, 3)
        canvas.text((x + 28, 74), name, Pen("medium", 25, (160, 168, 190), "lm"))
        canvas.text((x + 28, 130), value, Pen("heavy", 50, WHITE, "lm"))
    canvas.box((220, 206, 1082, 700), (34, 41, 60), 14)
    canvas.text((248, 246), "Monthly orders", Pen("bold", 30, WHITE, "lm"))
    values = np.clip(np.cumsum(rng.normal(0.08, 0.5, 12)) * 0.18 + 0.5, 0.15, 0.95)
    for i, value in enumerate(values):
        x = 262 + 67 * i
        canvas.box((x, 640 - 330 * float(value), x + 40, 640), (92, 150, 255), 6)
        canvas.text(
            (x + 20, 670),
            (["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"])[
                i
            ],
            Pen("sans", 23, (160, 168, 190)),
        )
    return canvas


def terminal(rng: Rng) -> Canvas:
    """A terminal window after a test run."""
    canvas = desktop(rng, (900, 640))
    canvas.box((70, 60, 830, 560), (24, 26, 32), 12)
    canvas.box((70, 60, 830, 98), (58, 62, 70), 12)
    for i, color in enumerate(((236, 106, 94), (244, 190, 80), (98, 196, 86))):
        canvas.disc((96 + 24 * i, 79), 7, color)
    green, grey, red = (130, 220, 130), (206, 210, 216), (244, 120, 110)
    lines: tuple[tuple[str, Color], ...] = (
        ("$ make test", WHITE),
        ("collected 318 items", grey),
        ("tests/store: 104 passed", green),
        ("tests/reader: 213 passed", green),
        ("tests/query: 1 failed", red),
        ("IndexError: list index out of range", red),
        ("finished in 41.7 seconds", grey),
        ("$", WHITE),
    )
    for i, (line, ink) in enumerate(lines):
        canvas.text((100, 136 + 52 * i), line, Pen("grotesk", 31, ink, "lm"), truth=line != "$")
    canvas.box((128, 484, 144, 516), (200, 204, 210))
    return canvas


def shop_page(_: Rng) -> Canvas:
    """A product in a web shop."""
    canvas = browser("stridewell.example/shoes")
    canvas.text((40, 122), "stridewell", Pen("round", 38, (230, 80, 60), "lm"))
    canvas.text((984, 122), "Basket (3)", Pen("medium", 25, INK, "rm"))
    canvas.box((40, 160, 500, 660), (240, 236, 230), 16)
    sole = [(90, 470), (130, 400), (230, 360), (300, 290), (350, 330), (440, 430), (456, 470)]
    canvas.shadow([(90, 500), (460, 496), (470, 520), (84, 524)], 10, 0.4)
    canvas.polygon(sole, (60, 120, 170))
    canvas.polygon([(130, 400), (230, 360), (300, 290), (330, 314), (250, 420)], (90, 160, 210))
    canvas.box((84, 466, 462, 504), WHITE, 18)
    for i in range(4):
        canvas.line([(222 + 24 * i, 372 - 17 * i), (256 + 24 * i, 398 - 14 * i)], WHITE, 6)
    canvas.text((540, 204), "Running shoes", Pen("heavy", 48, INK, "lm"))
    canvas.text((540, 262), "light and waterproof", Pen("sans", 28, GREY, "lm"))
    canvas.text((540, 336), "$59.90", Pen("heavy", 60, (208, 52, 48), "lm"))
    canvas.text((770, 342), "$84.00", Pen("sans", 32, GREY, "lm"))
    canvas.line([(764, 344), (882, 344)], GREY, 2)
    for i, size in enumerate(("38", "39", "40", "41", "42")):
        canvas.box(
            (540 + 76 * i, 398, 600 + 76 * i, 450), WHITE, 8, INK if i == 2 else (200, 204, 210), 2
        )
        canvas.text((570 + 76 * i, 424), size, Pen("medium", 26, INK))
    button(canvas, (540, 490, 880, 556), "Add to cart", (34, 140, 90))
    canvas.text((540, 606), "Free returns within 60 days", Pen("medium", 26, GREY, "lm"))
    return canvas


def calendar(_: Rng) -> Canvas:
    """A month with a few appointments."""
    canvas = Canvas(980, 740, (250, 250, 252))
    canvas.text((40, 56), "October 2024", Pen("heavy", 46, INK, "lm"))
    canvas.text((940, 58), "Today", Pen("bold", 28, BLUE, "rm"))
    events: dict[int, tuple[str, Color]] = {
        3: ("Dentist", (220, 90, 80)),
        9: ("Yoga", (80, 160, 110)),
        15: ("Flight", (60, 110, 210)),
        18: ("Concert", (150, 80, 190)),
        24: ("Rehearsal", (220, 150, 50)),
        31: ("Halloween", (230, 110, 40)),
    }
    for column, name in enumerate(("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")):
        canvas.text((104 + 129 * column, 116), name, Pen("bold", 25, GREY))
    for day in range(1, 32):
        row, column = divmod(day, 7)  # the first of October 2024 was a Tuesday
        x, y = 40 + 129 * column, 144 + 116 * row
        canvas.box((x, y, x + 124, y + 111), WHITE, 6, (222, 224, 230), 1)
        canvas.text((x + 14, y + 28), str(day), Pen("medium", 26, INK, "lm"))
        if day in events:
            name, color = events[day]
            canvas.box((x + 5, y + 60, x + 119, y + 98), color, 6)
            canvas.text((x + 62, y + 79), name, Pen("bold", 23, WHITE).fit(name, 104))
    return canvas


def phone_chat(rng: Rng) -> Canvas:
    """A phone on a table with a conversation on it."""
    screen = Canvas(380, 720, (236, 240, 245))
    screen.box((0, 0, 380, 84), (30, 120, 110))
    screen.disc((52, 48), 24, (250, 210, 150))
    screen.text((92, 50), "Jolanda", Pen("bold", 30, WHITE, "lm"))
    y = 106.0
    talk = (
        ("Are you coming", "to the picnic?", False),
        ("Yes! Bringing", "lemonade", True),
        ("Great, noon", "at the fountain", False),
        ("See you there", "tomorrow", True),
    )
    for first, second, mine in talk:
        x0, x1 = (120.0, 364.0) if mine else (16.0, 262.0)
        screen.box((x0, y, x1, y + 106), (206, 240, 214) if mine else WHITE, 18)
        screen.lines((x0 + 20, y + 34), (first, second), Pen("medium", 29, INK, "lm"), 1.35)
        y += 124
    screen.box((16, 640, 364, 696), WHITE, 28)
    screen.text((44, 668), "Message", Pen("sans", 26, GREY, "lm"))
    phone = Canvas(424, 800, (24, 24, 28))
    phone.box((6, 6, 418, 794), None, 40, (90, 92, 98), 3)
    phone.place(screen, ((22, 40), (402, 40), (402, 760), (22, 760)))
    phone.box((160, 14, 264, 26), (50, 52, 58), 6)
    canvas = table_top(rng, (186, 176, 164), "stone", (820, 960))
    form = Image.new("L", (424, 800))
    ImageDraw.Draw(form).rounded_rectangle((0, 0, 423, 799), 44, 255)
    quad = turned_quad((400, 490), (441, 832), -7)
    canvas.shadow([(x + 12, y + 18) for x, y in quad], 18)
    canvas.place(phone, quad, mask=np.asarray(form))
    cup(canvas, (730, 110), 70)
    return canvas


def laptop_slide(rng: Rng) -> Canvas:
    """A laptop on a desk that shows a slide."""
    slide = Canvas(720, 440, (248, 246, 240))
    slide.box((0, 0, 24, 440), (230, 110, 60))
    slide.text((64, 70), "Quarterly Review", Pen("heavy", 56, INK, "lm"))
    for i, line in enumerate(("growth of 14 percent", "three new markets", "hiring until June")):
        slide.disc((78, 150 + 58 * i), 7, (230, 110, 60))
        slide.text((104, 150 + 58 * i), line, Pen("medium", 33, GREY, "lm"))
    for i, height in enumerate((50, 80, 74, 112)):
        slide.box((520 + 44 * i, 400 - height, 552 + 44 * i, 400), (60, 130, 190), 4)
    slide.text((64, 388), "Larkspur Tools", Pen("serif italic", 30, INK, "lm"))
    canvas = table_top(rng, OAK, size=(1000, 740))
    glow_spot(canvas, (500, 300), 520, (255, 246, 226), 0.35)
    canvas.shadow([(110, 560), (900, 560), (960, 720), (50, 720)], 18, 0.5)
    canvas.polygon([(150, 532), (850, 532), (930, 690), (70, 690)], (186, 190, 194))
    for row in range(4):
        y, inset = 548 + 22 * row, 200 - 14 * row
        for key in range(12):
            w = (1000 - 2 * inset) / 12
            canvas.box((inset + key * w, y, inset + key * w + w - 5, y + 17), (52, 54, 58), 3)
    canvas.polygon([(420, 642), (580, 642), (590, 680), (410, 680)], shade((186, 190, 194), 0.86))
    canvas.polygon([(144, 40), (856, 40), (866, 536), (134, 536)], (30, 32, 36))
    canvas.place(slide, ((164, 62), (836, 62), (844, 508), (156, 508)))
    return canvas


def _shot(
    name: str,
    draw: Callable[[Rng], Canvas],
    look: Look = SCREENSHOT,
    suffix: Suffix = "png",
    metadata: Metadata = UNDESCRIBED,
) -> Shot:
    return Shot(f"screen-{name}", "screens", draw, look, suffix, metadata)


SHOTS: tuple[Shot, ...] = (
    _shot("news", news_page, metadata=Metadata(title="Front page", keywords=("newspaper",))),
    _shot("dialog", dialog, suffix="webp"),
    _shot("login", login, suffix="webp"),
    _shot("dashboard", dashboard),
    _shot("terminal", terminal, suffix="gif"),
    _shot("web-shop", shop_page),
    _shot("calendar", calendar, suffix="tif"),
    _shot("phone-chat", phone_chat, Look(warmth=0.2), "jpg"),
    _shot("laptop", laptop_slide, Look(noise=4, blur=0.6), "jpg"),
)
