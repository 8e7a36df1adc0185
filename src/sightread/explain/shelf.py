"""The explanations of a library as its search uses them: looked up, never asked for."""

from __future__ import annotations

import os
import threading
from contextlib import suppress

import numpy as np
from numpy.typing import NDArray

from sightread.errors import SightreadError
from sightread.explain.book import FILE_NAME, Book
from sightread.explain.explanation import Subject
from sightread.explained import Explained


class Shelf:
    """The book in the folder of a library, opened when first needed. See `protocols.Explainer`.

    May be called from several threads.
    """

    def __init__(self, folder: str) -> None:
        self._path = os.path.join(folder, FILE_NAME)
        self._lock = threading.Lock()
        self._book: Book | None = None
        self._stamp: tuple[int, int] | None = None

    def find(self, entity: str) -> Explained | None:
        """The good explanation of an entity, by name or alias.

        Raises:
            ExplanationError: the book is damaged.
        """
        found = self._opened().find(Subject(entity))
        if found is None or found.verdict != "good":
            return None
        return Explained(
            term=entity,
            entity=found.name,
            text=found.text,
            source=found.source,
            model=found.model,
            made_at=found.made_at,
            version=found.version,
        )

    def vector(self, text: str, revision: str) -> NDArray[np.float32] | None:
        """What the encoder of this revision made of the text before."""
        with suppress(SightreadError):
            kept = self._opened().vector(text, revision)
            if kept is not None and len(kept) % 4 == 0:
                vector = np.frombuffer(kept, dtype="<f4").astype(np.float32)
                return vector if np.isfinite(vector).all() else None
        return None

    def keep(self, text: str, revision: str, vector: NDArray[np.float32]) -> None:
        """Remember it in the book. Where that cannot be written, the next search computes it."""
        with suppress(SightreadError), Book.open(self._path, write=True, brief=True) as book:
            book.keep_vector(text, revision, vector.astype("<f4").tobytes())

    def close(self) -> None:
        with self._lock:
            if self._book is not None:
                self._book.close()
                self._book = None

    def _opened(self) -> Book:
        with self._lock:
            stamp = _stamp(self._path)
            # Another file may be at this place by now, or the first one.
            if self._book is None or stamp != self._stamp:
                if self._book is not None:
                    self._book.close()
                self._book, self._stamp = Book.open(self._path), stamp
            return self._book


def _stamp(path: str) -> tuple[int, int] | None:
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_dev, status.st_ino
