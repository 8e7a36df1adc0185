"""The command that draws what a trained model does: report."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from sightread.cli.options import JsonOption, QuietOption, say
from sightread.cli.plain import counted, visible, write_bytes
from sightread.cli.training import OutOption, needs_lab


def report(
    method: Annotated[
        str, typer.Argument(metavar="METHOD", help="What was trained: fdp, entityclip or hopid.")
    ],
    checkpoint: Annotated[
        str,
        typer.Option(
            metavar="RUN",
            help="A checkpoint; or the folder of a run: then its best, or else its latest one.",
        ),
    ],
    out: OutOption,
    change: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="KEY=VALUE",
            help="Change a setting of the run, as method.root=DIR where its data is now; "
            "repeatable.",
        ),
    ] = None,
    pictures: Annotated[
        int, typer.Option(metavar="N", min=2, help="Look at so many held-out pictures at most.")
    ] = 200,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace a report that is there.")
    ] = False,
    quiet: QuietOption = False,
    as_json: JsonOption = False,
) -> None:
    """Draw figures of a trained model on held-out pictures of its own data.

    Writes PNG files and one page, DIR/report.html, which needs nothing besides. fdp: where it sees
    text, content and function words, look-alike words. entityclip: how much experts count, what
    explanations change. hopid: what counts of what is written, and what is found with and without
    it. And galleries with right and wrong answers marked.
    """
    from sightread.cli.progress import StatusLine
    from sightread.measure.environment import environment
    from sightread.wire import dump_json

    with needs_lab():
        import matplotlib  # noqa: F401
        import sklearn  # noqa: F401

        from sightread.lab.report import make_report
    here = environment()
    with StatusLine(sys.stderr) as line:
        made = make_report(
            method,
            Path(checkpoint),
            Path(out),
            changes=change or [],
            most=pictures,
            overwrite=overwrite,
            also={
                "drawn on": f"{here.processor}, {counted(here.cores, 'core')}",
                "commit": here.commit,
            },
            tell=lambda title: None if quiet else line.show(lambda: f"drawn: {title}"),
        )
    if as_json:
        files = [str(path) for path in made.files]
        write_bytes(dump_json({"files": files, "without": dict(made.without)}, indent=2) + "\n")
    for title, why in made.without.items():
        say(f"Without “{visible(title)}”: {visible(why)}")
    say(f"{counted(len(made.files) - 1, 'figure')} and {visible(str(made.files[-1]))}.")
