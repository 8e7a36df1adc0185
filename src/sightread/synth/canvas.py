"""A picture under construction that remembers where its words are.

Everything is measured in *units*, the pixels of the finished picture; inside, the canvas is
`SUPERSAMPLE` times as large, which smooths every edge. A canvas can be placed on another one
under a homography; the quads of its words go through the same homography, so that truth stays
exact however often things are nested. Effects that come later (`effects.develop`) never move
pixels.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from sightread.synth.fonts import Face, load_face
from sightread.synth.geometry import Box, Matrix, box_quad, map_quad, solve_homography
from sightread.types import Point, Quad, RGBImage

SUPERSAMPLE = 2

Color = tuple[int, int, int] | tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class Word:
    """A word that was drawn: its text and its tight quad, in units of the canvas."""

    text: str
    quad: Quad


@dataclass(frozen=True, slots=True)
class Pen:
    """How to write: face, size in units per em, and what happens around the letters.

    `anchor` is two letters: l, m, r for left, middle, right; t, m, s for the top of capitals,
    their middle, the baseline. `angle` is in degrees, clockwise. `tracking` is extra room
    between letters. `shadow` is an offset, `glow` the colour of a light around the letters.
    """

    face: Face = "sans"
    size: float = 24.0
    fill: Color = (20, 20, 20)
    anchor: str = "mm"
    angle: float = 0.0
    tracking: float = 0.0
    stroke: float = 0.0
    stroke_fill: Color = (0, 0, 0)
    shadow: Point | None = None
    shadow_fill: Color = (0, 0, 0, 150)
    glow: Color | None = None

    def font(self) -> ImageFont.FreeTypeFont:
        """The face at the size it has inside the canvas."""
        return load_face(self.face, self.size * SUPERSAMPLE)

    def width(self, text: str) -> float:
        """Advance of a line of text, in units."""
        return self.font().getlength(text) / SUPERSAMPLE + self.tracking * max(0, len(text) - 1)

    def fit(self, text: str, width: float) -> Pen:
        """This pen, smaller if need be, so that the text is at most `width` units long."""
        have = self.width(text)
        if have <= width:
            return self
        factor = width / have
        return replace(self, size=self.size * factor, tracking=self.tracking * factor)


@dataclass(slots=True)
class _Line:
    """A rendered line: its mask, where the mask's corner is from the baseline start, its words."""

    mask: Image.Image
    offset: Point
    words: list[tuple[str, Box]]


