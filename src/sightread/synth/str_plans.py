"""Which pictures the synthetic scene-text benchmark and its training are made of.

Every group of queries has a form of picture that answers them and forms that nearly do. Training
draws from the answering forms with the seen words, so that it has the distribution of the gallery.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Literal, TypeVar

import numpy as np

from sightread.errors import UsageError
from sightread.synth.captions import colour_query, object_query
from sightread.synth.colours import NAMES
from sightread.synth.plans import VARIED, ObjectPlan, ScenePlan, SceneSettings, WordPlan
from sightread.synth.vocabulary import (
    drawable_words,
    every_word,
    function_words,
    look_alikes,
    numbers,
    phrases,
    seen_words,
    sign_words,
    unseen_words,
)

Rng = np.random.Generator
T = TypeVar("T")
Split = Literal["train", "val", "test"]
Group = Literal["seen", "unseen", "look-alike", "function", "content", "phrase", "colour", "object"]
GROUPS: tuple[Group, ...] = (
    "seen",
    "unseen",
    "look-alike",
    "function",
    "content",
    "phrase",
    "colour",
    "object",
)
SMALLEST, LARGEST = 6 / 160, 64 / 160
"""Heights of text as fractions of the side: 6 to 64 px in a picture of 160 px."""


@dataclass(frozen=True, slots=True)
class StrSettings:
    """The synthetic scene-text benchmark.

    Each group asks `queries` words; each query is answered by `positives` pictures and mistaken in
    `distractors` made for it; `others` show something else or no text at all. `size_px` is the
    side of the pictures and everything scales with it; `heights` are fractions of it. Only the
    test split has unseen words. `scene.heights` is not used.
    """

    size_px: int = 160
    split: Split = "test"
    seed: int = 0
    queries: int = 24
    positives: int = 4
    distractors: int = 4
    others: int = 200
    heights: tuple[float, float] = (SMALLEST, LARGEST)
    groups: tuple[Group, ...] = GROUPS
    scene: SceneSettings = VARIED


@dataclass(frozen=True, slots=True)
class Asked:
    """A query as what it is about: `words` in one phrase, all of `colour`, beside `thing`."""

    group: Group
    words: tuple[str, ...]
    colour: str | None = None
    thing: str | None = None

    @property
    def text(self) -> str:
        """What a person types."""
        written = " ".join(self.words)
        if self.colour is not None:
            return colour_query(written, self.colour)
        return object_query(written, self.thing) if self.thing is not None else written


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a picture must show: phrases, of a colour if given, and things."""

    words: tuple[tuple[tuple[str, ...], str | None], ...] = ()
    things: tuple[str, ...] = ()


def draw_queries(settings: StrSettings, rng: Rng) -> list[Asked]:
    """The queries of all groups; no word is asked in two of them.

    Raises:
        UsageError: a group has fewer words than queries are wanted.
    """
    used: set[str] = set()
    asked: list[Asked] = []
    for group in groups_of(settings):
        found: list[Asked] = []
        for _ in range(100 + 50 * settings.queries):
            query = draw_query(group, rng)
            if len(found) < settings.queries and not used.intersection(query.words):
                used.update(query.words)
                found.append(query)
        if len(found) < settings.queries:
            raise UsageError(
                f"The group {group!r} of synth-str has words for {len(found)} queries of "
                f"{settings.queries}: ask for fewer queries."
            )
        asked += found
    return asked


def draw_query(group: Group, rng: Rng) -> Asked:
    """Any query of a group."""
    if group == "phrase":
        words = _drawn(_seen_phrases(), rng) if rng.random() < 0.3 else _combined(rng)
        return Asked(group, words)
    word = _drawn(_words_of(group), rng)
    colour = _drawn(NAMES, rng) if group == "colour" else None
    thing = _drawn([t for t in drawable_words() if t != word], rng) if group == "object" else None
    return Asked(group, (word,), colour, thing)


def groups_of(settings: StrSettings) -> tuple[Group, ...]:
    """The groups that a split has: only the test has unseen words."""
    return tuple(g for g in settings.groups if g != "unseen" or settings.split == "test")


def answers(asked: Asked) -> Wanted:
    """What a picture that answers the query shows."""
    things = (asked.thing,) if asked.thing is not None else ()
    return Wanted(((asked.words, asked.colour),), things)


def distractors(asked: Asked, settings: StrSettings, rng: Rng) -> list[Wanted]:
    """What the pictures show that a careless reader takes for answers."""
    mistakes = _MISTAKES.get(asked.group, _other_word)
    return [mistakes(asked, number, settings, rng) for number in range(settings.distractors)]


def plan(
    wanted: Wanted,
    settings: StrSettings,
    rng: Rng,
    but: Sequence[str] = (),
    coloured: Collection[str] = (),
) -> ScenePlan:
    """A scene that shows what is wanted, and a few other words and things.

    Args:
        but: words that must not be added.
        coloured: words of which no colour may stay open.
    """
    pool = every_word() if settings.split == "test" else seen_words()
    words = [
        WordPlan(
            " ".join(text),
            colour or _closed_colour(text, coloured, rng),
            draw_height(text, settings, rng),
        )
        for text, colour in wanted.words
    ]
    extra = int(rng.integers(3)) if len(words) < 2 else int(rng.integers(2))
    for _ in range(extra):
        word = pool[int(rng.integers(len(pool)))]
        if word not in but:
            words.append(WordPlan(word, _closed_colour((word,), coloured, rng)))
    things = [ObjectPlan(name) for name in wanted.things]
    if not things and rng.random() < 0.4:
        names = [name for name in drawable_words() if name not in but]
        things.append(ObjectPlan(names[int(rng.integers(len(names)))]))
    return ScenePlan(settings.size_px, tuple(words), tuple(things))


