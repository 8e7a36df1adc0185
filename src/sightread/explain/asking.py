"""Many subjects, a few threads, one endpoint: every answer comes back as soon as it is there."""

from __future__ import annotations

import queue
import random
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from types import TracebackType

from sightread.errors import ExplanationError
from sightread.explain.endpoint import Client, Endpoint, Fault, NotThisOne
from sightread.explain.explanation import Subject
from sightread.explain.pace import Pace, Patience

_POLL_S = 0.2


@dataclass(frozen=True, slots=True)
class Reply:
    """What came of a subject: an answer, or the reason why there is none. `tries` counts
    requests."""

    subject: Subject
    answer: str | None
    reason: str = ""
    tries: int = 1


class Asking:
    """Iterate over it for the replies; leave it, and no further subject is asked for.

    Args:
        at_once: so many questions at the same time. A reply counts among them until the next one
            is taken: whoever keeps each before that loses no more than these if killed.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        subjects: Sequence[Subject],
        pace: Pace,
        patience: Patience,
        at_once: int,
    ) -> None:
        self._client = Client(endpoint)
        self._pace, self._patience = pace, patience
        self._stop = threading.Event()
        self._room = threading.Semaphore(at_once)
        self._left: queue.SimpleQueue[Subject] = queue.SimpleQueue()
        for subject in subjects:
            self._left.put(subject)
        self._replies: queue.SimpleQueue[Reply | BaseException | None] = queue.SimpleQueue()
        self._threads = [
            threading.Thread(target=self._work, args=(number,), daemon=True)
            for number in range(min(at_once, len(subjects)))
        ]

    def stop(self) -> None:
        """Ask no more; questions that are on their way are still answered."""
        self._stop.set()

    def __iter__(self) -> Iterator[Reply]:
        """
        Raises:
            ExplanationError: the endpoint answers nobody: it is left alone from then on.
        """
        for thread in self._threads:
            thread.start()
        working = len(self._threads)
        failed_in_a_row = 0
        refusal: BaseException | None = None
        while working:
            reply = self._next()
            if reply is None:
                working -= 1
            elif isinstance(reply, BaseException):
                refusal = refusal or reply
                self.stop()
            else:
                failed_in_a_row = 0 if reply.answer is not None else failed_in_a_row + 1
                yield reply
                self._room.release()
                if failed_in_a_row >= self._patience.failures and refusal is None:
                    refusal = _gave_up(failed_in_a_row, reply.reason)
                    self.stop()
        if refusal is not None:
            raise refusal

    def _next(self) -> Reply | BaseException | None:
        while True:  # woken now and then, so that Ctrl-C is noticed
            try:
                return self._replies.get(timeout=_POLL_S)
            except queue.Empty:
                continue

    def __enter__(self) -> Asking:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()
        for thread in self._threads:
            # Who presses Ctrl-C twice does not want to wait for a slow answer.
            if thread.is_alive() and not isinstance(error, KeyboardInterrupt):
                thread.join()
        self._client.close()

    # --- in the threads --------------------------------------------------------------------

    def _work(self, number: int) -> None:
        chance = random.Random(number)
        try:
            while (subject := self._take()) is not None:
                if (reply := self._insist(subject, chance)) is not None:
                    self._replies.put(reply)
        except BaseException as error:  # whatever it is, the one who waits must hear of it
            self._replies.put(error)
        finally:
            self._replies.put(None)

    def _take(self) -> Subject | None:
        """The next subject as soon as there is room for it; None if there is none, or to stop."""
        while not self._room.acquire(timeout=_POLL_S):
            if self._stop.is_set():
                return None
        try:
            return None if self._stop.is_set() else self._left.get_nowait()
        except queue.Empty:
            return None

    def _insist(self, subject: Subject, chance: random.Random) -> Reply | None:
        """A reply after as many tries as it takes; None if told to stop meanwhile."""
        for tried in range(1, self._patience.tries + 1):
            self._pace.wait(self._stop)
            if self._stop.is_set():
                return None
            try:
                return Reply(subject, self._client.ask(subject), tries=tried)
            except NotThisOne as error:
                return Reply(subject, None, str(error), tried)
            except Fault as fault:
                if tried == self._patience.tries:
                    return Reply(subject, None, str(fault), tried)
                self._after(fault, tried, chance)
        return None

    def _after(self, fault: Fault, tried: int, chance: random.Random) -> None:
        if fault.wait_s is None:
            self._stop.wait(self._patience.pause_s(tried, chance))
            return
        if fault.wait_s > self._patience.retry_after_s:
            raise ExplanationError(
                f"The endpoint wants to be left alone for {fault.wait_s:.0f} s ({fault}); run the "
                "same command again later, it goes on where it stopped."
            )
        self._pace.hold(fault.wait_s)


def _gave_up(count: int, reason: str) -> ExplanationError:
    return ExplanationError(
        f"The endpoint had no answer {count} times in a row ({reason}); run the same command again "
        "when it is well, it goes on where it stopped."
    )
