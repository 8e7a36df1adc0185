"""The figures of a trained model, as PNG and as one page: `sightread report`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from sightread.errors import UsageError
from sightread.lab.checkpoint import EMA, MODEL, Checkpoint, load_model, open_checkpoint
from sightread.lab.facts import versions
from sightread.lab.report.page import PAGE, Figure, check_folder, page, write
from sightread.lab.settings import Run, load_run
from sightread.methods import METHODS

PICTURES = 200
"""Held-out pictures in a report, if nobody says otherwise."""


@dataclass(frozen=True, slots=True)
class Trained:
    """A model in eval mode, and the run that it is of."""

    checkpoint: Checkpoint
    run: Run[Any]
    model: nn.Module


@dataclass(frozen=True, slots=True)
class Report:
    """What was written: all files, and the figures that could not be made of this run, title ->
    why."""

    files: Sequence[Path]
    without: Mapping[str, str]


Draw = Callable[[Any, Any, int], Iterator[Figure]]
"""(recipe, model, pictures at most) -> the figures of a method."""


def _fdp(recipe: Any, model: Any, most: int) -> Iterator[Figure]:
    from sightread.lab.report.fdp import figures

    return figures(recipe, model, most)


def _entityclip(recipe: Any, model: Any, most: int) -> Iterator[Figure]:
    from sightread.lab.report.entityclip import figures

    return figures(recipe, model, most)


def _hopid(recipe: Any, model: Any, most: int) -> Iterator[Figure]:
    from sightread.lab.report.hopid import figures

    return figures(recipe, model, most)


REPORTS: Mapping[str, Draw] = {"entityclip": _entityclip, "fdp": _fdp, "hopid": _hopid}


def make_report(
    method: str,
    checkpoint: Path,
    out: Path,
    *,
    changes: Sequence[str] = (),
    most: int = PICTURES,
    overwrite: bool = False,
    also: Mapping[str, str] | None = None,
    tell: Callable[[str], None] = lambda _: None,
) -> Report:
    """Write `out/report.html` and a PNG for each figure.

    Args:
        method: of which the checkpoint has to be.
        checkpoint: a checkpoint, or the folder of a run.
        changes: settings of the run to change, as `--set` takes them: where its data is now.
        most: held-out pictures that are looked at.
        overwrite: replace a report that is there.
        also: facts to print with those of the run: where the report was made.
        tell: called with the title of each figure that is done.

    Raises:
        UsageError: there is no such report, the checkpoint is of another method, its data is not
            there, or `out` holds other things.
        ModelError: there is no checkpoint, or it is damaged.
        SightreadError: the report cannot be written.
    """
    if method not in REPORTS:
        raise UsageError(
            f"There is no report for {method!r}; there are some for: {', '.join(REPORTS)}."
        )
    check_folder(out, overwrite)
    trained = open_trained(checkpoint, method, changes)
    made = []
    with torch.no_grad():
        for one in REPORTS[method](trained.run.method, trained.model, most):
            tell(one.title)
            made.append(one)
    # Where the owner of the run keeps it is nobody's business who gets the page.
    options = [f"--set {change}" for change in changes if "/" not in change]
    options += [f"--pictures {most}"] if most != PICTURES else []
    command = f"sightread report {method} --checkpoint {checkpoint.name} --out {out.name}"
    facts = _facts(trained) | dict(also or {})
    text = page(_title(trained), facts, made, " ".join([command, *options]))
    files = write(out, text, made)
    return Report(files, {one.title: one.says for one in made if not one.png})


def open_trained(path: Path, method: str, changes: Sequence[str] = ()) -> Trained:
    """The model of a checkpoint of this method.

    Raises:
        ModelError: there is none, or it is damaged.
        UsageError: it is of another method, or a setting makes no sense.
    """
    found = open_checkpoint(path)
    if found.state.method != method:
        raise UsageError(
            f"{path} is of the method {found.state.method}, not {method}: ask for `sightread "
            f"report {found.state.method}`."
        )
    known = METHODS[method]
    run = load_run(known, None, changes, dict(found.state.config))
    model = known.build(run.method, run.train.seed)
    load_model(found, model, ema=True)
    return Trained(found, run, model.eval())


def _title(trained: Trained) -> str:
    return f"{trained.checkpoint.state.method}: a report of step {trained.checkpoint.state.step:,}"


def _facts(trained: Trained) -> dict[str, str]:
    state = trained.checkpoint.state
    weights = state.files[EMA if EMA in state.files else MODEL].sha256
    figures = {
        name: f"{value:.4g}" for name, value in state.metrics.items() if "calibration" not in name
    }
    return {
        "weights": f"SHA-256 {weights[:16]}…",
        "settings": f"digest {state.digest[:16]}…, seed {trained.run.train.seed}",
        "data": str(getattr(trained.run.method, "data", "")),
        "learned from": f"{state.examples:,} examples in {state.step:,} steps on {state.device}",
        "at this step": ", ".join(f"{name} {value}" for name, value in figures.items()),
        "made by": ", ".join(f"{name} {value}" for name, value in versions().items()),
    }


__all__ = ["PAGE", "PICTURES", "REPORTS", "Report", "Trained", "make_report", "open_trained"]
