"""The book of explanations: one SQLite file with every version of every explanation.

It is a cache, since asking costs time or money, and a work of people, since what they correct by
hand is kept here. Nothing in it is overwritten: a change is a new version, and the newest good one
counts. Who was asked for a subject, and with which question, is kept too, so that nobody is asked
twice; what failed is kept with its reason, to be asked again.
"""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import quote

from sightread.errors import ExplanationError
from sightread.explain.explanation import HAND, Explanation, Subject

FILE_NAME = "explanations.sqlite"
"""In the folder of a library."""

FORMAT = 1
_BUSY_S = 10.0

_SCHEMA = """
CREATE TABLE IF NOT EXISTS explanations (
    kind TEXT NOT NULL, key TEXT NOT NULL, version INTEGER NOT NULL, name TEXT NOT NULL,
    text TEXT NOT NULL, source TEXT NOT NULL, model TEXT NOT NULL, prompt TEXT NOT NULL,
    made_at REAL NOT NULL, verdict TEXT NOT NULL, raw TEXT NOT NULL, fingerprint TEXT NOT NULL,
    PRIMARY KEY (kind, key, version)
);
CREATE TABLE IF NOT EXISTS aliases (alias TEXT PRIMARY KEY, key TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS failures (
    kind TEXT NOT NULL, key TEXT NOT NULL, name TEXT NOT NULL, reason TEXT NOT NULL,
    failed_at REAL NOT NULL, PRIMARY KEY (kind, key)
);
CREATE TABLE IF NOT EXISTS vectors (
    text TEXT NOT NULL, revision TEXT NOT NULL, vector BLOB NOT NULL,
    PRIMARY KEY (text, revision)
);
"""
_COLUMNS = "name, text, source, model, prompt, made_at, verdict, raw, kind, version"
# The newest good version counts, and where none is good, the newest.
_NEWEST = f"""
SELECT {_COLUMNS} FROM (
    SELECT *, row_number() OVER (
        PARTITION BY kind, key ORDER BY verdict = 'good' DESC, version DESC) AS place
    FROM explanations)
WHERE place = 1 ORDER BY kind DESC, key
"""


@dataclass(frozen=True, slots=True)
class Unanswered:
    """A subject for which an endpoint had no answer, why, and when that was."""

    name: str
    reason: str
    failed_at: float


