"""Published CLIP weights that `sightread models pull` knows, by the names of open_clip.

A name is `ARCHITECTURE:WEIGHTS`, as open_clip prints it; without weights it means `:openai`. The
table says what the weights themselves do not: where they are, which GELU and which colours they
were trained with. It follows open_clip 3.3 (`open_clip/pretrained.py`).
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass

from sightread.errors import UsageError
from sightread.preprocess import CLIP_MEAN, CLIP_STD

Colour = tuple[float, float, float]

WEIGHT_FILES = ("open_clip_model.safetensors", "open_clip_pytorch_model.bin")
"""In a repository of the hub, the better first."""
TOKENIZER_REPOSITORY = "openai/clip-vit-base-patch32"
TOKENIZER_FILE = "tokenizer.json"
"""All of these weights share one vocabulary, so one place is enough."""


@dataclass(frozen=True, slots=True)
class Published:
    """Where weights are, and how to use them.

    Attributes:
        architecture: name in `CONFIGS`.
        repository: on the hub.
        quick_gelu: see `weights`.
        mean, std: of the colours in [0, 1].
        licence: as their authors state it.
    """

    architecture: str
    repository: str
    quick_gelu: bool = False
    mean: Colour = CLIP_MEAN
    std: Colour = CLIP_STD
    licence: str = "MIT"


_HALF: Colour = (0.5, 0.5, 0.5)


def _openai(architecture: str, repository: str) -> Published:
    return Published(architecture, f"timm/{repository}.openai", quick_gelu=True)


PUBLISHED: dict[str, Published] = {
    "RN50:openai": _openai("RN50", "resnet50_clip"),
    "RN50:yfcc15m": Published("RN50", "timm/resnet50_clip.yfcc15m", quick_gelu=True),
    "RN50:cc12m": Published("RN50", "timm/resnet50_clip.cc12m", quick_gelu=True),
    "RN50x4:openai": _openai("RN50x4", "resnet50x4_clip"),
    "RN50x16:openai": _openai("RN50x16", "resnet50x16_clip"),
    "ViT-B-32:openai": _openai("ViT-B-32", "vit_base_patch32_clip_224"),
    "ViT-B-32:laion400m_e32": Published(
        "ViT-B-32", "timm/vit_base_patch32_clip_224.laion400m_e32", quick_gelu=True
    ),
    "ViT-B-32:laion2b_s34b_b79k": Published("ViT-B-32", "laion/CLIP-ViT-B-32-laion2B-s34B-b79K"),
    "ViT-B-32:datacomp_xl_s13b_b90k": Published(
        "ViT-B-32", "laion/CLIP-ViT-B-32-DataComp.XL-s13B-b90K"
    ),
    "ViT-B-16:openai": _openai("ViT-B-16", "vit_base_patch16_clip_224"),
    "ViT-B-16:laion400m_e32": Published("ViT-B-16", "timm/vit_base_patch16_clip_224.laion400m_e32"),
    "ViT-B-16:laion2b_s34b_b88k": Published("ViT-B-16", "laion/CLIP-ViT-B-16-laion2B-s34B-b88K"),
    "ViT-B-16:datacomp_xl_s13b_b90k": Published(
        "ViT-B-16", "laion/CLIP-ViT-B-16-DataComp.XL-s13B-b90K"
    ),
    "ViT-L-14:openai": _openai("ViT-L-14", "vit_large_patch14_clip_224"),
    "ViT-L-14-336:openai": _openai("ViT-L-14", "vit_large_patch14_clip_336"),
    "ViT-L-14:laion400m_e32": Published(
        "ViT-L-14", "timm/vit_large_patch14_clip_224.laion400m_e32"
    ),
    "ViT-L-14:laion2b_s32b_b82k": Published(
        "ViT-L-14", "laion/CLIP-ViT-L-14-laion2B-s32B-b82K", mean=_HALF, std=_HALF
    ),
    "ViT-L-14:datacomp_xl_s13b_b90k": Published(
        "ViT-L-14", "laion/CLIP-ViT-L-14-DataComp.XL-s13B-b90K"
    ),
}


def find_published(name: str) -> tuple[str, Published]:
    """The full name and its entry.

    Raises:
        UsageError: the name is not in the table; the sentence says which are near.
    """
    full = full_name(name)
    if full in PUBLISHED:
        return full, PUBLISHED[full]
    near = difflib.get_close_matches(full, PUBLISHED, 3, 0.65)
    known = ", ".join(near or PUBLISHED)
    raise UsageError(
        f"No published CLIP is called {name!r}; {'similar names are' if near else 'known are'} "
        f"{known}."
    )


def full_name(name: str) -> str:
    """With the weights: `RN50` is `RN50:openai`; a slash or another case of the tag is forgiven."""
    architecture, _, tag = name.replace("/", ":").partition(":")
    return f"{architecture}:{tag.lower().replace('-', '_') or 'openai'}"
