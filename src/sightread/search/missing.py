"""After a whole walk: paths that are not there any more, and pictures that lost their last one."""

from __future__ import annotations

import os
from array import array
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from sightread.protocols import Store
from sightread.search.known import KnownPaths
from sightread.search.ledger import Ledger
from sightread.types import PictureId

MANY = 10
"""A walked folder without any picture, of which the library knows at least so many, is taken for
an unmounted disk and not for a wish to forget."""


class Folders:
    """A set of absolute paths, and which of them a path lies in."""

    def __init__(self, paths: Iterable[str]) -> None:
        self._paths = frozenset(paths)

    def holding(self, path: str) -> list[str]:
        """Those that are `path` or one of the folders above it."""
        found = []
        while path:
            if path in self._paths:
                found.append(path)
            above = os.path.dirname(path)
            path = "" if above == path else above
        return found


@dataclass(frozen=True, slots=True)
class Walked:
    """What a finished walk tells: how many files it met in each folder it was given, and which
    folders below it passed over, with the reasons."""

    met: Mapping[str, int]
    unreadable: Mapping[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Cleaning:
    """What `forget_missing` did."""

    forgotten: int = 0
    changed: bool = False
    warnings: list[str] = field(default_factory=list)


def forget_missing(store: Store, known: KnownPaths, walked: Walked, keep_missing: bool) -> Cleaning:
    """Take vanished paths from their pictures, and forget pictures without any path.

    With `keep_missing` pictures stay, with the last path they had.

    Args:
        known: with all files noted as met that are there.
    """
    cleaning = Cleaning(warnings=[_unreadable(*one) for one in walked.unreadable.items()])
    folders, unreadable = Folders(walked.met), Folders(walked.unreadable)
    alive = array("q")
    missing: dict[PictureId, list[str]] = {}
    counts = dict.fromkeys(walked.met, 0)
    for stamp, picture in store.stamps():
        roots = folders.holding(stamp.path)
        for root in roots:
            counts[root] += 1
        if (
            roots
            and known.missing(stamp.path)
            and not unreadable.holding(stamp.path)
            and _vanished(stamp.path)
        ):
            missing.setdefault(picture, []).append(stamp.path)
        else:
            alive.append(picture)
    empty = [root for root, met in walked.met.items() if met == 0 and counts[root] >= MANY]
    cleaning.warnings += [_unmounted(root, counts[root]) for root in empty]
    alive.extend(_spare(Folders(empty), missing))
    living = np.unique(np.array(alive, dtype=np.int64))
    _take_paths(store, missing, living, cleaning)
    if not keep_missing:
        orphans = np.setdiff1d(store.ids(), living).tolist()
        cleaning.forgotten = store.forget(orphans) if orphans else 0
    cleaning.changed |= cleaning.forgotten > 0
    if cleaning.changed:
        store.flush()
    return cleaning


def clear_vanished_failures(ledger: Ledger, walked: Walked, unmet: Iterable[str]) -> None:
    """Drop failures of files in the walked folders that are not there any more.

    Args:
        unmet: files that failed before this run and that the walk did not meet.
    """
    folders, unreadable = Folders(walked.met), Folders(walked.unreadable)
    ledger.clear(
        path
        for path in unmet
        if folders.holding(path) and not unreadable.holding(path) and _vanished(path)
    )


def _unmounted(folder: str, count: int) -> str:
    return (
        f"{folder} holds no pictures now, but the library knows {count} from there: they are kept, "
        "in case a disk is not mounted; `sightread forget --missing` removes them."
    )


def _unreadable(folder: str, reason: str) -> str:
    return (
        f"{folder} was passed over, since {reason}; what the library knows from there is kept as "
        "it is."
    )


def _spare(empty: Folders, missing: dict[PictureId, list[str]]) -> Iterator[PictureId]:
    for picture in list(missing):
        gone = [path for path in missing[picture] if not empty.holding(path)]
        if len(gone) < len(missing[picture]):
            yield picture
        missing[picture] = gone


def _take_paths(
    store: Store,
    missing: dict[PictureId, list[str]],
    living: NDArray[np.int64],
    cleaning: Cleaning,
) -> None:
    # A picture that would lose its last path is forgotten whole, or keeps that path.
    ids = np.array([picture for picture, gone in missing.items() if gone], dtype=np.int64)
    partly = np.intersect1d(ids, living).tolist()
    moved = {}
    for record in store.get(partly, regions=False):
        gone = set(missing[record.id])
        moved[record.id] = tuple(stamp for stamp in record.stamps if stamp.path not in gone)
    if moved:
        store.set_stamps(moved)
        cleaning.changed = True


def _vanished(path: str) -> bool:
    """A file that the walk did not meet and that cannot even be looked at is not known to be
    gone: its folder may have become unreadable."""
    try:
        os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:
        return False
    return True  # still there, but hidden or excluded now
