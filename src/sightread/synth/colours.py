"""Colours that people name, and whether one can be read on another."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

Rgb = tuple[int, int, int]

COLOURS: dict[str, Rgb] = {
    "black": (24, 24, 26),
    "white": (246, 246, 244),
    "grey": (128, 128, 130),
    "red": (208, 28, 36),
    "orange": (242, 128, 22),
    "yellow": (250, 212, 36),
    "green": (30, 140, 62),
    "blue": (28, 80, 190),
    "purple": (122, 48, 156),
    "pink": (244, 138, 180),
    "brown": (122, 74, 38),
}
"""Name -> the middle of the range of colours that it stands for."""
NAMES = tuple(COLOURS)
CONTRAST = 70.0
"""The least difference in luma (0 to 255) between letters and what is behind them."""
_LUMA = (0.299, 0.587, 0.114)


def luma(colour: Sequence[float]) -> float:
    """Perceived brightness, 0 to 255 (ITU-R BT.601)."""
    return _LUMA[0] * colour[0] + _LUMA[1] * colour[1] + _LUMA[2] * colour[2]


def shade(name: str, rng: np.random.Generator, spread: float = 12.0) -> Rgb:
    """A colour that goes by this name: its middle, each channel moved by at most `spread`."""
    moved = [min(255, max(0, round(c + spread * (2 * rng.random() - 1)))) for c in COLOURS[name]]
    return (moved[0], moved[1], moved[2])


_MIDDLES = {name: luma(colour) for name, colour in COLOURS.items()}


def readable_on(name: str, low: float, high: float) -> bool:
    """Whether letters of this colour stand out from all lumas between `low` and `high`."""
    own = _MIDDLES[name]
    return own <= low - CONTRAST or own >= high + CONTRAST


def readable_names(low: float, high: float, but: str | None = None) -> list[str]:
    """The colours that stand out from lumas between `low` and `high`, other than `but`."""
    return [name for name in NAMES if name != but and readable_on(name, low, high)]
