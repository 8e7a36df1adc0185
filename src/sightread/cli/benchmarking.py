"""The command that measures an encoder on a public benchmark: evaluate fdp."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sightread.cli.options import JsonOption, QuietOption
from sightread.cli.plain import counted, duration, visible, write_bytes

if TYPE_CHECKING:
    from sightread.lab.encoding import EncodingProgress, ProgressCallback
    from sightread.methods.fdp.published import PublishedRow
    from sightread.protocols import DualEncoder
    from sightread.tasks import RetrievalTask

SEED = 0
MISSING_SHOWN = 5


def evaluate_fdp(
    benchmark: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help="iiit-str, svt, totaltext, ctr, pstr; also icdar2015 and mlt-val, which are asked "
            "by analogy.",
        ),
    ],
    encoder: Annotated[
        str, typer.Option("--encoder", metavar="FOLDER", help="The model folder to measure.")
    ],
    root: Annotated[
        str | None,
        typer.Option(metavar="DIR", help="Where the data set is, in the layout it comes in."),
    ] = None,
    cache: Annotated[
        str,
        typer.Option(
            metavar="FOLDER", help="Where vectors are kept, so that a stopped run goes on."
        ),
    ] = "build/vectors",
    batch: Annotated[
        int, typer.Option(metavar="N", min=1, help="Pictures encoded at once.")
    ] = 8,
    limit: Annotated[
        int | None,
        typer.Option(metavar="N", min=1, help="Only the first N pictures, for a quick try."),
    ] = None,
    quiet: QuietOption = False,
    as_json: JsonOption = False,
) -> None:
    """Measure an encoder on a benchmark of scene text retrieval.

    mAP over the whole gallery, ties against us, beside the published numbers. The data sets have
    terms of their own and are not fetched; one that is not there is answered with the layout that
    is expected. Pictures that cannot be decoded are listed, and rank last.
    """
    from pathlib import Path

    from sightread.cli.progress import ProgressLine
    from sightread.encoders import open_encoder
    from sightread.lab.evaluate import first_pictures
    from sightread.methods.fdp.data import open_benchmark

    task = open_benchmark(benchmark, Path(root) if root else None)
    short = first_pictures(task, limit) if limit else task
    opened = open_encoder(encoder)
    with ProgressLine(sys.stderr) as line:
        report = benchmark_report(
            opened, short, batch=batch, cache=cache, progress=None if quiet else _shown_on(line)
        )
    report["weights"] = encoder
    report["limited_to"] = limit
