"""Where the words and things of a scene go: every decision but colours, and no pixels yet."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from sightread.synth.geometry import Box
from sightread.synth.lettering import Lettering, letter
from sightread.synth.plans import ObjectPlan, ScenePlan, SceneSettings, WordPlan
from sightread.synth.things import OBJECTS
from sightread.synth.typefaces import Typeface
from sightread.synth.warp import Bend, Points, Warp, plane

Rng = np.random.Generator
_SPOTS = 24
_TRIES = 6
_FACES = 4
_LEAST_STEM_PX, _LEAST_BODY_PX = 0.7, 5.0


@dataclass(frozen=True, slots=True)
class PlacedWord:
    """A piece of writing in its place. `bounds` is what it has to itself, plate included;
    `margin` is the room around the ink, in local units."""

    phrase: int
    plan: WordPlan
    lettering: Lettering
    warp: Warp
    margin: float
    bounds: Box


@dataclass(frozen=True, slots=True)
class PlacedObject:
    """A thing in its place; the warp takes its square from -1 to 1 to the picture."""

    plan: ObjectPlan
    warp: Warp
    bounds: Box


@dataclass(frozen=True, slots=True)
class Layout:
    """What fits of a plan, in the order of the plan."""

    words: tuple[PlacedWord, ...]
    objects: tuple[PlacedObject, ...]


def lay_out(
    plan: ScenePlan, settings: SceneSettings, faces: Sequence[Typeface], rng: Rng
) -> Layout:
    """Find a place for as much of the plan as fits, without anything touching.

    Words of a planned height come first, the tallest before the others, then things, then
    words that may still shrink.
    """
    taken: list[Box] = []
    words: list[PlacedWord] = []
    order = sorted(range(len(plan.words)), key=lambda i: -(plan.words[i].height_px or 0.0))
    fixed = [i for i in order if plan.words[i].height_px is not None]
    for i in fixed:
        _add_word(words, i, plan, settings, faces, taken, rng)
    objects = [
        placed
        for thing in plan.objects
        if (placed := _place_object(thing, plan.size, settings, taken, rng)) is not None
    ]
    for i in order[len(fixed) :]:
        _add_word(words, i, plan, settings, faces, taken, rng)
    return Layout(tuple(sorted(words, key=lambda word: word.phrase)), tuple(objects))


def outline(box: Box, segments: int) -> Points:
    """The rim of a box, clockwise from the top left, its long sides cut into segments."""
    x0, y0, x1, y1 = box
    rim: Points = _unit_rim(segments) * (x1 - x0, y1 - y0) + (x0, y0)
    return rim


@lru_cache
def _unit_rim(segments: int) -> Points:
    across = np.linspace(0.0, 1.0, segments + 1)
    top = np.stack([across, np.zeros_like(across)], axis=1)
    bottom = np.stack([across[::-1], np.ones_like(across)], axis=1)
    return np.concatenate([top, bottom])


def _add_word(
    words: list[PlacedWord],
    i: int,
    plan: ScenePlan,
    settings: SceneSettings,
    faces: Sequence[Typeface],
    taken: list[Box],
    rng: Rng,
) -> None:
    wanted = plan.words[i]
    low, high = _height_range(wanted, plan, settings)
    size = low * (high / low) ** rng.random()
    text = _cased(wanted.text, settings, rng)
    for attempt in range(_TRIES):
        if attempt % 2 == 0:
            lettering = _draw(text, size, settings, faces, rng, attempt)
        elif low < size:
            size = max(low, 0.7 * size)
            lettering = lettering.at(size)
        placed = _try_word(i, plan, lettering, settings, taken, rng, attempt)
        if placed is not None:
            words.append(placed)
            taken.append(placed.bounds)
            return


def _draw(
    text: str,
    size: float,
    settings: SceneSettings,
    faces: Sequence[Typeface],
    rng: Rng,
    attempt: int,
) -> Lettering:
    """The text in some face, on one line or, the other way at the next call, on several."""
    words = text.split()
    stacked = (rng.random() < 0.4) != (attempt == 2) and len(words) > 1
    spaced = attempt == 0 and rng.random() < settings.spaced
    tracking = 0.05 + 0.2 * rng.random() if spaced else 0.0
    lines = [[word] for word in words] if stacked else [words]
    return letter(_face(faces, size, rng), lines, size, tracking=tracking)


def _try_word(
    i: int,
    plan: ScenePlan,
    lettering: Lettering,
    settings: SceneSettings,
    taken: Sequence[Box],
    rng: Rng,
    attempt: int,
) -> PlacedWord | None:
    extent = lettering.extent
    if extent[0] > plan.size[0] - 2 or extent[1] > plan.size[1] - 2:
        return None
    warp = _warp(lettering, settings, rng, attempt)
    margin = max(1.5, lettering.height_px * (0.25 + 0.3 * rng.random()))
    rim = warp.forward(outline(_padded(extent, margin), 1 if warp.bend.kind == "flat" else 12))
    spot = _spot(rim, plan.size, taken, rng)
    if spot is None:
        return None
    (dx, dy), bounds = spot
    return PlacedWord(i, plan.words[i], lettering, warp.moved(dx, dy), margin, bounds)


def _height_range(
    wanted: WordPlan, plan: ScenePlan, settings: SceneSettings
) -> tuple[float, float]:
    """Least and greatest height to choose from: what is likely to find a place at once."""
    if wanted.height_px is not None:
        return wanted.height_px, wanted.height_px
    side, crowd = min(plan.size), len(plan.words) + len(plan.objects)
    low, high = (share * side for share in settings.heights)
    longest = max(len(word) for word in wanted.text.split())
    # A letter is about 0.85 of its height wide, and a word may take most of the width.
    return low, max(low, min(high, high * 1.3 / crowd**0.5, plan.size[0] / longest))


def _face(faces: Sequence[Typeface], height_px: float, rng: Rng) -> Typeface:
    """Any face for large words; for small ones one whose strokes do not vanish, if there is."""
    drawn = [faces[int(rng.integers(len(faces)))] for _ in range(_FACES)]

    def sturdy(face: Typeface) -> float:
        em = height_px / face.capital
        return min(face.stem * em / _LEAST_STEM_PX, face.body * em / _LEAST_BODY_PX)

    return next((face for face in drawn if sturdy(face) >= 1), max(drawn, key=sturdy))


def _padded(extent: tuple[float, float], margin: float) -> Box:
    half_w, half_h = extent[0] / 2 + margin, extent[1] / 2 + margin
    return (-half_w, -half_h, half_w, half_h)


def _cased(text: str, settings: SceneSettings, rng: Rng) -> str:
    chance = rng.random()
    if chance < settings.capitals:
        return text.upper()
    if chance < settings.capitals + settings.title:
        return " ".join(word[:1].upper() + word[1:] for word in text.split())
    return text


def _warp(lettering: Lettering, settings: SceneSettings, rng: Rng, attempt: int) -> Warp:
    """A random way to lie, calmer with each attempt."""
    extent = lettering.extent
    calm = 1 - attempt / _TRIES
    angle = settings.tilt * calm * (2 * rng.random() - 1)
    slant = 0.012 * settings.tilt * calm * (2 * rng.random() - 1)
    far = settings.lean * calm
    lean = (
        far * (2 * rng.random() - 1) / extent[0],
        0.5 * far * (2 * rng.random() - 1) / max(extent),
    )
    bend = Bend()
    if attempt == 0 and rng.random() < settings.bends:
        bend = _bend(extent, min(1.0, lettering.height_px / 20), rng)
    return Warp(plane(angle, slant, lean), bend)


def _bend(extent: tuple[float, float], strength: float, rng: Rng) -> Bend:
    """A random bend; strength 1 is the strongest at which large letters are easily read."""
    width, height = extent
    kind = int(rng.integers(3))
    if kind == 0:
        # Half of the word spans 17 to 52 degrees; the centre stays outside of the letters.
        radius = max(width / 2 / (0.3 + 0.6 * strength * rng.random()), 1.6 * height)
        return Bend("arc", radius if rng.random() < 0.7 else -radius)
    if kind == 1:
        # At 57 degrees from the middle letters look half as wide.
        radius = width / 2 / (0.3 + 0.7 * strength * rng.random())
        return Bend("cylinder", radius, 0.5 * (2 * rng.random() - 1))
    period = width * (0.8 + 0.8 * rng.random())
    # The steepest slope, 2 pi rise / period, stays below 0.35.
    rise = min(0.35 * height, 0.055 * period) * (0.4 + 0.6 * rng.random())
    return Bend("wave", period, rise, 2 * math.pi * rng.random())


def _place_object(
    thing: ObjectPlan,
    size: tuple[int, int],
    settings: SceneSettings,
    taken: list[Box],
    rng: Rng,
) -> PlacedObject | None:
    low, high = (share * min(size) / 2 for share in settings.object_sides)
    corners = OBJECTS[thing.name].corners
    for attempt in range(_TRIES):
        radius = low + (high - low) * rng.random() * (1 - attempt / _TRIES)
        turn = plane(settings.tilt * (2 * rng.random() - 1), 0.0, (0.0, 0.0))
        stretch = 1 + 0.15 * (2 * rng.random() - 1)
        warp = Warp(turn @ np.diag([radius * stretch, radius / stretch, 1.0]))
        spot = _spot(warp.forward(corners), size, taken, rng, gap=2.0)
        if spot is not None:
            (dx, dy), bounds = spot
            taken.append(bounds)
            return PlacedObject(thing, warp.moved(dx, dy), bounds)
    return None


def _spot(
    rim: Points, size: tuple[int, int], taken: Sequence[Box], rng: Rng, gap: float = 1.0
) -> tuple[tuple[float, float], Box] | None:
    """A shift that brings the points into the picture and away from all boxes, and their bounds."""
    low, high = rim.min(axis=0) - gap, rim.max(axis=0) + gap
    room = size - (high - low)
    if room.min() < 0:
        return None
    corners = rng.random((_SPOTS, 2)) * room
    best = 0
    if taken:
        boxes = np.array(taken)
        starts = corners[:, None]
        apart = (starts >= boxes[:, 2:]) | (starts + (high - low) <= boxes[:, :2])  # (spots, n, 2)
        free = apart.any(axis=2).all(axis=1)
        best = int(free.argmax())
        if not free[best]:
            return None
    dx, dy = (corners[best] - low).tolist()
    x0, y0 = low.tolist()
    x1, y1 = high.tolist()
    return (dx, dy), (x0 + dx, y0 + dy, x1 + dx, y1 + dy)