class Canvas:
    """A picture of `width` x `height` units, filled with one colour at first."""

    def __init__(self, width: int, height: int, fill: Color = (255, 255, 255)) -> None:
        self.width, self.height = width, height
        self.image = Image.new("RGB", (width * SUPERSAMPLE, height * SUPERSAMPLE), fill[:3])
        self.words: list[Word] = []
        self._draw = ImageDraw.Draw(self.image, "RGBA")

    # --- shapes ---------------------------------------------------------------------------

    def box(
        self,
        box: Box,
        fill: Color | None,
        radius: float = 0.0,
        outline: Color | None = None,
        line: float = 1.0,
    ) -> None:
        """A filled rectangle, with round corners and an outline if wanted."""
        x0, y0, x1, y1 = (round(v * SUPERSAMPLE) for v in box)
        if x1 <= x0 or y1 <= y0:
            return
        self._draw.rounded_rectangle(
            (x0, y0, x1 - 1, y1 - 1), radius * SUPERSAMPLE, fill, outline, round(line * SUPERSAMPLE)
        )

    def ellipse(
        self, box: Box, fill: Color | None, outline: Color | None = None, line: float = 1.0
    ) -> None:
        """A filled ellipse inside the box."""
        scaled = [v * SUPERSAMPLE for v in box]
        self._draw.ellipse(scaled, fill, outline, round(line * SUPERSAMPLE))

    def disc(self, center: Point, radius: float, fill: Color) -> None:
        """A filled circle."""
        x, y = center
        self.ellipse((x - radius, y - radius, x + radius, y + radius), fill)

    def polygon(self, points: Sequence[Point], fill: Color) -> None:
        """A filled polygon."""
        self._draw.polygon([(x * SUPERSAMPLE, y * SUPERSAMPLE) for x, y in points], fill)

    def line(self, points: Sequence[Point], fill: Color, line: float = 1.0) -> None:
        """An open line through the points, `line` units wide."""
        scaled = [(x * SUPERSAMPLE, y * SUPERSAMPLE) for x, y in points]
        self._draw.line(scaled, fill, max(1, round(line * SUPERSAMPLE)), joint="curve")

    def arc(self, box: Box, start: float, end: float, fill: Color, line: float = 1.0) -> None:
        """A part of an ellipse's outline, angles in degrees clockwise from three o'clock."""
        scaled = [v * SUPERSAMPLE for v in box]
        self._draw.arc(scaled, start, end, fill, max(1, round(line * SUPERSAMPLE)))

    def paint(self, texture: RGBImage, box: Box | None = None) -> None:
        """Cover a box (default: everything) with a texture, stretched to fit."""
        x0, y0, x1, y1 = self._pixels(box)
        patch = Image.fromarray(texture).resize((x1 - x0, y1 - y0), Image.Resampling.BILINEAR)
        self.image.paste(patch, (x0, y0))

    def glaze(self, color: Color, mask: NDArray[np.float32], box: Box | None = None) -> None:
        """Lay a colour over a box; the mask, 0 to 1, of any size, says how densely."""
        x0, y0, x1, y1 = self._pixels(box)
        alpha = Image.fromarray((np.clip(mask, 0, 1) * 255).astype(np.uint8))
        alpha = alpha.resize((x1 - x0, y1 - y0), Image.Resampling.BILINEAR)
        self.image.paste(color[:3], (x0, y0), alpha)

    def shadow(self, quad: Sequence[Point], blur: float = 8.0, strength: float = 0.45) -> None:
        """A soft dark patch of the form of a polygon."""
        margin = blur * 3
        xs, ys = [p[0] for p in quad], [p[1] for p in quad]
        box = (min(xs) - margin, min(ys) - margin, max(xs) + margin, max(ys) + margin)
        x0, y0 = math.floor(box[0]), math.floor(box[1])
        size = (math.ceil(box[2]) - x0, math.ceil(box[3]) - y0)
        mask = Image.new("L", size)
        ImageDraw.Draw(mask).polygon([(x - x0, y - y0) for x, y in quad], round(255 * strength))
        mask = mask.filter(ImageFilter.GaussianBlur(blur))
        mask = mask.resize((size[0] * SUPERSAMPLE, size[1] * SUPERSAMPLE))
        self.image.paste((0, 0, 0), (x0 * SUPERSAMPLE, y0 * SUPERSAMPLE), mask)

    def soften(self, blur: float) -> None:
        """Put all that is drawn so far out of focus, by a radius in units."""
        factor = SUPERSAMPLE * (2 if blur >= 3 else 1)  # fine detail would not survive anyway
        small = self.image.reduce(factor)
        small = small.filter(ImageFilter.GaussianBlur(blur * SUPERSAMPLE / factor))
        self.image = small.resize(self.image.size, Image.Resampling.BILINEAR)
        self._draw = ImageDraw.Draw(self.image, "RGBA")

    # --- words ----------------------------------------------------------------------------

    def text(self, at: Point, text: str, pen: Pen, *, truth: bool = True) -> None:
        """Write one line at a point and record its words (unless `truth` is off)."""
        line = _render_line(text, pen)
        matrix = _placement(at, text, pen)
        left, top = line.offset
        to_canvas = matrix @ _shifted(left, top)
        if pen.glow is not None:
            self._glow(line, matrix, pen.glow, pen.size)
        if pen.shadow is not None:
            dx, dy = (v * SUPERSAMPLE for v in pen.shadow)
            shifted = _shifted(dx, dy) @ to_canvas
            self._lay(pen.shadow_fill, line.mask, shifted)
        if pen.stroke:
            thick = _render_line(text, pen, stroke=pen.stroke)
            left, top = thick.offset
            offset = matrix @ _shifted(left, top)
            self._lay(pen.stroke_fill, thick.mask, offset)
        self._lay(pen.fill, line.mask, to_canvas)
        if truth:
            to_units = np.diag([1 / SUPERSAMPLE, 1 / SUPERSAMPLE, 1.0]) @ matrix
            for word, box in line.words:
                self.words.append(Word(word, map_quad(to_units, box_quad(box))))

    def lines(self, at: Point, texts: Sequence[str], pen: Pen, leading: float = 1.35) -> float:
        """Write lines below each other; returns the y of the line that would come next."""
        x, y = at
        for text in texts:
            if text:
                self.text((x, y), text, pen)
            y += pen.size * leading
        return y

    def place(
        self,
        other: Canvas,
        quad: Sequence[Point],
        *,
        mask: NDArray[np.uint8] | None = None,
        shadow: float = 0.0,
    ) -> None:
        """Put another canvas here so that its corners come to lie on `quad`.

        `mask` (any size, 255 where it is solid) cuts a form out of it; `shadow` is the blur of
        the shadow it throws, in units.
        """
        if shadow:
            self.shadow([(x + shadow * 0.6, y + shadow) for x, y in quad], shadow)
        corners = box_quad((0.0, 0.0, float(other.width), float(other.height)))
        matrix = solve_homography(corners, quad)
        scale = np.diag([SUPERSAMPLE, SUPERSAMPLE, 1.0])
        solid = Image.new("L", other.image.size, 255)
        if mask is not None:
            solid = Image.fromarray(mask).resize(other.image.size, Image.Resampling.BILINEAR)
        self._lay(other.image, solid, scale @ matrix @ np.linalg.inv(scale))
        for word in other.words:
            self.words.append(Word(word.text, map_quad(matrix, word.quad)))

    def finish(self) -> RGBImage:
        """The picture at its final size, (H, W, 3)."""
        return np.asarray(self.image.reduce(SUPERSAMPLE))

    # --- inside ---------------------------------------------------------------------------

    def _pixels(self, box: Box | None) -> tuple[int, int, int, int]:
        x0, y0, x1, y1 = box or (0.0, 0.0, float(self.width), float(self.height))
        left, top = round(x0 * SUPERSAMPLE), round(y0 * SUPERSAMPLE)
        return (
            left,
            top,
            max(left + 1, round(x1 * SUPERSAMPLE)),
            max(top + 1, round(y1 * SUPERSAMPLE)),
        )

    def _glow(self, line: _Line, matrix: Matrix, color: Color, size: float) -> None:
        blur = size * SUPERSAMPLE * 0.22
        pad = math.ceil(blur * 2.5)
        wide = Image.new("L", (line.mask.width + 2 * pad, line.mask.height + 2 * pad))
        wide.paste(line.mask, (pad, pad))
        wide = wide.filter(ImageFilter.GaussianBlur(blur)).point(lambda v: min(255, v * 1.5))
        left, top = line.offset[0] - pad, line.offset[1] - pad
        self._lay(color, wide, matrix @ _shifted(left, top))

    def _lay(self, what: Image.Image | Color, mask: Image.Image, matrix: Matrix) -> None:
        """Composite a colour or picture through a mask that lies under `matrix`."""
        if np.allclose(matrix[:, :2], np.eye(3)[:, :2]):
            at = (round(matrix[0, 2]), round(matrix[1, 2]))
            self._paste(what, mask, at)
            return
        import cv2  # only rotated and foreshortened things need it

        quad = map_quad(matrix, box_quad((0.0, 0.0, float(mask.width), float(mask.height))))
        x0 = max(0, math.floor(min(p[0] for p in quad)) - 1)
        y0 = max(0, math.floor(min(p[1] for p in quad)) - 1)
        x1 = min(self.image.width, math.ceil(max(p[0] for p in quad)) + 1)
        y1 = min(self.image.height, math.ceil(max(p[1] for p in quad)) + 1)
        if x1 <= x0 or y1 <= y0:
            return
        shift = _shifted(-x0, -y0) @ matrix
        size = (x1 - x0, y1 - y0)
        warped = cv2.warpPerspective(np.asarray(mask), shift, size, flags=cv2.INTER_LINEAR)
        if isinstance(what, Image.Image):
            pixels = cv2.warpPerspective(
                np.asarray(what),
                shift,
                size,
                flags=cv2.INTER_LINEAR,
                borderMode=cv2.BORDER_REPLICATE,
            )
            what = Image.fromarray(pixels)
        self._paste(what, Image.fromarray(warped), (x0, y0))

    def _paste(self, what: Image.Image | Color, mask: Image.Image, at: tuple[int, int]) -> None:
        if isinstance(what, Image.Image):
            self.image.paste(what, at, mask)
            return
        if len(what) == 4:
            alpha = what[3] / 255
            mask = mask.point(lambda v: v * alpha)
        self.image.paste(what[:3], at, mask)


