"""Does a query use what it says besides the word: colour and object queries of `synth-str`.

    python -m benchmarks.fdp_studies.attributes --encoder MODEL_FOLDER

Three queries for the same answers: the full one ("red word taxi"), its word ("taxi"), and its
attribute ("red word"). "own mAP" of the word takes every picture with the word as an answer. For
the mistakes, the first places of each full query, as many as it has answers, are looked at: a wrong
picture there has the word, the attribute, neither, or both apart from each other.
"""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.fdp_studies.galleries import encode_queries, mean_precision, scores
from benchmarks.fdp_studies.models import choose_model, open_chosen
from benchmarks.fdp_studies.report import (
    Figure,
    Report,
    arguments,
    mean_and_spread,
    natural,
    positive,
    run,
    say,
)
from sightread.lab.encoding import encode_gallery
from sightread.protocols import DualEncoder
from sightread.synth.captions import a
from sightread.synth.plans import Scene
from sightread.synth.scene import SceneRenderer
from sightread.synth.str_benchmark import StrSettings, build
from sightread.synth.str_plans import Asked, Group

KINDS = ("right word, wrong attribute", "wrong word, right attribute", "both, but apart", "neither")
GROUPS: tuple[Group, ...] = ("colour", "object")


def parser() -> ArgumentParser:
    found = arguments(__doc__)
    choose_model(found, folder=True)
    found.add_argument("--queries", type=positive, default=24, help="per group")
    found.add_argument("--others", type=natural, default=200)
    found.add_argument("--size", type=positive, default=160, help="of the pictures, px")
    return found


@dataclass(frozen=True, slots=True)
class Gallery:
    """What each picture shows, and what is asked. `shown` and `right` are by picture and query
    id."""

    vectors: NDArray[np.float32]
    ids: tuple[str, ...]
    shown: Mapping[str, Scene]
    asked: Mapping[str, Asked]
    right: Mapping[str, frozenset[str]]


def study(asked: Namespace) -> Report:
    """Quality and mistakes of each group.

    Raises:
        ModelError, UsageError: the model or a number cannot be used.
    """
    encoder = open_chosen(asked)
    found: dict[tuple[str, str], list[tuple[float, float]]] = {}
    wrong: dict[str, Counter[str]] = {group: Counter() for group in GROUPS}
    for seed in asked.seeds:
        settings = StrSettings(
            asked.size, seed=seed, queries=asked.queries, others=asked.others, groups=GROUPS
        )
        gallery = prepare(encoder, settings)
        for group in GROUPS:
            ids = [query for query, one in gallery.asked.items() if one.group == group]
            for name, quality in qualities(encoder, gallery, ids).items():
                found.setdefault((group, name), []).append(quality)
            wrong[group] += mistakes(encoder, gallery, ids)
            say(f"seed {seed}, {group}: {found[group, 'full'][-1][0]:.3f}")
    rows = [row(group, name, values) for (group, name), values in found.items()]
    return Report(
        study="attributes",
        columns=("group", "query", "mAP", "spread", "own mAP"),
        rows=rows,
        models={"encoder": encoder.spec.revision},
        figure=figure(rows),
        found={f"mistakes of {group}": shares(counts) for group, counts in wrong.items()},
    )


def prepare(encoder: DualEncoder, settings: StrSettings) -> Gallery:
    """Render and encode the gallery."""
    made = build(settings)
    renderer = SceneRenderer(replace(settings.scene, heights=settings.heights))
    # Rendered here, since the truth of the benchmark leaves some colours open.
    scenes = {name: renderer.render(one.plan, one.seed) for name, one in made.shown.items()}
    task = replace(made.task, load=lambda picture: scenes[picture].pixels)
    vectors = encode_gallery(encoder, task).vectors
    return Gallery(vectors, task.gallery, scenes, made.asked, task.qrels)


def word_of(asked: Asked) -> str:
    return " ".join(asked.words)


