"""EntityCLIP at the size of two processor cores: one row of the ordering table, from training to
figures.

Pictures are asked for in four ways: by the caption; by caption and explanation together (t + e);
and both with the first 20 pictures put into a new order by the trained matching head, whose weight
is chosen on other pictures than those of the test.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.fdp_small import exported, finished, say
from sightread.encoders.matching import OnnxMatcher
from sightread.lab.both_ways import find_ranks, query_vectors
from sightread.lab.settings import Run, TrainConfig
from sightread.lab.train import train
from sightread.methods.entityclip.config import EntityClipConfig
from sightread.methods.entityclip.data import explanations_of
from sightread.methods.entityclip.explanations import explanation_of
from sightread.methods.entityclip.recipe import ENTITYCLIP_METHOD, EntityClipRecipe
from sightread.protocols import DualEncoder
from sightread.search.again import reranked
from sightread.synth.entities import GROUPS, EntitySettings, ShownEntity, build_entities
from sightread.types import Vectors

TOP = 20
WEIGHTS = (0.1, 0.3, 0.6, 1.0)
"""Of the log odds of the head, against the scaled cosine."""
KS = (1, 5)

PAPER = EntityClipConfig(backbone="tiny-emblem")
PLAIN = replace(PAPER, expert_weight=0.0, gi_itm=False)
PLUS = replace(
    PAPER,
    image_sees_explanation=False,
    mask_names=True,
    matching_weight=1.0,
    fusion_weight=0.5,
    bridge_weight=2.0,
)

ROWS: dict[str, EntityClipConfig] = {
    "fine-tuned CLIP": PLAIN,
    "paper": PAPER,
    "paper without GI-ITM": replace(PAPER, gi_itm=False),
    "paper without MMAE": replace(PAPER, mmae=False),
    "paper, both weights 1": replace(PAPER, expert_weight=1.0, matching_weight=1.0),
    "bridge alone": replace(PLAIN, bridge_weight=2.0, mask_names=True),
    "plus": PLUS,
    "plus without GI-ITM": replace(PLUS, gi_itm=False),
    "plus without MMAE": replace(PLUS, mmae=False),
}
SINGLE: dict[str, EntityClipConfig] = {
    "paper, no explanations": replace(PAPER, explanations="none"),
    "paper, captions as explanations": replace(PAPER, explanations="caption"),
    "paper, explanations of 8 words": replace(PAPER, explanation_tokens=8),
    "paper, names masked": replace(PAPER, mask_names=True),
    "paper, no leak": replace(PAPER, image_sees_explanation=False),
    "paper, random negatives": replace(PAPER, negatives="random"),
    "paper, padding read": replace(PAPER, padding="attend"),
    "paper, only explanation experts": replace(PAPER, image_experts=0, text_experts=0),
    "paper, no explanation experts": replace(PAPER, explanation_experts=0),
    "paper, two experts of each": replace(
        PAPER, image_experts=2, explanation_experts=2, text_experts=2
    ),
}
"""One switch of the paper's preset changed, to be asked for besides the table."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What is done for one row and one seed. `draws` is how many tests there are."""

    work: Path
    clip: Path
    seed: int
    entities: EntitySettings
    epochs: int
    draws: int


def recipe(plan: Plan, model: EntityClipConfig) -> EntityClipRecipe:
    """The run of a row: new parameters learn three times as fast (A10)."""
    return EntityClipRecipe(
        model,
        clip=str(plan.clip),
        entities=replace(plan.entities, seed=plan.seed),
        batch=64,
        lr=3e-4,
        lr_new=3.0,
        validation_pairs=0,
    )


