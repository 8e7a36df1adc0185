"""Checkpoints: a folder of safetensors and JSON that appears whole or not at all.

    checkpoints/step-00000500/
        model.safetensors       all weights and buffers, frozen ones included
        ema.safetensors         their moving average, if the run keeps one
        optimizer.safetensors   "exp_avg/NAME OF PARAMETER" and so on
        tokenizer.json          so that a checkpoint alone can be exported
        state.json              step, configuration, figures, checksums of the files above

No random state is kept: the loop draws it anew for each batch from the seed and the batch's
number, which also holds when the number of processes changes.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.optim import Optimizer

from sightread.config import parse, to_plain
from sightread.errors import ModelError, SightreadError
from sightread.modelfolder import FileSum, file_sum
from sightread.tokenizer import TokenizerSource, TokenLayout

FORMAT = 1
STATE = "state.json"
MODEL, EMA, OPTIMIZER = "model.safetensors", "ema.safetensors", "optimizer.safetensors"
TOKENIZER = "tokenizer.json"
FOLDER = "checkpoints"

_NAME = re.compile(r"step-(\d{8})")
_SHOWN = 5


@dataclass(frozen=True, slots=True)
class TrainState:
    """What `state.json` says.

    Attributes:
        method: name in `METHODS`.
        step: updates that the weights have had.
        config: of the whole run, plain data; `digest` is its SHA-256.
        batches_per_step: processes times `accumulate`; resuming needs the same.
        examples, seconds: seen and spent so far, restarts included.
        metrics: of the last validation.
        device: what trained it.
        created_with: name of a package -> its version.
    """

    method: str
    step: int
    config: Mapping[str, Any]
    digest: str
    tokenizer: TokenLayout
    batches_per_step: int = 1
    examples: int = 0
    seconds: float = 0.0
    metrics: Mapping[str, float] = field(default_factory=dict)
    device: str = ""
    created_with: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, FileSum] = field(default_factory=dict)
    format: int = FORMAT


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A checkpoint whose files are whole."""

    path: Path
    state: TrainState

    def tokenizer(self) -> TokenizerSource:
        return TokenizerSource((self.path / TOKENIZER).read_text("utf-8"), self.state.tokenizer)

    def weights(self, *, ema: bool) -> dict[str, Tensor]:
        """All weights and buffers; with `ema` their moving average, if there is one."""
        averaged = ema and EMA in self.state.files
        return _load(self.path / (EMA if averaged else MODEL))


# --- writing ---------------------------------------------------------------------------------


def save(
    folder: Path,
    state: TrainState,
    model: nn.Module,
    optimizer: Optimizer,
    tokenizer: TokenizerSource,
    ema: nn.Module | None = None,
) -> Checkpoint:
    """Write `folder/step-NNNNNNNN`; one of the same step is replaced.

    Returns only when it would survive a crash of the machine.

    Raises:
        SightreadError: the disk is full, or not to be written to.
    """
    target = folder / f"step-{state.step:08}"
    fresh = folder / f".{target.name}"
    shutil.rmtree(fresh, ignore_errors=True)
    try:
        fresh.mkdir(parents=True)
        save_file(_plain(model.state_dict()), fresh / MODEL)
        save_file(_optimizer_tensors(model, optimizer), fresh / OPTIMIZER)
        if ema is not None:
            save_file(_plain(ema.state_dict()), fresh / EMA)
        (fresh / TOKENIZER).write_text(tokenizer.json, "utf-8")
        sums = {path.name: file_sum(path) for path in sorted(fresh.iterdir())}
        state = replace(state, files=sums)
        (fresh / STATE).write_text(json.dumps(to_plain(state), indent=2) + "\n", "utf-8")
        _settle(fresh, target)
    except (OSError, SafetensorError) as error:
        raise SightreadError(
            f"The checkpoint {target} cannot be written: {error}. Those before it are whole; make "
            "room, and go on with --resume."
        ) from error
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    return Checkpoint(target, state)


def _settle(fresh: Path, target: Path) -> None:
    """Force the files to the disk, then give the folder its name."""
    for path in (*fresh.iterdir(), fresh):
        _sync(path)
    if target.exists():  # a damaged one that was passed over
        shutil.rmtree(target)
    os.rename(fresh, target)
    _sync(target.parent)


def prune(folder: Path, keep: int, best: str | None, best_is: str) -> None:
    """Remove all but the newest `keep` checkpoints and the best one."""
    paths = listing(folder)
    kept = set(paths[-keep:])
    champion = best_of(folder, best, best_is) if best else None
    if champion is not None:
        kept.add(champion)
    for path in paths:
        if path not in kept:
            shutil.rmtree(path)


