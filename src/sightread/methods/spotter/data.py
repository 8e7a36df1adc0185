"""Training pictures: rendered scenes, and the strips of their words."""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from sightread.errors import UsageError
from sightread.methods.spotter.words import Words
from sightread.spotting.alphabet import ACCENTED, LONGEST, MARKS, reading_classes
from sightread.spotting.joining import joined, neighbours
from sightread.spotting.places import around
from sightread.spotting.strips import cut_strip
from sightread.synth.fonts import load_font
from sightread.synth.plans import VARIED, Scene, ScenePlan, SceneSettings, WordPlan, WrittenWord
from sightread.synth.scene import SceneRenderer
from sightread.synth.typefaces import draw_glyphs, installed_typefaces
from sightread.text import key
from sightread.types import RGBImage

Rng = np.random.Generator
LEAST_READ_PX = 6.0
"""Words of smaller capitals are looked for but not read in training."""
FIRST_SEED = 1 << 40
"""Seeds of scenes for training are below, those for validation from here on."""
SETTINGS = replace(VARIED, heights=(0.022, 0.6), tilt=15.0, photos=0.6, bends=0.15)
_NOWHERE = np.zeros((0, 5), np.float32)
_PAIR_REACH = 1.2  # heights between words that a finder may take for one
_EMPTY = 0.08
_MISSING = "\U0010fffe"


@dataclass(frozen=True, slots=True)
class Strip:
    """A word's picture, (32, W, 3) uint8, and what it says."""

    pixels: RGBImage
    text: str


class Scenes:
    """Rendered pictures of `size_px` a side with up to about twenty words.

    Args:
        words: what is written.
        backgrounds: photographs to write on, besides the procedural grounds.
        typefaces: font files; None: those installed.
        settings: how varied and how hard.
    """

    def __init__(
        self,
        words: Words,
        size_px: int,
        backgrounds: Sequence[Path] = (),
        typefaces: Sequence[Path] | None = None,
        settings: SceneSettings = SETTINGS,
    ) -> None:
        self.words, self.size_px = words, size_px
        faces = complete_typefaces() if typefaces is None else tuple(typefaces)
        # Without one face that has accents, none are written.
        if not faces:
            self.words = Words(words.listed, accents=0.0, marks=0.0)
        self._renderer = SceneRenderer(settings, faces or None, backgrounds)

    def get(self, rng: Rng) -> Scene:
        """A scene drawn from the generator."""
        crowd = 0 if rng.random() < _EMPTY else int(rng.integers(1, 13))
        plans = tuple(WordPlan(self._phrase(rng)) for _ in range(crowd))
        return self._renderer.render(ScenePlan(self.size_px, plans), int(rng.integers(FIRST_SEED)))

    def _phrase(self, rng: Rng) -> str:
        count = int(rng.choice((1, 2, 3), p=(0.55, 0.3, 0.15)))
        return " ".join(self.words.draw(rng) for _ in range(count))


@lru_cache(maxsize=1)
def complete_typefaces() -> tuple[Path, ...]:
    """The installed faces that draw every character which the spotter reads."""
    paths = [face.path for face in installed_typefaces()]
    return tuple(path for path in paths if path is not None and _complete(path))


def _complete(path: Path) -> bool:
    font = load_font(path, 32)
    missing = draw_glyphs(font, _MISSING)[0].tobytes()
    for char in ACCENTED + MARKS:
        mask = draw_glyphs(font, char)[0]
        if not mask.size or mask.tobytes() == missing:
            return False
    return True


def strips_of(scene: Scene, rng: Rng, jitter: float = 1.0, pairs: float = 0.0) -> list[Strip]:
    """The words of a scene that can be read, each cut out about where a finder would find it.

    Args:
        jitter: how inexact the places are, see `jittered`.
        pairs: the share of neighbours in a line that are also cut out as one strip.
    """
    words = [word for word in scene.words if readable(word)]
    places = np.concatenate([_NOWHERE, *(around(word.polygon)[0] for word in words)])
    cuts = [(place, word.text) for place, word in zip(places, words, strict=True)]
    for one, other in neighbours(places, _PAIR_REACH) if pairs else ():
        text = f"{words[one].text} {words[other].text}"
        if rng.random() < pairs and len(reading_classes(text)) <= LONGEST:
            cuts.append((joined(places[one], places[other]), text))
    found = []
    for place, text in cuts:
        strip = cut_strip(scene.pixels, jittered(place, rng, jitter))
        found.append(Strip(weathered(strip, rng) if jitter else strip, text))
    return found


