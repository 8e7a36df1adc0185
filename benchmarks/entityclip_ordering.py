"""EntityCLIP and its parts on `synth-entity`: which of them help, and for which entities.

    python -m benchmarks.entityclip_ordering --out benchmarks/results/entityclip_ordering.json

Trains a tiny CLIP once on emblems that are no entity's, then variants of EntityCLIP on it for each
seed, exports each and measures the exported model. A seed decides the entities, their names and
pictures, the order of training and the weights that are new. Everything is kept under `--work`; the
same command goes on after a stop.

Printed: R@1 from caption to picture among all entities, for captions alone and with explanations,
before and after re-ranking; head, tail and explanation-only ("told") entities apart; whether the
orderings (a) to (e) hold; and the paper's own chain as it comes out. The exit status is 1 if one of
(a) to (e) does not hold.
"""

from __future__ import annotations

import argparse
import itertools
import json
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.entityclip_small import PAPER, ROWS, SINGLE, Plan, measure, open_matcher, train_row
from benchmarks.fdp_ablation import in_parallel
from benchmarks.fdp_small import exported, say, train_clip
from sightread.lab.checkpoint import open_checkpoint
from sightread.lab.settings import TrainConfig, load_run
from sightread.measure.environment import environment
from sightread.methods.clip.recipe import CLIP_METHOD
from sightread.synth.entities import GROUPS, EntitySettings

CLIP_CONFIG = "configs/clip/emblems.toml"
ZERO_SHOT = "zero-shot"
CHAIN = ("paper", "paper without GI-ITM", "paper without MMAE", "fine-tuned CLIP", ZERO_SHOT)
"""The paper's claim, best first, in the mode `plain`: reported, not asserted."""
MODES = ("plain", "+E", "plain, re-ranked", "+E, re-ranked")

Result = dict[str, Any]
Table = dict[str, list[Result]]
"""Row -> what each seed gave."""


