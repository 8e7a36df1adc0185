"""The writing side: what waits for the next flush, and how it gets into the tables."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from sightread.errors import LibraryError
from sightread.regions import Owner
from sightread.store.durable import Barrier
from sightread.store.lock import WriterLock
from sightread.store.manifest import Space, read_manifest, write_manifest
from sightread.store.regions import region_vector_rows, region_vector_schema
from sightread.store.rows import PICTURES, picture_rows, region_rows, stamp_columns
from sightread.store.snapshot import Snapshot
from sightread.store.spaces import (
    Spaces,
    check_vector,
    of_revision,
    opened,
    serving,
    switched,
    without,
)
from sightread.store.tables import TABLES_NAME, VECTORS_PREFIX, Tables, chunked, one_of, scan
from sightread.store.uninterrupted import uninterrupted
from sightread.store.vectors import vector_rows, vector_schema
from sightread.store.vocabulary import read_vocabulary, write_vocabulary
from sightread.store.waiting import Waiting
from sightread.types import (
    EncoderSpec,
    ImageEmbedding,
    PathStamp,
    PictureId,
    PictureRecord,
)

FLUSHES_PER_MAINTENANCE = 24
"""Each flush adds a fragment to each table, and every fragment costs every query a little."""

GROWTH_WORTH_MAINTENANCE = 1.1
FLUSHES_AT_MOST = 240
"""Maintenance makes the indices anew, which takes as long as the library is large. So a large one
has to grow by a tenth first, or to gather many small fragments; else a million pictures would be
indexed hundreds of times over."""

PRUNE_MARGIN_S = 60.0
"""LanceDB reckons ages when it gets to dropping versions, some time after it was told the age."""

_FLUSHES_WORTH_MERGING = 8
_FRAGMENTS_WORTH_MERGING = 8
_ROWS_WORTH_INDEXING = 5_000
_INDICES = {
    "pictures": {"id": "BTree"},
    "regions": {"picture": "BTree", "tokens": "LabelList"},
}
_VECTOR_INDICES = {"picture": "BTree"}
_NEVER = timedelta(days=36_500)


class Writer:
    """The one writer of a library. Its methods are called with no other of them running."""

    def __init__(self, folder: Path, tables: Tables, lock: WriterLock) -> None:
        """Open the tables and undo what was never committed.

        Raises:
            LibraryError: the manifest is missing, damaged or of another format.
        """
        self._folder = folder
        self.connection = tables
        self._lock = lock
        self._waiting = Waiting()
        self._ids: dict[str, NDArray[np.int64]] = {}
        self._targets: dict[tuple[Owner, str], str] = {}
        self._barrier = Barrier(folder / TABLES_NAME)
        self._barrier.assume_synced()
        self._unclean = False
        self.manifest = read_manifest(folder, migrate=True)
        self._tables = tables.rolled_back(self.manifest.tables)
        tables.drop_vectors(self.manifest.named())
        self._pictures_tidied = self._pictures()
        self._commit(self.manifest.commit, self.manifest.flushes)

    def put(self, pictures: Sequence[PictureRecord]) -> None:
        """Add or replace pictures; flushes by itself when much is waiting."""
        for picture in pictures:
            self._check_regions(picture)
            tables = [self._target(*item) for item in picture.embeddings.items()]
            self._waiting.put(picture)
            for table, embedding in zip(tables, picture.embeddings.values(), strict=True):
                self._waiting.encode(table, {picture.id: embedding})
            if self._waiting.is_much():
                self.flush()

    def set_embeddings(
        self, space: str, embeddings: Mapping[PictureId, ImageEmbedding | None]
    ) -> None:
        """Add, replace or remove vectors of known pictures; unknown ones are left alone."""
        every = [one.table for one in self.manifest.spaces if one.is_of_pictures(space)]
        for picture, embedding in embeddings.items():
            tables = every if embedding is None else [self._target(space, embedding)]
            for table in tables if self._knows(picture) else ():
                self._waiting.encode(table, {picture: embedding})
            if self._waiting.is_much():
                self.flush()

    def open_space(self, spec: EncoderSpec, folder: str, replaces: bool, of: Owner) -> None:
        """Let vectors come from the encoder or reader's model `spec`; see `spaces.opened`."""

        def change(spaces: Spaces) -> Spaces:
            # The commit counts on, so that no name is used twice.
            name = f"{VECTORS_PREFIX}{self.manifest.commit + 1}"
            fresh = Space(spec, folder, name, of=of)
            return opened(spaces, fresh, replaces=replaces, library=self._folder)

        uninterrupted(lambda: self._change_spaces(change))
        there = of_revision(self.manifest.spaces, spec.space, spec.revision, of)
        assert there is not None
        self._targets[of, spec.space] = there.table

    def switch_space(self, space: str, of: Owner) -> None:
        """Let the vectors that follow serve."""
        uninterrupted(lambda: self._change_spaces(lambda spaces: switched(spaces, space, of)))

    def drop_space(self, space: str) -> bool:
        """Remove all vectors of pictures in a space; whether there were any."""
        before = self.manifest.spaces
        uninterrupted(lambda: self._change_spaces(lambda spaces: without(spaces, space)))
        self._targets.pop(("pictures", space), None)
        return self.manifest.spaces != before

    def set_stamps(self, stamps: Mapping[PictureId, Sequence[PathStamp]]) -> None:
        """Replace the paths of known pictures; unknown ones are left alone."""
        for picture, paths in stamps.items():
            put = self._waiting.puts.get(picture)
            if put is not None:
                self._waiting.puts[picture] = replace(put, stamps=tuple(paths))
            elif self._knows(picture):
                self._waiting.stamps[picture] = tuple(paths)
            if self._waiting.is_much():
                self.flush()

    def forget(self, ids: Sequence[PictureId]) -> int:
        """Remove pictures; returns how many were there."""
        there = [number for number in dict.fromkeys(map(int, ids)) if self._knows(number)]
        for number in there:
            self._waiting.forget(number)
        if self._waiting.is_much():
            self.flush()
        return len(there)

    def flush(self) -> None:
        """Commit what is waiting: afterwards it survives a crash and readers see it."""
        if not self._waiting:
            return
        uninterrupted(self._flush)

    def maintain(self) -> None:
        """Flush, merge fragments, index new rows and drop old versions as far as it pays, and
        write down the vocabulary."""
        uninterrupted(self._maintain)

    def close(self) -> None:
        """Give the lock back. What was not flushed is lost."""
        self._lock.release()

    def _flush(self) -> None:
        self._recover()
        if self._waiting:
            self._unclean = True
            self._apply(self._waiting)
            self._commit(self.manifest.commit + 1, self.manifest.flushes + 1)
            self._remember_ids(self._waiting)
            self._waiting = Waiting()
            self._unclean = False
        if self._due():
            self._tidy()

    def _due(self) -> bool:
        flushes = self.manifest.flushes
        if flushes < FLUSHES_PER_MAINTENANCE:
            return False
        grown = self._pictures() >= GROWTH_WORTH_MAINTENANCE * self._pictures_tidied
        return grown or flushes >= FLUSHES_AT_MOST

    def _pictures(self) -> int:
        return int(self._tables["pictures"].count_rows())

    def _maintain(self) -> None:
        self._flush()
        self._tidy()
        version = self.manifest.tables["regions"]
        if read_vocabulary(self._folder, version) is None:
            words = Snapshot(self.connection, self.manifest).count_words()
            write_vocabulary(self._folder, version, words)

    def _recover(self) -> None:
        # An earlier flush failed somewhere. It may have got as far as its manifest, and doing
        # everything again that is waiting is harmless either way.
        if self._unclean:
            self.manifest = read_manifest(self._folder)
            self._tables = self.connection.rolled_back(self.manifest.tables)
            self._ids.clear()
            self._unclean = False

    def _change_spaces(self, change: Callable[[Spaces], Spaces]) -> None:
        self._flush()
        spaces = change(self.manifest.spaces)
        if spaces == self.manifest.spaces:
            return
        self._unclean = True
        dropped = {one.table for one in self.manifest.spaces} - {one.table for one in spaces}
        for name in dropped:
            del self._tables[name]
            self._ids.pop(name, None)
        for one in spaces:
            if one.table not in self._tables:
                make = vector_schema if one.of == "pictures" else region_vector_schema
                schema = make(one.spec.dim)
                self._tables[one.table] = self.connection.create_vectors(one.table, schema)
        self._commit(self.manifest.commit + 1, self.manifest.flushes, spaces)
        self._unclean = False

    def _target(self, space: str, embedding: ImageEmbedding) -> str:
        """The table that a vector goes to."""
        entry = self._gathering(space, "pictures")
        check_vector(entry.spec, embedding.vector)
        return entry.table

    def _check_regions(self, picture: PictureRecord) -> None:
        vectors = [one.vector for one in picture.regions if one.vector is not None]
        if vectors:
            entry = self._gathering(picture.region_space, "regions")
            for vector in vectors:
                check_vector(entry.spec, vector)

    def _gathering(self, space: str, of: Owner) -> Space:
        """The entry that vectors are added to."""
        spaces = self.manifest.spaces
        named = (one for one in spaces if one.table == self._targets.get((of, space)))
        entry = next(named, None) or serving(spaces, space, of)
        if entry is None:
            maker = "encoder" if of == "pictures" else "reader's model"
            raise LibraryError(
                f"The library at {self._folder} has no space {space} that a vector could go to: "
                f"open it first, with the {maker}."
            )
        return entry

    def _apply(self, waiting: Waiting) -> None:
        pictures, regions = self._tables["pictures"], self._tables["regions"]
        known = self._committed_ids()
        emptied = _among(waiting.gone | waiting.puts.keys(), known)
        restamped = self._restamped(waiting.stamps)
        for part in chunked(emptied):
            regions.delete(one_of("picture", part))
        for part in chunked(sorted({*emptied, *waiting.stamps})):
            pictures.delete(one_of("id", part))
        records = list(waiting.puts.values())
        rows = pa.concat_tables([picture_rows(records), *restamped])
        if len(rows):
            pictures.add(rows)
        rows = region_rows(records)
        if len(rows):
            regions.add(rows)
        for space in self.manifest.spaces:
            if space.of == "pictures":
                self._apply_vectors(space, waiting)
            else:
                self._apply_regions(space, waiting)

    def _apply_vectors(self, space: Space, waiting: Waiting) -> None:
        table, added = self._tables[space.table], waiting.vectors.get(space.table, {})
        known = self._committed_ids(space.table)
        for part in chunked(_among(waiting.gone | added.keys(), known)):
            table.delete(one_of("picture", part))
        made = {picture: one for picture, one in added.items() if one is not None}
        if made:
            table.add(vector_rows(made, space.spec.dim))

    def _apply_regions(self, space: Space, waiting: Waiting) -> None:
        """Vectors of regions come and go with the regions, whoever has made them."""
        table, name = self._tables[space.table], space.spec.space
        known = self._committed_ids(space.table)
        for part in chunked(_among(waiting.gone | waiting.puts.keys(), known)):
            table.delete(one_of("picture", part))
        if self._gathering(name, "regions") is space:
            own = [record for record in waiting.puts.values() if record.region_space == name]
            rows = region_vector_rows(own, space.spec.dim)
            if len(rows):
                table.add(rows)

    def _restamped(self, stamps: dict[PictureId, tuple[PathStamp, ...]]) -> list[Any]:
        tables = []
        for part in chunked(list(stamps)):
            rows = scan(self._tables["pictures"], PICTURES.names, one_of("id", part)).to_pylist()
            for row in rows:
                row.update(stamp_columns(stamps[row["id"]]))
            tables.append(pa.Table.from_pylist(rows, schema=PICTURES))
        return tables

    def _commit(self, commit: int, flushes: int, spaces: Spaces | None = None) -> None:
        versions = {name: int(table.version) for name, table in self._tables.items()}
        manifest = self.manifest.successor(versions, commit=commit, flushes=flushes, spaces=spaces)
        if manifest == self.manifest:
            return
        self._barrier.sync()
        write_manifest(self._folder, manifest)
        self.manifest = manifest

    def _tidy(self) -> None:
        self._pictures_tidied = self._pictures()
        overdue = self.manifest.flushes >= _FLUSHES_WORTH_MERGING
        tidied = {n: t for n, t in self._tables.items() if overdue or _wants_merging(t)}
        if not tidied:
            return
        self._unclean = True
        for name, table in tidied.items():
            # Bringing the index of the words up to date takes LanceDB ten times as long as making
            # it again, whether or not anything is new. Readers keep the one they have.
            for index in table.list_indices():
                table.drop_index(index.name)
            table.optimize(cleanup_older_than=_NEVER)
            # There is no other writer, so that files of no version are leftovers of a crash. The
            # committed version is older than the merged one and has to outlive this.
            table.optimize(cleanup_older_than=self._age(name, table), delete_unverified=True)
            if table.count_rows() >= _ROWS_WORTH_INDEXING:
                _make_indices(table, _INDICES.get(name, _VECTOR_INDICES))
        self._commit(self.manifest.commit, 0)
        self.connection.drop_vectors(self.manifest.named())
        self._unclean = False

    def _age(self, name: str, table: Any) -> timedelta:
        # Versions are dropped by age, so the age of the oldest one to keep is what counts.
        kept = self.manifest.kept(name)
        times = [v["timestamp"] for v in table.list_versions() if v["version"] >= kept]
        oldest = min(times).timestamp() if times else 0.0
        return timedelta(seconds=max(time.time() - oldest, 0.0) + PRUNE_MARGIN_S)

    def _knows(self, picture: PictureId) -> bool:
        if picture in self._waiting.puts:
            return True
        if picture in self._waiting.gone:
            return False
        known = self._committed_ids()
        place = int(np.searchsorted(known, picture)) if 0 <= picture < 2**63 else len(known)
        return place < len(known) and int(known[place]) == picture

    def _committed_ids(self, name: str = "pictures") -> NDArray[np.int64]:
        """Ids of the pictures that have a row in a table, ascending, each once."""
        if name not in self._ids:
            column = "id" if name == "pictures" else "picture"
            self._ids[name] = np.unique(scan(self._tables[name], [column])[column].to_numpy())
        return self._ids[name]

    def _remember_ids(self, waiting: Waiting) -> None:
        gone = np.array(sorted(waiting.gone), dtype=np.int64)
        vectors = {one.table for one in self.manifest.spaces if one.of == "pictures"}
        for name, known in self._ids.items():
            # Of regions a picture may have vectors or not; to name one too many does no harm.
            added = waiting.vectors.get(name, {}) if name in vectors else waiting.puts
            fresh = [picture for picture, one in added.items() if one is not None]
            kept = np.setdiff1d(known, np.array([*gone, *added], dtype=np.int64))
            self._ids[name] = np.union1d(kept, np.array(fresh, dtype=np.int64))


def _make_indices(table: Any, wanted: Mapping[str, str]) -> None:
    from lancedb import index as kinds

    for column, kind in wanted.items():
        table.create_index(column, config=getattr(kinds, kind)())


def _wants_merging(table: Any) -> bool:
    if table.stats()["fragment_stats"]["num_small_fragments"] >= _FRAGMENTS_WORTH_MERGING:
        return True
    unindexed = [int(index.num_unindexed_rows or 0) for index in table.list_indices()]
    return max(unindexed, default=int(table.count_rows())) >= _ROWS_WORTH_INDEXING


def _among(ids: set[PictureId], known: NDArray[np.int64]) -> list[int]:
    """Those of `ids` that are known, ascending."""
    wanted = np.array(sorted(ids), dtype=np.int64)
    found: list[int] = wanted[np.isin(wanted, known)].tolist()
    return found
