"""What LanceDB and the file system complain of, as one sentence for the user."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sightread.errors import LibraryError

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_READ_ONLY = (errno.EROFS, errno.EACCES, errno.EPERM)
# What LanceDB, pyarrow and the file system raise. Anything else is a fault in this program, and
# is shown as one.
FAILURES = (OSError, RuntimeError, ValueError)
# LanceDB wraps the system's errors into text.
_FULL_TEXT = ("No space left on device", "Disk quota exceeded", "File too large")
_READ_ONLY_TEXT = ("Read-only file system", "Permission denied", "Operation not permitted")


def library_error(error: Exception, folder: Path, doing: str) -> LibraryError:
    """The error to raise instead of `error`; `doing` completes "cannot be"."""
    number = error.errno if isinstance(error, OSError) else None
    text = str(error)
    if number in _FULL or any(sign in text for sign in _FULL_TEXT):
        return LibraryError(
            f"The disk of {folder} is full: nothing that was there is lost; make room and run the "
            "same command again."
        )
    if number in _READ_ONLY or any(sign in text for sign in _READ_ONLY_TEXT):
        return LibraryError(
            f"The library at {folder} cannot be {doing}: you may not do that in this folder; "
            "change its permissions, or use a copy of it."
        )
    first_line = text.splitlines()[0] if text else type(error).__name__
    return LibraryError(
        f"The library at {folder} cannot be {doing} ({first_line[:300]}): if this happens again, "
        "index again into a new folder."
    )


@contextmanager
def as_library_error(folder: Path, doing: str) -> Iterator[None]:
    """Turn what fails inside into a LibraryError."""
    try:
        yield
    except FAILURES as error:
        raise library_error(error, folder, doing) from error