def readable(word: WrittenWord) -> bool:
    """Whether a word is large enough to be read, and has something to be read."""
    spelled = key(word.text)
    known = bool(spelled) and spelled.isascii() and len(reading_classes(word.text)) <= LONGEST
    return known and word.height_px >= LEAST_READ_PX


def jittered(place: NDArray[np.float32], rng: Rng, strength: float) -> NDArray[np.float32]:
    """A place as inexact as those that are found: moved, grown or shrunk by a few hundredths of
    the height, now and then by more, and turned by a degree or two."""
    x, y, length, height, angle = (float(value) for value in place)
    spread = strength * height * (0.12 if rng.random() < 0.2 else 0.05)
    along, across, longer, higher, turn = rng.normal(0.0, 1.0, 5)
    cos, sin = np.cos(angle), np.sin(angle)
    along, across = along * spread, across * spread * 0.7
    values = (
        x + along * cos - across * sin,
        y + along * sin + across * cos,
        max(length + 2 * longer * spread, 0.5 * height),
        max(height + 2 * higher * spread, 0.6 * height),
        angle + strength * turn * min(0.03, 0.15 * height / max(length, 1.0)),
    )
    return np.array(values, np.float32)


def weathered(strip: RGBImage, rng: Rng) -> RGBImage:
    """Now and then seen from further away, or in other light."""
    height, width = strip.shape[:2]
    if rng.random() < 0.25:
        small = height * (0.3 + 0.4 * rng.random()) / height
        size = (max(4, round(width * small)), max(4, round(height * small)))
        reduced = cv2.resize(strip, size, interpolation=cv2.INTER_AREA)
        strip = cv2.resize(reduced, (width, height), interpolation=cv2.INTER_LINEAR)
    if rng.random() < 0.25:
        gamma = float(np.exp(rng.normal(0, 0.4)))
        table = (255 * (np.arange(256) / 255) ** gamma).astype(np.uint8)
        strip = cv2.LUT(strip, table)
    return strip


# --- photographs ---------------------------------------------------------------------------------


def list_backgrounds(folder: str) -> list[Path]:
    """The JPEG and PNG files below a folder, by name; none if no folder is named.

    Raises:
        UsageError: the folder has none.
    """
    if not folder:
        return []
    found = sorted(p for p in Path(folder).rglob("*") if p.suffix.lower() in (".jpg", ".png"))
    if not found:
        raise UsageError(f"There are no JPEG or PNG files in {folder} to write on.")
    return found


class RealWords:
    """Photographed words that were cut out already: `words.zip` and `labels.tsv` (file, text).

    Raises:
        UsageError: one of the two is missing or of another form.
    """

    def __init__(self, folder: str) -> None:
        root = Path(folder)
        try:
            lines = (root / "labels.tsv").read_text("utf-8").splitlines()
            with zipfile.ZipFile(root / "words.zip") as packed:
                there = set(packed.namelist())
        except (OSError, UnicodeDecodeError, zipfile.BadZipFile) as error:
            raise UsageError(
                f"Real words are read from words.zip and labels.tsv in {folder}: {error}."
            ) from error
        rows = [line.split("\t") for line in lines]
        self._entries = [
            (row[0], row[1]) for row in rows if len(row) > 1 and row[0] in there and _usable(row[1])
        ]
        if not self._entries:
            raise UsageError(f"{root / 'labels.tsv'} names no word of words.zip with its text.")
        self._folder = root

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, number: int, rng: Rng, jitter: float = 1.0) -> Strip | None:
        """Word `number` as a strip; None if it cannot be decoded, or runs downwards."""
        name, text = self._entries[number]
        with zipfile.ZipFile(self._folder / "words.zip") as packed:
            content = packed.read(name)
        decoded = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)
        if decoded is None:
            return None
        image = np.ascontiguousarray(decoded[:, :, ::-1])
        height, width = image.shape[:2]
        if height > 1.3 * width and len(text) > 2:
            return None
        place = np.array([width / 2, height / 2, width * 0.96, height * 0.85, 0.0], np.float32)
        return Strip(cut_strip(image, jittered(place, rng, jitter)), text)


def _usable(text: str) -> bool:
    spelled = key(text)
    return bool(spelled) and spelled.isascii() and " " not in text and len(text) <= LONGEST