def _closed_colour(words: Sequence[str], coloured: Collection[str], rng: Rng) -> str | None:
    return _drawn(NAMES, rng) if any(word in coloured for word in words) else None


def draw_height(words: Sequence[str], settings: StrSettings, rng: Rng) -> float:
    """A height of capitals, in pixels, at which the longest word can fit across the picture."""
    low, high = (share * settings.size_px for share in settings.heights)
    # A letter is at most 1.1 times as wide as capitals are high, in all but the widest faces.
    high = max(low, min(high, settings.size_px / (1.1 * max(len(word) for word in words))))
    return float(low * (high / low) ** rng.random())


def training_words(settings: StrSettings) -> tuple[str, ...]:
    """The words that training shows; the unseen words of the test are not among them."""
    del settings  # every split and seed has the same
    return seen_words()


def training_plan(rng: Rng, settings: StrSettings) -> ScenePlan:
    """A scene as in the gallery, with seen words only."""
    settings = replace(settings, split="train")
    if rng.random() < 0.1:
        return plan(Wanted(), settings, rng)
    group = _drawn([group for group in settings.groups if group != "unseen"], rng)
    return plan(answers(draw_query(group, rng)), settings, rng)


def _other_word(asked: Asked, number: int, settings: StrSettings, rng: Rng) -> Wanted:
    """Another word of the same kind."""
    del number, settings
    return _showing(_drawn_but(_words_of(asked.group), asked.words, rng))


def _look_alike(asked: Asked, number: int, settings: StrSettings, rng: Rng) -> Wanted:
    """A string at edit distance 1, each time another as long as there are."""
    barred = unseen_words() if settings.split != "test" else ()
    # The same order for every number.
    near = look_alikes(asked.words[0], settings.distractors, np.random.default_rng(0), barred)
    return _showing(near[number % len(near)] if near else _drawn(seen_words(), rng))


def _drawn_instead(asked: Asked, number: int, settings: StrSettings, rng: Rng) -> Wanted:
    """The thing that the word names, beside another word."""
    del number, settings
    other = _drawn_but(_words_of("content"), asked.words, rng)
    return Wanted((((other,), None),), asked.words)


def _phrase_undone(asked: Asked, number: int, settings: StrSettings, rng: Rng) -> Wanted:
    """The words of the phrase apart, in another order, or one of them with others."""
    del settings
    words = asked.words
    if number % 3 == 0:
        return Wanted(tuple(((word,), None) for word in words))
    if number % 3 == 1:
        return Wanted((((*words[1:], words[0]), None),))
    changed = int(rng.integers(len(words)))
    other = _drawn_but(_short_words(), words, rng)
    return Wanted((((*words[:changed], other, *words[changed + 1 :]), None),))


def _coloured_otherwise(asked: Asked, number: int, settings: StrSettings, rng: Rng) -> Wanted:
    """The word in another colour, or another word in the colour."""
    del settings
    if number % 2 == 0:
        colour = _drawn([name for name in NAMES if name != asked.colour], rng)
        return Wanted(((asked.words, colour),))
    return Wanted((((_drawn_but(_words_of("colour"), asked.words, rng),), asked.colour),))


def _accompanied_otherwise(asked: Asked, number: int, settings: StrSettings, rng: Rng) -> Wanted:
    """The word with another thing, or another word with the thing."""
    del settings
    assert asked.thing is not None
    if number % 2 == 0:
        thing = _drawn_but(drawable_words(), (asked.thing, *asked.words), rng)
        return Wanted(((asked.words, None),), (thing,))
    other = _drawn_but(_words_of("object"), asked.words, rng)
    return Wanted((((other,), None),), (asked.thing,))


_MISTAKES: dict[Group, Callable[[Asked, int, StrSettings, Rng], Wanted]] = {
    "look-alike": _look_alike,
    "content": _drawn_instead,
    "phrase": _phrase_undone,
    "colour": _coloured_otherwise,
    "object": _accompanied_otherwise,
}


def _showing(word: str) -> Wanted:
    return Wanted((((word,), None),))


@cache
def _words_of(group: Group) -> tuple[str, ...]:
    """The words that a group may ask; those of two letters are too easily part of others."""
    seen, unseen = set(seen_words()), set(unseen_words())
    if group == "function":
        return tuple(word for word in function_words() if len(word) > 2 and word in seen)
    if group == "content":
        return drawable_words()
    both = (*sign_words(), *numbers())
    return tuple(
        word for word in both if len(word) > 2 and word in (unseen if group == "unseen" else seen)
    )


@cache
def _short_words() -> tuple[str, ...]:
    return tuple(word for word in _words_of("seen") if len(word) <= 6)


@cache
def _seen_phrases() -> tuple[tuple[str, ...], ...]:
    return tuple(words for words in phrases() if set(words) <= set(seen_words()))


def _combined(rng: Rng) -> tuple[str, ...]:
    """Two or three different short words."""
    words = [_drawn(_short_words(), rng) for _ in range(2 + int(rng.integers(2)))]
    return tuple(words) if len(set(words)) == len(words) else _combined(rng)


def _drawn(items: Sequence[T], rng: Rng) -> T:
    return items[int(rng.integers(len(items)))]


def _drawn_but(items: Sequence[str], but: Sequence[str], rng: Rng) -> str:
    return _drawn([item for item in items if item not in but], rng)
