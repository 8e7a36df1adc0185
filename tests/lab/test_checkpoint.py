"""Checkpoints: whole or passed over, and never loaded into another model."""

import json
import os
import resource
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Literal

import pytest
import torch
from safetensors.torch import load_file
from torch import nn
from torch.optim import SGD, Adam, AdamW

from sightread.errors import ModelError, SightreadError
from sightread.lab import checkpoint as checkpoints
from sightread.lab.checkpoint import TrainState, fit_weights, load_ema, load_model, load_optimizer
from sightread.lab.learner import batch_seed, enough_memory, make_optimizer
from sightread.lab.settings import TrainConfig
from sightread.methods.method import ParameterGroup
from sightread.tokenizer import TokenizerSource, TokenLayout

TOKENIZER = TokenizerSource("{}", TokenLayout(5))
STATE = TrainState("toy", 1, {"train": {}}, "digest", TOKENIZER.layout, metrics={"map": 0.5})


def model(width: int = 3) -> nn.Sequential:
    torch.manual_seed(width)
    return nn.Sequential(nn.Linear(2, width), nn.BatchNorm1d(width))


def learned(net: nn.Module) -> torch.optim.Optimizer:
    """One step of AdamW with all parameters but the last one."""
    parameters = list(net.parameters())[:-1]
    optimizer = make_optimizer(TrainConfig(), [ParameterGroup("all", parameters, 0.1)])
    net(torch.randn(4, 2)).square().sum().backward()
    optimizer.step()
    return optimizer


def save(folder: Path, step: int = 1, metric: float = 0.5) -> checkpoints.Checkpoint:
    net = model()
    state = replace(STATE, step=step, metrics={"map": metric})
    return checkpoints.save(folder, state, net, learned(net), TOKENIZER)


def test_round_trip(tmp_path: Path) -> None:
    net = model()
    optimizer = learned(net)
    saved = checkpoints.save(tmp_path / "c", STATE, net, optimizer, TOKENIZER, ema=model())
    assert saved.path == tmp_path / "c" / "step-00000001"
    found = checkpoints.open_checkpoint(tmp_path / "c")
    assert found == saved
    assert replace(found.state, files={}) == STATE
    assert found.tokenizer() == TOKENIZER
    again, mean = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3)), model()
    load_model(found, again)
    expected = net.state_dict()
    assert all(torch.equal(value, expected[name]) for name, value in again.state_dict().items())
    load_ema(found, mean)
    with pytest.raises(ModelError, match="shapes differ"):
        load_model(found, model(4))
    parameters = list(again.parameters())[:-1]
    other = make_optimizer(TrainConfig(), [ParameterGroup("all", parameters, 0.1)])
    load_optimizer(found, again, other)
    left, right = optimizer.state_dict()["state"], other.state_dict()["state"]
    assert left.keys() == right.keys() == {0, 1, 2}
    for number, values in left.items():
        assert values.keys() == {"step", "exp_avg", "exp_avg_sq"}
        assert all(torch.equal(value, right[number][key]) for key, value in values.items())


def test_weights_that_share_memory_are_kept(tmp_path: Path) -> None:
    net = nn.ModuleList([nn.Linear(2, 2), nn.Linear(2, 2)])
    net[1].weight = net[0].weight
    optimizer = make_optimizer(TrainConfig(), [ParameterGroup("all", list(net.parameters()), 0.1)])
    saved = checkpoints.save(tmp_path, STATE, net, optimizer, TOKENIZER)
    tensors = load_file(saved.path / "model.safetensors")
    assert torch.equal(tensors["0.weight"], tensors["1.weight"])


def test_without_an_average_there_is_none(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"has no ema.safetensors"):
        load_ema(save(tmp_path), model())


# --- damage ------------------------------------------------------------------------------------


def cut(path: Path) -> None:
    content = (path / "model.safetensors").read_bytes()
    (path / "model.safetensors").write_bytes(content[: len(content) // 2])


def flip(path: Path) -> None:
    content = bytearray((path / "optimizer.safetensors").read_bytes())
    content[-1] ^= 1
    (path / "optimizer.safetensors").write_bytes(content)


def lose(path: Path) -> None:
    (path / "tokenizer.json").unlink()


def garble(path: Path) -> None:
    (path / "state.json").write_text("{")


def unfinished(path: Path) -> None:
    (path / "state.json").unlink()


def newer(path: Path) -> None:
    data = json.loads((path / "state.json").read_text())
    (path / "state.json").write_text(json.dumps(data | {"format": 2}))


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (cut, r"model.safetensors has [0-9]+ bytes and SHA-256 "),
        (flip, r"optimizer.safetensors has"),
        (lose, r"tokenizer.json is missing"),
        (garble, r"state.json cannot be read"),
        (unfinished, r"state.json cannot be read"),
        (newer, "has format 2; this version knows format 1"),
    ],
)
def test_the_one_before_a_damaged_one_is_taken(
    tmp_path: Path, damage: Callable[[Path], None], said: str
) -> None:
    first = save(tmp_path, 1)
    damage(save(tmp_path, 2).path)
    told: list[str] = []
    assert checkpoints.latest(tmp_path, told.append) == first
    (sentence,) = told
    with pytest.raises(ModelError, match=said):
        checkpoints.open_one(tmp_path / "step-00000002")
    assert str(tmp_path / "step-00000002") in sentence
    damage(first.path)
    with pytest.raises(ModelError, match=f"No checkpoint in {tmp_path} is whole: .*{said}"):
        checkpoints.latest(tmp_path, told.append)


