"""Codes: licence plates, shipping containers, warehouse labels, a machine's name plate."""

from __future__ import annotations

from functools import partial

from sightread.synth.canvas import Canvas, Color, Pen
from sightread.synth.effects import Look
from sightread.synth.geometry import box_quad, turned_quad
from sightread.synth.places import PINE, Pose, crumple, lay, table_top
from sightread.synth.props import (
    Rng,
    barcode,
    glow_spot,
    matrix_code,
    screws,
    shade,
    sheet_shadow,
    skyline,
)
from sightread.synth.shot import Shot
from sightread.synth.surfaces import Shade, asphalt, corrugated, gradient, paper, plaster, ramp, sky
from sightread.types import Metadata

INK: Color = (24, 26, 30)
WHITE: Color = (248, 248, 244)


def rear_of_car(plate: str, color: Shade, band: tuple[str, Color], frame: str, rng: Rng) -> Canvas:
    """The back of a parked car with its plate in the middle."""
    canvas = Canvas(960, 680)
    canvas.paint(sky(320, 100, rng, ((140, 170, 200), (214, 222, 226)), 0.6), (0, 0, 960, 300))
    skyline(canvas, 300, rng, (150, 146, 142))
    canvas.paint(asphalt(960, 380, rng, (118, 118, 122)), (0, 300, 960, 680))
    canvas.soften(4)
    dark = shade(color, 0.6)
    canvas.shadow([(110, 590), (850, 590), (890, 650), (70, 650)], 16, 0.7)
    for x in (150, 700):
        canvas.box((x, 520, x + 110, 644), (26, 26, 28), 20)
    canvas.polygon([(230, 60), (730, 60), (830, 280), (130, 280)], dark)
    glass = [(262, 84), (698, 84), (772, 262), (188, 262)]
    canvas.polygon(glass, (52, 64, 76))
    canvas.polygon([(300, 84), (430, 84), (340, 262), (200, 262)], (255, 255, 255, 36))
    body = Canvas(780, 330)
    body.paint(gradient(2, 64, shade(color, 1.2)[:3], color, dark[:3]))
    body.box((0, 150, 780, 153), dark)
    body.box((0, 250, 780, 330), (44, 46, 50), 14)
    canvas.place(body, ((112, 270), (848, 270), (862, 600), (98, 600)))
    for x in (122, 718):
        canvas.box((x, 296, x + 120, 366), (150, 24, 28), 12)
        canvas.box((x + 12, 308, x + 108, 330), (226, 70, 60), 8)
        canvas.box((x + 40, 338, x + 80, 356), (250, 210, 130), 5)
    sign = Canvas(470, 112, WHITE)
    sign.box((3, 3, 467, 109), None, 8, INK, 3)
    sign.box((3, 3, 54, 109), band[1], 8)
    sign.text((28, 84), band[0], Pen("bold", 26, WHITE))
    sign.text((264, 57), plate, Pen("grotesk bold", 82, INK, tracking=3).fit(plate, 390))
    holder = Canvas(500, 156, (22, 22, 24))
    holder.text((250, 139), frame, Pen("medium", 21, (226, 226, 226)))
    canvas.place(holder, ((232, 390), (728, 390), (728, 546), (232, 546)), shadow=5)
    canvas.place(sign, ((246, 400), (714, 400), (714, 510), (246, 510)))
    return canvas


