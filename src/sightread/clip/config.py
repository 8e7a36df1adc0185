"""The shapes of the CLIP family: one table that is also the registry."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class ResNetConfig:
    """CLIP's ModifiedResNet: `layers` blocks per stage, `width` channels in the first stage.

    A cell of the last feature grid is `cell_px` pixels wide. The published models have 32; 16
    leaves out the last halving, so that a small picture has a grid and not only its borders.
    """

    layers: tuple[int, int, int, int]
    width: int
    image_px: int
    cell_px: Literal[16, 32] = 32

    @property
    def channels(self) -> int:
        """Channels of the last feature grid."""
        return self.width * 32

    @property
    def heads(self) -> int:
        """Heads of the attention pool, 64 channels each."""
        return max(1, self.channels // 64)


@dataclass(frozen=True, slots=True)
class ViTConfig:
    """CLIP's vision transformer."""

    layers: int
    width: int
    heads: int
    patch_px: int
    image_px: int


@dataclass(frozen=True, slots=True)
class TextConfig:
    """The text transformer. `eot_token` closes every text and gives its feature."""

    context_length: int = 77
    vocab_size: int = 49408
    width: int = 512
    heads: int = 8
    layers: int = 12


@dataclass(frozen=True, slots=True)
class ClipConfig:
    """One architecture. `quick_gelu`: OpenAI's weights want x * sigmoid(1.702 x), later public
    weights the exact GELU; a checkpoint does not say which."""

    name: str
    embed_dim: int
    vision: ResNetConfig | ViTConfig
    text: TextConfig
    quick_gelu: bool = True


_EMBLEM_TEXT = TextConfig(context_length=32, vocab_size=142, width=64, heads=4, layers=2)
_CARRIER_TEXT = TextConfig(context_length=48, vocab_size=117, width=64, heads=4, layers=2)
_TINY_TEXT = TextConfig(context_length=32, vocab_size=436, width=96, heads=4, layers=2)

CONFIGS: dict[str, ClipConfig] = {
    config.name: config
    for config in (
        ClipConfig("RN50", 1024, ResNetConfig((3, 4, 6, 3), 64, 224), TextConfig()),
        ClipConfig(
            "RN50x4", 640, ResNetConfig((4, 6, 10, 6), 80, 288), TextConfig(width=640, heads=10)
        ),
        ClipConfig(
            "RN50x16", 768, ResNetConfig((6, 8, 18, 8), 96, 384), TextConfig(width=768, heads=12)
        ),
        ClipConfig("ViT-B-32", 512, ViTConfig(12, 768, 12, 32, 224), TextConfig()),
        ClipConfig("ViT-B-16", 512, ViTConfig(12, 768, 12, 16, 224), TextConfig()),
        ClipConfig(
            "ViT-L-14", 768, ViTConfig(24, 1024, 16, 14, 224), TextConfig(width=768, heads=12)
        ),
        ClipConfig("tiny-RN", 128, ResNetConfig((1, 1, 1, 1), 16, 64, 16), _TINY_TEXT),
        ClipConfig("tiny-ViT", 128, ViTConfig(3, 96, 4, 16, 64), _TINY_TEXT),
        # Its tokeniser knows whole words: those of `synth-entity`.
        ClipConfig("tiny-emblem", 64, ViTConfig(2, 64, 4, 8, 40), _EMBLEM_TEXT),
        # Its tokeniser knows the words of captions of `synth-ambiguity` and spells all others.
        ClipConfig("tiny-carriers", 96, ViTConfig(2, 96, 4, 8, 48), _CARRIER_TEXT),
    )
}
"""By the names that OpenAI and open_clip use; the tiny ones are for tests and small studies."""
