"""Simple things with a name, drawn as a few polygons: a fish, a key, a house.

Each is a list of parts in a square from -1 to 1, x to the right, y down, later parts on top. A
part is filled with the thing's own colour (`main`), a darker or lighter one, or a fixed colour.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Outline = NDArray[np.float64]
"""(n, 2) corners."""
Fill = Literal["main", "dark", "light", "black", "white", "brown"]
Part = tuple[Outline, Fill]


def _poly(*corners: tuple[float, float]) -> Outline:
    return np.array(corners, np.float64)


def _box(x0: float, y0: float, x1: float, y1: float) -> Outline:
    return _poly((x0, y0), (x1, y0), (x1, y1), (x0, y1))


def _oval(
    x: float, y: float, rx: float, ry: float, start: float = 0.0, stop: float = 360.0
) -> Outline:
    """An ellipse, or the part of it between two angles (degrees clockwise from the right)."""
    angles = np.radians(np.linspace(start, stop, 25))
    return np.stack([x + rx * np.cos(angles), y + ry * np.sin(angles)], axis=1)


def _ring(radii: Sequence[float], start: float = -90.0) -> Outline:
    """Corners at equal angles around the middle, at the given radii in turn."""
    angles = np.radians(start + np.arange(len(radii)) * 360 / len(radii))
    ring: Outline = np.stack([np.cos(angles), np.sin(angles)], axis=1) * np.array(radii)[:, None]
    return ring


def _band(points: Sequence[tuple[float, float]], width: float) -> Outline:
    """A broad line through the points."""
    path = np.array(points, np.float64)
    along = np.gradient(path, axis=0)
    along /= np.hypot(along[:, 0], along[:, 1])[:, None]
    side = np.stack([-along[:, 1], along[:, 0]], axis=1) * width / 2
    return np.concatenate([path + side, (path - side)[::-1]])


def _turn(outline: Outline, degrees: float, x: float = 0.0, y: float = 0.0) -> Outline:
    """Turned clockwise around the middle, then moved."""
    cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    turned: Outline = outline @ np.array([[cos, sin], [-sin, cos]]) + (x, y)
    return turned


def _heart() -> Outline:
    t = np.linspace(0, 2 * math.pi, 40, endpoint=False)
    x = 16 * np.sin(t) ** 3
    y = 13 * np.cos(t) - 5 * np.cos(2 * t) - 2 * np.cos(3 * t) - np.cos(4 * t)
    return np.stack([x / 17, -(y + 2.5) / 16], axis=1)


def _moon() -> Outline:
    outer = _oval(-0.1, 0, 0.95, 0.95, 50, 310)
    inner = _oval(0.25, 0, 0.72, 0.75, 290, 70)
    return np.concatenate([outer, inner])


def _leaf_outline() -> Outline:
    x = np.linspace(-0.75, 0.97, 20)
    half = 0.52 * np.sin(np.pi * (x + 0.75) / 1.72) ** 0.8
    return np.concatenate([np.stack([x, -half], axis=1), np.stack([x, half], axis=1)[::-1]])


def _bell() -> list[Part]:
    foot = _poly((0.6, 0.35), (0.9, 0.68), (-0.9, 0.68), (-0.6, 0.35))
    body = np.concatenate([_oval(0, -0.25, 0.5, 0.6, 180, 360), foot])
    return [
        (_oval(0, 0.72, 0.2, 0.2), "dark"),
        (body, "main"),
        (_oval(0, -0.85, 0.12, 0.12), "dark"),
    ]


def _book() -> list[Part]:
    half = _poly((-0.95, -0.55), (0, -0.4), (0, 0.75), (-0.95, 0.6))
    page = _poly((-0.83, -0.5), (-0.03, -0.36), (-0.03, 0.63), (-0.83, 0.5))
    mirror = (-1, 1)
    return [(half, "main"), (half * mirror, "main"), (page, "white"), (page * mirror, "white")]


def _flower() -> list[Part]:
    petals: list[Part] = [
        (_turn(_oval(0, -0.48, 0.27, 0.4), 60.0 * turn, 0, -0.12), "main") for turn in range(6)
    ]
    return [*petals, (_oval(0, -0.12, 0.26, 0.26), "dark")]


def _cloud() -> list[Part]:
    puffs = ((-0.5, 0.1, 0.42), (0.0, -0.2, 0.5), (0.5, 0.08, 0.42))
    parts: list[Part] = [(_oval(x, y, r, r), "main") for x, y, r in puffs]
    return [*parts, (_box(-0.6, 0.05, 0.6, 0.5), "main")]


def _wheels(x: float, y: float, radius: float) -> list[Part]:
    parts: list[Part] = []
    for side in (-x, x):
        parts += [
            (_oval(side, y, radius, radius), "black"),
            (_oval(side, y, radius * 0.45, radius * 0.45), "light"),
        ]
    return parts


def _sun() -> list[Part]:
    return [(_ring([0.98, 0.62] * 12), "main"), (_oval(0, 0, 0.55, 0.55), "light")]


def _clock() -> list[Part]:
    return [
        (_oval(0, 0, 0.95, 0.95), "main"),
        (_oval(0, 0, 0.76, 0.76), "white"),
        (_band([(0, 0.08), (0, -0.3), (0, -0.6)], 0.1), "black"),
        (_band([(-0.08, 0), (0.2, 0.05), (0.45, 0.12)], 0.1), "black"),
    ]


def _umbrella() -> list[Part]:
    top = _oval(0, 0.05, 0.98, 0.85, 180, 360)
    handle = [(0.0, -0.9), (0.0, 0.2), (0.0, 0.75), (0.1, 0.9), (0.24, 0.85), (0.27, 0.7)]
    return [(_band(handle, 0.09), "black"), (top, "main"), (_box(-0.98, 0.03, 0.98, 0.1), "dark")]


def _key() -> list[Part]:
    outer, hole = _oval(-0.55, 0, 0.42, 0.42), _oval(-0.6, 0, 0.18, 0.18)
    teeth = [_box(0.45, 0.05, 0.6, 0.38), _box(0.72, 0.05, 0.9, 0.45)]
    parts: list[Part] = [(_box(-0.2, -0.1, 0.95, 0.1), "main"), (outer, "main"), (hole, "dark")]
    return parts + [(tooth, "main") for tooth in teeth]


def _tree() -> list[Part]:
    crown: list[Part] = [
        (_oval(x, y, r, r), "main")
        for x, y, r in ((0, -0.5, 0.46), (-0.4, -0.1, 0.42), (0.4, -0.1, 0.42), (0, 0.0, 0.45))
    ]
    return [(_box(-0.13, 0.2, 0.13, 0.98), "brown"), *crown]


def _cat() -> list[Part]:
    ears = [_poly((-0.75, -0.2), (-0.72, -0.95), (-0.15, -0.6))]
    ears.append(ears[0] * (-1, 1))
    eyes: list[Part] = [(_oval(x, 0.05, 0.13, 0.17), "white") for x in (-0.32, 0.32)]
    pupils: list[Part] = [(_oval(x, 0.07, 0.05, 0.13), "black") for x in (-0.32, 0.32)]
    parts: list[Part] = [(ear, "main") for ear in ears]
    parts += [(_oval(0, 0.12, 0.82, 0.72), "main"), *eyes, *pupils]
    return [*parts, (_poly((-0.1, 0.33), (0.1, 0.33), (0, 0.47)), "black")]


def _bird() -> list[Part]:
    return [
        (_poly((-0.98, -0.25), (-0.4, -0.1), (-0.5, 0.3)), "dark"),
        (_oval(-0.05, 0.15, 0.6, 0.42), "main"),
        (_oval(0.5, -0.3, 0.32, 0.32), "main"),
        (_poly((0.78, -0.38), (0.99, -0.24), (0.78, -0.16)), "black"),
        (_turn(_oval(0, 0, 0.38, 0.2), 20, -0.1, 0.1), "dark"),
        (_oval(0.57, -0.36, 0.06, 0.06), "black"),
        (_band([(-0.15, 0.5), (-0.15, 0.7), (-0.15, 0.9)], 0.07), "black"),
        (_band([(0.1, 0.5), (0.1, 0.7), (0.1, 0.9)], 0.07), "black"),
    ]


def _bus() -> list[Part]:
    windows: list[Part] = [
        (_box(x, -0.38, x + 0.32, -0.02), "light") for x in (-0.85, -0.43, -0.01, 0.41)
    ]
    body: list[Part] = [(_box(-0.97, -0.6, 0.97, 0.48), "main"), *windows]
    return [*body, (_box(-0.97, 0.12, 0.97, 0.2), "dark"), *_wheels(0.55, 0.48, 0.22)]


def _car() -> list[Part]:
    cabin = _poly((-0.6, -0.05), (-0.35, -0.5), (0.3, -0.5), (0.6, -0.05))
    glass = _poly((-0.43, -0.08), (-0.27, -0.39), (-0.03, -0.39), (-0.03, -0.08))
    other = _poly((0.06, -0.08), (0.06, -0.39), (0.23, -0.39), (0.43, -0.08))
    body = _poly((-0.97, 0.0), (0.7, -0.08), (0.97, 0.08), (0.97, 0.36), (-0.97, 0.36))
    parts: list[Part] = [(cabin, "main"), (body, "main"), (glass, "light"), (other, "light")]
    return parts + _wheels(0.53, 0.36, 0.23)


def _shoe() -> list[Part]:
    upper = _poly(
        (-0.9, -0.5),
        (-0.3, -0.5),
        (-0.05, -0.15),
        (0.5, 0.02),
        (0.9, 0.15),
        (0.95, 0.38),
        (-0.9, 0.38),
    )
    return [(upper, "main"), (_box(-0.94, 0.36, 0.97, 0.55), "dark")]


DRAWINGS: dict[str, Callable[[], list[Part]]] = {
    "circle": lambda: [(_oval(0, 0, 0.92, 0.92), "main")],
    "square": lambda: [(_box(-0.82, -0.82, 0.82, 0.82), "main")],
    "triangle": lambda: [(_poly((0, -0.9), (0.95, 0.8), (-0.95, 0.8)), "main")],
    "star": lambda: [(_ring([0.98, 0.4] * 5), "main")],
    "heart": lambda: [(_heart(), "main")],
    "cross": lambda: [
        (_box(-0.3, -0.95, 0.3, 0.95), "main"),
        (_box(-0.95, -0.3, 0.95, 0.3), "main"),
    ],
    "moon": lambda: [(_moon(), "main")],
    "sun": _sun,
    "cloud": _cloud,
    "house": lambda: [
        (_box(-0.7, -0.1, 0.7, 0.9), "main"),
        (_poly((0, -0.95), (0.97, -0.05), (-0.97, -0.05)), "dark"),
        (_box(-0.15, 0.35, 0.2, 0.9), "dark"),
        (_box(0.35, 0.15, 0.58, 0.42), "light"),
        (_box(-0.56, 0.15, -0.33, 0.42), "light"),
    ],
    "tree": _tree,
    "flower": _flower,
    "leaf": lambda: [
        (_leaf_outline(), "main"),
        (_box(-0.98, -0.04, 0.5, 0.04), "dark"),
    ],
    "apple": lambda: [
        (_oval(-0.28, 0.15, 0.58, 0.7), "main"),
        (_oval(0.28, 0.15, 0.58, 0.7), "main"),
        (_band([(0, -0.4), (0.04, -0.7), (0.12, -0.95)], 0.1), "brown"),
        (_turn(_oval(0, 0, 0.25, 0.11), -25, 0.33, -0.72), "dark"),
    ],
    "fish": lambda: [
        (_poly((-0.4, 0), (-0.97, -0.48), (-0.97, 0.48)), "main"),
        (_oval(0.2, 0, 0.75, 0.45), "main"),
        (_poly((0.0, -0.4), (0.4, -0.68), (0.45, -0.38)), "dark"),
        (_oval(0.58, -0.1, 0.1, 0.1), "white"),
        (_oval(0.6, -0.1, 0.05, 0.05), "black"),
    ],
    "bird": _bird,
    "cat": _cat,
    "car": _car,
    "bus": _bus,
    "boat": lambda: [
        (_poly((-0.95, 0.35), (0.95, 0.35), (0.6, 0.85), (-0.6, 0.85)), "main"),
        (_box(-0.06, -0.95, 0.06, 0.35), "brown"),
        (_poly((0.1, -0.9), (0.8, 0.2), (0.1, 0.2)), "light"),
    ],
    "cup": lambda: [
        (_oval(0.62, 0.0, 0.34, 0.34), "main"),
        (_oval(0.62, 0.0, 0.19, 0.19), "light"),
        (_poly((-0.75, -0.55), (0.6, -0.55), (0.45, 0.65), (-0.6, 0.65)), "main"),
        (_oval(-0.075, -0.55, 0.675, 0.13), "dark"),
    ],
    "bottle": lambda: [
        (_poly((-0.15, -0.95), (0.15, -0.95), (0.15, -0.45), (0.38, -0.15), (0.38, 0.95),
               (-0.38, 0.95), (-0.38, -0.15), (-0.15, -0.45)), "main"),
        (_box(-0.38, 0.1, 0.38, 0.6), "light"),
        (_box(-0.18, -0.97, 0.18, -0.8), "dark"),
    ],
    "key": _key,
    "umbrella": _umbrella,
    "clock": _clock,
    "hat": lambda: [
        (_poly((-0.5, 0.4), (-0.42, -0.7), (0.42, -0.7), (0.5, 0.4)), "main"),
        (_box(-0.5, 0.12, 0.5, 0.36), "dark"),
        (_oval(0, 0.45, 0.97, 0.2), "main"),
    ],
    "bell": _bell,
    "flag": lambda: [
        (_box(-0.75, -0.95, -0.62, 0.97), "brown"),
        (_poly((-0.62, -0.9), (0.9, -0.65), (0.9, 0.1), (-0.62, 0.05)), "main"),
    ],
    "book": _book,
    "shoe": _shoe,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Thing:
    """`corners` are those of all parts, from back to front; part i has those up to `ends[i]`."""

    corners: Outline
    ends: tuple[int, ...]
    fills: tuple[Fill, ...]


def _thing(parts: Sequence[Part]) -> Thing:
    ends = np.cumsum([len(outline) for outline, _ in parts])
    corners = np.concatenate([outline for outline, _ in parts])
    return Thing(corners, tuple(ends.tolist()), tuple(fill for _, fill in parts))


OBJECTS: dict[str, Thing] = {name: _thing(draw()) for name, draw in DRAWINGS.items()}
"""What can be drawn, by name."""
