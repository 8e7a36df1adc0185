"""The record of one picture to render: what is drawn, how it is taken, how it is stored."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from sightread.synth.canvas import Canvas
from sightread.synth.effects import DAYLIGHT, Look
from sightread.types import Metadata

Suffix = Literal["jpg", "png", "webp", "gif", "bmp", "tif"]
UNDESCRIBED = Metadata()
Draw = Callable[[np.random.Generator], Canvas]


@dataclass(frozen=True, slots=True)
class Shot:
    """One picture. `orientation` is the EXIF value under which it is stored (1: upright)."""

    name: str
    kind: str
    draw: Draw
    look: Look = DAYLIGHT
    suffix: Suffix = "jpg"
    metadata: Metadata = UNDESCRIBED
    orientation: int = 1
    quality: int = 80