def _shifted(dx: float, dy: float) -> Matrix:
    return np.array([[1, 0, dx], [0, 1, dy], [0, 0, 1.0]])


def _placement(at: Point, text: str, pen: Pen) -> Matrix:
    """From the frame of the line (baseline start, inner pixels) to the inner pixels."""
    length = pen.width(text) * SUPERSAMPLE
    cap = -pen.font().getbbox("H", anchor="ls")[1]
    dx = {"l": 0.0, "m": -length / 2, "r": -length}[pen.anchor[0]]
    dy = {"s": 0.0, "m": cap / 2, "t": float(cap)}[pen.anchor[1]]
    cos, sin = math.cos(math.radians(pen.angle)), math.sin(math.radians(pen.angle))
    x, y = at[0] * SUPERSAMPLE, at[1] * SUPERSAMPLE
    turn = np.array([[cos, -sin, x], [sin, cos, y], [0, 0, 1.0]])
    return turn @ _shifted(dx, dy)


def _render_line(text: str, pen: Pen, stroke: float = 0.0) -> _Line:
    font = pen.font()
    thick = round(stroke * SUPERSAMPLE)
    pad = thick + 4
    pieces = _pieces(text, 0, pen, font)
    boxes = [_shift(font.getbbox(piece, anchor="ls"), x) for piece, x in pieces]
    left = math.floor(min(box[0] for box in boxes)) - pad
    top = math.floor(min(box[1] for box in boxes)) - pad
    width = math.ceil(max(box[2] for box in boxes)) + pad - left
    height = math.ceil(max(box[3] for box in boxes)) + pad - top
    mask = Image.new("L", (width, height))
    draw = ImageDraw.Draw(mask)
    for piece, x in pieces:
        draw.text((x - left, -top), piece, 255, font, anchor="ls", stroke_width=thick)
    return _Line(mask, (float(left), float(top)), _word_boxes(text, pen, font))


