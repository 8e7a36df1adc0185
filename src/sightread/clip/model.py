"""CLIP (Radford et al., ICML 2021, arXiv 2103.00020): two towers and a temperature.

Parameter names are those of OpenAI's checkpoints, so that a state dict fits without renaming.

| part | here | paper, section 2.4 |
|---|---|---|
| image tower | `ModifiedResNet`, `VisionTransformer` | ResNet-D with antialiasing; ViT |
| attention pooling | `AttentionPool2d` | one query, the mean of the grid |
| text tower | `CLIP.embed_tokens`, `CLIP.encode_embedded` | causal transformer, feature at [EOT] |
| temperature | `CLIP.logit_scale` | learned, in log space |

Deviations: none in the numbers. Attention is written with
`torch.nn.functional.scaled_dot_product_attention` instead of `nn.MultiheadAttention`, and the
attention pool is open in two steps (`tokens`, `attend`), because FDP changes what happens between.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sightread.clip.config import ClipConfig, ResNetConfig, ViTConfig


class Bottleneck(nn.Module):
    """A residual block that downsamples by average pooling, never by a strided convolution."""

    expansion = 4

    def __init__(self, channels: int, planes: int, stride: int = 1) -> None:
        super().__init__()
        wide = planes * self.expansion
        self.conv1 = nn.Conv2d(channels, planes, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(planes)
        self.conv2 = nn.Conv2d(planes, planes, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(planes)
        self.avgpool = nn.AvgPool2d(stride) if stride > 1 else nn.Identity()
        self.conv3 = nn.Conv2d(planes, wide, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(wide)
        self.downsample: nn.Module = nn.Identity()
        if stride > 1 or channels != wide:
            # The keys -1, 0, 1 are those of the public checkpoints.
            parts = [
                ("-1", nn.AvgPool2d(stride)),
                ("0", nn.Conv2d(channels, wide, 1, bias=False)),
                ("1", nn.BatchNorm2d(wide)),
            ]
            self.downsample = nn.Sequential(OrderedDict(parts))

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, 4 * planes, H / stride, W / stride)."""
        out = F.relu(self.bn1(self.conv1(x)))  # (B, planes, H, W)
        out = self.avgpool(F.relu(self.bn2(self.conv2(out))))  # (B, planes, H/s, W/s)
        out = self.bn3(self.conv3(out))  # (B, 4 planes, H/s, W/s)
        return F.relu(out + self.downsample(x))


