"""The answers of the public implementations, as scripts/clip_golden.py noted them."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from sightread.clip.config import ResNetConfig
from sightread.clip.model import CLIP, ModifiedResNet
from tests.clip.formula import CONFIGS, TOKENS, fill, images

GOLDEN: dict[str, Any] = json.loads((Path(__file__).parent / "golden.json").read_text())


def filled(name: str) -> CLIP:
    model = CLIP(CONFIGS[name]).eval()
    fill(model)
    return model


def near(ours: Tensor, theirs: list[list[float]], tolerance: float) -> None:
    expected = torch.tensor(theirs, dtype=ours.dtype)
    assert ours.shape == expected.shape
    assert float((ours - expected).abs().max() / expected.abs().max()) <= tolerance


# The public layer norm is in single precision whatever the rest is.
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 1e-5), (torch.float64, 1e-6)])
@pytest.mark.parametrize("name", CONFIGS)
@torch.no_grad()
def test_answers_of_the_public_implementations(
    name: str, dtype: torch.dtype, tolerance: float
) -> None:
    model, golden = filled(name).to(dtype), GOLDEN[name]
    pixels = images(2, CONFIGS[name].vision.image_px).to(dtype)
    near(model.encode_image(pixels), golden["image_features"], tolerance)
    near(model.encode_text(TOKENS), golden["text_features"], tolerance)
    near(model(pixels, TOKENS), golden["logits"], tolerance)


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


@torch.no_grad()
def test_cells_of_16_px_leave_out_the_last_halving_and_nothing_else() -> None:
    config = CONFIGS["resnet"].vision
    assert isinstance(config, ResNetConfig)
    coarse, fine = ModifiedResNet(config, 24), ModifiedResNet(replace(config, cell_px=16), 24)
    for model in (coarse, fine):
        fill(model.eval())
    pixels = images(1, 96)
    assert fine.grid(pixels).shape == (1, 256, 6, 6)
    # Halving is done by pooling alone: in the first block of the last stage, on both paths.
    block: Any = coarse.layer4[0]
    block.avgpool = block.downsample[0] = torch.nn.Identity()
    torch.testing.assert_close(coarse.grid(pixels), fine.grid(pixels))
