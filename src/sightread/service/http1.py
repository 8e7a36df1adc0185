"""HTTP/1.1 as the service speaks it: uvicorn's, with an end to patience and a sentence for whoever
sends what is no request."""

from __future__ import annotations

import asyncio
from typing import Any

import h11
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from sightread.service.problems import problem

HEAD_BYTES = 65_536
"""Of a request's first line and its headers."""

_HEADERS_S = 15.0
_LAST_WORDS_S = 2.0


class PatientProtocol(H11Protocol):
    """A connection that has not sent the head of its first request in time is closed, so that slow
    clients cannot hold all connections. A head that is too long, or is none, gets a problem
    document like every other error, and so does a request on one connection too many."""

    _first: asyncio.TimerHandle | None = None
    _refused = False

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        # uvicorn's own answer to too many connections is two words of plain text.
        self._most, self.limit_concurrency = self.limit_concurrency, None
        self._served, self.app = self.app, self._serve

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._first = self.loop.call_later(_HEADERS_S, self._hang_up)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._first is not None:
            self._first.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if not self._refused:
            super().data_received(data)

    def send_400_response(self, msg: str) -> None:
        """Say what is wrong, and read what still comes for a moment: closing a socket with unread
        bytes resets it, and the client may never see the answer."""
        del msg
        answer = problem(*_why(self.conn.trailing_data[0]), {"connection": "close"})
        for event in (
            h11.Response(status_code=answer.status_code, headers=answer.raw_headers),
            h11.Data(data=bytes(answer.body)),
            h11.EndOfMessage(),
        ):
            self.transport.write(self.conn.send(event) or b"")
        self._refused = True
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self.loop.call_later(_LAST_WORDS_S, self.transport.close)

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._most is not None and len(self.connections) > self._most:
            sentence = (
                f"All {self._most} connections of the service are in use (the limit, see "
                "--connections). Try again in a second."
            )
            headers = {"Retry-After": "1", "Connection": "close"}
            await problem(503, sentence, headers)(scope, receive, send)
            return
        await self._served(scope, receive, send)

    def _hang_up(self) -> None:
        if self.cycle is None and self.transport is not None:
            self.transport.close()


def _why(received: bytes) -> tuple[int, str]:
    """Status and sentence for a head that h11 does not take, of which this much has come."""
    if len(received) <= HEAD_BYTES:
        return 400, "This is no HTTP request that the service understands."
    if b"\n" not in received[:HEAD_BYTES]:
        return 414, (
            f"The address is longer than {HEAD_BYTES:,} bytes, the limit; ask for fewer things at "
            "once."
        )
    return 431, f"The headers are longer than {HEAD_BYTES:,} bytes, the limit; send fewer."
