"""What the frozen CLIP makes of pictures and captions, computed once and kept.

CLIP never changes while HOPID learns, so that each picture and caption goes through it once, before
the first step. What learns is small: an epoch costs seconds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from tokenizers import Tokenizer as Pieces
from torch import Tensor

from sightread.clip.tokens import tokenise
from sightread.errors import PictureError
from sightread.methods.hopid.caption import Read
from sightread.methods.hopid.config import HopidConfig
from sightread.methods.hopid.dei import tag
from sightread.methods.hopid.labels import is_written, weak_labels
from sightread.methods.hopid.model import HOPID, Seen
from sightread.preprocess import PreprocessSpec, preprocess
from sightread.scenetext.captions import CaptionWord, Entity, caption_words, entities, prompt
from sightread.scenetext.marks import marked
from sightread.scenetext.pictures import CaptionedPicture
from sightread.scenetext.places import Boxes, pooling, token_boxes
from sightread.scenetext.tokens import SceneToken, scene_tokens
from sightread.scenetext.wordvectors import WIDTH, word_vectors
from sightread.text import key
from sightread.types import Quad

_CHUNK = 64
_ANYWHERE = 1 << 30
_NO_PLACE: Quad = ((0.0, 0.0),) * 4
Taken = Sequence[tuple[int, str]]
"""(number, spelling) of the words of a picture that are taken: training leaves words out, and
misreads some."""


# --- pictures ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PictureTable:
    """n pictures as the frozen CLIP saw them.

    Attributes:
        pictures: those that could be decoded.
        base, marked: (n, C) unit vectors, as in `model.Seen`.
        patches: (n, P * P, W) float16.
        side: P.
        tokens: the words of each that count.
        boxes: where they are, (N, 4).
        left_out: how many could not be decoded.
    """

    pictures: list[CaptionedPicture]
    base: Tensor
    marked: Tensor
    patches: Tensor
    side: int
    tokens: list[tuple[SceneToken, ...]]
    boxes: list[Boxes]
    left_out: int = 0

    def __len__(self) -> int:
        return len(self.pictures)

    def seen(self, chosen: Sequence[int], taken: Sequence[Taken] | None = None) -> Seen:
        """The input of `HOPID.see` for some pictures, padded to the most words among them.

        Args:
            chosen: numbers of pictures.
            taken: for each, which of its words; None: all of them, as they were read.
        """
        if taken is None:
            taken = [[(n, one.text) for n, one in enumerate(self.tokens[at])] for at in chosen]
        words = [word_vectors([text for _, text in some]) for some in taken]
        boxes = [
            self.boxes[at][np.array([number for number, _ in some], int)]
            for at, some in zip(chosen, taken, strict=True)
        ]
        keep = _lengths([len(one) for one in words])
        pools = [pooling(one, self.side) for one in boxes]
        rows = torch.tensor(list(chosen))
        return Seen(
            self.base[rows],
            self.marked[rows],
            self.patches[rows].float(),
            _padded(words, keep, WIDTH),
            _padded(boxes, keep, 4),
            _padded(pools, keep, self.side**2),
            keep,
        )

    def mentioned(self, at: int) -> NDArray[np.bool_]:
        """(N,) which words of a picture one of its captions mentions."""
        said = [key(one.text) for text in self.pictures[at].captions for one in caption_words(text)]
        return np.array([is_written(one.text, said) for one in self.tokens[at]], bool)


def look_at(
    model: HOPID, pictures: Sequence[CaptionedPicture], spec: PreprocessSpec
) -> PictureTable:
    """Every picture through the frozen tower: marked where it has text and the settings say so, and
    as it is where they want both."""
    settings = model.config.scene_text
    there: list[CaptionedPicture] = []
    tokens: list[tuple[SceneToken, ...]] = []
    boxes: list[Boxes] = []
    parts: list[tuple[Tensor, Tensor, Tensor]] = []
    for first in range(0, len(pictures), _CHUNK):
        plain, drawn = [], []
        for picture in pictures[first : first + _CHUNK]:
            try:
                pixels = picture.load()
            except PictureError:
                continue
            height, width = pixels.shape[:2]
            found = scene_tokens(
                picture.words, width, height, settings.most_tokens, settings.least_confidence
            )
            there.append(picture)
            tokens.append(found)
            boxes.append(token_boxes(found, width, height, spec))
            with_marks = marked(pixels, found, settings.marks)
            drawn.append(preprocess(with_marks, spec))
            same = with_marks is pixels or settings.passes == "one"
            plain.append(drawn[-1] if same else preprocess(pixels, spec))
        if drawn:
            parts.append(_look(model, plain, drawn))
    base, marks, patches = (
        (torch.cat(one) for one in zip(*parts, strict=True))
        if parts
        else (
            torch.zeros(0, model.clip.config.embed_dim),
            torch.zeros(0, model.clip.config.embed_dim),
            torch.zeros(0, model.side**2, 1),
        )
    )
    left_out = len(pictures) - len(there)
    return PictureTable(there, base, marks, patches, model.side, tokens, boxes, left_out)


def _look(
    model: HOPID, plain: list[NDArray[np.float32]], drawn: list[NDArray[np.float32]]
) -> tuple[Tensor, Tensor, Tensor]:
    """Unit vectors without and with marks, and patches of the pictures without."""
    device = model.clip.logit_scale.device
    base, patches = model.look(torch.from_numpy(np.stack(plain)).to(device))
    marks = base.clone()
    differ = [
        at for at, (one, other) in enumerate(zip(plain, drawn, strict=True)) if one is not other
    ]
    if differ:
        pixels = np.stack([drawn[at] for at in differ])
        marks[torch.tensor(differ, device=device)] = model.look(
            torch.from_numpy(pixels).to(device)
        )[0]
    return base.cpu(), marks.cpu(), patches.half().cpu()


# --- captions ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class CaptionTable:
    """m captions: CLIP's unit vectors (m, C) of each and of its prompt (0 where there is none), its
    words, and what is taken for scene text in it."""

    texts: list[str]
    vectors: Tensor
    prompts: Tensor
    words: list[tuple[CaptionWord, ...]]
    entities: list[tuple[Entity, ...]]

    def __len__(self) -> int:
        return len(self.texts)

    def read(self, chosen: Sequence[int]) -> Read:
        """The input of `HOPID.read` for some captions, padded to the longest among them."""
        words = [word_vectors([one.text for one in self.words[at]] or [""]) for at in chosen]
        named = [word_vectors([one.text for one in self.entities[at]]) for at in chosen]
        keep = _lengths([len(one) for one in words])
        there = _lengths([len(one) for one in named])
        at = torch.zeros(there.shape, dtype=torch.int64)
        for row, number in zip(at, chosen, strict=True):
            ends = [one.last for one in self.entities[number]]
            row[: len(ends)] = torch.tensor(ends, dtype=torch.int64)
        rows = torch.tensor(list(chosen))
        return Read(
            self.vectors[rows],
            self.prompts[rows],
            _padded(words, keep, WIDTH),
            keep,
            _padded(named, there, WIDTH),
            at,
            there,
        )


def tell(
    model: HOPID,
    pieces: Pieces,
    texts: Sequence[str],
    written: Sequence[Sequence[SceneToken]] | None = None,
) -> CaptionTable:
    """Captions through the frozen tower, with the entities that are inferred in them.

    Args:
        written: what stands in the picture of each caption; needed by `dei = "oracle"` alone.
    """
    settings = model.config.scene_text
    words = [caption_words(text, settings.most_words) for text in texts]
    tags = tagged(model, words, written)
    limits = (settings.merge, settings.most_entities)
    found = [
        entities(some, tags[at], *limits) if model.config.prompt else ()
        for at, some in enumerate(words)
    ]
    prompts, kept = _prompts(pieces, model, found)
    unique = sorted({text for text in prompts if text})
    rows = {text: at for at, text in enumerate(unique)}
    table = torch.cat([encode_texts(model, pieces, unique), torch.zeros(1, _width(model))])
    chosen = torch.tensor([rows.get(text, len(unique)) for text in prompts], dtype=torch.int64)
    return CaptionTable(list(texts), encode_texts(model, pieces, texts), table[chosen], words, kept)


def tagged(
    model: HOPID,
    words: Sequence[Sequence[CaptionWord]],
    written: Sequence[Sequence[SceneToken]] | None = None,
) -> list[list[bool]]:
    """Which words of each caption are taken for scene text, as `dei` says."""
    how, threshold = model.config.dei, model.config.scene_text.threshold
    if how == "bigru":
        sure = tag(model.dei, [[one.text for one in some] for some in words])
        return [[one >= threshold for one in row] for row in sure]
    if how == "oracle" and written is not None:
        pairs = zip(words, written, strict=True)
        return [[one == 1 for one in weak_labels(some, tokens)] for some, tokens in pairs]
    return [[how == "all"] * len(some) for some in words]


def said_to_be_written(
    picture: CaptionedPicture, tokens: Sequence[SceneToken]
) -> Sequence[SceneToken]:
    """What stands in a picture as the oracle knows it: what its set says, what was read where it
    says nothing."""
    if picture.gold is None:
        return tokens
    return [SceneToken(word, _NO_PLACE, 1.0, line) for line, word in enumerate(picture.gold)]


def readings(picture: CaptionedPicture, config: HopidConfig) -> tuple[SceneToken, ...]:
    """The words of a picture that count, without looking at it."""
    settings = config.scene_text
    return scene_tokens(
        picture.words, _ANYWHERE, _ANYWHERE, settings.most_tokens, settings.least_confidence
    )


def _prompts(
    pieces: Pieces, model: HOPID, found: Sequence[tuple[Entity, ...]]
) -> tuple[list[str], list[tuple[Entity, ...]]]:
    """The prompt of each caption, and the entities that are in it."""
    longest = model.clip.config.text.context_length - 2

    def fits(text: str) -> bool:
        return len(pieces.encode(text, add_special_tokens=False).ids) <= longest

    known: dict[tuple[str, ...], tuple[str, int]] = {}
    texts, kept = [], []
    for some in found:
        names = tuple(one.text for one in some)
        if names not in known:
            known[names] = prompt(names, model.config.scene_text.templates, fits)
        text, count = known[names]
        texts.append(text)
        kept.append(some[:count])
    return texts, kept


def encode_texts(model: HOPID, pieces: Pieces, texts: Sequence[str]) -> Tensor:
    """(m, C) unit vectors of texts, on the CPU."""
    device, length = model.clip.logit_scale.device, model.clip.config.text.context_length
    rows = [torch.zeros(0, _width(model))]
    for first in range(0, len(texts), 4 * _CHUNK):
        ids = tokenise(pieces, texts[first : first + 4 * _CHUNK], length)
        used = int(ids.argmax(-1).max()) + 1  # nothing reads what is behind the last end
        rows.append(model.encode_text(ids[:, :used].to(device)).cpu())
    return torch.cat(rows)


def _width(model: HOPID) -> int:
    return model.clip.config.embed_dim


# --- padding -----------------------------------------------------------------------------------


def _lengths(counts: Sequence[int]) -> Tensor:
    """(B, M) bool, M the largest count but 1 at least: the first `count` of each row."""
    most = max([1, *counts])
    return torch.arange(most) < torch.tensor(list(counts))[:, None]


def _padded(rows: Sequence[NDArray[np.float32]], keep: Tensor, width: int) -> Tensor:
    """(B, M, width), zeros where nothing is."""
    found = torch.zeros(*keep.shape, width)
    for place, row in zip(found, rows, strict=True):
        place[: len(row)] = torch.from_numpy(np.ascontiguousarray(row))
    return found
