"""The public API: a library of pictures, in a folder. Store, reader, encoders and search meet
here."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import TracebackType
from typing import TYPE_CHECKING, Any

import numpy as np

from sightread.errors import ModelError, SightreadError, UsageError
from sightread.protocols import DualEncoder, Reader, Store
from sightread.readers import open_reader
from sightread.search.channels import Channels
from sightread.search.engine import Engine
from sightread.search.ledger import Failure, Ledger
from sightread.search.progress import IndexProgress, IndexReport
from sightread.store import open_store
from sightread.types import Compare, PictureId, PictureRecord, Query, Result, SpaceInfo

if TYPE_CHECKING:
    from sightread.search.encoding import Source
    from sightread.search.ingest import IndexOptions

Progress = Callable[[IndexProgress], None]


@dataclass(frozen=True, slots=True)
class Status:
    """What a library holds. `reader` names the readers' revisions, `last_indexed_at` is None for
    an empty library, `files` counts paths: several may be copies of one picture. `spaces` are
    those of the encoders."""

    pictures: int
    words: int
    files: int
    failed: int
    reader: str
    size_bytes: int
    last_indexed_at: float | None
    format: int
    spaces: tuple[SpaceInfo, ...] = ()


class Library:
    """Pictures that can be searched by the words in them. Open with `Library.open`.

        with Library.open("photos.sightread", write=True, create=True) as library:
            library.index(["photos"])
            for hit in library.search('"coffee shop"').hits:
                print(hit.path, hit.probability)

    Any number of processes may search while one indexes.
    """

    def __init__(
        self,
        store: Store,
        ledger: Ledger,
        reader: Callable[[], Reader],
        encoders: Encoders | None = None,
    ) -> None:
        self.store = store
        self._encoders = encoders
        self.engine = Engine(store, Channels(store, encoders.serving) if encoders else None)
        self._ledger = ledger
        self._open_reader = reader

    @classmethod
    def open(
        cls,
        path: str,
        *,
        write: bool = False,
        create: bool = False,
        reader: str = "rapidocr",
        reader_options: Mapping[str, Any] | None = None,
        encoder: DualEncoder | str | None = None,
        reader_only: bool = False,
    ) -> Library:
        """Open the library in the folder `path`.

        Args:
            path: a folder, by custom ending in `.sightread`.
            write: to index; one process at a time can.
            create: with `write`, make it if it is not there.
            reader: who reads the words of new pictures, see `readers.READERS`; only loaded when
                there is something to read.
            reader_options: what `readers.open_reader` hands to it, such as the spotter's `folder`.
            encoder: an encoder, or the folder of its model, for its space. Encoders of other
                spaces are looked for where they were when their vectors were made.
            reader_only: use no encoder at all.

        Raises:
            LibraryError: not there, open for writing elsewhere, damaged, too new, read-only.
            ModelError: the encoder that was named cannot be opened.
        """
        encoders = None if reader_only else Encoders(encoder)
        store = open_store(path, write=write, create=create)
        try:
            ledger = Ledger.open(os.path.abspath(os.path.expanduser(path)), write=write)
        except BaseException:
            store.close()
            raise
        return cls(store, ledger, lambda: open_reader(reader, **(reader_options or {})), encoders)

    def search(
        self,
        query: str | Query,
        *,
        k: int = 20,
        offset: int = 0,
        threshold: float | None = None,
        also: Sequence[str] = (),
    ) -> Result:
        """Pictures that answer the query line, best first; see `Engine.search`."""
        result = self.engine.search(query, k=k, offset=offset, threshold=threshold, also=also)
        idle = self._encoders.idle(self.store.spaces()) if self._encoders else ""
        return replace(result, warnings=(*result.warnings, idle)) if idle else result

    def index(
        self,
        folders: Sequence[str],
        options: IndexOptions | None = None,
        progress: Progress | None = None,
    ) -> IndexReport:
        """Bring the library up to date with folders (or single files); see `ingest`."""
        # Image decoders come with it: a process that only searches starts sooner without.
        from sightread.search.ingest import ingest

        sources, missing = (
            self._encoders.sources(self.store.spaces()) if self._encoders else ([], [])
        )
        report = ingest(
            self.store, self._open_reader(), self._ledger, folders, options, progress, sources
        )
        return replace(report, warnings=(*missing, *report.warnings))

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
            spaces=info.spaces,
        )

    def picture(self, path_or_id: str) -> PictureRecord:
        """The picture with this path or id (16 hex digits), with its vectors.

        Raises:
            UsageError: the library does not hold it.
        """
        records = self.store.get(self._numbers([path_or_id])[:1], embeddings=True)
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


class Encoders:
    """The encoder that was named, and those that the library remembers by their folders.

    Args:
        named: an encoder or the folder of a model.

    Raises:
        ModelError: there is no model in the folder, or it is damaged.
    """

    def __init__(self, named: DualEncoder | str | None = None) -> None:
        self._folder = os.path.abspath(os.path.expanduser(named)) if isinstance(named, str) else ""
        self._named = _open_encoder(self._folder) if isinstance(named, str) else named

    def serving(self, info: SpaceInfo) -> DualEncoder:
        """The encoder of a space.

        Raises:
            UsageError: nobody said where it is.
            ModelError: it is not there any more, or damaged.
        """
        if self._named is not None and self._named.spec.space == info.spec.space:
            return self._named
        if not info.folder:
            raise UsageError("nobody said where its model is; name it with --encoder DIR")
        return _open_encoder(info.folder)

    def idle(self, spaces: Sequence[SpaceInfo]) -> str:
        """A sentence if the named encoder has nothing to search."""
        if self._named is None or self._named.spec.space in {one.spec.space for one in spaces}:
            return ""
        return (
            f"The library has no vectors in {self._named.spec.space}: make them with `sightread "
            f"index --encoder {self._folder or 'DIR'} FOLDER...`."
        )

    def sources(self, spaces: Sequence[SpaceInfo]) -> tuple[list[Source], list[str]]:
        """Encoders for a run, tried on a picture, and a sentence on each that cannot be had.

        Raises:
            ModelError: the named one does not work.
        """
        from sightread.search.encoding import Source

        found = []
        warnings = []
        if self._named is not None:
            found.append(Source(_tried(self._named), self._folder))
        for info in spaces:
            known = self._named is not None and self._named.spec.space == info.spec.space
            if known or not info.serving:
                continue
            try:
                found.append(Source(_tried(self.serving(info), info), info.folder))
            except SightreadError as error:
                reason = str(error).rstrip(".")
                warnings.append(f"Nothing was encoded in {info.spec.space}: {reason}.")
        return found, warnings


def _open_encoder(folder: str) -> DualEncoder:
    # Its runtime takes a while to load: who has no encoder does not pay for one.
    from sightread.encoders import open_encoder

    return open_encoder(folder)


def _tried(encoder: DualEncoder, info: SpaceInfo | None = None) -> DualEncoder:
    """The encoder, if it is the one that made the vectors and can make more: else every picture of
    a run would fail."""
    spec = encoder.spec
    if info is not None and spec.revision != info.spec.revision:
        raise UsageError(
            f"{info.folder} is of revision {spec.revision[:12]} now, the vectors are of "
            f"{info.spec.revision[:12]}; add --encoder {info.folder} --reencode to encode them "
            "again"
        )
    try:
        encoder.encode_images([np.full((64, 64, 3), 128, dtype=np.uint8)])
    except SightreadError:
        raise
    except Exception as error:
        raise ModelError(
            f"The encoder {spec.name or spec.space} cannot encode a picture here: "
            f"{type(error).__name__}: {error}."
        ) from error
    return encoder


def _number(text: str) -> list[PictureId]:
    return [int(text, 16)] if re.fullmatch("[0-9a-f]{16}", text) else []


__all__ = ["Failure", "IndexProgress", "IndexReport", "Library", "Status"]
