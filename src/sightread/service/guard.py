"""What stands before every request: who may call, how often, with how much, and what the answer
may do in a browser. Plain ASGI, so that nothing is buffered."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import ipaddress
import socket
import time
from collections import OrderedDict
from http.cookies import CookieError, SimpleCookie

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sightread.service.problems import problem
from sightread.service.settings import Settings

CONTENT_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; "
    "connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)
_HEADERS = {
    "content-security-policy": CONTENT_POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
}
_OPEN_PATHS = ("/", "/health", "/api/session", "/api/openapi.json")
_JSON_BYTES = 1_000_000
_BODY_S = 30.0
_ADDRESSES = 10_000


class _Refusal(Exception):
    def __init__(self, status: int, sentence: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(sentence)
        self.status, self.headers = status, headers


class Guard:
    """Refuses requests that should not be answered, and adds the headers that hold a page in."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        self._settings = settings
        self._hosts = _own_names(settings)
        self._rate = _Rate(settings.per_second, settings.burst)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._add_headers(scope, MutableHeaders(scope=message))
            await send(message)

        try:
            headers = Headers(scope=scope)
            self._check_host(headers)
            self._check_origin(scope, headers)
            self._check_rate(scope)
            self._check_token(scope, headers)
            limited = self._limited(scope, headers, receive)
        except _Refusal as refusal:
            answer = problem(refusal.status, str(refusal), refusal.headers)
            await answer(scope, receive, guarded)
            return
        await self._app(scope, limited, guarded)

    def _check_host(self, headers: Headers) -> None:
        host = headers.get("host", "")
        name = host.rsplit(":", 1)[0] if not host.endswith("]") else host
        if not _is_address(name) and name.lower() not in self._hosts:
            raise _Refusal(
                421,
                f"This service is not called {host[:100]!r}; call it {sorted(self._hosts)[0]}, or "
                "start it with --allow-host NAME.",
            )

    def _check_origin(self, scope: Scope, headers: Headers) -> None:
        """A page of somebody else must not make a browser change anything here."""
        origin = headers.get("origin")
        if origin is None or scope["method"] in ("GET", "HEAD", "OPTIONS"):
            return
        own = f"{scope['scheme']}://{headers.get('host', '')}"
        if origin != own and origin not in self._settings.origins:
            raise _Refusal(
                403,
                f"The page {origin[:100]!r} may not use this service; start it with --allow-origin "
                "to let it.",
            )

    def _check_rate(self, scope: Scope) -> None:
        address = (scope.get("client") or ("", 0))[0]
        wait_s = self._rate.wait_s(address)
        if wait_s > 0:
            raise _Refusal(
                429,
                f"More than {self._settings.per_second:g} requests a second came from {address}; "
                "slow down.",
                {"Retry-After": str(max(1, round(wait_s)))},
            )

    def _check_token(self, scope: Scope, headers: Headers) -> None:
        token, path = self._settings.token, scope["path"]
        if token is None or path in _OPEN_PATHS or path.startswith("/web/"):
            return
        if scope["method"] == "OPTIONS" or _knows(token, headers, self._settings.port):
            return
        raise _Refusal(
            401,
            "This service wants a token: send it as `Authorization: Bearer TOKEN`.",
            {"WWW-Authenticate": "Bearer"},
        )

    def _limited(self, scope: Scope, headers: Headers, receive: Receive) -> Receive:
        """`receive` that gives up on bodies that are too large, or come too slowly."""
        picture = scope["path"] == "/api/search"
        most = self._settings.upload_bytes if picture else _JSON_BYTES
        sentence = f"The body is larger than {most / 1e6:g} MB, the limit; send less."
        length = headers.get("content-length", "0")
        if length.isdigit() and int(length) > most:
            raise _Refusal(413, sentence, {"Connection": "close"})
        deadline = time.monotonic() + _BODY_S
        seen, whole = 0, False

        async def limited() -> Message:
            nonlocal seen, whole
            if whole:  # from here on it only tells that the client went away
                return await receive()
            try:
                wait_s = max(0.001, deadline - time.monotonic())
                message = await asyncio.wait_for(receive(), wait_s)
            except TimeoutError as error:
                raise HTTPException(
                    408, f"The body did not arrive within {_BODY_S:g} s.", {"Connection": "close"}
                ) from error
            seen += len(message.get("body", b""))
            whole = not message.get("more_body", False)
            if seen > most:
                raise HTTPException(413, sentence, {"Connection": "close"})
            return message

        return limited

    def _add_headers(self, scope: Scope, headers: MutableHeaders) -> None:
        for name, value in _HEADERS.items():
            headers.setdefault(name, value)
        headers.setdefault("cache-control", "no-store")
        origin = Headers(scope=scope).get("origin")
        if origin in self._settings.origins:
            headers["access-control-allow-origin"] = origin
            headers["cross-origin-resource-policy"] = "cross-origin"
            headers.add_vary_header("Origin")


def session_cookie(token: str, port: int) -> tuple[str, str]:
    """Name and value of the cookie by which a browser shows that it knew the token; the value
    tells nobody the token itself."""
    value = hmac.new(token.encode(), b"sightread session", hashlib.sha256).hexdigest()
    return f"sightread-{port}", value


def same(first: str, second: str) -> bool:
    """Whether two secrets are equal, in a time that does not tell how nearly."""
    return hmac.compare_digest(first.encode("utf-8", "replace"), second.encode("utf-8", "replace"))


def _knows(token: str, headers: Headers, port: int) -> bool:
    scheme, _, given = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and same(given.strip(), token):
        return True
    name, value = session_cookie(token, port)
    try:
        cookies = SimpleCookie(headers.get("cookie", ""))
    except CookieError:
        return False
    return name in cookies and same(cookies[name].value, value)


def _own_names(settings: Settings) -> set[str]:
    names = {"localhost", settings.host.lower(), *(name.lower() for name in settings.hosts)}
    return names | {socket.gethostname().lower()}


def _is_address(name: str) -> bool:
    # A page cannot make its own name stand for another machine and call it by an address.
    try:
        ipaddress.ip_address(name.strip("[]"))
    except ValueError:
        return False
    return True


class _Rate:
    """A bucket of requests for each address, filled steadily."""

    def __init__(self, per_second: float, burst: int) -> None:
        self._per_second, self._burst = per_second, burst
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def wait_s(self, address: str) -> float:
        """Take one; returns 0, or how long there is none."""
        now = time.monotonic()
        left, at = self._left.pop(address, (float(self._burst), now))
        left = min(self._burst, left + (now - at) * self._per_second)
        allowed = left >= 1
        self._left[address] = (left - 1 if allowed else left, now)
        if len(self._left) > _ADDRESSES:
            self._left.popitem(last=False)
        return 0.0 if allowed else (1 - left) / self._per_second
