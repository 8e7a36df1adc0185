"""Vectors of pictures: a LanceDB table for each encoder, and exact search among them.

A process that asks once reads the vectors from the disk as a stream, in little memory; one that
keeps asking holds them as one matrix. Both give the same hits to the last bit.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from sightread.store.postings import among
from sightread.store.rows import area_of
from sightread.types import ImageEmbedding, PictureId, VectorHits, Vectors

VECTOR_COLUMNS = ["picture", "vector"]
HELD_AFTER = 2
"""Vectors are held from this question to one version of a table on: loading them takes hardly
longer than looking through them on the disk once."""
HELD_BYTES = 4 << 30
"""Tables with more are not held: two million pictures in 512 dimensions. They are looked through
on the disk, exactly as well and at the speed of the disk."""

ROWS_AT_ONCE = 16_384
HELD_ROWS_AT_ONCE = 1 << 20
_RESCORED_AT_ONCE = 4_096
_NUMBERS_PER_AREA = 9

_Held = TypeVar("_Held")
"""A `Matrix`, or `regions.HeldRegions`; a table has always the same."""

Part = tuple[NDArray[np.int64], Vectors]
"""Ids (n,) and their vectors (n, D)."""


# --- rows -------------------------------------------------------------------------------------


def vector_schema(dim: int) -> Any:
    """The columns of a table of vectors; each area is eight coordinates and a confidence."""
    return pa.schema(
        [
            pa.field("picture", pa.int64(), nullable=False),
            pa.field("vector", pa.list_(pa.float32(), dim), nullable=False),
            pa.field("areas", pa.list_(pa.float32())),
        ]
    )


def vector_rows(embeddings: Mapping[PictureId, ImageEmbedding], dim: int) -> Any:
    """Rows of a table of vectors, a pyarrow Table."""
    vectors = np.zeros((len(embeddings), dim), dtype=np.float32)
    for row, embedding in enumerate(embeddings.values()):
        vectors[row] = embedding.vector
    areas = [
        [float(x) for area in one.areas for x in (*sum(area.box, ()), area.confidence)]
        for one in embeddings.values()
    ]
    columns = [
        pa.array(embeddings.keys(), pa.int64()),
        pa.FixedSizeListArray.from_arrays(pa.array(vectors.ravel()), dim),
        pa.array(areas, pa.list_(pa.float32())),
    ]
    return pa.Table.from_arrays(columns, schema=vector_schema(dim))


def read_embeddings(rows: Any) -> Iterator[tuple[PictureId, ImageEmbedding]]:
    """What `vector_rows` was given, from a pyarrow Table."""
    for batch in rows.to_batches():
        ids, vectors = part_of(batch)
        for picture, vector, numbers in zip(
            ids.tolist(), vectors, batch.column("areas").to_pylist(), strict=True
        ):
            starts = range(0, len(numbers), _NUMBERS_PER_AREA)
            areas = tuple(area_of(numbers[i : i + _NUMBERS_PER_AREA]) for i in starts)
            yield picture, ImageEmbedding(vector.copy(), areas)


def part_of(batch: Any) -> Part:
    """Ids and vectors of a pyarrow RecordBatch, sharing its memory where they can."""
    column = batch.column("vector")
    vectors = column.flatten().to_numpy(zero_copy_only=False)
    return batch.column("picture").to_numpy(), vectors.reshape(len(column), -1)


# --- search -----------------------------------------------------------------------------------


def nearest(
    parts: Iterable[Part], queries: Vectors, k: int, allowed: NDArray[np.int64] | None
) -> list[VectorHits]:
    """For each query the k best pictures of `parts`, exactly.

    Scores are computed in float32 to find candidates, and again in float64, row by row, for the
    candidates: what BLAS makes of a row depends on the rows around it, so that equal vectors would
    not tie.

    Args:
        queries: (n, D) unit rows.
        allowed: ids of the pictures that count, ascending; None: all.
    """
    best = [VectorHits(np.zeros(0, np.int64), np.zeros(0, np.float32)) for _ in queries]
    for ids, vectors in parts:
        if allowed is not None:
            kept = np.flatnonzero(among(ids, allowed))
            ids, vectors = ids[kept], vectors[kept]
        if not len(ids):
            continue
        for number, query in enumerate(queries):
            best[number] = _merged(best[number], query, (ids, vectors), k)
    return best


def _merged(best: VectorHits, query: NDArray[np.float32], part: Part, k: int) -> VectorHits:
    ids, vectors = part
    scores = vectors @ query
    least = float(best.score[-1]) if len(best) == k else -np.inf
    if len(scores) > k:
        least = max(least, float(np.partition(scores, len(scores) - k)[-k]))
    # A sum of D products of unit vectors is off by D * 2^-24 at most, whatever its order.
    doubt = 3 * len(query) * 2.0**-24
    rows = np.flatnonzero(scores >= least - doubt)
    found = np.concatenate([best.picture, ids[rows]])
    exact = np.concatenate([best.score, _exact(vectors, rows, query)])
    order = np.lexsort((found, -exact))[:k]
    return VectorHits(found[order], exact[order])


def _exact(
    vectors: Vectors, rows: NDArray[np.int64], query: NDArray[np.float32]
) -> NDArray[np.float32]:
    wide = query.astype(np.float64)
    scores = np.zeros(len(rows), dtype=np.float32)
    for start in range(0, len(rows), _RESCORED_AT_ONCE):
        some = vectors[rows[start : start + _RESCORED_AT_ONCE]].astype(np.float64)
        scores[start : start + len(some)] = (some * wide).sum(axis=1)
    return scores


# --- in memory --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Matrix:
    """All vectors of one version of a table: `ids` (n,) and `vectors` (n, D), as they come;
    `order` sorts the ids."""

    ids: NDArray[np.int64]
    vectors: Vectors
    order: NDArray[np.int64]

    @classmethod
    def of(cls, batches: Iterable[Any], rows: int, dim: int) -> Matrix:
        """Fill a matrix from pyarrow RecordBatches with `rows` rows in all."""
        ids = np.empty(rows, dtype=np.int64)
        vectors = np.empty((rows, dim), dtype=np.float32)
        at = 0
        for batch in batches:
            some, theirs = part_of(batch)
            ids[at : at + len(some)] = some
            vectors[at : at + len(some)] = theirs
            at += len(some)
        return cls(ids, vectors, np.argsort(ids, kind="stable"))

    def parts(self, allowed: NDArray[np.int64] | None) -> Iterator[Part]:
        """All rows, in pieces; if `allowed` (ascending) are few, only theirs."""
        ids, vectors = self.ids, self.vectors
        if allowed is not None and len(allowed) < len(ids) / 4:
            place = np.searchsorted(ids, allowed, sorter=self.order)
            inside = place < len(ids)
            rows = self.order[place[inside]]
            rows = rows[ids[rows] == allowed[inside]]
            ids, vectors = ids[rows], vectors[rows]
        for start in range(0, len(ids), HELD_ROWS_AT_ONCE):
            stop = start + HELD_ROWS_AT_ONCE
            yield ids[start:stop], vectors[start:stop]


class Matrices:
    """The matrices that a store holds, one for each table. May be used by several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._held: dict[str, tuple[int, int, Any]] = {}

    def get(
        self, table: str, version: int, size_bytes: int, load: Callable[[], _Held]
    ) -> _Held | None:
        """The vectors of this version of a table, loaded when there were questions enough; None
        before, and for a table that is too large to be held."""
        with self._lock:
            matrix: _Held | None
            known, questions, matrix = self._held.get(table, (version, 0, None))
            if known != version:
                # Released before the next one is loaded, so that there are never two.
                questions, matrix = 0, None
                self._held[table] = (version, 0, None)
            questions += 1
            if matrix is None and questions >= HELD_AFTER and size_bytes <= HELD_BYTES:
                matrix = load()
            self._held[table] = (version, questions, matrix)
            return matrix

    def keep(self, tables: Iterable[str]) -> None:
        """Release what belongs to other tables than these."""
        with self._lock:
            for table in self._held.keys() - set(tables):
                del self._held[table]
