"""HOPID: "Heterogeneous Prompt-Guided Entity Inferring and Distilling for Scene-Text Aware
Cross-modal Retrieval" (2024), a **reconstruction**.

Two versions of its abstract and its figures are public; its text, its equations and its numbers are
not. What follows is built from these and from the closest published techniques, with our own choice
wherever both are silent (docs/hopid.md says which is which).

| step | here | specification |
|---|---|---|
| I' = marks(I), the visual prompt | `scenetext.marks.marked` | 6.1 |
| g = CLIP_v(I), G' = CLIP_v(I'), h_0 = LN(W_G G') | `HOPID.look`, `HOPID.see` | 6.2 |
| x_n: words read in the picture | `tokens.WordTokens` | 6.3 |
| E: perceptive entity distilling | `ped.Ped` | 6.4 |
| r: local features | `regions.Regions` | 6.5 |
| h_1 = Fusion1(h_0, E, m), h_2 = Fusion2(h_1, r, 1) | `HOPID.see`, `fusion.Fusion` | 6.6 |
| which words of the caption are scene text | `dei.Dei`, `labels.weak_labels` | 6.7 |
| P = CLIP_t(prompt), the text prompt | `scenetext.captions.prompt` | 6.8 |
| q = Fusion3(h_T, P', delta), binding | `caption.CaptionSide` | 6.9 |
| V = norm(base + m gate W_V LN(h_2)), T = norm(c + delta W_T LN(q)) | `added`, `HOPID` | 6.10 |
| the losses | `losses` | 7 |

Deviations from the specification, each for a reason (docs/hopid.md):

* words of captions enter the GRU by their spelling (`scenetext.wordvectors`), without a vocabulary,
  which is also the word embedder of the picture's words, PHOC included;
* entity inferring is the light variant, a GRU in both directions: weights of BERT are not at hand;
* `passes = "one"`: a picture with text is seen once, with its marks, so that V corrects G' and not
  g, and the patches are those of the marked picture: indexing costs one run of the encoder;
* a learned gate says how much the words of a picture count;
* the prompt carries the spelled entities besides CLIP's vector of the sentence;
* local features are a grid of CLIP's patches; there is no detector;
* the temperature of InfoNCE is fixed, and CLIP is frozen throughout.
"""

from __future__ import annotations

from typing import NamedTuple, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sightread.clip.config import ViTConfig
from sightread.clip.model import CLIP, VisionTransformer
from sightread.errors import UsageError
from sightread.methods.hopid.caption import CaptionSide, Read
from sightread.methods.hopid.config import HopidConfig
from sightread.methods.hopid.dei import Dei
from sightread.methods.hopid.fusion import Fusion
from sightread.methods.hopid.ped import Distilled, make_ped
from sightread.methods.hopid.regions import Regions
from sightread.methods.hopid.tokens import WordTokens


class Seen(NamedTuple):
    """B pictures as the frozen CLIP saw them, with their words. `base` (B, C): the unit vector that
    is corrected; `marked` (B, C): that of the picture with its marks, the same with one pass;
    `patches` (B, P * P, W); `words` (B, N, 256), `boxes` (B, N, 4), `pooling` (B, N, P * P), and
    which are there, `keep` (B, N) bool."""

    base: Tensor
    marked: Tensor
    patches: Tensor
    words: Tensor
    boxes: Tensor
    pooling: Tensor
    keep: Tensor

    @property
    def some(self) -> Tensor:
        """m (B,): which pictures have text."""
        return self.keep.any(1)


class Corrected(NamedTuple):
    """`vector` (B, D) is V, of unit length; `gate` (B,): how much words count, 0 without any;
    `distilled`: what PED made of them."""

    vector: Tensor
    gate: Tensor
    distilled: Distilled


def added(base: Tensor, change: Tensor) -> Tensor:
    """norm(base + change) for rows `base` (B, D) of unit length.

    |base + change|^2 is written with |base|^2 = 1, so that no change gives `base` to the last bit.
    """
    length = 1 + 2 * (base * change).sum(-1, keepdim=True) + change.square().sum(-1, keepdim=True)
    return (base + change) * length.clamp(min=1e-12).rsqrt()


def limited(change: Tensor, reach: float) -> Tensor:
    """Rows of `change` (B, D) made shorter than `reach`, short ones hardly; as they are for 0."""
    if not reach:
        return change
    return change * reach * (reach**2 + change.square().sum(-1, keepdim=True)).rsqrt()


