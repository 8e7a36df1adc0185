"""The LanceDB tables of a library folder: opening, creating, rolling back, dropping."""

from __future__ import annotations

import os
import shutil
import unicodedata
from collections.abc import Collection, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from sightread.errors import LibraryError
from sightread.store.failures import FAILURES
from sightread.store.lancedb_import import load_lancedb
from sightread.store.manifest import Versions
from sightread.store.rows import PICTURES, REGIONS

TABLES_NAME = "tables"
VECTORS_PREFIX = "vectors-"
SCHEMAS = {"pictures": PICTURES, "regions": REGIONS}
SQL_LIST_LIMIT = 1000
"""Longer lists are split: a condition is parsed recursively and costs more than it saves."""

_INDEX_CACHE_BYTES = 256 << 20
_METADATA_CACHE_BYTES = 64 << 20
_LATEST = 2**64 - 1  # LanceDB names the file of version v so that the newest sorts first


class Tables:
    """A connection to the tables of one library. Opens them; keeps no state of its own."""

    def __init__(self, folder: Path) -> None:
        """Connect to the library in `folder` (absolute).

        Raises:
            LibraryError: LanceDB cannot work with this path.
        """
        self.folder = folder
        self._root = folder / TABLES_NAME
        if not _is_plain(str(folder)):
            raise LibraryError(
                f"{str(folder)!r} cannot hold a library: its path has line breaks, control "
                "characters or bytes that are not text; choose another folder."
            )
        lancedb = load_lancedb()
        session = lancedb.Session(_INDEX_CACHE_BYTES, _METADATA_CACHE_BYTES)
        self._connection: Any = lancedb.connect(self._root, session=session)

    def open(self, name: str, version: int | None = None) -> Any:
        """A table at its latest version, to write to, or at another, to read from."""
        table = self._connection.open_table(name)
        if version is not None:
            table.checkout(version)
        return table

    def create(self) -> Versions:
        """Create empty tables, over what an interrupted creation left.

        Raises:
            LibraryError: there are tables with pictures but no manifest.
        """
        for name in SCHEMAS:
            if (self._root / f"{name}.lance").exists() and self._rows(name):
                raise LibraryError(
                    f"{self.folder} holds pictures but its library.json is gone: put back a "
                    "copy of that file, or remove the folder and index again."
                )
            shutil.rmtree(self._root / f"{name}.lance", ignore_errors=True)
        return {
            name: int(self._connection.create_table(name, schema=schema).version)
            for name, schema in SCHEMAS.items()
        }

    def create_vectors(self, name: str, schema: Any) -> Any:
        """Create an empty table of vectors, over what an interrupted creation left."""
        shutil.rmtree(self._root / f"{name}.lance", ignore_errors=True)
        return self._connection.create_table(name, schema=schema)

    def drop_vectors(self, named: Collection[str]) -> None:
        """Remove the tables of vectors that nobody names any more, or never did."""
        for path in self._root.glob(f"{VECTORS_PREFIX}*.lance"):
            if path.stem not in named:
                shutil.rmtree(path, ignore_errors=True)

    def rolled_back(self, versions: Versions) -> dict[str, Any]:
        """The tables, to write to, holding what they held at `versions`: what was written later
        was never committed."""
        opened: dict[str, Any] = {}
        for name, version in versions.items():
            table = opened[name] = self._open_for_writing(name, version)
            if table.version != version:
                table.restore(version)
                table.checkout_latest()
        return opened

    def _rows(self, name: str) -> int:
        try:
            return int(self.open(name).count_rows())
        except FAILURES:
            return 0  # interrupted before its first version was whole

    def _open_for_writing(self, name: str, version: int) -> Any:
        try:
            return self.open(name)
        except FAILURES:
            # A loss of power may leave the newest version unreadable. If it is newer than what
            # was committed, nobody can miss it.
            if not self._drop_newer(name, version):
                raise
            return self.open(name)

    def _drop_newer(self, name: str, version: int) -> int:
        folder = self._root / f"{name}.lance" / "_versions"
        dropped = 0
        for path in folder.glob("*.manifest"):
            if path.stem.isdigit() and _LATEST - int(path.stem) > version:
                path.unlink()
                dropped += 1
        (folder / "latest_version_hint.json").unlink(missing_ok=True)
        return dropped


def scan(table: Any, columns: Sequence[str], where: str | None = None) -> Any:
    """All rows that fit, a pyarrow Table."""
    query = table.search().select(list(columns)).limit(None)
    return (query.where(where) if where is not None else query).to_arrow()


def one_of(column: str, ids: Iterable[int]) -> str:
    """SQL: the column is one of the numbers."""
    return f"{column} IN ({','.join(map(str, ids))})"


def has_any(column: str, texts: Iterable[str]) -> str:
    """SQL: the list column holds one of the texts."""
    return f"array_has_any({column}, [{','.join(map(_literal, texts))}])"


def chunked(items: Sequence[Any], size: int = SQL_LIST_LIMIT) -> Iterator[Sequence[Any]]:
    """`items` in pieces of at most `size`."""
    for start in range(0, len(items), size):
        yield items[start : start + size]


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _is_plain(path: str) -> bool:
    try:
        os.fsencode(path).decode()
    except UnicodeDecodeError:
        return False
    return not any(unicodedata.category(char) == "Cc" for char in path)
