"""The thread that walks ahead and decides by stamps which files need a look."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from sightread.search.backlog import Backlog
from sightread.search.known import KnownPaths
from sightread.search.missing import Folders
from sightread.search.walk import walk
from sightread.types import PathStamp


class Scout:
    """Walks the folders once. Its counts only grow; read them from any thread.

    Args:
        folders: absolute.
        stale: pictures to be read again although their files are unchanged, ascending.
        failed: how files were when they failed, so as not to try them again; None: try again.
    """

    def __init__(
        self,
        folders: Sequence[str],
        exclude: Sequence[str],
        known: KnownPaths,
        stale: NDArray[np.int64],
        failed: Mapping[str, PathStamp | None],
        backlog: Backlog,
        within: Sequence[str] = (),
    ) -> None:
        self.seen = 0
        self.unchanged = 0
        self.failed_before = 0
        self.pending = 0
        self.finished = False
        self.error: BaseException | None = None
        self.met = dict.fromkeys(folders, 0)
        self.unmet_failures = set(failed)
        self.unreadable: dict[str, str] = {}
        self._folders = Folders(folders)
        self._exclude = exclude
        self._within = within
        self._known = known
        self._stale = stale
        self._failed = failed
        self._backlog = backlog
        self._stopped = False
        self._thread = threading.Thread(target=self._run, name="sightread-walk", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Walk no further, and hand out no more files."""
        self._stopped = True
        self._backlog.close(drop=True)

    def _run(self) -> None:
        try:
            for stamp in walk(list(self.met), self._exclude, self._miss_folder, self._within):
                if self._stopped:
                    return
                self._meet(stamp)
            self.finished = True
        except BaseException as error:  # raised again in the main thread
            self.error = error
        finally:
            self._backlog.close()

    def _meet(self, stamp: PathStamp) -> None:
        self.seen += 1
        for folder in self._folders.holding(stamp.path):
            self.met[folder] += 1
        self.unmet_failures.discard(stamp.path)
        picture = self._known.meet(stamp)
        if picture is not None and not self._is_stale(picture):
            self.unchanged += 1
        elif self._failed.get(stamp.path) == stamp:
            self.failed_before += 1
        else:
            self.pending += 1
            self._backlog.add(stamp.path)

    def _miss_folder(self, folder: str, reason: str) -> None:
        self.unreadable[folder] = reason

    def _is_stale(self, picture: int) -> bool:
        row = int(np.searchsorted(self._stale, picture))
        return row < len(self._stale) and bool(self._stale[row] == picture)
