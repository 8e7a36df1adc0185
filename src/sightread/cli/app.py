"""The commands of `sightread`, put together."""

from __future__ import annotations

from typing import Annotated

import typer

from sightread.cli import (
    asking,
    benchmarking,
    caption_benchmarks,
    filling,
    measuring,
    pair_benchmarks,
    reporting,
    serving,
    training,
)
from sightread.cli.explaining import explain
from sightread.cli.models import models
from sightread.version import __version__

# Plain help without colours: loading the formatter would take longer than all the rest.
app = typer.Typer(
    name="sightread",
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["--help", "-h"]},
)
evaluate = typer.Typer(help="Measure how well things are found.", rich_markup_mode=None)
bench = typer.Typer(help="Measure how fast things are found.", rich_markup_mode=None)


def show_version(wanted: bool) -> None:
    if wanted:
        print(f"sightread {__version__}")
        raise typer.Exit


@app.callback()
def sightread(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=show_version, is_eager=True, help="Print the version and leave."
        ),
    ] = False,
) -> None:
    """Find pictures by the words written in them.

    First `sightread index FOLDER`, then `sightread search WORDS`.
    """


app.command()(filling.index)
app.command()(asking.search)
app.command()(asking.show)
app.command()(asking.status)
app.command()(serving.serve)
app.command()(filling.retry)
app.command()(filling.forget)
app.command()(filling.entities)
app.command()(training.train)
app.command()(training.export)
app.command()(reporting.report)
evaluate.command("words")(measuring.evaluate_words)
evaluate.command("fdp")(benchmarking.evaluate_fdp)
evaluate.command("entityclip")(pair_benchmarks.evaluate_entityclip)
evaluate.command("hopid")(caption_benchmarks.evaluate_hopid)
bench.command("query")(measuring.bench_query)
app.add_typer(explain, name="explain")
app.add_typer(evaluate, name="evaluate")
app.add_typer(bench, name="bench")
app.add_typer(models, name="models")
