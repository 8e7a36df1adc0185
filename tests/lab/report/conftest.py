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
from sightread.methods.hopid.config import HopidConfig, HopidRecipe
from sightread.methods.hopid.recipe import HOPID_METHOD
from sightread.synth.ambiguity import AmbiguitySettings
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
HOPID = HopidRecipe(
    HopidConfig(backbone="tiny-ViT", width=16, heads=2, layers=1),
    ambiguity=AmbiguitySettings(groups=2, val_groups=2, test_groups=1, plain=1, val_plain=2),
    batch=4,
    dei_epochs=1,
    validation_pictures=0,
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


@pytest.fixture(scope="session")
def hopid_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("hopid") / "run"
    train(HOPID_METHOD, Run(HOPID, SHORT), out)
    return out
