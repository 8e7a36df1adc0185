"""What a training run is told: the method's own configuration and that of the loop.

In TOML they are the tables `[method]` and `[train]`.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, Literal, TypeVar

from sightread import config
from sightread.errors import UsageError
from sightread.methods.method import Method

C = TypeVar("C")


@dataclass(frozen=True, slots=True)
class TrainConfig:
    """The loop's own settings; learning rates and batch size belong to the method.

    Attributes:
        steps: updates of the weights. An update takes `accumulate` batches in every process.
        seed: of the weights, the data and the dropout.
        precision: "bf16" computes under autocast; weights and updates stay float32.
        channels_last: the memory order that convolutions like; faster with bf16 on CPUs.
        betas, eps: of Adam and AdamW; the first beta is the momentum of SGD. "adam" adds the
            weight decay to the gradient (L2), "adamw" shrinks the weights directly.
        schedule: "constant"; "step": times `decay_factor` at each of `decay_steps`; "cosine": down
            to `final_factor` at the last step. All rise linearly over `warmup_steps` first.
        clip_norm: gradients are scaled down to this length if they are longer.
        ema: decay of the moving average of the weights that is validated and exported.
        checkpoint_every, validate_every: in steps; validation also goes before each checkpoint.
        log_every: in steps; how often a row goes to scalars.csv.
        keep: how many checkpoints stay, besides the best one.
        best, best_is: the figure of validation that chooses the best checkpoint.
        workers: processes that make batches; 0 makes them in between.
        device: "auto" takes a GPU if there is one.
        threads: of torch; none leaves it to torch.
    """

    steps: int = 1000
    seed: int = 0
    accumulate: int = 1
    precision: Literal["float32", "bf16"] = "float32"
    channels_last: bool = False
    optimizer: Literal["adam", "adamw", "sgd"] = "adamw"
    betas: tuple[float, float] = (0.9, 0.98)
    eps: float = 1e-6
    schedule: Literal["constant", "step", "cosine"] = "constant"
    warmup_steps: int = 0
    decay_steps: tuple[int, ...] = ()
    decay_factor: float = 0.1
    final_factor: float = 0.0
    clip_norm: float | None = None
    ema: float | None = None
    checkpoint_every: int = 500
    validate_every: int | None = None
    log_every: int = 10
    keep: int = 2
    best: str | None = None
    best_is: Literal["max", "min"] = "max"
    workers: int = 0
    device: Literal["auto", "cpu", "cuda"] = "auto"
    threads: int | None = None

    def __post_init__(self) -> None:
        for name in ("steps", "accumulate", "checkpoint_every", "log_every", "keep"):
            _require(name, getattr(self, name), getattr(self, name) >= 1, "1 or more")
        for name in ("seed", "warmup_steps", "workers"):
            _require(name, getattr(self, name), getattr(self, name) >= 0, "0 or more")
        for name in ("validate_every", "threads", "clip_norm"):
            value = getattr(self, name)
            _require(name, value, value is None or value > 0, "above 0")
        _require("ema", self.ema, self.ema is None or 0 < self.ema < 1, "between 0 and 1")
        rising = list(self.decay_steps) == sorted(set(self.decay_steps))
        _require("decay_steps", self.decay_steps, rising, "in rising order")

    def validates_at(self, step: int) -> bool:
        """Whether the weights after `step` updates are validated."""
        every = self.validate_every
        return self.saves_at(step) or (every is not None and step % every == 0)

    def saves_at(self, step: int) -> bool:
        return step % self.checkpoint_every == 0 or step == self.steps


_FREE_TO_CHANGE = {
    "steps", "checkpoint_every", "validate_every", "log_every", "keep", "best", "best_is",
    "workers", "device", "threads", "accumulate",
}  # fmt: skip
"""Fields of `TrainConfig` that a resumed run may change. (`accumulate` is checked on its own,
together with the number of processes.)"""


def _require(name: str, value: Any, holds: bool, expected: str) -> None:
    if not holds:
        raise UsageError(f"{name} is {value}, but must be {expected}.")


@dataclass(frozen=True, slots=True)
class Run(Generic[C]):
    """The two halves of a configuration."""

    method: C
    train: TrainConfig = field(default_factory=TrainConfig)


def load_run(
    method: Method[Any, Any],
    path: str | None,
    overrides: Sequence[str] = (),
    base: dict[str, Any] | None = None,
) -> Run[Any]:
    """The configuration of a run from a file, or from `base` (plain data of an earlier run), with
    `--set` overrides.

    Raises:
        UsageError: as `config.load`.
    """
    shape = _shape(method)
    loaded: Any = config.load(shape, path, overrides, base)
    return Run(loaded.method, loaded.train)


def parse_run(method: Method[Any, Any], data: Any, source: str) -> Run[Any]:
    """The configuration that a checkpoint carries."""
    loaded: Any = config.parse(_shape(method), data, source)
    return Run(loaded.method, loaded.train)


def _shape(method: Method[Any, Any]) -> type[Any]:
    return dataclasses.make_dataclass(
        "Run",
        [
            ("method", method.config, field(default_factory=method.config)),
            ("train", TrainConfig, field(default_factory=TrainConfig)),
        ],
        frozen=True,
    )


def require_same(now: Run[Any], then: Run[Any], source: str) -> None:
    """A resumed run must go on as it began.

    Raises:
        UsageError: a setting that matters has changed; the sentence names all of them.
    """
    new, old = _flat(config.to_plain(now)), _flat(config.to_plain(then))
    changed = [
        f"{name} (was {old.get(name)}, now {new.get(name)})"
        for name in sorted(new.keys() | old.keys())
        if new.get(name) != old.get(name) and name.removeprefix("train.") not in _FREE_TO_CHANGE
    ]
    if changed:
        raise UsageError(
            f"{source} was trained with other settings: {', '.join(changed)}; go on with the old "
            "ones, or begin a new run in another folder."
        )


def _flat(data: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in data.items():
        full = f"{prefix}{name}"
        flat |= _flat(value, f"{full}.") if isinstance(value, dict) else {full: value}
    return flat


def lr_factor(settings: TrainConfig, step: int) -> float:
    """What the learning rates are multiplied with for update number `step`, from 0 on.

    Warm-up gives (step + 1) / warmup_steps, so that the first update does something; the cosine
    reaches `final_factor` at the last update.
    """
    factor = 1.0
    if settings.schedule == "step":
        passed = sum(step >= boundary for boundary in settings.decay_steps)
        factor = settings.decay_factor**passed
    if settings.schedule == "cosine":
        length = max(1, settings.steps - 1 - settings.warmup_steps)
        way = min(1.0, max(0.0, (step - settings.warmup_steps) / length))
        falling = (1.0 + math.cos(math.pi * way)) / 2.0
        factor = settings.final_factor + (1.0 - settings.final_factor) * falling
    if step < settings.warmup_steps:
        factor *= (step + 1) / settings.warmup_steps
    return factor
