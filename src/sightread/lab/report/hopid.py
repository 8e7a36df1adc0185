"""The figures of HOPID: where a picture matters to its caption and which written words count, what
is found with and without what is written, and pictures that look alike but say something else."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from sightread.heat import warmed
from sightread.lab.report import drawing
from sightread.lab.report.drawing import Tile
from sightread.lab.report.galleries import Shown, evenly, image_gallery, plane, text_gallery
from sightread.lab.report.page import Figure, clean
from sightread.methods.hopid.config import HopidRecipe
from sightread.methods.hopid.features import CaptionTable, PictureTable, look_at
from sightread.methods.hopid.model import HOPID, Seen
from sightread.methods.hopid.recipe import open_set, preprocess_spec, tables
from sightread.methods.hopid.validation import caption_vectors, picture_vectors
from sightread.scenetext.marks import marked
from sightread.scenetext.pictures import CaptionedPicture
from sightread.text import key
from sightread.types import RGBImage, WordRegion

LOOKED, COVERS = 4, 6
"""Pictures whose parts are covered, and in how many rows and columns they are cut."""
SETS, ALIKE = 5, 5
_WORDS = 8
_LABEL = 40
Rows = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Held:
    """Held-out pictures and captions, and both sides with what is written and without: `plain` is
    the CLIP that was built on where the model corrects it, else the model without any words."""

    pictures: PictureTable
    captions: CaptionTable
    own: NDArray[np.int64]
    images: Rows
    texts: Rows
    plain_images: Rows
    plain_texts: Rows

    @property
    def right(self) -> NDArray[np.bool_]:
        """(T, N)."""
        found: NDArray[np.bool_] = self.own[:, None] == np.arange(len(self.pictures))
        return found

    def load(self, at: int) -> RGBImage:
        """Picture number n."""
        return self.pictures.pictures[at].load()

    def shown(self, plain: bool = False) -> Shown:
        """For galleries."""
        return Shown(
            self.load,
            self.plain_images if plain else self.images,
            self.plain_texts if plain else self.texts,
            self.captions.texts,
            self.right,
            [written(self.pictures, at) for at in range(len(self.pictures))],
        )


def figures(recipe: HopidRecipe, model: HOPID, most: int) -> Iterator[Figure]:
    """All of them, one after the other.

    Args:
        most: held-out pictures at most.

    Raises:
        UsageError: the data of the run is not there, or two of its pictures cannot be decoded.
    """
    held = held_out(recipe, model, some_of(open_set(recipe, "val"), most))
    yield relevance(recipe, model, held)
    yield counted_words(model, held)
    yield ambiguity(held)
    yield text_gallery(held.shown())
    yield plain(text_gallery(held.shown(True), "text-to-image-plain"))
    yield image_gallery(held.shown())
    yield plain(image_gallery(held.shown(True), "image-to-text-plain"))
    text = np.array([bool(one) for one in held.pictures.tokens])
    kinds = {"pictures with text": text, "pictures without": ~text}
    yield plane(held.shown(), kinds)
    yield plain(plane(held.shown(True), kinds, "embeddings-plain"))


def plain(figure: Figure) -> Figure:
    """The same, said to be without what is written."""
    return replace(
        figure,
        title=f"{figure.title}, without what is written",
        says=f"The same with words left out: as if nothing had been read. {figure.says}",
    )


def some_of(pictures: Sequence[CaptionedPicture], most: int) -> list[CaptionedPicture]:
    """At most so many, the ones of a group together: whole groups evenly spaced."""
    groups: dict[str, list[CaptionedPicture]] = {}
    for number, one in enumerate(pictures):
        groups.setdefault(one.group or f"/{number}", []).append(one)
    units = list(groups.values())
    chosen = evenly(len(units), max(1, most * len(units) // max(1, len(pictures))))
    return [one for at in chosen for one in units[at]]


def held_out(recipe: HopidRecipe, model: HOPID, pictures: Sequence[CaptionedPicture]) -> Held:
    """Both sides of these pictures."""
    seen, told = tables(recipe, model, pictures)
    bare = look_at(
        model, [replace(one, words=()) for one in seen.pictures], preprocess_spec(recipe)
    )
    texts = caption_vectors(model, told).numpy()
    return Held(
        seen,
        told,
        np.array([at for at, one in enumerate(seen.pictures) for _ in one.captions]),
        picture_vectors(model, seen).numpy(),
        texts,
        bare.base.numpy() if model.config.residual else picture_vectors(model, bare).numpy(),
        told.vectors.numpy() if model.config.residual else texts,
    )


def written(table: PictureTable, at: int) -> str:
    """What counts of what was read in a picture."""
    return " ".join(one.text for one in table.tokens[at])


def examples(held: Held, most: int) -> list[int]:
    """Captions that name something written in their picture, one a picture, evenly spaced; any
    captions of pictures with text where none does."""
    first: dict[int, int] = {}
    for at, own in enumerate(held.own.tolist()):
        said = {key(one.text) for one in held.captions.entities[at]}
        if said & {key(one.text) for one in held.pictures.tokens[own]}:
            first.setdefault(own, at)
    if not first:
        for at, own in enumerate(held.own.tolist()):
            if held.pictures.tokens[own]:
                first.setdefault(own, at)
    found = list(first.values())
    return [found[at] for at in evenly(len(found), most)]


# --- where it matters --------------------------------------------------------------------------


def relevance(recipe: HopidRecipe, model: HOPID, held: Held) -> Figure:
    """What covering a part of a picture does to the score of its caption."""
    title = "Where a picture matters to its caption"
    chosen = examples(held, LOOKED)
    if not chosen:
        return Figure("relevance", title, "Nothing is written in a held-out picture of this run.")
    seen: list[Tile] = []
    alone: list[Tile] = []
    both: list[Tile] = []
    for at in chosen:
        own = int(held.own[at])
        picture, tokens = held.pictures.pictures[own], held.pictures.tokens[own]
        pixels = picture.load()
        marks = marked(pixels, tokens, model.config.scene_text.marks)
        seen.append(Tile(marks, held.captions.texts[at]))
        bare = replace(picture, words=())
        for row, one, text in (
            (alone, bare, held.plain_texts[at]),
            (both, picture, held.texts[at]),
        ):
            heat = covering(recipe, model, one, text, COVERS)
            row.append(Tile(np.asarray(warmed(pixels, heat))))
    return Figure(
        "relevance",
        title,
        "Above, pictures as the encoder sees them, with marks, and a caption of each. Below, how "
        f"much the score of that caption falls when a part is covered ({COVERS} x {COVERS} parts; "
        "the most in red): first without what is written, then with it, where a covered word is "
        "not read either. The captions name what is written, and are evenly spaced among all that "
        "do.",
        drawing.tiles([seen, alone, both], ["as it is seen", "without what is written", "with it"]),
    )


def covering(
    recipe: HopidRecipe, model: HOPID, picture: CaptionedPicture, text: Rows, parts: int
) -> NDArray[np.float32]:
    """(H, W) in [0, 1]: how much the score of a text (D,) falls when a part of the picture is
    covered with its mean colour, and what is written there is not read; 1 where it falls most."""
    pixels = picture.load()
    cells = [(row, column) for row in range(parts) for column in range(parts)]
    variants = [picture, *(covered(picture, cell, parts) for cell in cells)]
    found = look_at(model, variants, preprocess_spec(recipe))
    bare = model.config.residual and not picture.words
    vectors = found.base.numpy() if bare else picture_vectors(model, found).numpy()
    scores = vectors @ text
    falls = (scores[0] - scores[1:]).reshape(parts, parts).clip(min=0.0)
    most = falls.max()
    heat = falls / most if most > 1e-6 else np.zeros_like(falls)
    image = Image.fromarray(heat.astype(np.float32))
    size = (pixels.shape[1], pixels.shape[0])
    large = np.asarray(image.resize(size, Image.Resampling.BILINEAR), np.float32)
    return large.clip(0.0, 1.0)


def covered(picture: CaptionedPicture, cell: tuple[int, int], parts: int) -> CaptionedPicture:
    """The picture without one of `parts` x `parts` cells, and without words whose middle is in
    it."""
    height, width = picture.load().shape[:2]
    top, bottom = (round(height * one / parts) for one in (cell[0], cell[0] + 1))
    left, right = (round(width * one / parts) for one in (cell[1], cell[1] + 1))

    def outside(word: WordRegion) -> bool:
        x, y = np.mean(word.box, axis=0)
        return not (left <= x < right and top <= y < bottom)

    return replace(
        picture,
        words=tuple(filter(outside, picture.words)),
        load=partial(_filled, picture, (top, bottom, left, right)),
    )


def _filled(picture: CaptionedPicture, edges: tuple[int, int, int, int]) -> RGBImage:
    pixels = picture.load().copy()
    top, bottom, left, right = edges
    pixels[top:bottom, left:right] = pixels.mean((0, 1)).round().astype(np.uint8)
    return pixels


# --- which words count -------------------------------------------------------------------------


def counted_words(model: HOPID, held: Held) -> Figure:
    """How much each word read in a picture counts in its vector."""
    title = "Which written words count"
    there = [at for at, one in enumerate(held.pictures.tokens) if one]
    if not there:
        return Figure("words", title, "Nothing is written in a held-out picture of this run.")
    gates, shares, said = [], [], []
    for at in there:
        seen = held.pictures.seen([at])
        found = model.see(Seen(*seen))
        gates.append(float(found.gate[0]))
        shares.append(_relevance(found.distilled.relevance, len(held.pictures.tokens[at])))
        said.append(held.pictures.mentioned(at))
    chosen = evenly(len(there), 12)
    across = min(_WORDS, max(len(shares[at]) for at in chosen))
    values, texts = np.full((len(chosen), across), np.nan), []
    for row, at in enumerate(chosen):
        order = np.argsort(-shares[at], kind="stable")[:across]
        values[row, : len(order)] = gates[at] * shares[at][order]
        words = held.pictures.tokens[there[at]]
        texts.append([f"{'*' if said[at][n] else ''}{words[n].text}" for n in order])
    inside = np.concatenate([share[one] for share, one in zip(shares, said, strict=True)])
    beside = np.concatenate([share[~one] for share, one in zip(shares, said, strict=True)])
    rows = [
        f"{gates[at]:.2f}  {clean(held.pictures.pictures[there[at]].captions[0], _LABEL)}"
        for at in chosen
    ]
    return Figure(
        "words",
        title,
        "Each row is a picture with text: how much its scene text counts (the gate, 0 to 1), its "
        "first caption, and the words that were read in it, the ones that count most first; words "
        "that a caption mentions have a star. The colour is the gate times the share of the word. "
        "The pictures are evenly spaced among all with text.",
        drawing.cells(values, texts, rows, "gate x share"),
        [
            f"gate: mean {np.mean(gates):.2f}, standard deviation {np.std(gates):.2f}, over "
            f"{len(gates):,} pictures with text",
            *_shares("words that a caption mentions", inside),
            *_shares("other words", beside),
        ],
    )


def _relevance(found: Tensor, count: int) -> NDArray[np.float64]:
    return found[0, :count].double().numpy()


def _shares(what: str, shares: NDArray[np.float64]) -> list[str]:
    return [f"{what}: mean share {shares.mean():.3f} of {len(shares):,}"] if len(shares) else []


# --- ambiguity ---------------------------------------------------------------------------------


def ambiguity(held: Held) -> Figure:
    """Pictures that look alike, or that bear the same word, told apart by a caption."""
    title = "Alike, but for what is written"
    sets, how = _sets(held)
    if not sets:
        return Figure("ambiguity", title, "No two held-out pictures belong to one group or word.")
    scores, bare = held.shown().scores(), held.shown(True).scores()
    rows, heads, wins = [], [], np.zeros((len(sets), 2))
    for number, (asked, members) in enumerate(sets):
        order = sorted(members, key=lambda at: (-scores[asked, at], at))
        own = int(held.own[asked])
        others = [at for at in members if at != own]
        wins[number] = [float(one[asked, own] > one[asked, others].max()) for one in (scores, bare)]
        if number in evenly(len(sets), SETS):
            heads.append(f"“{held.captions.texts[asked]}”")
            rows.append([_compared(held, asked, at, (scores, bare)) for at in order[:ALIKE]])
    size = np.mean([len(members) for _, members in sets])
    rates = [f"{100 * rate:.1f} %" for rate in wins.mean(0)]
    return Figure(
        "ambiguity",
        title,
        f"Each row is a caption and pictures {how}, the nearest first; the right one has a green "
        "frame and a check mark. Below each: what was read, and the score with what is written and "
        "without. The captions are evenly spaced among all that name something and have such a "
        "set.",
        drawing.tiles(rows, heads),
        [
            f"captions whose picture is ahead of the others of its set: with what is written "
            f"{rates[0]}, without {rates[1]}, of {len(sets):,}; sets of {size:.1f} pictures on "
            "average"
        ],
    )


def _compared(held: Held, asked: int, at: int, scores: tuple[Rows, Rows]) -> Tile:
    both, alone = (one[asked, at] for one in scores)
    label = f"{both:.2f}, without {alone:.2f}: {written(held.pictures, at)}"
    return Tile(held.load(at), label, bool(held.own[asked] == at))


def _sets(held: Held) -> tuple[list[tuple[int, list[int]]], str]:
    """(caption, pictures) for sets that are hard to tell apart: the groups of the data, or pictures
    in which the same word was read; and what they are. Of captions those that name something, if
    any does."""
    groups: dict[str, list[int]] = {}
    for at, one in enumerate(held.pictures.pictures):
        if one.group and held.pictures.tokens[at]:
            groups.setdefault(one.group, []).append(at)
    how = "of one group, which differ in what is written alone"
    if not any(len(one) > 1 for one in groups.values()):
        groups, how = {}, "in which one and the same word was read"
        for at, tokens in enumerate(held.pictures.tokens):
            for word in {key(one.text) for one in tokens}:
                groups.setdefault(word, []).append(at)
    home: dict[int, list[int]] = {}
    for members in sorted(groups.values(), key=len):
        for at in members if len(members) > 1 else ():
            home[at] = members
    asked = [(at, home[own]) for at, own in enumerate(held.own.tolist()) if own in home]
    naming = [one for one in asked if held.captions.entities[one[0]]]
    return naming or asked, how
