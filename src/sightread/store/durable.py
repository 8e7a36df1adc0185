"""Make written files survive a crash of the machine.

LanceDB leaves its files to the operating system's write-back, so that after a loss of power a
file can be short although a later one is whole. `Barrier.sync` closes that gap: it forces what is
new under a folder to the disk, and only then is the manifest that names it replaced.
"""

from __future__ import annotations

import os
from pathlib import Path

_Stamp = tuple[int, int]


class Barrier:
    """Remembers which files under `root` are on the disk already. Files are known by size and
    time, as LanceDB never changes a data file in place."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._synced: dict[str, _Stamp] = {}

    def assume_synced(self) -> None:
        """Take what is there now for safe: it was synced by whoever wrote the manifest."""
        self._synced = {entry.path: _stamp(entry) for entry in _files(self._root)}

    def sync(self) -> int:
        """Force new and changed files, and the folders that name them, to the disk; returns how
        many files it were."""
        present: dict[str, _Stamp] = {}
        new: list[str] = []
        for entry in _files(self._root):
            stamp = present[entry.path] = _stamp(entry)
            if self._synced.get(entry.path) != stamp:
                new.append(entry.path)
        for path in new:
            _sync(path)
        for folder in self._folders(new):
            _sync(folder)
        self._synced = present
        return len(new)

    def _folders(self, files: list[str]) -> list[str]:
        # A new folder has to be named durably by its parent, up to the root.
        root = str(self._root)
        folders: set[str] = set()
        for path in files:
            folder = os.path.dirname(path)
            while folder not in folders and len(folder) >= len(root):
                folders.add(folder)
                folder = os.path.dirname(folder)
        return sorted(folders, reverse=True)


def replace_file(path: Path, content: bytes) -> None:
    """Write a small file so that at any moment either the old or the new content is there."""
    fresh = path.with_name(path.name + ".new")
    with open(fresh, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    os.replace(fresh, path)
    _sync(str(path.parent))


def sync_folder(folder: Path) -> None:
    """Force the names in a folder to the disk."""
    _sync(str(folder))


def folder_bytes(root: Path) -> int:
    """The sizes of all files below `root`; what vanishes meanwhile does not count."""
    total = 0
    for entry in _files(root):
        try:
            total += entry.stat().st_size
        except FileNotFoundError:
            continue
    return total


def _files(root: Path) -> list[os.DirEntry[str]]:
    found: list[os.DirEntry[str]] = []
    waiting = [str(root)]
    while waiting:
        try:
            entries = list(os.scandir(waiting.pop()))
        except FileNotFoundError:  # a table that was dropped a moment ago
            continue
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                waiting.append(entry.path)
            elif entry.is_file(follow_symlinks=False):
                found.append(entry)
    return found


def _stamp(entry: os.DirEntry[str]) -> _Stamp:
    status = entry.stat(follow_symlinks=False)
    return status.st_size, status.st_mtime_ns


def _sync(path: str) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
