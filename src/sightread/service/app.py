"""The application: routes, guards and the page, put together."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request, Response
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import FileResponse
from starlette.staticfiles import StaticFiles

from sightread.service import keeping, pictures, problems, searching
from sightread.service.figures import Counting, Figures
from sightread.service.guard import Guard, same, session_cookie
from sightread.service.problems import Json, Refused
from sightread.service.room import Room, room_of
from sightread.service.room import problems as documented
from sightread.service.schemas import Health, Session
from sightread.service.settings import Settings
from sightread.version import __version__

WEB = Path(__file__).parent / "web"

# Nothing is ever sent anywhere, whatever the environment says.
_NO_TELEMETRY: Any = {
    "tracing": False,
    "metrics": False,
    "logs": False,
    "operation_spans": False,
    "auto_configure": False,
}
_ABOUT = (
    "Finds pictures by the words written in them. Wherever `library` is left out the first one is "
    "meant. Errors are problem documents (RFC 9457) with the sentence of the command line."
)


def create_app(settings: Settings) -> FastAPI:
    """The service as an ASGI application; libraries are opened when it starts.

    Raises:
        UsageError: the settings cannot be served, or not safely.
    """
    settings.check()
    settings = settings.resolved()
    figures = Figures()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        room = Room.open(settings)
        room.figures = figures
        app.state.room = room
        for runs in room.indexing.values():
            await runs.resume()
        try:
            yield
        finally:
            await room.close()

    cors = Middleware(
        CORSMiddleware,
        allow_origins=list(settings.origins),
        allow_methods=["GET", "POST"],
        allow_headers=["Authorization", "Content-Type"],
    )
    app = FastAPI(
        title="Sightread",
        version=__version__,
        description=_ABOUT,
        lifespan=lifespan,
        openapi_url="/api/openapi.json",
        docs_url=None,  # it would come from another server
        redoc_url=None,
        telemetry=_NO_TELEMETRY,
        middleware=[
            Middleware(Counting, figures=figures),
            Middleware(Guard, settings=settings),
            *([cors] if settings.origins else []),
        ],
    )
    problems.install(app)
    for router in (searching.routes, pictures.routes, keeping.routes):
        app.include_router(router)
    _add_house_routes(app, settings)
    return app


def _add_house_routes(app: FastAPI, settings: Settings) -> None:
    app.add_api_route("/", _page, include_in_schema=False, methods=["GET", "HEAD"])
    app.mount("/web", _Web(directory=WEB), name="web")
    app.add_api_route(
        "/health", _health, response_model=Health, tags=["service"], responses=documented()
    )
    app.add_api_route(
        "/metrics",
        _metrics,
        tags=["service"],
        response_class=Response,
        responses=documented()
        | {200: {"content": {"text/plain": {}}, "description": "For Prometheus."}},
    )
    app.add_api_route(
        "/api/session",
        _session,
        methods=["POST"],
        status_code=204,
        tags=["service"],
        responses=documented(408, 413),
    )
    app.state.settings = settings


class _Web(StaticFiles):
    """The files of the page; a browser asks each time whether one has changed."""

    def file_response(self, *args: Any, **more: Any) -> Response:
        response = super().file_response(*args, **more)
        response.headers["cache-control"] = "no-cache"
        return response


async def _page() -> Response:
    return FileResponse(WEB / "index.html", headers={"Cache-Control": "no-cache"})


async def _health(request: Request) -> Response:
    """Whether the service runs."""
    wanted = request.app.state.settings.token is not None
    return Json({"status": "ok", "version": __version__, "token": wanted})


async def _metrics(request: Request) -> Response:
    """Figures for Prometheus."""
    room = room_of(request)
    shelves = room.shelves.all()
    every = {"": float(room.renditions.size_bytes)}
    values = {
        "sightread_searches_inside": (
            "Searches in hand and waiting.",
            {shelf.name: float(shelf.waiting) for shelf in shelves},
        ),
        "sightread_indexing": (
            "1 while the library is being indexed.",
            {shelf.name: float(room.runs_of(shelf).running) for shelf in shelves},
        ),
        "sightread_copies_bytes": ("Bytes of kept copies.", every),
        "sightread_copies_kept": ("Copies given from disk.", {"": float(room.renditions.hits)}),
        "sightread_copies_made": ("Copies made.", {"": float(room.renditions.misses)}),
    }
    text = room.figures.text(values)
    return Response(text, media_type="text/plain; version=0.0.4; charset=utf-8")


async def _session(request: Request, body: Session) -> Response:
    """Exchange the token for a cookie, as the page does."""
    settings: Settings = request.app.state.settings
    if settings.token is None or not same(body.token, settings.token):
        raise Refused(401, "This is not the token of this service.", WWW_Authenticate="Bearer")
    response = Response(status_code=204)
    name, value = session_cookie(settings.token, settings.port)
    response.set_cookie(name, value, httponly=True, samesite="strict", path="/")
    return response
