"""Readers against each other: what they find, how surely, and what it costs.

    python -m benchmarks.words --data DIR --model FOLDER --work FOLDER [--quiet DIR] [--out FILE]

The same pictures and the same queries for every system, through the library as the product uses
it: indexed with one worker and one thread, then searched. DIR holds annotated pictures
(`measure.gallery`), --quiet pictures without text, as many of which are added as there are
photographs; `synth-str` is rendered into the work folder. Each system runs in a process of its own
and leaves its result in the work folder: a run that was stopped goes on with the next system, and
one with other pictures, another model or another commit begins anew.

Times are of the processor. "reading" is what the reader takes of a decoded picture, "decoding" all
that the worker does besides (the file's bytes, its hash, decoding, the record).
"""

from __future__ import annotations

import argparse
import hashlib
import json
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.tables import say, table
from benchmarks.words.galleries import HELD_OUT, PHOTOGRAPHS, QUIET, SEED
from benchmarks.words.systems import SPOTTERS, SYSTEMS
from benchmarks.words.worker import Job
from sightread.errors import SightreadError, UsageError
from sightread.measure.environment import environment
from sightread.modelfolder import MODEL_JSON

GALLERIES = ("real", "synth-str")


def parser() -> argparse.ArgumentParser:
    found = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    found.add_argument("--data", help="a folder with annotations.jsonl and queries.jsonl")
    found.add_argument("--quiet", help="a folder of pictures without text")
    found.add_argument("--model", help="the model folder of the spotter")
    found.add_argument("--work", type=Path, required=True, help="keeps what is done, for resuming")
    found.add_argument("--systems", nargs="+", default=list(SYSTEMS), choices=SYSTEMS)
    found.add_argument("--galleries", nargs="+", default=list(GALLERIES), choices=GALLERIES)
    found.add_argument("--limit", type=int, help="a seeded sample of so many pictures")
    found.add_argument("--held-out", action="store_true", help=HELD_OUT)
    found.add_argument("--out", type=Path, help="a file for the result as JSON")
    found.add_argument("--figure", type=Path, help="a file for mAP against time, PNG")
    return found


