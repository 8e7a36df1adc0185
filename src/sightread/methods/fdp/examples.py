"""Word-image pairs to train on, from annotated data sets or rendered on the fly."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

import numpy as np

from sightread.errors import PictureError, UsageError
from sightread.methods.fdp.protocols.annotated import AnnotatedSet, Polygon
from sightread.preprocess import PreprocessSpec, fit_square, to_input
from sightread.synth.plans import Scene
from sightread.synth.scene import SceneRenderer
from sightread.synth.str_benchmark import FIRST_SEED, StrSettings, training_plan
from sightread.synth.vocabulary import training_lexicon, words_of_two_kinds
from sightread.types import RGBImage

Rng = np.random.Generator


@dataclass(frozen=True, slots=True)
class Example:
    """One word-image pair: `square` is (S, S, 3) uint8, not normalised; polygons are in its
    pixels; `picture` is equal for pairs of one picture."""

    square: RGBImage
    word: str
    texts: tuple[Polygon, ...]
    ignored: tuple[Polygon, ...]
    picture: int


class Examples(Protocol):
    """What the recipe needs of a data set."""

    def __len__(self) -> int:
        """Pairs in one epoch."""
        ...

    def words(self, most: int) -> list[str]:
        """The words that are parted in two kinds, `most` at most, unless a file names others."""
        ...

    def lexicon(self) -> Sequence[str]:
        """The strings that distractors come from, unless a file names others."""
        ...

    def get(self, index: int, rng: Rng) -> Example:
        """Pair number `index`; what is left open is drawn from `rng`."""
        ...


class AnnotatedExamples:
    """One pair per word instance of a data set on disk (section 2.1).

    Args:
        pictures: the data set.
        lexicon: words that may be asked for; None: all.
        spec: how pictures become square.
    """

    def __init__(
        self, pictures: AnnotatedSet, lexicon: frozenset[str] | None, spec: PreprocessSpec
    ) -> None:
        self.pictures, self.spec = pictures.pictures, spec
        self.pairs = [
            (at, word)
            for at, picture in enumerate(self.pictures)
            for word in picture.words(lexicon)
        ]
        if not self.pairs:
            raise UsageError(
                f"{pictures.name} has no word of three or more Latin letters that is in the "
                "lexicon: name another lexicon, or none"
            )

    def __len__(self) -> int:
        return len(self.pairs)

    def words(self, most: int) -> list[str]:
        """The most frequent ones."""
        return [word for word, _ in Counter(word for _, word in self.pairs).most_common(most)]

    def lexicon(self) -> Sequence[str]:
        return self.words(len(self.pairs))

    def get(self, index: int, rng: Rng) -> Example:
        """A picture that cannot be decoded is replaced by another one."""
        for _ in range(100):
            at, word = self.pairs[index]
            try:
                pixels = self.pictures[at].load()
            except PictureError:
                index = int(rng.integers(len(self.pairs)))
                continue
            return self._example(at, word, pixels)
        raise UsageError("a hundred pictures in a row cannot be decoded: check the data set")

    def _example(self, at: int, word: str, pixels: RGBImage) -> Example:
        height, width = pixels.shape[:2]

        def placed(polygon: Polygon) -> Polygon:
            points = to_input(np.asarray(polygon), width, height, self.spec)
            return tuple((float(x), float(y)) for x, y in points)

        picture = self.pictures[at]
        texts = tuple(placed(text.corners) for text in picture.texts)
        ignored = tuple(placed(polygon) for polygon in picture.ignored)
        return Example(fit_square(pixels, self.spec), word, texts, ignored, at)


class RenderedExamples:
    """Pictures in the distribution of `synth-str`, each rendered once and kept; one pair each.

    Args:
        count: how many pictures.
        size_px: their side.
        seed: of what they show.
        typefaces, backgrounds: as for `SceneRenderer`.
    """

    def __init__(
        self,
        count: int,
        size_px: int,
        seed: int,
        typefaces: Sequence[Path] | None = None,
        backgrounds: Sequence[Path] = (),
    ) -> None:
        self.count, self.seed = count, seed
        self.settings = StrSettings(size_px=size_px, split="train", seed=seed)
        scene = replace(self.settings.scene, heights=self.settings.heights)
        self.renderer = SceneRenderer(scene, typefaces, backgrounds)
        self._scenes: dict[int, Scene] = {}

    def __len__(self) -> int:
        return self.count

    def words(self, most: int) -> list[str]:
        """Of both kinds as many, of equal lengths (docs/decisions/0006)."""
        return list(words_of_two_kinds()[:most])

    def lexicon(self) -> Sequence[str]:
        return training_lexicon()

    def scene(self, index: int) -> Scene:
        """Picture number `index`, with a word in it."""
        if index not in self._scenes:
            rng = np.random.default_rng([self.seed, 3, index])
            while True:
                plan = training_plan(rng, self.settings)
                scene = self.renderer.render(plan, int(rng.integers(FIRST_SEED)))
                if scene.words:
                    break
            self._scenes[index] = scene
        return self._scenes[index]

    def get(self, index: int, rng: Rng) -> Example:
        scene = self.scene(index)
        phrases = sorted({word.phrase for word in scene.words})
        chosen = phrases[int(rng.integers(len(phrases)))]
        text = " ".join(word.text.lower() for word in scene.words if word.phrase == chosen)
        polygons = tuple(word.polygon for word in scene.words)
        return Example(scene.pixels, text, polygons, (), index)


def word_list(path: str, examples: Examples, most: int = 500) -> list[str]:
    """The words to cluster: those of a file, one per line, or what the examples propose.

    Raises:
        UsageError: the file cannot be read, or has no words.
    """
    if not path:
        return examples.words(most)
    return read_words(Path(path))


def read_words(path: Path) -> list[str]:
    """Words of a text file, one per line, lower case, in order, each once.

    Raises:
        UsageError: the file cannot be read as UTF-8 text, or has no words.
    """
    try:
        lines = path.read_text("utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"the word list {path} cannot be read: {error}") from error
    words = list(dict.fromkeys(line.strip().lower() for line in lines if line.strip()))
    if not words:
        raise UsageError(f"the word list {path} has no words: one is expected on each line")
    return words