def container(
    number: str, size_code: str, color: Shade, owner: str, rng: Rng, lean: float = 0.0
) -> Canvas:
    """The doors of a shipping container on a quay, others stacked behind."""
    canvas = Canvas(1040, 760)
    canvas.paint(sky(520, 260, rng, ((120, 160, 206), (224, 228, 228)), 0.5), (0, 0, 1040, 540))
    for row in range(3):
        for column in range(5):
            r, g, b = (int(v) for v in rng.integers(70, 190, 3))
            x, y = column * 212.0 - 8, 40 + row * 190.0
            canvas.paint(corrugated(210, 186, rng, (r, g, b), 16), (x, y, x + 208, y + 184))
    canvas.paint(asphalt(1040, 190, rng, (124, 122, 118)), (0, 600, 1040, 760))
    canvas.soften(3)
    face = Canvas(700, 560)
    face.paint(corrugated(700, 560, rng, color, 40))
    for x in (0, 346, 680):
        face.box((x, 0, x + 20, 560), shade(color, 0.7))
    face.box((0, 0, 700, 18), shade(color, 0.8))
    face.box((0, 542, 700, 560), shade(color, 0.6))
    for x in (120, 250, 450, 590):
        face.box((x - 5, 10, x + 5, 550), (170, 172, 174))
        face.glaze((0, 0, 0), ramp((0, 0), (1, 0.5)), (x - 5, 10, x + 5, 550))
        face.box((x - 16, 330, x + 16, 356), (120, 122, 126), 4)
    ink = Pen("grotesk bold", 50, WHITE, shadow=(1, 2))
    face.text((530, 92), number, Pen(ink.face, 50, WHITE, shadow=(1, 2)).fit(number, 290))
    face.text((530, 160), size_code, Pen(ink.face, 46, WHITE, shadow=(1, 2)))
    face.lines((530, 430), ("MAX GROSS", "30.480 KGS"), Pen("grotesk bold", 30, WHITE))
    face.text((185, 120), owner, Pen("heavy", 56, WHITE, shadow=(1, 2)).fit(owner, 290))
    squeeze = 90 * lean
    canvas.shadow([(150, 660), (900, 660), (930, 720), (120, 720)], 16, 0.6)
    canvas.place(face, ((160, 110), (880, 110 + squeeze), (880, 690 - squeeze), (160, 690)))
    return canvas


def parcel(rng: Rng) -> Canvas:
    """A cardboard box from above with a shipping label."""
    canvas = table_top(rng, (120, 122, 126), "stone", (900, 720))
    box = Canvas(720, 560)
    box.paint(paper(720, 560, rng, (196, 154, 106), 4))
    box.box((0, 236, 720, 318), (214, 178, 128, 190))
    box.box((0, 236, 720, 238), (150, 112, 70, 160))
    sticker = Canvas(400, 300, (252, 252, 250))
    sticker.text((20, 40), "SHIP TO:", Pen("bold", 26, INK, "lm"))
    sticker.lines(
        (20, 84),
        ("Imogen Vantreight", "Rosenweg 27", "8004 Zürich"),
        Pen("grotesk", 33, INK, "lm"),
        1.2,
    )
    barcode(sticker, (16, 190, 300, 250), rng)
    sticker.text((20, 274), "1Z999AA10123456784", Pen("grotesk", 30, INK, "lm"))
    matrix_code(sticker, (304, 20, 386, 102), rng)
    box.place(sticker, turned_quad((262, 200), (400, 300), 3), shadow=4)
    box.text((560, 440), "FRAGILE", Pen("heavy", 62, (190, 36, 36), angle=-8))
    box.text((560, 500), "this side up", Pen("bold", 34, (190, 36, 36), angle=-8))
    crumple(box, rng, 0.14)
    lay(canvas, box, Pose((450, 360), 8, 1.0), shadow=22)
    return canvas


