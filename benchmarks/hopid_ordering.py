"""HOPID and its parts on `synth-ambiguity`: which of them help, and what wrong readings cost.

    python -m benchmarks.hopid_ordering --out benchmarks/results/hopid_ordering.json

Trains a tiny CLIP once on scenes whose captions speak of no written word, then variants of HOPID on
its frozen features for each seed. A seed decides the pictures, captions and mistakes of the reader,
the order of training and the weights that are new. Everything is kept under `--work`; the same
command goes on after a stop.

Printed, in percent: R@1 and R@5 from caption to picture and back among the pictures with words that
training knows (seen), with new words (unseen), and without words (text-free); swap accuracy, how
often a caption is nearer to its picture than to the one whose two words are exchanged; whether the
orderings of the specification hold; recalls while 0 to 60 % of letters or words are read wrongly on
purpose. The exit status is 1 if an ordering does not hold.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from benchmarks.entityclip_ordering import spread
from benchmarks.fdp_ablation import in_parallel
from benchmarks.fdp_small import say, train_clip
from benchmarks.hopid_small import (
    CURVES,
    EXTRA,
    FULL,
    ROWS,
    Plan,
    Prepared,
    Row,
    curve,
    exactness,
    measure,
    prepare,
    tagging,
    train_row,
    untrained,
)
from benchmarks.hopid_tables import orderings, printed
from sightread.lab.checkpoint import open_checkpoint
from sightread.lab.settings import TrainConfig, load_run
from sightread.measure.environment import environment
from sightread.methods.clip.recipe import CLIP_METHOD
from sightread.synth.ambiguity import AmbiguitySettings

CLIP_CONFIG = "configs/clip/carriers.toml"
PLAIN, PLAIN_MARKED = "plain CLIP", "plain CLIP, marked"

Result = dict[str, Any]
Table = dict[str, list[Result]]
"""Row -> what each seed gave."""


def main() -> int:
    asked = _arguments()
    torch.set_num_threads(1)
    work = Path(asked.work)
    clip = Path(asked.clip) if asked.clip else backbone(work, asked.clip_steps)
    every = (PLAIN, PLAIN_MARKED, *ROWS, *asked.also)
    rows = [row for row in every if row in asked.rows or not asked.rows]
    if asked.seed is not None:
        run_seed(_plan(asked, clip, asked.seed), rows)
        return 0
    began = time.monotonic()
    jobs = [_job(asked, clip, seed) for seed in asked.seeds if _missing(work, seed, rows)]
    if not in_parallel(jobs, "benchmarks.hopid_ordering", asked.jobs):
        say("a row failed; the same command goes on with what is missing")
        return 2
    results: Table = {row: [_read(work, seed, row) for seed in asked.seeds] for row in rows}
    held = orderings(results)
    report = {
        "rows": {row: summary(found) for row, found in results.items()},
        "orderings": held,
        "curves": {row: curves(results[row]) for row in CURVES if row in results},
        "tagger": [json.loads(_file(work, seed, TAGGER).read_text()) for seed in asked.seeds],
        "settings": {
            name: getattr(asked, name)
            for name in ("seeds", "groups", "plain", "test_groups", "epochs")
        },
        "backbone_seconds": round(open_checkpoint(clip).state.seconds),
        "row_seconds": round(sum(one["seconds"] for found in results.values() for one in found)),
        "seconds": round(time.monotonic() - began),
        **asdict(environment()),
    }
    print(printed(report))
    if asked.out:
        Path(asked.out).write_text(json.dumps(report, indent=2) + "\n")
    return 0 if all(one["holds"] for one in held) else 1


TAGGER = "tagger"


def _arguments() -> argparse.Namespace:
    usual = AmbiguitySettings()
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--work", default="build/hopid-ordering")
    parser.add_argument("--clip", help="a run of the tiny CLIP; without, one is trained")
    parser.add_argument("--clip-steps", type=int, help="of its training, for a quick try")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--groups", type=int, default=usual.groups)
    parser.add_argument("--plain", type=int, default=usual.plain)
    parser.add_argument("--test-groups", type=int, default=usual.test_groups)
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--rows", nargs="+", default=[], help="only these rows")
    parser.add_argument(
        "--also", nargs="+", default=[], choices=list(EXTRA), help="rows besides the table"
    )
    parser.add_argument("--jobs", type=int, default=2, help="seeds at once")
    parser.add_argument("--seed", type=int, help="only this seed, into --work")
    parser.add_argument("--out", help="file for the result as JSON")
    return parser.parse_args()


def backbone(work: Path, steps: int | None) -> Path:
    """The tiny CLIP of `CLIP_CONFIG`, trained where it is not there yet."""
    changes = [f"train.steps={steps}"] if steps else []
    run = load_run(CLIP_METHOD, CLIP_CONFIG, changes)
    settings: TrainConfig = run.train
    return train_clip(run.method, settings, work / "clip")


def _plan(asked: argparse.Namespace, clip: Path, seed: int) -> Plan:
    made = AmbiguitySettings(groups=asked.groups, plain=asked.plain, test_groups=asked.test_groups)
    return Plan(Path(asked.work), clip, seed, made, asked.epochs)


def _job(asked: argparse.Namespace, clip: Path, seed: int) -> list[str]:
    settings = {"--work": asked.work, "--clip": clip, "--seed": seed}
    for name in ("groups", "plain", "test_groups", "epochs"):
        settings[f"--{name.replace('_', '-')}"] = getattr(asked, name)
    job = [str(part) for pair in settings.items() for part in pair]
    for name in ("rows", "also"):
        if getattr(asked, name):
            job += [f"--{name}", *getattr(asked, name)]
    return job


def _missing(work: Path, seed: int, rows: list[str]) -> list[str]:
    return [row for row in (*rows, TAGGER) if not _file(work, seed, row).exists()]


def run_seed(plan: Plan, rows: list[str]) -> None:
    """Train and measure the rows of a seed that are not there yet."""
    began = time.monotonic()
    prepared = prepare(plan)
    tagged = tagging(prepared)
    say(f"seed {plan.seed}: features in {time.monotonic() - began:.0f} s, tagger {tagged}")
    for row in _missing(plan.work, plan.seed, rows):
        result = tagged if row == TAGGER else run_row(prepared, row)
        _file(plan.work, plan.seed, row).write_text(json.dumps(result))


def run_row(prepared: Prepared, row: str) -> Result:
    """Train and measure one row."""
    began = time.monotonic()
    plan = prepared.plan
    if row in (PLAIN, PLAIN_MARKED):
        seen = Row(FULL, "nothing" if row == PLAIN else "marks alone")
        found = measure(prepared, untrained(prepared), seen)
        return {"splits": found, "seconds": time.monotonic() - began}
    folder = plan.work / f"seed-{plan.seed}" / row.replace(" ", "-").replace(",", "")
    variant = {**ROWS, **EXTRA}[row]
    model = train_row(prepared, variant, folder)
    result: Result = {
        "splits": measure(prepared, model, variant),
        "parameters": sum(one.numel() for one in model.new_parameters()),
    }
    if model.config.exact:
        result["away from CLIP without text"] = exactness(prepared, model, variant)
    if row in CURVES:
        result["curve"] = curve(prepared, model, variant)
    result["seconds"] = time.monotonic() - began
    shown = {split: round(one["text_to_image_1"], 1) for split, one in result["splits"].items()}
    say(f"seed {plan.seed}, {row}: {shown} ({result['seconds']:.0f} s)")
    return result


def _file(work: Path, seed: int, row: str) -> Path:
    folder = work / f"seed-{seed}"
    folder.mkdir(parents=True, exist_ok=True)
    return folder / f"{row.replace(' ', '-').replace(',', '')}.json"


def _read(work: Path, seed: int, row: str) -> Result:
    found: Result = json.loads(_file(work, seed, row).read_text())
    return found


# --- what it says ------------------------------------------------------------------------------


def summary(found: list[Result]) -> dict[str, Any]:
    """Split -> figure -> mean, spread and values of the seeds; and the rest of a row."""
    splits = found[0]["splits"]
    told: dict[str, Any] = {
        split: {
            name: spread([one["splits"][split][name] for one in found]) for name in splits[split]
        }
        for split in splits
    }
    for name in ("parameters", "away from CLIP without text"):
        if name in found[0]:
            told[name] = max(one[name] for one in found)
    return told


def curves(found: list[Result]) -> dict[str, Any]:
    """Kind of mistake -> share -> figure -> mean, spread and values of the seeds."""
    return {
        mistake: {
            share: {
                name: spread([one["curve"][mistake][share][name] for one in found])
                for name in ("text_to_image_1", "image_to_text_1", "swap")
            }
            for share in shares
        }
        for mistake, shares in found[0]["curve"].items()
    }


if __name__ == "__main__":
    sys.exit(main())
