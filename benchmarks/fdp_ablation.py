"""FDP with one part after another taken away, on rendered pictures: the orderings of the paper.

    python -m benchmarks.fdp_ablation --out benchmarks/results/fdp_ablation.json

Trains a tiny CLIP once, then variants of FDP on it for each seed, exports each and measures the
exported model on `synth-str`. A seed decides the weights that are new, the training pictures, their
order, and the gallery. Everything is kept under `--work`; the same command goes on after a stop.

`map` is the mean over the queries that are words and phrases, as in the paper's tables; those with
a colour or a thing in them are `attributes`, which FDP is not trained for. Rows are compared within
a seed: the same pictures, the same queries.
"""

from __future__ import annotations

import argparse
import itertools
import json
import subprocess
import sys
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.fdp_small import (
    TINY,
    PlainClip,
    clip_checkpoint,
    exported,
    keep_features,
    recipe,
    say,
    train_clip,
    train_fdp,
)
from sightread.lab.checkpoint import open_checkpoint
from sightread.lab.evaluate import evaluate
from sightread.lab.settings import TrainConfig, load_run
from sightread.measure.environment import environment
from sightread.methods.clip.recipe import CLIP_METHOD
from sightread.methods.fdp.config import FdpConfig
from sightread.protocols import DualEncoder
from sightread.synth.str_benchmark import StrSettings, synth_str

CLIP_CONFIG = "configs/clip/tiny.toml"

NO_DISTRACTED = replace(TINY, distracted_queries=False)
NO_DISTINCTION = replace(NO_DISTRACTED, distinction=False)
NO_SHIFT = replace(NO_DISTINCTION, attention_shift="off", localisation_loss=False)
TUNED_CLIP = replace(NO_SHIFT, probing=False)

LADDER: dict[str, FdpConfig] = {
    "full": TINY,
    "without distracted queries": NO_DISTRACTED,
    "and without distinction": NO_DISTINCTION,
    "and without attention shift": NO_SHIFT,
    "plain fine-tuned CLIP": TUNED_CLIP,
}
"""Each row takes one more part away. The last learns positions and one prompt for all words."""

SINGLE: dict[str, FdpConfig] = {
    "only without distinction": replace(TINY, distinction=False),
    "only without attention shift": replace(TINY, attention_shift="off", localisation_loss=False),
    "only without probing": replace(TINY, probing=False),
    "only without localisation loss": replace(TINY, localisation_loss=False),
    "legacy mask tiling": replace(TINY, legacy_mask_tiling=True),
    "multiplicative shift": replace(TINY, attention_shift="multiplicative"),
    "flat positions": replace(TINY, positions="flat_nearest"),
    "multi-positive alignment": replace(TINY, multi_positive=True),
    "distraction four times as heavy": replace(TINY, distraction_weight=4.0),
    "prompts of equal length": replace(NO_DISTRACTED, function_context=4),
}
"""One part changed, the others as they are; the last one without distracted queries."""

NATIVE = "64-px CLIP"
"""The backbone as it was trained; the counterpart of the paper's 224-px CLIP."""
LARGE = "160-px CLIP"
"""The backbone with its position table resized and nothing learned."""
ATTRIBUTES = ("colour", "object")
"""Groups of queries that are more than words: "red word taxi", "word taxi with a fish"."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What is done for one row and one seed."""

    work: Path
    clip: Path
    seed: int
    pictures: int
    steps: int
    queries: int


def main() -> int:
    asked = _arguments()
    torch.set_num_threads(1)
    work = Path(asked.work)
    clip = Path(asked.clip) if asked.clip else backbone(work)
    rows = (*LADDER, LARGE, NATIVE, *asked.also)
    if asked.row is not None:
        plan = Plan(work, clip, asked.seeds[0], asked.pictures, asked.steps, asked.queries)
        run_row(plan, asked.row)
        return 0
    began = time.monotonic()
    missing = [
        (seed, row) for row in rows for seed in asked.seeds if not _file(work, seed, row).exists()
    ]
    if not in_parallel([_job(asked, clip, seed, row) for seed, row in missing]):
        say("a row failed; the same command goes on with what is missing")
        return 1
    results = {row: [_read(work, seed, row) for seed in asked.seeds] for row in rows}
    report = {
        "rows": {row: summary(found) for row, found in results.items()},
        "gains": gains(results),
        "seeds": asked.seeds,
        "pictures": asked.pictures,
        "steps": asked.steps,
        "queries": asked.queries,
        "backbone_seconds": round(open_checkpoint(clip).state.seconds),
        "row_seconds": round(sum(one["seconds"] for found in results.values() for one in found)),
        "seconds": round(time.monotonic() - began),
        **asdict(environment()),
    }
    text = json.dumps(report, indent=2)
    print(text)
    if asked.out:
        Path(asked.out).write_text(text + "\n")
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--work", default="build/fdp-ablation")
    parser.add_argument("--clip", help="a run of the tiny CLIP; without, one is trained")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--row", help="only this row, of the first seed, into --work")
    parser.add_argument("--pictures", type=int, default=6000)
    parser.add_argument("--steps", type=int, default=1600)
    parser.add_argument("--queries", type=int, default=24)
    parser.add_argument(
        "--also", nargs="+", default=[], choices=list(SINGLE), help="rows besides the ladder"
    )
    parser.add_argument("--out", help="file for the result as JSON")
    return parser.parse_args()


