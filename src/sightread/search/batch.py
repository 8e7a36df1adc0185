"""Finished files, gathered and written to the store in one durable step."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from sightread.protocols import Store
from sightread.search.encoding import by_space
from sightread.search.known import KnownPaths
from sightread.search.ledger import Ledger
from sightread.types import ImageEmbedding, PathStamp, PictureId, PictureRecord

PICTURES = 64
FILES = 2048
"""So many pictures read, or files dealt with, are worth a commit."""


class Batch:
    """What is not written yet.

    A path belongs to one picture: when the content of a file is another one than before, its path
    leaves the old picture in the same step in which it joins the new one.
    """

    def __init__(
        self, store: Store, ledger: Ledger, known: KnownPaths, reading: Sequence[str] = ()
    ) -> None:
        """
        Args:
            reading: spaces in which a vector is of the words of its picture too: one that was not
                made anew when the picture was read again is removed, so that a later run makes it.
        """
        self._store = store
        self._reading = reading
        self._ledger = ledger
        self._known = known
        self._records: dict[PictureId, PictureRecord] = {}
        self._joining: dict[PictureId, dict[str, PathStamp]] = {}
        self._leaving: dict[PictureId, set[str]] = {}
        self._contents: dict[PictureId, str] = {}
        self._vectors: dict[PictureId, Mapping[str, ImageEmbedding]] = {}
        self._failed: dict[str, tuple[PathStamp, str]] = {}
        self._noted: dict[str, tuple[PathStamp, str]] = {}
        self._fine: set[str] = set()

    @property
    def files(self) -> int:
        return len(self._fine) + len(self._failed)

    @property
    def full(self) -> bool:
        return len(self._records) + len(self._vectors) >= PICTURES or self.files >= FILES

    def add_record(self, stamp: PathStamp, record: PictureRecord) -> None:
        """A picture that was read in this file."""
        self._records[record.id] = record
        self.add_path(stamp, record.id, record.sha256)

    def add_path(self, stamp: PathStamp, picture: PictureId, sha256: str) -> None:
        """A file with the content of a picture of the library or of this batch."""
        if self._contents.setdefault(picture, sha256) != sha256:
            self.add_failure(stamp, _same_id(picture))
            return
        self._leave_old(stamp.path, picture)
        self._joining.setdefault(picture, {})[stamp.path] = stamp
        self._fine.add(stamp.path)

    def add_vectors(
        self,
        stamp: PathStamp,
        picture: PictureId,
        sha256: str,
        embeddings: Mapping[str, ImageEmbedding],
    ) -> None:
        """Vectors of a picture of the library, made from this file."""
        self.add_path(stamp, picture, sha256)
        if embeddings:
            self._vectors[picture] = embeddings

    def note(self, stamp: PathStamp, reason: str) -> None:
        """A file that is a picture, but not all that should be known of it is."""
        self._noted[stamp.path] = (stamp, reason)

    def add_failure(self, stamp: PathStamp, reason: str) -> None:
        """A file that is not a picture (any more)."""
        self._leave_old(stamp.path, None)
        self._failed[stamp.path] = (stamp, reason)

    def commit(self) -> int:
        """Write everything; returns how many files it was. Durable when it returns.

        Raises:
            LibraryError: the store or the ledger cannot be written. What was committed before
                stays.
        """
        files = self.files
        if files == 0:
            return 0
        touched = self._joining.keys() | self._leaving.keys()
        there = {r.id: r for r in self._store.get(sorted(touched), regions=False)}
        self._refuse_same_ids(there)
        old = {picture: record.stamps for picture, record in there.items()}
        moved = {
            picture: after
            for picture in touched & (there.keys() - self._records.keys())
            if (after := self._paths_after(picture, old[picture])) != old[picture]
        }
        puts = [
            replace(record, stamps=self._paths_after(picture, old.get(picture, ())))
            for picture, record in self._records.items()
        ]
        # In this order: the store may commit in between when there is much to write, and a path
        # that is missing is found again, whereas one that is there twice would look finished.
        if moved:
            self._store.set_stamps(moved)
        if puts:
            self._drop_outdated(puts)
            self._store.put(puts)
        for space, embeddings in by_space(self._vectors).items():
            self._store.set_embeddings(space, embeddings)
        if puts or moved or self._vectors:
            self._store.flush()
        failed = {**self._noted, **self._failed}
        self._ledger.record(list(failed.values()), self._fine - failed.keys())
        self._clear()
        return files

    def _drop_outdated(self, puts: Sequence[PictureRecord]) -> None:
        for space in self._reading:
            outdated = {one.id: None for one in puts if space not in one.embeddings}
            self._store.set_embeddings(space, outdated)

    def _leave_old(self, path: str, picture: PictureId | None) -> None:
        for old in self._known.pictures_of(path):
            if old != picture:
                self._leaving.setdefault(old, set()).add(path)

    def _paths_after(self, picture: PictureId, old: Iterable[PathStamp]) -> tuple[PathStamp, ...]:
        leaving = self._leaving.get(picture, set())
        paths = {stamp.path: stamp for stamp in old if stamp.path not in leaving}
        paths.update(self._joining.get(picture, {}))
        return tuple(paths[path] for path in sorted(paths))

    def _refuse_same_ids(self, there: dict[PictureId, PictureRecord]) -> None:
        # Ids are 63 bits of the content hash. Nobody meets two such pictures by chance, but
        # someone may make them, and then neither may take the place of the other.
        for picture, record in there.items():
            if self._contents.get(picture, record.sha256) != record.sha256:
                self._records.pop(picture, None)
                self._vectors.pop(picture, None)
                for stamp in self._joining.pop(picture).values():
                    self._fine.discard(stamp.path)
                    self.add_failure(stamp, _same_id(picture))

    def _clear(self) -> None:
        for kept in (self._records, self._joining, self._leaving, self._contents):
            kept.clear()
        for some in (self._vectors, self._failed, self._noted, self._fine):
            some.clear()


def _same_id(picture: PictureId) -> str:
    return f"another picture of the library has the same id ({picture:016x}) with other content"
