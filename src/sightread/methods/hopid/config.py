"""What can be chosen in HOPID: a switch for each ablation and each open question (section 10)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from sightread.clip.config import CONFIGS, ViTConfig
from sightread.errors import UsageError
from sightread.preprocess import Fit
from sightread.scenetext.settings import SceneTextSettings
from sightread.synth.ambiguity import AmbiguitySettings


@dataclass(frozen=True, slots=True)
class HopidConfig:
    """The model and its losses. The defaults are the preset `clip_residual`; `paper_preset` is the
    topology of the paper's figure. Scene text is left out altogether with
    `scene_text.most_tokens = 0`, the visual prompt with `scene_text.marks.style = "none"`.
    """

    backbone: str = "ViT-B-32"
    """A frozen CLIP with a vision transformer: words look at its patches."""
    preset: Literal["clip_residual", "paper"] = "clip_residual"
    """`clip_residual`: V and T are corrections of CLIP's own vectors, zero at the start; `paper`:
    embeddings of their own, for studies."""
    scene_text: SceneTextSettings = field(default_factory=SceneTextSettings)
    """What serving needs to know as well: marks, templates, limits."""
    width: int = 512
    """d: of everything between CLIP and the output."""
    out_width: int = 2048
    """D of the preset `paper`; the other one stays in CLIP's space."""
    heads: int = 8
    dropout: float = 0.1

    # the picture (6.3 to 6.6)
    token: Literal["multi", "word", "word+box", "appearance"] = "multi"
    """What a word read in the picture is to PED: spelling, surroundings and place, or less."""
    bind: bool = True
    """Products of words and what bears them, on both sides (6.9)."""
    ped: Literal["xattn", "slot", "mean"] = "xattn"
    """`mean` is the model without perceptive entity distilling."""
    slots: int = 4
    layers: int = 3
    share: bool = True
    """All distilling layers have the same weights."""
    null_token: bool = True
    """Slots may look at nothing."""
    regions: Literal["grid", "none"] = "grid"
    fusion: Literal["gated", "add", "mul"] = "gated"
    fusion_order: Literal["ge_x", "ex_g"] = "ge_x"
    """Scene text joins the whole picture first, or the regions first."""
    gate: bool = True
    """A number in (0, 1) per picture says how much its words count; off: it is 1."""

    reach: float = 0.0
    """Above 0: the words of a picture change its vector by less than this, whatever they are, so
    that its cosine to CLIP's own is above sqrt(1 - reach^2). 0: no limit."""

    # the caption (6.7 to 6.9)
    prompt: bool = True
    """Off: the model without the text prompt; entities are not looked for."""
    prompt_words: bool = True
    """The prompt also carries the spelled entities, so that words that CLIP cannot spell count."""
    dei: Literal["bigru", "oracle", "all", "none"] = "bigru"
    """How entities are inferred: `oracle` tags what the picture of the caption says, `all` every
    word, `none` only what stands in quotation marks."""
    caption_encoder: Literal["gru", "clip", "gru+clip"] = "gru"

    # exact fallback (9.1)
    image_gate: Literal["exact", "always"] = "exact"
    """`exact`: a picture without text keeps CLIP's vector; `always`: it is corrected as well."""
    text_gate: Literal["exact", "always"] = "exact"
    """The same of captions without entities."""

    # losses (7)
    schedule: Literal["nce_then_tri", "sum_then_tri", "tri"] = "nce_then_tri"
    """What comes before hardest negatives: InfoNCE, or the triplet loss over all negatives."""
    temperature: float = 0.07
    margin: float = 0.2
    prompt_weight: float = 0.1
    """L_hp: the text prompt near the picture with its marks."""
    token_weight: float = 0.1
    """L_tok: slots look at words that captions name."""
    dual_weight: float = 0.0
    """L_dual: the pair without scene text as well; of use in the preset `paper`."""
    diversity_weight: float = 0.01
    """L_div: slots differ."""

    def __post_init__(self) -> None:
        known = [name for name, one in CONFIGS.items() if isinstance(one.vision, ViTConfig)]
        if self.backbone not in known:
            raise UsageError(
                f"HOPID needs a vision transformer, one of {', '.join(known)}, not "
                f"{self.backbone!r}."
            )
        if min(self.width, self.out_width, self.heads, self.slots, self.layers) < 1:
            raise UsageError(
                f"width {self.width}, out_width {self.out_width}, heads {self.heads}, slots "
                f"{self.slots} and layers {self.layers} must be 1 or more."
            )
        if self.width % self.heads:
            raise UsageError(f"width {self.width} must be a multiple of heads {self.heads}.")
        if self.fusion_order == "ex_g" and self.regions == "none":
            raise UsageError('fusion_order "ex_g" needs regions: set regions to "grid".')
        if not 0 <= self.reach <= 1:
            raise UsageError(f"reach {self.reach} must be between 0 and 1.")
        weights = (
            self.prompt_weight,
            self.token_weight,
            self.dual_weight,
            self.diversity_weight,
            self.margin,
            self.dropout,
        )
        if min(weights) < 0 or not self.temperature > 0 or self.dropout >= 1:
            raise UsageError(
                f"the weights of the losses, the margin and the dropout {weights} must be 0 or "
                f"more, the dropout below 1, and the temperature {self.temperature} above 0."
            )

    @property
    def residual(self) -> bool:
        """Whether V and T are CLIP's own vectors with a correction."""
        return self.preset == "clip_residual"

    @property
    def exact(self) -> bool:
        """Whether it can serve: pictures without text and captions without entities are plain
        CLIP's, and entities of captions are looked for."""
        return self.residual and self.image_gate == self.text_gate == "exact" and self.prompt


