"""Laying a word or a thing into the pixels of a scene, in a colour that stands out."""

from __future__ import annotations

import math
from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from sightread.synth.colours import NAMES, Rgb, luma, readable_names, readable_on, shade
from sightread.synth.geometry import Box
from sightread.synth.layout import PlacedObject, PlacedWord, outline
from sightread.synth.lettering import FINE_PX, Lettering
from sightread.synth.plans import DrawnObject, SceneSettings, WrittenWord
from sightread.synth.plates import PLATES
from sightread.synth.things import OBJECTS, Fill
from sightread.synth.typefaces import Mask
from sightread.synth.warp import Points, Warp, inverse
from sightread.types import Point, RGBImage

Rng = np.random.Generator
Alpha = NDArray[np.float32]
"""(h, w) of a region: 1 is covered."""
Window = tuple[int, int, int, int]
"""x0, y0, x1, y1: pixels from x0 up to x1, which is not part of it."""
_SUB = 16  # polygons are drawn with 4 binary digits after the point


def paint_word(
    pixels: RGBImage, placed: PlacedWord, settings: SceneSettings, rng: Rng
) -> list[WrittenWord]:
    """Write a word or phrase; returns its words as they came out."""
    ink, on, on_colour = _choose_colours(pixels, placed, settings, rng)
    if on:
        _paint_plate(pixels, placed, on, on_colour, ink, rng)
    words = written(placed, ink, on, on_colour)
    window = _window(words, 2 + 0.1 * placed.lettering.height_px, pixels.shape)
    alpha = coverage(placed.lettering, placed.warp, window)
    colour = shade(ink, rng)
    size = placed.lettering.height_px
    if size >= 10:
        dark = luma(colour) < 128
        if rng.random() < settings.shadows and not dark:
            shift = max(1, round(size * 0.07))
            shadow = np.roll(alpha, (shift, shift), (0, 1)) * np.float32(0.6)
            _blend(pixels, window, shadow, (0, 0, 0))
        if rng.random() < settings.outlines:
            width = max(1, round(size * 0.06))
            kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * width + 1,) * 2)
            _blend(pixels, window, cv2.dilate(alpha, kernel), (245,) * 3 if dark else (16,) * 3)
    _blend(pixels, window, alpha, colour)
    return words


def written(
    placed: PlacedWord, colour: str, on: str = "", on_colour: str = ""
) -> list[WrittenWord]:
    """The truth about a piece of writing: its words with their exact outlines."""
    segments = 1 if placed.warp.bend.kind == "flat" else 16
    text = placed.lettering
    found = []
    for word, box, foot in zip(text.words, text.boxes(), text.feet(), strict=True):
        middle = (box[0] + box[2]) / 2
        upright = np.array([[middle, foot], [middle, foot - text.height_px]])
        points = placed.warp.forward(np.concatenate([outline(box, segments), upright]))
        rim, height = _points(points[:-2]), math.dist(points[-2], points[-1])
        found.append(WrittenWord(word, rim, colour, height, placed.phrase, on, on_colour))
    return found


def paint_object(pixels: RGBImage, placed: PlacedObject, rng: Rng) -> DrawnObject:
    """Draw a thing, on a card of another colour where it would not stand out."""
    low, high = _lumas(pixels, placed.bounds)
    name = placed.plan.colour
    if name is None:
        names = readable_names(low, high) or NAMES
        name = names[int(rng.integers(len(names)))]
    if not readable_on(name, low, high):
        own = luma(shade(name, rng, 0.0))
        cards = readable_names(own, own)
        card = shade(cards[int(rng.integers(len(cards)))], rng)
        x0, y0, x1, y1 = placed.bounds
        _fill(pixels, np.array([(x0, y0), (x1, y0), (x1, y1), (x0, y1)]), card)
    main = shade(name, rng)
    thing = OBJECTS[placed.plan.name]
    corners = placed.warp.forward(thing.corners)
    for start, end, fill in zip((0, *thing.ends), thing.ends, thing.fills, strict=False):
        _fill(pixels, corners[start:end], tone(main, fill))
    hull = cv2.convexHull(corners.astype(np.float32))[:, 0]
    return DrawnObject(placed.plan.name, name, _points(hull))


def coverage(lettering: Lettering, warp: Warp, window: Window) -> Alpha:
    """How much of each pixel of a window is covered by ink."""
    x0, y0, x1, y1 = window
    fine = 2 if lettering.height_px < FINE_PX else 1
    mask, scale, origin = _reduced(lettering, 1.5 * fine)
    size = ((x1 - x0) * fine, (y1 - y0) * fine)
    # OpenCV counts from the middle of the first pixel, boxes and windows from its edge.
    to_mask = np.array([[scale, 0, origin[0] - 0.5], [0, scale, origin[1] - 0.5], [0, 0, 1.0]])
    start = (x0 + 0.5 / fine, y0 + 0.5 / fine)
    if warp.bend.kind == "flat":
        to_picture = np.array([[1 / fine, 0, start[0]], [0, 1 / fine, start[1]], [0, 0, 1.0]])
        matrix = to_mask @ inverse(warp.plane) @ to_picture
        how = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        covered = cv2.warpPerspective(mask, matrix, size, flags=how)
    else:
        xs = start[0] + np.arange(size[0], dtype=np.float32) / fine
        ys = start[1] + np.arange(size[1], dtype=np.float32) / fine
        u, v = warp.backward(xs[None, :], ys[:, None])
        columns = (u * scale + (origin[0] - 0.5)).astype(np.float32)
        rows = (v * scale + (origin[1] - 0.5)).astype(np.float32)
        covered = cv2.remap(mask, columns, rows, cv2.INTER_LINEAR)
    if fine > 1:
        covered = cv2.resize(covered, (x1 - x0, y1 - y0), interpolation=cv2.INTER_AREA)
    alpha: Alpha = covered.astype(np.float32) * np.float32(1 / 255)
    return alpha


