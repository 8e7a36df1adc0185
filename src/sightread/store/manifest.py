"""`library.json`: which versions of the tables make up the library.

The tables get ahead of it while a writer works; what counts is what it names. It is replaced in
one step after everything that it names is safely on the disk, which makes several tables change
together and a killed writer leave nothing half done.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from sightread.errors import LibraryError
from sightread.store.durable import replace_file

MANIFEST_NAME = "library.json"
FORMAT = 1
GRACE_S = 600.0
"""For so long the files of a replaced version stay, for readers that have not noticed yet."""

Migration = Callable[[Path, dict[str, Any]], dict[str, Any]]
MIGRATIONS: dict[int, Migration] = {}
"""From format n to n + 1: (library folder, content) -> content. May rewrite tables; then it
forces them to the disk, and copes with finding its own work half done."""

Versions = dict[str, int]
FileStamp = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Past:
    """Versions that readers may still use, and when they were replaced (seconds since 1970)."""

    tables: Versions
    replaced_at: float


@dataclass(frozen=True, slots=True)
class Manifest:
    """What one commit of a library consists of.

    `commit` counts the changes of content; maintenance changes `tables` alone. `flushes` counts
    commits since the last maintenance.
    """

    tables: Versions
    created: float
    commit: int = 0
    flushes: int = 0
    past: tuple[Past, ...] = ()

    def successor(self, tables: Versions, *, commit: int, flushes: int) -> Manifest:
        """The manifest that replaces this one now."""
        if tables == self.tables:
            return replace(self, commit=commit, flushes=flushes)
        now = time.time()
        # A clock that was set back must not make an entry live for ever.
        recent = tuple(past for past in self.past if 0 <= now - past.replaced_at < GRACE_S)
        return replace(
            self,
            tables=dict(tables),
            commit=commit,
            flushes=flushes,
            past=(*recent, Past(self.tables, now)),
        )

    def kept(self, table: str) -> int:
        """The oldest version of a table that must stay readable."""
        now = time.time()
        past = [p.tables[table] for p in self.past if now - p.replaced_at < GRACE_S]
        return min([self.tables[table], *past])


def manifest_stamp(folder: Path) -> FileStamp:
    """Changes whenever the manifest is replaced.

    Raises:
        LibraryError: there is no library.
    """
    try:
        status = os.stat(folder / MANIFEST_NAME)
    except (FileNotFoundError, NotADirectoryError):
        raise _missing(folder) from None
    return status.st_ino, status.st_mtime_ns, status.st_size


def read_manifest(folder: Path, *, migrate: bool = False) -> Manifest:
    """Read and check the manifest; with `migrate` (for writers) bring an older one up to date.

    Raises:
        LibraryError: not there, damaged, or of another format.
    """
    content = _load(folder)
    found = content.get("format")
    if not isinstance(found, int) or found < 0:
        raise _damaged(folder, "it names no format")
    if found > FORMAT:
        raise LibraryError(
            f"{folder} has library format {found}, and this program knows formats up to {FORMAT}: "
            "update sightread, or index into another folder."
        )
    if found < FORMAT:
        if not migrate:
            raise LibraryError(
                f"{folder} has the older library format {found}, and this program reads format "
                f"{FORMAT}: run `sightread index` on it once to bring it up to date."
            )
        content = _migrated(folder, content, found)
    return _parse(folder, content)


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Replace the manifest, durably and in one step."""
    content = {"format": FORMAT, **asdict(manifest)}
    replace_file(folder / MANIFEST_NAME, json.dumps(content, indent=1).encode() + b"\n")


def _load(folder: Path) -> dict[str, Any]:
    try:
        raw = (folder / MANIFEST_NAME).read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        raise _missing(folder) from None
    try:
        content = json.loads(raw)
    except ValueError:
        raise _damaged(folder, "it is not JSON") from None
    if not isinstance(content, dict):
        raise _damaged(folder, "it is not a JSON object")
    return content


def _migrated(folder: Path, content: dict[str, Any], found: int) -> dict[str, Any]:
    for step in range(found, FORMAT):
        migration = MIGRATIONS.get(step)
        if migration is None:
            raise LibraryError(
                f"{folder} has library format {found}, and this program can bring libraries up to "
                f"date only from format {min(MIGRATIONS, default=FORMAT)}: index again into a new "
                "folder."
            )
        content = {**migration(folder, content), "format": step + 1}
        # Written after each step, so that a crash repeats one step at most.
        replace_file(folder / MANIFEST_NAME, json.dumps(content, indent=1).encode() + b"\n")
    return content


def _parse(folder: Path, content: Mapping[str, Any]) -> Manifest:
    try:
        return Manifest(
            tables=_versions(content["tables"]),
            created=float(content["created"]),
            commit=int(content["commit"]),
            flushes=int(content["flushes"]),
            past=tuple(
                Past(_versions(past["tables"]), float(past["replaced_at"]))
                for past in content["past"]
            ),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise _damaged(folder, f"{type(error).__name__}: {error}") from None


def _versions(tables: Any) -> Versions:
    return {name: int(tables[name]) for name in ("pictures", "regions")}


def _missing(folder: Path) -> LibraryError:
    return LibraryError(
        f"There is no library at {folder}: make one with: sightread index FOLDER --library {folder}"
    )


def _damaged(folder: Path, reason: str) -> LibraryError:
    return LibraryError(
        f"The library at {folder} is damaged: {MANIFEST_NAME} cannot be understood ({reason}); "
        "put back a copy of that file, or index again into a new folder."
    )
