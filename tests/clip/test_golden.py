"""The answers of the public implementations, as scripts/clip_golden.py noted them."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from sightread.clip.model import CLIP
from tests.clip.formula import CONFIGS, TOKENS, fill, images

GOLDEN: dict[str, Any] = json.loads((Path(__file__).parent / "golden.json").read_text())


def filled(name: str) -> CLIP:
    model = CLIP(CONFIGS[name]).eval()
    fill(model)
    return model


def near(ours: Tensor, theirs: list[list[float]]) -> None:
    torch.testing.assert_close(ours, torch.tensor(theirs), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("name", CONFIGS)
@torch.no_grad()
def test_answers_of_the_public_implementations(name: str) -> None:
    model, golden = filled(name), GOLDEN[name]
    pixels = images(2, CONFIGS[name].vision.image_px)
    near(model.encode_image(pixels), golden["image_features"])
    near(model.encode_text(TOKENS), golden["text_features"])
    near(model(pixels, TOKENS), golden["logits"])


@pytest.mark.parametrize("name", CONFIGS)
def test_names_and_shapes_are_theirs(name: str) -> None:
    ours = {key: list(value.shape) for key, value in filled(name).state_dict().items()}
    assert ours == GOLDEN[name]["names"]


@torch.no_grad()
def test_the_golden_inputs_tell_pictures_and_texts_apart() -> None:
    # Otherwise a network that ignores its input would pass.
    for name in CONFIGS:
        for kind in ("image_features", "text_features"):
            features = torch.tensor(GOLDEN[name][kind])
            distances = torch.cdist(features, features)
            off_diagonal = distances[~torch.eye(len(features), dtype=torch.bool)]
            assert off_diagonal.min() > 0.1 * features.norm(dim=1).mean()