def backbone(work: Path) -> Path:
    """The tiny CLIP of `CLIP_CONFIG`, trained where it is not there yet."""
    run = load_run(CLIP_METHOD, CLIP_CONFIG)
    return train_clip(run.method, run.train, work / "clip")


def _job(asked: argparse.Namespace, clip: Path, seed: int, row: str) -> list[str]:
    settings = {
        "--work": asked.work,
        "--clip": clip,
        "--seeds": seed,
        "--row": row,
        "--pictures": asked.pictures,
        "--steps": asked.steps,
        "--queries": asked.queries,
    }
    return [str(part) for pair in settings.items() for part in pair]


def in_parallel(
    commands: list[list[str]], module: str = "benchmarks.fdp_ablation", at_once: int = 2
) -> bool:
    """Run a module once per command, some at a time; whether all went well."""
    waiting = [[sys.executable, "-m", module, *rest] for rest in commands]
    running: list[subprocess.Popen[bytes]] = []
    good = True
    while waiting or running:
        while waiting and len(running) < at_once:
            running.append(subprocess.Popen(waiting.pop(0)))
        done = [process for process in running if process.poll() is not None]
        good = good and all(process.returncode == 0 for process in done)
        running = [process for process in running if process not in done]
        time.sleep(0.5)
    return good


def run_row(plan: Plan, row: str) -> None:
    """Train, export and measure one row."""
    began = time.monotonic()
    folder = plan.work / f"seed-{plan.seed}" / row.replace(" ", "-")
    if row == NATIVE:
        encoder: DualEncoder = exported(plan.clip, folder / "model")
    elif row == LARGE:
        encoder = PlainClip(recipe(TUNED_CLIP, clip_checkpoint(plan.clip), plan.pictures))
    else:
        settings = {**LADDER, **SINGLE}[row]
        wanted = recipe(settings, clip_checkpoint(plan.clip), plan.pictures)
        features = plan.work / f"seed-{plan.seed}" / f"features-{plan.pictures}.npy"
        kept = keep_features(wanted, plan.seed, features)
        encoder = exported(train_fdp(wanted, kept, loop(plan), folder), folder / "model")
    found = evaluate(encoder, synth_str(StrSettings(seed=plan.seed, queries=plan.queries)))
    seconds = time.monotonic() - began
    result = {"groups": found.map_by_group, "revision": found.revision, "seconds": seconds}
    _file(plan.work, plan.seed, row).write_text(json.dumps(result))
    say(f"seed {plan.seed}, {row}: mAP {_mean(result):.4f} ({seconds:.0f} s)")


def loop(plan: Plan) -> TrainConfig:
    """One decay by ten at three quarters, as the published recipe has one at half."""
    return TrainConfig(
        steps=plan.steps,
        seed=plan.seed,
        optimizer="adam",
        schedule="step",
        decay_steps=(plan.steps * 3 // 4,),
        checkpoint_every=plan.steps,
        threads=1,
    )


def summary(found: list[dict[str, Any]]) -> dict[str, Any]:
    """Mean and sample standard deviation over the seeds, of words and by group."""
    groups = {
        name: round(float(np.mean([one["groups"][name] for one in found])), 4)
        for name in found[0]["groups"]
    }
    return {
        **_spread([_mean(one) for one in found]),
        "attributes": round(float(np.mean([groups[name] for name in ATTRIBUTES])), 4),
        "groups": groups,
    }


def gains(results: dict[str, list[dict[str, Any]]]) -> dict[str, Any]:
    """What each row of the ladder has over the next one, within each seed."""
    ladder = [*LADDER, NATIVE]
    return {
        f"{upper} > {lower}": _spread(
            [_mean(a) - _mean(b) for a, b in zip(results[upper], results[lower], strict=True)]
        )
        for upper, lower in itertools.pairwise(ladder)
    }


def _mean(result: dict[str, Any]) -> float:
    """Over words and phrases; all groups have the same number of queries."""
    return float(np.mean([v for name, v in result["groups"].items() if name not in ATTRIBUTES]))


def _spread(values: list[float]) -> dict[str, Any]:
    spread = float(np.std(values, ddof=1)) if len(values) > 1 else 0.0
    return {
        "map": round(float(np.mean(values)), 4),
        "spread": round(spread, 4),
        "by_seed": [round(value, 4) for value in values],
    }


def _file(work: Path, seed: int, row: str) -> Path:
    folder = work / f"seed-{seed}"
    folder.mkdir(parents=True, exist_ok=True)
    return folder / f"{row.replace(' ', '-')}.json"


def _read(work: Path, seed: int, row: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(_file(work, seed, row).read_text())
    return found


if __name__ == "__main__":
    sys.exit(main())