def rack(rng: Rng) -> Canvas:
    """A warehouse rack with location labels and bins."""
    canvas = Canvas(1000, 700)
    canvas.paint(gradient(2, 32, (66, 72, 80), (40, 44, 50)))
    for i in range(3):
        glow_spot(canvas, (170 + 330 * i, 10), 260, (255, 250, 226), 0.35)
    labels = (("RE-16A", "RE-16B", "RE-17A"), ("RF-O1C", "RF-01C", "RF-02C"))
    for level, names in enumerate(labels):
        y = 300 + 300 * level
        for slot in range(len(names)):
            x = 60 + 310 * slot
            r, g, b = (int(v) for v in rng.integers(90, 200, 3))
            box = Canvas(230, 180)
            box.paint(paper(230, 180, rng, (r, (g + r) // 2, b // 2 + r // 3), 2))
            box.box((0, 78, 230, 104), (226, 196, 150, 150))
            canvas.place(box, box_quad((x + 20, y - 186, x + 250, y - 6)), shadow=8)
        canvas.box((0, y - 6, 1000, y + 64), (236, 116, 32))
        canvas.glaze((0, 0, 0), ramp((0, 0), (1, 0.3), across=False), (0, y - 6, 1000, y + 64))
        for slot, name in enumerate(names):
            x = 60 + 310 * slot
            canvas.box((x + 30, y + 2, x + 240, y + 56), (252, 250, 236), 4)
            canvas.text((x + 135, y + 29), name, Pen("grotesk bold", 46, INK))
    for x in (20, 340, 652, 966):
        canvas.box((x - 14, 0, x + 14, 700), (28, 70, 140))
        for k in range(14):
            canvas.box((x - 4, 20 + 50 * k, x + 4, 34 + 50 * k), (14, 40, 90), 3)
    return canvas


def long_number(rng: Rng) -> Canvas:
    """A pallet label with numbers of forty digits."""
    canvas = table_top(rng, PINE, size=(1000, 640))
    sheet = Canvas(860, 460, (253, 253, 250))
    sheet.box((14, 14, 846, 446), None, 4, INK, 3)
    sheet.text((40, 64), "PALLET 7 / 12", Pen("heavy", 52, INK, "lm"))
    sheet.text((820, 64), "LOT RE-16A-0042", Pen("bold", 32, INK, "rm"))
    barcode(sheet, (40, 112, 820, 216), rng)
    number = "4006381333931020004713000000825190347612"
    sheet.text((430, 248), number, Pen("grotesk bold", 34, INK).fit(number, 780))
    sheet.text((40, 314), "GROSS 418.5 KG", Pen("bold", 40, INK, "lm"))
    sheet.text((820, 314), "BEST BEFORE 2025-11-30", Pen("bold", 30, INK, "rm"))
    sheet.text((40, 392), "SSCC 00340123450000000018", Pen("grotesk", 40, INK, "lm"))
    crumple(sheet, rng, 0.12)
    lay(canvas, sheet, Pose((500, 320), -4, 1.0, 0.05))
    return canvas


def name_plate(rng: Rng) -> Canvas:
    """The riveted plate of a pump with serial numbers."""
    canvas = Canvas(860, 660)
    canvas.paint(plaster(860, 660, rng, (70, 110, 96), 0.35))
    glow_spot(canvas, (250, 120), 420, (220, 240, 230), 0.35)
    plate = Canvas(600, 400)
    plate.paint(plaster(600, 400, rng, (190, 194, 198), 0.2))
    plate.glaze((255, 255, 255), ramp((0, 0), (0.35, 0.5), (0.6, 0), (1, 0.2)))
    plate.box((10, 10, 590, 390), None, 10, (60, 64, 70), 3)
    plate.text((300, 62), "HYDROPUMP", Pen("heavy", 58, INK, tracking=4))
    plate.box((30, 102, 570, 105), (60, 64, 70))
    for row, (name, value) in enumerate(
        (("TYPE", "HP-8800/3"), ("SERIAL", "B0O8-11I1-Z2"), ("POWER", "5.5 kW"), ("YEAR", "1998"))
    ):
        plate.text((50, 150 + 62 * row), name, Pen("medium", 34, INK, "lm"))
        plate.text((230, 150 + 62 * row), value, Pen("grotesk bold", 44, INK, "lm"))
        plate.box((224, 176 + 62 * row, 560, 178 + 62 * row), (120, 124, 130))
    sheet_shadow(canvas, (130, 130, 730, 530), 9)
    quad = ((130, 140), (726, 122), (738, 528), (136, 540))
    canvas.place(plate, quad)
    screws(canvas, [(156, 168), (702, 150), (712, 500), (160, 514)], 9)
    return canvas


SHOTS: tuple[Shot, ...] = (
    Shot(
        "plate-blue-car",
        "codes",
        partial(rear_of_car, "ZH·40 817", (44, 84, 140), ("CH", (200, 30, 40)), "Garage Tannenhof"),
    ),
    Shot(
        "plate-red-car",
        "codes",
        partial(rear_of_car, "K0B 8O5", (160, 34, 38), ("X", (24, 60, 150)), "drive safely"),
        Look(light=0.6, noise=6, blur=0.7),
    ),
    Shot(
        "plate-green-car",
        "codes",
        partial(rear_of_car, "TAXI 52", (40, 104, 70), ("T", (24, 60, 150)), "call 555 0199"),
        Look(warmth=0.3, shake=3),
        metadata=Metadata(taken_at=1711900000.0, keywords=("taxi", "car")),
    ),
    Shot(
        "container-blue",
        "codes",
        partial(container, "MRSU 417290 3", "45G1", (40, 92, 150), "NORDLINE", lean=0.6),
    ),
    Shot(
        "container-red",
        "codes",
        partial(container, "TQLU 880015 6", "22G1", (150, 54, 40), "PACIFICA"),
        Look(haze=0.2),
        metadata=Metadata(latitude=53.5461, longitude=9.9661),
    ),
    Shot("label-parcel", "codes", parcel, Look(dapple=0.15)),
    Shot("label-rack", "codes", rack, Look(noise=5, light=0.9)),
    Shot("label-pallet", "codes", long_number),
    Shot("label-pump", "codes", name_plate, Look(warmth=-0.2, vignette=0.35)),
)
