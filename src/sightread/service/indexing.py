"""Indexing while the service answers: one run per library, in a process of its own.

A file in the library says what is being indexed, so that a service that was killed goes on with it
when it is started again.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any, Literal

from sightread.errors import LibraryError, UsageError
from sightread.service.problems import Refused
from sightread.service.settings import Settings

UNFINISHED = "indexing.json"
"""In the library's folder while a run is not finished."""

_HEARTBEAT_S = 15.0
_LINE_BYTES = 1 << 20

State = Literal["idle", "running", "stopping", "done", "stopped", "failed"]


class Indexing:
    """The runs of one library."""

    def __init__(self, library: str, settings: Settings) -> None:
        self._library = library
        self._settings = settings
        self._note = Path(library) / UNFINISHED
        self._process: asyncio.subprocess.Process | None = None
        self._task: asyncio.Task[None] | None = None
        self._news = asyncio.Condition()
        self._changes = 0
        self._closing = False
        self.state: dict[str, Any] = _fresh("idle")

    @property
    def running(self) -> bool:
        return self.state["state"] in ("running", "stopping")

    async def start(self, job: dict[str, Any]) -> None:
        """Begin a run.

        Args:
            job: `folders` or `retry`, and `options`, as `worker` takes them.

        Raises:
            Refused: one is running.
            UsageError: vectors are to be made anew, and nobody said with what.
        """
        if job.get("options", {}).get("reencode") and not self._settings.encoder:
            raise UsageError(
                "Nothing can be encoded anew here: start the service with --encoder DIR, the model "
                "that is to take over."
            )
        if self.running:
            raise Refused(
                409, "This library is being indexed already; wait for it to end, or stop it."
            )
        if self._task is not None:
            await self._task  # it has said how it ended, and is about to
        self._write_note(job)
        self.state = _fresh("running", job.get("folders", ()), bool(job.get("retry")))
        self._task = asyncio.create_task(self._run(job | self._from_settings()))
        await self._publish()

    async def resume(self) -> None:
        """Go on with a run that did not come to its end, if there is one and it still may."""
        if not self._settings.folders:
            return
        try:
            job = json.loads(self._note.read_text("utf-8"))
        except (OSError, ValueError):
            return
        if isinstance(job, dict) and (job.get("folders") or job.get("retry")):
            with contextlib.suppress(UsageError):  # its encoder is not served any more
                await self.start(job)

    def _from_settings(self) -> dict[str, Any]:
        """What nobody can ask for over the network: with what, and how far, a run may go."""
        settings = self._settings
        return {
            "library": self._library,
            "within": settings.folders,
            "encoder": settings.encoder or None,
            "reader": settings.reader,
            "reader_options": {"folder": settings.reader_model, "detail": settings.detail},
        }

    async def stop(self) -> None:
        """Let a run end in good order, with what it has in hand; a second time at once.

        Raises:
            Refused: none is running.
        """
        if not self.running:
            raise Refused(409, "Nothing is being indexed, so nothing can be stopped.")
        self._drop_note()
        self.state = {**self.state, "state": "stopping"}
        self._terminate()
        await self._publish()

    async def close(self) -> None:
        """End a run in good order because the service ends; it goes on with the next start."""
        if self._task is not None and self.running:
            if self.state["state"] != "stopping":  # a second time would be at once
                self._terminate()
            await asyncio.wait({self._task}, timeout=60)

    async def follow(self) -> AsyncIterator[dict[str, Any] | None]:
        """The state, and again whenever it changes; None when nothing did for a while. Ends when
        the service does."""
        seen = -1
        while not self._closing:
            if seen != self._changes:
                seen = self._changes
                yield self.state
                continue
            async with self._news:
                try:
                    await asyncio.wait_for(self._changed_since(seen), _HEARTBEAT_S)
                except TimeoutError:
                    yield None

    async def say_goodbye(self) -> None:
        """Let those go who follow."""
        self._closing = True
        await self._publish()

    async def _changed_since(self, seen: int) -> None:
        await self._news.wait_for(lambda: self._changes != seen)

    async def _run(self, job: dict[str, Any]) -> None:
        try:
            last: dict[str, Any] = {}
            async for last in self._messages(job):
                if "progress" in last:
                    self.state = {**self.state, "progress": last["progress"]}
                    await self._publish()
            if "report" in last or "error" in last:  # the library is free by now
                await self._take(last)
            else:
                await self._end("failed", error="The indexing process ended without a word.")
        except OSError as error:
            await self._end("failed", error=f"The indexing process cannot be started: {error}.")
        finally:
            self._process = None

    async def _messages(self, job: dict[str, Any]) -> AsyncIterator[dict[str, Any]]:
        process = self._process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "sightread.service.worker"),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            start_new_session=True,  # Ctrl-C in a terminal is for the service, which passes it on
            limit=_LINE_BYTES,
        )
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps(job).encode() + b"\n")
        await process.stdin.drain()
        async for line in process.stdout:
            yield json.loads(line)
        await process.wait()

    async def _take(self, message: dict[str, Any]) -> None:
        if "report" in message:
            interrupted = message["report"]["interrupted"]
            if not interrupted:
                self._drop_note()
            await self._end("stopped" if interrupted else "done", report=message["report"])
        else:
            self._drop_note()
            await self._end("failed", error=message["error"], kind=message["kind"])

    async def _end(self, state: State, **more: Any) -> None:
        self.state = {**self.state, "state": state, **more}
        await self._publish()

    async def _publish(self) -> None:
        self._changes += 1
        async with self._news:
            self._news.notify_all()

    def _terminate(self) -> None:
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                self._process.terminate()

    def _write_note(self, job: dict[str, Any]) -> None:
        try:
            temporary = self._note.with_suffix(".new")
            temporary.write_text(json.dumps(job), "utf-8")
            os.replace(temporary, self._note)
        except OSError as error:
            raise LibraryError(
                f"The library at {self._library} cannot be written: {error.strerror}."
            ) from error

    def _drop_note(self) -> None:
        with contextlib.suppress(OSError):
            self._note.unlink(missing_ok=True)


def _fresh(state: State, folders: Sequence[str] = (), retry: bool = False) -> dict[str, Any]:
    return {
        "state": state,
        "folders": list(folders),
        "retry": retry,
        "progress": None,
        "report": None,
        "error": None,
        "kind": None,
    }
