"""HOPID at the size of two processor cores: a row of the ordering table, from training to figures.

The backbone never changes, so that its features of all pictures and captions are computed once for
a seed and serve every row: pictures as they are and with marks, captions, their prompts and the
words in them that are taken for scene text. A row then trains the small parts alone.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file
from torch import Tensor

from benchmarks.fdp_small import finished, say
from sightread.lab.checkpoint import open_checkpoint
from sightread.lab.settings import Run, TrainConfig
from sightread.lab.train import train
from sightread.methods.hopid.config import HopidConfig, HopidRecipe, paper_preset
from sightread.methods.hopid.data import ambiguity_pictures
from sightread.methods.hopid.drawing import Drawer
from sightread.methods.hopid.features import CaptionTable, PictureTable, look_at, tell
from sightread.methods.hopid.model import HOPID
from sightread.methods.hopid.recipe import HOPID_METHOD, build, pieces_of, preprocess_spec, start
from sightread.methods.hopid.validation import caption_vectors, picture_vectors, recalls
from sightread.methods.method import Batches
from sightread.preprocess import PreprocessSpec
from sightread.scenetext.captions import CaptionWord
from sightread.scenetext.marks import MarkSettings
from sightread.scenetext.pictures import CaptionedPicture
from sightread.scenetext.settings import SceneTextSettings
from sightread.synth.ambiguity import TESTS, AmbiguitySettings, Split, build_ambiguity
from sightread.synth.misreading import MISTAKES, Mistake, misread

View = Literal["marked", "raw", "both", "marks alone", "nothing"]
"""What is seen of a picture: its words, with marks; its words, without; with both passes; the marks
and no word; neither."""

BATCH = 128
LR = 1e-3
SHARES = (0.1, 0.2, 0.4, 0.6)
"""Of letters or words that are read wrongly on purpose."""

LEAST_KNOWN = 4
"""Times that a word is in the training captions before a vocabulary has it (section 6.9)."""

UNMARKED = SceneTextSettings(marks=MarkSettings(style="none"))
FULL = HopidConfig(backbone="tiny-carriers", width=96, heads=4, regions="none")
"""Without the block over 36 patches, which takes half of the time of a step; no row has it."""
ALWAYS = replace(FULL, image_gate="always", text_gate="always", prompt=False)
"""Without entities and without words, the correction learns from captions and pictures alone."""
PAPER = replace(paper_preset("tiny-carriers"), width=96, out_width=96, heads=4, regions="none")


@dataclass(frozen=True, slots=True)
class Row:
    """A variant. `misread` is the share of letters, and of words, that training reads wrongly;
    `numbered`: the GRU gets the words of captions by number, as of a vocabulary, see `numbered`."""

    model: HopidConfig
    view: View = "marked"
    misread: float = 0.0
    numbered: bool = False


NO_PROMPTS = replace(ALWAYS, image_gate="exact", bind=False, scene_text=UNMARKED)
ROWS: dict[str, Row] = {
    "image only": Row(ALWAYS, "nothing"),
    "image only, marked": Row(ALWAYS, "marks alone"),
    "bag of words": Row(replace(NO_PROMPTS, token="word", ped="mean"), "raw"),
    "distilling, no prompts": Row(NO_PROMPTS, "raw"),
    "full": Row(FULL),
    "without distilling": Row(replace(FULL, ped="mean")),
    "without visual prompt": Row(replace(FULL, scene_text=UNMARKED), "raw"),
    "without text prompt": Row(replace(FULL, prompt=False, text_gate="always")),
    "without binding": Row(replace(FULL, bind=False)),
    "without binding and distilling": Row(replace(FULL, bind=False, ped="mean")),
    "two passes": Row(replace(FULL, scene_text=SceneTextSettings(passes="two")), "both"),
    "paper": Row(PAPER, "both"),
    "full, by vocabulary": Row(FULL, numbered=True),
    "without text prompt, by vocabulary": Row(
        replace(FULL, prompt=False, text_gate="always"), numbered=True
    ),
}
EXTRA: dict[str, Row] = {
    "full, limited reach": Row(replace(FULL, reach=0.9)),
    "full, trained with mistakes": Row(FULL, misread=0.15),
}
"""Besides the table, to be asked for."""
CURVES = ("full", "full, limited reach", "full, trained with mistakes")
"""Rows that are measured with wrong readings as well."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What is done for one seed."""

    work: Path
    clip: Path
    seed: int
    ambiguity: AmbiguitySettings
    epochs: int


def recipe(plan: Plan, row: Row) -> HopidRecipe:
    """The run of a row."""
    count = steps(plan)
    return HopidRecipe(
        row.model,
        clip=str(open_checkpoint(plan.clip).path / "model.safetensors"),
        ambiguity=replace(plan.ambiguity, seed=plan.seed),
        batch=BATCH,
        lr=LR,
        nce_batches=round(0.6 * count),
        letters_misread=row.misread,
        words_misread=row.misread,
        dei_seed=plan.seed,
        validation_pictures=0,
    )


