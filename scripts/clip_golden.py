"""Writes tests/clip/golden.json: what the public implementations of CLIP answer.

    python -m venv /tmp/public && . /tmp/public/bin/activate
    pip install torch numpy
    pip install --no-deps openai-clip==1.0.1 open_clip_torch==3.3.0
    PYTHONPATH=src:. python scripts/clip_golden.py

Weights and inputs come from tests/clip/formula.py, so the file holds answers only. Both packages
want torchvision, which CLIP's networks do not use: a stand-in for the one name that is imported
is enough. Only the files with the networks are loaded. The script stops if the two public
implementations of the ResNet disagree.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import importlib.util
import json
import sys
import types
from pathlib import Path
from typing import Any

import torch
from tests.clip.formula import CONFIGS, TOKENS, fill, images
from torch import Tensor

from sightread.clip.config import ClipConfig, ResNetConfig, ViTConfig

TARGET = Path(__file__).resolve().parent.parent / "tests" / "clip" / "golden.json"
TOLERANCE = 1e-12


def bare_package(name: str) -> None:
    """Make `import NAME.module` work without running NAME/__init__.py."""
    spec = importlib.util.find_spec(name)
    assert spec is not None, f"{name} is not installed: see the head of this file"
    assert spec.submodule_search_locations is not None
    package = types.ModuleType(name)
    package.__path__ = list(spec.submodule_search_locations)
    sys.modules[name] = package


def stand_in_torchvision() -> None:
    misc: Any = types.ModuleType("torchvision.ops.misc")
    misc.FrozenBatchNorm2d = torch.nn.BatchNorm2d
    for name in ("torchvision", "torchvision.ops"):
        sys.modules[name] = types.ModuleType(name)
    sys.modules["torchvision.ops.misc"] = misc


def openai_clip(config: ClipConfig) -> Any:
    vision, text = config.vision, config.text
    model = importlib.import_module("clip.model").CLIP(
        config.embed_dim,
        vision.image_px,
        vision.layers,
        vision.width,
        vision.patch_px if isinstance(vision, ViTConfig) else None,
        text.context_length,
        text.vocab_size,
        text.width,
        text.heads,
        text.layers,
    )
    fill(model)
    # Double precision, so that the answers are the formula's and not those of one machine's sums;
    # OpenAI's layer norm insists on single.
    model.double()
    for part in model.modules():
        if isinstance(part, torch.nn.LayerNorm):
            part.float()
    return model.eval()


def open_clip_resnet(config: ClipConfig) -> Any:
    vision = config.vision
    assert isinstance(vision, ResNetConfig)
    model = importlib.import_module("open_clip.modified_resnet").ModifiedResNet(
        vision.layers, config.embed_dim, vision.heads, vision.image_px, vision.width
    )
    fill(model, "visual.")
    return model.double().eval()


def rounded(tensor: Tensor) -> Any:
    return [[float(f"{value:.7g}") for value in row] for row in tensor.double().tolist()]


@torch.no_grad()
def answers(config: ClipConfig) -> dict[str, Any]:
    model = openai_clip(config)
    pixels = images(2, config.vision.image_px).double()
    image = model.encode_image(pixels)
    if isinstance(config.vision, ResNetConfig):
        other = open_clip_resnet(config)(pixels)
        apart = float((image - other).abs().max())
        assert apart <= TOLERANCE, f"the public implementations differ by {apart}"
    per_image, _ = model(pixels, TOKENS)
    return {
        "names": {name: list(tensor.shape) for name, tensor in model.state_dict().items()},
        "image_features": rounded(image),
        "text_features": rounded(model.encode_text(TOKENS)),
        "logits": rounded(per_image),
    }


def main() -> None:
    stand_in_torchvision()
    for name in ("clip", "open_clip"):
        bare_package(name)
    made_with = {
        name: importlib.metadata.version(name)
        for name in ("openai-clip", "open_clip_torch", "torch", "numpy")
    }
    golden = {name: answers(config) for name, config in CONFIGS.items()}
    TARGET.write_text(json.dumps({"made_with": made_with} | golden) + "\n")
    print(f"{TARGET}: {TARGET.stat().st_size} bytes")


if __name__ == "__main__":
    main()
