"""How EntityCLIP is trained: what the lab needs to know of it (section 7 of the specification).

The published recipe is the default: Adam without weight decay, one learning rate for everything
(1e-5 on N24News), batches of 192, no augmentation. Small models trained from scratch want faster
new parameters (A10): `lr_new` is a factor.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
import torch
import torch.nn.functional as F
from tokenizers import Tokenizer as Pieces
from torch import Tensor

from sightread.clip.backbone import load_backbone, token_id
from sightread.clip.config import CONFIGS
from sightread.clip.model import CLIP
from sightread.clip.tokens import (
    END,
    PAD_ID,
    START,
    clip_tokenizer,
    tiny_tokenizer,
    tokenise,
    word_tokenizer,
)
from sightread.errors import UsageError
from sightread.methods.entityclip.config import EntityClipConfig
from sightread.methods.entityclip.data import Pair, Pairs, Split, training_pairs
from sightread.methods.entityclip.explanations import (
    Explanations,
    explanation_of,
    limit,
    read_explanations,
    shortened,
)
from sightread.methods.entityclip.losses import (
    contrast_logits,
    contrastive_loss,
    draw_negatives,
    matching_loss,
)
from sightread.methods.entityclip.mmae import Tokens
from sightread.methods.entityclip.model import EntityCLIP
from sightread.methods.entityclip.towers import make_towers
from sightread.methods.entityclip.validation import figures
from sightread.methods.method import Batch, Batches, Losses, Method, ParameterGroup, Towers
from sightread.preprocess import PreprocessSpec, preprocess
from sightread.synth.entities import EntitySettings, vocabulary
from sightread.tokenizer import TokenizerSource, TokenLayout

ABOUT = (
    "Finds pictures by the people, places and things that a text names, as captions of the news "
    'do: EntityCLIP ("Entity-Centric Image-Text Matching", Wang et al., SIGIR 2025), built from '
    "its description. It has learned which names were written under which pictures, and knows no "
    "other name unless an explanation says what it looks like. It identifies nobody: a face that "
    "is like another one is found for the wrong name, and a name is no proof of who is shown. It "
    "must not be used to decide anything about a person."
)


@dataclass(frozen=True, slots=True)
class EntityClipRecipe:
    """A training run.

    Attributes:
        model: the switches of EntityCLIP.
        clip: weights of the backbone: a file, a folder made by `models pull` or `models import`,
            or a run of `train clip`. Empty: random weights, which is good for tests only.
        data: `synth-entity` is rendered; the others are read from `root`.
        root: folder of the data set, as it comes.
        explanations: JSONL file of explanations; empty: those that lie beside the data.
        sources: use only explanations from these; empty: all.
        entities: the settings of `synth-entity`.
        batch: pairs.
        lr: of CLIP's parameters.
        lr_new: factor for the parameters of the branch.
        bridge_batch: entities in a batch of the loss between names and descriptions.
        validation_pairs: held-out pairs at most; 0: no validation.
    """

    model: EntityClipConfig = field(default_factory=EntityClipConfig)
    clip: str = ""
    data: Literal["synth-entity", "n24news", "visualnews", "goodnews"] = "synth-entity"
    root: str = ""
    explanations: str = ""
    sources: tuple[str, ...] = ()
    entities: EntitySettings = field(default_factory=EntitySettings)
    batch: int = 192
    lr: float = 1e-5
    lr_new: float = 1.0
    bridge_batch: int = 64
    validation_pairs: int = 2000


def build(recipe: EntityClipRecipe, seed: int) -> EntityCLIP:
    """A model with weights drawn from the seed."""
    torch.manual_seed(seed)
    return EntityCLIP(CLIP(CONFIGS[recipe.model.backbone]), recipe.model)


def start(recipe: EntityClipRecipe, model: EntityCLIP) -> None:
    """Load the backbone.

    Raises:
        ModelError: the checkpoint is not one of this backbone.
        UsageError: a file is missing.
    """
    if recipe.clip:
        config = CONFIGS[recipe.model.backbone]
        found = load_backbone(Path(recipe.clip), config, f"EntityCLIP with {config.name}")
        model.clip.load_state_dict(found.state_dict())


# --- data --------------------------------------------------------------------------------------


def open_pairs(recipe: EntityClipRecipe, split: Split) -> Pairs:
    """The pairs of a split with their explanations.

    Raises:
        UsageError: a file is not there or not in its form, or the switches ask for explanations
            that there are none of.
    """
    known = None
    if recipe.explanations:
        known = read_explanations(Path(recipe.explanations), recipe.sources)
    pairs = training_pairs(recipe.data, recipe.root, recipe.entities, split, known)
    if split == "train":
        _require_explanations(recipe, pairs.known)
    return pairs


def _require_explanations(recipe: EntityClipRecipe, known: Explanations) -> None:
    settings = recipe.model
    reads = settings.branch or settings.fusion_weight > 0
    if reads and settings.explanations == "given" and not (known.entries or known.by_picture):
        raise UsageError(
            f"{recipe.data} has no explanations beside it: name a file of them with --set "
            "method.explanations=, or set method.model.explanations to caption or none."
        )
    if settings.bridge_weight > 0 and len(known.entries) < 2:
        raise UsageError(
            "bridge_weight needs explanations of at least two entities by name: name a file of "
            "them with --set method.explanations="
        )
    if settings.mask_names and known.by_picture:
        raise UsageError(
            "mask_names needs explanations by entity, and these are by picture: name a file of "
            'lines with "entity" with --set method.explanations='
        )


def batches(recipe: EntityClipRecipe, model: EntityCLIP, seed: int) -> Batches:
    """Batch n: pairs of a shuffled epoch, the last ones of it that fill no batch left out."""
    pairs = open_pairs(recipe, "train")
    spec, writer = preprocess_spec(recipe), Writer(recipe, pairs.known)
    count = len(pairs.pairs)
    size = min(recipe.batch, count)
    per_epoch = count // size
    del model

    def batch(number: int) -> Batch:
        epoch, place = divmod(number, per_epoch)
        order = np.random.default_rng([seed, 16, epoch]).permutation(count)
        rng = np.random.default_rng([seed, 17, number])
        drawn = [pairs.get(int(one), rng) for one in order[place * size : (place + 1) * size]]
        pixels = np.stack([preprocess(image, spec) for _, image in drawn])
        texts = writer.texts([pair for pair, _ in drawn])
        return {"images": torch.from_numpy(pixels), **texts, **writer.bridge(pairs.templates, rng)}

    return batch


class Writer:
    """Captions and explanations as tensors."""

    def __init__(self, recipe: EntityClipRecipe, known: Explanations) -> None:
        self._settings, self._known = recipe.model, known
        self._pieces = pieces_of(recipe)
        self._length = CONFIGS[recipe.model.backbone].text.context_length
        self._bridge = recipe.bridge_batch if recipe.model.bridge_weight else 0

    def texts(self, pairs: Sequence[Pair]) -> dict[str, Tensor]:
        """Of B pairs.

        Returns:
            `tokens` (B, T), `explanations` (B, T'), `explained` (B,) bool: which are not empty,
            `key` (B,): equal numbers for pairs that say or show the same.
        """
        settings, known = self._settings, self._known
        told = [explanation_of(settings, known, one.caption, one.id) for one in pairs]
        keys = {key: number for number, key in enumerate(sorted({one.key for one in pairs}))}
        return {
            "tokens": self._ids([one.caption for one in pairs], self._length),
            "explanations": self.explanations(told),
            "explained": torch.tensor([bool(text.strip()) for text in told]),
            "key": torch.tensor([keys[one.key] for one in pairs]),
        }

    def explanations(self, texts: Sequence[str]) -> Tensor:
        """Explanations (n, T), each cut where the switches say."""
        most = limit(self._settings, self._length)
        if self._settings.explanation_cut == "sentences":
            texts = [shortened(text, self._pieces, most) for text in texts]
        return self._ids(texts, most + 2)

    def bridge(self, templates: Sequence[str], rng: np.random.Generator) -> dict[str, Tensor]:
        """Names of some entities in sentences, and their descriptions without the names: `named`
        (n, T) and `described` (n, T'); nothing without the loss."""
        entries = self._known.entries
        count = min(self._bridge, len(entries))
        if not count:
            return {}
        chosen = [entries[at] for at in rng.permutation(len(entries))[:count]]
        forms = [templates[int(rng.integers(len(templates)))] for _ in chosen]
        named = [
            form.replace("{name}", one.entity) for form, one in zip(forms, chosen, strict=True)
        ]
        return {
            "named": self._ids(named, self._length),
            "described": self.explanations([one.without_name() for one in chosen]),
        }

    def _ids(self, texts: Sequence[str], length: int) -> Tensor:
        ids = tokenise(self._pieces, texts, length)
        if self._settings.padding == "attend":
            return F.pad(ids, (0, self._length - length), value=PAD_ID)
        # Nothing reads what is behind the last end.
        return ids[:, : int(ids.argmax(-1).max()) + 1]


# --- learning ----------------------------------------------------------------------------------


def losses(recipe: EntityClipRecipe, model: EntityCLIP, batch: Batch) -> Losses:
    """L = L_VTC(V_cls, T_cls) + eta L_GI-ITM + lambda L_VTC(V*, T*), and the two extensions."""
    settings, scale = recipe.model, model.scale
    image, text = model.see(batch["images"]), model.read(batch["tokens"])
    logits = contrast_logits(image.first, text.first, scale)
    found = {"contrast": contrastive_loss(logits)}
    weights = {"contrast": 1.0}
    if settings.branch or settings.fusion_weight:
        explanation = model.explain(batch["explanations"], batch["explained"])
    if settings.branch:
        found |= _branch(settings, model, (image, text, explanation), logits, batch["key"])
        weights |= {"experts": settings.expert_weight, "matching": settings.matching_weight}
    if settings.fusion_weight:
        found["fusion"] = _fusion(image, text, explanation, batch["explained"], scale)
        weights["fusion"] = settings.fusion_weight
    if "named" in batch:
        named, described = (model.clip.encode_text(batch[one]) for one in ("named", "described"))
        found["bridge"] = contrastive_loss(contrast_logits(named, described, scale))
        weights["bridge"] = settings.bridge_weight
    total = torch.stack([weights[name] * one for name, one in found.items()]).sum()
    return {"total": total, **found}


def _branch(
    settings: EntityClipConfig,
    model: EntityCLIP,
    triple: tuple[Tokens, Tokens, Tokens],
    logits: Tensor,
    key: Tensor,
) -> dict[str, Tensor]:
    """The losses of MMAE and GI-ITM."""
    image, text, _ = triple
    features = model.features(*triple)
    found = {}
    if settings.expert_weight:
        mixed = model.experts.mixed(*triple, features)
        found["experts"] = contrastive_loss(contrast_logits(*mixed, model.scale))
    if settings.matching:
        negatives = draw_negatives(logits.detach(), key, settings.negatives)
        wrong = model.match_wrong(*triple, features, negatives)
        found["matching"] = matching_loss(model.match(image, text, features), *wrong, negatives)
    return found


def _fusion(
    image: Tokens, text: Tokens, explanation: Tokens, explained: Tensor, scale: Tensor
) -> Tensor:
    """L_VTC(V_cls, t + e) over the pairs that have an explanation; 0 if none has."""
    if not explained.any():
        return text.first.sum() * 0.0
    t, e = (F.normalize(one.first[explained], dim=-1) for one in (text, explanation))
    return contrastive_loss(contrast_logits(image.first[explained], t + e, scale))


def groups(recipe: EntityClipRecipe, model: EntityCLIP) -> list[ParameterGroup]:
    """CLIP and the branch; no weight decay."""
    tuned, new = model.parameter_groups()
    found = [ParameterGroup("clip", tuned, recipe.lr)]
    return [*found, ParameterGroup("branch", new, recipe.lr * recipe.lr_new)] if new else found


def validate(recipe: EntityClipRecipe, model: EntityCLIP) -> dict[str, float]:
    """The loss on held-out pairs, which chooses the published checkpoint, and hits at 1."""
    if not recipe.validation_pairs:
        return {}
    return figures(
        model,
        open_pairs(recipe, "val"),
        recipe.validation_pairs,
        2 * recipe.batch,
        preprocess_spec(recipe),
        pieces_of(recipe),
    )


# --- what is exported --------------------------------------------------------------------------


def towers(recipe: EntityClipRecipe, model: EntityCLIP) -> Towers:
    """The plain dual encoder, with the matching head beside it if one was trained."""
    return make_towers(model, CONFIGS[recipe.model.backbone].embed_dim)


def preprocess_spec(recipe: EntityClipRecipe) -> PreprocessSpec:
    """CLIP's own: the shorter side resized, the middle kept (section 3.5)."""
    return PreprocessSpec(CONFIGS[recipe.model.backbone].vision.image_px, "crop")


def tokenizer(recipe: EntityClipRecipe, model: EntityCLIP) -> TokenizerSource:
    """The backbone's own."""
    pieces, text = pieces_of(recipe), model.clip.config.text
    start_id, end_id = token_id(pieces, START), token_id(pieces, END)
    layout = TokenLayout(text.context_length, start_id, end_id, PAD_ID)
    return TokenizerSource(pieces.to_str(), layout)


def pieces_of(recipe: EntityClipRecipe) -> Pieces:
    """The tokeniser of the backbone.

    Raises:
        UsageError: it is to be read from the folder of the backbone, and none is named.
    """
    name = recipe.model.backbone
    if name == "tiny-emblem":
        return word_tokenizer(vocabulary())
    if name.startswith("tiny"):
        return tiny_tokenizer()
    if not recipe.clip:
        raise UsageError(
            f"EntityCLIP needs the tokeniser of its backbone: name a folder with {name} and "
            "tokenizer.json with --set method.clip="
        )
    return clip_tokenizer(Path(recipe.clip))


ENTITYCLIP_METHOD: Method[EntityClipRecipe, EntityCLIP] = Method(
    name="entityclip",
    space="entity",
    config=EntityClipRecipe,
    build=build,
    start=start,
    batches=batches,
    losses=losses,
    groups=groups,
    towers=towers,
    preprocess=preprocess_spec,
    tokenizer=tokenizer,
    validate=validate,
    about=ABOUT,
)
