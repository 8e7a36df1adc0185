"""The shapes of requests and answers, for OpenAPI: names and meanings as in `types` and `wire`."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Point = tuple[float, float]
Quad = tuple[Point, Point, Point, Point]

_EVIDENCE: dict[str, Any] = {
    "channel": "written",
    "rank": 1,
    "score": 0.997,
    "match": "exact",
    "term": "coffee shop",
    "word": "COFFEE SHOP",
    "other_reading": "Coffee Shop",
    "boxes": [[[120.0, 80.0], [360.0, 84.0], [359.0, 130.0], [119.0, 126.0]]],
}
_HIT: dict[str, Any] = {
    "rank": 1,
    "path": "/photos/2024/shop.jpg",
    "id": "3b0c1f2a9d8e7f60",
    "score": 0.997,
    "probability": 0.997,
    "width": 1280,
    "height": 960,
    "taken_at": "2024-05-01T12:00:00Z",
    "evidence": [_EVIDENCE],
}


class _Shape(BaseModel):
    model_config = ConfigDict(extra="forbid")


def _like(example: dict[str, Any]) -> ConfigDict:
    return ConfigDict(extra="forbid", json_schema_extra={"example": example})


class SceneText(_Shape):
    """How much the words read in a picture count in its vector (0 to 1), and which, the most
    first."""

    counts: float | None
    words: list[str]


class Evidence(_Shape):
    """Why a picture was found; boxes are in pixels of the upright picture. `other_reading` is what
    the other one of two readers read there, "" if nothing, null where there is only one;
    `scene_text` is null but for encoders that take words."""

    model_config = _like(_EVIDENCE)
    channel: str
    rank: int
    score: float | None
    match: str
    term: str
    word: str
    other_reading: str | None
    scene_text: SceneText | None = None
    boxes: list[Quad]


class Hit(_Shape):
    """A found picture."""

    model_config = _like(_HIT)
    rank: int
    path: str
    id: str
    score: float | None
    probability: float | None
    width: int
    height: int
    taken_at: str | None
    evidence: list[Evidence]


class Part(_Shape):
    """A part of the query as it was understood; `beside` what no query line can say."""

    text: str
    kind: Literal["term", "filter", "beside"]
    negated: bool


class Explained(_Shape):
    """The explanation of an entity that the query names, and where it is from; `joined` if it was
    searched with."""

    term: str
    entity: str
    text: str
    source: str
    model: str
    made_at: str | None
    version: int
    joined: bool


class LookedAgain(_Shape):
    """What the matching head did."""

    pictures: int
    took_ms: float | None


class Refinement(_Shape):
    """A word that parts pictures which look alike, and how many of them bear it."""

    word: str
    pictures: int


class Answer(_Shape):
    """The answer to a query. `cursor` asks for the next page; null on the last one."""

    model_config = _like(
        {
            "query": '"coffee shop" after:2024-05-01',
            "parts": [
                {"text": '"coffee shop"', "kind": "term", "negated": False},
                {"text": "after:2024-05-01", "kind": "filter", "negated": False},
            ],
            "library": "photos",
            "sort": "relevance",
            "total": 120,
            "below": 2,
            "threshold": 0.5,
            "took_ms": 12.5,
            "nearest": [],
            "warnings": [],
            "explanations": [],
            "refine": [{"word": "HILTON", "pictures": 6}, {"word": "IBIS", "pictures": 4}],
            "cursor": "eyJvZmZzZXQiOiA1MH0",
            "results": [_HIT],
        }
    )
    query: str
    parts: list[Part]
    library: str
    sort: Literal["relevance", "date"]
    total: int
    below: int
    threshold: float | None
    took_ms: float | None
    nearest: list[str]
    warnings: list[str]
    explanations: list[Explained]
    looked_again: LookedAgain | None = None
    refine: list[Refinement]
    cursor: str | None
    results: list[Hit]


class Word(_Shape):
    text: str
    confidence: float
    line: int
    box: Quad | None


class Area(_Shape):
    confidence: float
    box: Quad


class Areas(_Shape):
    areas: list[Area]


class Picture(_Shape):
    """All that is known of a picture."""

    id: str
    sha256: str
    paths: list[str]
    format: str
    width: int
    height: int
    reader: str
    reduced_to_px: int | None
    smaller_than_px: int | None
    indexed_at: str | None
    taken_at: str | None
    latitude: float | None
    longitude: float | None
    title: str
    caption: str
    keywords: list[str]
    persons: list[str]
    words: list[Word]
    spaces: dict[str, Areas]


class Space(_Shape):
    space: str
    name: str
    revision: str
    dim: int
    calibrated: bool
    calibration: tuple[float, float] | None
    folder: str
    serving: bool
    pictures: int
    missing: int


class LibraryState(_Shape):
    """A library: what is in it, and what is happening to it."""

    name: str
    library: str
    format: int
    pictures: int
    files: int
    words: int
    failed: int
    reader: str
    readers: list[str]
    size_bytes: int
    last_indexed_at: str | None
    entities: bool
    spaces: list[Space]
    indexing: str
    folders: list[str] = Field(description="What may be indexed here.")


class Libraries(_Shape):
    libraries: list[LibraryState]


class Failed(_Shape):
    path: str
    reason: str
    failed_at: str | None
    attempts: int


class Failures(_Shape):
    total: int
    cursor: str | None
    failures: list[Failed]


class IndexOptions(_Shape):
    """As the options of `sightread index`."""

    exclude: list[str] = Field([], max_length=100)
    keep_missing: bool = False
    reread: bool = False
    reencode: bool = Field(False, description="With the encoder that the service was given.")
    workers: int | None = Field(None, ge=1, le=256)
    max_pixels: int = Field(120_000_000, ge=1, le=10_000_000_000)
    retry_failed: bool = False


class IndexRequest(_Shape):
    """What to index; no folders means all that may be."""

    model_config = _like({"folders": [], "options": {"keep_missing": True}})
    library: str | None = None
    folders: list[str] = Field([], max_length=100)
    options: IndexOptions = Field(default_factory=lambda: IndexOptions.model_validate({}))


class RetryRequest(_Shape):
    library: str | None = None
    options: IndexOptions = Field(default_factory=lambda: IndexOptions.model_validate({}))


class StopRequest(_Shape):
    library: str | None = None


class Run(_Shape):
    """A run of indexing; `progress` and `report` as in the Python API."""

    state: Literal["idle", "running", "stopping", "done", "stopped", "failed"]
    folders: list[str]
    retry: bool
    progress: dict[str, Any] | None
    report: dict[str, Any] | None
    error: str | None
    kind: str | None = Field(description="Of the error, as in the Python API.")


class Names(_Shape):
    """Pictures by path or id."""

    library: str | None = None
    pictures: list[str] = Field(max_length=10_000)


class Ids(_Shape):
    ids: list[str]


class ForgetRequest(_Shape):
    """Pictures by path or id, or all whose files are gone."""

    model_config = _like({"pictures": ["3b0c1f2a9d8e7f60"], "missing": False})
    library: str | None = None
    pictures: list[str] = Field([], max_length=10_000)
    missing: bool = False


class Forgotten(_Shape):
    forgotten: int


class Session(_Shape):
    token: str = Field(max_length=1000)


class Health(_Shape):
    status: Literal["ok"]
    version: str
    token: bool = Field(description="Whether a token is wanted.")


class Problem(BaseModel):
    """RFC 9457; `detail` is the sentence that the command line prints."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "type": "about:blank",
                "title": "Bad Request",
                "status": 400,
                "detail": "The query is empty; type a word such as coffee.",
                "position": 0,
            }
        }
    )
    type: str
    title: str
    status: int
    detail: str
    kind: str | None = Field(None, description="Of the error, as in the Python API.")
    position: int | None = Field(None, description="In the query line, from 0.")
