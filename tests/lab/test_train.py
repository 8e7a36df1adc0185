"""The training loop, on a method that learns in a second."""

import dataclasses
import os
import shutil
import signal
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

from sightread.errors import PictureError, SightreadError, UsageError
from sightread.lab import checkpoint as checkpoints
from sightread.lab.journal import TrainProgress, TrainReport
from sightread.lab.learner import batch_seed
from sightread.lab.scalars import read_scalars
from sightread.lab.settings import Run, TrainConfig
from sightread.lab.train import train
from sightread.methods.method import Batch, Batches, Losses
from tests.lab.toy import TOY, ToyConfig, ToyModel, build

CPU = TrainConfig(device="cpu", threads=1)


def run_of(steps: int = 6, method: ToyConfig | None = None, **settings: Any) -> Run[ToyConfig]:
    return Run(method or ToyConfig(), dataclasses.replace(CPU, steps=steps, **settings))


def files(report: TrainReport) -> dict[str, dict[str, Tensor]]:
    assert report.checkpoint is not None
    return {path.name: load_file(path) for path in report.checkpoint.glob("*.safetensors")}


def assert_same_bits(left: TrainReport, right: TrainReport) -> None:
    one, other = files(left), files(right)
    assert one.keys() == other.keys()
    for name in one:
        assert one[name].keys() == other[name].keys()
        for key, value in one[name].items():
            assert torch.equal(value, other[name][key]), (name, key)


def test_learns_eight_pairs(tmp_path: Path) -> None:
    report = train(TOY, run_of(60, checkpoint_every=60), tmp_path)
    assert report.metrics["r1"] == 1.0
    assert report.losses["align"] < 0.3
    assert (report.step, report.examples, report.interrupted) == (60, 480, False)


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"accumulate": 2, "ema": 0.9, "clip_norm": 0.5, "optimizer": "adam"},
        {"workers": 2, "schedule": "cosine", "warmup_steps": 2},
        {"precision": "bf16", "channels_last": True, "optimizer": "sgd"},
    ],
)
def test_resuming_is_exact(tmp_path: Path, settings: dict[str, Any]) -> None:
    straight = train(TOY, run_of(6, **settings), tmp_path / "a")
    run = run_of(6, checkpoint_every=3, **settings)

    class Stop(Exception):
        pass

    def stop(progress: TrainProgress) -> None:
        if progress.step == 4:
            raise Stop  # as good as a kill: nothing is saved at this step

    with pytest.raises(Stop):
        train(TOY, run, tmp_path / "b", progress=stop)
    told: list[str] = []
    resumed = train(TOY, run, tmp_path / "b", resume=True, tell=told.append)
    assert "after step 3" in told[0]
    assert_same_bits(straight, resumed)
    assert straight.losses == resumed.losses
    assert straight.examples == resumed.examples


def test_seeds_matter_and_repeat(tmp_path: Path) -> None:
    reports = [
        train(TOY, run_of(2, seed=seed), tmp_path / str(number))
        for number, seed in enumerate((3, 3, 4))
    ]
    assert_same_bits(reports[0], reports[1])
    assert reports[0].losses != reports[2].losses


