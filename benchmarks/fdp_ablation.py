"""FDP with one part after another taken away, on rendered pictures: the orderings of the paper.

    python -m benchmarks.fdp_ablation --out benchmarks/results/fdp_ablation.json

Trains a tiny CLIP once, then six variants of FDP on it for each seed, exports each and measures the
exported model on `synth-str`. A seed decides the weights that are new, the training pictures, their
order, and the gallery. Everything is kept under `--work`; the same command goes on after a stop.
"""

from __future__ import annotations

import argparse
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
    KeptPictures,
    clip_checkpoint,
    exported,
    keep_features,
    recipe,
    say,
    train_clip,
    train_fdp,
)
from sightread.lab.evaluate import evaluate
from sightread.lab.settings import TrainConfig, load_run
from sightread.measure.environment import environment
from sightread.methods.clip.recipe import CLIP_METHOD
from sightread.methods.fdp.config import FdpConfig
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
}
"""One part changed, the others as they are."""

NATIVE = "64-px CLIP"
"""The backbone as it was trained; the counterpart of the paper's 224-px CLIP."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run does for one seed."""

    work: Path
    clip: Path
    seed: int
    pictures: int
    steps: int
    queries: int
    rows: tuple[str, ...]


def main() -> int:
    asked = _arguments()
    torch.set_num_threads(1)
    clip = Path(asked.clip) if asked.clip else backbone(Path(asked.work))
    rows = (*LADDER, NATIVE, *(SINGLE if asked.single else ()))
    if asked.seed is not None:
        run_seed(
            Plan(
                Path(asked.work), clip, asked.seed, asked.pictures, asked.steps, asked.queries, rows
            )
        )
        return 0
    began = time.monotonic()
    if not in_parallel([[*sys.argv[1:], "--seed", str(seed)] for seed in asked.seeds]):
        say("a seed failed; the same command goes on with what is missing")
        return 1
    results = {row: [_read(Path(asked.work), seed, row) for seed in asked.seeds] for row in rows}
    report = {
        "rows": {row: summary(found) for row, found in results.items()},
        "seeds": asked.seeds,
        "pictures": asked.pictures,
        "steps": asked.steps,
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
    parser.add_argument("--seed", type=int, help="only this seed, results into --work")
    parser.add_argument("--pictures", type=int, default=6000)
    parser.add_argument("--steps", type=int, default=800)
    parser.add_argument("--queries", type=int, default=24)
    parser.add_argument("--single", action="store_true", help="also change one part at a time")
    parser.add_argument("--out", help="file for the result as JSON")
    return parser.parse_args()


def backbone(work: Path) -> Path:
    """The tiny CLIP of `CLIP_CONFIG`, trained where it is not there yet."""
    run = load_run(CLIP_METHOD, CLIP_CONFIG)
    return train_clip(run.method, run.train, work / "clip")


def in_parallel(commands: list[list[str]]) -> bool:
    """Run this module once per command, two at a time; whether all went well."""
    waiting = [[sys.executable, "-m", "benchmarks.fdp_ablation", *rest] for rest in commands]
    running: list[subprocess.Popen[bytes]] = []
    good = True
    while waiting or running:
        while waiting and len(running) < 2:
            running.append(subprocess.Popen(waiting.pop(0)))
        done = [process for process in running if process.poll() is not None]
        good = good and all(process.returncode == 0 for process in done)
        running = [process for process in running if process not in done]
        time.sleep(0.5)
    return good


def run_seed(plan: Plan) -> None:
    """All rows of a seed that are not there yet."""
    missing = [row for row in plan.rows if not _file(plan.work, plan.seed, row).exists()]
    if not missing:
        return
    task = KeptPictures(synth_str(StrSettings(seed=plan.seed, queries=plan.queries))).task
    kept = None
    for row in missing:
        began = time.monotonic()
        folder = plan.work / f"seed-{plan.seed}" / row.replace(" ", "-")
        if row == NATIVE:
            encoder = exported(plan.clip, folder / "model")
        else:
            settings = {**LADDER, **SINGLE}[row]
            wanted = recipe(settings, clip_checkpoint(plan.clip), plan.pictures)
            kept = kept or keep_features(wanted, plan.seed)
            checkpoint = train_fdp(wanted, kept, loop(plan), folder)
            encoder = exported(checkpoint, folder / "model")
        found = evaluate(encoder, task)
        result = {"map": found.map, "groups": found.map_by_group, "revision": found.revision}
        _file(plan.work, plan.seed, row).write_text(json.dumps(result))
        say(f"seed {plan.seed}, {row}: mAP {found.map:.4f} ({time.monotonic() - began:.0f} s)")


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
    """Mean and sample standard deviation over the seeds, in all and by group."""
    values = [one["map"] for one in found]
    groups = {
        name: round(float(np.mean([one["groups"][name] for one in found])), 4)
        for name in found[0]["groups"]
    }
    spread = float(np.std(values, ddof=1)) if len(values) > 1 else 0.0
    return {
        "map": round(float(np.mean(values)), 4),
        "spread": round(spread, 4),
        "by_seed": [round(value, 4) for value in values],
        "groups": groups,
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
