"""Training as processes of their own: killed, stopped, and several at once."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from sightread.lab import checkpoint as checkpoints
from sightread.lab.settings import load_run
from sightread.lab.train import train
from tests.lab.toy import TOY

ROOT = Path(__file__).parent.parent.parent
CPU = ("train.device=cpu", "train.threads=1")


def command(out: Path, changes: Sequence[str], *options: str) -> list[str]:
    settings = [word for change in (*CPU, *changes) for word in ("--set", change)]
    return ["-m", "tests.lab.command", "train", "toy", "--out", str(out), *settings, *options]


def started(arguments: list[str], **environment: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, *arguments],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)} | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_for_step(process: subprocess.Popen[str], out: Path, step: int) -> None:
    deadline = time.monotonic() + 60
    while not (out / "checkpoints" / f"step-{step:08}").exists():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_killed_then_stopped_then_finished(tmp_path: Path) -> None:
    changes = ("train.steps=24", "train.checkpoint_every=3", "method.seconds=0.04", "train.ema=0.9")
    out = tmp_path / "run"

    process = started(command(out, changes))
    wait_for_step(process, out, 6)
    process.kill()
    process.communicate()
    reached = checkpoints.listing(out / "checkpoints")[-1]

    process = started(command(out, (), "--resume"))
    wait_for_step(process, out, 15)
    process.send_signal(signal.SIGINT)
    stdout, stderr = process.communicate(timeout=60)
    assert process.returncode == 130, stderr
    going_on, stopped = stderr.splitlines()[0], stderr.splitlines()[-1]
    assert going_on.startswith(f"Going on from {out / 'checkpoints' / 'step-'}")
    assert going_on >= f"Going on from {reached}"
    newest = checkpoints.open_checkpoint(out)
    assert stopped.startswith(f"Stopped after {newest.state.step} steps")
    assert "Traceback" not in stderr
    assert stdout == ""

    run = load_run(TOY, None, base=dict(newest.state.config))
    finished = train(TOY, run, out, resume=True)
    assert (finished.step, finished.examples, finished.interrupted) == (24, 24 * 8, False)

    straight = train(TOY, load_run(TOY, None, [*CPU, *changes]), tmp_path / "straight")
    assert finished.checkpoint is not None
    assert straight.checkpoint is not None
    for name in ("model", "ema", "optimizer"):
        ours = load_file(finished.checkpoint / f"{name}.safetensors")
        theirs = load_file(straight.checkpoint / f"{name}.safetensors")
        assert ours.keys() == theirs.keys()
        assert all(torch.equal(value, theirs[key]) for key, value in ours.items())


def test_two_processes_do_what_one_does_with_twice_the_batch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rank 0 is this process, rank 1 another one, told so as torchrun tells them."""
    # eps is large so that Adam does not blow up the rounding of gradients that are almost zero.
    shared = ("train.steps=3", "train.eps=0.01", "method.dropout=0.0", "train.channels_last=true")
    changes = (*shared, "train.clip_norm=1.0", "method.batch=4", "train.accumulate=2")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = str(free.getsockname()[1])
    common = {"WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
    other = started(command(tmp_path / "two", changes), **common, RANK="1", LOCAL_RANK="1")
    for name, value in {**common, "RANK": "0", "LOCAL_RANK": "0"}.items():
        monkeypatch.setenv(name, value)
    report = train(TOY, load_run(TOY, None, [*CPU, *changes]), tmp_path / "two")
    stdout, stderr = other.communicate(timeout=60)
    assert (other.returncode, stdout, stderr) == (0, "", "")
    assert report.examples == 3 * 2 * 2 * 4

    monkeypatch.setenv("WORLD_SIZE", "1")
    two = load_file(tmp_path / "two/checkpoints/step-00000003/model.safetensors")
    for batch, accumulate in ((4, 4), (16, 1)):
        alone = (
            *shared,
            "train.clip_norm=1.0",
            f"method.batch={batch}",
            f"train.accumulate={accumulate}",
        )
        out = tmp_path / f"one{batch}"
        one = train(TOY, load_run(TOY, None, [*CPU, *alone]), out)
        assert one.losses["total"] == pytest.approx(report.losses["total"], abs=1e-5)
        weights = load_file(out / "checkpoints/step-00000003/model.safetensors")
        for name in weights.keys() - {"seen"}:  # each process counts what it has seen itself
            torch.testing.assert_close(two[name], weights[name], atol=1e-5, rtol=1e-4)
