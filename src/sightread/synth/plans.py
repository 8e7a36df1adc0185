"""What is asked of the scene renderer, how it may go about it, and what it says it drew."""

from __future__ import annotations

from dataclasses import dataclass

from sightread.synth.grounds import GROUNDS
from sightread.types import Point, RGBImage


@dataclass(frozen=True, slots=True)
class WordPlan:
    """A word or, with spaces, a phrase to write in one piece.

    `colour` is a name of `COLOURS` (None: the renderer chooses). `height_px` is the height of a
    capital letter in pixels of the finished picture, in the middle of the writing, whether or not
    the word has capitals; small letters like x are about 0.7 of it. None: chosen, and made
    smaller until it fits. A word whose height is given is left out if it does not fit.
    """

    text: str
    colour: str | None = None
    height_px: float | None = None


@dataclass(frozen=True, slots=True)
class ObjectPlan:
    """A thing to draw: a name of `OBJECTS`, and a colour as for words."""

    name: str
    colour: str | None = None


@dataclass(frozen=True, slots=True)
class ScenePlan:
    """A picture of `size_px` (the side of a square, or width and height)."""

    size_px: int | tuple[int, int]
    words: tuple[WordPlan, ...] = ()
    objects: tuple[ObjectPlan, ...] = ()

    @property
    def size(self) -> tuple[int, int]:
        """Width and height."""
        return (self.size_px, self.size_px) if isinstance(self.size_px, int) else self.size_px


@dataclass(frozen=True, slots=True)
class SceneSettings:
    """How varied and how hard scenes are. Shares and chances are in [0, 1].

    `grounds` are names of `GROUNDS`; `photos` is the share of scenes on a user's photograph,
    when there are any. `capitals` and `title` are the shares of words in CAPITALS and with a
    First one; the rest are written as they were planned. `tilt` is the greatest turn in degrees
    and `lean` how far the reading may recede (0.3: the far end looks 30 % smaller). `heights` are
    the least and greatest height of words whose height is not planned, and `object_sides` those of
    things, as fractions of the shorter side. The others are the chances of what they name;
    `hard` scales the strength of blur, noise, compression and darkness.
    """

    grounds: tuple[str, ...] = tuple(GROUNDS)
    photos: float = 0.5
    capitals: float = 0.35
    title: float = 0.2
    tilt: float = 12.0
    lean: float = 0.25
    bends: float = 0.25
    spaced: float = 0.15
    plates: float = 0.35
    outlines: float = 0.15
    shadows: float = 0.2
    occlusion: float = 0.1
    blur: float = 0.25
    shake: float = 0.1
    noise: float = 0.5
    compression: float = 0.5
    shading: float = 0.2
    darkness: float = 0.2
    hard: float = 1.0
    heights: tuple[float, float] = (0.05, 0.3)
    object_sides: tuple[float, float] = (0.18, 0.36)


VARIED = SceneSettings()
"""The default: a street, a shop, a screen, in all weathers."""
PLAIN = SceneSettings(
    grounds=("flat",),
    photos=0.0,
    capitals=0.0,
    title=0.0,
    tilt=0.0,
    lean=0.0,
    bends=0.0,
    spaced=0.0,
    plates=0.0,
    outlines=0.0,
    shadows=0.0,
    occlusion=0.0,
    blur=0.0,
    shake=0.0,
    noise=0.0,
    compression=0.0,
    shading=0.0,
    darkness=0.0,
)
"""Upright words as planned on one colour, each pixel as it was drawn."""


@dataclass(frozen=True, slots=True)
class WrittenWord:
    """A word that can be seen in the picture.

    `polygon` is tight around its ink, in pixels, in reading order: along the top from where the
    word starts, then back along the bottom; 4 points, more where it is bent. `height_px` is that
    of capitals in the middle of the word, as it came out. `phrase` is the place of its plan in
    `ScenePlan.words`; words of one phrase share it. `on` names what it stands on ("" for the
    ground), and `on_colour` the colour of that.
    """

    text: str
    polygon: tuple[Point, ...]
    colour: str
    height_px: float
    phrase: int
    on: str = ""
    on_colour: str = ""


@dataclass(frozen=True, slots=True)
class DrawnObject:
    """A thing that was drawn; the polygon is its convex outline, clockwise, in pixels."""

    name: str
    colour: str
    polygon: tuple[Point, ...]


@dataclass(frozen=True, slots=True)
class Scene:
    """A finished picture and all that is to be read and recognised in it."""

    pixels: RGBImage
    words: tuple[WrittenWord, ...]
    objects: tuple[DrawnObject, ...] = ()
