"""What was written since the last flush, and is not committed yet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from sightread.types import ImageEmbedding, PathStamp, PictureId, PictureRecord

MAX_WAITING_REGIONS = 20_000
MAX_WAITING_CHANGES = 5_000


@dataclass(slots=True)
class Waiting:
    """Changes since the last flush. They stay here until they are committed, so that a flush that
    fails can be repeated. `vectors` are by table; None removes one."""

    puts: dict[PictureId, PictureRecord] = field(default_factory=dict)
    stamps: dict[PictureId, tuple[PathStamp, ...]] = field(default_factory=dict)
    gone: set[PictureId] = field(default_factory=set)
    vectors: dict[str, dict[PictureId, ImageEmbedding | None]] = field(default_factory=dict)
    regions: int = 0

    def __bool__(self) -> bool:
        return bool(self.puts or self.stamps or self.gone or any(self.vectors.values()))

    def is_much(self) -> bool:
        """Whether it is time to flush, for the sake of memory."""
        changes = len(self.puts) + len(self.stamps) + len(self.gone)
        changes += sum(map(len, self.vectors.values()))
        return self.regions >= MAX_WAITING_REGIONS or changes >= MAX_WAITING_CHANGES

    def put(self, picture: PictureRecord) -> None:
        """Add or replace a picture, without its vectors."""
        replaced = self.puts.get(picture.id)
        self.regions += len(picture.regions) - (len(replaced.regions) if replaced else 0)
        self.puts[picture.id] = picture
        self.stamps.pop(picture.id, None)

    def encode(self, table: str, embeddings: Mapping[PictureId, ImageEmbedding | None]) -> None:
        """Add, replace or remove vectors."""
        self.vectors.setdefault(table, {}).update(embeddings)

    def forget(self, picture: PictureId) -> None:
        """Remove a picture with all that it has."""
        put = self.puts.pop(picture, None)
        self.regions -= len(put.regions) if put else 0
        self.stamps.pop(picture, None)
        for embeddings in self.vectors.values():
            embeddings.pop(picture, None)
        self.gone.add(picture)
