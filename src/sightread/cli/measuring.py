"""The commands that measure: evaluate words, bench query."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from typing import Annotated, Any

import typer

from sightread.cli.options import JsonOption, ReaderOption, say
from sightread.cli.plain import duration, write_bytes
from sightread.cli.progress import LOG_LINE_S


def evaluate_words(
    data: Annotated[
        str,
        typer.Option(
            metavar="DIR",
            help="A folder with images/, annotations.jsonl and queries.jsonl; with --queries, "
            "any folder of images.",
        ),
    ],
    queries: Annotated[
        str | None,
        typer.Option(metavar="FILE", help='Queries of the form {"queries": {word: [image, ...]}}.'),
    ] = None,
    reader: ReaderOption = None,
    as_json: JsonOption = False,
) -> None:
    """Measure retrieval by written words on annotated pictures.

    The pictures are read into a temporary library. A plain baseline is measured in the same run.
    """
    from sightread.cli.progress import ProgressLine
    from sightread.measure.runs import evaluate_words as evaluate
    from sightread.protocols import DEFAULT_READER

    with ProgressLine(sys.stderr) as progress:
        measured = evaluate(data, queries, progress, reader or DEFAULT_READER)
    _print_measured(measured, as_json)


def bench_query(
    pictures: Annotated[
        int, typer.Option(metavar="N", min=1, help="How many pictures the made-up library holds.")
    ] = 100_000,
    as_json: JsonOption = False,
) -> None:
    """Measure the latency of queries on a made-up library of any size."""
    from sightread.measure.runs import bench_query as bench

    _print_measured(bench(pictures, _Filling(pictures)), as_json)


class _Filling:
    """Says on stderr, now and then, how far the made-up library is."""

    def __init__(self, pictures: int) -> None:
        self._pictures = pictures
        self._began = time.monotonic()
        self._due = self._began + LOG_LINE_S

    def __call__(self, done: int) -> None:
        now = time.monotonic()
        if now < self._due:
            return
        self._due = now + LOG_LINE_S
        speed = done / (now - self._began)
        left = duration((self._pictures - done) / speed)
        say(f"{done:,} of {self._pictures:,} pictures made up · {speed:,.0f}/s · {left} left")


def _print_measured(measured: Mapping[str, Any], as_json: bool) -> None:
    from sightread.cli.reports import measured_text
    from sightread.wire import dump_json

    write_bytes(dump_json(measured, indent=2) + "\n" if as_json else measured_text(measured))
