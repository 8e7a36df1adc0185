"""Galleries of pictures with one word each, and ranking them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sightread.errors import UsageError
from sightread.lab.encoding import checked
from sightread.metrics import average_precision
from sightread.protocols import DualEncoder
from sightread.synth.plans import ScenePlan, WordPlan
from sightread.synth.scene import SceneRenderer
from sightread.synth.str_benchmark import FIRST_SEED
from sightread.tasks import RetrievalTask
from sightread.types import RGBImage, Vectors

Rng = np.random.Generator
_ATTEMPTS = 64
_CHUNK = 32


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture with one word. `height_px` is that of capitals; None: the renderer chooses."""

    word: str
    height_px: float | None
    seed: int


def draw_words(pool: Sequence[str], count: int, rng: Rng) -> list[str]:
    """Different words.

    Raises:
        UsageError: there are not as many.
    """
    if count > len(pool):
        raise UsageError(f"{count} words are wanted, and there are {len(pool)}: ask for fewer")
    return [pool[int(at)] for at in rng.permutation(len(pool))[:count]]


def render(renderer: SceneRenderer, picture: Picture, size_px: int) -> RGBImage:
    """The picture, (S, S, 3) uint8, in the first of a row of tries in which the word fits.

    Raises:
        UsageError: it fits in none.
    """
    plan = ScenePlan(size_px, (WordPlan(picture.word, None, picture.height_px),))
    for attempt in range(_ATTEMPTS):
        # Training uses seeds below FIRST_SEED.
        seed = FIRST_SEED + picture.seed * _ATTEMPTS + attempt
        if renderer.lay_out(plan, seed).words:
            return renderer.render(plan, seed).pixels
    raise UsageError(
        f"A picture of {size_px} px cannot hold {picture.word!r} at {picture.height_px} px: ask "
        "for shorter words or smaller heights."
    )


def word_task(
    name: str,
    queries: Sequence[str],
    pictures: Sequence[Picture],
    renderer: SceneRenderer,
    size_px: int,
    known: dict[Picture, RGBImage] | None = None,
) -> RetrievalTask:
    """Each query is answered by the pictures with this word.

    Args:
        known: rendered pictures, to which new ones are added.
    """
    kept = {} if known is None else known
    ids = {f"p{number:05d}": picture for number, picture in enumerate(pictures)}

    def load(one: str) -> RGBImage:
        picture = ids[one]
        if picture not in kept:
            kept[picture] = render(renderer, picture, size_px)
        return kept[picture]

    return RetrievalTask(
        name=name,
        queries={word: word for word in queries},
        gallery=tuple(ids),
        load=load,
        qrels={
            word: frozenset(one for one, picture in ids.items() if picture.word == word)
            for word in queries
        },
    )


def encode_queries(encoder: DualEncoder, texts: Sequence[str]) -> Vectors:
    """(n, D), in chunks."""
    parts = [
        checked(
            encoder.encode_texts(texts[at : at + _CHUNK]), len(texts[at : at + _CHUNK]), encoder
        )
        for at in range(0, len(texts), _CHUNK)
    ]
    return np.concatenate(parts)


def scores(queries: Vectors, gallery: Vectors) -> NDArray[np.float32]:
    """(Q, N) dot products, equal for equal vectors, as `lab.evaluate` has them."""
    exact = queries.astype(np.float64) @ gallery.astype(np.float64).T
    return exact.astype(np.float32)


def mean_precision(
    found: NDArray[np.float32], gallery: Sequence[str], relevant: Sequence[frozenset[str]]
) -> float:
    """mAP of scores (Q, N); `relevant` has the picture ids of each row, never none."""
    columns = {picture: at for at, picture in enumerate(gallery)}
    return float(
        np.mean(
            [
                average_precision(row, _marked(columns, right))
                for row, right in zip(found, relevant, strict=True)
            ]
        )
    )


def _marked(columns: Mapping[str, int], right: frozenset[str]) -> NDArray[np.bool_]:
    marks = np.zeros(len(columns), dtype=bool)
    marks[[columns[picture] for picture in right]] = True
    return marks
