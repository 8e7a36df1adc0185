"""An OpenAI-compatible endpoint on this machine with all the faults that endpoints have.

A real HTTP server in threads. Of its requests a given share gets a fault: too many requests
(with Retry-After as a number or a date), an internal error, JSON that breaks off, JSON of another
form, an answer that comes too late or in drops, a connection that is cut in the middle. The rest
get an answer that names the entity. It counts, for each entity, how many whole answers went out.
"""

from __future__ import annotations

import collections
import email.utils
import json
import random
import re
import socket
import struct
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

FAULTS = ("429", "429 date", "500", "broken", "shape", "slow", "drip", "cut")
"""A "late" answer, which is none of them, comes `slow_s` later and whole."""
_NAME = re.compile(r"(?:Entity|Caption): (.*?)\. (?:Begin|Say)")

Say = Callable[[str], str]


def describe(name: str) -> str:
    """What the endpoint says of an entity if nothing else is asked for."""
    return f"{name} is a tall person in a blue coat in front of a grey wall."


class FaultyEndpoint:
    """Enter it to serve on a free port of this machine.

    Args:
        share: of the requests that get a fault, in [0, 1].
        faults: which, see `FAULTS`.
        say: from an entity's name to the answer.
        key: if not "", requests must bring it.
        slow_s: how much too late a slow answer is.
        status: of every answer that is no fault; below 400 with what `say` says.
        wait_s: what Retry-After says; whole seconds.

    Attributes:
        answered: how many whole answers went out, by entity.
        given: how many requests had each fault; "" stands for none.
        times: when each request came (`time.monotonic`).
    """

    def __init__(
        self,
        *,
        share: float = 0.0,
        faults: tuple[str, ...] = FAULTS,
        say: Say = describe,
        key: str = "",
        slow_s: float = 1.0,
        wait_s: int = 0,
        status: int = 200,
        seed: int = 0,
    ) -> None:
        self.share, self.faults, self.say, self.key = share, faults, say, key
        self.slow_s, self.wait_s, self.status = slow_s, wait_s, status
        self.answered: collections.Counter[str] = collections.Counter()
        self.given: collections.Counter[str] = collections.Counter()
        self.times: list[float] = []
        self.bodies: list[dict[str, Any]] = []
        self.headers: list[Mapping[str, str]] = []
        self._chance = random.Random(seed)
        self._lock = threading.Lock()
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.endpoint = self
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}/v1"

    def __enter__(self) -> FaultyEndpoint:
        self._thread.start()
        return self

    def __exit__(self, *raised: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def draw(self, body: dict[str, Any], headers: Mapping[str, str]) -> str:
        """The fault of the next request, "" for none."""
        with self._lock:
            self.times.append(time.monotonic())
            self.bodies.append(body)
            self.headers.append(headers)
            fault = self._chance.choice(self.faults) if self._chance.random() < self.share else ""
            self.given[fault] += 1
        return fault

    def count(self, name: str) -> None:
        with self._lock:
            self.answered[name] += 1


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64
    endpoint: FaultyEndpoint

    def handle_error(self, request: object, client_address: object) -> None:
        """Clients that go away are what this is about."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server
    disable_nagle_algorithm = True

    def do_POST(self) -> None:
        endpoint = self.server.endpoint
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.path != "/v1/chat/completions":
            self._send(404, {"error": {"message": "no such route"}})
        elif endpoint.key and self.headers["Authorization"] != f"Bearer {endpoint.key}":
            self._send(401, {"error": {"message": "Incorrect API key provided."}})
        else:
            self._reply(body)

    def _reply(self, body: dict[str, Any]) -> None:
        endpoint = self.server.endpoint
        question = body["messages"][-1]["content"]
        found = _NAME.search(question)
        name = found.group(1) if found else question
        fault = endpoint.draw(body, dict(self.headers))
        if endpoint.status >= 400:
            self._send(endpoint.status, {"error": "not this one"})
        elif fault not in ("", "late"):
            with suppress(OSError):
                self._fail(fault, json.dumps(_whole(endpoint.say(name))).encode())
        else:
            time.sleep(endpoint.slow_s if fault else 0)
            endpoint.count(name)  # before the client can know of it
            self._send(200, _whole(endpoint.say(name)))

    def _fail(self, fault: str, content: bytes) -> None:
        endpoint = self.server.endpoint
        if fault.startswith("429"):
            at = email.utils.formatdate(time.time() + endpoint.wait_s, usegmt=True)
            wait = at if fault == "429 date" else str(endpoint.wait_s)
            self._send(429, {"error": "too many requests"}, {"Retry-After": wait})
        elif fault == "500":
            self._send(500, {"error": {"message": "out of memory"}})
        elif fault == "shape":
            self._send(200, {"choices": []})
        elif fault == "broken":
            self._send_bytes(200, content[: len(content) // 2])
        elif fault == "slow":
            time.sleep(endpoint.slow_s)
            self._send_bytes(200, content)
        else:
            self._break_off(content, endpoint.slow_s / 5 if fault == "drip" else None)

    def _break_off(self, content: bytes, pause_s: float | None) -> None:
        """Some of it, then, with a pause, the rest byte by byte, then a reset."""
        self._head(200, len(content))
        self.wfile.write(content[:20])
        for place in range(20, len(content) if pause_s else 20):
            time.sleep(pause_s or 0)
            self.wfile.write(content[place : place + 1])
        linger = struct.pack("ii", 1, 0)
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self.close_connection = True

    def _send(
        self, status: int, fields: dict[str, Any], headers: Mapping[str, str] | None = None
    ) -> None:
        self._send_bytes(status, json.dumps(fields).encode(), headers)

    def _send_bytes(
        self, status: int, content: bytes, headers: Mapping[str, str] | None = None
    ) -> None:
        with suppress(OSError):
            self._head(status, len(content), headers)
            self.wfile.write(content)

    def _head(self, status: int, length: int, headers: Mapping[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(length))
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Silent."""


def _whole(text: str) -> dict[str, Any]:
    return {
        "choices": [{"message": {"role": "assistant", "content": text}, "finish_reason": "stop"}]
    }
