"""The command that measures an encoder on pairs of pictures and captions: evaluate entityclip."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sightread.cli.benchmarking import describe, missing_lines, pace
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
    from sightread.lab.encoding import ProgressCallback
    from sightread.protocols import DualEncoder
    from sightread.tasks import RetrievalTask

_WAYS = {"text_to_image": "text -> image", "image_to_text": "image -> text"}
_KS = (1, 5, 10)


def evaluate_entityclip(
    benchmark: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help="n24news, visualnews or goodnews; or synth-entity, which is rendered.",
        ),
    ],
    encoder: Annotated[str, typer.Option(metavar="FOLDER", help="The model folder to measure.")],
    root: Annotated[
        str | None,
        typer.Option(metavar="DIR", help="Where the data set is, in the layout it comes in."),
    ] = None,
    explanations: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="A JSONL file of explanations to add to the captions; not what the paper does.",
        ),
    ] = None,
    cache: CacheOption = "build/vectors",
    batch: BatchOption = 8,
    workers: BatchesOption = None,
    limit: LimitOption = None,
    quiet: QuietOption = False,
    as_json: JsonOption = False,
) -> None:
    """Measure an encoder on captions that name entities.

    Prints R@1, R@5 and R@10 in both directions, ties against us, beside what the paper reports.
    The data sets have terms of their own and are never fetched; where one is missing, the expected
    layout is said. Pictures that cannot be decoded are listed and rank last.
    """
    from pathlib import Path

    from sightread.cli.progress import StatusLine
    from sightread.wire import dump_json

    with needs_lab():
        from sightread.encoders import open_encoder
        from sightread.lab.evaluate import first_pictures
        from sightread.methods.entityclip.data import open_benchmark
        from sightread.methods.entityclip.explanations import read_explanations

    task = open_benchmark(benchmark, Path(root) if root else None)
    task = first_pictures(task, limit) if limit else task
    known = read_explanations(Path(explanations)) if explanations else None
    told = {name: known.of(text, name) for name, text in task.queries.items()} if known else {}
    opened = open_encoder(encoder)
    with StatusLine(sys.stderr) as line:
        report = measure(
            opened,
            task,
            told=told,
            cache=cache,
            batch=batch,
            workers=workers,
            progress=None if quiet else lambda now: line.show(lambda: describe(now)),
        )
    report |= {"weights": encoder, "limit": limit}
    write_bytes(dump_json(report, indent=2) + "\n" if as_json else report_text(report))


def measure(
    encoder: DualEncoder,
    task: RetrievalTask,
    *,
    told: Mapping[str, str] | None = None,
    cache: str | None = None,
    batch: int = 8,
    workers: int | None = None,
    progress: ProgressCallback | None = None,
) -> dict[str, Any]:
    """What `evaluate entityclip` prints, as plain values: ours, the published rows, and where it
    was run.

    Raises:
        SightreadError: see `lab.both_ways.evaluate_both_ways`.
    """
    from dataclasses import asdict

    from sightread.lab.both_ways import evaluate_both_ways
    from sightread.measure.environment import environment
    from sightread.methods.entityclip.published import rows_for

    here = environment()
    threads = workers or here.cores
    found = asdict(
        evaluate_both_ways(
            encoder, task, told=told, batch=batch, workers=threads, cache=cache, progress=progress
        )
    )
    rows = [asdict(row) for row in rows_for(task.name)]
    return {
        "benchmark": found.pop("task"),
        **found,
        "published": rows,
        "workers": threads,
        **asdict(here),
    }


def report_text(report: Mapping[str, Any]) -> str:
    """The report of `measure` for people, with `weights` and `limit` added."""
    from sightread.cli.reports import rows

    groups = [
        f"{_WAYS[way]}, R@1: "
        + ", ".join(f"{name} {100 * hits[1]:.1f} %" for name, hits in found.items())
        for way in _WAYS
        if (found := report[way]["by_group"])
    ]
    ranks = ", ".join(
        f"{name} {report[way]['median_rank']:g} and {report[way]['mean_rank']:.1f}"
        for way, name in _WAYS.items()
    )
    twice = [
        f"{name} R@1 {100 * report[way]['same_text'][1]:.2f} %"
        for way, name in _WAYS.items()
        if report[way]["same_text"] != report[way]["hit_at_k"]
    ]
    facts = {
        "by group": "\n".join(map(visible, groups)),
        "ranks": f"median and mean: {ranks}",
        "repeated": f"with every pair of the same caption right: {', '.join(twice)}"
        if twice
        else "",
        "encoder": visible(report["encoder"]),
        "weights": visible(f"{report['weights']} (revision {report['revision']})"),
        "hardware": f"{report['processor']}, {counted(report['cores'], 'core')}",
        "took": f"{duration(report['seconds'])} with {counted(report['workers'], 'worker')}, "
        f"{report['cached']:,} vectors known"
        + (f", {pace(report['pictures_per_s'])} pictures/s" if report["pictures_per_s"] else ""),
        "commit": report["commit"],
        "missing": missing_lines(report["missing"]),
    }
    table = map(visible, _table(report, with_published=report["limit"] is None))
    return "\n".join([visible(_headline(report)), "", *table, "", rows(facts)])


def _headline(report: Mapping[str, Any]) -> str:
    here = counted(report["pairs"], "pair")
    if report["limit"] is not None:
        note = "a try on a part, comparable with no other number"
    elif not report["published"]:
        note = "no paper reports this benchmark"
    else:
        note = "which split and how many pairs the paper has is not known"
    asked = f"; {report['told']:,} captions with their explanation" if report["told"] else ""
    return f"{report['benchmark']}: {here} of picture and caption ({note}){asked}."


def _table(report: Mapping[str, Any], with_published: bool) -> list[str]:
    ours = [{k: 100 * share for k, share in report[way]["hit_at_k"].items()} for way in _WAYS]
    published = report["published"] if with_published else ()
    lines = [
        ["R@K in %", *(f"{way} {k}" for way in ("t>i", "i>t") for k in _KS), "source"],
        ["this encoder", *_cells(ours), ""],
        *(
            [row["method"], *_cells([row[way] for way in _WAYS]), row["source"]]
            for row in published
        ),
    ]
    width = max(len(line[0]) for line in lines)
    return [
        f"{line[0]:<{width}}  " + " ".join(f"{cell:>6}" for cell in line[1:-1]) + f"  {line[-1]}"
        for line in lines
    ]


def _cells(ways: Sequence[Mapping[int, float]]) -> list[str]:
    """R@K of both directions; "-" for what is not known."""
    return [f"{way[k]:.2f}" if k in way else "-" for way in ways for k in _KS]
