"""One writer at a time. Readers need no lock."""

from __future__ import annotations

import errno
import fcntl
import os
from pathlib import Path

from sightread.errors import LibraryError

LOCK_NAME = "writer.lock"


class WriterLock:
    """An exclusive lock on a library, held until `release` or the end of the process.

    The operating system drops it with the process, so that a killed writer leaves none behind;
    the number written into the file only serves the message of whoever is refused.
    """

    def __init__(self, folder: Path) -> None:
        """Take the lock.

        Raises:
            LibraryError: someone else holds it.
            OSError: the folder cannot be written to.
        """
        descriptor = os.open(folder / LOCK_NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        except OSError as error:
            holder = _holder(descriptor)
            os.close(descriptor)
            if error.errno not in (errno.EAGAIN, errno.EACCES):
                raise
            raise LibraryError(
                f"{folder} is being written to by another process{holder}: wait until it is done "
                "or stop it; searching is possible meanwhile."
            ) from None
        self._descriptor: int | None = descriptor

    def release(self) -> None:
        """Give the lock back; once is enough, more does no harm."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)


def _holder(descriptor: int) -> str:
    pid = os.pread(descriptor, 20, 0).strip()
    return f" (process {pid.decode()})" if pid.isdigit() else ""
