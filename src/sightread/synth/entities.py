"""`synth-entity`: a benchmark of named entities that is rendered.

    made = build_entities(EntitySettings(seed=1))
    made.task(draw=0)

An entity has a name and a look, an emblem. Captions only name it ("members of Vola Rano meet near
the river"), explanations describe it, and pictures show it. There are three groups:

* `head`: several training pictures of each;
* `tail`: two;
* `told`: none; these are known through their explanation alone.

A test is one fresh picture and one caption of every entity (papers/entityclip section 13). The
emblems of entities are among the first 2,000 of the order of `emblems.every_emblem`; what a
backbone learns from are the others (`described_pictures`), so that it knows looks but no entity.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np

from sightread.errors import PictureError, UsageError
from sightread.synth.emblems import (
    HUES,
    PATTERNS,
    SHAPES,
    SIZE_PX,
    SYMBOLS,
    Emblem,
    describe,
    draw_emblem,
    every_emblem,
)
from sightread.tasks import RetrievalTask
from sightread.types import RGBImage

Group = Literal["head", "tail", "told"]
GROUPS: tuple[Group, ...] = ("head", "tail", "told")
RESERVED = 2000
"""So many emblems are kept for entities."""
KIND = "the society"
"""What an entity is, in the place of its name."""

CAPTIONS = (
    "members of {name} meet near the river",
    "{name} opens a new house in the city",
    "a parade of {name} in the rain",
    "the flag of {name} over the old town",
    "{name} wins the game on sunday",
    "visitors wait for {name} at the harbour",
)
EXPLANATION = "{name} is known for {look}"
DESCRIPTIONS = (
    "{look}",
    "a picture of {look}",
    "{look} in the city",
    "a sign with {look}",
    "a {field} {shape} bearing a {symbol_hue} {symbol}",
    "a {pattern} {shape} with a {edge} edge",
    "a {symbol_hue} {symbol} in a {field} {shape}",
)
"""What a backbone is told of an emblem; the last three leave something out."""

_TRAIN, _VALIDATION, _TEST = 1, 2, 3
_SPLITS = {"val": _VALIDATION, "test": _TEST}
_SEEDS = 2**20


@dataclass(frozen=True, slots=True)
class EntitySettings:
    """How many entities of each group, how many training pictures of each, and the seed that
    chooses looks, names, pictures and captions."""

    seed: int = 0
    head: int = 60
    tail: int = 80
    told: int = 60
    head_pictures: int = 8
    tail_pictures: int = 2
    size_px: int = SIZE_PX


@dataclass(frozen=True, slots=True)
class Entity:
    """`name` is two made-up words."""

    name: str
    emblem: Emblem
    group: Group

    @property
    def explanation(self) -> str:
        """`Vola Rano is known for a striped red shield with ...`."""
        return EXPLANATION.format(name=self.name, look=describe(self.emblem))


@dataclass(frozen=True, slots=True)
class ShownEntity:
    """A picture of an entity and what is written under it. The picture is drawn from the seed."""

    id: str
    entity: Entity
    caption: str
    seed: int
    size_px: int

    def load(self) -> RGBImage:
        """(size, size, 3)."""
        return draw_emblem(self.entity.emblem, self.seed, self.size_px)


@dataclass(frozen=True, slots=True)
class SynthEntity:
    """The entities and the training pictures."""

    settings: EntitySettings
    entities: tuple[Entity, ...]
    train: tuple[ShownEntity, ...]

    def shown(self, split: Literal["val", "test"], draw: int = 0) -> tuple[ShownEntity, ...]:
        """One fresh picture and caption of every entity; each `draw` gives others."""
        return tuple(
            _show(self.settings, entity, number, _SPLITS[split], draw)
            for number, entity in enumerate(self.entities)
        )

    def task(self, split: Literal["val", "test"] = "test", draw: int = 0) -> RetrievalTask:
        """Captions that look for their picture among those of all entities."""
        by_id = {one.id: one for one in self.shown(split, draw)}

        def load(picture: str) -> RGBImage:
            if picture not in by_id:
                raise PictureError(f"synth-entity has no picture {picture!r} in this gallery.")
            return by_id[picture].load()

        return RetrievalTask(
            name="synth-entity",
            queries={key: one.caption for key, one in by_id.items()},
            gallery=tuple(by_id),
            load=load,
            qrels={key: frozenset([key]) for key in by_id},
            groups={key: one.entity.group for key, one in by_id.items()},
        )


def build_entities(settings: EntitySettings) -> SynthEntity:
    """The benchmark of these settings; the same object for the same ones.

    Raises:
        UsageError: a number is not possible.
    """
    return _build(settings)


@lru_cache(maxsize=8)
def _build(settings: EntitySettings) -> SynthEntity:
    counts = {"head": settings.head, "tail": settings.tail, "told": settings.told}
    total = sum(counts.values())
    pictures = min(settings.head_pictures, settings.tail_pictures)
    if settings.seed < 0 or min(counts.values()) < 0 or pictures < 1 or settings.size_px < 16:
        raise UsageError(
            "synth-entity needs a seed and groups of 0 or more, 1 or more pictures of each entity "
            f"that is shown, and pictures of 16 px or more; these settings are {settings}."
        )
    if not 2 <= total <= RESERVED // 2:
        raise UsageError(
            f"synth-entity can have 2 to {RESERVED // 2:,} entities, not {total:,}: change head, "
            "tail and told."
        )
    rng = np.random.default_rng([settings.seed, 12])
    looks = rng.permutation(RESERVED)[:total]
    first, last = name_words()
    names = rng.permutation(len(first) * len(last))[:total]
    groups = [group for group in GROUPS for _ in range(counts[group])]
    entities = tuple(
        Entity(f"{first[name // len(last)]} {last[name % len(last)]}", every_emblem()[look], group)
        for name, look, group in zip(names, looks, groups, strict=True)
    )
    copies = {"head": settings.head_pictures, "tail": settings.tail_pictures, "told": 0}
    train = tuple(
        _show(settings, entity, number, _TRAIN, copy)
        for number, entity in enumerate(entities)
        for copy in range(copies[entity.group])
    )
    return SynthEntity(settings, entities, train)


def _show(
    settings: EntitySettings, entity: Entity, number: int, split: int, copy: int
) -> ShownEntity:
    rng = np.random.default_rng([settings.seed, 13, split, copy, number])
    caption = CAPTIONS[int(rng.integers(len(CAPTIONS)))].format(name=entity.name)
    name = {_TRAIN: "train", _VALIDATION: "val", _TEST: "test"}[split]
    picture = int(rng.integers(_SEEDS)) * 4 + split  # no two splits share a picture
    return ShownEntity(f"{name}-{copy}-{number:04d}", entity, caption, picture, settings.size_px)


# --- words -------------------------------------------------------------------------------------


@lru_cache(maxsize=1)
def name_words() -> tuple[tuple[str, ...], tuple[str, ...]]:
    """40 first and 40 last words of names: pronounceable, never the words of anything else."""
    rng = np.random.default_rng(80)
    known = set(plain_words())
    found: list[str] = []
    while len(found) < 80:
        letters = ["bdfgklmnprstvz", "aeiou", "lmnrst", "aeiou"]
        word = "".join(one[int(rng.integers(len(one)))] for one in letters)
        if word not in known:
            known.add(word)
            found.append(word)
    return tuple(found[:40]), tuple(found[40:])


def plain_words() -> list[str]:
    """Every word of captions, explanations and descriptions but names, sorted."""
    texts = [*CAPTIONS, EXPLANATION, *DESCRIPTIONS, KIND, describe(every_emblem()[0])]
    words = {word for text in texts for word in text.split() if "{" not in word}
    return sorted(words.union(SHAPES, SYMBOLS, PATTERNS, HUES))


def vocabulary() -> tuple[str, ...]:
    """Every word of the benchmark: what a tokeniser of whole words has to know."""
    first, last = name_words()
    return (*plain_words(), *first, *last)


# --- for a backbone ----------------------------------------------------------------------------


def describe_freely(emblem: Emblem, rng: np.random.Generator) -> str:
    """A description for a backbone; about half of them say everything."""
    form = DESCRIPTIONS[int(rng.integers(len(DESCRIPTIONS)))]
    parts: Mapping[str, str] = {
        "look": describe(emblem),
        "pattern": emblem.pattern,
        "field": emblem.field,
        "shape": emblem.shape,
        "edge": emblem.edge,
        "symbol_hue": emblem.symbol_hue,
        "symbol": emblem.symbol,
    }
    return form.format(**parts)


def emblems_of_none() -> Sequence[Emblem]:
    """All emblems that are no entity's, whatever the seed."""
    return every_emblem()[RESERVED:]
