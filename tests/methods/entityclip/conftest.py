"""A run of the smallest EntityCLIP, and the model folder that it exports: made once."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from sightread.lab.export import export
from sightread.lab.settings import Run, TrainConfig
from sightread.lab.train import train
from sightread.methods.entityclip.recipe import ENTITYCLIP_METHOD, EntityClipRecipe
from sightread.synth.entities import EntitySettings
from tests.methods.entityclip.small import settings

FEW = EntitySettings(head=4, tail=3, told=3, head_pictures=3, tail_pictures=2)
RECIPE = EntityClipRecipe(
    settings(fusion_weight=0.5, bridge_weight=2.0), entities=FEW, batch=6, lr=1e-3, bridge_batch=4
)


@pytest.fixture(scope="session")
def entity_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("entityclip") / "run"
    train(ENTITYCLIP_METHOD, Run(RECIPE, TrainConfig(steps=2, threads=1, device="cpu")), out)
    return out


@pytest.fixture(scope="session")
def entity_model(entity_run: Path) -> Path:
    export(entity_run, entity_run.parent / "model")
    return entity_run.parent / "model"


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