def test_a_damaged_one_is_replaced(tmp_path: Path) -> None:
    cut(save(tmp_path).path)
    assert checkpoints.open_one(save(tmp_path).path).state.step == 1


def test_no_checkpoint(tmp_path: Path) -> None:
    (tmp_path / ".step-00000007").mkdir()  # was being written when the run was killed
    (tmp_path / "notes").mkdir()
    assert checkpoints.latest(tmp_path, print) is None
    assert checkpoints.latest(tmp_path / "nowhere", print) is None
    with pytest.raises(ModelError, match="There is no checkpoint in"):
        checkpoints.open_checkpoint(tmp_path)
    save(tmp_path, 7)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["notes", "step-00000007"]


def test_a_failed_write_leaves_what_was_there(tmp_path: Path) -> None:
    first = save(tmp_path)
    broken = model()
    optimizer = learned(broken)
    broken.register_buffer("odd", torch.empty(2, device="meta"))
    with pytest.raises(NotImplementedError):
        checkpoints.save(tmp_path, STATE, broken, optimizer, TOKENIZER)
    assert os.listdir(tmp_path) == [first.path.name]
    assert checkpoints.open_one(first.path) == first


def test_a_full_disk(tmp_path: Path) -> None:
    """A limit on the size of files fails writes as a full disk does."""
    first = save(tmp_path, 1)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (200, hard))
    try:
        with pytest.raises(SightreadError, match=r"step-00000002 cannot be written: .*--resume"):
            save(tmp_path, 2)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert os.listdir(tmp_path) == [first.path.name]
    assert checkpoints.open_one(first.path) == first


@pytest.mark.parametrize(("best_is", "stays"), [("max", 2), ("min", 3)])
def test_the_best_one_is_kept(tmp_path: Path, best_is: str, stays: int) -> None:
    for step, metric in enumerate((0.5, 0.9, 0.1, 0.7, 0.6), start=1):
        save(tmp_path, step, metric)
    checkpoints.prune(tmp_path, 1, "map", best_is)
    names = [path.name[-1] for path in checkpoints.listing(tmp_path)]
    assert names == [str(stays), "5"]
    checkpoints.prune(tmp_path, 1, None, best_is)
    assert [path.name[-1] for path in checkpoints.listing(tmp_path)] == ["5"]


# --- other models ------------------------------------------------------------------------------


def test_what_does_not_fit_is_named() -> None:
    tensors = {f"extra{number}": torch.zeros(1) for number in range(7)}
    tensors |= {"0.weight": torch.zeros(4, 2), "0.bias": torch.zeros(3)}
    with pytest.raises(ModelError) as raised:
        fit_weights(model(), tensors, "The file x")
    assert str(raised.value) == (
        "The file x does not fit this configuration of the model; it lacks: 1.bias, "
        "1.num_batches_tracked, 1.running_mean, 1.running_var, 1.weight; it has what the model has "
        "not: extra0, extra1, extra2, extra3, extra4 and 2 more; shapes differ: 0.weight is (4, 2) "
        "there, (3, 2) in the model."
    )


def test_an_optimizer_of_other_parameters(tmp_path: Path) -> None:
    saved, net = save(tmp_path), model()
    fewer = make_optimizer(TrainConfig(), [ParameterGroup("few", [next(net.parameters())], 0.1)])
    with pytest.raises(ModelError, match=r"remembers 0.bias, which is not trained here"):
        load_optimizer(saved, net, fewer)


# --- small parts of the learner ----------------------------------------------------------------


def test_seeds_of_batches_are_all_different() -> None:
    seeds = {batch_seed(seed, number) for seed in range(20) for number in range(200)}
    assert len(seeds) == 4000
    assert all(0 <= seed < 2**63 for seed in seeds)
    assert batch_seed(1, 2) == batch_seed(1, 2) != batch_seed(2, 1)


@pytest.mark.parametrize(
    ("examples", "said"),
    [
        (48, "batches of 48; try batches of 24 with"),
        (1, "batches of 1; use a smaller batch"),
        (None, "to train; use a smaller batch"),
    ],
)
def test_memory_errors_are_sentences(examples: int | None, said: str) -> None:
    for error in (
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB"),
        MemoryError(),
        RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate"),
    ):
        with pytest.raises(SightreadError, match=said), enough_memory(examples):
            raise error


def test_other_errors_stay_what_they_are() -> None:
    with pytest.raises(RuntimeError, match="shapes differ"), enough_memory(2):
        raise RuntimeError("shapes differ")


def test_the_optimizer_is_as_asked() -> None:
    groups = [ParameterGroup("a", [nn.Parameter(torch.ones(2))], 0.1, weight_decay=0.5)]
    settings = TrainConfig(optimizer="adam", betas=(0.7, 0.8), eps=1e-3)
    names: tuple[Literal["adam", "adamw", "sgd"], ...] = ("adam", "adamw", "sgd")
    for name, kind in zip(names, (Adam, AdamW, SGD), strict=True):
        made = make_optimizer(replace(settings, optimizer=name), groups)
        assert type(made) is kind
        (group,) = made.param_groups
        assert (group["lr"], group["weight_decay"], group["name"]) == (0.1, 0.5, "a")
        rest = group["momentum"] if name == "sgd" else (group["betas"], group["eps"])
        assert rest == (0.7 if name == "sgd" else ((0.7, 0.8), 1e-3))