class Book:
    """Open with `Book.open`. Every change is in the file when its call returns."""

    def __init__(self, path: str, connection: sqlite3.Connection | None, *, write: bool) -> None:
        self.path = path
        self._connection = connection
        self._write = write
        self._lock = threading.Lock()

    @classmethod
    def open(
        cls, path: str | os.PathLike[str], *, write: bool = False, brief: bool = False
    ) -> Book:
        """The book in a file; without `write` a missing file is an empty book.

        Args:
            brief: for one change by the way: do not wait for another process that is writing.

        Raises:
            ExplanationError: it cannot be opened, is damaged, or was written by a newer Sightread.
        """
        name = os.fspath(path)
        if not write and not os.path.exists(name):
            return cls(name, None, write=False)
        with _explained(name):
            return cls(name, _connect(name, write, brief), write=write)

    # --- reading ---------------------------------------------------------------------------

    def find(self, subject: Subject) -> Explanation | None:
        """What counts for a subject, by its name or an alias; None if there is nothing."""
        return self._newest(subject) or (
            self._newest(Subject(aliased)) if (aliased := self._aliased(subject)) else None
        )

    def versions(self, subject: Subject) -> list[Explanation]:
        """All versions of a subject, the oldest first."""
        rows = f"SELECT {_COLUMNS} FROM explanations WHERE kind = ? AND key = ? ORDER BY version"
        return [_explanation(row) for row in self._rows(rows, subject.kind, subject.key)]

    def all(self) -> list[Explanation]:
        """What counts for every subject, entities first, by name."""
        return [_explanation(row) for row in self._rows(_NEWEST)]

    def was_asked(self, subject: Subject, fingerprint: str) -> bool:
        """Whether the source with this fingerprint has answered for the subject."""
        asked = "SELECT 1 FROM explanations WHERE kind = ? AND key = ? AND fingerprint = ? LIMIT 1"
        return bool(self._rows(asked, subject.kind, subject.key, fingerprint))

    def unanswered(self) -> list[Unanswered]:
        """Subjects whose last question failed, by name."""
        rows = self._rows("SELECT name, reason, failed_at FROM failures ORDER BY key")
        return [Unanswered(*row) for row in rows]

    def vector(self, text: str, revision: str) -> bytes | None:
        """What an encoder made of a text before (`keep_vector`)."""
        found = self._rows(
            "SELECT vector FROM vectors WHERE text = ? AND revision = ?", text, revision
        )
        return bytes(found[0][0]) if found else None

    def __len__(self) -> int:
        rows = self._rows("SELECT count(DISTINCT kind || key) FROM explanations")
        return int(rows[0][0]) if rows else 0

    # --- writing ---------------------------------------------------------------------------

    def add(
        self, explanation: Explanation, fingerprint: str = "", aliases: Sequence[str] = ()
    ) -> Explanation:
        """Keep a new version, whatever its verdict; the stored one is returned.

        Args:
            fingerprint: of the endpoint that answered.
            aliases: other names of the same entity.
        """
        one, subject = explanation, explanation.subject
        with self._changing() as changes:
            [[last]] = changes.execute(
                "SELECT coalesce(max(version), 0) FROM explanations WHERE kind = ? AND key = ?",
                (subject.kind, subject.key),
            )
            values = (one.kind, subject.key, last + 1, one.name, one.text, one.source, one.model)
            rest = (one.prompt, one.made_at or time.time(), one.verdict, one.raw, fingerprint)
            changes.execute(
                f"INSERT INTO explanations VALUES ({', '.join('?' * 12)})", (*values, *rest)
            )
            changes.execute(
                "DELETE FROM failures WHERE kind = ? AND key = ?", (subject.kind, subject.key)
            )
            for alias in aliases:
                pair = (Subject(alias).key, subject.key)
                changes.execute("INSERT OR REPLACE INTO aliases VALUES (?, ?)", pair)
        return self.versions(subject)[-1]

    def fail(self, subject: Subject, reason: str) -> None:
        """Note that a question was not answered."""
        values = (subject.kind, subject.key, subject.name, reason, time.time())
        with self._changing() as changes:
            changes.execute("INSERT OR REPLACE INTO failures VALUES (?, ?, ?, ?, ?)", values)

    def remove(self, subject: Subject) -> int:
        """Forget all versions of a subject, with what was made of them; how many there were."""
        own, name = (subject.kind, subject.key), (subject.key,)
        with self._changing() as changes:
            changes.execute(
                "DELETE FROM vectors WHERE text IN "
                "(SELECT text FROM explanations WHERE kind = ? AND key = ?)",
                own,
            )
            count = changes.execute(
                "DELETE FROM explanations WHERE kind = ? AND key = ?", own
            ).rowcount
            changes.execute("DELETE FROM failures WHERE kind = ? AND key = ?", own)
            if subject.kind == "entity":
                changes.execute("DELETE FROM aliases WHERE key = ?", name)
        return int(count)

    def keep_vector(self, text: str, revision: str, vector: bytes) -> None:
        """Keep what an encoder made of a text, so that no search has to wait for it again."""
        with self._changing() as changes:
            changes.execute(
                "INSERT OR REPLACE INTO vectors VALUES (?, ?, ?)", (text, revision, vector)
            )

    def close(self) -> None:
        if self._connection is None:
            return
        with suppress(sqlite3.Error):
            if self._write:  # so that it can be read on a medium that is read-only
                self._connection.execute("PRAGMA busy_timeout = 0")
                self._connection.execute("PRAGMA journal_mode = DELETE")
        self._connection.close()
        self._connection = None

    def __enter__(self) -> Book:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    # --- SQL -------------------------------------------------------------------------------

    def _newest(self, subject: Subject) -> Explanation | None:
        rows = self._rows(
            f"SELECT {_COLUMNS} FROM explanations WHERE kind = ? AND key = ? "
            "ORDER BY verdict = 'good' DESC, version DESC LIMIT 1",
            subject.kind,
            subject.key,
        )
        return _explanation(rows[0]) if rows else None

    def _aliased(self, subject: Subject) -> str:
        if subject.kind != "entity":
            return ""
        found = self._rows("SELECT key FROM aliases WHERE alias = ?", subject.key)
        return str(found[0][0]) if found else ""

    def _rows(self, statement: str, *values: str) -> list[tuple[Any, ...]]:
        if self._connection is None:
            return []
        with self._lock, _explained(self.path):
            return self._connection.execute(statement, values).fetchall()

    @contextmanager
    def _changing(self) -> Iterator[sqlite3.Connection]:
        if self._connection is None or not self._write:
            raise ExplanationError(f"The explanations {self.path} are open for reading only.")
        with self._lock, _explained(self.path), self._connection as transaction:
            # At once, so that nobody else can change what is read first.
            transaction.execute("BEGIN IMMEDIATE")
            yield transaction