class HOPID(nn.Module):
    """A frozen CLIP, and what learns beside it.

    Args:
        clip: with a vision transformer.
        config: the switches. What they leave unused is not built.

    Raises:
        UsageError: the backbone is a ResNet.
    """

    def __init__(self, clip: CLIP, config: HopidConfig) -> None:
        super().__init__()
        vision = clip.config.vision
        if not isinstance(vision, ViTConfig):
            raise UsageError(
                f"HOPID needs a vision transformer, and {clip.config.name} is a ResNet"
            )
        self.clip, self.config = clip, config
        width, clip_width = config.width, clip.config.embed_dim
        self.dim = clip_width if config.residual else config.out_width
        self.side = vision.image_px // vision.patch_px
        self.alike = 0  # batches in a row whose vectors were all alike
        self.dei = Dei()
        self.inward = nn.Linear(clip_width, width)
        self.inward_norm = nn.LayerNorm(width)
        self.tokens = WordTokens(config, vision.width)
        self.ped = make_ped(config)
        self.fuse_text = Fusion(width, config.fusion)
        self.regions: Regions | None = None
        self.fuse_regions: Fusion | None = None
        if config.regions == "grid":
            self.regions = Regions(config, self.side, vision.width)
            self.fuse_regions = Fusion(width, config.fusion)
        self.gate = nn.Linear(2 * width, 1) if config.gate and config.residual else None
        self.out = _Output(width, self.dim, config.residual)
        self.caption = CaptionSide(config, clip_width)
        self.caption_out = _Output(width, self.dim, config.residual)
        self.prompt_head: nn.Linear | None = None
        self.marked_head: nn.Linear | None = None
        if config.prompt_weight and config.prompt:
            self.prompt_head = nn.Linear(clip_width, width, bias=False)
            self.marked_head = nn.Linear(clip_width, width, bias=False)

    def train(self, mode: bool = True) -> HOPID:
        """CLIP and the tagger stay as they are."""
        super().train(mode)
        self.clip.eval()
        self.dei.eval()
        return self

    @torch.no_grad()
    def look(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        """Pictures as they are, or with their marks: (B, 3, S, S) -> unit vectors (B, C) and
        patches (B, P * P, W)."""
        return look(self.clip, pixels)

    @torch.no_grad()
    def encode_text(self, ids: Tensor) -> Tensor:
        """Captions or prompts: token ids (B, T) -> CLIP's unit vectors (B, C)."""
        return F.normalize(self.clip.encode_text(ids), dim=-1)

    def see(self, seen: Seen, use_text: bool = True) -> Corrected:
        """V of pictures with their words.

        Args:
            use_text: off: as if nothing had been read, for L_dual.
        """
        keep = seen.keep if use_text else torch.zeros_like(seen.keep)
        some = keep.any(1)
        start = self.inward_norm(self.inward(seen.marked))  # h_0 (B, d)
        appearance = seen.pooling @ seen.patches  # (B, N, W)
        distilled: Distilled = self.ped(self.tokens(seen.words, appearance, seen.boxes), keep)
        fused = self._fused(start, distilled.entity, some, seen.patches)  # h_2 (B, d)
        there = some.to(fused.dtype)
        gate = there
        if self.gate is not None:
            asked = torch.cat([start, distilled.entity], -1)
            gate = there * torch.sigmoid(self.gate(asked))[:, 0]
        if not self.config.residual:
            return Corrected(F.normalize(self.out(fused), dim=-1), gate, distilled)
        share = torch.where(some, gate, 1.0) if self.config.image_gate == "always" else gate
        change = limited(self.out(fused), self.config.reach)
        return Corrected(added(seen.base, share[:, None] * change), gate, distilled)

    def _fused(self, start: Tensor, entity: Tensor, some: Tensor, patches: Tensor) -> Tensor:
        """h_2: the whole picture, its scene text, and its regions if there are any."""
        if self.regions is None or self.fuse_regions is None:
            return cast(Tensor, self.fuse_text(start, entity, some))
        local = self.regions(patches)
        if self.config.fusion_order == "ex_g":
            return cast(Tensor, self.fuse_regions(start, self.fuse_text(local, entity, some)))
        return cast(Tensor, self.fuse_regions(self.fuse_text(start, entity, some), local))

    def read(self, read: Read) -> Tensor:
        """T (B, D) of captions, of unit length."""
        change = self.caption_out(self.caption(read))
        if not self.config.residual:
            return F.normalize(change, dim=-1)
        if self.config.text_gate == "exact":
            change = change * read.named.any(1)[:, None].to(change.dtype)
        return added(read.vector, change)

    def new_parameters(self) -> list[nn.Parameter]:
        """What learns: everything but CLIP and the tagger."""
        frozen = {id(one) for part in (self.clip, self.dei) for one in part.parameters()}
        return [one for one in self.parameters() if id(one) not in frozen]


class _Output(nn.Module):
    """W LN(x); W and its bias are 0 at the start where CLIP's vector is corrected."""

    def __init__(self, width: int, out: int, zero: bool) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.linear = nn.Linear(width, out)
        if zero:
            nn.init.zeros_(self.linear.weight)
            nn.init.zeros_(self.linear.bias)

    def forward(self, x: Tensor) -> Tensor:
        """(B, d) -> (B, D)."""
        return cast(Tensor, self.linear(self.norm(x)))


def look(clip: CLIP, pixels: Tensor) -> tuple[Tensor, Tensor]:
    """CLIP's unit vectors (B, C), and its patches in the last layer, normalised (B, P * P, W)."""
    visual = cast(VisionTransformer, clip.visual)
    states = visual.states(pixels)  # (B, 1 + P * P, W)
    states = visual.ln_post(states)
    return F.normalize(states[:, 0] @ visual.proj, dim=-1), states[:, 1:]
