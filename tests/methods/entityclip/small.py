"""A tiny seeded EntityCLIP: 16-px pictures of four patches, 16 dimensions, a vocabulary of 30."""

from typing import Any

import torch
from torch import Tensor

from sightread.clip.config import ClipConfig, TextConfig, ViTConfig
from sightread.clip.model import CLIP
from sightread.methods.entityclip.config import EntityClipConfig
from sightread.methods.entityclip.mmae import Tokens
from sightread.methods.entityclip.model import EntityCLIP

WIDTH = 16
CLIP_CONFIG = ClipConfig("small", WIDTH, ViTConfig(1, 16, 2, 8, 16), TextConfig(10, 30, 16, 2, 1))
START, END = 28, 29


def settings(**switches: Any) -> EntityClipConfig:
    counts = {"image_experts": 2, "explanation_experts": 2, "text_experts": 2}
    return EntityClipConfig(**{"backbone": "tiny-emblem", **counts, **switches})


def make(seed: int = 0, **switches: Any) -> EntityCLIP:
    torch.manual_seed(seed)
    clip = CLIP(CLIP_CONFIG)
    with torch.no_grad():  # embeddings of 0.02 would make all texts alike
        clip.token_embedding.weight.mul_(50)
        clip.positional_embedding.mul_(30)
    return EntityCLIP(clip, settings(**switches)).eval()


def ids(*bodies: list[int], length: int = 10) -> Tensor:
    """[SOT] body [EOT] 0 ..."""
    rows = [[START, *body, END] for body in bodies]
    return torch.tensor([row + [0] * (length - len(row)) for row in rows])


def images(count: int = 4, seed: int = 7) -> Tensor:
    return torch.randn(count, 3, 16, 16, generator=torch.Generator().manual_seed(seed))


TEXTS = ids([1, 2], [3], [4, 5, 6], [7, 8])
TOLD = ids([9, 10, 11], [12], [13, 14], [15, 16, 17, 18])


def triple(model: EntityCLIP, told: Tensor = TOLD) -> tuple[Tokens, Tokens, Tokens]:
    """Four pictures, texts and explanations."""
    explained = told.argmax(-1) > 1
    return model.see(images()), model.read(TEXTS), model.explain(told, explained)
