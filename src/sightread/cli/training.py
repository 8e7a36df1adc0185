"""The commands of the lab: train, export. They need the extra packages of `sightread[train]`."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from sightread.cli.entry import INTERRUPTED
from sightread.cli.options import JsonOption, QuietOption, say
from sightread.cli.plain import counted, duration, visible, write_bytes
from sightread.errors import UsageError

if TYPE_CHECKING:
    from sightread.lab.journal import TrainProgress, TrainReport
    from sightread.methods.method import Method

OutOption = Annotated[str, typer.Option(metavar="DIR", help="The folder that is written.")]


def train(
    method: Annotated[str, typer.Argument(metavar="METHOD", help="What to train, such as fdp.")],
    out: OutOption,
    config: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="A TOML file with the tables [method] and [train]; defaults without it.",
        ),
    ] = None,
    change: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="KEY=VALUE", help="Change one setting, as train.steps=500; repeatable."
        ),
    ] = None,
    resume: Annotated[
        bool,
        typer.Option(
            "--resume", help="Go on from the latest checkpoint in DIR, with its settings."
        ),
    ] = False,
    quiet: QuietOption = False,
    as_json: JsonOption = False,
) -> None:
    """Train a method. Checkpoints and scalars.csv go to DIR.

    Ctrl-C stops cleanly, and the same command with --resume goes on later. Several processes
    share the work when the command is run by torchrun: torchrun --nproc-per-node 2 -m sightread
    train ...
    """
    from pathlib import Path

    from sightread.cli.progress import StatusLine

    chosen = find_method(method)
    with needs_lab():
        from sightread.lab.train import train as run_training
    leads = os.environ.get("RANK", "0") == "0"
    with StatusLine(sys.stderr) as status:

        def show(progress: TrainProgress) -> None:
            if not quiet:
                status.show(lambda: describe(progress))

        report = run_training(
            chosen,
            _settings(chosen, config, change or [], Path(out), resume),
            Path(out),
            resume=resume,
            progress=show,
            tell=lambda sentence: status.say(visible(sentence)),
        )
    if leads:
        _finish(report, out, as_json)
    if report.interrupted:
        raise typer.Exit(INTERRUPTED)


def _settings(
    method: Method[Any, Any], config: str | None, change: list[str], out: Any, resume: bool
) -> Any:
    from sightread.lab import checkpoint
    from sightread.lab.settings import load_run

    base = None
    if resume and config is None:
        newest = checkpoint.latest(out / checkpoint.FOLDER, lambda _: None)
        base = dict(newest.state.config) if newest is not None else None
    return load_run(method, config, change, base)


def describe(progress: TrainProgress) -> str:
    """`step 120 of 1,000 · total 2.31 (align 1.2, loc 0.9) · 35 images/s · 6 min left`."""
    terms = {name: f"{value:.4g}" for name, value in progress.losses.items()}
    total = terms.pop("total", "")
    others = ", ".join(f"{name} {value}" for name, value in terms.items())
    parts = [
        f"step {progress.step:,} of {progress.steps:,}",
        f"total {total}" + (f" ({others})" if others else ""),
        f"{progress.images_per_s:.3g} images/s",
    ]
    left = f"{duration(progress.seconds_left)} left"
    parts.append("stopping: writing a checkpoint" if progress.stopping else left)
    return " · ".join(parts)


def _finish(report: TrainReport, out: str, as_json: bool) -> None:
    from dataclasses import asdict

    from sightread.wire import dump_json

    if as_json:
        fields = asdict(report) | {"checkpoint": str(report.checkpoint or "")}
        write_bytes(dump_json(fields, indent=2) + "\n")
    seen = f"{report.step:,} steps, {counted(report.examples, 'example')}"
    spent = duration(report.seconds)
    if report.interrupted:
        say(f"Stopped after {seen} ({spent}); the same command with --resume goes on from here.")
    else:
        say(f"Done: {seen} ({spent}); `sightread export {visible(out)} --out DIR` exports it.")


def export(
    checkpoint: Annotated[
        str,
        typer.Argument(
            metavar="CHECKPOINT",
            help="A checkpoint; or the folder of a run: then its best, or else its latest one; or "
            "the weights of a CLIP, as `models pull` and `models import` make them.",
        ),
    ],
    out: OutOption,
    name: Annotated[
        str | None, typer.Option(metavar="TEXT", help="Name of the model, for people.")
    ] = None,
    licence: Annotated[
        str | None, typer.Option(metavar="TEXT", help="Licence of the weights, for the card.")
    ] = None,
    notes: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Markdown about the data, for the card."),
    ] = None,
    finder: Annotated[
        str | None,
        typer.Option(
            metavar="CHECKPOINT", help="Of a word spotter: take the finder of this run instead."
        ),
    ] = None,
    precision: Annotated[
        Literal["float32", "int8"] | None,
        typer.Option(help="Of a word spotter's convolutions; int8 unless said otherwise."),
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace a model folder that is there.")
    ] = False,
) -> None:
    """Make a model folder of a checkpoint, for `index --encoder` and `search`, or for
    `index --reader-model` if it is a word spotter.

    Refuses if the exported graphs compute something else than the checkpoint.
    """
    with needs_lab():
        import onnxscript  # noqa: F401  (torch would name it in a way of its own)

        from sightread.lab.export import export as run_export
    from sightread.cli.models import golden_cosine

    made = run_export(
        checkpoint,
        out,
        name=name,
        licence=licence,
        notes=_read_notes(notes) if notes else "",
        finder=finder,
        precision=precision,
        overwrite=overwrite,
        tell=say,
    )
    # As a user will do it: from the folder, without torch.
    worst = golden_cosine(out, made.info)
    say(
        f"{visible(out)} is ready: cosine to torch at least {made.image.min_cosine:.6f} for "
        f"pictures, {made.text.min_cosine:.6f} for texts, {worst:.6f} from file to vector."
    )


def _read_notes(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"The notes {visible(str(path))} cannot be read: {error}.") from error


def find_method(name: str) -> Method[Any, Any]:
    """The method of this name.

    Raises:
        UsageError: there is none, or the packages of the lab are not installed.
    """
    with needs_lab():
        from sightread.methods import METHODS
    if name not in METHODS:
        known = ", ".join(sorted(METHODS)) or "none yet"
        raise UsageError(f"There is no method {name!r}; the methods are: {known}.")
    return METHODS[name]


@contextmanager
def needs_lab() -> Iterator[None]:
    """Say which packages are missing, if imports fail for it.

    Raises:
        UsageError: a package of the `train` extra is not installed.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        if (error.name or "sightread").split(".")[0] == "sightread":
            raise
        raise UsageError(
            f"This command needs the package {error.name}, which is not installed: run "
            "`pip install 'sightread[train]'`."
        ) from error