def _pieces(
    text: str, start: int, pen: Pen, font: ImageFont.FreeTypeFont, stop: int | None = None
) -> list[tuple[str, float]]:
    """What is drawn in one go, and how far from the start of the line: all, or each letter."""
    if not pen.tracking:
        return [(text[start:stop], font.getlength(text[:start]))]
    step = pen.tracking * SUPERSAMPLE
    places = range(start, len(text) if stop is None else stop)
    return [(text[i], font.getlength(text[:i]) + step * i) for i in places]


def _word_boxes(text: str, pen: Pen, font: ImageFont.FreeTypeFont) -> list[tuple[str, Box]]:
    found: list[tuple[str, Box]] = []
    start = 0
    for word in text.split():
        start = text.index(word, start)
        boxes = []
        for piece, x in _pieces(text, start, pen, font, start + len(word)):
            # The advance box that `getbbox` gives is wider than the ink.
            mask, (dx, dy) = font.getmask2(piece, "L", anchor="ls")
            ink = mask.getbbox()
            if ink is not None:
                boxes.append(_shift(ink, x + dx, dy))
        if boxes:
            x0s, y0s, x1s, y1s = zip(*boxes, strict=True)
            found.append((word, (min(x0s), min(y0s), max(x1s), max(y1s))))
        start += len(word)
    return found


def _shift(box: tuple[float, float, float, float], dx: float, dy: float = 0.0) -> Box:
    return (box[0] + dx, box[1] + dy, box[2] + dx, box[3] + dy)
