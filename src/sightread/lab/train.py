"""The training loop, one for all methods. `train` is the whole of it; what is behind its words is
in the files beside it.

Resuming is exact: batch number n is a function of n, and torch's generator is seeded for each
batch from the run's seed and n. A run that is killed and resumed ends, on a CPU, with the same bits
as one that was not, and two processes do together what one does with twice `accumulate`.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import nn

from sightread.config import digest, to_plain
from sightread.errors import SightreadError, UsageError
from sightread.interrupt import Interrupt
from sightread.lab import checkpoint as checkpoints
from sightread.lab.checkpoint import Checkpoint, TrainState
from sightread.lab.facts import device_name, versions
from sightread.lab.feed import feed
from sightread.lab.journal import Journal, TrainProgress, TrainReport
from sightread.lab.learner import Gradients, Learner
from sightread.lab.parallel import Group, group
from sightread.lab.settings import Run, lr_factor, parse_run, require_same
from sightread.methods.method import Batch, Method

Progress = Callable[[TrainProgress], None]
Tell = Callable[[str], None]


def train(
    method: Method[Any, Any],
    run: Run[Any],
    out: Path,
    *,
    resume: bool = False,
    progress: Progress = lambda _: None,
    tell: Tell = lambda _: None,
) -> TrainReport:
    """Train a method; checkpoints and `scalars.csv` go to the folder `out`.

    Args:
        resume: go on from the latest checkpoint in `out`, from the start if there is none.
        progress: called after every step, in the process of rank 0.
        tell: gets sentences about what happens besides: a damaged checkpoint, a validation.

    Raises:
        UsageError: `out` holds a run already, or one with other settings.
        ModelError: all checkpoints are damaged, or do not fit.
        SightreadError: the loss is not finite, memory is short.
    """
    settings = run.train
    with ExitStack() as stack:
        interrupt = stack.enter_context(Interrupt())
        team = stack.enter_context(group(settings.device, settings.threads))
        talk = tell if team.leads else lambda _: None
        learner, state, keeper = _begin(method, run, out, resume, team, talk)
        batches = _batches(method, run, learner, state, team)
        journal = stack.enter_context(
            Journal(out / "scalars.csv" if team.leads else None, run, state)
        )
        stopped = False
        while state.step < settings.steps and not stopped:
            began = time.monotonic()
            gradients = learner.gradients(batches)
            stopped = team.any(interrupt.requested)
            _require_finite(gradients, state, settings.seed, keeper)
            learner.update(lr_factor(settings, state.step))
            state = _advance(state, gradients, time.monotonic() - began)
            journal.step(state, gradients, learner.rates())
            if team.leads:
                progress(journal.progress(stopped))
            if team.leads and settings.validates_at(state.step):
                state = keeper.validate(learner.judged, state)
                journal.metrics(state)
            if team.leads and (stopped or settings.saves_at(state.step)):
                keeper.save(learner, state)
            team.wait()
        return journal.report(state, keeper.newest())


# --- before the first step ---------------------------------------------------------------------


def _begin(
    method: Method[Any, Any], run: Run[Any], out: Path, resume: bool, team: Group, tell: Tell
) -> tuple[Learner, TrainState, _Keeper]:
    """A fresh model, or that of the latest checkpoint."""
    folder = out / checkpoints.FOLDER
    found = _find(method, run, folder, resume, tell)
    model: nn.Module = method.build(run.method, run.train.seed)
    if found is not None:
        checkpoints.load_model(found, model)
    elif method.start is not None:
        method.start(run.method, model)
    keeper = _Keeper(method, run, folder, model, tell)
    state = _state(method, run, keeper, team, found)
    learner = Learner(method, run, model, team)
    if found is not None:
        checkpoints.load_optimizer(found, model, learner.optimizer)
        if learner.ema is not None:
            checkpoints.load_ema(found, learner.ema)
    elif run.train.best is not None and team.leads:
        keeper.validate(learner.judged, state)  # a figure that is not there shows up at once
    return learner, state, keeper


def _find(
    method: Method[Any, Any], run: Run[Any], folder: Path, resume: bool, tell: Tell
) -> Checkpoint | None:
    there = checkpoints.listing(folder)
    if there and not resume:
        raise UsageError(
            f"{folder.parent} holds a run already, at {there[-1].name}; say --resume to go on with "
            "it, or name another folder."
        )
    found = checkpoints.latest(folder, tell)
    if found is None:
        return None
    if found.state.method != method.name:
        raise UsageError(f"{found.path} was trained with {found.state.method}, not {method.name}.")
    require_same(run, parse_run(method, found.state.config, str(found.path)), str(found.path))
    tell(f"Going on from {found.path}, after step {found.state.step:,}.")
    return found


def _state(
    method: Method[Any, Any], run: Run[Any], keeper: _Keeper, team: Group, found: Checkpoint | None
) -> TrainState:
    per_step = team.world * run.train.accumulate
    state = TrainState(
        method=method.name,
        step=0,
        config=to_plain(run),
        digest=digest(run),
        tokenizer=keeper.tokenizer.layout,
        batches_per_step=per_step,
        device=device_name(team.device) + (f" x {team.world}" if team.world > 1 else ""),
        created_with=versions(),
    )
    if found is None:
        return state
    old = found.state
    if old.batches_per_step != per_step:
        raise UsageError(
            f"{found.path} took {old.batches_per_step} batches per step, but {team.world} "
            f"processes with train.accumulate={run.train.accumulate} take {per_step}; change one "
            "of the two."
        )
    return replace(
        state, step=old.step, examples=old.examples, seconds=old.seconds, metrics=old.metrics
    )


def _batches(
    method: Method[Any, Any], run: Run[Any], learner: Learner, state: TrainState, team: Group
) -> Iterator[tuple[int, Batch]]:
    """(number, batch) for this process, from the first one that is still to be learned."""
    made = method.batches(run.method, learner.model, run.train.seed)
    first, last = (step * state.batches_per_step for step in (state.step, run.train.steps))
    # Process r of w takes batches r, r + w, r + 2 w, ...
    return feed(made, range(first + team.rank, last, team.world), run.train.workers)


# --- after a step ------------------------------------------------------------------------------


def _advance(state: TrainState, gradients: Gradients, seconds: float) -> TrainState:
    return replace(
        state,
        step=state.step + 1,
        examples=state.examples + gradients.examples,
        seconds=state.seconds + seconds,
    )


def _require_finite(gradients: Gradients, state: TrainState, seed: int, keeper: _Keeper) -> None:
    losses = gradients.losses
    if all(math.isfinite(value) for value in (*losses.values(), gradients.norm)):
        return
    newest = keeper.newest()
    good = f"the last good checkpoint is {newest}" if newest else "there is no checkpoint yet"
    shown = ", ".join(f"{name} {value:.4g}" for name, value in losses.items())
    raise SightreadError(
        f"The loss is not finite at step {state.step + 1}, batch "
        f"{' and '.join(map(str, gradients.numbers))} of seed {seed}: {shown}, gradient "
        f"{gradients.norm:.4g}; {good}. Lower the learning rate, set train.clip_norm, or look at "
        "that batch."
    )


class _Keeper:
    """Validates and writes checkpoints, in the leading process."""

    def __init__(
        self, method: Method[Any, Any], run: Run[Any], folder: Path, model: nn.Module, tell: Tell
    ) -> None:
        self._method, self._run, self._folder, self._tell = method, run, folder, tell
        self.tokenizer = method.tokenizer(run.method, model)

    def validate(self, model: nn.Module, state: TrainState) -> TrainState:
        """The state with the figures of the method's validation.

        Raises:
            UsageError: the figure that shall choose the best checkpoint is not among them.
        """
        metrics: dict[str, float] = {}
        if self._method.validate is not None:
            model.eval()
            with torch.no_grad():
                metrics = self._method.validate(self._run.method, model)
        best = self._run.train.best
        if best is not None and best not in metrics:
            known = ", ".join(metrics) or "nothing"
            raise UsageError(f"train.best is {best}, but {self._method.name} validates {known}.")
        metrics = {name: float(value) for name, value in metrics.items() if math.isfinite(value)}
        if metrics:
            shown = ", ".join(f"{name} {value:.4g}" for name, value in metrics.items())
            self._tell(f"Step {state.step:,}: {shown}.")
        return replace(state, metrics=metrics)

    def save(self, learner: Learner, state: TrainState) -> None:
        train = self._run.train
        checkpoints.save(
            self._folder, state, learner.model, learner.optimizer, self.tokenizer, learner.ema
        )
        checkpoints.prune(self._folder, train.keep, train.best, train.best_is)

    def newest(self) -> Path | None:
        paths = checkpoints.listing(self._folder)
        return paths[-1] if paths else None
