"""One process, or several under `torchrun`: who am I, and how do we agree."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import distributed, nn

from sightread.errors import UsageError


@dataclass(frozen=True, slots=True)
class Group:
    """`rank` of `world` processes, computing on `device`. Rank 0 alone writes files and talks."""

    rank: int
    world: int
    device: torch.device

    @property
    def leads(self) -> bool:
        return self.rank == 0

    def share(self, model: nn.Module) -> None:
        """Give all processes the weights and buffers of rank 0."""
        if self.world > 1:
            for tensor in model.state_dict().values():
                distributed.broadcast(tensor, 0)

    def average_gradients(self, parameters: Sequence[nn.Parameter]) -> None:
        """Replace each gradient by its mean over all processes.

        Not torch's DistributedDataParallel, which wants every parameter used in every batch or
        warns; here one that no process used keeps no gradient, as in a process that works alone.
        """
        if self.world == 1:
            return
        used = torch.tensor([float(one.grad is not None) for one in parameters], device=self.device)
        distributed.all_reduce(used)
        waiting: list[Any] = []
        for parameter in itertools.compress(parameters, used.tolist()):
            if parameter.grad is None:
                parameter.grad = torch.zeros_like(parameter)
            waiting.append(distributed.all_reduce(parameter.grad, async_op=True))
        for one in waiting:
            one.wait()
        for parameter in parameters:
            if parameter.grad is not None:
                parameter.grad /= self.world

    def mean(self, values: Sequence[float]) -> list[float]:
        """The mean of each value over all processes."""
        if self.world == 1:
            return list(values)
        together = torch.tensor(values, dtype=torch.float64, device=self.device)
        distributed.all_reduce(together)
        means: list[float] = (together / self.world).tolist()
        return means

    def any(self, flag: bool) -> bool:
        """Whether the flag is set in any process."""
        return self.mean([float(flag)])[0] > 0

    def wait(self) -> None:
        """Until all processes are here."""
        if self.world > 1:
            distributed.barrier()


@contextmanager
def group(device: str, threads: int | None = None) -> Iterator[Group]:
    """Join the processes that `torchrun` started, or work alone.

    Args:
        device: "auto", "cpu" or "cuda"; under torchrun each process takes the GPU of its number.
        threads: that torch may use in this process; None leaves it to torch.

    Raises:
        UsageError: cuda is asked for and not there.
    """
    if device == "cuda" and not torch.cuda.is_available():
        raise UsageError("train.device is cuda, but torch finds no GPU; set it to auto or cpu.")
    gpu = device != "cpu" and torch.cuda.is_available()
    if threads is not None:
        torch.set_num_threads(threads)
    world = _number(os.environ, "WORLD_SIZE", 1)
    if world == 1:
        yield Group(0, 1, torch.device("cuda", 0) if gpu else torch.device("cpu"))
        return
    place = torch.device("cuda", _number(os.environ, "LOCAL_RANK", 0)) if gpu else None
    if place is not None:
        torch.cuda.set_device(place)
    distributed.init_process_group("nccl" if gpu else "gloo")
    try:
        yield Group(distributed.get_rank(), world, place or torch.device("cpu"))
    finally:
        distributed.destroy_process_group()


def _number(environment: Mapping[str, str], name: str, default: int) -> int:
    try:
        return int(environment.get(name, default))
    except ValueError:
        raise UsageError(f"{name} is {environment[name]!r}, but must be a number.") from None
