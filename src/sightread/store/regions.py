"""Vectors of regions: rows grouped by picture, the best region of each picture counts.

A vector of D numbers is kept as D bytes and one factor, so that the words of a picture with eight
of them take 8 * (128 + 16) = 1,152 bytes; the cosine of two words changes by less than 0.005 by
that. As with vectors of pictures, who asks once streams them from the disk, and who keeps asking
holds them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from sightread.regions import RegionHits
from sightread.store.postings import among
from sightread.store.signs import Signs
from sightread.types import PictureRecord, Vectors

REGION_VECTOR_COLUMNS = ["picture", "ordinal", "vector", "scale"]
READ_COLUMNS = ["picture", "ordinal", "line", "box", "confidence", "text"]
SIGNS_FROM = 20_000
"""Fewer vectors are all scored; for more it is first looked which of them can be good enough."""

_LARGEST = 127
_SCORED_AT_ONCE = 8_192
_LOOSE = 20
"""When there are so many more candidates than pictures wanted, the best of them are scored first
to see how good is good enough."""


@dataclass(frozen=True, slots=True)
class Part:
    """Some regions with a vector: `picture` (n,), `ordinal` (n,), and their vectors as `codes`
    (n, D) times `scale` (n,)."""

    picture: NDArray[np.int64]
    ordinal: NDArray[np.int32]
    codes: NDArray[np.int8]
    scale: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.picture)

    def take(self, rows: NDArray[np.int64] | NDArray[np.bool_] | slice) -> Part:
        return Part(self.picture[rows], self.ordinal[rows], self.codes[rows], self.scale[rows])


# --- rows -------------------------------------------------------------------------------------


def region_vector_schema(dim: int) -> Any:
    """The columns of a table of vectors of regions."""
    return pa.schema(
        [
            pa.field("picture", pa.int64(), nullable=False),
            pa.field("ordinal", pa.int32(), nullable=False),
            pa.field("vector", pa.list_(pa.int8(), dim), nullable=False),
            pa.field("scale", pa.float32(), nullable=False),
        ]
    )


def region_vector_rows(records: Sequence[PictureRecord], dim: int) -> Any:
    """Rows for all regions that have a vector, a pyarrow Table."""
    rows = [
        (record.id, ordinal, region.vector)
        for record in records
        for ordinal, region in enumerate(record.regions)
        if region.vector is not None
    ]
    vectors = np.array([vector for _, _, vector in rows], dtype=np.float32).reshape(-1, dim)
    codes, scale = rounded(vectors)
    columns = [
        pa.array([picture for picture, _, _ in rows], pa.int64()),
        pa.array([ordinal for _, ordinal, _ in rows], pa.int32()),
        pa.FixedSizeListArray.from_arrays(pa.array(codes.ravel()), dim),
        pa.array(scale),
    ]
    return pa.Table.from_arrays(columns, schema=region_vector_schema(dim))


def rounded(vectors: Vectors) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """(n, D) -> whole numbers from -127 to 127 and (n,) what one of them stands for."""
    largest = np.abs(vectors).max(axis=1, initial=0.0)
    scale = (np.where(largest > 0, largest, 1.0) / _LARGEST).astype(np.float32)
    return np.rint(vectors / scale[:, None]).astype(np.int8), scale


def region_part(batch: Any) -> Part:
    """The regions of a pyarrow RecordBatch, sharing its memory where they can."""
    column = batch.column("vector")
    codes = column.flatten().to_numpy(zero_copy_only=False).reshape(len(column), -1)
    picture, ordinal, scale = (
        batch.column(name).to_numpy(zero_copy_only=False)
        for name in ("picture", "ordinal", "scale")
    )
    return Part(picture, ordinal, codes, scale)


# --- search -----------------------------------------------------------------------------------


@dataclass(slots=True)
class Wanted:
    """What is looked for: the best `k` pictures, those of `allowed` (ascending; None: all), whose
    score is at least `least`."""

    k: int
    allowed: NDArray[np.int64] | None = None
    least: float = -np.inf


def nearest_regions(parts: Iterable[Part], queries: Vectors, wanted: Wanted) -> list[RegionHits]:
    """For each query the best pictures of `parts`, exactly; a picture may lie in several parts."""
    best = [_NONE for _ in queries]
    for part in parts:
        if wanted.allowed is not None:
            part = part.take(among(part.picture, wanted.allowed))
        for number, query in enumerate(queries):
            best[number] = _merged(best[number], part, query, wanted)
    return best


def _merged(best: RegionHits, part: Part, query: NDArray[np.float32], wanted: Wanted) -> RegionHits:
    """Scores are computed in float32 to find candidates and again in float64 for them: what BLAS
    makes of a row depends on the rows around it, so that equal vectors would not tie."""
    if not len(part):
        return best
    scores = _scores(part, query)
    least = _good_enough(scores, part.picture, wanted)
    if len(best) == wanted.k:
        least = max(least, float(best.score[-1]))
    rows = np.flatnonzero(scores >= least - _doubt(query))
    exact = _exact(part.take(rows), query)
    kept = exact >= np.float32(wanted.least)
    rows, exact = rows[kept], exact[kept]
    return _best(
        np.concatenate([best.picture, part.picture[rows]]),
        np.concatenate([best.ordinal, part.ordinal[rows]]),
        np.concatenate([best.score, exact]),
        wanted.k,
    )


def _doubt(query: NDArray[np.float32]) -> float:
    """A sum of D products of unit vectors is off by D * 2^-24 at most, whatever its order; those
    that were rounded are a little longer or shorter than one."""
    return 4 * len(query) * 2.0**-24


def _scores(part: Part, query: NDArray[np.float32]) -> NDArray[np.float32]:
    scores = np.empty(len(part), dtype=np.float32)
    for start in range(0, len(part), _SCORED_AT_ONCE):
        some = slice(start, start + _SCORED_AT_ONCE)
        np.dot(part.codes[some].astype(np.float32), query, out=scores[some])
    scores *= part.scale
    return scores


def _good_enough(scores: NDArray[np.float32], picture: NDArray[np.int64], wanted: Wanted) -> float:
    """What the k-th best picture scores, or the least that is wanted if there are fewer."""
    k, few = wanted.k, 4 * wanted.k
    if len(scores) <= k:
        return wanted.least
    some = np.argpartition(scores, -few)[-few:] if len(scores) > few else np.arange(len(scores))
    kth = _kth(scores[some], picture[some], k)
    if kth is None and len(some) < len(scores):  # pictures with many words that are all good
        kth = _kth(scores, picture, k)
    return wanted.least if kth is None else max(wanted.least, kth)


def _kth(scores: NDArray[np.float32], picture: NDArray[np.int64], k: int) -> float | None:
    """What the k-th best picture scores; None if there are fewer."""
    order = np.argsort(-scores, kind="stable")
    firsts = np.sort(np.unique(picture[order], return_index=True)[1])
    return float(scores[order[firsts[k - 1]]]) if len(firsts) >= k else None


def _exact(part: Part, query: NDArray[np.float32]) -> NDArray[np.float32]:
    wide = query.astype(np.float64)
    scores = np.zeros(len(part), dtype=np.float32)
    for start in range(0, len(part), _SCORED_AT_ONCE):
        some = slice(start, start + _SCORED_AT_ONCE)
        products = (part.codes[some].astype(np.float64) * wide).sum(axis=1)
        scores[some] = products * part.scale[some].astype(np.float64)
    return scores


def _best(
    picture: NDArray[np.int64], ordinal: NDArray[np.int32], score: NDArray[np.float32], k: int
) -> RegionHits:
    """The k best pictures, each by its best region, the first one of equals."""
    order = np.lexsort((ordinal, picture, -score))
    firsts = np.sort(np.unique(picture[order], return_index=True)[1])[:k]
    kept = order[firsts]
    return RegionHits(picture[kept], ordinal[kept], score[kept])


_NONE = RegionHits(np.zeros(0, np.int64), np.zeros(0, np.int32), np.zeros(0, np.float32))


def as_read(hits: RegionHits, rows: Sequence[Any]) -> RegionHits:
    """The hits with what was read there, from pyarrow Tables of regions with READ_COLUMNS."""
    wanted = set(zip(hits.picture.tolist(), hits.ordinal.tolist(), strict=True))
    found: dict[tuple[int, int], tuple[Any, ...]] = {}
    for table in rows:
        keys = zip(table["picture"].to_pylist(), table["ordinal"].to_pylist(), strict=True)
        places = [at for at, key in enumerate(keys) if key in wanted]
        some = table.take(places)
        columns = (some[name].to_pylist() for name in READ_COLUMNS)
        for picture, ordinal, *rest in zip(*columns, strict=True):
            found[picture, ordinal] = tuple(rest)
    ordered = [found[key] for key in zip(hits.picture.tolist(), hits.ordinal.tolist(), strict=True)]
    nowhere = [np.nan] * 8
    boxes = np.array([nowhere if box is None else box for _, box, _, _ in ordered], np.float32)
    return replace(
        hits,
        line=np.array([line for line, _, _, _ in ordered], np.int32),
        boxes=boxes.reshape(-1, 4, 2),
        confidence=np.array([sure for _, _, sure, _ in ordered], np.float32),
        text=tuple(text for _, _, _, text in ordered),
    )


# --- in memory --------------------------------------------------------------------------------


class HeldRegions:
    """All vectors of one version of a table, ordered by picture, with their signs if they are
    many. May be used by several threads."""

    def __init__(self, part: Part) -> None:
        self._part = part.take(np.lexsort((part.ordinal, part.picture)))
        many = len(part) >= SIGNS_FROM
        self._signs = Signs(self._part.codes, self._part.scale) if many else None

    @classmethod
    def of(cls, batches: Iterable[Any], rows: int, dim: int) -> HeldRegions:
        """From pyarrow RecordBatches with `rows` rows in all."""
        whole = Part(
            np.empty(rows, np.int64),
            np.empty(rows, np.int32),
            np.empty((rows, dim), np.int8),
            np.empty(rows, np.float32),
        )
        at = 0
        for some in map(region_part, batches):
            place = slice(at, at + len(some))
            whole.picture[place], whole.ordinal[place] = some.picture, some.ordinal
            whole.codes[place], whole.scale[place] = some.codes, some.scale
            at += len(some)
        return cls(whole)

    def nearest(self, queries: Vectors, wanted: Wanted) -> list[RegionHits]:
        """As `nearest_regions`, but that for many vectors one in about 20,000 of those that just
        reach what is wanted is missed (`signs.SURE`)."""
        if self._signs is None:
            return nearest_regions([self._part], queries, wanted)
        if wanted.allowed is not None and len(wanted.allowed) < len(self._part) / 64:
            return nearest_regions([self._of(wanted.allowed)], queries, wanted)
        return [self._nearest_one(self._signs, query, wanted) for query in queries]

    def _of(self, pictures: NDArray[np.int64]) -> Part:
        starts = np.searchsorted(self._part.picture, pictures, side="left")
        stops = np.searchsorted(self._part.picture, pictures, side="right")
        spans = [np.arange(a, b) for a, b in zip(starts, stops, strict=True) if a < b]
        return self._part.take(np.concatenate([np.zeros(0, np.int64), *spans]))

    def _nearest_one(self, signs: Signs, query: NDArray[np.float32], wanted: Wanted) -> RegionHits:
        most = signs.most(query)
        rows = np.flatnonzero(most >= wanted.least)
        if wanted.allowed is not None:
            rows = rows[among(self._part.picture[rows], wanted.allowed)]
        least = wanted.least
        if len(rows) > _LOOSE * wanted.k:
            some = np.argpartition(most[rows], -4 * wanted.k)[-4 * wanted.k :]
            few = self._part.take(rows[some])
            good = _good_enough(_scores(few, query), few.picture, wanted)
            least = max(least, good - _doubt(query))
            rows = rows[most[rows] >= least]
        inner = Wanted(wanted.k, None, least)
        [hits] = nearest_regions(self._candidates(rows), query[None], inner)
        return hits

    def _candidates(self, rows: NDArray[np.int64]) -> Iterator[Part]:
        # In pieces, which bounds the memory when nearly everything is a candidate.
        step = 64 * _SCORED_AT_ONCE
        for start in range(0, len(rows), step):
            yield self._part.take(rows[start : start + step])
