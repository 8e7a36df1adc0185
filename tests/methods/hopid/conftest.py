"""A run of the smallest HOPID on a few rendered scenes: made once."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from sightread.lab.settings import Run, TrainConfig
from sightread.lab.train import train
from sightread.methods.hopid.config import HopidRecipe
from sightread.methods.hopid.recipe import HOPID_METHOD
from sightread.synth.ambiguity import AmbiguitySettings
from tests.methods.hopid.small import settings

FEW = AmbiguitySettings(groups=3, val_groups=1, test_groups=1, plain=2, val_plain=1, test_plain=1)
RECIPE = HopidRecipe(
    settings(backbone="tiny-carriers"),
    ambiguity=FEW,
    fit="squash",
    batch=7,
    lr=1e-3,
    nce_batches=2,
    dei_epochs=2,
)


@pytest.fixture(scope="session")
def hopid_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("hopid") / "run"
    train(HOPID_METHOD, Run(RECIPE, TrainConfig(steps=3, threads=1, device="cpu")), out)
    return out


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
