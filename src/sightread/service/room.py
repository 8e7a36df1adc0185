"""What all routes of one service work with."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from fastapi import Request

from sightread.service.figures import Figures
from sightread.service.indexing import Indexing
from sightread.service.lane import Lane
from sightread.service.problems import busy
from sightread.service.renditions import Renditions
from sightread.service.schemas import Problem
from sightread.service.settings import Settings
from sightread.service.shelf import Shelf, Shelves

MOST_UPLOADS = 8
"""Pictures to search with that may be on their way at once."""


@dataclass
class Room:
    """Open from the start of the service to its end."""

    settings: Settings
    shelves: Shelves
    renditions: Renditions
    pictures: Lane
    files: Lane
    figures: Figures = field(default_factory=Figures)
    indexing: dict[str, Indexing] = field(default_factory=dict)
    _uploads: int = 0

    @classmethod
    def open(cls, settings: Settings) -> Room:
        """Raises:
        LibraryError: a library cannot be opened.
        """
        waiting, limit_s = settings.waiting, settings.picture_timeout_s
        room = cls(
            settings,
            Shelves(settings),
            Renditions(settings.cache_folder, settings.cache_bytes),
            Lane("pictures", threads=2, waiting=waiting, timeout_s=limit_s),
            Lane("files", threads=2, waiting=waiting, timeout_s=3600.0),
        )
        room.indexing = {shelf.name: Indexing(shelf.path, settings) for shelf in room.shelves.all()}
        return room

    def runs_of(self, shelf: Shelf) -> Indexing:
        return self.indexing[shelf.name]

    async def say_goodbye(self) -> None:
        """The service is about to end: nobody is kept waiting."""
        for runs in self.indexing.values():
            await runs.say_goodbye()

    @contextmanager
    def upload(self) -> Iterator[None]:
        """While a picture is sent to search with; it is in memory.

        Raises:
            Refused: too many are.
        """
        if self._uploads >= MOST_UPLOADS:
            raise busy("uploads")
        self._uploads += 1
        try:
            yield
        finally:
            self._uploads -= 1

    async def close(self) -> None:
        for runs in self.indexing.values():
            await runs.close()
        for lane in (self.pictures, self.files):
            lane.close()
        self.shelves.close()


def room_of(request: Request) -> Room:
    """The room of the service that got the request."""
    room: Room = request.app.state.room
    return room


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The documents that a route may answer instead, for OpenAPI."""
    content = {"application/problem+json": {"schema": Problem.model_json_schema()}}
    always = (400, 401, 403, 414, 421, 422, 429, 431, 500, 503)
    return {
        status: {"description": "See `detail`.", "content": content}
        for status in sorted({*always, *statuses})
    }