def steps(plan: Plan) -> int:
    """Of whole epochs."""
    pairs = len(build_entities(replace(plan.entities, seed=plan.seed)).train)
    return plan.epochs * max(1, pairs // min(64, pairs))


def train_row(plan: Plan, model: EntityClipConfig, folder: Path) -> DualEncoder:
    """Train and export; goes on where an earlier run stopped."""
    count = steps(plan)
    settings = TrainConfig(
        steps=count,
        seed=plan.seed,
        optimizer="adam",
        betas=(0.9, 0.999),
        eps=1e-8,
        schedule="cosine",
        checkpoint_every=max(1, count // 4),
        keep=1,
        threads=1,
    )
    run = Run(recipe(plan, model), settings)
    report = train(ENTITYCLIP_METHOD, run, folder, resume=True, tell=say)
    return exported(finished(report), folder / "model")


def open_matcher(folder: Path) -> OnnxMatcher:
    """The exported model with its matching head."""
    return OnnxMatcher(folder)


# --- measuring ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Draw:
    """One gallery: unit vectors (n, D) of pictures, captions, and captions with explanations.
    `odds` is mode -> (n, TOP) log odds of the head for the first pictures of each caption."""

    shown: Sequence[ShownEntity]
    images: Vectors
    queries: dict[str, Vectors]
    odds: dict[str, NDArray[np.float32]]


def open_draw(
    encoder: DualEncoder, matcher: OnnxMatcher | None, told: list[str], shown: Sequence[ShownEntity]
) -> Draw:
    """Encode a gallery and ask the head, if there is one.

    Args:
        told: the explanation of each caption, "" for none.
    """
    pictures = [one.load() for one in shown]
    images = np.stack([one.vector for one in encoder.encode_images(pictures)])
    captions = {one.id: one.caption for one in shown}
    known = {one.id: text for one, text in zip(shown, told, strict=True) if text}
    queries = {
        "plain": query_vectors(encoder, captions, {}),
        "+E": query_vectors(encoder, captions, known),
    }
    odds = {}
    if matcher is not None:
        tokens = matcher.image_tokens(pictures)
        for mode, vectors in queries.items():
            rows = [
                matcher.log_odds(one.caption, text, tokens[first])
                for one, text, first in zip(shown, told, _first(vectors @ images.T), strict=True)
            ]
            odds[mode] = np.stack(rows)
    return Draw(shown, images, queries, odds)


def _first(scores: NDArray[np.float32]) -> NDArray[np.int64]:
    """(n, TOP): the pictures of the highest scores; of equal ones the later first."""
    order: NDArray[np.int64] = np.argsort(scores, axis=1, kind="stable")[:, ::-1][:, :TOP]
    return order


def plain_ranks(draw: Draw, mode: str) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Ranks of the right pictures, and of the right captions."""
    texts, images, nothing = draw.queries[mode], draw.images, np.zeros(len(draw.shown), bool)
    same = np.arange(len(draw.shown))
    return (
        find_ranks(texts, images, same, nothing, nothing).own,
        find_ranks(images, texts, same, nothing, nothing).own,
    )


def reranked_ranks(draw: Draw, mode: str, scale: float, weight: float) -> NDArray[np.int64]:
    """Ranks of the right pictures after the first ones were put into a new order."""
    cosines = draw.queries[mode] @ draw.images.T
    ranks, _ = plain_ranks(draw, mode)
    found = ranks.copy()
    for row, first in enumerate(_first(cosines)):
        place = np.flatnonzero(first == row)
        if len(place):
            mixed = reranked(cosines[row, first], draw.odds[mode][row], scale, weight)
            found[row] = int((mixed >= mixed[place[0]]).sum())
    return found


def best_weight(draw: Draw, mode: str, scale: float) -> float:
    """The weight that finds most pictures first; the smallest of equal ones."""
    hits = [float((reranked_ranks(draw, mode, scale, one) <= 1).mean()) for one in WEIGHTS]
    return WEIGHTS[int(np.argmax(hits))]


def measure(
    plan: Plan, settings: EntityClipConfig, encoder: DualEncoder, matcher: OnnxMatcher | None
) -> dict[str, Any]:
    """Figures of a row: mode -> hits by group, means over the draws, and what the weights were."""
    made = build_entities(replace(plan.entities, seed=plan.seed))
    known = explanations_of(made)

    def opened(shown: Sequence[ShownEntity]) -> Draw:
        told = [explanation_of(settings, known, one.caption, one.id) for one in shown]
        return open_draw(encoder, matcher, told, shown)

    weights = {}
    if matcher is not None:
        held = opened(made.shown("val"))
        weights = {mode: best_weight(held, mode, matcher.scale) for mode in held.queries}
    draws = [opened(made.shown("test", number)) for number in range(plan.draws)]
    groups = np.array([one.group for one in made.entities] * plan.draws)
    modes: dict[str, Any] = {}
    for mode in ("plain", "+E"):
        ranks = [plain_ranks(draw, mode) for draw in draws]
        modes[mode] = hits(np.concatenate([one for one, _ in ranks]), groups)
        backward = np.concatenate([other for _, other in ranks])
        modes[mode]["image to text"] = float((backward <= 1).mean())
        if matcher is not None:
            new = [reranked_ranks(draw, mode, matcher.scale, weights[mode]) for draw in draws]
            modes[f"{mode}, re-ranked"] = hits(np.concatenate(new), groups)
    return {"modes": modes, "weights": weights}


def hits(ranks: NDArray[np.int64], groups: NDArray[np.str_]) -> dict[str, float]:
    """R@1 of all and of each group, R@5 of all."""
    found = {"all": float((ranks <= 1).mean()), "all at 5": float((ranks <= KS[1]).mean())}
    for group in GROUPS:
        rows = groups == group
        if rows.any():
            found[group] = float((ranks[rows] <= 1).mean())
    return found