def main() -> int:
    asked = parser().parse_args()
    try:
        results = measure(asked)
    except SightreadError as error:
        print(error, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print(f"Stopped; what is done is kept in {asked.work}.", file=sys.stderr)
        return 130
    report: dict[str, Any] = {
        "rows": {name: [row(result) for result in systems] for name, systems in results.items()},
        "galleries": results,
        "limit": asked.limit,
        "held_out": asked.held_out,
        "seed": SEED,
        "threads": 1,
        **asdict(environment()),
    }
    for name, systems in results.items():
        print(f"\n{name}")
        print(summary(systems))
    if asked.out:
        asked.out.parent.mkdir(parents=True, exist_ok=True)
        asked.out.write_text(json.dumps(report, indent=1) + "\n", "utf-8")
    if asked.figure and "real" in results:
        draw([one for one in report["rows"]["real"] if "missing" not in one], asked.figure)
    return 0


def measure(asked: argparse.Namespace) -> dict[str, list[dict[str, Any]]]:
    """Gallery -> results of the systems, from the work folder where they are there.

    Raises:
        UsageError: something is missing that a system needs.
        SightreadError: a system failed.
    """
    if "real" in asked.galleries and not asked.data:
        raise UsageError("The gallery real needs --data, a folder of annotated pictures.")
    asked.work.mkdir(parents=True, exist_ok=True)
    results: dict[str, list[dict[str, Any]]] = {}
    for gallery in asked.galleries:
        for system in asked.systems:
            job = _job(asked, gallery, system)
            if not Path(job.out).exists():
                say(f"{system} on {gallery}")
                _run(job)
            found: dict[str, Any] = json.loads(Path(job.out).read_text("utf-8"))
            results.setdefault(gallery, []).append(found)
    return results


def _job(asked: argparse.Namespace, gallery: str, system: str) -> Job:
    here = gallery == "real"
    model = Path(asked.model) / MODEL_JSON if asked.model else None
    revision = hashlib.sha256(model.read_bytes()).hexdigest() if model and model.exists() else ""
    data, quiet = (asked.data, asked.quiet) if here else ("", None)
    same = repr((data, quiet, asked.limit, asked.held_out, revision, environment().commit))
    digest = hashlib.sha256(same.encode()).hexdigest()[:12]
    return Job(
        system=system,
        model=asked.model,
        data=data,
        quiet=quiet,
        folder=str(asked.work / f"synth-str-{asked.limit or 'all'}"),
        limit=asked.limit,
        held_out=asked.held_out,
        out=str(asked.work / f"{gallery}-{system}-{digest}.json"),
    )


def _run(job: Job) -> None:
    order = Path(job.out).with_suffix(".job")
    order.write_text(json.dumps(asdict(job)), "utf-8")
    done = subprocess.run([sys.executable, "-m", "benchmarks.words.worker", str(order)])
    order.unlink()
    if done.returncode:
        raise SightreadError(f"{job.system} ended with {done.returncode}; see above.")


# --- printing ----------------------------------------------------------------------------------


def time_ms(result: dict[str, Any], subsets: tuple[str, ...] | None, what: str) -> float | None:
    """The mean over some subsets (None: all with text) of one of the costs of a picture."""
    costs = {
        name: cost
        for name, cost in result["costs"].items()
        if (name in subsets if subsets is not None else name != QUIET)
    }
    pictures = sum(cost["pictures"] for cost in costs.values())
    if not pictures:
        return None
    return float(sum(cost[what] * cost["pictures"] for cost in costs.values()) / pictures)


def half_quiet_ms(result: dict[str, Any]) -> float | None:
    """Of a gallery in which half of the pictures, otherwise photographs, have no text."""
    there, quiet = (time_ms(result, some, "reading_ms") for some in (PHOTOGRAPHS, (QUIET,)))
    return None if there is None or quiet is None else (there + quiet) / 2


def row(result: dict[str, Any]) -> dict[str, Any]:
    """One line of the table."""
    if "missing" in result:
        return {"system": result["system"], "missing": result["missing"]}
    parts = result["parts"]
    main = parts.get("photographs", parts["all"])
    subsets = PHOTOGRAPHS if "photographs" in parts else None
    return {
        "system": result["system"],
        "mAP all": parts["all"]["map"],
        "mAP": main["map"],
        "precision": main["precision"],
        "recall": main["recall"],
        "invented": result["false_accept"],
        "reading ms": _short(time_ms(result, subsets, "reading_ms")),
        "decoding ms": _short(time_ms(result, subsets, "decoding_ms")),
        "half quiet ms": _short(half_quiet_ms(result)),
        "pictures/s": _short(1000 / (time_ms(result, subsets, "wall_ms") or 1e9)),
        "peak MB": _short(result["peak_rss_mb"]),
        "bytes/picture": result["bytes_per_picture"],
        **{name: value for name, (value, _) in result["map_by_height"].items()},
    }


def summary(systems: list[dict[str, Any]]) -> str:
    """The table: mAP and the columns after it are of the photographs, or of all where there are
    none; then mAP by the height of the words. Under it the settings."""
    rows = [row(result) for result in systems]
    there = [one for one in rows if "missing" not in one]
    columns = tuple(dict.fromkeys(name for one in there for name in one))
    lines = [table(columns, [{name: one.get(name) for name in columns} for one in there])]
    lines += [f"{one['system']}: {one['missing']}" for one in rows if "missing" in one]
    lines += [f"{one['system']}: {one['settings']}" for one in systems if "settings" in one]
    return "\n".join(lines)


def _short(value: float | None) -> str | None:
    return None if value is None else f"{value:.1f}"


def draw(rows: list[dict[str, Any]], path: Path) -> None:
    """mAP against processor time, the three details of the spotter as one line."""
    from benchmarks.fdp_studies.report import Figure, Line
    from benchmarks.fdp_studies.report import draw as draw_figure

    points = {one["system"]: one for one in rows}
    lines: dict[str, Line] = {}
    groups = {"spotter, three levels of detail": SPOTTERS}
    groups |= {name: (name,) for name in points if name not in SPOTTERS}
    for name, members in groups.items():
        some = [points[member] for member in members if member in points]
        if some:
            xs = [float(one["reading ms"]) for one in some]
            lines[name] = (xs, [one["mAP"] for one in some], [0.0] * len(some))
    path.parent.mkdir(parents=True, exist_ok=True)
    draw_figure(
        Figure(
            title="Words on photographs",
            across="processor time of reading a picture (ms)",
            up="mAP",
            lines=lines,
            log=True,
        ),
        path,
    )


if __name__ == "__main__":
    sys.exit(main())
