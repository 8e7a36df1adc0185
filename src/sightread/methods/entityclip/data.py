"""What EntityCLIP learns from and is measured on: pairs of a picture and a caption, by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Literal

import numpy as np

from sightread.errors import PictureError, UsageError
from sightread.methods.entityclip.explanations import Explanation, Explanations
from sightread.methods.entityclip.protocols.goodnews import GOODNEWS
from sightread.methods.entityclip.protocols.n24news import N24NEWS
from sightread.methods.entityclip.protocols.news import NewsReader, NewsSet
from sightread.methods.entityclip.protocols.visualnews import VISUALNEWS
from sightread.synth.entities import (
    CAPTIONS,
    KIND,
    EntitySettings,
    ShownEntity,
    SynthEntity,
    build_entities,
)
from sightread.tasks import RetrievalTask
from sightread.types import RGBImage

Split = Literal["train", "val", "test"]
RENDERED = "synth-entity"
READERS: Mapping[str, NewsReader] = {
    reader.name: reader for reader in (N24NEWS, VISUALNEWS, GOODNEWS)
}
_TRIES = 64


@dataclass(frozen=True, slots=True)
class Pair:
    """A picture and its caption. Pairs with one `key` say or show the same: none is a wrong answer
    to another. `load` gives the picture, and may raise `PictureError`."""

    id: str
    caption: str
    key: str
    load: Callable[[], RGBImage]


@dataclass(frozen=True, slots=True)
class Pairs:
    """Training or held-out pairs with what is known about their entities. `templates` are captions
    with {name} in them, for entities that no caption names."""

    name: str
    pairs: tuple[Pair, ...]
    known: Explanations
    templates: tuple[str, ...] = ("a photo of {name}",)

    def get(self, index: int, rng: np.random.Generator) -> tuple[Pair, RGBImage]:
        """Pair `index`; if its picture cannot be decoded, another one.

        Raises:
            UsageError: many in a row cannot.
        """
        for _ in range(_TRIES):
            pair = self.pairs[index]
            try:
                return pair, pair.load()
            except PictureError as error:
                reason = error
            index = int(rng.integers(len(self.pairs)))
        raise UsageError(
            f"{_TRIES} pictures of {self.name} in a row cannot be decoded, the last one because "
            f"{reason}."
        )


# --- training ----------------------------------------------------------------------------------


def entity_pairs(settings: EntitySettings, split: Split, known: Explanations | None) -> Pairs:
    """Pairs of `synth-entity`; its own explanations unless others are given."""
    made = build_entities(settings)
    shown = made.train if split == "train" else made.shown(split)
    told = explanations_of(made) if known is None else known
    return Pairs(RENDERED, tuple(map(_entity_pair, shown)), told, CAPTIONS)


def explanations_of(made: SynthEntity) -> Explanations:
    """What is said of each entity of `synth-entity`."""
    return Explanations(
        [Explanation(one.name, one.explanation, RENDERED, KIND) for one in made.entities]
    )


def _entity_pair(one: ShownEntity) -> Pair:
    # Every caption of an entity says the same of every picture of it.
    return Pair(one.id, one.caption, one.entity.name, cache(one.load))


def news_pairs(name: str, root: Path, split: Split, known: Explanations | None) -> Pairs:
    """Pairs of a data set on disk; the explanations that lie beside it unless others are given.

    Raises:
        UsageError: the data set is not there or not in its form, or it has no pairs.
    """
    found = READERS[name].read(root, split)
    pairs = tuple(
        Pair(one.id, one.caption, one.caption, _loader(found, one.id)) for one in found.pairs
    )
    return Pairs(name, pairs, found.known if known is None else known)


def _loader(found: NewsSet, picture: str) -> Callable[[], RGBImage]:
    return lambda: found.load(picture)


# --- measuring ---------------------------------------------------------------------------------

BENCHMARKS: tuple[str, ...] = (*READERS, RENDERED)


def open_benchmark(
    name: str, root: Path | None, settings: EntitySettings | None = None
) -> RetrievalTask:
    """The test of this name: each caption looks for its picture among all of them.

    Raises:
        UsageError: no such name, or the data set is not there or not in its form.
    """
    if name not in BENCHMARKS:
        raise UsageError(f"There is no benchmark {name!r}; there are: {', '.join(BENCHMARKS)}.")
    if name == RENDERED:
        return build_entities(settings or EntitySettings()).task()
    reader = READERS[name]
    if root is None:
        raise UsageError(
            f"{name} is read from disk: name its folder with --root; in it: {reader.layout}."
        )
    return reader.read(root, "test").task()


def with_explanations(task: RetrievalTask, known: Explanations) -> RetrievalTask:
    """The task with the explanation of each caption for a query, the caption's own where it has
    none: what is added to captions when they are asked together."""
    texts = {key: known.of(text, key) or text for key, text in task.queries.items()}
    return replace(task, queries=texts)


def training_pairs(
    name: str,
    root: str,
    settings: EntitySettings,
    split: Split,
    known: Explanations | None,
) -> Pairs:
    """The pairs of a run.

    Raises:
        UsageError: the data set is not there or not in its form.
    """
    if name == RENDERED:
        return entity_pairs(settings, split, known)
    if not root:
        raise UsageError(f"training on {name} needs its folder: name it with --set method.root=")
    return news_pairs(name, Path(root), split, known)


def some(pairs: Sequence[Pair], most: int, seed: int = 0) -> list[Pair]:
    """At most so many of them, always the same ones."""
    if len(pairs) <= most:
        return list(pairs)
    chosen = np.random.default_rng([seed, 15]).permutation(len(pairs))[:most]
    return [pairs[at] for at in sorted(chosen)]