def steps(plan: Plan) -> int:
    """Of whole epochs."""
    pictures = 4 * plan.ambiguity.groups + plan.ambiguity.plain
    return plan.epochs * max(1, pictures // min(BATCH, pictures))


# --- what the frozen parts say -----------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Prepared:
    """Everything of a seed that no row changes: `looked` is (split, with marks) -> pictures, `told`
    split -> captions with their entities, `tagger` the weights of entity inferring."""

    plan: Plan
    start: Mapping[str, Tensor]
    looked: Mapping[tuple[Split, bool], PictureTable]
    told: Mapping[Split, CaptionTable]
    misread: dict[tuple[Mistake, float], PictureTable] = field(default_factory=dict)

    def pictures(self, split: Split, view: View) -> PictureTable:
        """The pictures of a split as a row sees them."""
        found = self.looked[split, view in ("marked", "marks alone")]
        if view == "both":
            return replace(found, marked=self.looked[split, True].marked)
        if view in ("marks alone", "nothing"):
            none: list[Any] = [np.zeros((0, 4), np.float32)] * len(found)
            return replace(found, tokens=[()] * len(found), boxes=none)
        return found

    def captions(self, split: Split, row: Row) -> CaptionTable:
        """The captions of a split; nothing is taken for scene text without the text prompt."""
        found = self.told[split]
        if row.numbered:
            found = replace(found, words=numbered(found.words, self.told["train"].words))
        if row.model.prompt:
            return found
        none: list[tuple[Any, ...]] = [()] * len(found)
        return replace(found, prompts=torch.zeros_like(found.prompts), entities=none)

    def wrong(self, mistake: Mistake, share: float) -> PictureTable:
        """The pictures of the split `seen` with marks, read wrongly."""
        if (mistake, share) not in self.misread:
            pictures = self.looked["seen", True].pictures
            changed = misread_pictures(pictures, mistake, share, self.plan.seed)
            self.misread[mistake, share] = look_at(_frozen(self, True), changed, _spec(self.plan))
        return self.misread[mistake, share]


def prepare(plan: Plan) -> Prepared:
    """Train entity inferring, and run the backbone over all pictures and captions of a seed."""
    wanted = recipe(plan, ROWS["full"])
    model = build(wanted, plan.seed)
    start(wanted, model)
    model.eval()
    begun = {name: value for name, value in model.state_dict().items() if _is_frozen(name)}
    found = Prepared(plan, begun, {}, {})
    looked: dict[tuple[Split, bool], PictureTable] = {}
    told: dict[Split, CaptionTable] = {}
    for split in ("train", *TESTS):
        pictures = ambiguity_pictures(None, wanted.ambiguity, split)
        kept = [replace(one, load=cache(one.load)) for one in pictures]
        for marks in (False, True):
            looked[split, marks] = look_at(_frozen(found, marks), kept, _spec(plan))
        texts = [text for one in pictures for text in one.captions]
        told[split] = tell(model, pieces_of(wanted), texts)
        for table in (looked[split, False], looked[split, True]):
            table.pictures[:] = pictures  # the pixels are not kept
    return Prepared(plan, begun, looked, told)


def _is_frozen(name: str) -> bool:
    return name.startswith(("clip.", "dei."))


def _spec(plan: Plan) -> PreprocessSpec:
    return preprocess_spec(recipe(plan, ROWS["full"]))


def _frozen(prepared: Prepared, marks: bool) -> HOPID:
    """The backbone with the settings of marks."""
    row = ROWS["full" if marks else "without visual prompt"]
    return with_start(build(recipe(prepared.plan, row), 0), prepared.start).eval()


def with_start(model: HOPID, begun: Mapping[str, Tensor]) -> HOPID:
    """The model with the frozen parts of a seed."""
    model.load_state_dict(dict(begun), strict=False)
    return model


def numbered(
    captions: Sequence[Sequence[CaptionWord]], known: Sequence[Sequence[CaptionWord]]
) -> list[tuple[CaptionWord, ...]]:
    """Captions as a GRU with a vocabulary of the captions `known` has them: a word's vector has
    nothing to do with its spelling, and words that are fewer than four times in `known` are one.

    What is written in pictures cannot be told from such words but by learning each: the experiment
    on why spelled words need the text prompt less.
    """
    counts = Counter(word.text.casefold() for some in known for word in some)

    def name(text: str) -> str:
        rare = counts[text.casefold()] < LEAST_KNOWN
        return "?" if rare else hashlib.blake2b(text.casefold().encode(), digest_size=8).hexdigest()

    return [tuple(replace(word, text=name(word.text)) for word in some) for some in captions]


def misread_pictures(
    pictures: Sequence[CaptionedPicture], mistake: Mistake, share: float, seed: int
) -> list[CaptionedPicture]:
    """Pictures of which a share of the letters or words was read wrongly, besides what the reader
    does."""
    every = sorted({word.text or "" for one in pictures for word in one.words})
    found = []
    for number, one in enumerate(pictures):
        rng = np.random.default_rng([seed, 71, MISTAKES.index(mistake), number])
        found.append(replace(one, words=misread(one.words, share, mistake, rng, every)))
    return found


# --- a row -------------------------------------------------------------------------------------


def train_row(prepared: Prepared, row: Row, folder: Path) -> HOPID:
    """Train; goes on where an earlier run stopped."""
    plan = prepared.plan
    wanted = recipe(plan, row)
    tables = prepared.pictures("train", row.view), prepared.captions("train", row)

    def begin(config: HopidRecipe, model: HOPID) -> None:
        del config
        with_start(model, prepared.start)

    def batches(config: HopidRecipe, model: HOPID, seed: int) -> Batches:
        del model
        return Drawer(config, *tables, seed).batch

    method = replace(HOPID_METHOD, start=begin, batches=batches)
    count = steps(plan)
    settings = TrainConfig(
        steps=count,
        seed=plan.seed,
        schedule="cosine",
        warmup_steps=max(1, count // 20),
        clip_norm=2.0,
        checkpoint_every=max(1, count // 3),
        keep=1,
        threads=1,
    )
    report = train(method, Run(wanted, settings), folder, resume=True, tell=say)
    return _trained(wanted, finished(report))


def _trained(wanted: HopidRecipe, checkpoint: Path) -> HOPID:
    model = build(wanted, 0)
    model.load_state_dict(load_file(checkpoint / "model.safetensors"))
    return model.eval()


def untrained(prepared: Prepared) -> HOPID:
    """Plain CLIP: the first step of the preset `clip_residual`."""
    return with_start(build(recipe(prepared.plan, ROWS["full"]), 0), prepared.start).eval()


# --- measuring ---------------------------------------------------------------------------------


def measure(prepared: Prepared, model: HOPID, row: Row) -> dict[str, Any]:
    """Figures of a row: split -> recalls in percent both ways, and how often a caption tells its
    picture from the one with the two words exchanged."""
    found: dict[str, Any] = {}
    for split in TESTS:
        pictures, captions = prepared.pictures(split, row.view), prepared.captions(split, row)
        texts = caption_vectors(model, captions)
        found[split] = scored(picture_vectors(model, pictures), texts, split != "text-free")
    return found


def curve(prepared: Prepared, model: HOPID, row: Row) -> dict[str, Any]:
    """Kind of mistake -> share of it -> recalls of the split `seen` in percent."""
    texts = caption_vectors(model, prepared.captions("seen", row))
    right = picture_vectors(model, prepared.pictures("seen", "marked"))
    found: dict[str, Any] = {}
    for mistake in MISTAKES:
        found[mistake] = {"0": scored(right, texts, True)}
        for share in SHARES:
            images = picture_vectors(model, prepared.wrong(mistake, share))
            found[mistake][f"{share:g}"] = scored(images, texts, True)
    return found


def scored(images: Tensor, texts: Tensor, siblings: bool) -> dict[str, float]:
    """Recalls in percent, and with `siblings` the share of captions, in percent, that are nearer to
    their picture than to the one with the words exchanged; ties count half.

    Args:
        images: (n, D) unit rows; of siblings, four after each other.
        texts: (5 n, D), five of each picture in order.
    """
    cosines = (texts @ images.T).numpy()
    owner = np.arange(len(images)).repeat(len(texts) // len(images))
    found = recalls(cosines, owner.tolist())
    if siblings:
        found["swap"] = 100 * float(swap_hits(cosines, owner).mean())
    return found


def swap_hits(cosines: NDArray[np.float32], owner: NDArray[np.int64]) -> NDArray[np.float64]:
    """(m,) 1 where a caption is nearer to its own picture than to the one with the words exchanged,
    which is the neighbour of an even number, 0.5 where both are as near."""
    every = np.arange(len(owner))
    own, other = cosines[every, owner], cosines[every, owner ^ 1]
    hits: NDArray[np.float64] = (own > other) + 0.5 * (own == other)
    return hits


def exactness(prepared: Prepared, model: HOPID, row: Row) -> float:
    """The largest difference of a vector of pictures and captions without words from plain CLIP's;
    0 is exact."""
    pictures = prepared.pictures("text-free", "marked")
    captions = prepared.captions("text-free", row)
    plain = [at for at, some in enumerate(captions.entities) if not some]
    images = (picture_vectors(model, pictures) - pictures.base).abs().max()
    texts = (caption_vectors(model, captions) - captions.vectors)[plain].abs()
    return max(float(images), float(texts.max()) if plain else 0.0)


def tagging(prepared: Prepared) -> dict[str, float]:
    """Entity inferring: F1 of the words that are written, and for captions of pictures without
    words the share in which something is taken for one."""
    found: dict[str, float] = {}
    settings = replace(prepared.plan.ambiguity, seed=prepared.plan.seed)
    for split in TESTS:
        right = wrong = missed = 0
        named = iter(prepared.told[split].entities)
        shown = build_ambiguity(settings).shown(split)
        for one in shown:
            for caption in one.captions:
                tagged = {word for entity in next(named) for word in entity.text.split()}
                said = set(one.written.values()) & set(caption.split())
                right += len(tagged & said)
                wrong += len(tagged - said)
                missed += len(said - tagged)
        both = 2 * right + wrong + missed
        found[split] = (
            wrong / (5 * len(shown)) if split == "text-free" else 2 * right / max(1, both)
        )
    return found
