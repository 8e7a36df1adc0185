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

from sightread.errors import (
    NotInLibrary,
    PictureError,
    UsageError,
)
from sightread.explain.shelf import Shelf
from sightread.privacy import (
    ENTITY_SPACE,
    entities_on,
    require_entities,
    switch_entities,
)
from sightread.protocols import DEFAULT_READER, DualEncoder, Reader, Store
from sightread.readers import open_reader
from sightread.regions import RegionSpaceInfo
from sightread.remembered import Encoders, word_encoders
from sightread.search.again import LookAgain
from sightread.search.alike import alike, space_for
from sightread.search.channels import Channels
from sightread.search.engine import Engine, Sort
from sightread.search.ledger import Failure, Ledger
from sightread.search.lookalikes import Lookalikes
from sightread.search.progress import IndexProgress, IndexReport
from sightread.search.query import parse
from sightread.store import open_store
from sightread.types import (
    Compare,
    PictureId,
    PictureRecord,
    Query,
    Result,
    RGBImage,
    SpaceInfo,
    Vectors,
    format_id,
)

if TYPE_CHECKING:
    from sightread.search.ingest import IndexOptions

_LIKE_SIDE_PX = 1024
"""A picture that is asked with is decoded no larger: encoders see a few hundred pixels."""

Progress = Callable[[IndexProgress], None]