def test_each_batch_has_a_seed_of_its_own(tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []

    def losses(config: ToyConfig, model: ToyModel, batch: Batch) -> Losses:
        seen.append((batch["number"], torch.initial_seed()))
        return TOY.losses(config, model, batch)

    method = dataclasses.replace(TOY, losses=losses)
    train(method, run_of(2, accumulate=2, seed=5), tmp_path)
    assert seen == [(number, batch_seed(5, number)) for number in range(4)]


def test_rates_follow_the_schedule(tmp_path: Path) -> None:
    """Warm-up over four steps: a quarter, a half, three quarters of 0.02 and 0.01."""
    report = train(TOY, run_of(3, warmup_steps=4, log_every=1), tmp_path)
    rows = read_scalars(tmp_path / "scalars.csv")
    for name, rate in (("image", 0.02), ("text", 0.01)):
        rates = [value for _, _, tag, value in rows if tag == f"lr/{name}"]
        assert rates == pytest.approx([rate / 4, rate / 2, rate * 3 / 4])
    # SGD without momentum: the same gradient, a quarter of the way.
    settings: dict[str, Any] = {"optimizer": "sgd", "betas": (0.0, 0.0)}
    full = train(TOY, run_of(1, **settings), tmp_path / "full")
    part = train(TOY, run_of(1, warmup_steps=4, **settings), tmp_path / "part")
    start = build(ToyConfig(), 0).state_dict()["image.weight"]
    moved = [files(one)["model.safetensors"]["image.weight"] - start for one in (full, part)]
    torch.testing.assert_close(moved[1], moved[0] / 4, atol=1e-7, rtol=1e-3)
    assert report.step == 3


def test_a_worker_that_dies_is_a_sentence(tmp_path: Path) -> None:
    def batches(config: ToyConfig, model: ToyModel, seed: int) -> Batches:
        made = TOY.batches(config, model, seed)

        def batch(number: int) -> Batch:
            if number == 1:
                os.kill(os.getpid(), signal.SIGKILL)  # as the kernel does when memory is short
            return made(number)

        return batch

    method = dataclasses.replace(TOY, batches=batches)
    with pytest.raises(SightreadError, match="A process that makes batches has died"):
        train(method, run_of(4, workers=1), tmp_path)


def test_workers_change_nothing(tmp_path: Path) -> None:
    plain = train(TOY, run_of(3), tmp_path / "a")
    assert_same_bits(plain, train(TOY, run_of(3, workers=2), tmp_path / "b"))


def test_accumulating_equals_a_larger_batch(tmp_path: Path) -> None:
    """The loss is a mean over examples and without dropout nothing else differs."""
    small, large = ToyConfig(batch=4, dropout=0.0), ToyConfig(batch=8, dropout=0.0)
    two = train(TOY, run_of(3, small, accumulate=2, eps=1e-2), tmp_path / "a")
    one = train(TOY, run_of(3, large, eps=1e-2), tmp_path / "b")
    left, right = files(two)["model.safetensors"], files(one)["model.safetensors"]
    for name, value in left.items():
        torch.testing.assert_close(value, right[name], atol=1e-5, rtol=1e-4)
    assert two.examples == one.examples


def test_only_groups_learn_each_at_its_rate(tmp_path: Path) -> None:
    before = build(ToyConfig(), 0).state_dict()
    report = train(TOY, run_of(1, optimizer="sgd", betas=(0.0, 0.0)), tmp_path)
    after = files(report)["model.safetensors"]
    moved = {name for name, value in before.items() if not torch.equal(value, after[name])}
    frozen = {"frozen.weight", "frozen.bias"}
    assert moved == before.keys() - frozen
    rates = {tag: value for _, _, tag, value in read_scalars(tmp_path / "scalars.csv")}
    assert (rates["lr/image"], rates["lr/text"]) == (0.02, 0.01)


def test_what_is_in_no_group_needs_no_gradient(tmp_path: Path) -> None:
    needed: set[str] = set()

    def losses(config: ToyConfig, model: ToyModel, batch: Batch) -> Losses:
        needed.update(name for name, one in model.named_parameters() if one.requires_grad)
        return TOY.losses(config, model, batch)

    train(dataclasses.replace(TOY, losses=losses), run_of(1), tmp_path)
    names = {name for name, _ in build(ToyConfig(), 0).named_parameters()}
    assert needed == names - {"frozen.weight", "frozen.bias"}


def test_pretrained_weights_are_loaded_once(tmp_path: Path) -> None:
    method = ToyConfig(marker=str(tmp_path / "started"))
    train(TOY, run_of(1, method), tmp_path / "run")
    report = train(TOY, run_of(2, method), tmp_path / "run", resume=True)
    # 100 from `start`, then two batches of 8.
    assert files(report)["model.safetensors"]["seen"] == 116


def test_the_average_is_validated_and_kept(tmp_path: Path) -> None:
    """seen is a buffer and copied; weights: 0.9 * w0 + 0.1 * w1 after one step."""
    report = train(TOY, run_of(1, ema=0.9), tmp_path)
    start, kept = build(ToyConfig(), 0).state_dict(), files(report)
    now, mean = kept["model.safetensors"], kept["ema.safetensors"]
    expected = 0.9 * start["image.weight"] + 0.1 * now["image.weight"]
    torch.testing.assert_close(mean["image.weight"], expected)
    assert mean["seen"] == now["seen"] == report.metrics["seen"] == 108


def test_clipping_bounds_the_update(tmp_path: Path) -> None:
    """SGD with rate lr moves by lr * gradient; its length is at most clip_norm."""
    method = ToyConfig(lr=1.0)
    settings: dict[str, Any] = {"optimizer": "sgd", "betas": (0.0, 0.0), "clip_norm": 1e-3}
    report = train(TOY, run_of(1, method, **settings), tmp_path)
    before, after = build(method, 0).state_dict(), files(report)["model.safetensors"]
    image = [name for name in before if name.split(".")[0] in ("stem", "norm", "cell", "image")]
    moved = sum(float(((after[name] - before[name]) ** 2).sum()) for name in image) ** 0.5
    assert 1e-5 < moved <= 1.001e-3


# --- what is kept -------------------------------------------------------------------------------


def test_scalars_are_one_history(tmp_path: Path) -> None:
    run = run_of(4, log_every=1, checkpoint_every=2)
    train(TOY, run_of(2, log_every=1, checkpoint_every=2), tmp_path)
    path = tmp_path / "scalars.csv"
    with path.open("a") as file:
        file.write("3,0.1,loss/total,9.0\n3,0.1,loss/al")  # what a killed run may leave
    train(TOY, run, tmp_path, resume=True)
    rows = read_scalars(path)
    totals = [(step, value) for step, _, tag, value in rows if tag == "loss/total"]
    assert [step for step, _ in totals] == [1, 2, 3, 4]
    assert all(value < 9 for _, value in totals)
    assert [step for step, _, tag, _ in rows if tag == "metric/r1"] == [2, 4]
    tags = {tag for _, _, tag, _ in rows}
    assert {"loss/align", "loss/locate", "gradient_norm", "images_per_s"} <= tags
    straight = train(TOY, run, tmp_path / "straight")
    assert straight.losses["total"] == totals[-1][1]


def test_the_newest_and_the_best_stay(tmp_path: Path) -> None:
    # "seen" counts examples, so with "min" the first one stays the best.
    run = run_of(5, checkpoint_every=1, keep=2, best="seen", best_is="min")
    train(TOY, run, tmp_path)
    folder = tmp_path / "checkpoints"
    assert [path.name[-1] for path in checkpoints.listing(folder)] == ["1", "4", "5"]
    assert checkpoints.open_checkpoint(tmp_path).state.step == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["checkpoints", "scalars.csv"]


def test_progress_tells_terms_pace_and_time(tmp_path: Path) -> None:
    seen: list[TrainProgress] = []
    train(TOY, run_of(3), tmp_path, progress=seen.append)
    assert [one.step for one in seen] == [1, 2, 3]
    assert {*seen[0].losses} == {"align", "locate", "total"}
    assert seen[1].images_per_s > 0
    assert (seen[1].seconds_left > 0, seen[2].seconds_left) == (True, 0)


# --- what goes wrong ----------------------------------------------------------------------------


def test_a_loss_that_is_no_number_stops_the_run(tmp_path: Path) -> None:
    run = run_of(9, ToyConfig(nan_at=4), checkpoint_every=3)
    with pytest.raises(SightreadError) as raised:
        train(TOY, run, tmp_path)
    said = str(raised.value)
    # Batch 4 is that of step 5.
    for part in ("step 5, batch 4 of seed 0", "align nan", "step-00000003", "clip_norm"):
        assert part in said
    last = checkpoints.open_checkpoint(tmp_path)
    assert last.state.step == 3
    assert all(value.isfinite().all() for value in last.weights(ema=False).values())


def test_out_of_memory_names_the_batch_to_try(tmp_path: Path) -> None:
    with pytest.raises(SightreadError, match=r"batches of 8; try .*method.batch=4") as raised:
        train(TOY, run_of(2, ToyConfig(huge_at=1)), tmp_path)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("workers", [0, 2])
def test_an_error_of_the_data_is_its_sentence(tmp_path: Path, workers: int) -> None:
    with pytest.raises(PictureError, match=r"^shop.jpg cannot be read: it is a toy.$"):
        train(TOY, run_of(4, ToyConfig(broken_at=1), workers=workers), tmp_path)


def test_a_run_is_not_overwritten_unasked(tmp_path: Path) -> None:
    train(TOY, run_of(1), tmp_path)
    with pytest.raises(UsageError, match="holds a run already, at step-00000001; say --resume"):
        train(TOY, run_of(1), tmp_path)


def test_resuming_with_other_settings_is_refused(tmp_path: Path) -> None:
    train(TOY, run_of(1), tmp_path)
    other = run_of(2, ToyConfig(lr=0.5), seed=1)
    with pytest.raises(UsageError) as raised:
        train(TOY, other, tmp_path, resume=True)
    said = str(raised.value)
    assert "method.lr (was 0.02, now 0.5), train.seed (was 0, now 1)" in said
    assert "steps" not in said, "more steps may be asked for"
    with pytest.raises(UsageError, match="took 1 batches per step"):
        train(TOY, run_of(2, accumulate=3), tmp_path, resume=True)
    stranger = dataclasses.replace(TOY, name="other")
    with pytest.raises(UsageError, match="trained with toy, not other"):
        train(stranger, run_of(2), tmp_path, resume=True)


def test_resuming_nothing_begins(tmp_path: Path) -> None:
    assert train(TOY, run_of(1), tmp_path, resume=True).step == 1


def test_resuming_what_is_done_does_nothing(tmp_path: Path) -> None:
    first = train(TOY, run_of(2), tmp_path)
    again = train(TOY, run_of(2), tmp_path, resume=True)
    assert (again.step, again.checkpoint, again.interrupted) == (2, first.checkpoint, False)


def test_a_damaged_checkpoint_is_passed_over(tmp_path: Path) -> None:
    straight = train(TOY, run_of(4, checkpoint_every=2), tmp_path / "a")
    train(TOY, run_of(2, checkpoint_every=1), tmp_path / "b")
    newest = tmp_path / "b" / "checkpoints" / "step-00000002"
    content = (newest / "model.safetensors").read_bytes()
    (newest / "model.safetensors").write_bytes(content[:-1])
    told: list[str] = []
    resumed = train(
        TOY, run_of(4, checkpoint_every=2), tmp_path / "b", resume=True, tell=told.append
    )
    assert "step-00000002 is damaged: model.safetensors has" in told[0]
    assert told[0].endswith("The checkpoint before it is taken.")
    assert_same_bits(straight, resumed)


def test_a_figure_for_the_best_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"best is map, but toy validates r1, seen"):
        train(TOY, run_of(2, best="map"), tmp_path)
    shutil.rmtree(tmp_path)


def test_no_gpu(tmp_path: Path) -> None:
    if torch.cuda.is_available():
        train(TOY, run_of(1, device="cuda"), tmp_path)
        return
    with pytest.raises(UsageError, match=r"train.device is cuda, but torch finds no GPU"):
        train(TOY, run_of(1, device="cuda"), tmp_path)
