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
from sightread.regions import Owner
from sightread.store.durable import replace_file
from sightread.types import EncoderSpec

MANIFEST_NAME = "library.json"
FORMAT = 3
GRACE_S = 600.0
"""For so long the files of a replaced version stay, for readers that have not noticed yet."""

Migration = Callable[[Path, dict[str, Any]], dict[str, Any]]


def _add_spaces(_: Path, content: dict[str, Any]) -> dict[str, Any]:
    return {**content, "spaces": []}


def _as_it_is(_: Path, content: dict[str, Any]) -> dict[str, Any]:
    return content  # a space that does not say of what its vectors are has those of pictures


MIGRATIONS: dict[int, Migration] = {1: _add_spaces, 2: _as_it_is}
"""From format n to n + 1: (library folder, content) -> content. May rewrite tables; then it
forces them to the disk, and copes with finding its own work half done."""

CONTENT_ONLY = frozenset({1, 2})
"""Migrations that touch no table: who only reads does them for himself, in memory."""

Versions = dict[str, int]
FileStamp = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Past:
    """Versions that readers may still use, and when they were replaced (seconds since 1970)."""

    tables: Versions
    replaced_at: float


@dataclass(frozen=True, slots=True)
class Space:
    """The vectors of one encoder: in which table they are, and where the encoder was found."""

    spec: EncoderSpec
    folder: str
    table: str
    serving: bool = True
    of: Owner = "pictures"

    def is_of_pictures(self, space: str) -> bool:
        """Whether vectors of pictures in the space of this name are in the table."""
        return self.of == "pictures" and self.spec.space == space


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
    spaces: tuple[Space, ...] = ()

    def successor(
        self,
        tables: Versions,
        *,
        commit: int,
        flushes: int,
        spaces: tuple[Space, ...] | None = None,
    ) -> Manifest:
        """The manifest that replaces this one now; without `spaces` with the same ones."""
        if spaces is not None:
            return replace(self, spaces=spaces).successor(tables, commit=commit, flushes=flushes)
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
        return min(version for tables in self._readable() if (version := tables.get(table)))

    def named(self) -> frozenset[str]:
        """The tables that someone may still read."""
        return frozenset(name for tables in self._readable() for name in tables)

    def _readable(self) -> list[Versions]:
        now = time.time()
        return [self.tables, *(p.tables for p in self.past if now - p.replaced_at < GRACE_S)]


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
    """Read and check the manifest; with `migrate` (for writers) bring an older one up to date on
    the disk.

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
        if not migrate and not CONTENT_ONLY.issuperset(range(found, FORMAT)):
            raise LibraryError(
                f"{folder} has the older library format {found}, and this program reads format "
                f"{FORMAT}: run `sightread index` on it once to bring it up to date."
            )
        content = _migrated(folder, content, found, keep=migrate)
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


def _migrated(folder: Path, content: dict[str, Any], found: int, keep: bool) -> dict[str, Any]:
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
        if keep:
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
            spaces=tuple(_space(space, content["tables"]) for space in content["spaces"]),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise _damaged(folder, f"{type(error).__name__}: {error}") from None


def _versions(tables: Any) -> Versions:
    found = {str(name): int(version) for name, version in tables.items()}
    missing = {"pictures", "regions"} - found.keys()
    if missing:
        raise KeyError(min(missing))
    return found


def _space(space: Any, tables: Any) -> Space:
    spec, table = space["spec"], str(space["table"])
    if table not in tables:
        raise KeyError(table)
    calibration = spec["calibration"]
    return Space(
        spec=EncoderSpec(
            space=str(spec["space"]),
            dim=int(spec["dim"]),
            revision=str(spec["revision"]),
            name=str(spec["name"]),
            calibration=None if calibration is None else _pair(calibration),
        ),
        folder=str(space["folder"]),
        table=table,
        serving=bool(space["serving"]),
        of=_owner(space.get("of", "pictures")),
    )


def _owner(name: Any) -> Owner:
    if name == "regions":
        return "regions"
    if name == "pictures":
        return "pictures"
    raise ValueError(f"vectors of {name!r}")


def _pair(numbers: Any) -> tuple[float, float]:
    first, second = numbers
    return float(first), float(second)


def _missing(folder: Path) -> LibraryError:
    return LibraryError(
        f"There is no library at {folder}: make one with: sightread index FOLDER --library {folder}"
    )


def _damaged(folder: Path, reason: str) -> LibraryError:
    return LibraryError(
        f"The library at {folder} is damaged: {MANIFEST_NAME} cannot be understood ({reason}); "
        "put back a copy of that file, or index again into a new folder."
    )
