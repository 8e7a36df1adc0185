"""Settings of a run: learning rates by hand, limits, what a resumed run may change."""

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from sightread.config import to_plain
from sightread.errors import UsageError
from sightread.lab.settings import Run, TrainConfig, load_run, lr_factor, parse_run, require_same
from tests.lab.toy import TOY, ToyConfig


def factors(settings: TrainConfig) -> list[float]:
    return [lr_factor(settings, step) for step in range(settings.steps)]


def test_constant() -> None:
    assert factors(TrainConfig(steps=3)) == [1, 1, 1]


def test_step_decay() -> None:
    settings = TrainConfig(steps=6, schedule="step", decay_steps=(2, 5), decay_factor=0.1)
    assert factors(settings) == pytest.approx([1, 1, 0.1, 0.1, 0.1, 0.01])


def test_cosine_ends_at_the_final_factor() -> None:
    """(1 + cos(pi t)) / 2 at t = 0, 1/4, 1/2, 3/4, 1."""
    expected = [1, 0.853553, 0.5, 0.146447, 0]
    assert factors(TrainConfig(steps=5, schedule="cosine")) == pytest.approx(expected, abs=1e-6)
    settings = TrainConfig(steps=5, schedule="cosine", final_factor=0.2)
    floored = [0.2 + 0.8 * value for value in expected]
    assert factors(settings) == pytest.approx(floored, abs=1e-6)


def test_warm_up_comes_first() -> None:
    assert factors(TrainConfig(steps=5, warmup_steps=4)) == [0.25, 0.5, 0.75, 1, 1]
    settings = TrainConfig(steps=7, schedule="cosine", warmup_steps=2)
    expected = [0.5, 1, 1, 0.853553, 0.5, 0.146447, 0]
    assert factors(settings) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("steps", [1, 2])
def test_short_runs_have_rates(steps: int) -> None:
    settings = TrainConfig(steps=steps, schedule="cosine", warmup_steps=2)
    assert factors(settings)[0] == 0.5


def test_when_to_look_and_to_save() -> None:
    settings = TrainConfig(steps=10, checkpoint_every=4, validate_every=3)
    assert [step for step in range(1, 11) if settings.saves_at(step)] == [4, 8, 10]
    assert [step for step in range(1, 11) if settings.validates_at(step)] == [3, 4, 6, 8, 9, 10]
    assert not TrainConfig(steps=10, checkpoint_every=4).validates_at(3)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"steps": 0}, "steps is 0, but must be 1 or more"),
        ({"accumulate": 0}, "accumulate is 0"),
        ({"keep": 0}, "keep is 0"),
        ({"seed": -1}, "seed is -1, but must be 0 or more"),
        ({"ema": 1.0}, "ema is 1.0, but must be between 0 and 1"),
        ({"clip_norm": 0.0}, "clip_norm is 0.0, but must be above 0"),
        ({"threads": 0}, "threads is 0"),
        ({"decay_steps": (5, 2)}, r"decay_steps is \(5, 2\), but must be in rising order"),
    ],
)
def test_limits(change: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        TrainConfig(**change)


def test_a_run_from_file_from_before_and_back(tmp_path: Path) -> None:
    path = tmp_path / "toy.toml"
    path.write_text("[method]\nlr = 0.5\n[train]\nsteps = 7\ndecay_steps = [3]\n")
    run = load_run(TOY, str(path), ["method.batch=2", "train.ema=0.9"])
    expected = Run(ToyConfig(lr=0.5, batch=2), TrainConfig(steps=7, decay_steps=(3,), ema=0.9))
    assert run == expected
    plain = to_plain(run)
    assert parse_run(TOY, plain, "here") == run
    assert load_run(TOY, None, ["train.steps=9"], plain).train.steps == 9
    assert plain == to_plain(run), "an override leaves what it was given alone"
    assert load_run(TOY, None) == Run(ToyConfig(), TrainConfig())
    with pytest.raises(UsageError, match="the key toy is unknown; the keys known here are method"):
        load_run(TOY, None, ["toy.lr=1"])


def test_what_a_resumed_run_may_change() -> None:
    run = Run(ToyConfig(), TrainConfig())
    free = dataclasses.replace(run.train, steps=9, workers=3, keep=9, threads=2, accumulate=4)
    require_same(Run(run.method, free), run, "here")
    bound = dataclasses.replace(run.train, precision="bf16", decay_steps=(3,))
    with pytest.raises(UsageError) as raised:
        require_same(Run(run.method, bound), run, "here")
    assert "train.decay_steps (was [], now [3]), train.precision (was float32, now bf16)" in str(
        raised.value
    )
