"""Batches in the order of their numbers, made in between or by worker processes."""

from __future__ import annotations

import signal
import warnings
from collections.abc import Iterator, Sequence
from typing import Any

from torch.utils.data import DataLoader, Dataset

from sightread.errors import SightreadError
from sightread.methods.method import Batch, Batches


def feed(batches: Batches, numbers: Sequence[int], workers: int) -> Iterator[tuple[int, Batch]]:
    """(number, batch) for each number.

    Args:
        workers: processes that make batches ahead of time; with 0 they are made when asked for.
            The batches are the same.

    Raises:
        SightreadError: a worker died.
    """
    if workers == 0:
        for number in numbers:
            yield number, batches(number)
        return
    with warnings.catch_warnings():
        # How many processes are too many is for the user to say.
        warnings.filterwarnings("ignore", "This DataLoader will create", UserWarning)
        loader = DataLoader(
            _Numbered(batches),
            sampler=numbers,
            batch_size=None,
            num_workers=workers,
            collate_fn=_as_it_is,
            worker_init_fn=_ignore_interrupts,
            # Forked, since what a method closes over need not be picklable.
            multiprocessing_context="fork",
        )
    try:
        for number, made in loader:
            if isinstance(made, SightreadError):
                raise made
            yield number, made
    except RuntimeError as error:
        if "DataLoader worker" not in str(error):
            raise
        raise SightreadError(
            "A process that makes batches has died, most likely for want of memory; try fewer "
            f"than {workers} with --set train.workers=N."
        ) from error


class _Numbered(Dataset[tuple[int, Any]]):
    def __init__(self, batches: Batches) -> None:
        self._batches = batches

    def __getitem__(self, number: int) -> tuple[int, Any]:
        try:
            return number, self._batches(number)
        except SightreadError as error:
            # Handed over as a value: raised here, its sentence would be buried in a traceback.
            return number, error


def _as_it_is(sample: Any) -> Any:
    return sample


def _ignore_interrupts(_: int) -> None:
    # Ctrl-C reaches all processes of the terminal; the loop decides what is to be done.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