def paper_preset(backbone: str = "ViT-B-32") -> HopidConfig:
    """The topology of the framework figure and nothing more, as far as it can be built here: the
    regions are a grid of CLIP's own patches, since there is no detector."""
    return HopidConfig(
        backbone=backbone,
        preset="paper",
        scene_text=SceneTextSettings(most_tokens=15, passes="two"),
        width=1024,
        bind=False,
        gate=False,
        prompt_words=False,
        schedule="sum_then_tri",
        prompt_weight=0.0,
        token_weight=0.0,
        diversity_weight=0.0,
    )


@dataclass(frozen=True, slots=True)
class HopidRecipe:
    """A training run.

    Attributes:
        model: the switches of HOPID.
        clip: weights of the backbone: a file, a folder made by `models pull` or `models import`,
            or a run of `train clip`. Empty: random weights, which is good for tests only.
        data: `synth-ambiguity` is rendered; the others are read from `root`.
        root: folder of the data set, as it comes.
        ambiguity: the settings of `synth-ambiguity`.
        fit: how a picture becomes square; "crop" may cut marks away.
        batch: pictures, each with one of its captions.
        lr, weight_decay: of everything that learns.
        nce_batches: of the first part of the schedule (`model.schedule`); about 60 % of all.
        sampler: what one batch holds, see `data.shuffled`.
        marks_dropped: how often a picture with text is seen without its marks, with two passes.
        words_dropped: how often a word of a picture is left out.
        text_dropped: how often all of them are.
        letters_misread, words_misread: how often a letter of a word is another one, and how often a
            word is one of another picture.
        dei_epochs: of the tagger, at most.
        dei_seed: of its weights and its order.
        validation_pictures: held-out pictures at most; 0: no validation.
    """

    model: HopidConfig = field(default_factory=HopidConfig)
    clip: str = ""
    data: str = "synth-ambiguity"
    root: str = ""
    ambiguity: AmbiguitySettings = field(default_factory=AmbiguitySettings)
    fit: Fit = "pad"
    batch: int = 128
    lr: float = 5e-4
    weight_decay: float = 1e-4
    nce_batches: int = 600
    sampler: Literal["groups", "text_neighbours", "shuffle"] = "groups"
    marks_dropped: float = 0.15
    words_dropped: float = 0.1
    text_dropped: float = 0.0
    letters_misread: float = 0.0
    words_misread: float = 0.0
    dei_epochs: int = 8
    dei_seed: int = 0
    validation_pictures: int = 1000

    def __post_init__(self) -> None:
        shares = (
            self.marks_dropped,
            self.words_dropped,
            self.text_dropped,
            self.letters_misread,
            self.words_misread,
        )
        if not all(0 <= share <= 1 for share in shares):
            raise UsageError(
                f"shares of what is dropped or misread must be between 0 and 1, not {shares}."
            )
        if self.batch < 2:
            raise UsageError(f"a batch of {self.batch} has no wrong answers: it must be 2 or more.")
