"""The ledger of failed files: which, why, when, how often. One SQLite file in the library folder.

It says what must not be tried again while the file stays as it is, and it is what
`status --failed` prints. Losing it costs nothing but time: the files are simply tried again.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from types import TracebackType
from urllib.parse import quote

from sightread.errors import LibraryError
from sightread.types import PathStamp

FILE_NAME = "ledger.sqlite"
FORMAT = 1
_BUSY_S = 10.0

_SCHEMA = """
CREATE TABLE IF NOT EXISTS failures (
    path      BLOB PRIMARY KEY,
    reason    TEXT NOT NULL,
    size      INTEGER NOT NULL,
    mtime_ns  INTEGER NOT NULL,
    failed_at REAL NOT NULL,
    attempts  INTEGER NOT NULL
) WITHOUT ROWID
"""
_UPSERT = """
INSERT INTO failures VALUES (?, ?, ?, ?, ?, 1)
ON CONFLICT (path) DO UPDATE SET reason = excluded.reason, size = excluded.size,
    mtime_ns = excluded.mtime_ns, failed_at = excluded.failed_at, attempts = attempts + 1
"""


@dataclass(frozen=True, slots=True)
class Failure:
    """A file that could not be indexed. `failed_at` is the time of the last of `attempts`."""

    path: str
    reason: str
    size: int
    mtime_ns: int
    failed_at: float
    attempts: int

    @property
    def stamp(self) -> PathStamp:
        return PathStamp(self.path, self.size, self.mtime_ns)


class Ledger:
    """Open with `Ledger.open`. Every change is on disk when its call returns."""

    def __init__(self, path: str, connection: sqlite3.Connection | None) -> None:
        self.path = path
        self.connection = connection
        self._lock = threading.Lock()

    @classmethod
    def open(cls, folder: str, write: bool = False) -> Ledger:
        """The ledger of the library in `folder`; without `write` a missing file is an empty one.

        Raises:
            LibraryError: it cannot be opened, is damaged, or was written by a newer Sightread.
        """
        path = os.path.join(folder, FILE_NAME)
        if not write and not os.path.exists(path):
            return cls(path, None)
        with _as_library_error(path):
            return cls(path, _connect_writer(path) if write else _connect_reader(path))

    def fail(self, stamp: PathStamp, reason: str) -> None:
        """Note that the file, as it is now, cannot be indexed."""
        self.record([(stamp, reason)], ())

    def clear(self, paths: Iterable[str]) -> None:
        """Forget failures, of files that are fine now or gone."""
        self.record((), paths)

    def record(self, failed: Sequence[tuple[PathStamp, str]], cleared: Iterable[str]) -> None:
        """`clear` and `fail` many files in one transaction.

        Raises:
            LibraryError: the ledger is open for reading only, or cannot be written.
        """
        if self.connection is None:
            raise LibraryError(f"The ledger {self.path} is open for reading only.")
        now = time.time()
        rows = [
            (os.fsencode(stamp.path), _storable(reason), stamp.size, stamp.mtime_ns, now)
            for stamp, reason in failed
        ]
        gone = [(os.fsencode(path),) for path in cleared]
        if not rows and not gone:
            return
        with self._lock, _as_library_error(self.path), self.connection as transaction:
            transaction.executemany("DELETE FROM failures WHERE path = ?", gone)
            transaction.executemany(_UPSERT, rows)

    def failures(self) -> list[Failure]:
        """All failed files, by path."""
        return [Failure(os.fsdecode(row[0]), *row[1:]) for row in self._rows("ORDER BY path")]

    def stamp_of(self, path: str) -> PathStamp | None:
        """How the file was when it failed; None if it did not fail."""
        rows = self._rows("WHERE path = ?", (os.fsencode(path),))
        return PathStamp(path, rows[0][2], rows[0][3]) if rows else None

    def __len__(self) -> int:
        if self.connection is None:
            return 0
        with self._lock, _as_library_error(self.path):
            [count] = self.connection.execute("SELECT count(*) FROM failures").fetchone()
        return int(count)

    def close(self) -> None:
        if self.connection is not None:
            self.connection.close()
            self.connection = None

    def __enter__(self) -> Ledger:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _rows(
        self, rest: str, values: tuple[bytes, ...] = ()
    ) -> list[tuple[bytes, str, int, int, float, int]]:
        if self.connection is None:
            return []
        columns = "SELECT path, reason, size, mtime_ns, failed_at, attempts FROM failures"
        with self._lock, _as_library_error(self.path):
            return self.connection.execute(f"{columns} {rest}", values).fetchall()


def _connect_writer(path: str) -> sqlite3.Connection:
    plain = sqlite3.connect(path, timeout=_BUSY_S, check_same_thread=False)
    connection = _checked(plain, path)
    try:
        # A plain rollback journal, not WAL: readers of a library on a read-only medium could not
        # create the shared-memory file that WAL needs.
        connection.execute("PRAGMA journal_mode = DELETE")
        connection.execute("PRAGMA synchronous = FULL")
        with connection as transaction:
            transaction.execute(_SCHEMA)
            transaction.execute(f"PRAGMA user_version = {FORMAT}")
    except BaseException:
        connection.close()
        raise
    return connection


def _connect_reader(path: str) -> sqlite3.Connection | None:
    # A writer that was killed leaves a journal that has to be rolled back before anything is
    # read: in place if that may be written to, else in a copy.
    for attempt in (_open_only_reading, _open_rolling_back, _open_copy):
        try:
            connection = attempt(path)
        except sqlite3.OperationalError as error:
            if attempt is _open_copy or not _asks_for_writing(error):
                raise
            continue
        if _format_of(connection) > 0:
            return connection
        connection.close()  # the first writer has not got to its schema yet
        break
    return None


def _asks_for_writing(error: sqlite3.OperationalError) -> bool:
    return error.sqlite_errorname.startswith(("SQLITE_READONLY", "SQLITE_CANTOPEN"))


def _open_only_reading(path: str) -> sqlite3.Connection:
    return _checked(_open_uri(path, "mode=ro"), path)


def _open_rolling_back(path: str) -> sqlite3.Connection:
    return _checked(_open_uri(path, "mode=rw"), path)


def _open_copy(path: str) -> sqlite3.Connection:
    memory = sqlite3.connect(":memory:", check_same_thread=False)
    with tempfile.TemporaryDirectory(prefix="sightread-") as folder:
        copy = os.path.join(folder, FILE_NAME)
        for suffix in ("", "-journal"):
            if os.path.exists(path + suffix):
                shutil.copyfile(path + suffix, copy + suffix)
        with closing(_checked(_open_uri(copy, "mode=rw"), path)) as connection:
            connection.backup(memory)
    return memory


def _checked(connection: sqlite3.Connection, path: str) -> sqlite3.Connection:
    try:
        version = _format_of(connection)
        if version > FORMAT:
            raise LibraryError(
                f"The ledger {path} has format {version}, this Sightread knows up to {FORMAT}: "
                "use the newer Sightread that wrote it."
            )
    except BaseException:
        connection.close()
        raise
    return connection


def _format_of(connection: sqlite3.Connection) -> int:
    [version] = connection.execute("PRAGMA user_version").fetchone()
    return int(version)


def _open_uri(path: str, options: str) -> sqlite3.Connection:
    uri = f"file:{quote(os.fsencode(path))}?{options}"
    return sqlite3.connect(uri, uri=True, timeout=_BUSY_S, check_same_thread=False)


@contextmanager
def _as_library_error(path: str) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise LibraryError(_sentence(path, error)) from error


def _sentence(path: str, error: sqlite3.Error) -> str:
    name = getattr(error, "sqlite_errorname", "")
    if name == "SQLITE_FULL":
        return (
            f"The disk of {path} is full: nothing that was there is lost; make room and run the "
            "same command again."
        )
    if name in ("SQLITE_CORRUPT", "SQLITE_NOTADB"):
        return (
            f"The ledger {path} is damaged ({error}): delete that file, and the failed files are "
            "tried again by the next `sightread index`."
        )
    return f"The ledger {path} cannot be used: {error}."


def _storable(reason: str) -> str:
    # A reason may quote a file name with undecodable bytes, which SQLite refuses in a text.
    return reason.encode("utf-8", "backslashreplace").decode("utf-8")
