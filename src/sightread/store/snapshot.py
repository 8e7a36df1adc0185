"""The reading side: one committed version of a library."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from sightread.errors import LibraryError
from sightread.regions import Owner, RegionHits, RegionSpaceInfo
from sightread.store.filters import ColumnName, id_list, mask
from sightread.store.manifest import FORMAT, Manifest, Space
from sightread.store.postings import (
    HELD_AFTER,
    HELD_REGIONS,
    HIT_COLUMNS,
    REGIONS_PER_QUESTION,
    Postings,
    among,
    exploded,
    hits,
)
from sightread.store.regions import (
    READ_COLUMNS,
    REGION_VECTOR_COLUMNS,
    HeldRegions,
    Wanted,
    as_read,
    nearest_regions,
    region_part,
)
from sightread.store.rows import (
    PICTURES,
    REGIONS,
    clean,
    picture_record,
    region_records,
    row_stamps,
)
from sightread.store.spaces import of_revision, serving
from sightread.store.tables import (
    SQL_LIST_LIMIT,
    Tables,
    chunked,
    has_any,
    one_of,
    scan,
)
from sightread.store.vectors import (
    ROWS_AT_ONCE,
    VECTOR_COLUMNS,
    Matrices,
    Matrix,
    Part,
    nearest,
    part_of,
    read_embeddings,
)
from sightread.store.vocabulary import read_vocabulary
from sightread.types import (
    Filter,
    ImageEmbedding,
    PathStamp,
    PictureId,
    PictureRecord,
    SpaceInfo,
    StoreInfo,
    VectorHits,
    Vectors,
    Vocabulary,
    WordHits,
)

_BATCH_ROWS = 65536


class Columns:
    """What is held in memory: small columns of the pictures, in the order of ids, loaded when
    first asked for, and the occurrences of tokens, when asked for often.

    They belong to a commit, not to a version of a table: maintenance does not change them.
    """

    def __init__(self) -> None:
        self._loaded: dict[ColumnName, Any] = {}
        self._postings: Postings | None = None
        self._questions = 0
        self._lock = threading.Lock()

    def get(self, name: ColumnName, load: Callable[[], Any]) -> Any:
        """The column; `load` gives its rows together with their ids."""
        with self._lock:
            if name not in self._loaded:
                rows = load()
                order = np.argsort(rows["id"].to_numpy(), kind="stable")
                column = rows[name].take(order)
                self._loaded[name] = pa.concat_arrays(column.chunks or [_empty(name)])
            return self._loaded[name]

    def postings(self, regions: int, load: Callable[[], Postings]) -> Postings | None:
        """The occurrences of all tokens, loaded when there were questions enough; None before,
        and for a library that is too large to be held.

        Args:
            regions: how many there are.
        """
        with self._lock:
            self._questions += 1
            enough = max(HELD_AFTER, regions // REGIONS_PER_QUESTION)
            if self._postings is None and self._questions >= enough and regions <= HELD_REGIONS:
                self._postings = load()
            return self._postings


class Snapshot:
    """Everything that can be read at one commit. May be used by several threads."""

    def __init__(
        self,
        tables: Tables,
        manifest: Manifest,
        columns: Columns | None = None,
        matrices: Matrices | None = None,
    ) -> None:
        self.manifest = manifest
        self.columns = columns or Columns()
        self._matrices = matrices or Matrices()
        self._tables = tables
        self._opened: dict[str, Any] = {}
        self._lock = threading.Lock()

    def ids(self, where: Filter | None) -> NDArray[np.int64]:
        """Ids of the pictures that fit, ascending."""
        every: NDArray[np.int64] = self._column("id").to_numpy()
        return every if where is None else every[mask(where, self._column)]

    def count(self, where: Filter | None) -> int:
        """How many pictures fit."""
        if where is None:
            return int(self._table("pictures").count_rows())
        return int(np.count_nonzero(mask(where, self._column)))

    def info(self, size_bytes: int) -> StoreInfo:
        """What there is, in numbers."""
        rows = scan(self._table("pictures"), ["reader", "indexed_at", "paths"])
        return StoreInfo(
            format=FORMAT,
            pictures=len(rows),
            files=int(pc.sum(pc.list_value_length(rows["paths"])).as_py() or 0),
            words=int(self._table("regions").count_rows()),
            size_bytes=size_bytes,
            readers=tuple(sorted(pc.unique(rows["reader"]).to_pylist())),
            last_indexed_at=pc.max(rows["indexed_at"]).as_py(),
            spaces=self.spaces(),
        )

    def spaces(self) -> tuple[SpaceInfo, ...]:
        """The spaces of the vectors of pictures, by name, the serving one of two first."""
        return tuple(
            SpaceInfo(one.spec, one.folder, self._table(one.table).count_rows(), one.serving)
            for one in self._spaces("pictures")
        )

    def region_spaces(self) -> tuple[RegionSpaceInfo, ...]:
        """The same of the vectors of regions."""
        return tuple(
            RegionSpaceInfo(one.spec, one.folder, self._table(one.table).count_rows(), one.serving)
            for one in self._spaces("regions")
        )

    def _spaces(self, of: Owner) -> list[Space]:
        spaces = (one for one in self.manifest.spaces if one.of == of)
        return sorted(spaces, key=lambda one: (one.spec.space, not one.serving))

    def encoded(self, space: str, revision: str) -> NDArray[np.int64]:
        """Ids of the pictures with a vector of this revision, ascending."""
        entry = of_revision(self.manifest.spaces, space, revision)
        if entry is None:
            return np.zeros(0, dtype=np.int64)
        return np.sort(scan(self._table(entry.table), ["picture"])["picture"].to_numpy())

    def dates(self, ids: NDArray[np.int64]) -> NDArray[np.float64]:
        """(n,): when each of the pictures was taken, or NaN."""
        every = self.ids(None)
        if not len(every):
            return np.full(len(ids), np.nan)
        column = self._column("taken_at").to_numpy(zero_copy_only=False).astype(np.float64)
        at = np.minimum(np.searchsorted(every, ids), len(every) - 1)
        return np.where(every[at] == ids, column[at], np.nan)

    def newest(self, ids: NDArray[np.int64]) -> NDArray[np.int64]:
        """Those of the pictures that are known, the newest first, equals by path."""
        every = self.ids(None)
        rows = np.flatnonzero(np.isin(every, ids))
        keys = {name: self._column(name).take(rows) for name in ("taken_at", "path_text")}
        order = pc.sort_indices(
            pa.table({**keys, "id": every[rows]}),
            sort_keys=[("taken_at", "descending"), ("path_text", "ascending"), ("id", "ascending")],
        )
        return np.asarray(every[rows][order.to_numpy()], np.int64)

    def get(self, ids: Sequence[PictureId], regions: bool, embeddings: bool) -> list[PictureRecord]:
        """Known pictures among `ids`, in their order."""
        wanted = [number for number in dict.fromkeys(map(int, ids)) if 0 <= number < 2**63]
        found: dict[PictureId, PictureRecord] = {}
        for part in chunked(wanted):
            rows = scan(self._table("pictures"), PICTURES.names, one_of("id", part)).to_pylist()
            read = {}
            if regions:
                table = scan(self._table("regions"), REGIONS.names, one_of("picture", part))
                read = region_records(table)
            vectors = self._embeddings(part) if embeddings else {}
            found.update(
                (number, picture_record(row, read.get(number, ()), vectors.get(number)))
                for row in rows
                for number in [row["id"]]
            )
        return [found[number] for number in map(int, ids) if number in found]

    def stamps(self) -> Iterator[tuple[PathStamp, PictureId]]:
        """All paths with the pictures they hold."""
        # Read whole (some 100 bytes a path), so that nothing can vanish half-way through.
        table = scan(self._table("pictures"), ["id", "paths", "sizes", "mtimes_ns"])
        return (
            (stamp, row["id"])
            for batch in table.to_batches(max_chunksize=1024)
            for row in batch.to_pylist()
            for stamp in row_stamps(row)
        )

    def vocabulary(self) -> Vocabulary:
        """All distinct tokens, sorted, with the number of regions that hold each."""
        written = read_vocabulary(self._tables.folder, self.manifest.tables["regions"])
        return self.count_words() if written is None else written

    def count_words(self) -> Vocabulary:
        """The vocabulary, from the regions themselves."""
        parts = []
        query = self._table("regions").search().select(["tokens"]).limit(None)
        for batch in query.to_batches(batch_size=_BATCH_ROWS):
            counted = batch.column("tokens").flatten().value_counts()
            parts.append(pa.table({"token": counted.field(0), "count": counted.field(1)}))
        if not parts:
            return Vocabulary([], np.zeros(0, dtype=np.int64))
        table = pa.concat_tables(parts).group_by("token").aggregate([("count", "sum")])
        table = table.sort_by("token")
        counts = table["count_sum"].to_numpy().astype(np.int64)
        return Vocabulary(table["token"].to_pylist(), counts)

    def search_words(self, tokens: Sequence[str], where: Filter | None, boxes: bool) -> WordHits:
        """Every occurrence of any of the tokens in the pictures that fit."""
        allowed = self._allowed(where)
        # Of equal tokens asked for, the first one counts.
        asked: dict[str, int] = {}
        for place, token in enumerate(tokens):
            asked.setdefault(clean(token), place)
        if not asked or (allowed is not None and not len(allowed)):
            return hits([], boxes)
        held = self._postings()
        if held is not None:
            return held.find(asked, allowed, boxes)
        limit = ""
        if allowed is not None and len(allowed) <= SQL_LIST_LIMIT:
            limit, allowed = f" AND {one_of('picture', allowed.tolist())}", None
        columns = [*HIT_COLUMNS, "box"] if boxes else HIT_COLUMNS
        parts = []
        for part in chunked(list(asked)):
            rows = scan(self._table("regions"), columns, has_any("tokens", part) + limit)
            if allowed is not None:
                rows = rows.filter(pa.array(among(rows["picture"].to_numpy(), allowed)))
            parts.append(exploded(rows, {token: asked[token] for token in part}))
        return hits(parts, boxes)

    def search_vectors(
        self, space: str, queries: Vectors, k: int, where: Filter | None
    ) -> list[VectorHits]:
        """For each query the k pictures that fit and score best."""
        entry = self._serving(space, queries, "pictures")
        allowed = self._allowed(where)
        if allowed is not None and not len(allowed):
            return nearest([], queries, k, allowed)
        return nearest(self._parts(entry, allowed), queries, k, allowed)

    def _parts(self, entry: Space, allowed: NDArray[np.int64] | None) -> Iterator[Part]:
        rows, dim = int(self._table(entry.table).count_rows()), entry.spec.dim
        matrix = self._matrices.get(
            entry.table,
            self.manifest.tables[entry.table],
            4 * rows * dim,
            lambda: Matrix.of(self._stream(entry.table, VECTOR_COLUMNS), rows, dim),
        )
        if matrix is not None:
            return matrix.parts(allowed)
        return map(part_of, self._stream(entry.table, VECTOR_COLUMNS, allowed))

    def search_regions(
        self, space: str, queries: Vectors, wanted: Wanted, where: Filter | None, read: bool
    ) -> list[RegionHits]:
        """For each query the best region of each of the pictures that fit and score best."""
        entry = self._serving(space, queries, "regions")
        wanted.allowed = self._allowed(where)
        if wanted.allowed is not None and not len(wanted.allowed):
            found = nearest_regions([], queries, wanted)
        else:
            found = self._nearest_regions(entry, queries, wanted)
        return self._as_read(found) if read else found

    def _nearest_regions(self, entry: Space, queries: Vectors, wanted: Wanted) -> list[RegionHits]:
        rows, dim = int(self._table(entry.table).count_rows()), entry.spec.dim
        held = self._matrices.get(
            entry.table,
            self.manifest.tables[entry.table],
            rows * dim,
            lambda: HeldRegions.of(self._stream(entry.table, REGION_VECTOR_COLUMNS), rows, dim),
        )
        if held is not None:
            return held.nearest(queries, wanted)
        batches = self._stream(entry.table, REGION_VECTOR_COLUMNS, wanted.allowed)
        return nearest_regions(map(region_part, batches), queries, wanted)

    def _as_read(self, found: list[RegionHits]) -> list[RegionHits]:
        """With what was read in the regions."""
        pictures = sorted({number for hits in found for number in hits.picture.tolist()})
        table = self._table("regions")
        rows = [scan(table, READ_COLUMNS, one_of("picture", some)) for some in chunked(pictures)]
        return [as_read(hits, rows) for hits in found]

    def _stream(
        self, name: str, columns: list[str], allowed: NDArray[np.int64] | None = None
    ) -> Iterator[Any]:
        """The rows of a table of vectors, as RecordBatches; only those of the pictures `allowed`,
        if they are few, else all."""
        query = self._table(name).search().select(columns).limit(None)
        if allowed is not None and len(allowed) <= SQL_LIST_LIMIT:
            query = query.where(one_of("picture", allowed.tolist()))
        yield from query.to_batches(batch_size=ROWS_AT_ONCE)

    def _serving(self, space: str, queries: Vectors, of: Owner) -> Space:
        entry = serving(self.manifest.spaces, space, of)
        if entry is None:
            maker = "--encoder DIR" if of == "pictures" else "--reader spotter"
            raise LibraryError(
                f"The library has no vectors in the space {space}: make them with `sightread index "
                f"{maker}`."
            )
        if queries.ndim != 2 or queries.shape[1] != entry.spec.dim:
            raise LibraryError(
                f"Queries of shape {queries.shape} cannot be looked for in {space}, which has "
                f"{entry.spec.dim} dimensions: encode them with the encoder of that space."
            )
        return entry

    def _embeddings(self, ids: Sequence[int]) -> dict[PictureId, dict[str, ImageEmbedding]]:
        found: dict[PictureId, dict[str, ImageEmbedding]] = {}
        columns = [*VECTOR_COLUMNS, "areas"]
        for space in self._spaces("pictures"):
            if space.serving:
                rows = scan(self._table(space.table), columns, one_of("picture", ids))
                for picture, embedding in read_embeddings(rows):
                    found.setdefault(picture, {})[space.spec.space] = embedding
        return found

    def _postings(self) -> Postings | None:
        """All occurrences in memory, once they were asked for often enough to be worth it."""
        regions = self._table("regions")

        def load() -> Postings:
            boxed = ["picture", "ordinal", "box"]
            return Postings(scan(regions, HIT_COLUMNS), lambda: scan(regions, boxed))

        return self.columns.postings(int(regions.count_rows()), load)

    def _allowed(self, where: Filter | None) -> NDArray[np.int64] | None:
        if where is None:
            return None
        listed = id_list(where)
        if listed is None:
            return self.ids(where)
        # A picture that is not there has no regions either.
        possible = {number for number in listed if 0 <= number < 2**63}
        return np.array(sorted(possible), dtype=np.int64)

    def _column(self, name: ColumnName) -> Any:
        names = ["id"] if name == "id" else ["id", name]
        return self.columns.get(name, lambda: scan(self._table("pictures"), names))

    def _table(self, name: str) -> Any:
        with self._lock:
            if name not in self._opened:
                self._opened[name] = self._tables.open(name, self.manifest.tables[name])
            return self._opened[name]


def _empty(name: ColumnName) -> Any:
    return pa.array([], PICTURES.field(name).type)
