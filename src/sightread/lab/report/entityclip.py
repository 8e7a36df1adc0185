"""The figures of EntityCLIP: how much each expert counts, what explanations change, what is read of
them, and what captions and pictures find."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from tokenizers import Tokenizer as Pieces
from torch import Tensor

from sightread.errors import UsageError
from sightread.lab.report import drawing
from sightread.lab.report.galleries import Shown, evenly, image_gallery, plane, text_gallery
from sightread.lab.report.page import Figure
from sightread.methods.entityclip.config import EntityClipConfig
from sightread.methods.entityclip.data import Pair, some
from sightread.methods.entityclip.explanations import explanation_of
from sightread.methods.entityclip.mmae import Mmae, Tokens
from sightread.methods.entityclip.model import EntityCLIP
from sightread.methods.entityclip.recipe import (
    EntityClipRecipe,
    Writer,
    open_pairs,
    pieces_of,
    preprocess_spec,
)
from sightread.methods.entityclip.validation import encode_pairs
from sightread.preprocess import preprocess

READ = 6
"""Explanations whose words are shown."""
_CHUNK = 32
Rows = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Held:
    """Held-out pairs and their vectors: of pictures and captions (n, D), and of caption and
    explanation together, where there is one (`explained`)."""

    pairs: Sequence[Pair]
    told: Sequence[str]
    images: Rows
    texts: Rows
    both: Rows
    explained: NDArray[np.bool_]
    same: NDArray[np.bool_]


def figures(recipe: EntityClipRecipe, model: EntityCLIP, most: int) -> Iterator[Figure]:
    """All of them, one after the other.

    Args:
        most: held-out pairs at most.

    Raises:
        UsageError: the data of the run is not there, or two of its pictures cannot be decoded.
    """
    found = open_pairs(recipe, "val")
    images, pairs = encode_pairs(model, some(found.pairs, most), preprocess_spec(recipe))
    if len(pairs) < 2:
        raise UsageError(
            f"{len(pairs)} of the held-out pictures of {found.name} can be decoded, and two are "
            "needed: check the data set."
        )
    told = [explanation_of(recipe.model, found.known, one.caption, one.id) for one in pairs]
    batch = Writer(recipe, found.known).texts(pairs)
    held = _held(model, pairs, told, images.numpy(), batch)
    yield weights(recipe, model, held, batch)
    yield influence(held)
    yield words(model, pieces_of(recipe), held, batch)
    shown = Shown(
        load=lambda at: pairs[at].load(),
        images=held.images,
        texts=held.texts,
        captions=[one.caption for one in pairs],
        right=held.same,
        labels=[one.caption for one in pairs],
    )
    yield text_gallery(shown)
    yield image_gallery(replace(shown, labels=()))
    yield plane(shown)


def _held(
    model: EntityCLIP,
    pairs: Sequence[Pair],
    told: Sequence[str],
    images: Rows,
    batch: dict[str, Tensor],
) -> Held:
    texts, told_rows = [], []
    for part in _parts(len(pairs)):
        texts.append(F.normalize(model.read(batch["tokens"][part]).first, dim=-1))
        told_rows.append(F.normalize(model.read(batch["explanations"][part]).first, dim=-1))
    text, explained = torch.cat(texts), batch["explained"]
    both = F.normalize(text + torch.cat(told_rows) * explained[:, None], dim=-1)
    keys = np.array([one.key for one in pairs])
    return Held(
        pairs,
        told,
        images,
        text.numpy(),
        both.numpy(),
        explained.numpy(),
        keys[:, None] == keys,
    )


def _parts(count: int) -> list[slice]:
    return [slice(at, at + _CHUNK) for at in range(0, count, _CHUNK)]


# --- experts -----------------------------------------------------------------------------------


def weights(
    recipe: EntityClipRecipe, model: EntityCLIP, held: Held, batch: dict[str, Tensor]
) -> Figure:
    """The weights that the gates give the experts."""
    title = "How much each expert counts"
    gates = _gates(recipe.model, model)
    if not gates:
        return Figure("experts", title, "This run has no experts, or no gates over them.")
    image, text = _class_tokens(recipe, model, held, batch)
    asked = {"V*": image, "T*": text, "match or not": torch.cat([image, text], -1)}
    series = {}
    for name, (gate, names) in gates.items():
        found = gate(asked[name]).softmax(-1).numpy()  # (n, experts)
        series[name] = dict(
            zip(
                names,
                zip(found.mean(0).tolist(), found.std(0).tolist(), strict=True),
                strict=True,
            )
        )
    most = {name: max(found, key=lambda expert: found[expert][0]) for name, found in series.items()}
    return Figure(
        "experts",
        title,
        "The weight of each expert in the mixtures V* and T* and in the head that says whether "
        f"picture and text belong together: mean and standard deviation over {len(held.pairs):,} "
        "held-out pairs. Experts that read the explanation are called “+E”.",
        drawing.bars(series, "weight"),
        [f"{name}: {expert} counts most" for name, expert in most.items()],
    )


def _gates(
    settings: EntityClipConfig, model: EntityCLIP
) -> dict[str, tuple[torch.nn.Linear, list[str]]]:
    """Mixture -> its gate and the names of what it mixes."""
    experts = model.mmae
    if not isinstance(experts, Mmae):
        return {}
    v, s, t = settings.image_experts, settings.explanation_experts, settings.text_experts
    image = [f"picture {n + 1}" for n in range(v)]
    image_told = [f"picture +E {n + 1}" for n in range(s)]
    text = [f"text {n + 1}" for n in range(t)]
    text_told = [f"text +E {n + 1}" for n in range(s)]
    found = {}
    if experts.image_gate is not None and experts.text_gate is not None:
        seen = [*image, *image_told] if settings.image_sees_explanation else image
        found["V*"] = experts.image_gate, seen
        found["T*"] = experts.text_gate, [*text, *text_told]
    if model.matching is not None:
        every = [*image, *image_told, *text, *text_told]
        found["match or not"] = model.matching.gate, every
    return found


def _class_tokens(
    recipe: EntityClipRecipe, model: EntityCLIP, held: Held, batch: dict[str, Tensor]
) -> tuple[Tensor, Tensor]:
    """V_cls and T_cls, (n, D) each, not normalised."""
    spec, images, texts = preprocess_spec(recipe), [], []
    for part in _parts(len(held.pairs)):
        pixels = np.stack([preprocess(one.load(), spec) for one in held.pairs[part]])
        images.append(model.see(torch.from_numpy(pixels)).first)
        texts.append(model.read(batch["tokens"][part]).first)
    return torch.cat(images), torch.cat(texts)


# --- explanations ------------------------------------------------------------------------------


def influence(held: Held) -> Figure:
    """Where the right picture stands with the caption alone, and with its explanation."""
    title = "What explanations change"
    if not held.explained.any():
        return Figure("explanations", title, "No held-out caption of this run has an explanation.")
    which = held.explained
    alone = _ranks(held.texts @ held.images.T, held.same)[which]
    both = _ranks(held.both @ held.images.T, held.same)[which]
    better, worse = int((both < alone).sum()), int((both > alone).sum())
    shift = np.random.default_rng(0).uniform(0.92, 1.08, (2, len(alone)))
    first = [f"{100 * (ranks <= 1).mean():.1f} %" for ranks in (alone, both)]
    return Figure(
        "explanations",
        title,
        "Each point is a held-out caption: the rank of its picture when the caption asks alone, "
        "and when the vector of its explanation is added. Below the line the explanation helps. "
        "Points are moved a little so that equal ones are seen.",
        drawing.points(
            {"captions": np.stack([alone * shift[0], both * shift[1]], axis=1)},
            axes_names=("rank with the caption alone", "rank with the explanation added"),
            log=True,
        ),
        [
            f"better {better:,}, worse {worse:,}, the same {len(alone) - better - worse:,} of "
            f"{len(alone):,} captions that have an explanation",
            f"R@1 alone {first[0]}, with the explanation {first[1]}",
        ],
    )


def _ranks(scores: Rows, same: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Ranks from 1 of the best right one in each row; ties count against it."""
    best = np.where(same, scores, -np.inf).max(1, keepdims=True)
    found: NDArray[np.int64] = 1 + (~same & (scores >= best)).sum(1)
    return found


