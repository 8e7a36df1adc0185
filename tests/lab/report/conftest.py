"""The smallest runs that a report can be made of: a step or two each, made once."""

from dataclasses import replace
from pathlib import Path

import pytest

from sightread.lab.settings import Run, TrainConfig
from sightread.lab.train import train
from sightread.methods.entityclip.config import EntityClipConfig
from sightread.methods.entityclip.recipe import ENTITYCLIP_METHOD, EntityClipRecipe
from sightread.methods.fdp.config import FdpConfig
from sightread.methods.fdp.recipe import FDP_METHOD, FdpRecipe
from sightread.synth.entities import EntitySettings

FDP = FdpRecipe(FdpConfig(variant="tiny", size_px=64), pictures=4, batch=2, validation_queries=0)
ENTITIES = EntityClipRecipe(
    EntityClipConfig(
        backbone="tiny-emblem", image_experts=2, explanation_experts=2, text_experts=2
    ),
    entities=EntitySettings(head=6, tail=4, told=3, head_pictures=2, tail_pictures=2),
    batch=6,
    validation_pairs=0,
)
SHORT = TrainConfig(steps=1, threads=1, device="cpu")


@pytest.fixture(scope="session")
def fdp_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("fdp") / "run"
    words = out.parent / "words.txt"
    words.write_text("the\noffice\n")  # untrained towers would put them into one of two clusters
    train(FDP_METHOD, Run(replace(FDP, words=str(words)), SHORT), out)
    return out


@pytest.fixture(scope="session")
def entity_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("entities") / "run"
    train(ENTITYCLIP_METHOD, Run(ENTITIES, SHORT), out)
    return out
