"""The public API: a library of pictures, in a folder. Store, reader and search meet here."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from types import TracebackType
from typing import TYPE_CHECKING

from sightread.errors import UsageError
from sightread.protocols import Reader, Store
from sightread.readers import open_reader
from sightread.search.engine import Engine
from sightread.search.ledger import Failure, Ledger
from sightread.search.progress import IndexProgress, IndexReport
from sightread.store import open_store
from sightread.types import Compare, PictureId, PictureRecord, Query, Result

if TYPE_CHECKING:
    from sightread.search.ingest import IndexOptions

Progress = Callable[[IndexProgress], None]


@dataclass(frozen=True, slots=True)
class Status:
    """What a library holds. `reader` names the readers' revisions, `last_indexed_at` is None for
    an empty library, `files` counts paths: several may be copies of one picture."""

    pictures: int
    words: int
    files: int
    failed: int
    reader: str
    size_bytes: int
    last_indexed_at: float | None
    format: int


class Library:
    """Pictures that can be searched by the words in them. Open with `Library.open`.

        with Library.open("photos.sightread", write=True, create=True) as library:
            library.index(["photos"])
            for hit in library.search('"coffee shop"').hits:
                print(hit.path, hit.probability)

    Any number of processes may search while one indexes.
    """

    def __init__(self, store: Store, ledger: Ledger, reader: Callable[[], Reader]) -> None:
        self.store = store
        self.engine = Engine(store)
        self._ledger = ledger
        self._open_reader = reader

    @classmethod
    def open(
        cls, path: str, *, write: bool = False, create: bool = False, reader: str = "rapidocr"
    ) -> Library:
        """Open the library in the folder `path`.

        Args:
            path: a folder, by custom ending in `.sightread`.
            write: to index; one process at a time can.
            create: with `write`, make it if it is not there.
            reader: who reads the words of new pictures, see `readers.READERS`; only loaded when
                there is something to read.

        Raises:
            LibraryError: not there, open for writing elsewhere, damaged, too new, read-only.
        """
        store = open_store(path, write=write, create=create)
        try:
            ledger = Ledger.open(os.path.abspath(os.path.expanduser(path)), write=write)
        except BaseException:
            store.close()
            raise
        return cls(store, ledger, lambda: open_reader(reader))

    def search(
        self, query: str | Query, *, k: int = 20, offset: int = 0, threshold: float | None = None
    ) -> Result:
        """Pictures that answer the query line, best first; see `Engine.search`."""
        return self.engine.search(query, k=k, offset=offset, threshold=threshold)

    def index(
        self,
        folders: Sequence[str],
        options: IndexOptions | None = None,
        progress: Progress | None = None,
    ) -> IndexReport:
        """Bring the library up to date with folders (or single files); see `ingest`."""
        # Image decoders come with it: a process that only searches starts sooner without.
        from sightread.search.ingest import ingest

        return ingest(self.store, self._open_reader(), self._ledger, folders, options, progress)

    def retry(
        self, progress: Progress | None = None, options: IndexOptions | None = None
    ) -> IndexReport:
        """Try the failed files again, whether or not they have changed."""
        failed = [failure.path for failure in self.failures()]
        there = [path for path in failed if os.path.lexists(path)]
        self._ledger.clear(path for path in failed if not os.path.lexists(path))
        if not there:
            return IndexReport(0, 0, 0, 0, 0, 0, 0, 0.0, 0.0, False)
        from sightread.search.ingest import IndexOptions

        again = replace(options or IndexOptions(), retry_failed=True)
        return self.index(there, again, progress)

    def failures(self) -> list[Failure]:
        """Files that could not be indexed, by path."""
        return self._ledger.failures()

    def status(self) -> Status:
        """What the library holds, as of the last commit."""
        self.store.refresh()
        info = self.store.info()
        return Status(
            pictures=info.pictures,
            words=info.words,
            files=info.files,
            failed=len(self._ledger),
            reader=", ".join(info.readers),
            size_bytes=info.size_bytes,
            last_indexed_at=info.last_indexed_at,
            format=info.format,
        )

    def picture(self, path_or_id: str) -> PictureRecord:
        """The picture with this path or id (16 hex digits).

        Raises:
            UsageError: the library does not hold it.
        """
        records = self.store.get(self._numbers([path_or_id])[:1])
        if not records:
            raise UsageError(
                f"{path_or_id} is not in the library; give the path of an indexed file, or an id "
                "as `sightread search --json` prints it."
            )
        return records[0]

    def forget(self, paths_or_ids: Sequence[str]) -> int:
        """Remove pictures from the library, not from the disk; returns how many were there."""
        count = self.store.forget(self._numbers(paths_or_ids))
        self.store.flush()
        return count

    def forget_missing(self) -> int:
        """Forget the pictures none of whose files is there any more."""
        present: set[PictureId] = set()
        for stamp, picture in self.store.stamps():
            if os.path.lexists(stamp.path):
                present.add(picture)
        count = self.store.forget([int(i) for i in self.store.ids() if int(i) not in present])
        self.store.flush()
        return count

    def close(self) -> None:
        self.store.close()
        self._ledger.close()

    def __enter__(self) -> Library:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _numbers(self, paths_or_ids: Sequence[str]) -> list[PictureId]:
        numbers: list[PictureId] = []
        for name in paths_or_ids:
            where = Compare("path", "eq", os.path.abspath(os.path.expanduser(name)))
            numbers += [int(i) for i in self.store.ids(where)] or _number(name)
        return numbers


def _number(text: str) -> list[PictureId]:
    return [int(text, 16)] if re.fullmatch("[0-9a-f]{16}", text) else []


__all__ = ["Failure", "IndexProgress", "IndexReport", "Library", "Status"]
