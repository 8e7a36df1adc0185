"""Whatever goes wrong, as a problem document (RFC 9457) with the sentence of the command line."""

from __future__ import annotations

import logging
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from sightread.errors import (
    LibraryError,
    ModelError,
    NotInLibrary,
    PictureError,
    QueryError,
    SightreadError,
    UsageError,
)
from sightread.wire import dump_json

_LOG = logging.getLogger("sightread.service")


class Refused(SightreadError):
    """A request that is answered with `status` and nothing else."""

    def __init__(self, status: int, sentence: str, **headers: str) -> None:
        super().__init__(sentence)
        self.status = status
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}


def busy(what: str) -> Refused:
    """Too much is waiting already."""
    sentence = f"The service is busy: too many {what} are waiting. Try again in a second."
    return Refused(503, sentence, Retry_After="1")


class Json(Response):
    """Plain values, as the command line prints them."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        return dump_json(content).encode("utf-8", "backslashreplace")


def problem(
    status: int, sentence: str, headers: dict[str, str] | None = None, **more: Any
) -> Response:
    """The document; `more` are members of its own."""
    body = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": sentence,
        **more,
    }
    response = Json(body, status, headers)
    response.headers["content-type"] = "application/problem+json"
    return response


def status_of(error: SightreadError) -> int:
    """The HTTP status that says who can do something about it."""
    kinds: tuple[tuple[type[SightreadError], int], ...] = (
        (NotInLibrary, 404),
        (UsageError, 400),
        (PictureError, 422),
        (LibraryError, 409),
        (ModelError, 409),
    )
    return next((status for kind, status in kinds if isinstance(error, kind)), 400)


def install(app: FastAPI) -> None:
    """Let the application answer all errors this way."""
    app.add_exception_handler(SightreadError, _told)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(Exception, _unexpected)


async def _told(request: Request, error: Exception) -> Response:
    del request
    if isinstance(error, Refused):
        more = {"kind": "PictureError"} if error.status == 410 else {}
        return problem(error.status, str(error), error.headers, **more)
    assert isinstance(error, SightreadError)
    kind = type(error).__name__
    if isinstance(error, QueryError):
        return problem(status_of(error), str(error), kind=kind, position=error.position)
    return problem(status_of(error), str(error), kind=kind)


async def _invalid(request: Request, error: Exception) -> Response:
    del request
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    name = ".".join(str(part) for part in first["loc"][1:]) or "The body"
    given = first.get("input")
    shown = f" is {str(given)[:60]!r}" if isinstance(given, str | int | float) else ""
    reason = str(first["msg"]).removesuffix(".")
    return problem(422, f"{name}{shown}: {reason}.")


async def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    path = request.url.path[:200]
    sentence = {
        404: f"There is nothing at {path}; /api/openapi.json lists what there is.",
        405: f"{request.method} is not understood at {path}.",
    }.get(error.status_code, str(error.detail).rstrip(".") + ".")
    return problem(error.status_code, sentence, dict(error.headers or {}))


async def _unexpected(request: Request, error: Exception) -> Response:
    _LOG.error("%s %s", request.method, request.url.path, exc_info=error)
    kind = type(error).__name__
    return problem(
        500, f"This should not have happened ({kind}); the log of the service says where."
    )