class AttentionPool2d(nn.Module):
    """The mean of a feature grid asks the grid what matters: one attention layer, one query.

    Args:
        cells: number of cells of the grid at the native input size.
        channels: C of the grid.
        heads: attention heads; each has C / heads channels.
        embed_dim: D of the result.
    """

    def __init__(self, cells: int, channels: int, heads: int, embed_dim: int) -> None:
        super().__init__()
        self.heads = heads
        self.positional_embedding = nn.Parameter(torch.randn(cells + 1, channels) / channels**0.5)
        self.k_proj = nn.Linear(channels, channels)
        self.q_proj = nn.Linear(channels, channels)
        self.v_proj = nn.Linear(channels, channels)
        self.c_proj = nn.Linear(channels, embed_dim)

    def tokens(self, features: Tensor, positions: Tensor | None = None) -> Tensor:
        """The grid as tokens, its mean in front, positions added.

        Args:
            features: (B, C, h, w).
            positions: (h * w + 1, C), row 0 for the mean; None: the module's own table.

        Returns:
            (B, h * w + 1, C).
        """
        table = self.positional_embedding if positions is None else positions
        cells = features.flatten(2).transpose(1, 2)  # (B, hw, C)
        return torch.cat([cells.mean(1, keepdim=True), cells], 1) + table.to(cells.dtype)

    def attend(self, tokens: Tensor, shift: Tensor | None = None) -> Tensor:
        """One query, token 0, over all tokens.

        Args:
            tokens: (B, T, C).
            shift: added to the attention logits before the softmax, (B, T), or (B, heads, T) if
                the heads differ.

        Returns:
            (B, D).
        """
        batch, _, channels = tokens.shape
        split = (self.heads, channels // self.heads, channels)
        query = self.q_proj(tokens[:, 0]).view(batch, self.heads, -1)  # (B, heads, d)
        # There is one query, so q (Wk x) = (q Wk) x and a (Wv X) = Wv (a X): no key and no value
        # is computed per token. The key's bias adds the same to every token, which the softmax
        # ignores.
        asked = torch.einsum("bhd,hdc->bhc", query, self.k_proj.weight.view(split))
        logits = asked @ tokens.transpose(1, 2) / query.shape[-1] ** 0.5  # (B, heads, T)
        if shift is not None:
            logits = logits + (shift[:, None] if shift.ndim == 2 else shift)
        mixed = logits.softmax(-1) @ tokens  # (B, heads, C)
        value = torch.einsum("bhc,hdc->bhd", mixed, self.v_proj.weight.view(split))
        return cast(Tensor, self.c_proj(value.flatten(1) + self.v_proj.bias))  # (B, D)

    def forward(self, features: Tensor) -> Tensor:
        """(B, C, h, w) at the native grid -> (B, D)."""
        return self.attend(self.tokens(features))


class ModifiedResNet(nn.Module):
    """CLIP's ResNet: a stem of three convolutions, four stages, attention pooling."""

    def __init__(self, config: ResNetConfig, embed_dim: int) -> None:
        super().__init__()
        width = config.width
        self.conv1 = nn.Conv2d(3, width // 2, 3, stride=2, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(width // 2)
        self.conv2 = nn.Conv2d(width // 2, width // 2, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width // 2)
        self.conv3 = nn.Conv2d(width // 2, width, 3, padding=1, bias=False)
        self.bn3 = nn.BatchNorm2d(width)
        self.avgpool = nn.AvgPool2d(2)
        self.layer1 = _stage(width, width, config.layers[0], 1)
        self.layer2 = _stage(width * 4, width * 2, config.layers[1], 2)
        self.layer3 = _stage(width * 8, width * 4, config.layers[2], 2)
        self.layer4 = _stage(width * 16, width * 8, config.layers[3], config.cell_px // 16)
        cells = (config.image_px // config.cell_px) ** 2
        self.attnpool = AttentionPool2d(cells, config.channels, config.heads, embed_dim)

    def grid(self, images: Tensor) -> Tensor:
        """Features before pooling: (B, 3, H, W) -> (B, C, h, w), one cell per `cell_px` pixels."""
        x = F.relu(self.bn1(self.conv1(images)))  # (B, width/2, H/2, W/2)
        x = F.relu(self.bn2(self.conv2(x)))
        x = self.avgpool(F.relu(self.bn3(self.conv3(x))))  # (B, width, H/4, W/4)
        x = self.layer2(self.layer1(x))  # (B, 8 width, H/8, W/8)
        return cast(Tensor, self.layer4(self.layer3(x)))  # (B, 32 width, h, w)

    def forward(self, images: Tensor) -> Tensor:
        """(B, 3, H, W) at the native size -> (B, D)."""
        return cast(Tensor, self.attnpool(self.grid(images)))


def _stage(channels: int, planes: int, blocks: int, stride: int) -> nn.Sequential:
    wide = planes * Bottleneck.expansion
    rest = [Bottleneck(wide, planes) for _ in range(blocks - 1)]
    return nn.Sequential(Bottleneck(channels, planes, stride), *rest)


class Attention(nn.Module):
    """Multi-head self-attention with the parameter names of `nn.MultiheadAttention`."""

    def __init__(self, width: int, heads: int, *, causal: bool) -> None:
        super().__init__()
        self.heads, self.causal = heads, causal
        self.in_proj_weight = nn.Parameter(torch.empty(3 * width, width))
        self.in_proj_bias = nn.Parameter(torch.zeros(3 * width))
        self.out_proj = nn.Linear(width, width)
        nn.init.xavier_uniform_(self.in_proj_weight)

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, W) -> (B, T, W)."""
        batch, count, width = x.shape
        qkv = F.linear(x, self.in_proj_weight, self.in_proj_bias)  # (B, T, 3 W)
        qkv = qkv.view(batch, count, 3, self.heads, width // self.heads)
        query, key, value = qkv.permute(2, 0, 3, 1, 4).unbind(0)  # each (B, heads, T, d)
        out = F.scaled_dot_product_attention(query, key, value, is_causal=self.causal)
        return cast(Tensor, self.out_proj(out.transpose(1, 2).reshape(batch, count, width)))


class QuickGELU(nn.Module):
    """x * sigmoid(1.702 x), the approximation that OpenAI's weights were trained with."""

    def forward(self, x: Tensor) -> Tensor:
        """Any shape."""
        return x * torch.sigmoid(1.702 * x)


class ResidualAttentionBlock(nn.Module):
    """Pre-norm transformer block."""

    def __init__(self, width: int, heads: int, *, causal: bool, quick_gelu: bool) -> None:
        super().__init__()
        self.attn = Attention(width, heads, causal=causal)
        self.ln_1 = nn.LayerNorm(width)
        parts = [
            ("c_fc", nn.Linear(width, width * 4)),
            ("gelu", QuickGELU() if quick_gelu else nn.GELU()),
            ("c_proj", nn.Linear(width * 4, width)),
        ]
        self.mlp = nn.Sequential(OrderedDict(parts))
        self.ln_2 = nn.LayerNorm(width)

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, W) -> (B, T, W)."""
        x = x + self.attn(self.ln_1(x))
        return cast(Tensor, x + self.mlp(self.ln_2(x)))


class Transformer(nn.Module):
    """A stack of blocks."""

    def __init__(
        self, width: int, layers: int, heads: int, *, causal: bool, quick_gelu: bool
    ) -> None:
        super().__init__()
        blocks = [
            ResidualAttentionBlock(width, heads, causal=causal, quick_gelu=quick_gelu)
            for _ in range(layers)
        ]
        self.resblocks = nn.Sequential(*blocks)

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, W) -> (B, T, W)."""
        return cast(Tensor, self.resblocks(x))


class VisionTransformer(nn.Module):
    """CLIP's ViT: patches, a class token, a projection of its last state."""

    def __init__(self, config: ViTConfig, embed_dim: int, *, quick_gelu: bool) -> None:
        super().__init__()
        width, patch = config.width, config.patch_px
        cells = (config.image_px // patch) ** 2
        self.conv1 = nn.Conv2d(3, width, patch, stride=patch, bias=False)
        self.class_embedding = nn.Parameter(torch.randn(width) / width**0.5)
        self.positional_embedding = nn.Parameter(torch.randn(cells + 1, width) / width**0.5)
        self.ln_pre = nn.LayerNorm(width)
        self.transformer = Transformer(
            width, config.layers, config.heads, causal=False, quick_gelu=quick_gelu
        )
        self.ln_post = nn.LayerNorm(width)
        self.proj = nn.Parameter(torch.randn(width, embed_dim) / width**0.5)

    def states(self, images: Tensor) -> Tensor:
        """What the transformer ends with: (B, 3, H, W) -> (B, 1 + P, W), the class token first."""
        x = self.conv1(images).flatten(2).transpose(1, 2)  # (B, P, W)
        first = self.class_embedding.to(x.dtype).expand(x.shape[0], 1, -1)  # (B, 1, W)
        x = torch.cat([first, x], 1) + self.positional_embedding.to(x.dtype)  # (B, 1 + P, W)
        return cast(Tensor, self.transformer(self.ln_pre(x)))

    def tokens(self, images: Tensor) -> Tensor:
        """Every token in the joint space, not only the first: (B, 3, H, W) -> (B, 1 + P, D)."""
        return cast(Tensor, self.ln_post(self.states(images)) @ self.proj)

    def forward(self, images: Tensor) -> Tensor:
        """(B, 3, H, W) at the native size -> (B, D)."""
        return cast(Tensor, self.ln_post(self.states(images)[:, 0]) @ self.proj)


class CLIP(nn.Module):
    """Both towers. Features are not normalised; scores are `exp(logit_scale) * cosine`."""

    def __init__(self, config: ClipConfig) -> None:
        super().__init__()
        self.config = config
        text, quick = config.text, config.quick_gelu
        self.visual: ModifiedResNet | VisionTransformer
        if isinstance(config.vision, ResNetConfig):
            self.visual = ModifiedResNet(config.vision, config.embed_dim)
        else:
            self.visual = VisionTransformer(config.vision, config.embed_dim, quick_gelu=quick)
        self.transformer = Transformer(
            text.width, text.layers, text.heads, causal=True, quick_gelu=quick
        )
        self.token_embedding = nn.Embedding(text.vocab_size, text.width)
        self.positional_embedding = nn.Parameter(torch.empty(text.context_length, text.width))
        self.ln_final = nn.LayerNorm(text.width)
        self.text_projection = nn.Parameter(torch.empty(text.width, config.embed_dim))
        self.logit_scale = nn.Parameter(torch.tensor(math.log(1 / 0.07)))
        nn.init.normal_(self.token_embedding.weight, std=0.02)
        nn.init.normal_(self.positional_embedding, std=0.01)
        nn.init.normal_(self.text_projection, std=text.width**-0.5)

    def encode_image(self, images: Tensor) -> Tensor:
        """(B, 3, H, W), normalised pixels at the native size -> features (B, D)."""
        return cast(Tensor, self.visual(images))

    def embed_tokens(self, tokens: Tensor) -> Tensor:
        """Token ids (B, T) -> token embeddings (B, T, W), without positions."""
        return cast(Tensor, self.token_embedding(tokens))

    def encode_embedded(self, embedded: Tensor, end: Tensor) -> Tensor:
        """Token embeddings -> text features. Learned prompts enter here.

        Args:
            embedded: (B, T, W) without positions, T at most the context length.
            end: (B,) index of [EOT]; what stands behind it has no influence (causal attention).

        Returns:
            (B, D).
        """
        x = self._text_states(embedded)  # (B, T, W)
        rows = torch.arange(x.shape[0], device=x.device)
        return x[rows, end] @ self.text_projection

    def _text_states(self, embedded: Tensor) -> Tensor:
        x = embedded + self.positional_embedding[: embedded.shape[1]]  # (B, T, W)
        return cast(Tensor, self.ln_final(self.transformer(x)))

    def encode_text_tokens(self, tokens: Tensor) -> Tensor:
        """Every token in the joint space: ids (B, T) -> (B, T, D). `encode_text` is its row at
        [EOT]."""
        return self._text_states(self.embed_tokens(tokens)) @ self.text_projection

    def encode_text(self, tokens: Tensor) -> Tensor:
        """Token ids (B, T), [EOT] the highest of them, as in CLIP's vocabulary -> (B, D)."""
        return self.encode_embedded(self.embed_tokens(tokens), tokens.argmax(-1))

    def forward(self, images: Tensor, tokens: Tensor) -> Tensor:
        """Logits (B, N) of B images and N texts."""
        image = F.normalize(self.encode_image(images), dim=-1)  # (B, D)
        text = F.normalize(self.encode_text(tokens), dim=-1)  # (N, D)
        return self.logit_scale.exp() * image @ text.T
