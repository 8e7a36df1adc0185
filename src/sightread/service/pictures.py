"""Routes that give pictures out: by id, never by path."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Path, Request, Response
from fastapi import Query as Parameter
from starlette.responses import StreamingResponse

from sightread.errors import PictureError
from sightread.service.archive import archive, file_name
from sightread.service.asked import LibraryName, picture_number
from sightread.service.problems import Json, Refused
from sightread.service.renditions import IMAGE_SIDES, THUMB_SIDES, fitting
from sightread.service.room import problems, room_of
from sightread.service.schemas import Picture
from sightread.service.shelf import Shelf
from sightread.types import PictureId
from sightread.wire import picture_fields

routes = APIRouter(tags=["pictures"])

MOST_IN_ARCHIVE = 1000
_KEPT = "private, max-age=31536000, immutable"  # what an id names never changes

Id = Annotated[str, Path(max_length=100, description="The id of a picture, 16 hex digits.")]
_JPEG: dict[int | str, dict[str, object]] = {
    200: {"content": {"image/jpeg": {}}, "description": "The upright picture, without metadata."},
    304: {"description": "It is as it was."},
}


@routes.get("/api/pictures/{picture}", response_model=Picture, responses=problems(404, 409))
async def about(request: Request, picture: Id, library: LibraryName = None) -> Response:
    """What is known of a picture: what was read in it and where, and its metadata."""
    shelf = room_of(request).shelves.get(library)
    name = f"{picture_number(picture):016x}"
    return Json(await shelf.ask(lambda opened: picture_fields(opened.picture(name))))


@routes.get(
    "/api/pictures/{picture}/thumb",
    response_class=Response,
    responses=problems(404, 409, 410) | _JPEG,
)
async def thumb(
    request: Request,
    picture: Id,
    library: LibraryName = None,
    side: Annotated[int, Parameter(ge=1, le=4096, description="Longer side, in pixels.")] = 320,
) -> Response:
    """A small copy, of the next larger of a few sizes."""
    return await _copy(request, picture, library, fitting(side, THUMB_SIDES))


@routes.get(
    "/api/pictures/{picture}/image",
    response_class=Response,
    responses=problems(404, 409, 410) | _JPEG,
)
async def image(
    request: Request,
    picture: Id,
    library: LibraryName = None,
    side: Annotated[int, Parameter(ge=1, le=4096, description="Longer side, in pixels.")] = 2400,
) -> Response:
    """A copy to look at, of the next larger of a few sizes."""
    return await _copy(request, picture, library, fitting(side, IMAGE_SIDES))


async def _copy(request: Request, picture: str, library: str | None, side: int) -> Response:
    room = room_of(request)
    shelf, number = room.shelves.get(library), picture_number(picture)
    tag = f'"{number:016x}-{side}"'
    headers = {"ETag": tag, "Cache-Control": _KEPT}
    if tag in request.headers.get("if-none-match", ""):
        await room.pictures.run(lambda: shelf.require(number))
        return Response(status_code=304, headers=headers)

    def make() -> bytes:
        shelf.require(number)
        return room.renditions.get(number, side, lambda: _original(shelf, number))

    data = await room.pictures.run_for(request, lambda: _gone(make))
    return Response(data, media_type="image/jpeg", headers=headers)


def _gone(work: Callable[[], bytes]) -> bytes:
    try:
        return work()
    except PictureError as error:
        raise Refused(410, _sentence(error)) from error


def _sentence(error: PictureError) -> str:
    text = str(error)
    return f"{text[0].upper()}{text[1:].rstrip('.')}."


def _original(shelf: Shelf, number: PictureId) -> bytes:
    return shelf.library.original(f"{number:016x}")[1]


@routes.get(
    "/api/pictures/{picture}/file",
    response_class=Response,
    responses=problems(404, 409, 410)
    | {200: {"content": {"application/octet-stream": {}}, "description": "The file as it is."}},
)
async def original(request: Request, picture: Id, library: LibraryName = None) -> Response:
    """The file itself, to be saved."""
    room = room_of(request)
    shelf, number = room.shelves.get(library), picture_number(picture)

    def read() -> tuple[str, bytes]:
        try:
            record, data = shelf.library.original(f"{number:016x}")
        except PictureError as error:
            raise Refused(410, _sentence(error)) from error
        return file_name(record), data

    name, data = await room.files.run(read)
    return Response(
        data, media_type="application/octet-stream", headers={"Content-Disposition": _saved(name)}
    )


@routes.get(
    "/api/zip",
    response_class=StreamingResponse,
    responses=problems(404, 409)
    | {200: {"content": {"application/zip": {}}, "description": "The files, in one archive."}},
)
async def as_zip(
    request: Request,
    ids: Annotated[
        str,
        Parameter(
            pattern=f"^[0-9a-f]{{16}}(,[0-9a-f]{{16}}){{0,{MOST_IN_ARCHIVE - 1}}}$",
            max_length=17 * MOST_IN_ARCHIVE,
            description="Ids, by commas.",
        ),
    ],
    library: LibraryName = None,
) -> Response:
    """The files of several pictures; one that is gone is named in MISSING.txt."""
    room = room_of(request)
    shelf = room.shelves.get(library)
    numbers = list(dict.fromkeys(picture_number(one) for one in ids.split(",")))
    for number in numbers:
        await room.pictures.run(lambda number=number: shelf.require(number))  # type: ignore[misc]
    stream = archive(numbers, lambda number: shelf.library.original(f"{number:016x}"))
    name = f"{re.sub(r'[^A-Za-z0-9-]+', '-', shelf.name)}-{len(numbers)}.zip"
    headers = {"Content-Disposition": _saved(name)}
    return StreamingResponse(stream, media_type="application/zip", headers=headers)


def _saved(name: str) -> str:
    # A name may hold quotes, line breaks and bytes of no script: RFC 5987 has a way for all.
    plain = re.sub(r"[^A-Za-z0-9._ -]", "_", name)
    proper = quote(os.fsencode(name).decode("utf-8", "replace"), safe="")
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{proper}"