def words(model: EntityCLIP, pieces: Pieces, held: Held, batch: dict[str, Tensor]) -> Figure:
    """Which words of an explanation the experts look at, asked by the caption."""
    title = "What experts read of explanations"
    bank = model.mmae.shared_bank if isinstance(model.mmae, Mmae) else None
    there = np.flatnonzero(held.explained)
    if bank is None or not len(there):
        why = "no held-out caption has an explanation" if bank else "no expert reads explanations"
        return Figure("read-words", title, f"In this run {why}.")
    rows = [int(there[at]) for at in evenly(len(there), READ)]
    asking: Tokens = model.read(batch["tokens"][rows])
    ids = batch["explanations"][rows]
    told = model.read(ids)
    looked = bank.attention(asking.first, told.rows, told.keep).mean(1).numpy()  # (n, T)
    ends = ids.argmax(-1).tolist()
    across = max(ends) - 1
    values, texts = np.full((len(rows), max(1, across)), np.nan), []
    for row, end in enumerate(ends):
        values[row, : end - 1] = looked[row, 1:end]
        texts.append([_word(pieces, one) for one in ids[row, 1:end].tolist()])
    return Figure(
        "read-words",
        title,
        "Each row is an explanation, piece by piece, and before it the caption that asks; a cell "
        "is the darker the more the explanation experts look at it, on the average over the "
        "experts. The captions are evenly spaced among all that have an explanation.",
        drawing.cells(values, texts, [held.pairs[at].caption for at in rows], "attention"),
    )


def _word(pieces: Pieces, token: int) -> str:
    return str(pieces.id_to_token(token) or "?").replace("</w>", "")
