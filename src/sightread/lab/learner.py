"""What learns: the model, its optimizer, the moving average of its weights; one step of it."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim import SGD, Adam, AdamW, Optimizer

from sightread.errors import SightreadError
from sightread.lab.parallel import Group
from sightread.lab.settings import Run, TrainConfig
from sightread.methods.method import Batch, Losses, Method, ParameterGroup


@dataclass(frozen=True, slots=True)
class Gradients:
    """What one step computed, as means over its batches and processes: the terms of the loss and
    the length of the gradient. `numbers` are those of this process's batches."""

    losses: dict[str, float]
    norm: float
    examples: int
    numbers: tuple[int, ...]


class Learner:
    """A model on its device, ready to learn. `ema` is the moving average, if the run keeps one."""

    def __init__(
        self, method: Method[Any, Any], run: Run[Any], model: nn.Module, team: Group
    ) -> None:
        """Freezes what is in no group, and moves the model."""
        self.settings: TrainConfig = run.train
        self.model, self.team = model, team
        groups = method.groups(run.method, model)
        trained = {id(parameter) for one in groups for parameter in one.parameters}
        for parameter in model.parameters():
            parameter.requires_grad_(id(parameter) in trained)
        model.to(team.device)
        team.share(model)
        if run.train.channels_last:
            model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.optimizer = make_optimizer(run.train, groups)
        self.ema = copy.deepcopy(model) if run.train.ema is not None else None
        self._method, self._config = method, run.method
        self._trained = [one for group in groups for one in group.parameters]

    @property
    def judged(self) -> nn.Module:
        """What is validated and exported."""
        return self.model if self.ema is None else self.ema

    def gradients(self, batches: Iterator[tuple[int, Batch]]) -> Gradients:
        """Leave in the parameters the gradient of the mean over `accumulate` batches and over all
        processes, clipped if the run says so.

        Raises:
            SightreadError: memory is short.
        """
        self.optimizer.zero_grad(set_to_none=True)
        self.model.train()
        rounds = self.settings.accumulate
        sums: dict[str, float] = {}
        examples, numbers = 0, []
        for _ in range(rounds):
            number, batch = next(batches)
            numbers.append(number)
            examples += count(batch)
            with enough_memory(count(batch)):
                losses = self._losses(number, batch)
                (losses["total"] / rounds).backward()  # type: ignore[no-untyped-call]
            for name, value in losses.items():
                sums[name] = sums.get(name, 0.0) + float(value.detach()) / rounds
        self.team.average_gradients(self._trained)
        *means, mean_examples = self.team.mean([*sums.values(), float(examples)])
        return Gradients(
            losses=dict(zip(sums, means, strict=True)),
            norm=self._clip(),
            examples=round(mean_examples * self.team.world),
            numbers=tuple(numbers),
        )

    def _losses(self, number: int, batch: Batch) -> Losses:
        torch.manual_seed(batch_seed(self.settings.seed, number))
        moved = {name: self._moved(value) for name, value in batch.items()}
        half = self.settings.precision == "bf16"
        with torch.autocast(self.team.device.type, torch.bfloat16, enabled=half):
            losses: Losses = self._method.losses(self._config, self.model, moved)
        if "total" not in losses:
            raise TypeError(f"{self._method.name}.losses has no total, only {', '.join(losses)}")
        return losses

    def _moved(self, value: Any) -> Any:
        if not isinstance(value, Tensor):
            return value
        if self.settings.channels_last and value.ndim == 4:
            return value.to(self.team.device, memory_format=torch.channels_last)
        return value.to(self.team.device, non_blocking=True)

    def _clip(self) -> float:
        gradients = [one.grad for one in self._trained if one.grad is not None]
        norm = nn.utils.get_total_norm(gradients)
        if self.settings.clip_norm is not None:
            nn.utils.clip_grads_with_norm_(self._trained, self.settings.clip_norm, norm)
        return float(norm)

    def update(self, lr_factor: float) -> None:
        """One update of the weights along the gradient that is there."""
        for group in self.optimizer.param_groups:
            group["lr"] = group["initial_lr"] * lr_factor
        with enough_memory(None):
            self.optimizer.step()
        if self.ema is not None and self.settings.ema is not None:
            move_average(self.ema, self.model, self.settings.ema)

    def rates(self) -> dict[str, float]:
        """The learning rate of the last update, by group."""
        return {group["name"]: group["lr"] for group in self.optimizer.param_groups}


def make_optimizer(settings: TrainConfig, groups: Sequence[ParameterGroup]) -> Optimizer:
    """The optimizer of the settings, with one group of parameters for each of the method's."""
    listed = [
        {
            "name": one.name,
            "params": list(one.parameters),
            "lr": one.lr,
            "initial_lr": one.lr,
            "weight_decay": one.weight_decay,
        }
        for one in groups
    ]
    if settings.optimizer == "sgd":
        return SGD(listed, lr=0.0, momentum=settings.betas[0])
    kind = Adam if settings.optimizer == "adam" else AdamW
    return kind(listed, lr=0.0, betas=settings.betas, eps=settings.eps)


@torch.no_grad()
def move_average(averaged: nn.Module, model: nn.Module, decay: float) -> None:
    """averaged = decay * averaged + (1 - decay) * model; buffers are copied."""
    for mean, weight in zip(averaged.parameters(), model.parameters(), strict=True):
        mean.lerp_(weight, 1.0 - decay)
    for copied, buffer in zip(averaged.buffers(), model.buffers(), strict=True):
        copied.copy_(buffer)


def batch_seed(seed: int, number: int) -> int:
    """The seed of torch's generator for batch `number`: not its neighbours', whatever the seed."""
    return int(np.random.SeedSequence([seed, number]).generate_state(1, np.uint64)[0] >> 1)


def count(batch: Batch) -> int:
    """How many examples a batch has: the length of its first tensor."""
    return next((len(value) for value in batch.values() if isinstance(value, Tensor)), 0)


@contextmanager
def enough_memory(examples: int | None) -> Iterator[None]:
    """Turn the many ways of running out of memory into one sentence, with the batch to try."""
    try:
        yield
    except (torch.OutOfMemoryError, MemoryError, RuntimeError) as error:
        if not _is_memory(error):
            raise
        smaller = max(1, (examples or 0) // 2)
        way_out = "use a smaller batch"
        if examples is not None and examples > 1:
            way_out = (
                f"try batches of {smaller} with --set method.batch={smaller}, and "
                "--set train.accumulate=2 for as many examples per step"
            )
        size = f" with batches of {examples}" if examples else ""
        raise SightreadError(f"There is not enough memory to train{size}; {way_out}.") from error


def _is_memory(error: BaseException) -> bool:
    if isinstance(error, (torch.OutOfMemoryError, MemoryError)):
        return True
    return "can't allocate memory" in str(error) or "not enough memory" in str(error)
