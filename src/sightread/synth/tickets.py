"""Tickets as sheets of paper: train, concert, flight, parking."""

from __future__ import annotations

from sightread.synth.canvas import Canvas, Color, Pen
from sightread.synth.props import Rng, matrix_code
from sightread.synth.surfaces import gradient, paper

INK: Color = (34, 34, 38)


def train_ticket(rng: Rng) -> Canvas:
    """A train ticket with a stub."""
    sheet = Canvas(640, 290)
    sheet.paint(paper(640, 290, rng, (246, 226, 190)))
    sheet.box((0, 0, 640, 62), (176, 40, 50))
    white: Color = (255, 252, 244)
    sheet.text((24, 32), "RAILWAY TICKET", Pen("heavy", 34, white, "lm"))
    sheet.text((616, 32), "2nd class", Pen("medium", 28, white, "rm"))
    for x, name, value in ((24, "From", "Geneva"), (250, "To", "Zürich")):
        sheet.text((x, 92), name, Pen("sans", 20, (110, 90, 70), "lm"))
        sheet.text((x, 132), value, Pen("bold", 46, INK, "lm"))
    sheet.text((24, 196), "14 May 2024", Pen("bold", 30, INK, "lm"))
    sheet.text((250, 196), "Seat 61A", Pen("bold", 30, INK, "lm"))
    sheet.text((24, 250), "CHF 84.00", Pen("heavy", 36, INK, "lm"))
    matrix_code(sheet, (480, 90, 616, 226), rng)
    sheet.text((548, 252), "7742-0915", Pen("medium", 25, INK))
    for y in range(70, 290, 16):
        sheet.disc((460, y), 2.4, (150, 120, 90))
    return sheet


def concert_ticket(_: Rng) -> Canvas:
    """A concert ticket with a turned stub."""
    sheet = Canvas(680, 270)
    sheet.paint(gradient(2, 32, (52, 28, 92), (150, 40, 110), (240, 120, 70)))
    gold: Color = (255, 224, 150)
    sheet.text((36, 54), "ADMIT ONE", Pen("bold", 28, gold, "lm", tracking=5))
    sheet.text(
        (36, 124),
        "Velvet Comets",
        Pen("round", 62, (255, 255, 255), "lm").fit("Velvet Comets", 470),
    )
    sheet.text((36, 188), "Lakeside Arena", Pen("medium", 32, (255, 244, 230), "lm"))
    sheet.text((36, 232), "Fri 21 June 20:30", Pen("medium", 28, (255, 244, 230), "lm"))
    for y in range(6, 270, 16):
        sheet.disc((548, y), 2.6, (255, 230, 210))
    sheet.text((588, 135), "ROW F", Pen("heavy", 40, gold, angle=-90))
    sheet.text((642, 135), "SEAT 118", Pen("medium", 30, (255, 255, 255), angle=-90))
    return sheet


def boarding_pass(rng: Rng) -> Canvas:
    """A boarding pass with a large gate."""
    sheet = Canvas(700, 300)
    sheet.paint(paper(700, 300, rng, (250, 252, 253)))
    sheet.box((0, 0, 700, 58), (20, 90, 140))
    sheet.text((28, 30), "BOARDING PASS", Pen("heavy", 32, (255, 255, 255), "lm", tracking=2))
    sheet.text((672, 30), "Skylark Air", Pen("serif italic", 30, (255, 255, 255), "rm"))
    sheet.text((28, 84), "Passenger", Pen("sans", 20, (110, 120, 130), "lm"))
    sheet.text((28, 116), "FERNWOOD / ADA", Pen("bold", 32, INK, "lm"))
    sheet.text((28, 186), "OSL", Pen("heavy", 72, INK, "lm"))
    sheet.line([(216, 188), (300, 188)], (20, 90, 140), 5)
    sheet.polygon([(300, 172), (328, 188), (300, 204)], (20, 90, 140))
    sheet.text((350, 186), "LHR", Pen("heavy", 72, INK, "lm"))
    for x, name, value in ((28, "Flight", "SK 4107"), (226, "Gate", "B12"), (372, "Seat", "23C")):
        sheet.text((x, 240), name, Pen("sans", 20, (110, 120, 130), "lm"))
        sheet.text((x, 270), value, Pen("bold", 32, INK, "lm"))
    matrix_code(sheet, (530, 90, 672, 232), rng)
    return sheet


def parking_ticket(rng: Rng) -> Canvas:
    """A yellow parking voucher."""
    sheet = Canvas(360, 470)
    sheet.paint(paper(360, 470, rng, (252, 232, 130), 1))
    sheet.text((180, 56), "P", Pen("heavy", 84, (24, 70, 150)))
    for y, line, size in (
        (130, "PARKING", 46),
        (184, "valid until", 30),
        (250, "16:45", 84),
        (326, "03.09.2023", 38),
    ):
        sheet.text((180, y), line, Pen("grotesk bold" if size > 35 else "grotesk", size, INK))
    sheet.text((180, 386), "paid $3.20", Pen("grotesk bold", 36, INK))
    sheet.text((180, 434), "No. 000481937", Pen("grotesk", 27, INK))
    return sheet
