"""Word-image pairs to train on, from annotated data sets or rendered on the fly."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from sightread.errors import PictureError, UsageError
from sightread.methods.fdp.protocols.annotated import AnnotatedSet, Polygon
from sightread.preprocess import PreprocessSpec, fit_square, to_input
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

    def words(self) -> Counter[str]:
        """All words that may be asked for, and how often."""
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

    def words(self) -> Counter[str]:
        return Counter(word for _, word in self.pairs)

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