def main() -> int:
    asked = _arguments()
    torch.set_num_threads(1)
    work = Path(asked.work)
    clip = Path(asked.clip) if asked.clip else backbone(work, asked.clip_steps)
    if asked.row is not None:
        run_row(_plan(asked, clip), asked.row)
        return 0
    began = time.monotonic()
    rows = [row for row in (ZERO_SHOT, *ROWS, *asked.also) if row in asked.rows or not asked.rows]
    missing = [
        (seed, row) for seed in asked.seeds for row in rows if not _file(work, seed, row).exists()
    ]
    jobs = [_job(asked, clip, seed, row) for seed, row in missing]
    if not in_parallel(jobs, "benchmarks.entityclip_ordering"):
        say("a row failed; the same command goes on with what is missing")
        return 2
    results: Table = {row: [_read(work, seed, row) for seed in asked.seeds] for row in rows}
    held = orderings(results)
    report = {
        "rows": {row: summary(found) for row, found in results.items()},
        "orderings": held,
        "chain": chain(results),
        "settings": {
            name: getattr(asked, name)
            for name in ("seeds", "head", "tail", "told", "epochs", "draws")
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


def _arguments() -> argparse.Namespace:
    usual = EntitySettings()
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--work", default="build/entityclip-ordering")
    parser.add_argument("--clip", help="a run of the tiny CLIP; without, one is trained")
    parser.add_argument("--clip-steps", type=int, help="of its training, for a quick try")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--head", type=int, default=usual.head)
    parser.add_argument("--tail", type=int, default=usual.tail)
    parser.add_argument("--told", type=int, default=usual.told)
    parser.add_argument("--epochs", type=int, default=120)
    parser.add_argument("--draws", type=int, default=4)
    parser.add_argument("--rows", nargs="+", default=[], help="only these rows")
    parser.add_argument("--row", help="only this row, of the first seed, into --work")
    parser.add_argument(
        "--also", nargs="+", default=[], choices=list(SINGLE), help="rows besides the table"
    )
    parser.add_argument("--out", help="file for the result as JSON")
    return parser.parse_args()


def backbone(work: Path, steps: int | None) -> Path:
    """The tiny CLIP of `CLIP_CONFIG`, trained where it is not there yet."""
    changes = [f"train.steps={steps}"] if steps else []
    run = load_run(CLIP_METHOD, CLIP_CONFIG, changes)
    settings: TrainConfig = run.train
    return train_clip(run.method, settings, work / "clip")


def _plan(asked: argparse.Namespace, clip: Path) -> Plan:
    entities = EntitySettings(head=asked.head, tail=asked.tail, told=asked.told)
    return Plan(Path(asked.work), clip, asked.seeds[0], entities, asked.epochs, asked.draws)


def _job(asked: argparse.Namespace, clip: Path, seed: int, row: str) -> list[str]:
    settings = {"--work": asked.work, "--clip": clip, "--seeds": seed, "--row": row}
    for name in ("head", "tail", "told", "epochs", "draws"):
        settings[f"--{name}"] = getattr(asked, name)
    return [str(part) for pair in settings.items() for part in pair]


def run_row(plan: Plan, row: str) -> None:
    """Train, export and measure one row."""
    began = time.monotonic()
    folder = plan.work / f"seed-{plan.seed}" / row.replace(" ", "-")
    if row == ZERO_SHOT:
        settings = PAPER
        encoder, matcher = exported(plan.clip, folder / "model"), None
    else:
        settings = {**ROWS, **SINGLE}[row]
        encoder = train_row(plan, settings, folder)
        matcher = open_matcher(folder / "model") if settings.matching else None
    result = measure(plan, settings, encoder, matcher)
    result["seconds"] = time.monotonic() - began
    _file(plan.work, plan.seed, row).write_text(json.dumps(result))
    shown = {mode: round(100 * one["all"], 1) for mode, one in result["modes"].items()}
    say(f"seed {plan.seed}, {row}: {shown} ({result['seconds']:.0f} s)")


def _file(work: Path, seed: int, row: str) -> Path:
    folder = work / f"seed-{seed}"
    folder.mkdir(parents=True, exist_ok=True)
    return folder / f"{row.replace(' ', '-')}.json"


def _read(work: Path, seed: int, row: str) -> Result:
    found: Result = json.loads(_file(work, seed, row).read_text())
    return found


# --- what it says ------------------------------------------------------------------------------


def summary(found: list[Result]) -> dict[str, Any]:
    """Mode -> figure -> mean, spread and values of the seeds."""
    modes = found[0]["modes"]
    return {
        mode: {name: spread([one["modes"][mode][name] for one in found]) for name in modes[mode]}
        for mode in modes
    } | {"weights": [one["weights"] for one in found]}


def spread(values: list[float]) -> dict[str, Any]:
    """Mean and sample standard deviation, 0 for a single value."""
    deviation = float(np.std(values, ddof=1)) if len(values) > 1 else 0.0
    return {
        "mean": round(float(np.mean(values)), 4),
        "spread": round(deviation, 4),
        "by_seed": [round(value, 4) for value in values],
    }


def _points(results: Table, row: str, mode: str, group: str = "all") -> list[float]:
    """R@1 in percent, by seed; empty where there is no such row."""
    return [100 * one["modes"][mode][group] for one in results.get(row, ()) if mode in one["modes"]]


def orderings(results: Table) -> list[dict[str, Any]]:
    """(a) to (e) of section 13, on means over the seeds; those whose rows are missing are left
    out."""
    found: list[dict[str, Any]] = []

    def more(name: str, upper: list[float], lower: list[float], margin: float) -> None:
        if upper and lower:
            gains = [a - b for a, b in zip(upper, lower, strict=True)]
            gain = float(np.mean(gains))
            found.append({"name": name, "gain": spread(gains), "holds": gain > margin})

    for row in (one for one in results if one in ROWS):
        name = f"(a) {row}: +E > plain by 5"
        more(name, _points(results, row, "+E"), _points(results, row, "plain"), 5)
    told = _points(results, "fine-tuned CLIP", "plain", "told")
    more("(b) fine-tuned CLIP, plain, told: below 2", [2.0] * len(told), told, 0)
    told = _points(results, "plus", "+E", "told")
    more("(b) plus, +E, told: above 20", told, [20.0] * len(told), 0)
    for row in ("paper", "plus"):
        before, after = (_points(results, row, mode) for mode in ("+E", "+E, re-ranked"))
        more(f"(c) {row}: re-ranked > not, by 5", after, before, 5)
    lower = _points(results, "fine-tuned CLIP", "plain")
    more("(d) plus > fine-tuned CLIP, plain, by 3", _points(results, "plus", "plain"), lower, 3)
    ours, published = (_points(results, row, "+E, re-ranked") for row in ("plus", "paper"))
    more("(e) plus > paper, re-ranked, by 10", ours, published, 10)
    return found


def chain(results: Table) -> list[dict[str, Any]]:
    """What each row of the paper's chain has over the next one, in the mode `plain`."""
    found = []
    for upper, lower in itertools.pairwise(row for row in CHAIN if row in results):
        pair = zip(_points(results, upper, "plain"), _points(results, lower, "plain"), strict=True)
        found.append({"name": f"{upper} > {lower}", "gain": spread([a - b for a, b in pair])})
    return found


def printed(report: dict[str, Any]) -> str:
    """The table, the orderings and the chain, for people."""
    lines = ["R@1 from caption to picture in percent, mean and spread over the seeds", ""]
    width = max(map(len, report["rows"]))
    lines.append(" " * width + "".join(f"  {mode:>18}" for mode in MODES))
    for row, modes in report["rows"].items():
        cells = [_cell(modes[mode]["all"]) if mode in modes else "-" for mode in MODES]
        lines.append(f"{row:<{width}}" + "".join(f"  {cell:>18}" for cell in cells))
    lines += ["", f"by group: {' / '.join(GROUPS)}", ""]
    for row, modes in report["rows"].items():
        cells = [_groups(modes[mode]) if mode in modes else "-" for mode in MODES]
        lines.append(f"{row:<{width}}" + "".join(f"  {cell:>18}" for cell in cells))
    lines.append("")
    for one in report["orderings"]:
        verdict = "holds" if one["holds"] else "DOES NOT HOLD"
        lines.append(f"{one['name']}: {_gain(one['gain'])}, {verdict}")
    lines += ["", "the paper's chain, plain (not asserted):"]
    lines += [f"{one['name']}: {_gain(one['gain'])}" for one in report["chain"]]
    return "\n".join(lines)


def _cell(value: dict[str, Any]) -> str:
    return f"{100 * value['mean']:.1f} ± {100 * value['spread']:.1f}"


def _groups(values: dict[str, Any]) -> str:
    shares = [values[group]["mean"] if group in values else None for group in GROUPS]
    return " / ".join("-" if one is None else f"{100 * one:.1f}" for one in shares)


def _gain(gain: dict[str, Any]) -> str:
    by_seed = ", ".join(f"{value:+.1f}" for value in gain["by_seed"])
    return f"{gain['mean']:+.1f} ± {gain['spread']:.1f} ({by_seed})"


if __name__ == "__main__":
    sys.exit(main())
