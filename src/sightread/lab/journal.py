"""What a run says about itself: progress while it runs, `scalars.csv`, a report at its end."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from sightread.lab.checkpoint import TrainState
from sightread.lab.learner import Gradients
from sightread.lab.scalars import Scalars
from sightread.lab.settings import Run

_WINDOW_S = 30.0


@dataclass(frozen=True, slots=True)
class TrainProgress:
    """A moment of a run. `losses` are those of the last step, by name; `images_per_s` counts the
    examples of the last half minute in all processes; `stopping`: asked to end."""

    step: int
    steps: int
    losses: Mapping[str, float]
    images_per_s: float
    seconds_left: float
    stopping: bool


@dataclass(frozen=True, slots=True)
class TrainReport:
    """How a run ended: after which step, with which losses and figures of validation, where its
    last checkpoint is, and whether it was asked to end before its time."""

    step: int
    losses: Mapping[str, float]
    metrics: Mapping[str, float]
    checkpoint: Path | None
    examples: int
    seconds: float
    interrupted: bool


class Journal:
    """Follows a run step by step. Without a path (in processes that do not lead) it only counts."""

    def __init__(self, path: Path | None, run: Run[Any], state: TrainState) -> None:
        self._scalars = Scalars(path, step=state.step) if path is not None else None
        self._settings = run.train
        self._pace = Pace()
        self._losses: Mapping[str, float] = {}
        self._step = state.step

    def __enter__(self) -> Journal:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._scalars is not None:
            self._scalars.close()

    def step(self, state: TrainState, gradients: Gradients, rates: Mapping[str, float]) -> None:
        """Note an update; a row goes to the file where one is due."""
        self._losses, self._step = gradients.losses, state.step
        self._pace.add(gradients.examples)
        due = state.step % self._settings.log_every == 0 or self._settings.saves_at(state.step)
        if self._scalars is None or not (due or state.step == 1):
            return
        values = {f"loss/{name}": value for name, value in gradients.losses.items()}
        values |= {f"lr/{name}": rate for name, rate in rates.items()}
        values |= {"gradient_norm": gradients.norm, "images_per_s": self._pace.examples_per_s()}
        self._scalars.add(state.step, state.seconds, values)

    def metrics(self, state: TrainState) -> None:
        """Note the figures of a validation."""
        if self._scalars is not None:
            tagged = {f"metric/{name}": value for name, value in state.metrics.items()}
            self._scalars.add(state.step, state.seconds, tagged)

    def progress(self, stopping: bool) -> TrainProgress:
        steps = self._settings.steps
        left = (steps - self._step) * self._pace.seconds_per_step()
        rate = self._pace.examples_per_s()
        return TrainProgress(self._step, steps, self._losses, rate, left, stopping)

    def report(self, state: TrainState, newest: Path | None) -> TrainReport:
        return TrainReport(
            step=state.step,
            losses=self._losses,
            metrics=state.metrics,
            checkpoint=newest,
            examples=state.examples,
            seconds=state.seconds,
            interrupted=state.step < self._settings.steps,
        )


class Pace:
    """Steps and examples over the last half minute."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._steps = 0
        self._examples = 0
        self._samples: deque[tuple[float, int, int]] = deque([(clock(), 0, 0)])

    def add(self, examples: int) -> None:
        """Note a finished step."""
        now = self._clock()
        self._steps += 1
        self._examples += examples
        self._samples.append((now, self._steps, self._examples))
        while len(self._samples) > 2 and now - self._samples[0][0] > _WINDOW_S:
            self._samples.popleft()

    def examples_per_s(self) -> float:
        seconds, _, examples = self._window()
        return examples / seconds if seconds > 0 else 0.0

    def seconds_per_step(self) -> float:
        seconds, steps, _ = self._window()
        return seconds / steps if steps else 0.0

    def _window(self) -> tuple[float, int, int]:
        then, last = self._samples[0], self._samples[-1]
        return last[0] - then[0], last[1] - then[1], last[2] - then[2]