def is_by_hand(explanation: Explanation | None) -> bool:
    """Whether a person wrote it."""
    return explanation is not None and explanation.source == HAND


def _explanation(row: tuple[Any, ...]) -> Explanation:
    return Explanation(*row)  # the columns are its fields


def _connect(path: str, write: bool, brief: bool) -> sqlite3.Connection | None:
    busy_s = 0.0 if brief else _BUSY_S
    if write:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(path, timeout=busy_s, check_same_thread=False)
        return _prepared(connection, path, brief)
    # A writer that was killed may have left what only a writer can tidy; on a read-only medium
    # the file is read as it is.
    for way in ("mode=ro", "mode=rw", "immutable=1"):
        uri = f"file:{quote(os.fsencode(os.path.abspath(path)))}?{way}"
        connection = sqlite3.connect(uri, uri=True, timeout=busy_s, check_same_thread=False)
        try:
            if _format(connection, path) > 0:
                return connection
        except sqlite3.OperationalError:
            connection.close()
            if way == "immutable=1":
                raise
            continue
        connection.close()  # the first writer has not got to its schema yet
        break
    return None


def _prepared(connection: sqlite3.Connection, path: str, brief: bool) -> sqlite3.Connection:
    try:
        found = _format(connection, path)
        if not brief:
            # Every answer is committed by itself: with this, in a tenth of a millisecond.
            connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        if found < FORMAT:
            connection.executescript(_SCHEMA)
            connection.execute(f"PRAGMA user_version = {FORMAT}")
    except BaseException:
        connection.close()
        raise
    return connection


def _format(connection: sqlite3.Connection, path: str) -> int:
    [found] = connection.execute("PRAGMA user_version").fetchone()
    if found > FORMAT:
        connection.close()
        raise ExplanationError(
            f"The explanations {path} have format {found}, and this program knows formats up to "
            f"{FORMAT}: update sightread."
        )
    return int(found)


@contextmanager
def _explained(path: str) -> Iterator[None]:
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        raise ExplanationError(_sentence(path, error)) from error


def _sentence(path: str, error: Exception) -> str:
    name = getattr(error, "sqlite_errorname", "")
    if name in ("SQLITE_CORRUPT", "SQLITE_NOTADB"):
        return (
            f"{path} is no book of explanations or is damaged ({error}); put back a copy, or move "
            "it away and fill a new one."
        )
    if name == "SQLITE_FULL":
        return (
            f"The disk of {path} is full: nothing that was there is lost; make room and run the "
            "same command again."
        )
    if name.startswith("SQLITE_BUSY"):
        return f"{path} is being written by another process; try again when that is done."
    return f"The explanations {path} cannot be used: {error}."
