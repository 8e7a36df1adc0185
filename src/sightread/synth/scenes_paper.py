"""Paper on tables: receipts, tickets, handwritten notes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import TypedDict, Unpack

from sightread.synth.canvas import Canvas, Color, Pen
from sightread.synth.effects import DAYLIGHT, Look
from sightread.synth.places import (
    LINEN,
    OAK,
    PINE,
    SLATE,
    WALNUT,
    Pose,
    coins,
    crumple,
    cup,
    lay,
    pencil,
    table_top,
)
from sightread.synth.props import Rng, barcode
from sightread.synth.shot import UNDESCRIBED, Shot, Suffix
from sightread.synth.surfaces import Shade, paper, ramp
from sightread.synth.tickets import boarding_pass, concert_ticket, parking_ticket, train_ticket
from sightread.types import Metadata, Point

Sheet = Callable[[Rng], Canvas]
INK: Color = (34, 34, 38)
BLUE_INK: Color = (26, 48, 128)


def receipt(
    rng: Rng,
    head: tuple[str, ...],
    items: tuple[tuple[str, str], ...],
    total: tuple[str, str],
    foot: tuple[str, ...],
) -> Canvas:
    """A till receipt: shop, items with prices, total, thanks."""
    height = 190 + 38 * len(items) + 40 * len(head) + 34 * len(foot) + 70
    sheet = Canvas(380, height)
    sheet.paint(paper(380, height, rng, (250, 249, 244), 3))
    y = 46.0
    for i, line in enumerate(head):
        pen = Pen("slab bold" if i == 0 else "slab", 38 if i == 0 else 23, INK).fit(line, 330)
        sheet.text((190, y), line, pen)
        y += 42 if i == 0 else 32
    _dashes(sheet, y)
    y += 30
    for name, price in items:
        sheet.text((28, y), name, Pen("slab", 25, INK, "lm"))
        sheet.text((352, y), price, Pen("slab", 25, INK, "rm"))
        y += 38
    _dashes(sheet, y)
    y += 38
    sheet.text((28, y), total[0], Pen("slab bold", 36, INK, "lm"))
    sheet.text((352, y), total[1], Pen("slab bold", 36, INK, "rm"))
    y += 50
    for line in foot:
        sheet.text((190, y), line, Pen("slab", 23, INK).fit(line, 330))
        y += 34
    barcode(sheet, (80, y, 300, y + 58), rng)
    crumple(sheet, rng)
    return sheet


def _dashes(sheet: Canvas, y: float) -> None:
    for x in range(24, sheet.width - 24, 14):
        sheet.box((x, y, x + 8, y + 1.5), (90, 90, 94))


def note(
    rng: Rng, lines: tuple[str, ...], color: Shade, ink: Color = BLUE_INK, ruled: bool = False
) -> Canvas:
    """A handwritten note; every line a little crooked."""
    height = 110 + 66 * len(lines)
    sheet = Canvas(460, height)
    sheet.paint(paper(460, height, rng, color, 0 if ruled else 1))
    if ruled:
        for k in range(len(lines) + 1):
            sheet.box((0, 92 + 66 * k, 460, 93.5 + 66 * k), (150, 180, 220))
        sheet.box((50, 0, 52, height), (226, 130, 130))
    else:
        sheet.glaze((0, 0, 0), ramp((0, 0), (0.8, 0.02), (1, 0.16), across=False))
    pen = Pen("hand", 48, ink, "ls")
    for k, line in enumerate(lines):
        crooked = replace(pen.fit(line, 370), angle=float(rng.uniform(-1.6, 1.6)))
        sheet.text((66 + float(rng.uniform(-6, 8)), 88 + 66 * k), line, crooked)
    return sheet


def invoice(rng: Rng) -> Canvas:
    """A business letter with a table of amounts."""
    sheet = Canvas(620, 800)
    sheet.paint(paper(620, 800, rng, (253, 253, 251)))
    sheet.box((48, 52, 92, 96), (210, 90, 40), 10)
    sheet.text((106, 75), "Larkspur Tools Ltd", Pen("bold", 32, INK, "lm"))
    sheet.text((48, 160), "INVOICE", Pen("heavy", 54, (210, 90, 40), "lm", tracking=3))
    sheet.text((572, 160), "No. 2024-0173", Pen("medium", 28, INK, "rm"))
    sheet.box((48, 222, 572, 268), (238, 226, 216))
    for x, anchor, name in ((60, "lm", "Item"), (380, "rm", "Qty"), (560, "rm", "Amount")):
        sheet.text((x, 246), name, Pen("bold", 26, INK, anchor))
    y = 300.0
    for name, quantity, amount in (
        ("Steel hammer", "4", "119.60"),
        ("Box of screws", "25", "62.50"),
        ("Folding ruler", "10", "84.00"),
        ("Delivery", "1", "12.90"),
    ):
        sheet.text((60, y), name, Pen("sans", 26, INK, "lm"))
        sheet.text((380, y), quantity, Pen("sans", 26, INK, "rm"))
        sheet.text((560, y), amount, Pen("sans", 26, INK, "rm"))
        sheet.box((48, y + 24, 572, y + 25), (206, 206, 206))
        y += 52
    sheet.text((270, y + 26), "Total", Pen("heavy", 34, INK, "lm"))
    sheet.text((560, y + 26), "€279.00", Pen("heavy", 34, INK, "rm"))
    sheet.text((48, 690), "Payable within 30 days", Pen("sans", 26, INK, "lm"))
    sheet.text((48, 740), "Thank you!", Pen("hand", 40, BLUE_INK, "lm"))
    sheet.text(
        (430, 640), "PAID", Pen("grotesk bold", 84, (190, 40, 44, 190), angle=-16, tracking=6)
    )
    return sheet


class Lying(TypedDict, total=False):
    """How a sheet lies on its table, and what lies beside it."""

    wood: Shade
    material: str
    angle: float
    zoom: float
    tilt: float
    at: Point
    beside: str


def on_table(sheet: Sheet, lying: Lying, rng: Rng) -> Canvas:
    """A sheet on a table, with something beside it."""
    canvas = table_top(rng, lying.get("wood", OAK), lying.get("material", "wood"))
    where = lying.get("at", (480.0, 360.0))
    zoom, tilt = lying.get("zoom", 1.0), lying.get("tilt", 0.0)
    lay(canvas, sheet(rng), Pose(where, lying.get("angle", 0.0), zoom, tilt))
    beside = lying.get("beside")
    if beside == "cup":
        cup(canvas, (830, 140), 78)
    elif beside == "pencil":
        pencil(canvas, (780, 650), (920, 250), (236, 180, 40))
    elif beside == "coins":
        coins(canvas, (150, 580), rng)
    elif beside == "cup left":
        cup(canvas, (120, 590), 84)
    return canvas


def _shot(
    name: str,
    sheet: Sheet,
    look: Look = DAYLIGHT,
    suffix: Suffix = "jpg",
    metadata: Metadata = UNDESCRIBED,
    orientation: int = 1,
    **lying: Unpack[Lying],
) -> Shot:
    draw = partial(on_table, sheet, lying)
    kind = "notes" if name.startswith("note") else "receipts and tickets"
    return Shot(name, kind, draw, look, suffix, metadata, orientation)


CAFE = partial(
    receipt,
    head=("CORNER CAFE", "17 Mill Lane", "Table 4"),
    items=(
        ("Flat white", "3.80"),
        ("Croissant", "2.90"),
        ("Orange juice", "4.20"),
        ("Carrot cake", "5.10"),
    ),
    total=("TOTAL", "$16.00"),
    foot=("card 4471", "THANK YOU"),
)
HARDWARE = partial(
    receipt,
    head=("Hammer & Nail", "hardware store"),
    items=(("Paint brush", "6.49"), ("Masking tape", "3.25"), ("Wall paint 5L", "38.90")),
    total=("Total EUR", "48.64"),
    foot=("Tax 19% 7.77", "order 0O15-B8", "please keep receipt"),
)
SUPERMARKET = partial(
    receipt,
    head=("GREEN BASKET", "Market Street 8"),
    items=(
        ("Bananas", "1.79"),
        ("Whole milk", "1.35"),
        ("Rye bread", "3.10"),
        ("Cheddar", "4.65"),
        ("Coffee beans", "8.99"),
    ),
    total=("SUM", "19.88"),
    foot=("cash 20.00", "change 0.12"),
)

SHOTS: tuple[Shot, ...] = (
    _shot(
        "receipt-cafe",
        CAFE,
        angle=-6,
        zoom=1.05,
        beside="cup",
        metadata=Metadata(taken_at=1709460000.0, keywords=("expenses",)),
    ),
    _shot(
        "receipt-hardware",
        HARDWARE,
        Look(dapple=0.3),
        angle=9,
        zoom=1.15,
        wood=SLATE,
        material="stone",
        beside="coins",
    ),
    _shot(
        "receipt-supermarket",
        SUPERMARKET,
        Look(light=0.62, warmth=0.7, noise=6, blur=0.6),
        angle=3,
        tilt=0.22,
        zoom=1.05,
        wood=WALNUT,
        beside="coins",
        orientation=6,
    ),
    _shot(
        "ticket-train",
        train_ticket,
        angle=-12,
        wood=LINEN,
        material="cloth",
        metadata=Metadata(
            title="Trip to Zurich", latitude=46.2044, longitude=6.1432, taken_at=1715680000.0
        ),
    ),
    _shot(
        "ticket-concert",
        concert_ticket,
        angle=8,
        zoom=1.05,
        wood=WALNUT,
        suffix="webp",
    ),
    _shot(
        "ticket-boarding",
        boarding_pass,
        Look(warmth=-0.3),
        angle=-4,
        tilt=0.15,
        zoom=1.05,
        at=(430, 450),
        wood=(120, 130, 140),
        material="cloth",
        beside="cup",
        metadata=Metadata(caption="Waiting for the flight home", persons=("Ada Fernwood",)),
    ),
    _shot(
        "ticket-parking",
        parking_ticket,
        Look(blur=0.9, noise=4),
        angle=17,
        zoom=1.1,
        wood=(60, 62, 66),
        material="stone",
        beside="coins",
    ),
    _shot(
        "invoice",
        invoice,
        angle=2,
        zoom=0.86,
        at=(470, 362),
        wood=OAK,
        beside="pencil",
    ),
    _shot(
        "note-shopping",
        partial(
            note,
            lines=(
                "shopping list",
                "eggs and butter",
                "12 lemons",
                "washing powder",
                "birthday card",
            ),
            color=(252, 240, 150),
        ),
        angle=-7,
        zoom=1.1,
        wood=OAK,
        beside="pencil",
    ),
    _shot(
        "note-call",
        partial(
            note,
            lines=("Call Marlow back!", "tel. 555 0142", "before Tuesday"),
            color=(250, 190, 206),
            ink=(60, 24, 70),
        ),
        angle=6,
        zoom=1.3,
        wood=SLATE,
        material="stone",
        beside="cup left",
        metadata=Metadata(persons=("Marlow Quince",)),
    ),
    _shot(
        "note-recipe",
        partial(
            note,
            lines=(
                "Pancakes",
                "250 g flour",
                "2 eggs, 1 pinch salt",
                "half a litre milk",
                "fry in butter",
            ),
            color=(252, 251, 244),
            ruled=True,
        ),
        Look(warmth=0.4, dapple=0.2),
        angle=-3,
        zoom=1.2,
        wood=PINE,
        beside="cup",
    ),
    _shot(
        "note-thanks",
        partial(
            note,
            lines=("Dear neighbours,", "your parcel is", "at number 14.", "Greetings, Jolanda"),
            color=(226, 238, 246),
            ink=(30, 30, 34),
        ),
        Look(light=0.8, noise=3),
        angle=11,
        zoom=1.15,
        wood=WALNUT,
        orientation=3,
    ),
)
