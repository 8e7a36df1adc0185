"""A tiny seeded FDP: 64-px native pictures, 96 px for FDP, a vocabulary of 40 ids."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from sightread.clip.config import ClipConfig, ResNetConfig, TextConfig
from sightread.clip.model import CLIP
from sightread.methods.fdp.config import FdpConfig
from sightread.methods.fdp.model import FDP

TINY = ClipConfig("tiny", 32, ResNetConfig((1, 1, 1, 1), 4, 64), TextConfig(12, 40, 32, 4, 2))
START, END, DOT = 38, 39, 37

MakeFdp = Callable[..., FDP]


def make_clip(seed: int = 0) -> CLIP:
    torch.manual_seed(seed)
    clip = CLIP(TINY)
    for module in clip.modules():
        # Batch statistics as after training: a fresh BatchNorm would hide mistakes.
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.1)  # type: ignore[union-attr]
            module.running_var.uniform_(0.5, 1.5)  # type: ignore[union-attr]
            torch.nn.init.uniform_(module.weight, 0.5, 1.5)
    return clip.eval()


def make_fdp(seed: int = 0, **switches: object) -> FDP:
    config = FdpConfig(**{"size_px": 96, "variant": "tiny", **switches})  # type: ignore[arg-type]
    clip = make_clip(seed)
    torch.manual_seed(seed + 1)
    model = FDP(clip, config, DOT)
    model.probe.copy_(torch.randn(32))
    model.centroids.copy_(torch.randn(2, 32))
    return model.eval()


def queries(*bodies: list[int], length: int = 12) -> Tensor:
    """[SOT] body [EOT] 0 ..."""
    rows = [[START, *body, END] for body in bodies]
    return torch.tensor([row + [0] * (length - len(row)) for row in rows])


@pytest.fixture
def fdp() -> FDP:
    return make_fdp()


@pytest.fixture
def images() -> Tensor:
    return torch.randn(5, 3, 96, 96, generator=torch.Generator().manual_seed(7))