@dataclass(frozen=True, slots=True)
class Status:
    """What a library holds. `reader` names the readers' revisions, `last_indexed_at` is None for
    an empty library, `files` counts paths: several may be copies of one picture. `spaces` are
    those of the encoders, `region_spaces` those of the readers' models; `entities` tells whether
    entities may be searched for."""

    pictures: int
    words: int
    files: int
    failed: int
    reader: str
    size_bytes: int
    last_indexed_at: float | None
    format: int
    spaces: tuple[SpaceInfo, ...] = ()
    region_spaces: tuple[RegionSpaceInfo, ...] = ()
    entities: bool = True


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
        reader_folder: str = "",
    ) -> None:
        """
        Args:
            reader_folder: of the reader's model, if one was named.
        """
        self.store = store
        self._encoders = encoders
        self._folder = os.path.dirname(ledger.path)
        self._explanations = Shelf(self._folder)
        channels = None
        if encoders:
            look_again = LookAgain(self._pixels)
            channels = Channels(store, encoders.serving, self._explanations, look_again)
        self.engine = Engine(store, channels, Lookalikes(store, word_encoders(reader_folder)))
        self._ledger = ledger
        self._open_reader = reader

    @classmethod
    def open(
        cls,
        path: str,
        *,
        write: bool = False,
        create: bool = False,
        reader: str = DEFAULT_READER,
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
        options = dict(reader_options or {})
        folder = str(options.get("folder") or "")
        return cls(store, ledger, lambda: open_reader(reader, **options), encoders, folder)

    def search(
        self,
        query: str | Query,
        *,
        k: int = 20,
        offset: int = 0,
        threshold: float | None = None,
        also: Sequence[str] = (),
        sort: Sort = "relevance",
        explain: bool = True,
        again: int = 0,
    ) -> Result:
        """Pictures that answer the query line, best first; see `Engine.search`.

        Raises:
            UsageError: it asks for an entity, and that is switched off here (`privacy`).
        """
        parsed = parse(query) if isinstance(query, str) else query
        require_entities(self._folder, parsed)
        result = self.engine.search(
            parsed,
            k=k,
            offset=offset,
            threshold=threshold,
            also=also,
            sort=sort,
            explain=explain,
            again=again,
        )
        idle = self._encoders.idle(self.store.spaces()) if self._encoders else ""
        return replace(result, warnings=(*result.warnings, idle)) if idle else result

    def similar(
        self, picture: str | bytes, *, k: int = 20, offset: int = 0, space: str | None = None
    ) -> Result:
        """Pictures like another one, by the vectors of an encoder; scores are cosines.

        Args:
            picture: path or id of one in the library, or the bytes of any picture file.
            space: of which encoder; None for the first by name.

        Raises:
            UsageError: the library has no such space, or does not hold the picture.
            PictureError: the bytes are no picture.
            ModelError: the encoder cannot be had.
        """
        self.store.refresh()
        space = space_for(self.store, space)
        if isinstance(picture, bytes):
            vectors, without = self._encode(picture, space), None
        else:
            record = self.picture(picture)
            if space not in record.embeddings:
                raise UsageError(
                    f"{picture} has no vector in {space}; `sightread index` on its folder makes it."
                )
            vectors, without = record.embeddings[space].vector[None], record.id
        return alike(self.store, space, vectors, k=k, offset=offset, without=without)

    def switch_entities(self, on: bool) -> bool:
        """Let entities be searched for, or not; then the vectors of entity models are removed,
        and whether there were any is returned. Needs a library that was opened to write."""
        gone = False if on else self.store.drop_space(ENTITY_SPACE)
        switch_entities(self._folder, on)
        return gone

    def _refuse_entities(self, spaces: Sequence[str]) -> None:
        if ENTITY_SPACE in spaces and not entities_on(self._folder):
            raise UsageError(
                "The search for entities is switched off in this library, so nothing was encoded "
                "for it; leave the entity model out, or `sightread entities on`."
            )

    def _pixels(self, picture: PictureId) -> RGBImage:
        from sightread.images import decode

        return decode(self.original(format_id(picture))[1], side_limit_px=_LIKE_SIDE_PX).pixels

    def _encode(self, data: bytes, space: str) -> Vectors:
        from sightread.images import decode

        if self.engine.channels is None:
            raise UsageError("This library was opened without its encoders: only words are known.")
        encoder = self.engine.channels.encoder(space)
        pixels = decode(data, side_limit_px=_LIKE_SIDE_PX).pixels
        return np.stack([one.vector for one in encoder.encode_images([pixels])])

    def original(self, path_or_id: str) -> tuple[PictureRecord, bytes]:
        """A picture and the bytes of its file.

        Raises:
            NotInLibrary: the library does not hold it.
            PictureError: its file is gone or holds something else now.
        """
        from sightread.images import content_id, read_file

        records = self.store.get(self._numbers([path_or_id])[:1], regions=False)
        record = records[0] if records else self.picture(path_or_id)
        for stamp in record.stamps:
            try:
                data = read_file(stamp.path)
            except PictureError:
                continue
            # Whatever may be at this path now, only what was indexed is given out.
            if content_id(data)[1] == record.sha256:
                return record, data
        raise PictureError(
            "The file of this picture is gone or has changed since it was read; run `sightread "
            "index` on its folder."
        )

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
        self._refuse_entities([source.encoder.spec.space for source in sources])
        report = ingest(
            self.store, self._open_reader(), self._ledger, folders, options, progress, sources
        )
        return replace(report, warnings=(*missing, *report.warnings))

    def retry(
        self, progress: Progress | None = None, options: IndexOptions | None = None
    ) -> IndexReport:
        """Try the failed files again, whether or not they have changed; only those in
        `options.within`, if that names folders."""
        from sightread.search.walk import is_within

        within = options.within if options is not None else ()
        failed = [one.path for one in self.failures() if is_within(one.path, within)]
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
            region_spaces=self.store.region_spaces(),
            entities=entities_on(self._folder),
        )

    def picture(self, path_or_id: str) -> PictureRecord:
        """The picture with this path or id (16 hex digits), with its vectors.

        Raises:
            NotInLibrary: the library does not hold it.
        """
        records = self.store.get(self._numbers([path_or_id])[:1], embeddings=True)
        if not records:
            raise NotInLibrary(
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

    def ids(self, paths_or_ids: Sequence[str]) -> list[PictureId]:
        """The ids of those of these pictures that the library holds."""
        self.store.refresh()
        wanted = Compare("id", "in", tuple(self._numbers(paths_or_ids)))
        return [int(one) for one in self.store.ids(wanted)]

    def close(self) -> None:
        self.store.close()
        self._ledger.close()
        self._explanations.close()

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


__all__ = ["Encoders", "Failure", "IndexProgress", "IndexReport", "Library", "Status"]
