"""How fast and how often an endpoint is asked: one pace for all threads, and patience with faults.

A `Pace` keeps requests apart and, when the endpoint says how long to wait (Retry-After), keeps all
of them back. `Patience` says how often a fault is met with another try, and after which pause:
1 s, 2 s, 4 s ... up to 30 s, each multiplied by a random number from 0.5 to 1, so that those who
failed together do not come back together.
"""

from __future__ import annotations

import random
import threading
import time
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Patience:
    """Times in seconds.

    Attributes:
        tries: so often a subject is asked for at most.
        first_s, longest_s: the pause after the first fault, and the longest one.
        retry_after_s: a longer wait than this, if asked for, ends the run.
        failures: so many subjects in a row without an answer end the run.
    """

    tries: int = 5
    first_s: float = 1.0
    longest_s: float = 30.0
    retry_after_s: float = 300.0
    failures: int = 20

    def pause_s(self, tried: int, chance: random.Random) -> float:
        """The pause after so many tries."""
        longest = min(self.longest_s, self.first_s * 2.0 ** (tried - 1))
        return float(longest * chance.uniform(0.5, 1.0))


class Pace:
    """May be used from several threads.

    Args:
        per_second: so many requests at most; None: as many as there are threads for.
    """

    def __init__(self, per_second: float | None = None) -> None:
        self._apart_s = 1 / per_second if per_second else 0.0
        self._lock = threading.Lock()
        self._next = 0.0

    def wait(self, stop: threading.Event) -> None:
        """Wait for one's turn, or until `stop` is set."""
        with self._lock:
            turn = max(self._next, time.monotonic())
            self._next = turn + self._apart_s
        # Somebody may have been told to hold back meanwhile.
        while (left := turn - time.monotonic()) > 0 and not stop.wait(left):
            pass

    def hold(self, seconds: float) -> None:
        """Let nobody go for so long."""
        with self._lock:
            self._next = max(self._next, time.monotonic() + seconds)
