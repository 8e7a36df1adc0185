"""Routes about libraries as a whole: their state, indexing, failed files, forgetting."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from fastapi import APIRouter, Request, Response
from starlette.responses import StreamingResponse

from sightread.errors import UsageError
from sightread.library import Library
from sightread.search.walk import is_within
from sightread.service.asked import Count, Cursor, LibraryName, cursor_at, offset_of
from sightread.service.problems import Json, Refused
from sightread.service.room import Room, problems, room_of
from sightread.service.schemas import (
    Failures,
    ForgetRequest,
    Forgotten,
    Ids,
    IndexRequest,
    Libraries,
    Names,
    RetryRequest,
    Run,
    StopRequest,
)
from sightread.service.shelf import Shelf
from sightread.types import format_id
from sightread.wire import dump_json, failure_fields, status_fields

routes = APIRouter(tags=["libraries"])


@routes.get("/api/libraries", response_model=Libraries, responses=problems(409))
async def libraries(request: Request) -> Response:
    """What is served: each library with what it holds."""
    room = room_of(request)
    states = [await _state(room, shelf) for shelf in room.shelves.all()]
    return Json({"libraries": states})


async def _state(room: Room, shelf: Shelf) -> dict[str, Any]:
    status = await shelf.ask_files(lambda library: library.status())
    fields = status_fields(status, shelf.path)
    return {
        "name": shelf.name,
        **fields,
        "readers": [name for name in status.reader.split(", ") if name],
        "indexing": room.runs_of(shelf).state["state"],
        "folders": list(room.settings.folders),
    }


# --- indexing ---------------------------------------------------------------------------------


@routes.get("/api/index", response_model=Run, responses=problems(404))
async def run_state(request: Request, library: LibraryName = None) -> Response:
    """How far the run of this library is, or how the last one ended."""
    room = room_of(request)
    return Json(room.runs_of(room.shelves.get(library)).state)


@routes.post(
    "/api/index", status_code=202, response_model=Run, responses=problems(404, 408, 409, 413)
)
async def start(request: Request, body: IndexRequest) -> Response:
    """Bring the library up to date with folders; answers at once, see `/api/index/events`."""
    room = room_of(request)
    shelf = room.shelves.get(body.library)
    folders = _allowed(room, body.folders)
    return await _start(room, shelf, {"folders": folders, "options": body.options.model_dump()})


@routes.post(
    "/api/failed/retry", status_code=202, response_model=Run, responses=problems(404, 408, 409, 413)
)
async def retry(request: Request, body: RetryRequest) -> Response:
    """Read the files again that failed before, of those that may be indexed; answers at once."""
    room = room_of(request)
    _allowed(room, [])
    job = {"retry": True, "options": body.options.model_dump()}
    return await _start(room, room.shelves.get(body.library), job)


async def _start(room: Room, shelf: Shelf, job: dict[str, Any]) -> Response:
    runs = room.runs_of(shelf)
    await runs.start(job)
    return Json(runs.state, 202)


@routes.post(
    "/api/index/stop", status_code=202, response_model=Run, responses=problems(404, 408, 409, 413)
)
async def stop(request: Request, body: StopRequest) -> Response:
    """Stop in good order, with what is in hand."""
    room = room_of(request)
    runs = room.runs_of(room.shelves.get(body.library))
    await runs.stop()
    return Json(runs.state, 202)


@routes.get(
    "/api/index/events",
    response_class=StreamingResponse,
    responses=problems(404)
    | {200: {"content": {"text/event-stream": {}}, "description": "`Run` after `Run`."}},
)
async def events(request: Request, library: LibraryName = None) -> Response:
    """Server-sent events: the state of the run, now and whenever it changes."""
    room = room_of(request)
    runs = room.runs_of(room.shelves.get(library))

    async def stream() -> AsyncIterator[str]:
        async for state in runs.follow():
            yield ": nothing new\n\n" if state is None else f"data: {dump_json(state)}\n\n"

    return StreamingResponse(stream(), media_type="text/event-stream")


def _allowed(room: Room, asked: list[str]) -> list[str]:
    """The folders to index, if they may be: all links are followed before that is judged."""
    roots = room.settings.folders
    if not roots:
        raise Refused(
            403,
            "Nothing may be indexed over the network here; start the service with --folder DIR to "
            "allow it for that folder, or use `sightread index`.",
        )
    for folder in asked:
        if "\0" in folder:
            raise UsageError("A folder's name cannot hold a NUL character.")
        if not is_within(folder, roots):
            raise Refused(
                403, f"{folder[:300]} may not be indexed here; allowed are: {', '.join(roots)}."
            )
    return asked or list(roots)


# --- failed files -----------------------------------------------------------------------------


@routes.get("/api/failed", response_model=Failures, responses=problems(404, 409))
async def failed(
    request: Request, library: LibraryName = None, k: Count = 100, cursor: Cursor = None
) -> Response:
    """Files that could not be indexed, and why, by path."""
    shelf, offset = room_of(request).shelves.get(library), offset_of(cursor)
    failures = await shelf.ask_files(lambda opened: opened.failures())
    page = failures[offset : offset + k]
    return Json(
        {
            "total": len(failures),
            "cursor": cursor_at(offset + k, len(failures)),
            "failures": [failure_fields(one) for one in page],
        }
    )


@routes.post("/api/ids", response_model=Ids, responses=problems(404, 408, 409, 413))
async def ids(request: Request, body: Names) -> Response:
    """The ids of pictures that are named by path or id; unknown names have none."""
    shelf = room_of(request).shelves.get(body.library)
    known = await shelf.ask(lambda opened: opened.ids(body.pictures))
    return Json({"ids": [format_id(one) for one in known]})


@routes.post("/api/forget", response_model=Forgotten, responses=problems(404, 408, 409, 413))
async def forget(request: Request, body: ForgetRequest) -> Response:
    """Remove pictures from the library. Their files are never touched."""
    room = room_of(request)
    shelf = room.shelves.get(body.library)
    if bool(body.pictures) == body.missing:
        raise UsageError("Name the pictures to forget, by path or id, or say missing.")

    def work() -> int:
        with Library.open(shelf.path, write=True, reader_only=True) as library:
            return library.forget_missing() if body.missing else library.forget(body.pictures)

    return Json({"forgotten": await room.files.run(work)})
