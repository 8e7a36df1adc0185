"""Work that Ctrl-C must not cut in two."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from types import FrameType
from typing import TypeVar

_Result = TypeVar("_Result")


def uninterrupted(work: Callable[[], _Result]) -> _Result:
    """Do `work` to its end even if the user presses Ctrl-C meanwhile; what Ctrl-C does is done
    afterwards. LanceDB goes on with what it was doing when its caller is interrupted, and then
    nobody knows what was written. Who presses twice does not want to wait."""
    usual = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or not callable(usual):
        return work()
    pressed: list[FrameType | None] = []

    def note(number: int, frame: FrameType | None) -> None:
        pressed.append(frame)
        if len(pressed) > 1:
            usual(number, frame)

    signal.signal(signal.SIGINT, note)
    try:
        return work()
    finally:
        signal.signal(signal.SIGINT, usual)
        if len(pressed) == 1:
            usual(signal.SIGINT, pressed[0])
