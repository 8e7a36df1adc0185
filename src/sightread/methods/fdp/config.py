"""What can be chosen in FDP: one switch per question of the specification, one per ablation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

VARIANTS = {"S": "RN50", "B": "RN50x4", "L": "RN50x16", "tiny": "tiny-RN"}
"""FDP-S, -B and -L by their CLIP backbones; `tiny` is for tests and for studies on two cores."""


@dataclass(frozen=True, slots=True)
class FdpConfig:
    """The model and its losses. The defaults are the recommended answers of the specification.

    Switches named after a part of the paper turn that part off without touching another.
    """

    variant: Literal["S", "B", "L", "tiny"] = "S"
    size_px: int = 640
    """Side of the square input, a whole number of the backbone's cells."""

    # image side
    positions: Literal["flat_nearest", "grid_nearest", "grid_bicubic"] = "flat_nearest"
    """How the position table starts (Q3); `flat_nearest` is what the published code does."""
    learn_positions: bool = True
    attention_shift: Literal["additive", "multiplicative", "off"] = "additive"
    """How the text map enters the attention pool (Q2). `multiplicative` scales the weights
    instead: log S is added to the logits."""
    legacy_mask_tiling: bool = False
    """Repeat the published code's mix-up of images and heads (Q1)."""
    probing: bool = True
    probe_text: str = "scene text"
    probe_heads: int = 8
    probe_dropout: float = 0.1

    # query side
    distinction: bool = True
    """Off: every query gets the content context, as with one prompt for all."""
    function_context: int = 2
    content_context: int = 4
    anchors: tuple[str, str] = ("the", "office")
    """A function and a content word that name the clusters."""
    cluster_seed: int = 0

    # losses
    distracted_queries: bool = True
    candidates: int = 5
    """Strings per image in the distraction loss: the word and its distractors."""
    dqa_temperature: float = 1.0
    padding: Literal["hashes", "random"] = "hashes"
    """Where the lexicon has too few neighbours: "###", or random words of the lexicon (Q11)."""
    multi_positive: bool = False
    """Count equal words and equal images of a batch as positives (Q12)."""
    localisation_loss: bool = True
    map_sampling: Literal["corner", "any"] = "corner"
    """Which cells are text in the target: those whose corner pixel is, as published, or those
    that a word touches."""
    alignment_weight: float = 1.0
    distraction_weight: float = 1.0
    localisation_weight: float = 1.0

    @property
    def backbone(self) -> str:
        """Name of the CLIP architecture."""
        return VARIANTS[self.variant]
