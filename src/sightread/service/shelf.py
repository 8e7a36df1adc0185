"""The libraries that are served, each with the one thread that searches it."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from sightread.errors import NotInLibrary, UsageError
from sightread.library import Library
from sightread.service.lane import Lane
from sightread.service.settings import Settings
from sightread.types import PictureId

_Answer = TypeVar("_Answer")


class Shelf:
    """One library, open for reading: its vocabulary and its encoders are in memory once."""

    def __init__(self, name: str, path: str, settings: Settings) -> None:
        self.name = name
        self.path = path
        self.library = Library.open(path)
        self._lane = Lane(
            "searches", threads=1, waiting=settings.waiting, timeout_s=settings.search_timeout_s
        )

    async def ask(self, question: Callable[[Library], _Answer]) -> _Answer:
        """Ask the library, on its thread.

        Raises:
            Refused: too many are asking.
        """
        return await self._lane.run(lambda: question(self.library))

    async def ask_files(self, question: Callable[[Library], _Answer]) -> _Answer:
        """Ask what the ledger of failed files takes part in: it may be new since the start."""

        def fresh() -> _Answer:
            with Library.open(self.path, reader_only=True) as library:
                return question(library)

        return await self._lane.run(fresh)

    @property
    def waiting(self) -> int:
        """Searches in hand and waiting."""
        return self._lane.inside

    def require(self, picture: PictureId) -> None:
        """Make sure that the library holds the picture; cheap, and safe on any thread.

        Raises:
            NotInLibrary: it does not.
        """
        self.library.store.refresh()
        ids: NDArray[np.int64] = self.library.store.ids()
        at = int(np.searchsorted(ids, picture))
        if at == len(ids) or int(ids[at]) != picture:
            raise NotInLibrary(f"{picture:016x} is not in the library {self.name}.")

    def close(self) -> None:
        self._lane.close()
        self.library.close()


class Shelves:
    """All libraries by name; the first one is meant when none is named."""

    def __init__(self, settings: Settings) -> None:
        """Raises:
        LibraryError: one of them cannot be opened.
        """
        self._all: dict[str, Shelf] = {}
        try:
            for name, path in _named(settings.libraries):
                self._all[name] = Shelf(name, path, settings)
        except BaseException:
            self.close()
            raise

    def all(self) -> list[Shelf]:
        return list(self._all.values())

    def get(self, name: str | None) -> Shelf:
        """The library of this name.

        Raises:
            UsageError: there is none.
        """
        if name is None:
            return next(iter(self._all.values()))
        if name not in self._all:
            raise UsageError(
                f"There is no library {name[:100]} here; there is {', '.join(self._all)}."
            )
        return self._all[name]

    def close(self) -> None:
        for shelf in self._all.values():
            shelf.close()


def _named(paths: Sequence[str]) -> list[tuple[str, str]]:
    """Each library under the name of its folder, with a number behind it where that is taken."""
    found: dict[str, str] = {}
    for path in dict.fromkeys(os.path.abspath(os.path.expanduser(path)) for path in paths):
        plain = os.path.basename(path).removesuffix(".sightread") or "library"
        plain = os.fsencode(plain).decode("utf-8", "replace")
        name, number = plain, 1
        while name in found:
            number += 1
            name = f"{plain} {number}"
        found[name] = path
    return list(found.items())
