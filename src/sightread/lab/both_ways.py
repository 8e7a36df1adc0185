"""How well an encoder matches pictures and captions, in both directions: R@K, median and mean rank.

Every caption has one picture and every picture one caption (papers/entityclip section 8). The score
is the dot product of unit vectors. Ties count against us, pictures that could not be decoded rank
last and, as queries, find nothing: a lucky order never helps.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from sightread.errors import SightreadError
from sightread.lab.encoding import BATCH, ProgressCallback, checked, encode_gallery
from sightread.lab.evaluate import KS, QUERY_CHUNK
from sightread.lab.vectorcache import VectorCache
from sightread.protocols import DualEncoder
from sightread.tasks import RetrievalTask
from sightread.text import fold
from sightread.types import Vectors

Ranks = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Direction:
    """One direction. Shares are in [0, 1], ranks count from 1.

    Attributes:
        hit_at_k: K -> share of queries whose answer is among the first K (printed R@K).
        same_text: the same if any pair with the same caption counts as the answer; it differs from
            `hit_at_k` where captions occur twice.
        by_group: group -> K -> share.
        tied: share of queries whose answer has the score of another one.
    """

    hit_at_k: dict[int, float]
    same_text: dict[int, float]
    by_group: dict[str, dict[int, float]]
    median_rank: float
    mean_rank: float
    tied: float


@dataclass(frozen=True, slots=True)
class BothWays:
    """What came out. `missing` is picture id -> why it could not be encoded. `cached` vectors were
    known; `pictures_per_s` counts the others. `told` is how many captions were asked together with
    an explanation."""

    task: str
    encoder: str
    revision: str
    text_to_image: Direction
    image_to_text: Direction
    pairs: int
    told: int = 0
    missing: dict[str, str] = field(default_factory=dict)
    cached: int = 0
    pictures_per_s: float = 0.0
    seconds: float = 0.0


def evaluate_both_ways(
    encoder: DualEncoder,
    task: RetrievalTask,
    *,
    told: Mapping[str, str] | None = None,
    batch: int = BATCH,
    workers: int = 1,
    ks: Sequence[int] = KS,
    cache: str | os.PathLike[str] | None = None,
    progress: ProgressCallback | None = None,
) -> BothWays:
    """Rank all pictures for every caption, and all captions for every picture.

    Args:
        task: with one relevant picture for each query, another one for each.
        told: query id -> explanation, where there is one: the query is then t + e, the sum of the
            unit vectors of caption and explanation (section 12.3).
        batch, workers, ks, cache, progress: as for `evaluate.evaluate`.

    Raises:
        ValueError: the task has not one picture for each query.
        SightreadError: no picture can be used, memory is out, the encoder breaks its promise, or
            the cache cannot be written.
    """
    order = _answers(task)
    began = time.monotonic()
    known = VectorCache(cache, encoder.spec) if cache is not None else None
    gallery = encode_gallery(
        encoder, task, batch=batch, workers=workers, cache=known, progress=progress
    )
    if len(gallery.missing) == len(task.gallery):
        reason = next(iter(gallery.missing.values()))
        raise SightreadError(f"None of the {len(task.gallery)} pictures can be used: {reason}.")
    asked = {name: text for name, text in (told or {}).items() if text.strip()}
    texts, images = query_vectors(encoder, task.queries, asked), gallery.vectors[order]
    absent = np.array([picture in gallery.missing for picture in task.gallery])[order]
    groups = [task.groups.get(query, "") for query in task.queries]
    same = _numbers([fold(text) for text in task.queries.values()])
    here = np.zeros(len(absent), bool)
    encoded = len(task.gallery) - gallery.cached - len(gallery.missing)
    return BothWays(
        task=task.name,
        encoder=encoder.spec.name or encoder.spec.space,
        revision=encoder.spec.revision,
        text_to_image=_direction(find_ranks(texts, images, same, here, absent), groups, ks),
        image_to_text=_direction(find_ranks(images, texts, same, absent, here), groups, ks),
        pairs=len(order),
        told=len(asked),
        missing=gallery.missing,
        cached=gallery.cached,
        pictures_per_s=encoded / max(gallery.seconds, 1e-9),
        seconds=time.monotonic() - began,
    )


def _answers(task: RetrievalTask) -> NDArray[np.int64]:
    """For each query the place of its picture in the gallery."""
    places = {picture: at for at, picture in enumerate(task.gallery)}
    found = [sorted(task.qrels[query]) for query in task.queries]
    if any(len(one) != 1 or one[0] not in places for one in found):
        raise ValueError(f"task {task.name}: a query has other than one picture")
    order = np.array([places[one[0]] for one in found], np.int64)
    if len(set(order.tolist())) != len(task.gallery) or len(order) != len(task.gallery):
        raise ValueError(f"task {task.name}: queries and pictures are not one to one")
    return order


def query_vectors(
    encoder: DualEncoder, texts: Mapping[str, str], told: Mapping[str, str]
) -> Vectors:
    """Unit vectors of texts, (n, D), each with its explanation added where there is one."""
    vectors = checked(encoder.encode_texts(list(texts.values())), len(texts), encoder)
    rows = [at for at, name in enumerate(texts) if name in told]
    if not rows:
        return vectors
    explained = [told[name] for name in texts if name in told]
    added = vectors[rows] + checked(encoder.encode_texts(explained), len(rows), encoder)
    lengths = np.linalg.norm(added, axis=1, keepdims=True)
    fused: Vectors = vectors.copy()
    fused[rows] = added / np.maximum(lengths, 1e-12)
    return fused


@dataclass(frozen=True, slots=True)
class Found:
    """Ranks of the answers, (n,): of the own one, of the best one with the same text, and whether
    another one has the score of the own."""

    own: Ranks
    same: Ranks
    tied: NDArray[np.bool_]


def find_ranks(
    queries: Vectors,
    gallery: Vectors,
    same: NDArray[np.int64],
    lost_queries: NDArray[np.bool_],
    lost: NDArray[np.bool_],
) -> Found:
    """Query i belongs to item i.

    Args:
        queries, gallery: (n, D) unit rows.
        same: (n,) equal numbers for pairs with the same text.
        lost_queries: (n,) queries without a vector; they rank last.
        lost: (n,) items without a vector; they come last.
    """
    # In double precision and rounded, so that equal vectors get equal scores (`lab.evaluate`).
    columns = gallery.astype(np.float64).T
    own, best, tied = [], [], []
    for first in range(0, len(queries), QUERY_CHUNK):
        rows = slice(first, first + QUERY_CHUNK)
        scores = (queries[rows].astype(np.float64) @ columns).astype(np.float32)
        scores[:, lost] = -np.inf
        scores[lost_queries[rows]] = -np.inf
        mine = scores[np.arange(len(scores)), np.arange(first, first + len(scores))][:, None]
        own.append((scores >= mine).sum(1))  # itself is one of them
        tied.append((scores == mine).sum(1) > 1)
        right = same[rows, None] == same
        top = np.where(right, scores, -np.inf).max(1, keepdims=True)
        best.append(1 + (np.where(right, -np.inf, scores) >= top).sum(1) - _hidden(right, top))
    return Found(np.concatenate(own), np.concatenate(best), np.concatenate(tied))


def _hidden(right: NDArray[np.bool_], top: NDArray[np.float32]) -> Ranks:
    """Right items count as wrong ones only where everything is -inf; take them off again."""
    hidden: Ranks = np.where(np.isneginf(top[:, 0]), right.sum(1), 0)
    return hidden


def _direction(found: Found, groups: Sequence[str], ks: Sequence[int]) -> Direction:
    named = sorted(set(groups) - {""})
    members = {name: np.array([one == name for one in groups]) for name in named}
    return Direction(
        hit_at_k=_hits(found.own, ks),
        same_text=_hits(found.same, ks),
        by_group={name: _hits(found.own[rows], ks) for name, rows in members.items()},
        median_rank=float(np.median(found.own)),
        mean_rank=float(found.own.mean()),
        tied=float(found.tied.mean()),
    )


def _hits(ranks: Ranks, ks: Sequence[int]) -> dict[int, float]:
    return {k: float((ranks <= k).mean()) for k in ks}


def _numbers(names: Sequence[str]) -> NDArray[np.int64]:
    known = {name: at for at, name in enumerate(dict.fromkeys(names))}
    return np.array([known[name] for name in names], np.int64)
