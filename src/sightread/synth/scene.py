"""The scene renderer: a plan and a seed to a picture with exact truth, a few ms each.

SceneRenderer().render(ScenePlan(160, (WordPlan("taxi", "red"),), (ObjectPlan("fish"),)), 7)
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from sightread.errors import UsageError
from sightread.synth import degrade
from sightread.synth.colours import COLOURS
from sightread.synth.grounds import GROUNDS, photograph
from sightread.synth.layout import Layout, PlacedWord, lay_out
from sightread.synth.paint import paint_object, paint_word
from sightread.synth.plans import (
    PLAIN,
    VARIED,
    DrawnObject,
    ObjectPlan,
    Scene,
    ScenePlan,
    SceneSettings,
    WordPlan,
    WrittenWord,
)
from sightread.synth.things import OBJECTS
from sightread.synth.typefaces import find_typefaces, installed_typefaces
from sightread.types import RGBImage

__all__ = [
    "COLOURS",
    "OBJECTS",
    "PLAIN",
    "VARIED",
    "DrawnObject",
    "ObjectPlan",
    "Scene",
    "ScenePlan",
    "SceneRenderer",
    "SceneSettings",
    "WordPlan",
    "WrittenWord",
]

Rng = np.random.Generator
_LEAST_SIDE_PX = 16


class SceneRenderer:
    """Renders scenes. The same plan, seed, settings, faces and backgrounds give the same pixels.

    Not for several threads at once: fonts are shared. Processes are the way to use more cores.

    Args:
        settings: how varied and how hard.
        typefaces: font files and folders of them; None: those of the installed packages.
        backgrounds: picture files to use as grounds, besides the procedural ones.

    Raises:
        UsageError: no usable face, or settings that name an unknown ground.
    """

    def __init__(
        self,
        settings: SceneSettings = VARIED,
        typefaces: Sequence[Path] | None = None,
        backgrounds: Sequence[Path] | None = None,
    ) -> None:
        self.settings = settings
        unknown = [name for name in self.settings.grounds if name not in GROUNDS]
        if unknown or not self.settings.grounds:
            raise UsageError(
                f"There is no ground {', '.join(unknown) or 'named'}: name one or more of "
                f"{', '.join(GROUNDS)}."
            )
        self.typefaces = (
            installed_typefaces() if typefaces is None else find_typefaces([*typefaces])
        )
        self.backgrounds = [*(backgrounds or ())]

    def lay_out(self, plan: ScenePlan, seed: int) -> Layout:
        """What `render` will place where, without painting it.

        Raises:
            UsageError: the plan names an unknown colour or object, or has an empty word.
        """
        _check(plan)
        return lay_out(plan, self.settings, self.typefaces, np.random.default_rng(seed))

    def render(self, plan: ScenePlan, seed: int) -> Scene:
        """The picture of a plan. Words that do not fit are missing in it and in `Scene.words`.

        Raises:
            UsageError: the plan names an unknown colour or object, or has an empty word.
            PictureError: a background cannot be read.
        """
        layout = self.lay_out(plan, seed)
        rng = np.random.default_rng([seed, 1])
        pixels = self._ground(plan.size, rng)
        objects = tuple(paint_object(pixels, placed, rng) for placed in layout.objects)
        words = [
            w for placed in layout.words for w in paint_word(pixels, placed, self.settings, rng)
        ]
        for placed in layout.words:
            if rng.random() < self.settings.occlusion:
                _cross(pixels, placed, rng)
        pixels = self._degrade(pixels, min((word.height_px for word in words), default=16.0), rng)
        return Scene(pixels, tuple(words), objects)

    def _ground(self, size: tuple[int, int], rng: Rng) -> RGBImage:
        if self.backgrounds and rng.random() < self.settings.photos:
            path = self.backgrounds[int(rng.integers(len(self.backgrounds)))]
            return photograph(path, *size, rng)
        names = self.settings.grounds
        return np.ascontiguousarray(GROUNDS[names[int(rng.integers(len(names)))]](*size, rng))

    def _degrade(self, pixels: RGBImage, smallest_px: float, rng: Rng) -> RGBImage:
        """The camera's faults, weak enough for the smallest word to stay readable."""
        settings, hard = self.settings, self.settings.hard
        if rng.random() < settings.blur:
            # A stem is about an eighth of the height; it survives half its width of blur.
            sigma = hard * rng.random() * min(0.07 * smallest_px, 0.012 * max(pixels.shape))
            pixels = degrade.defocus(pixels, sigma) if sigma > 0.2 else pixels
        if rng.random() < settings.shake:
            length = hard * rng.random() * min(0.2 * smallest_px, 0.03 * max(pixels.shape))
            pixels = degrade.shake(pixels, length, np.pi * rng.random()) if length > 1 else pixels
        light = 1.0  # what is left of it; at `hard` 1 at least half, and the noise goes with it
        if rng.random() < settings.shading:
            loss = 0.4 * hard * rng.random()
            pixels, light = degrade.shade_unevenly(pixels, loss, rng), 1 - loss
        if rng.random() < settings.darkness:
            gain = 1 - max(0.0, 1 - 0.5 / light) * min(1.0, hard * rng.random())
            pixels, light = degrade.dim(pixels, gain, 2 * rng.random() - 1), light * gain
        if rng.random() < settings.noise:
            pixels = degrade.add_noise(pixels, 9.0 * hard * light * rng.random(), rng)
        if rng.random() < settings.compression:
            lowest = 70 if smallest_px < 14 else 45
            pixels = degrade.compress(pixels, int(95 - hard * (95 - lowest) * rng.random()))
        return pixels


def _cross(pixels: RGBImage, placed: PlacedWord, rng: Rng) -> None:
    """A wire or twig across a word, too thin and too steep to hide a letter; not on small ones."""
    height = placed.lettering.height_px
    if height < 12:
        return
    x0, y0, x1, y1 = placed.bounds
    x = x0 + (x1 - x0) * rng.random()
    # Slanted, so that it never covers an upright stroke from top to bottom.
    lean = (y1 - y0) * (0.2 + 0.3 * rng.random()) * (1 if rng.random() < 0.5 else -1)
    start, end = (round(x - lean), round(y0)), (round(x + lean), round(y1))
    value = int(rng.integers(30, 220))
    cv2.line(pixels, start, end, (value,) * 3, max(1, round(height * 0.1)), cv2.LINE_AA)


def _check(plan: ScenePlan) -> None:
    if min(plan.size) < _LEAST_SIDE_PX:
        width, height = plan.size
        raise UsageError(
            f"A scene of {width} x {height} px is too small: give it at least {_LEAST_SIDE_PX} px "
            "a side."
        )
    for word in plan.words:
        if not word.text.split():
            raise UsageError("A word to render is empty: every word needs a letter or digit.")
        if word.height_px is not None and word.height_px <= 0:
            raise UsageError(
                f"The word {word.text!r} is to be {word.height_px} px high: heights are above 0."
            )
    asked = [word.colour for word in plan.words] + [thing.colour for thing in plan.objects]
    for colour in asked:
        if colour is not None and colour not in COLOURS:
            raise UsageError(f"There is no colour {colour!r}: name one of {', '.join(COLOURS)}.")
    for thing in plan.objects:
        if thing.name not in OBJECTS:
            raise UsageError(
                f"There is no object {thing.name!r}: name one of {', '.join(OBJECTS)}."
            )
