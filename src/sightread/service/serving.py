"""Runs the service under uvicorn."""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Callable
from dataclasses import replace
from urllib.parse import quote

import uvicorn
from fastapi import FastAPI

from sightread.errors import UsageError
from sightread.service.app import create_app
from sightread.service.http1 import HEAD_BYTES, PatientProtocol
from sightread.service.settings import Settings

_GOODBYE_S = 3


def serve(settings: Settings, started: Callable[[str], None]) -> None:
    """Serve until Ctrl-C or SIGTERM; what is being indexed is finished in good order.

    Args:
        started: called with the address of the page, once it answers.

    Raises:
        UsageError: the settings cannot be served, or the port is taken.
        LibraryError: a library cannot be opened.
        ModelError: the encoder cannot be opened.
    """
    settings.check()
    listening = _listen(settings)
    host, port = listening.getsockname()[:2]
    settings = replace(settings, port=port)
    for path in settings.libraries:
        _try_to_open(path, settings)
    app = create_app(settings)
    config = uvicorn.Config(
        app,
        http=PatientProtocol,
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        limit_concurrency=settings.connections,
        timeout_keep_alive=20,
        timeout_graceful_shutdown=_GOODBYE_S,
        h11_max_incomplete_event_size=HEAD_BYTES,
    )
    logging.getLogger("uvicorn.error").addFilter(_is_news)
    address = _address(settings, host, port)
    _Server(config, app, lambda: started(address)).run(sockets=[listening])


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, app: FastAPI, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._app = app
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if not self.should_exit:
            self._ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        # Who follows a run would keep the service waiting.
        await self._app.state.room.say_goodbye()
        await super().shutdown(sockets)


def _try_to_open(path: str, settings: Settings) -> None:
    # Before the server starts, so that a mistake is one sentence and not the end of a start.
    from sightread.library import Library

    create = bool(settings.folders) and not os.path.exists(path)
    Library.open(path, write=create, create=create, encoder=settings.encoder or None).close()


def _listen(settings: Settings) -> socket.socket:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((settings.host, settings.port))
    except OSError as error:
        listening.close()
        raise UsageError(
            f"{settings.host}, port {settings.port} cannot be listened on: {error.strerror}; "
            "choose another one with --port."
        ) from error
    listening.set_inheritable(False)
    return listening


def _address(settings: Settings, host: str, port: int) -> str:
    name = f"[{host}]" if ":" in host else host
    # The token stands behind the hash, which browsers send to nobody.
    return f"http://{name}:{port}/" + (f"#token={quote(settings.token)}" if settings.token else "")


def _is_news(record: logging.LogRecord) -> bool:
    return record.levelno >= logging.WARNING
