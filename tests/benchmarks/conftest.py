"""A run of the smallest FDP: one step from random weights, 96-px pictures."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from benchmarks.fdp_small import TINY
from benchmarks.fdp_studies.models import Opened, open_fdp

from sightread.lab.settings import Run, TrainConfig
from sightread.lab.train import train
from sightread.methods.fdp.recipe import FDP_METHOD, FdpRecipe


@pytest.fixture(scope="session")
def fdp_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("studies") / "run"
    # Random weights cannot tell the usual anchors apart.
    model = replace(TINY, size_px=96, anchors=("of", "restaurant"))
    settings = TrainConfig(steps=1, threads=1, device="cpu")
    train(FDP_METHOD, Run(FdpRecipe(model, pictures=4, batch=2), settings), out)
    return out


@pytest.fixture(scope="session")
def opened(fdp_run: Path) -> Opened:
    found = open_fdp(fdp_run)
    # As if it had learned to see text: another map for every picture.
    with torch.no_grad():
        torch.nn.init.normal_(found.model.localisation.classify.weight, generator=_seeded())
    return found


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def _seeded() -> torch.Generator:
    return torch.Generator().manual_seed(3)