def attribute_of(asked: Asked) -> str:
    """The query without its word."""
    return a(asked.thing) if asked.thing is not None else f"{asked.colour} word"


PARTS: dict[str, Callable[[Asked], str]] = {
    "full": lambda asked: asked.text,
    "word": word_of,
    "attribute": attribute_of,
}


def qualities(
    encoder: DualEncoder, gallery: Gallery, ids: Sequence[str]
) -> dict[str, tuple[float, float]]:
    """Part of the query -> mAP for the full query's answers, and for its own ones."""
    found: dict[str, tuple[float, float]] = {}
    answers = [gallery.right[query] for query in ids]
    for name, part in PARTS.items():
        texts = [part(gallery.asked[query]) for query in ids]
        ranked = scores(encode_queries(encoder, texts), gallery.vectors)
        own = [_own(name, query, gallery) for query in ids]
        found[name] = (
            mean_precision(ranked, gallery.ids, answers),
            mean_precision(ranked, gallery.ids, own),
        )
    return found


def _own(part: str, query: str, gallery: Gallery) -> frozenset[str]:
    """The pictures that have this part of what is asked."""
    if part == "full":
        return gallery.right[query]
    has = has_word if part == "word" else has_attribute
    asked = gallery.asked[query]
    return frozenset(name for name, scene in gallery.shown.items() if has(asked, scene))


def has_word(asked: Asked, scene: Scene) -> bool:
    """Whether the word stands in the picture, in any colour."""
    return asked.words[0] in _texts(scene.words)


def has_attribute(asked: Asked, scene: Scene) -> bool:
    """Whether the thing, or any word of the colour, is in the picture."""
    if asked.thing is not None:
        return asked.thing in {thing.name for thing in scene.objects}
    return asked.colour in {word.colour for word in scene.words}


def _texts(words: Iterable[Any]) -> set[str]:
    return {word.text.lower() for word in words}


def mistakes(encoder: DualEncoder, gallery: Gallery, ids: Sequence[str]) -> Counter[str]:
    """What the wrong pictures in the first places of the full queries have."""
    texts = [gallery.asked[query].text for query in ids]
    ranked = scores(encode_queries(encoder, texts), gallery.vectors)
    found: Counter[str] = Counter()
    for query, line in zip(ids, ranked, strict=True):
        right = gallery.right[query]
        for at in np.argsort(-line, kind="stable")[: len(right)]:
            picture = gallery.ids[int(at)]
            if picture not in right:
                found[kind_of(gallery.asked[query], gallery.shown[picture])] += 1
    return found


def kind_of(asked: Asked, scene: Scene) -> str:
    """One of `KINDS`, for a picture that is no answer."""
    word, attribute = has_word(asked, scene), has_attribute(asked, scene)
    if word and attribute:
        return KINDS[2]
    return KINDS[0] if word else KINDS[1] if attribute else KINDS[3]


def shares(counts: Counter[str]) -> dict[str, float | int]:
    """The shares of all kinds, and how many mistakes there were."""
    total = sum(counts.values())
    found: dict[str, float | int] = {kind: round(counts[kind] / max(1, total), 4) for kind in KINDS}
    return {**found, "mistakes": total}


def row(group: str, name: str, values: Sequence[tuple[float, float]]) -> dict[str, Any]:
    """One line of the table."""
    mean, spread = mean_and_spread([quality for quality, _ in values])
    own, _ = mean_and_spread([quality for _, quality in values])
    return {
        "group": group,
        "query": name,
        "mAP": mean,
        "spread": spread,
        "own mAP": own,
    }


def figure(rows: Sequence[dict[str, Any]]) -> Figure:
    """mAP of every part, a series per group."""
    bars: dict[str, dict[str, float | None]] = {}
    for one in rows:
        bars.setdefault(one["group"], {})[one["query"]] = one["mAP"]
    return Figure("Words with attributes", "query", "mAP for the full query's answers", bars=bars)


if __name__ == "__main__":
    sys.exit(run(study, parser()))