def _plain(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    # Cloned, since safetensors refuses tensors that share their memory.
    return {
        name: tensor.detach().cpu().clone(memory_format=torch.contiguous_format)
        for name, tensor in tensors.items()
    }


def _optimizer_tensors(model: nn.Module, optimizer: Optimizer) -> dict[str, Tensor]:
    tensors: dict[str, Tensor] = {}
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    for parameter, values in optimizer.state.items():
        for key, value in values.items():
            if isinstance(value, Tensor):
                tensors[f"{key}/{names[id(parameter)]}"] = value
    return _plain(tensors)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


# --- finding ---------------------------------------------------------------------------------


def listing(folder: Path) -> list[Path]:
    """Checkpoints in the folder by step; unfinished ones have other names."""
    if not folder.is_dir():
        return []
    return sorted(path for path in folder.iterdir() if _NAME.fullmatch(path.name))


def best_of(folder: Path, best: str, best_is: str) -> Path | None:
    """The checkpoint whose `best` figure is the largest ("max") or smallest ("min")."""
    scored: list[tuple[float, Path]] = []
    for path in listing(folder):
        try:
            metrics = _read_state(path).metrics
        except ModelError:
            continue
        if best in metrics:
            scored.append((metrics[best] * (1 if best_is == "max" else -1), path))
    return max(scored)[1] if scored else None


def latest(folder: Path, tell: Callable[[str], None]) -> Checkpoint | None:
    """The newest checkpoint that is whole; None if there is none at all.

    Args:
        tell: gets a sentence about each damaged one that is passed over.

    Raises:
        ModelError: there are some, but all are damaged.
    """
    paths = listing(folder)
    reason = ""
    for path in reversed(paths):
        try:
            return open_one(path)
        except ModelError as error:
            reason = str(error)
            if path != paths[0]:
                tell(f"{error} The checkpoint before it is taken.")
    if paths:
        raise ModelError(f"No checkpoint in {folder} is whole: {reason}")
    return None


def open_checkpoint(path: str | os.PathLike[str]) -> Checkpoint:
    """A checkpoint's own folder, or a run's folder: there the best, or else the latest one.

    Raises:
        ModelError: there is none, or it is damaged.
    """
    given = Path(path)
    if (given / STATE).is_file():
        return open_one(given)
    folder = given if listing(given) else given / FOLDER
    newest = latest(folder, lambda _: None)
    if newest is None:
        raise ModelError(f"There is no checkpoint in {given}; `sightread train --out` makes some.")
    train = newest.state.config.get("train", {})
    best = best_of(folder, train["best"], train["best_is"]) if train.get("best") else None
    return open_one(best) if best is not None else newest


def open_one(path: Path) -> Checkpoint:
    """Read the state and compare the checksums of the files.

    Raises:
        ModelError: something is missing or differs.
    """
    state = _read_state(path)
    for name, expected in state.files.items():
        if os.sep in name or not (path / name).is_file():
            raise ModelError(f"The checkpoint {path} is damaged: {name} is missing.")
        found = file_sum(path / name)
        if found != expected:
            raise ModelError(
                f"The checkpoint {path} is damaged: {name} has {found.size_bytes:,} bytes and "
                f"SHA-256 {found.sha256[:12]}..., but {STATE} says {expected.size_bytes:,} and "
                f"{expected.sha256[:12]}..."
            )
    return Checkpoint(path, state)


def _read_state(path: Path) -> TrainState:
    try:
        data = json.loads((path / STATE).read_bytes())
    except (OSError, ValueError) as error:
        raise ModelError(f"The checkpoint {path} is damaged: {STATE} cannot be read.") from error
    number = data.get("format") if isinstance(data, dict) else None
    if number != FORMAT:
        raise ModelError(
            f"The checkpoint {path} has format {number!r}; this version knows format {FORMAT}."
        )
    return parse(TrainState, data, str(path / STATE), ModelError)


# --- loading ---------------------------------------------------------------------------------


def fit_weights(model: nn.Module, tensors: Mapping[str, Tensor], source: str) -> None:
    """Load all weights and buffers of a model.

    Raises:
        ModelError: keys or shapes differ; the sentence says which.
    """
    own = model.state_dict()
    missing = sorted(own.keys() - tensors.keys())
    foreign = sorted(tensors.keys() - own.keys())
    shapes = [
        f"{name} is {tuple(tensors[name].shape)} there, {tuple(own[name].shape)} in the model"
        for name in sorted(own.keys() & tensors.keys())
        if tensors[name].shape != own[name].shape
    ]
    troubles = [
        f"{what}: {_some(names)}"
        for what, names in (
            ("it lacks", missing),
            ("it has what the model has not", foreign),
            ("shapes differ", shapes),
        )
        if names
    ]
    if troubles:
        raise ModelError(
            f"{source} does not fit this configuration of the model; {'; '.join(troubles)}."
        )
    model.load_state_dict(dict(tensors))


def load_model(checkpoint: Checkpoint, model: nn.Module, *, ema: bool = False) -> None:
    """Raises ModelError: the checkpoint is of another model."""
    fit_weights(model, checkpoint.weights(ema=ema), f"The checkpoint {checkpoint.path}")


def load_optimizer(checkpoint: Checkpoint, model: nn.Module, optimizer: Optimizer) -> None:
    """Put back what the optimizer remembers of each parameter.

    Raises:
        ModelError: it remembers a parameter that is not trained here.
    """
    state = optimizer.state_dict()
    trained = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    place = {id(parameter): number for number, parameter in enumerate(trained)}
    numbers = {
        name: place[id(parameter)]
        for name, parameter in model.named_parameters()
        if id(parameter) in place
    }
    remembered: dict[int, dict[str, Tensor]] = {}
    for full, tensor in _load(checkpoint.path / OPTIMIZER).items():
        key, _, name = full.partition("/")
        if name not in numbers:
            raise ModelError(
                f"The optimizer of {checkpoint.path} remembers {name}, which is not trained here."
            )
        remembered.setdefault(numbers[name], {})[key] = tensor
    optimizer.load_state_dict({**state, "state": remembered})


def load_ema(checkpoint: Checkpoint, ema: nn.Module) -> None:
    """Raises ModelError: the checkpoint has no moving average, or of another model."""
    if EMA not in checkpoint.state.files:
        raise ModelError(f"The checkpoint {checkpoint.path} has no {EMA}.")
    fit_weights(ema, _load(checkpoint.path / EMA), f"The average in {checkpoint.path}")


def _load(path: Path) -> dict[str, Tensor]:
    try:
        return load_file(path)
    except (OSError, SafetensorError) as error:
        raise ModelError(f"{path} cannot be read: {error}.") from error


def _some(names: list[str]) -> str:
    rest = len(names) - _SHOWN
    return ", ".join(names[:_SHOWN]) + (f" and {rest} more" if rest > 0 else "")
