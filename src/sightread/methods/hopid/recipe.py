"""How HOPID is trained: what the lab needs to know of it (section 8 of the specification).

The backbone and the tagger are frozen, and everything that they say of the training data is
computed before the first step (`features`); a step is then one of the small parts alone. `batches`
therefore runs the frozen parts, once and in the process that calls it; the function that it returns
runs nothing and may go to workers.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
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
    spelling_tokenizer,
    tiny_tokenizer,
    word_tokenizer,
)
from sightread.errors import SightreadError, UsageError
from sightread.methods.hopid.caption import Read
from sightread.methods.hopid.config import HopidConfig, HopidRecipe
from sightread.methods.hopid.data import Split, open_pictures
from sightread.methods.hopid.dei import fit
from sightread.methods.hopid.drawing import Drawer
from sightread.methods.hopid.features import (
    CaptionTable,
    PictureTable,
    look_at,
    readings,
    said_to_be_written,
    tell,
)
from sightread.methods.hopid.labels import weak_labels
from sightread.methods.hopid.losses import (
    NCE_BESIDE,
    NCE_WEIGHT,
    cosines,
    info_nce,
    mean_cosine,
    others,
    prompt_loss,
    token_loss,
    triplet_loss,
)
from sightread.methods.hopid.model import HOPID, Corrected, Seen
from sightread.methods.hopid.ped import diversity
from sightread.methods.hopid.towers import make_towers
from sightread.methods.hopid.validation import figures
from sightread.methods.method import Batch, Batches, Losses, Method, ParameterGroup, Towers
from sightread.preprocess import PreprocessSpec
from sightread.scenetext.captions import caption_words
from sightread.scenetext.pictures import CaptionedPicture
from sightread.synth.ambiguity import vocabulary
from sightread.synth.entities import vocabulary as entity_vocabulary
from sightread.tokenizer import TokenizerSource, TokenLayout

ABOUT = (
    "Finds pictures by captions that speak of what they show and of what is written in them. A "
    'reconstruction of HOPID ("Heterogeneous Prompt-Guided Entity Inferring and Distilling for '
    'Scene-Text Aware Cross-modal Retrieval"), of which only the abstract and figures are public: '
    "no number of the paper may be expected of it. It depends on a reader: what is not read does "
    "not count, and what is misread misleads. Pictures without text, and captions that name none, "
    "are exactly as the CLIP has them that it was built on."
)

ALIKE, PATIENCE = 0.99, 50
"""Batches of which all vectors are more alike than this, so many in a row, mean a collapse."""


def build(recipe: HopidRecipe, seed: int) -> HOPID:
    """A model with weights drawn from the seed."""
    torch.manual_seed(seed)
    return HOPID(CLIP(CONFIGS[recipe.model.backbone]), recipe.model)


def start(recipe: HopidRecipe, model: HOPID) -> None:
    """Load the backbone and train the tagger on the training split.

    Raises:
        ModelError: the checkpoint is not one of this backbone.
        UsageError: a file is missing.
    """
    if recipe.clip:
        config = CONFIGS[recipe.model.backbone]
        found = load_backbone(Path(recipe.clip), config, f"HOPID with {config.name}")
        model.clip.load_state_dict(found.state_dict())
    if recipe.model.dei == "bigru" and recipe.model.prompt:
        fit_tagger(recipe, model, open_set(recipe, "train"))


def fit_tagger(recipe: HopidRecipe, model: HOPID, pictures: Sequence[CaptionedPicture]) -> float:
    """Train entity inferring on weak labels of these pictures' captions; F1 of held-out words."""
    captions, labels = [], []
    for picture in pictures:
        tokens = readings(picture, recipe.model)
        for text in picture.captions:
            words = caption_words(text, recipe.model.scene_text.most_words)
            captions.append([word.text for word in words])
            labels.append(weak_labels(words, tokens))
    return fit(model.dei, captions, labels, recipe.dei_epochs, recipe.dei_seed)


# --- data --------------------------------------------------------------------------------------


def open_set(recipe: HopidRecipe, split: Split) -> list[CaptionedPicture]:
    """The pictures of a split.

    Raises:
        UsageError: the data set is not there or not in its form.
    """
    return open_pictures(recipe.data, recipe.root, recipe.ambiguity, split)


def tables(
    recipe: HopidRecipe, model: HOPID, pictures: Sequence[CaptionedPicture]
) -> tuple[PictureTable, CaptionTable]:
    """Pictures through the frozen parts, and all of their captions, picture by picture.

    Raises:
        UsageError: fewer than two of them can be decoded.
    """
    seen = look_at(model, pictures, preprocess_spec(recipe))
    if len(seen) < 2:
        raise UsageError(
            f"{len(seen)} of {len(pictures)} pictures of {recipe.data} can be decoded, and two are "
            "needed: check the data set"
        )
    texts = [text for one in seen.pictures for text in one.captions]
    written = [
        said_to_be_written(one, seen.tokens[at])
        for at, one in enumerate(seen.pictures)
        for _ in one.captions
    ]
    return seen, tell(model, pieces_of(recipe), texts, written)


def batches(recipe: HopidRecipe, model: HOPID, seed: int) -> Batches:
    """Batch n: pictures of a shuffled epoch, the last ones of it that fill no batch left out, each
    with one of its captions."""
    drawer = Drawer(recipe, *tables(recipe, model, open_set(recipe, "train")), seed)
    return drawer.batch


# --- learning ----------------------------------------------------------------------------------


