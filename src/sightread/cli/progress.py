"""One line on stderr that says how far a run is.

On a terminal the line is redrawn in place; in a log file a plain line appears now and then.
"""

from __future__ import annotations

import os
import time
import unicodedata
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Self, TextIO

from sightread.cli.plain import duration, visible

if TYPE_CHECKING:
    from sightread.search.ingest import IndexProgress

REDRAW_S = 0.1
LOG_LINE_S = 10.0


class StatusLine:
    """One line that says how far something is; a context manager, so that it is cleared."""

    def __init__(self, out: TextIO, clock: Callable[[], float] = time.monotonic) -> None:
        self._out = out
        self._clock = clock
        self._live = out.isatty() and os.environ.get("TERM") != "dumb"
        # The first redraw is at once, the first log line only when a run turns out to be long.
        self._due = clock() + (0.0 if self._live else LOG_LINE_S)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._live:
            self._write("\r\x1b[K")

    def show(self, text: Callable[[], str], detail: Callable[[], str] = str) -> None:
        """Show the text if it is time to; cheap enough to be called for every picture. `detail`
        is added on a terminal only."""
        now = self._clock()
        if now < self._due:
            return
        self._due = now + (REDRAW_S if self._live else LOG_LINE_S)
        if not self._live:
            self._write(f"{text()}\n")
            return
        parts = [part for part in (text(), detail()) if part]
        self._write("\r" + clip(" · ".join(parts), self._columns() - 1) + "\x1b[K")

    def say(self, text: str) -> None:
        """A whole line that stays, above the status."""
        self._write(f"\r\x1b[K{text}\n" if self._live else f"{text}\n")

    def _columns(self) -> int:
        try:
            return os.get_terminal_size(self._out.fileno()).columns or 80
        except OSError:
            return 80

    def _write(self, text: str) -> None:
        try:
            self._out.write(text)
            self._out.flush()
        except OSError:  # A terminal that went away is no reason to stop.
            self._due = float("inf")
            self._live = False


class ProgressLine(StatusLine):
    """A callback for `Library.index`."""

    def __call__(self, progress: IndexProgress) -> None:
        """Show `progress` if it is time to."""
        self.show(lambda: describe(progress), lambda: visible(os.path.basename(progress.current)))


def describe(progress: IndexProgress) -> str:
    """`1,234 of 5,678 files · 12.3 pictures/s · 6 min left · 2 failed`.

    A plus sign after the number of files says that folders are still being listed.
    """
    parts = [f"{progress.done:,} of {progress.seen:,}{'' if progress.walked else '+'} files"]
    if progress.pictures_per_s > 0:
        parts.append(f"{progress.pictures_per_s:.3g} pictures/s")
    if progress.stopping:
        parts.append("stopping: finishing what is in hand")
    elif progress.walked and progress.seconds_left is not None:
        parts.append(f"{duration(progress.seconds_left)} left")
    if progress.failed:
        parts.append(f"{progress.failed:,} failed")
    return " · ".join(parts)


def clip(text: str, columns: int) -> str:
    """As much of `text` as fits, with an ellipsis; East Asian characters take two columns."""
    used = 0
    for at, char in enumerate(text):
        used += _columns_of(char)
        if used > columns:
            return _fit(text[:at], columns - 1) + "…" if columns > 0 else ""
    return text


def _fit(text: str, columns: int) -> str:
    while sum(map(_columns_of, text)) > columns:
        text = text[:-1]
    return text


def _columns_of(char: str) -> int:
    if unicodedata.combining(char):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1
