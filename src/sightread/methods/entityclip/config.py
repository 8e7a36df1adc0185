"""What can be chosen in EntityCLIP: a switch for each open question and for each ablation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from sightread.clip.config import CONFIGS, ViTConfig
from sightread.errors import UsageError


@dataclass(frozen=True, slots=True)
class EntityClipConfig:
    """The model and its losses. The defaults are the published recipe, with the defects of its code
    mended (section 10); switches named after a part of the paper turn that part off without
    touching another.
    """

    backbone: str = "ViT-B-32"
    """A CLIP with a vision transformer: the experts read all of its tokens."""

    # MMAE (section 5.3)
    mmae: bool = True
    """Off: V* is the image's class token, T* the sum of the text's and the explanation's (A9)."""
    image_experts: int = 4
    explanation_experts: int = 4
    text_experts: int = 4
    """How many of each group (A3); 0 leaves a group out."""
    image_sees_explanation: bool = True
    """Off: V* comes from the image experts alone, so that V* and T* cannot agree by copying the
    explanation that both have read (A7)."""
    padding: Literal["mask", "attend"] = "mask"
    """Whether experts look at what stands behind the end of a text; published: they do."""

    # GI-ITM (sections 5.4 and 6)
    gi_itm: bool = True
    negatives: Literal["hard", "random"] = "hard"
    """Drawn by similarity, or evenly."""

    # explanations (section 4)
    explanations: Literal["given", "caption", "none"] = "given"
    """`caption`: the caption explains itself; `none`: all of them are empty."""
    explanation_tokens: int = 0
    """Pieces of an explanation at most; 0: as many as the context holds (75 in CLIP)."""
    explanation_cut: Literal["tokens", "sentences"] = "tokens"
    """What is too long is cut after the last piece that fits, as published, or after the last
    sentence that fits."""
    mask_names: bool = False
    """Put the kind of an entity in the place of its name in the explanations (A6)."""

    # losses (section 6); the last two are extensions (section 12.3)
    expert_weight: float = 0.1
    """lambda, of L_VTC(V*, T*)."""
    matching_weight: float = 0.1
    """eta, of GI-ITM."""
    fusion_weight: float = 0.0
    """Of L_VTC(V_cls, t + e): the query with its explanation added."""
    bridge_weight: float = 0.0
    """Of the loss between the name of an entity and its description, texts alone."""

    def __post_init__(self) -> None:
        counts = (self.image_experts, self.explanation_experts, self.text_experts)
        weights = (
            self.expert_weight,
            self.matching_weight,
            self.fusion_weight,
            self.bridge_weight,
        )
        if min(counts) < 0 or min(weights) < 0 or self.explanation_tokens < 0:
            raise UsageError(
                f"experts {counts}, weights {weights} and explanation_tokens "
                f"{self.explanation_tokens} must be 0 or more."
            )
        seen = self.explanation_experts if self.image_sees_explanation else 0
        if self.mmae and not (self.image_experts + seen and sum(counts[1:])):
            raise UsageError(
                f"with {counts[0]} image, {counts[1]} explanation and {counts[2]} text experts "
                "nothing makes V* or T*: have at least one on each side, or set mmae = false."
            )
        known = [name for name, one in CONFIGS.items() if isinstance(one.vision, ViTConfig)]
        if self.backbone not in known:
            raise UsageError(
                f"EntityCLIP needs a vision transformer, one of {', '.join(known)}, not "
                f"{self.backbone!r}."
            )

    @property
    def branch(self) -> bool:
        """Whether anything besides the two towers learns."""
        return self.expert_weight > 0 or self.matching

    @property
    def matching(self) -> bool:
        """Whether the head of GI-ITM is trained."""
        return self.gi_itm and self.matching_weight > 0
