"""How well an encoder answers a retrieval task: mAP and R@K over the whole gallery.

The score of a picture for a query is the dot product of their unit vectors (papers/FDP section 3:
the published scores only scale it and take a softmax, which changes no rank). Ties count against
us, and pictures that could not be decoded come last, so that a lucky order never helps.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from sightread.errors import SightreadError, UsageError
from sightread.lab.encoding import BATCH, ProgressCallback, checked, encode_gallery
from sightread.lab.vectorcache import VectorCache
from sightread.metrics import average_precision_of_ranks, hit_at_k_of_ranks, ranks_of_relevant
from sightread.protocols import DualEncoder
from sightread.tasks import RetrievalTask
from sightread.types import Vectors

QUERY_CHUNK = 64
KS = (1, 5, 10)


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What came out. All qualities are in [0, 1].

    `map` is the mean AP over all queries, `map_by_group` over those of each group; `hit_at_k` is K
    -> share of queries with a relevant picture among the first K (printed R@K);
    `average_precision` is query id -> AP. `missing` is picture id -> why it could not be encoded;
    these pictures rank last. `cached` vectors were known from an earlier run; `pictures_per_s`
    counts the others, decoding included (0.0 if there were none); `seconds` is the whole run.
    """

    task: str
    encoder: str
    revision: str
    map: float
    map_by_group: dict[str, float]
    hit_at_k: dict[int, float]
    average_precision: dict[str, float]
    queries: int
    pictures: int
    missing: dict[str, str] = field(default_factory=dict)
    cached: int = 0
    pictures_per_s: float = 0.0
    seconds: float = 0.0


def evaluate(
    encoder: DualEncoder,
    task: RetrievalTask,
    *,
    batch: int = BATCH,
    workers: int = 1,
    query_chunk: int = QUERY_CHUNK,
    ks: Sequence[int] = KS,
    cache: str | os.PathLike[str] | None = None,
    progress: ProgressCallback | None = None,
) -> Evaluation:
    """Rank the whole gallery for every query.

    Args:
        encoder: makes the vectors.
        task: queries, gallery and what is relevant.
        batch: pictures per call of the encoder.
        workers: calls of the encoder at once, each in a thread of its own.
        query_chunk: queries scored at once; a chunk takes `query_chunk` x N x 13 bytes.
        ks: the K of R@K.
        cache: folder where vectors are kept, so that a stopped run goes on; None: nowhere.
        progress: called after every picture.

    Raises:
        ValueError: a number below 1, or a task that contradicts itself.
        SightreadError: no picture can be used, memory is out, the encoder breaks its promise, or
            the cache cannot be written.
    """
    if query_chunk < 1 or any(k < 1 for k in ks):
        raise ValueError(f"query_chunk {query_chunk} and all of ks {tuple(ks)} must be 1 or more")
    columns = _columns(task)
    began = time.monotonic()
    known = VectorCache(cache, encoder.spec) if cache is not None else None
    gallery = encode_gallery(
        encoder, task, batch=batch, workers=workers, cache=known, progress=progress
    )
    if len(gallery.missing) == len(task.gallery):
        reason = next(iter(gallery.missing.values()))
        raise SightreadError(f"None of the {len(task.gallery)} pictures can be used: {reason}.")
    absent = np.array([picture in gallery.missing for picture in task.gallery], dtype=bool)
    ranks: dict[str, NDArray[np.int64]] = {}
    for ids, scores in _score_rows(encoder, task, gallery.vectors, query_chunk):
        scores[:, absent] = -np.inf
        for query, row in zip(ids, scores, strict=True):
            relevant = np.zeros(len(row), dtype=bool)
            relevant[[columns[picture] for picture in task.qrels[query]]] = True
            ranks[query] = ranks_of_relevant(row, relevant)
    precisions = {query: average_precision_of_ranks(found) for query, found in ranks.items()}
    encoded = len(task.gallery) - gallery.cached - len(gallery.missing)
    return Evaluation(
        task=task.name,
        encoder=encoder.spec.name or encoder.spec.space,
        revision=encoder.spec.revision,
        map=float(np.mean(list(precisions.values()))),
        map_by_group=_by_group(precisions, task.groups),
        hit_at_k={k: float(np.mean([hit_at_k_of_ranks(r, k) for r in ranks.values()])) for k in ks},
        average_precision=precisions,
        queries=len(ranks),
        pictures=len(task.gallery),
        missing=gallery.missing,
        cached=gallery.cached,
        pictures_per_s=encoded / max(gallery.seconds, 1e-9),
        seconds=time.monotonic() - began,
    )


def first_pictures(task: RetrievalTask, count: int) -> RetrievalTask:
    """The task on the first pictures of its gallery alone, with the queries that they answer: for a
    quick try, comparable with nothing.

    Raises:
        UsageError: these pictures answer no query.
    """
    gallery = task.gallery[:count]
    there = frozenset(gallery)
    qrels = {query: right & there for query, right in task.qrels.items() if right & there}
    if not qrels:
        raise UsageError(f"The first {count} pictures of {task.name} answer none of its queries.")
    queries = {query: task.queries[query] for query in qrels}
    return replace(task, queries=queries, gallery=gallery, qrels=qrels)


def _columns(task: RetrievalTask) -> dict[str, int]:
    """Picture id -> its place in the gallery, once the task is known to be sound."""
    columns = {picture: at for at, picture in enumerate(task.gallery)}
    if len(columns) != len(task.gallery):
        raise ValueError(f"task {task.name}: a picture is in the gallery twice")
    if not task.queries:
        raise ValueError(f"task {task.name}: it has no queries")
    for query in task.queries:
        relevant = task.qrels.get(query, frozenset())
        if not relevant or not relevant <= columns.keys():
            strange = ", ".join(sorted(relevant - columns.keys())[:3]) or "nothing"
            raise ValueError(f"task {task.name}: for query {query!r} relevant is {strange}")
    return columns


def _score_rows(
    encoder: DualEncoder, task: RetrievalTask, gallery: Vectors, chunk: int
) -> Iterator[tuple[list[str], NDArray[np.float32]]]:
    """Some query ids at a time and their scores, (chunk, N)."""
    # Equal vectors must get equal scores, or luck decides what should be a tie. The sum over D
    # depends in its last bits on where in the matrix a row stands; in double precision and rounded
    # to single precision it does not any more.
    columns = gallery.astype(np.float64).T  # (D, N)
    ids = list(task.queries)
    for first in range(0, len(ids), chunk):
        some = ids[first : first + chunk]
        found = encoder.encode_texts([task.queries[query] for query in some])
        texts = checked(found, len(some), encoder)
        yield some, (texts.astype(np.float64) @ columns).astype(np.float32)


def _by_group(precisions: Mapping[str, float], groups: Mapping[str, str]) -> dict[str, float]:
    names = sorted({groups[query] for query in precisions if query in groups})
    return {
        name: float(np.mean([ap for query, ap in precisions.items() if groups.get(query) == name]))
        for name in names
    }
