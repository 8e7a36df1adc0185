"""A tiny seeded HOPID: 16-px pictures of 2 x 2 patches, 16 dimensions, and random inputs for it."""

from typing import Any

import torch
from torch import Tensor

from sightread.clip.config import ClipConfig, TextConfig, ViTConfig
from sightread.clip.model import CLIP
from sightread.methods.hopid.caption import Read
from sightread.methods.hopid.config import HopidConfig
from sightread.methods.hopid.model import HOPID, Seen
from sightread.scenetext.wordvectors import WIDTH

WIDE, CLIP_WIDE, SIDE = 24, 16, 2
CLIP_CONFIG = ClipConfig(
    "small", CLIP_WIDE, ViTConfig(1, 20, 2, 8, 16), TextConfig(10, 30, 16, 2, 1)
)


def settings(**switches: Any) -> HopidConfig:
    usual: dict[str, Any] = {
        "backbone": "tiny-ViT",
        "width": WIDE,
        "heads": 4,
        "out_width": 12,
        "dropout": 0.0,
    }
    return HopidConfig(**(usual | switches))


def make(seed: int = 0, stirred: bool = True, **switches: Any) -> HOPID:
    """In eval mode; `stirred` moves every new weight off its start, outputs included."""
    torch.manual_seed(seed)
    model = HOPID(CLIP(CLIP_CONFIG), settings(**switches)).eval()
    if stirred:
        with torch.no_grad():
            for one in model.new_parameters():
                one.add_(0.2 * torch.randn_like(one))
    return model


def unit(*shape: int, seed: int) -> Tensor:
    drawn = torch.randn(*shape, generator=torch.Generator().manual_seed(seed))
    return torch.nn.functional.normalize(drawn, dim=-1)


def seen(*counts: int, most: int | None = None, seed: int = 1) -> Seen:
    """Pictures with so many words each, padded to `most` with numbers that must not count."""
    most = max(1, *counts) if most is None else most
    size = len(counts)
    keep = torch.arange(most) < torch.tensor(counts)[:, None]
    draw = torch.Generator().manual_seed(seed)
    boxes = torch.rand(size, most, 4, generator=draw)
    pools = torch.rand(size, most, SIDE**2, generator=draw)
    return Seen(
        unit(size, CLIP_WIDE, seed=seed),
        unit(size, CLIP_WIDE, seed=seed + 1),
        torch.randn(size, SIDE**2, 20, generator=draw),
        unit(size, most, WIDTH, seed=seed + 2),
        boxes,
        pools / pools.sum(-1, keepdim=True),
        keep,
    )


def read(*entities: tuple[int, ...], words: int = 5, seed: int = 5) -> Read:
    """Captions of `words` words each; a tuple says with which word each of its entities ends."""
    size, most = len(entities), max(1, *(len(one) for one in entities))
    at = torch.zeros(size, most, dtype=torch.int64)
    for row, ends in zip(at, entities, strict=True):
        row[: len(ends)] = torch.tensor(ends, dtype=torch.int64)
    named = torch.arange(most) < torch.tensor([len(one) for one in entities])[:, None]
    told = named.any(1)[:, None]
    return Read(
        unit(size, CLIP_WIDE, seed=seed),
        unit(size, CLIP_WIDE, seed=seed + 1) * told,
        unit(size, words, WIDTH, seed=seed + 2),
        torch.ones(size, words, dtype=torch.bool),
        unit(size, most, WIDTH, seed=seed + 3) * named[..., None],
        at,
        named,
    )
