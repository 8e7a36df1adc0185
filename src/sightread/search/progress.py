"""What a run tells about itself: options in, progress while it runs, a report at its end."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

_WINDOW_S = 30.0
_REPORTS_PER_S = 5.0


@dataclass(slots=True)
class Counts:
    """Files that workers had in hand, by what became of them, and pictures forgotten.

    `copies` are unchanged files of pictures that were encoded from another one of their files;
    `reduced` are those of `new` that are larger than what the reader looks at.
    """

    new: int = 0
    encoded: int = 0
    copies: int = 0
    known_content: int = 0
    failed: int = 0
    gone: int = 0
    forgotten: int = 0
    reduced: int = 0

    @property
    def handled(self) -> int:
        done = self.new + self.encoded + self.copies + self.known_content
        return done + self.failed + self.gone


@dataclass(frozen=True, slots=True)
class IndexProgress:
    """A moment of a run, in files.

    `seen`: met by the walk so far, all there are once `walked`. `done`: finished one way or
    another. `new`: read in this run. `unchanged`: not opened, since size and time are the same.
    `known_content`: moved, copied or only touched, content known. `failed`: in the ledger,
    including those that failed before and have not changed since, and those that were read but
    not encoded. `encoded`: known before, and has a vector now. `forgotten`: pictures without a
    file, at the end of the run. `saved`: done, and would survive a crash now.
    `seconds_left`: None until the walk is complete and a pace is known. `current`: finished last.
    `stopping`: asked to end, finishing what is in hand.
    """

    seen: int
    walked: bool
    done: int
    new: int
    unchanged: int
    known_content: int
    failed: int
    forgotten: int
    saved: int
    pictures_per_s: float
    seconds_left: float | None
    current: str
    stopping: bool = False
    encoded: int = 0


@dataclass(frozen=True, slots=True)
class IndexReport:
    """What a run did, counted as in `IndexProgress`.

    `pictures_per_s` counts all files that were opened. `warnings` are sentences for the user.
    `reader_s` and `reader_cpu_s` are the seconds, by the clock and by the processor, that the
    worker threads spent in the reader, `encoder_s` those in the encoders; `worker_cpu_s` is all
    their processor time, `cpu_s` that of the whole process while the run lasted. `reduced` of the
    new pictures were larger than the `read_px` of their longer side that the reader looks at, so
    that their smallest words may be missing.
    """

    seen: int
    done: int
    new: int
    unchanged: int
    known_content: int
    failed: int
    forgotten: int
    pictures_per_s: float
    seconds: float
    interrupted: bool
    warnings: tuple[str, ...] = ()
    reader_s: float = 0.0
    reader_cpu_s: float = 0.0
    worker_cpu_s: float = 0.0
    cpu_s: float = 0.0
    encoded: int = 0
    encoder_s: float = 0.0
    reduced: int = 0
    read_px: int = 0


ProgressCallback = Callable[[IndexProgress], None]


class Pace:
    """Files per second over the last half minute, and when to report next."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._samples: deque[tuple[float, int]] = deque([(clock(), 0)])
        self._reported_at = float("-inf")

    def due(self) -> bool:
        """True at most five times a second."""
        now = self._clock()
        if now - self._reported_at < 1.0 / _REPORTS_PER_S:
            return False
        self._reported_at = now
        return True

    def sample(self, finished: int) -> float:
        """Note how many files are finished by now; returns files per second."""
        now = self._clock()
        self._samples.append((now, finished))
        while len(self._samples) > 2 and now - self._samples[0][0] > _WINDOW_S:
            self._samples.popleft()
        (then, before) = self._samples[0]
        return (finished - before) / (now - then) if now > then else 0.0
