"""How wrong may the text map be: mAP with the map replaced by others.

    python -m benchmarks.fdp_studies.noise --checkpoint RUN

The map that shifts the attention is replaced by the truth, by the truth with a share of its cells
flipped, by its complement (all cells flipped), by text everywhere (which shifts nothing), and by
noise. Only the map changes; the model has learned with its own one. "agrees" is the share of
cells on the right side of one half and "IoU" the overlap of the text cells, over the whole gallery,
so that the learned map finds its place among the flipped ones.
"""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from benchmarks.fdp_studies.galleries import encode_queries, mean_precision, scores
from benchmarks.fdp_studies.models import CHUNK, Opened, as_vectors, choose_model, open_fdp
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
from sightread.errors import UsageError
from sightread.methods.fdp.model import FDP
from sightread.methods.fdp.recipe import cell_px
from sightread.methods.fdp.targets import localisation_target
from sightread.preprocess import to_input
from sightread.synth.plans import Scene
from sightread.synth.scene import SceneRenderer
from sightread.synth.str_benchmark import StrSettings, SynthStr, build

Map = NDArray[np.float32]
Values = tuple[float, float, float]
"""mAP, share of cells that agree, IoU."""
SHARES = (0.0, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.75, 1.0)
_SURE = 20.0
"""A logit whose probability is 1 to within 2e-9."""


def parser() -> ArgumentParser:
    found = arguments(__doc__)
    choose_model(found, folder=False)
    found.add_argument("--shares", type=float, nargs="+", default=list(SHARES))
    found.add_argument("--queries", type=positive, default=24, help="per group of synth-str")
    found.add_argument("--others", type=natural, default=200)
    found.add_argument("--groups", nargs="+", default=["seen", "function", "content"])
    return found


def study(asked: Namespace) -> Report:
    """mAP for each map.

    Raises:
        ModelError, UsageError: the model or a number cannot be used.
    """
    if not all(0 <= share <= 1 for share in asked.shares):
        raise UsageError(f"shares are 0 to 1, not {asked.shares}")
    opened = open_fdp(asked.checkpoint)
    if opened.model.config.attention_shift == "off":
        raise UsageError("this model shifts no attention: study one with attention_shift additive")
    found: dict[str, list[Values]] = {}
    for seed in asked.seeds:
        settings = StrSettings(
            size_px=opened.preprocess.size_px,
            seed=seed,
            queries=asked.queries,
            others=asked.others,
            groups=tuple(asked.groups),
        )
        gallery = prepare(opened, settings)
        for name, wrong in maps(gallery, sorted(set(asked.shares)), seed):
            found.setdefault(name, []).append(
                (quality(opened, gallery, wrong), *likeness(wrong, gallery.truth))
            )
            say(f"seed {seed}, {name}: {found[name][-1][0]:.3f}")
    rows = [row(name, values) for name, values in found.items()]
    return Report(
        study="noise",
        columns=("map", "mAP", "spread", "agrees", "IoU"),
        rows=rows,
        models={"fdp": opened.digest},
        figure=figure(rows, asked.shares),
    )


@dataclass(frozen=True, slots=True)
class Gallery:
    """A gallery as features: `grids` (N, C, h, w); `truth` and `learned` (N, h, w), the maps in
    [0, 1]; `right` has the answers of each row of `queries` (Q, D)."""

    grids: Tensor
    truth: Map
    learned: Map
    queries: NDArray[np.float32]
    ids: tuple[str, ...]
    right: list[frozenset[str]]


@torch.no_grad()
def prepare(opened: Opened, settings: StrSettings) -> Gallery:
    """Render the gallery and run CLIP over it once."""
    made = build(settings)
    scenes = list(_scenes(made, settings))
    say(f"seed {settings.seed}: {len(scenes)} pictures rendered")
    grids = opened.grids([scene.pixels for scene in scenes])
    truth = np.stack([true_map(scene, opened) for scene in scenes])
    learned = opened.model.localisation(grids).sigmoid().numpy()
    task = made.task
    queries = encode_queries(opened, list(task.queries.values()))
    right = [task.qrels[query] for query in task.queries]
    return Gallery(grids, truth, learned, queries, task.gallery, right)


def _scenes(made: SynthStr, settings: StrSettings) -> Iterator[Scene]:
    renderer = SceneRenderer(replace(settings.scene, heights=settings.heights))
    for shown in made.shown.values():
        yield renderer.render(shown.plan, shown.seed)


