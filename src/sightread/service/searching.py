"""Routes that find pictures."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Request, Response
from fastapi import Query as Parameter

from sightread.errors import UsageError
from sightread.library import Library
from sightread.search.engine import Sort
from sightread.service.asked import (
    Again,
    Also,
    Beside,
    Count,
    Cursor,
    Explain,
    LibraryName,
    Offset,
    Threshold,
    answer_fields,
    offset_of,
    picture_number,
    understood,
)
from sightread.service.problems import Json
from sightread.service.room import problems, room_of
from sightread.service.schemas import Answer
from sightread.types import Query, Result

routes = APIRouter(tags=["search"])

Line = Annotated[
    str,
    Parameter(
        max_length=4000,
        description="The query line, as on the command line; may be left out beside a filter.",
        openapi_examples={"phrase": {"value": '"coffee shop" -taxi after:2024'}},
    ),
]
Order = Annotated[Sort, Parameter(description="Best first, or newest first.")]
SpaceName = Annotated[str | None, Parameter(max_length=100, description="Of which encoder.")]
_PICTURE = {
    "requestBody": {
        "required": True,
        "description": "The bytes of a picture file.",
        "content": {"image/*": {"schema": {"type": "string", "format": "binary"}}},
    }
}


@routes.get("/api/search", response_model=Answer, responses=problems(404, 409))
async def search(
    request: Request,
    beside: Annotated[Beside, Depends()],
    q: Line = "",
    library: LibraryName = None,
    k: Count = 50,
    offset: Offset = 0,
    cursor: Cursor = None,
    threshold: Threshold = None,
    sort: Order = "relevance",
    also: Also = None,
    explain: Explain = "on",
    again: Again = 0,
) -> Response:
    """Find pictures by a query line; the answer says what was understood and why each was found."""
    shelf = room_of(request).shelves.get(library)
    query, offset = understood(q, beside), offset_of(cursor, offset)

    def find(opened: Library) -> Result:
        return opened.search(
            query,
            k=k,
            offset=offset,
            threshold=threshold,
            also=also or (),
            sort=sort,
            explain=explain == "on",
            again=again,
        )

    result = await shelf.ask(find)
    return Json(answer_fields(result, query, shelf.name, offset, k, sort))


@routes.post(
    "/api/search",
    response_model=Answer,
    responses=problems(404, 408, 409, 413),
    openapi_extra=_PICTURE,
)
async def search_by_picture(
    request: Request,
    library: LibraryName = None,
    k: Count = 50,
    offset: Offset = 0,
    cursor: Cursor = None,
    space: SpaceName = None,
) -> Response:
    """Find pictures like the one in the body. Needs a library with an encoder."""
    shelf = room_of(request).shelves.get(library)
    offset = offset_of(cursor, offset)
    with room_of(request).upload():
        data = await request.body()
        if not data:
            raise UsageError("The body is empty; send the bytes of a picture file.")
        asked = partial(Library.similar, picture=data, k=k, offset=offset, space=space)
        return await _alike(request, shelf.name, asked, offset, k)


@routes.get("/api/similar/{picture}", response_model=Answer, responses=problems(404, 409))
async def similar(
    request: Request,
    picture: Annotated[str, Path(max_length=100, description="The id of a picture.")],
    library: LibraryName = None,
    k: Count = 50,
    offset: Offset = 0,
    cursor: Cursor = None,
    space: SpaceName = None,
) -> Response:
    """Find pictures like one in the library. Needs a library with an encoder."""
    shelf = room_of(request).shelves.get(library)
    name, offset = f"{picture_number(picture):016x}", offset_of(cursor, offset)
    asked = partial(Library.similar, picture=name, k=k, offset=offset, space=space)
    return await _alike(request, shelf.name, asked, offset, k)


async def _alike(
    request: Request, name: str, asked: Callable[[Library], Result], offset: int, k: int
) -> Response:
    result = await room_of(request).shelves.get(name).ask(asked)
    none: Query | None = None
    fields: dict[str, Any] = answer_fields(result, none, name, offset, k, "relevance")
    return Json(fields)
