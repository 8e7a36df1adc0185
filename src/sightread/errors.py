"""The exceptions that users may see.

Each message is one sentence or two: what is wrong, with which value, what the limit is, and the
way out. Libraries raise; only the command line and the service turn them into output.
"""

from __future__ import annotations


class SightreadError(Exception):
    """Base of all errors that are meant to be read by a user."""


class UsageError(SightreadError):
    """The request itself is wrong: an unknown option value, a folder that is not there."""


class NotInLibrary(UsageError):
    """A picture was named that the library does not hold."""


class QueryError(UsageError):
    """The query line cannot be understood; `position` is the 0-based place in it."""

    def __init__(self, message: str, position: int) -> None:
        super().__init__(message)
        self.position = position


class PictureError(SightreadError):
    """One file cannot be made a picture. Goes to the ledger, never stops a run."""


class LibraryError(SightreadError):
    """The library cannot be opened or written: locked, read-only, damaged, too new, disk full."""


class UnsupportedFilter(SightreadError):
    """A store was asked for a condition that it cannot apply."""


class ServiceError(SightreadError):
    """A service cannot be reached, or does not let this client do what it asks."""


class ModelError(SightreadError):
    """A model folder or checkpoint cannot be used: damaged, foreign, too new, of another form."""


class ExplanationError(SightreadError):
    """Explanations cannot be had or kept: no endpoint, wrong key, a broken line, a damaged file."""