def true_map(scene: Scene, opened: Opened) -> Map:
    """Where text is, (h, w) of 0 and 1, as the localisation network was taught."""
    height, width = scene.pixels.shape[:2]
    config, spec = opened.model.config, opened.preprocess
    polygons = [
        [(float(x), float(y)) for x, y in to_input(np.asarray(word.polygon), width, height, spec)]
        for word in scene.words
    ]
    target, _ = localisation_target(
        polygons, (), config.size_px, cell_px(config), config.map_sampling
    )
    return target


def maps(gallery: Gallery, shares: Sequence[float], seed: int) -> Iterator[tuple[str, Map]]:
    """All maps by name."""
    truth, learned = gallery.truth, gallery.learned
    yield "learned", learned
    yield "learned, cut at one half", (learned > 0.5).astype(np.float32)
    yield "truth", truth
    yield "text everywhere", np.ones_like(truth)
    yield "complement of the truth", 1 - truth
    noise = np.random.default_rng([seed, 9]).random(truth.shape)
    yield "noise", noise.astype(np.float32)
    for share in shares:
        yield flipped_name(share), flip(truth, share, seed)


def flip(truth: Map, share: float, seed: int) -> Map:
    """The map with this share of its cells turned over; more cells for a larger share, of the same
    order."""
    order = np.random.default_rng([seed, 8]).permutation(truth.size)
    wrong = truth.ravel().copy()
    chosen = order[: round(share * truth.size)]
    wrong[chosen] = 1 - wrong[chosen]
    return wrong.reshape(truth.shape)


def flipped_name(share: float) -> str:
    return f"truth, {share:.0%} of cells flipped"


@torch.no_grad()
def quality(opened: Opened, gallery: Gallery, text_map: Map) -> float:
    """mAP with this map, (N, h, w) in [0, 1], in place of the network's."""
    logits = as_logits(text_map)
    parts = [
        head(opened.model, gallery.grids[at : at + CHUNK], logits[at : at + CHUNK])
        for at in range(0, len(logits), CHUNK)
    ]
    vectors = as_vectors(F.normalize(torch.cat(parts), dim=-1))
    return mean_precision(scores(gallery.queries, vectors), gallery.ids, gallery.right)


def as_logits(text_map: Map) -> Tensor:
    """What the network would have answered for this map in [0, 1]."""
    return torch.from_numpy(text_map).logit().clamp(-_SURE, _SURE)


def head(model: FDP, grid: Tensor, logits: Tensor) -> Tensor:
    """The image features (B, D) of CLIP's features with the text map `logits` (B, h, w)."""
    with replaced(model.localisation, lambda: logits):
        return model.image_head(grid).features


@contextmanager
def replaced(network: nn.Module, answer: Callable[[], Tensor]) -> Iterator[None]:
    """Let a network answer something else, so that all around it is the model's own code."""
    handle = network.register_forward_hook(lambda *_: answer())
    try:
        yield
    finally:
        handle.remove()


def likeness(text_map: Map, truth: Map) -> tuple[float, float]:
    """The share of cells that agree at one half, and the IoU of the text cells (1 for none)."""
    mine, theirs = text_map > 0.5, truth > 0.5
    either = int((mine | theirs).sum())
    return float((mine == theirs).mean()), int((mine & theirs).sum()) / either if either else 1.0


def row(name: str, values: Sequence[Values]) -> dict[str, Any]:
    """One line of the table."""
    (mean, spread), (agrees, _), (overlap, _) = map(mean_and_spread, zip(*values, strict=True))
    return {"map": name, "mAP": mean, "spread": spread, "agrees": agrees, "IoU": overlap}


def figure(rows: Sequence[dict[str, Any]], shares: Sequence[float]) -> Figure:
    """mAP over the share of flipped cells, with the other maps as levels."""
    shares = sorted(set(shares))
    by_name = {one["map"]: one for one in rows}
    flipped = [by_name[flipped_name(share)] for share in shares]
    lines = {
        "truth with cells flipped": (
            [*shares],
            [one["mAP"] for one in flipped],
            [one["spread"] for one in flipped],
        )
    } | {
        name: ([shares[0], shares[-1]], [by_name[name]["mAP"]] * 2, None)
        for name in ("learned", "text everywhere", "noise")
    }
    return Figure("How wrong the text map may be", "share of cells flipped", "mAP", lines=lines)


if __name__ == "__main__":
    sys.exit(run(study, parser()))