def losses(recipe: HopidRecipe, model: HOPID, batch: Batch) -> Losses:
    """L = L_main + w_hp L_hp + w_tok L_tok + w_dual L_dual + w_div L_div (section 7)."""
    settings = recipe.model
    seen = Seen(*(batch[name] for name in Seen._fields))
    read = Read(*(batch[f"caption_{name}"] for name in Read._fields))
    found, texts = model.see(seen), model.read(read)
    negative = others(batch["key"])
    scores = cosines(found.vector, texts)
    terms = {"main": _main(settings, scores, negative, bool(batch["hardest"]))}
    weights = {"main": 1.0}
    if model.prompt_head is not None and model.marked_head is not None:
        both = seen.some & read.named.any(1)
        heads = model.prompt_head(read.prompt), model.marked_head(seen.marked)
        terms["prompt"] = prompt_loss(*heads, both, batch["entity_key"], settings.temperature)
    if settings.token_weight:
        terms["token"] = token_loss(found.distilled.sure, batch["mentioned"], seen.keep)
    if settings.dual_weight:
        plain = cosines(model.see(seen, use_text=False).vector, texts)
        terms["dual"] = triplet_loss(plain, negative, settings.margin)
    if settings.diversity_weight:
        terms["diversity"] = diversity(found.distilled.slots)
    weights |= {
        "prompt": settings.prompt_weight,
        "token": settings.token_weight,
        "dual": settings.dual_weight,
        "diversity": settings.diversity_weight,
    }
    _watch(model, found, seen)
    total = torch.stack([weights[name] * one for name, one in terms.items()]).sum()
    return {"total": total, **terms, **_told(scores, found, seen)}


def _main(settings: HopidConfig, scores: Tensor, negative: Tensor, hardest: bool) -> Tensor:
    """The schedule: what fresh embeddings bear first, then hardest negatives."""
    if settings.schedule == "tri" or (settings.schedule == "sum_then_tri" and hardest):
        return triplet_loss(scores, negative, settings.margin)
    if settings.schedule == "sum_then_tri":
        return triplet_loss(scores, negative, settings.margin, hardest=False)
    contrast = info_nce(scores, negative, settings.temperature)
    if not hardest:
        return NCE_WEIGHT * contrast
    return triplet_loss(scores, negative, settings.margin) + NCE_BESIDE * contrast


def _told(scores: Tensor, found: Corrected, seen: Seen) -> dict[str, Tensor]:
    """What is printed besides: hits at 1 in the batch, and the mean gate of pictures with text."""
    right = scores.argmax(1) == torch.arange(len(scores), device=scores.device)
    some = seen.some.float()
    return {
        "accuracy": right.float().mean(),
        "gate": (found.gate.detach() * some).sum() / some.sum().clamp(min=1),
    }


def _watch(model: HOPID, found: Corrected, seen: Seen) -> None:
    """Stop where all pictures have become one vector, which no loss recovers from."""
    collapsed = mean_cosine(found.vector) > ALIKE > mean_cosine(seen.base)
    model.alike = model.alike + 1 if collapsed else 0
    if model.alike >= PATIENCE:
        raise SightreadError(
            f"The vectors of different pictures have had a mean cosine above {ALIKE} for "
            f"{PATIENCE} batches: training has collapsed. Lower method.lr, or train longer "
            "without hardest negatives with --set method.nce_batches="
        )


def groups(recipe: HopidRecipe, model: HOPID) -> list[ParameterGroup]:
    """Everything but CLIP and the tagger; weight decay on matrices only."""
    new = model.new_parameters()
    matrices, vectors = ([one for one in new if (one.ndim > 1) == big] for big in (True, False))
    return [
        ParameterGroup("matrices", matrices, recipe.lr, recipe.weight_decay),
        ParameterGroup("vectors", vectors, recipe.lr),
    ]


def validate(recipe: HopidRecipe, model: HOPID) -> dict[str, float]:
    """Recalls on held-out pictures, and what cosines mean; see `validation`."""
    if not recipe.validation_pictures:
        return {}
    held = open_set(recipe, "val")[: recipe.validation_pictures]
    return figures(model, *tables(recipe, model, held))


# --- what is exported --------------------------------------------------------------------------


def towers(recipe: HopidRecipe, model: HOPID) -> Towers:
    """Plain CLIP, and what lets words count."""
    del recipe
    return make_towers(model)


def preprocess_spec(recipe: HopidRecipe) -> PreprocessSpec:
    """The whole picture, so that no mark is cut away."""
    return PreprocessSpec(CONFIGS[recipe.model.backbone].vision.image_px, recipe.fit)


def tokenizer(recipe: HopidRecipe, model: HOPID) -> TokenizerSource:
    """The backbone's own."""
    pieces, text = pieces_of(recipe), model.clip.config.text
    start_id, end_id = token_id(pieces, START), token_id(pieces, END)
    layout = TokenLayout(text.context_length, start_id, end_id, PAD_ID)
    return TokenizerSource(pieces.to_str(), layout)


def pieces_of(recipe: HopidRecipe) -> Pieces:
    """The tokeniser of the backbone.

    Raises:
        UsageError: it is to be read from the folder of the backbone, and none is named.
    """
    name = recipe.model.backbone
    if name == "tiny-carriers":
        return spelling_tokenizer(vocabulary())
    if name == "tiny-emblem":
        return word_tokenizer(entity_vocabulary())
    if name.startswith("tiny"):
        return tiny_tokenizer()
    if not recipe.clip:
        raise UsageError(
            f"HOPID needs the tokeniser of its backbone: name a folder with {name} and "
            "tokenizer.json with --set method.clip="
        )
    return clip_tokenizer(Path(recipe.clip))


HOPID_METHOD: Method[HopidRecipe, HOPID] = Method(
    name="hopid",
    space="caption",
    config=HopidRecipe,
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
