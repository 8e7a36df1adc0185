"""Ctrl-C as a wish, not as a bolt: the first one sets a flag, the second one ends at once."""

from __future__ import annotations

import signal
import threading
from types import FrameType, TracebackType
from typing import Any

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interrupt:
    """While entered, the first SIGINT or SIGTERM sets `requested`, the second raises
    KeyboardInterrupt.

    A KeyboardInterrupt raised by Python at any place could stop a commit half way; a flag is
    looked at between two steps. Handlers that someone else installed stay as they are, and so
    does everything outside the main thread.
    """

    def __init__(self) -> None:
        self.requested = False
        self._replaced: list[tuple[signal.Signals, Any]] = []

    def __enter__(self) -> Interrupt:
        if threading.current_thread() is threading.main_thread():
            for number in _SIGNALS:
                current = signal.getsignal(number)
                if current in (signal.SIG_DFL, signal.default_int_handler):
                    self._replaced.append((number, signal.signal(number, self._handle)))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for number, handler in self._replaced:
            signal.signal(number, handler)
        self._replaced.clear()

    def request(self) -> None:
        """As the first Ctrl-C does; as the second, raise KeyboardInterrupt."""
        if self.requested:
            raise KeyboardInterrupt
        self.requested = True

    def _handle(self, number: int, frame: FrameType | None) -> None:
        del number, frame
        self.request()
