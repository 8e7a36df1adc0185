"""What a search request asks for: the query line, and the filters beside it."""

from __future__ import annotations

import base64
import binascii
import json
import re
from dataclasses import dataclass, replace
from typing import Annotated, Any, Literal

from fastapi import Query as Parameter

from sightread.errors import UsageError
from sightread.search.again import MOST
from sightread.search.engine import Sort
from sightread.search.query import UNSPELLED, parse, spell_parts
from sightread.types import AllOf, Compare, Filter, PictureId, Query, Result
from sightread.wire import result_fields

MOST_AT_ONCE = 500
FARTHEST = 10_000_000

LibraryName = Annotated[
    str | None, Parameter(max_length=300, description="Which library; the first if none.")
]
Count = Annotated[int, Parameter(ge=1, le=MOST_AT_ONCE, description="So many pictures at once.")]
Cursor = Annotated[
    str | None, Parameter(max_length=200, description="From an answer: the page after it.")
]
Offset = Annotated[int, Parameter(ge=0, le=FARTHEST, description="Leave out the first so many.")]
Threshold = Annotated[
    float | None, Parameter(ge=0, le=1, description="Leave out what is less probable.")
]
Also = Annotated[
    list[str] | None, Parameter(max_length=10, description="Show what only this space finds.")
]
Explain = Annotated[
    Literal["on", "off"],
    Parameter(description="Search for an entity by its explanation too, where there is one."),
]
Again = Annotated[
    int,
    Parameter(
        ge=0,
        le=MOST,
        description="Let the matching head of the entity model, if it has one, look again at so "
        "many pictures; costs about one encoding of a picture each.",
    ),
]
_DATE = r"^[0-9]{4}(-[0-9]{1,2}){0,2}$"


@dataclass(frozen=True, slots=True)
class Beside:
    """Filters that need not be written in the query line."""

    path: Annotated[str | None, Parameter(max_length=1000, description="Part of the path.")] = None
    ext: Annotated[
        str | None, Parameter(pattern=r"^[A-Za-z0-9]{1,10}(,[A-Za-z0-9]{1,10}){0,20}$")
    ] = None
    after: Annotated[str | None, Parameter(pattern=_DATE, description="Taken then or later.")] = (
        None
    )
    before: Annotated[str | None, Parameter(pattern=_DATE, description="Taken earlier.")] = None
    has: Annotated[str | None, Parameter(pattern="^text$", description="text")] = None
    reader: Annotated[str | None, Parameter(max_length=300, description="Who read it.")] = None
    id: Annotated[str | None, Parameter(pattern="^[0-9a-f]{16}$", description="Only this.")] = None


def understood(line: str, beside: Beside) -> Query:
    """The query of a line and the filters beside it, which may do without a line.

    Raises:
        QueryError: it cannot be understood.
    """
    spelled = (("ext", beside.ext), ("after", beside.after), ("before", beside.before))
    more = [f"{name}:{value}" for name, value in spelled if value]
    more += ["has:text"] if beside.has else []
    alone = bool(more or beside.path or beside.reader or beside.id)
    query = Query() if alone and not line.strip() else parse(line)
    where = [query.where] if query.where is not None else []
    where += [part for text in more if (part := parse(text).where) is not None]
    if beside.path:
        where.append(Compare("path", "contains", beside.path))
    if beside.reader:
        where.append(Compare("reader", "eq", beside.reader))
    if beside.id:
        where.append(Compare("id", "eq", int(beside.id, 16)))
    return replace(query, where=_all(where))


def _all(parts: list[Filter]) -> Filter | None:
    flat = [
        inner for part in parts for inner in (part.parts if isinstance(part, AllOf) else (part,))
    ]
    if len(flat) > 1:
        return AllOf(tuple(flat))
    return flat[0] if flat else None


def offset_of(cursor: str | None, offset: int = 0) -> int:
    """Where the page begins that a cursor asks for, or else at `offset`.

    Raises:
        UsageError: no answer ever held this cursor.
    """
    if cursor is None:
        return offset
    try:
        offset = json.loads(base64.urlsafe_b64decode(cursor + "==="))["offset"]
    except (ValueError, TypeError, KeyError, binascii.Error, RecursionError):
        offset = -1
    if type(offset) is not int or not 0 <= offset <= FARTHEST:
        raise UsageError("The cursor is none that this service gave; leave it out to begin again.")
    return offset


def cursor_at(offset: int, total: int) -> str | None:
    """The cursor of the page that begins at `offset`, None behind the end."""
    if offset >= total:
        return None
    return base64.urlsafe_b64encode(json.dumps({"offset": offset}).encode()).decode().rstrip("=")


def answer_fields(
    result: Result, query: Query | None, library: str, offset: int, k: int, sort: Sort
) -> dict[str, Any]:
    """The answer with what a page needs beside it: see `schemas.Answer`."""
    parts = spell_parts(query) if query is not None else []
    terms = len(query.terms) if query is not None else 0
    return {
        **result_fields(result, offset),
        "parts": [
            {"text": text, "kind": _kind(text, at < terms), "negated": text.startswith("-")}
            for at, text in enumerate(parts)
        ],
        "library": library,
        "sort": sort,
        "cursor": cursor_at(offset + k, result.total),
    }


def _kind(text: str, is_term: bool) -> str:
    if is_term:
        return "term"
    return "beside" if text.removeprefix("-").startswith(UNSPELLED) else "filter"


def picture_number(text: str) -> PictureId:
    """A picture's id from its 16 hex digits.

    Raises:
        UsageError: it is no id. A path is none either.
    """
    if not re.fullmatch("[0-7][0-9a-f]{15}", text):
        raise UsageError(f"{text[:60]!r} is not the id of a picture: 16 hex digits are.")
    return int(text, 16)
