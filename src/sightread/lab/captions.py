"""How well an encoder matches pictures with several captions each, in both directions
(papers/hopid section 4).

A caption looks for its picture among all, a picture for any of its captions among all. **A tie
counts half**: rank = 1 + wrong ones ahead + half of the wrong ones with the same score, so that an
encoder that gives everything one vector is as good as chance, not perfect. A score that is not a
number is an error. Pictures that could not be decoded rank last and, as queries, find nothing.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from sightread.errors import SightreadError
from sightread.lab.encoding import BATCH, FindWords, ProgressCallback, checked, encode_gallery
from sightread.lab.evaluate import KS, QUERY_CHUNK
from sightread.lab.vectorcache import VectorCache
from sightread.protocols import DualEncoder
from sightread.tasks import RetrievalTask
from sightread.types import Vectors

Ranks = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Way:
    """One direction. Shares are in [0, 1], ranks count from 1 and may end in .5.

    Attributes:
        hit_at_k: K -> share of queries with a right answer among the first K (printed R@K).
        by_group: group -> K -> share.
        tied: share of queries whose best right answer has the score of a wrong one.
    """

    hit_at_k: dict[int, float]
    by_group: dict[str, dict[int, float]]
    median_rank: float
    tied: float


@dataclass(frozen=True, slots=True)
class CaptionEvaluation:
    """What came out. `r_sum` is the sum of all R@K of both directions in percent. `missing` is
    picture id -> why it could not be encoded; `cached` vectors were known, `pictures_per_s` counts
    the others."""

    text_to_image: Way
    image_to_text: Way
    r_sum: float
    missing: dict[str, str] = field(default_factory=dict)
    cached: int = 0
    pictures_per_s: float = 0.0
    seconds: float = 0.0


def evaluate_captions(
    encoder: DualEncoder,
    task: RetrievalTask,
    *,
    words: FindWords | None = None,
    batch: int = BATCH,
    workers: int = 1,
    ks: Sequence[int] = KS,
    cache: str | os.PathLike[str] | None = None,
    progress: ProgressCallback | None = None,
) -> CaptionEvaluation:
    """Rank all pictures for every caption, and all captions for every picture.

    Args:
        task: captions as queries, each with one relevant picture; a picture may have several.
        words: what was read in a picture, for an encoder that is a `ReadingEncoder`.
        batch, workers, ks, cache, progress: as for `evaluate.evaluate`.

    Raises:
        ValueError: a caption has not one picture of the gallery.
        SightreadError: no picture can be used, memory is out, the encoder breaks its promise, or
            the cache cannot be written.
    """
    owner = owners(task)
    began = time.monotonic()
    known = VectorCache(cache, encoder.spec) if cache is not None else None
    gallery = encode_gallery(
        encoder, task, batch=batch, workers=workers, cache=known, progress=progress, words=words
    )
    if len(gallery.missing) == len(task.gallery):
        reason = next(iter(gallery.missing.values()))
        raise SightreadError(f"None of the {len(task.gallery)} pictures can be used: {reason}.")
    found = checked(encoder.encode_texts(list(task.queries.values())), len(owner), encoder)
    lost = np.array([picture in gallery.missing for picture in task.gallery])
    ranked = rank_captions(gallery.vectors, found, owner, lost)
    groups = [task.groups.get(query, "") for query in task.queries]
    first: dict[int, str] = {}
    for picture, group in zip(owner.tolist(), groups, strict=True):
        first.setdefault(picture, group)
    asking = [first.get(picture, "") for picture in range(len(lost))]
    to_image = _way(*ranked.text_to_image, groups, ks)
    to_text = _way(*ranked.image_to_text, asking, ks)
    encoded = len(lost) - gallery.cached - len(gallery.missing)
    return CaptionEvaluation(
        text_to_image=to_image,
        image_to_text=to_text,
        r_sum=100 * sum([*to_image.hit_at_k.values(), *to_text.hit_at_k.values()]),
        missing=gallery.missing,
        cached=gallery.cached,
        pictures_per_s=encoded / max(gallery.seconds, 1e-9),
        seconds=time.monotonic() - began,
    )


def owners(task: RetrievalTask) -> NDArray[np.int64]:
    """For each caption the place of its picture in the gallery, (queries,)."""
    places = {picture: at for at, picture in enumerate(task.gallery)}
    found = []
    for query in task.queries:
        right = sorted(task.qrels[query])
        if len(right) != 1 or right[0] not in places:
            raise ValueError(f"task {task.name}: caption {query!r} has other than one picture")
        found.append(places[right[0]])
    return np.array(found, np.int64)


@dataclass(frozen=True, slots=True)
class Ranked:
    """Ranks of the best right answer, and whether it has the score of a wrong one: of captions
    (T,), and of pictures (N,)."""

    text_to_image: tuple[Ranks, NDArray[np.bool_]]
    image_to_text: tuple[Ranks, NDArray[np.bool_]]


def rank_captions(
    images: Vectors, texts: Vectors, owner: NDArray[np.int64], lost: NDArray[np.bool_]
) -> Ranked:
    """Both directions.

    Args:
        images: (N, D) unit rows; `lost` (N,) says which have none.
        texts: (T, D) unit rows; text t belongs to image `owner[t]`.

    Raises:
        SightreadError: a score is not a number.
    """
    every, pictures = np.arange(len(texts)), np.arange(len(images))
    to_image = _rows(
        texts, images, lambda rows: owner[rows, None] == pictures, lost[owner], lost, every
    )
    none = np.zeros(len(texts), bool)
    to_text = _rows(images, texts, lambda rows: rows[:, None] == owner, lost, none, pictures)
    return Ranked(to_image, to_text)


def _rows(
    queries: Vectors,
    gallery: Vectors,
    right_of: Callable[[NDArray[np.int64]], NDArray[np.bool_]],
    lost_queries: NDArray[np.bool_],
    lost: NDArray[np.bool_],
    order: NDArray[np.int64],
) -> tuple[Ranks, NDArray[np.bool_]]:
    # In double precision and rounded, so that equal vectors get equal scores (`lab.evaluate`).
    columns = gallery.astype(np.float64).T
    ranks, tied = np.empty(len(queries)), np.zeros(len(queries), bool)
    for at in range(0, len(queries), QUERY_CHUNK):
        rows = order[at : at + QUERY_CHUNK]
        scores = (queries[rows].astype(np.float64) @ columns).astype(np.float32)
        scores[:, lost] = -np.inf
        ranks[rows], tied[rows] = half_tied_ranks(scores, right_of(rows))
    # Who has no vector, or no right answer with one, comes behind everybody.
    ranks[lost_queries], tied[lost_queries] = len(gallery), False
    return ranks, tied


def half_tied_ranks(
    scores: NDArray[np.float32], right: NDArray[np.bool_]
) -> tuple[Ranks, NDArray[np.bool_]]:
    """Ranks from 1 of the best right answer of each row, (Q,), and whether it is tied.

    Args:
        scores: (Q, N); -inf for what cannot be found.
        right: (Q, N); at least one in each row.

    Raises:
        SightreadError: a score is not a number.
    """
    if np.isnan(scores).any():
        raise SightreadError(
            "A score is not a number, so that nothing can be ranked: `sightread models verify` "
            "checks the encoder's folder."
        )
    best = np.where(right, scores, -np.inf).max(1, keepdims=True)
    ahead = (~right & (scores > best)).sum(1)
    level = (~right & (scores == best)).sum(1)
    return 1 + ahead + 0.5 * level, level > 0


def _way(ranks: Ranks, tied: NDArray[np.bool_], groups: Sequence[str], ks: Sequence[int]) -> Way:
    named = sorted(set(groups) - {""})
    members = {name: np.array([one == name for one in groups]) for name in named}
    return Way(
        hit_at_k=_hits(ranks, ks),
        by_group={name: _hits(ranks[rows], ks) for name, rows in members.items()},
        median_rank=float(np.median(ranks)),
        tied=float(tied.mean()),
    )


def _hits(ranks: Ranks, ks: Sequence[int]) -> dict[int, float]:
    return {k: float((ranks <= k).mean()) for k in ks}
