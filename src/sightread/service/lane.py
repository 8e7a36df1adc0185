"""A few threads with a short queue before them: who comes when it is full is sent away."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from starlette.requests import Request

from sightread.service.problems import Refused, busy

_Answer = TypeVar("_Answer")


class Lane:
    """Runs blocking work outside of the event loop.

    Args:
        what: the work, in the plural, for the sentence that sends a client away.
        threads: so much is done at once.
        waiting: so much may wait.
        timeout_s: who waited longer is sent away; the work itself is not interrupted.
    """

    def __init__(self, what: str, *, threads: int, waiting: int, timeout_s: float) -> None:
        self._what = what
        self._most = threads + waiting
        self._timeout_s = timeout_s
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix=what.replace(" ", "-"))
        self.inside = 0

    async def run(self, work: Callable[[], _Answer]) -> _Answer:
        """What `work` returns.

        Raises:
            Refused: too much is waiting, or it took too long.
        """
        if self.inside >= self._most:
            raise busy(self._what)
        loop = asyncio.get_running_loop()
        self.inside += 1
        future = self._pool.submit(work)
        future.add_done_callback(lambda _: _soon(loop, self._leave))
        try:
            # Giving up cancels what has not begun, so that nobody works for a client who left.
            return await asyncio.wait_for(asyncio.wrap_future(future), self._timeout_s)
        except TimeoutError as error:
            raise Refused(
                503,
                f"This took longer than {self._timeout_s:g} s and was given up; ask for less.",
                Retry_After="5",
            ) from error

    async def run_for(self, request: Request, work: Callable[[], _Answer]) -> _Answer:
        """As `run`, given up when the client goes away (and nobody reads the answer)."""
        task = asyncio.ensure_future(self.run(work))
        watch = asyncio.ensure_future(_gone(request))
        try:
            await asyncio.wait({task, watch}, return_when=asyncio.FIRST_COMPLETED)
            if not task.done():
                task.cancel()
                raise Refused(503, "The client went away.")
            return task.result()
        finally:
            watch.cancel()
            task.cancel()

    def close(self) -> None:
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _leave(self) -> None:
        self.inside -= 1


def _soon(loop: asyncio.AbstractEventLoop, call: Callable[[], Any]) -> None:
    if not loop.is_closed():
        loop.call_soon_threadsafe(call)


async def _gone(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
