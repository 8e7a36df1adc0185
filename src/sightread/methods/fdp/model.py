"""FDP: "Focus, Distinguish, and Prompt" (Zeng et al., ACM MM 2024, arXiv 2408.00441).

Scene text retrieval without OCR: a frozen CLIP sees the picture large, looks where text is, asks
"scene text" what it knows, and meets the query, prompted by its kind, in one space.

| step | here | specification |
|---|---|---|
| F = CLIP's grid of the 640-px picture | `clip.visual.grid` | 4.2 |
| learned position table P | `positions`, `image.expanded_positions` | 4.3 |
| M = Bz(Cd(Vd(F))), S = sigmoid(M) | `localisation` | 4.4 |
| dynamic attention shift, g | `image.attention_bias`, `AttentionPool2d.attend` | 4.5 |
| text knowledge probing, u = LN(g + MHCA(g, t, t)) | `probing` | 4.6 |
| v = g + u | `FDP.image_head` | 4.7 |
| content and function words by k-means | `centroids`, `queries.fit_clusters` | 5.1 |
| semantic-aware prompting | `prompts` | 5.2 |

Deviations, each from the published code; a switch of `FdpConfig` brings the original back where
it matters for the numbers:

* every image gets its own text map (`legacy_mask_tiling` mixes images and heads as published);
* the clusters are fitted with a seed and stored as buffers, so a checkpoint keeps its decisions;
* outside of training the probing attention is the constant that it equals;
* scores are plain cosines: the published softmax over the gallery does not change a ranking.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple, cast

import torch
from torch import Tensor, nn

from sightread.clip.config import ResNetConfig
from sightread.clip.model import CLIP, ModifiedResNet
from sightread.errors import UsageError
from sightread.methods.fdp.config import FdpConfig
from sightread.methods.fdp.image import Localisation, Probing, attention_bias, expanded_positions
from sightread.methods.fdp.queries import CONTENT, Prompts, nearest_cluster


class ImageOutput(NamedTuple):
    """`features` (B, D), not normalised, and `text_map` (B, h, w), logits."""

    features: Tensor
    text_map: Tensor


class FDP(nn.Module):
    """Both sides of FDP around a frozen CLIP.

    Args:
        clip: with a ModifiedResNet. Its parameters are frozen here.
        config: the switches.
        dot_token: token id of "." in CLIP's vocabulary.

    Raises:
        UsageError: the input size is not a whole number of cells, or the backbone is a ViT.
    """

    centroids: Tensor
    probe: Tensor

    def __init__(self, clip: CLIP, config: FdpConfig, dot_token: int) -> None:
        super().__init__()
        if not isinstance(clip.visual, ModifiedResNet):
            raise UsageError(f"FDP needs a ResNet backbone, and {clip.config.name} is a ViT")
        cell_px = cast(ResNetConfig, clip.config.vision).cell_px
        if config.size_px % cell_px or config.size_px < cell_px:
            raise UsageError(f"size_px is {config.size_px}; it must be a multiple of {cell_px}")
        self.cells = config.size_px // cell_px
        self.config = config
        self.clip = clip.requires_grad_(False)
        pool, width = clip.visual.attnpool, clip.config.embed_dim
        count = self.cells**2 + 1
        self.positions = nn.Parameter(
            torch.empty(count, pool.v_proj.in_features), requires_grad=config.learn_positions
        )
        self.localisation = Localisation(pool)
        self.probing = Probing(width, config.probe_heads, config.probe_dropout)
        self.prompts = Prompts(config, clip.config.text.width, dot_token)
        self.register_buffer("centroids", torch.zeros(2, width))
        self.register_buffer("probe", torch.zeros(width))
        self.start_from_clip()

    @torch.no_grad()
    def start_from_clip(self) -> None:
        """Set what starts from CLIP's own weights: positions and localisation."""
        pool, config = self.visual.attnpool, self.config
        self.positions.copy_(
            expanded_positions(pool.positional_embedding, self.cells, config.positions)
        )
        self.localisation.start_from(pool)

    @property
    def visual(self) -> ModifiedResNet:
        """CLIP's image tower."""
        return cast(ModifiedResNet, self.clip.visual)

    def train(self, mode: bool = True) -> FDP:
        """CLIP stays in eval mode: its batch statistics are part of its weights (section 8)."""
        super().train(mode)
        self.clip.eval()
        return self

    # --- image side ---

    def grid(self, images: Tensor) -> Tensor:
        """(B, 3, S, S) -> CLIP's features F (B, C, h, w); no gradient."""
        with torch.no_grad():
            return self.visual.grid(images)

    def image_head(self, grid: Tensor) -> ImageOutput:
        """F (B, C, h, w) -> v and the text map. Everything on the image side that learns."""
        pool = self.visual.attnpool
        text_map = self.localisation(grid)  # (B, h, w)
        tokens = pool.tokens(grid, self.positions)  # (B, 1 + hw, C)
        pooled = pool.attend(tokens, attention_bias(text_map, self.config, pool.heads))  # (B, D)
        if not self.config.probing:
            return ImageOutput(pooled, text_map)
        return ImageOutput(pooled + self.probing(pooled, self.probe), text_map)

    def encode_image(self, images: Tensor) -> ImageOutput:
        """(B, 3, S, S), normalised pixels -> v (B, D) and the text map (B, h, w)."""
        return self.image_head(self.grid(images))

    # --- query side ---

    def cluster(self, tokens: Tensor) -> Tensor:
        """Bare queries (B, T) -> (B,) `FUNCTION` or `CONTENT`; all content without distinction."""
        if not self.config.distinction:
            return torch.full_like(tokens[:, 0], CONTENT)
        with torch.no_grad():
            return nearest_cluster(self.clip.encode_text(tokens), self.centroids)

    def encode_text(self, tokens: Tensor, cluster: Tensor | None = None) -> Tensor:
        """Bare queries (B, T) -> (B, D), not normalised.

        `cluster` (B,) overrides the decision: distractors take the prompt of their word.
        """
        kind = self.cluster(tokens) if cluster is None else cluster
        embedded, end = self.prompts(self.clip, tokens, kind)  # (B, T, W), (B,)
        return self.clip.encode_embedded(embedded, end)

    def parameter_groups(self) -> tuple[list[nn.Parameter], list[nn.Parameter]]:
        """Parameters that learn: new ones, and those that start from CLIP's (section 8)."""
        new = [*self.prompts.parameters(), *self.localisation.classify.parameters()]
        new += self.probing.parameters() if self.config.probing else []
        tuned = [self.positions, *self.localisation.value.parameters()]
        tuned += self.localisation.project.parameters()
        return new, list(_learning(tuned))


def _learning(parameters: list[nn.Parameter]) -> Iterator[nn.Parameter]:
    return (parameter for parameter in parameters if parameter.requires_grad)
