"""The command that measures an encoder on a public benchmark: evaluate fdp."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sightread.cli.options import (
    BatchesOption,
    BatchOption,
    CacheOption,
    JsonOption,
    LimitOption,
    QuietOption,
)
from sightread.cli.plain import counted, duration, visible, write_bytes
from sightread.cli.training import needs_lab

if TYPE_CHECKING:
    from sightread.lab.encoding import EncodingProgress, ProgressCallback
    from sightread.protocols import DualEncoder
    from sightread.tasks import RetrievalTask

SEED = 0
_MISSING_SHOWN = 5


def evaluate_fdp(
    benchmark: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help="iiit-str, svt, totaltext, ctr or pstr; icdar2015 and mlt-val, which no paper "
            "reports and which are asked like totaltext; or synth-str, which is rendered.",
        ),
    ],
    encoder: Annotated[str, typer.Option(metavar="FOLDER", help="The model folder to measure.")],
    root: Annotated[
        str | None,
        typer.Option(metavar="DIR", help="Where the data set is, in the layout it comes in."),
    ] = None,
    cache: CacheOption = "build/vectors",
    batch: BatchOption = 8,
    workers: BatchesOption = None,
    limit: LimitOption = None,
    quiet: QuietOption = False,
    as_json: JsonOption = False,
) -> None:
    """Measure an encoder on a benchmark of scene text retrieval.

    Prints mAP over the whole gallery, ties against us, beside the published numbers. The data sets
    have terms of their own and are never fetched; where one is missing, the expected layout is
    said. Pictures that cannot be decoded are listed and rank last.
    """
    from pathlib import Path

    from sightread.cli.progress import StatusLine
    from sightread.wire import dump_json

    with needs_lab():
        from sightread.encoders import open_encoder
        from sightread.lab.evaluate import first_pictures
        from sightread.methods.fdp.data import open_benchmark

    task = open_benchmark(benchmark, Path(root) if root else None)
    task = first_pictures(task, limit) if limit else task
    opened = open_encoder(encoder)
    with StatusLine(sys.stderr) as line:
        shown = None if quiet else lambda now: line.show(lambda: describe(now))
        report = measure(opened, task, cache=cache, batch=batch, workers=workers, progress=shown)
    report |= {"weights": encoder, "limit": limit}
    write_bytes(dump_json(report, indent=2) + "\n" if as_json else report_text(report))


def measure(
    encoder: DualEncoder,
    task: RetrievalTask,
    *,
    cache: str | None = None,
    batch: int = 8,
    workers: int | None = None,
    progress: ProgressCallback | None = None,
) -> dict[str, Any]:
    """What `evaluate fdp` prints, as plain values: ours, the published rows, and where it was run.

    `workers` are the batches encoded at once; None: one per core.

    Raises:
        SightreadError: see `lab.evaluate.evaluate`.
    """
    from dataclasses import asdict

    from sightread.lab.evaluate import evaluate
    from sightread.measure.environment import environment
    from sightread.methods.fdp.published import SIZES, rows_for

    here = environment()
    threads = workers or here.cores
    found = asdict(
        evaluate(encoder, task, batch=batch, workers=threads, cache=cache, progress=progress)
    )
    del found["average_precision"]  # hundreds of lines; the lab's own callers have them
    size = SIZES.get(task.name)
    rows = [
        {
            "method": row.method,
            "map_percent": row.map_percent[task.name],
            "fps": row.fps,
            "source": row.source,
            "note": row.note,
        }
        for row in rows_for(task.name)
    ]
    return {
        "benchmark": found.pop("task"),
        **found,
        "published_size": asdict(size) if size else None,
        "published": rows,
        "seed": SEED,
        "workers": threads,
        **asdict(here),
    }


def describe(progress: EncodingProgress) -> str:
    """`1,234 of 10,000 pictures · 4.1 pictures/s · 36 min left · 200 known · 2 missing`."""
    parts = [f"{progress.done:,} of {progress.total:,} pictures"]
    parts.append(f"{pace(progress.pictures_per_s)} pictures/s")
    left_s = (progress.total - progress.done) / progress.pictures_per_s
    parts.append(f"{duration(left_s)} left")
    if progress.cached:
        parts.append(f"{progress.cached:,} known")
    if progress.missing:
        parts.append(f"{progress.missing:,} missing")
    return " · ".join(parts)


def pace(pictures_per_s: float) -> str:
    """4.1; 1,234: three digits are more than a timing is worth, but never 1.23e+03."""
    return f"{pictures_per_s:,.0f}" if pictures_per_s >= 100 else f"{pictures_per_s:.3g}"


def report_text(report: Mapping[str, Any]) -> str:
    """The report of `measure` for people, with `weights` and `limit` added."""
    from sightread.cli.reports import rows

    limited = report["limit"] is not None
    table = _table(report, with_published=not limited)
    hits = ", ".join(f"R@{k} {100 * share:.2f} %" for k, share in report["hit_at_k"].items())
    groups = ", ".join(
        f"{one} {100 * value:.2f} %" for one, value in report["map_by_group"].items()
    )
    return "\n".join(
        [
            visible(_headline(report)),
            "",
            *map(visible, table),
            "",
            rows(
                {
                    "hits": hits,
                    "by group": visible(groups),
                    "encoder": visible(report["encoder"]),
                    "weights": visible(f"{report['weights']} (revision {report['revision']})"),
                    "hardware": f"{report['processor']}, {counted(report['cores'], 'core')}",
                    "took": f"{duration(report['seconds'])} with "
                    f"{counted(report['workers'], 'worker')}, {report['cached']:,} vectors known",
                    "commit": report["commit"],
                    "seed": str(report["seed"]),
                    "missing": missing_lines(report["missing"]),
                }
            ),
        ]
    )


def missing_lines(missing: Mapping[str, str]) -> str:
    """How many pictures could not be used, and why the first ones could not."""
    count = counted(len(missing), "picture")
    shown = [visible(f"{name}: {why}") for name, why in missing.items()][:_MISSING_SHOWN]
    more = len(missing) - len(shown)
    rest = [f"and {more:,} more"] if more else []
    return "\n".join([f"{count}, ranked last:" if missing else count, *shown, *rest])


def _headline(report: Mapping[str, Any]) -> str:
    pictures, queries = report["pictures"], report["queries"]
    here = f"{counted(pictures, 'picture')}, {queries:,} {'query' if queries == 1 else 'queries'}"
    size = report["published_size"]
    if report["limit"] is not None:
        note = "a try on a part, comparable with no other number"
    elif size is None:
        note = "no paper reports this benchmark"
    elif (pictures, queries) == (size["pictures"], size["queries"]):
        note = "as many as in the papers"
    else:
        note = f"the papers have {size['pictures']:,} and {size['queries']:,}: not the same task"
    return f"{report['benchmark']}: {here} ({note})."


def _table(report: Mapping[str, Any], with_published: bool) -> list[str]:
    speed = report["pictures_per_s"]
    lines = [("method", "mAP %", "pictures/s", "source")]
    lines.append(("this encoder", f"{100 * report['map']:.2f}", pace(speed) if speed else "", ""))
    for row in report["published"] if with_published else ():
        source = f"{row['source']}; {row['note']}" if row["note"] else row["source"]
        fps = "" if row["fps"] is None else f"{row['fps']:g}"
        lines.append((row["method"], f"{row['map_percent']:.2f}", fps, source))
    width = max(len(line[0]) for line in lines)
    return [f"{a:<{width}}  {b:>6}  {c:>10}  {d}".rstrip() for a, b, c, d in lines]