def _reduced(lettering: Lettering, most: float) -> tuple[Mask, float, Point]:
    """Mask, scale and origin with at most about `most` pixels per local unit, so that fetching
    single pixels of it misses none."""
    step = int(lettering.scale / most)
    if step < 2:
        return lettering.mask, lettering.scale, lettering.origin
    height, width = (-(-side // step) for side in lettering.mask.shape)
    whole = np.zeros((height * step, width * step), np.uint8)
    whole[: lettering.mask.shape[0], : lettering.mask.shape[1]] = lettering.mask
    mask = cv2.resize(whole, (width, height), interpolation=cv2.INTER_AREA)
    x, y = lettering.origin
    return mask, lettering.scale / step, (x / step, y / step)


def _choose_colours(
    pixels: RGBImage, placed: PlacedWord, settings: SceneSettings, rng: Rng
) -> tuple[str, str, str]:
    """Colour of the ink, what it stands on ("" for the ground), and the colour of that."""
    low, high = _lumas(pixels, placed.bounds)
    ink = placed.plan.colour
    fits = readable_names(low, high)
    plain = (ink in fits) if ink else bool(fits)
    if plain and rng.random() >= settings.plates:
        return ink or fits[int(rng.integers(len(fits)))], "", ""
    if ink is None:
        ink = NAMES[int(rng.integers(len(NAMES)))]
    own = luma(shade(ink, rng, 0.0))
    cards = readable_names(own, own)
    kind = [*PLATES][int(rng.integers(len(PLATES)))]
    return ink, kind, cards[int(rng.integers(len(cards)))]


def _paint_plate(
    pixels: RGBImage, placed: PlacedWord, kind: str, name: str, ink: str, rng: Rng
) -> None:
    """The surface that a word stands on, bent and turned like the word, perhaps with a rim."""
    width, height = placed.lettering.extent
    half = (width / 2 + placed.margin, height / 2 + placed.margin)
    outline_of = PLATES[kind]
    if placed.margin > 3 and rng.random() < 0.35:
        _fill(pixels, placed.warp.forward(outline_of(half, placed.margin)), shade(ink, rng))
        rim = max(1.0, 0.25 * placed.margin)
        half = (half[0] - rim, half[1] - rim)
    _fill(pixels, placed.warp.forward(outline_of(half, placed.margin)), shade(name, rng))


def _lumas(pixels: RGBImage, bounds: Box) -> tuple[float, float]:
    """Between which lumas a region lies, leaving out specks: the mean and what is usual around it,
    and every part as large as a letter."""
    x0, y0, x1, y1 = (max(0, round(v)) for v in bounds)
    grey = cv2.cvtColor(pixels[y0:y1, x0:x1], cv2.COLOR_RGB2GRAY)
    mean, spread = cv2.meanStdDev(grey)
    middle, reach = float(mean[0, 0]), 1.5 * float(spread[0, 0])
    parts = cv2.resize(grey, (8, 3), interpolation=cv2.INTER_AREA)
    return min(middle - reach, float(parts.min())), max(middle + reach, float(parts.max()))


def _window(words: Sequence[WrittenWord], reach: float, shape: Sequence[int]) -> Window:
    """The pixels that ink and a shadow can touch, within the picture."""
    points = np.array([point for word in words for point in word.polygon])
    low, high = (points.min(axis=0) - reach).tolist(), (points.max(axis=0) + reach).tolist()
    return (
        max(0, math.floor(low[0])),
        max(0, math.floor(low[1])),
        min(shape[1], math.ceil(high[0])),
        min(shape[0], math.ceil(high[1])),
    )


def _blend(pixels: RGBImage, window: Window, alpha: Alpha, colour: Rgb) -> None:
    x0, y0, x1, y1 = window
    region = pixels[y0:y1, x0:x1]
    over = np.empty_like(region)
    cv2.rectangle(over, (0, 0), (x1 - x0, y1 - y0), colour, cv2.FILLED)
    region[:] = cv2.blendLinear(region, over, 1 - alpha, alpha)


def _fill(pixels: RGBImage, rim: Points, colour: Rgb) -> None:
    # OpenCV counts from the middle of a pixel.
    corners = np.rint((rim - 0.5) * _SUB).astype(np.int32)
    cv2.fillPoly(pixels, [corners], colour, cv2.LINE_AA, 4)


def tone(main: Rgb, fill: Fill) -> Rgb:
    fixed: dict[Fill, Rgb] = {
        "main": main,
        "black": (28, 28, 30),
        "white": (244, 244, 240),
        "brown": (112, 74, 44),
    }
    if fill in fixed:
        return fixed[fill]
    bright = luma(main) > 60
    if fill == "dark":
        parts = [c * 0.6 if bright else c + 60 for c in main]
    else:
        parts = [c * 0.4 + 255 * 0.6 if luma(main) < 200 else c * 0.75 for c in main]
    return (round(parts[0]), round(parts[1]), round(parts[2]))


def _points(rim: Points | NDArray[np.float32]) -> tuple[Point, ...]:
    return tuple((x, y) for x, y in rim.tolist())
