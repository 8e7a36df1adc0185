"""`synth-str`: a scene-text retrieval benchmark that is rendered, with queries sorted into groups.

    task = synth_str(StrSettings(split="val", queries=8))

The pictures are rendered when they are loaded, each from its own seed, so that a task is small and
always the same for the same settings, faces and backgrounds. Words of the gallery count as
written wherever they stand, also where they were added by chance. Which words are held out for the
test is in `vocabulary`; training draws `training_plan` and renders it with `renderer_for` and seeds
below `FIRST_SEED`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import numpy as np

from sightread.errors import PictureError, UsageError
from sightread.synth.layout import Layout
from sightread.synth.paint import written
from sightread.synth.plans import ScenePlan, WrittenWord
from sightread.synth.scene import SceneRenderer
from sightread.synth.str_plans import (
    GROUPS,
    Asked,
    StrSettings,
    Wanted,
    answers,
    distractors,
    draw_queries,
    plan,
    training_plan,
    training_words,
)
from sightread.tasks import RetrievalTask
from sightread.types import RGBImage

__all__ = [
    "FIRST_SEED",
    "GROUPS",
    "Shown",
    "StrSettings",
    "SynthStr",
    "build",
    "heights",
    "renderer_for",
    "synth_str",
    "training_plan",
    "training_words",
]

FIRST_SEED = 2**32
"""No picture of a gallery has a smaller seed."""
_SPLITS = ("train", "val", "test")
_ATTEMPTS = 32


@dataclass(frozen=True, slots=True)
class Shown:
    """What a picture of the gallery is made from and shows. The colour of a word is "" where the
    renderer is free to choose it."""

    plan: ScenePlan
    seed: int
    words: tuple[WrittenWord, ...]
    things: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SynthStr:
    """The task, what each query asks, what each picture shows, and how tall the answers are.

    `heights` is query id -> picture id -> height of capitals, in pixels, of the tallest writing
    that answers the query, for the relevant pictures.
    """

    task: RetrievalTask
    asked: Mapping[str, Asked]
    shown: Mapping[str, Shown]
    heights: Mapping[str, Mapping[str, float]]


def synth_str(
    settings: StrSettings | None = None,
    typefaces: Sequence[Path] | None = None,
    backgrounds: Sequence[Path] = (),
) -> RetrievalTask:
    """The benchmark as a task; arguments as for `SceneRenderer`.

    Raises:
        UsageError: no faces, unknown names, more queries than words, or a picture that cannot
            hold the words it is meant to show.
    """
    return build(settings or StrSettings(), typefaces, backgrounds).task


def heights(
    settings: StrSettings,
    typefaces: Sequence[Path] | None = None,
    backgrounds: Sequence[Path] = (),
) -> Mapping[str, Mapping[str, float]]:
    """How tall the answers of the task with these arguments are: see `SynthStr.heights`."""
    return build(settings, typefaces, backgrounds).heights


def build(
    settings: StrSettings,
    typefaces: Sequence[Path] | None = None,
    backgrounds: Sequence[Path] = (),
) -> SynthStr:
    """The benchmark with all that is known about it; the same object for the same arguments.

    Raises:
        UsageError: as `synth_str`.
    """
    faces = None if typefaces is None else tuple(typefaces)
    return _build(settings, faces, tuple(backgrounds))


def renderer_for(
    settings: StrSettings,
    typefaces: Sequence[Path] | None = None,
    backgrounds: Sequence[Path] = (),
) -> SceneRenderer:
    """The renderer of the gallery, for training scenes of the same distribution.

    Raises:
        UsageError: as `SceneRenderer`.
    """
    scene = replace(settings.scene, heights=settings.heights)
    return SceneRenderer(scene, typefaces, backgrounds)


@lru_cache(maxsize=4)
def _build(
    settings: StrSettings, typefaces: tuple[Path, ...] | None, backgrounds: tuple[Path, ...]
) -> SynthStr:
    _check(settings)
    renderer = renderer_for(settings, typefaces, backgrounds)
    rng = np.random.default_rng([settings.seed, _SPLITS.index(settings.split)])
    asked = {f"q{i:04d}": query for i, query in enumerate(draw_queries(settings, rng))}
    wanted = _gallery(settings, list(asked.values()), rng)
    # Where a colour is asked for, the truth must know the colour of every such word.
    coloured = {word for query in asked.values() if query.colour for word in query.words}
    shown = {
        f"{settings.split}-{number:05d}": _picture(number, *one, settings, renderer, coloured)
        for number, one in enumerate(wanted)
    }
    tall = {
        name: {
            picture: height
            for picture, content in shown.items()
            if (height := _answer_height(query, content)) is not None
        }
        for name, query in asked.items()
    }

    def load(picture: str) -> RGBImage:
        if picture not in shown:
            raise PictureError(f"synth-str has no picture {picture!r} in this gallery.")
        return renderer.render(shown[picture].plan, shown[picture].seed).pixels

    task = RetrievalTask(
        name="synth-str",
        queries={name: query.text for name, query in asked.items()},
        gallery=tuple(shown),
        load=load,
        qrels={name: frozenset(found) for name, found in tall.items()},
        groups={name: query.group for name, query in asked.items()},
    )
    return SynthStr(task, asked, shown, tall)


def _gallery(
    settings: StrSettings, asked: Sequence[Asked], rng: np.random.Generator
) -> list[tuple[Wanted, tuple[str, ...]]]:
    """What each picture must show, and the words that must not be added to it."""
    wanted: list[tuple[Wanted, tuple[str, ...]]] = []
    for query in asked:
        wanted += [(answers(query), query.words)] * settings.positives
        wanted += [(mistake, query.words) for mistake in distractors(query, settings, rng)]
    return wanted + [(Wanted(), ())] * settings.others


def _picture(
    number: int,
    wanted: Wanted,
    but: tuple[str, ...],
    settings: StrSettings,
    renderer: SceneRenderer,
    coloured: set[str],
) -> Shown:
    """A picture that shows what is wanted: the first of a row of tries that fits."""
    stream = settings.seed * len(_SPLITS) + _SPLITS.index(settings.split)
    for attempt in range(_ATTEMPTS):
        seed = FIRST_SEED + ((stream << 20) + number) * _ATTEMPTS + attempt
        scene = plan(wanted, settings, np.random.default_rng([seed, 2]), but, coloured)
        shown = _shown(scene, seed, renderer.lay_out(scene, seed))
        if _fits(wanted, shown):
            return shown
    texts = ", ".join(" ".join(text) for text, _ in wanted.words) or "no words"
    raise UsageError(
        f"A picture of {settings.size_px} px cannot hold {texts} at text heights of "
        f"{settings.heights[0] * settings.size_px:.0f} px and more: ask for larger pictures or "
        "smaller text."
    )


def _shown(scene: ScenePlan, seed: int, layout: Layout) -> Shown:
    words = [w for placed in layout.words for w in written(placed, placed.plan.colour or "")]
    return Shown(scene, seed, tuple(words), tuple(thing.plan.name for thing in layout.objects))


def _fits(wanted: Wanted, shown: Shown) -> bool:
    present = {word.phrase for word in shown.words}
    return present.issuperset(range(len(wanted.words))) and set(wanted.things) <= set(shown.things)


def _answer_height(asked: Asked, shown: Shown) -> float | None:
    """Height of the tallest writing that answers the query; None if nothing does."""
    if asked.thing is not None and asked.thing not in shown.things:
        return None
    found = []
    size = len(asked.words)
    for start in range(len(shown.words) - size + 1):
        run = shown.words[start : start + size]
        same = tuple(word.text.lower() for word in run) == asked.words
        if (
            same
            and len({word.phrase for word in run}) == 1
            and asked.colour in (None, run[0].colour)
        ):
            found.append(min(word.height_px for word in run))
    return max(found, default=None)


def _check(settings: StrSettings) -> None:
    low, high = settings.heights
    if settings.split not in _SPLITS:
        raise UsageError(f"There is no split {settings.split!r}: name one of {', '.join(_SPLITS)}.")
    if settings.seed < 0 or settings.size_px < 32 or not 0 < low <= high < 1:
        raise UsageError(
            "synth-str needs a seed of 0 or more, pictures of 32 px or more and heights between 0 "
            f"and 1, not seed {settings.seed}, {settings.size_px} px and heights {low} to {high}."
        )
    unknown = set(settings.groups) - set(GROUPS)
    if unknown or min(settings.queries, settings.positives) < 1:
        raise UsageError(
            f"synth-str needs one query, one positive and groups among {', '.join(GROUPS)}, not "
            f"{settings.queries}, {settings.positives} and {', '.join(settings.groups)}."
        )
