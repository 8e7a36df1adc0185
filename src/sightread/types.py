"""The vocabulary of Sightread on one page: plain data, no I/O. `protocols` says who does what.

Conventions that hold everywhere:

* a picture is known by its content (`PictureId`), paths are attributes;
* boxes are in pixels of the *upright* picture, as a person sees it, x to the right, y down;
* confidences and probabilities are in [0, 1];
* times are seconds since 1970 in UTC; a camera's local time without zone is taken as UTC.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from sightread.explained import Explained, LookedAgain, Refinement, SceneText

RGBImage = NDArray[np.uint8]
"""(H, W, 3) uint8, upright, sRGB."""

Vectors = NDArray[np.float32]
"""(n, D) float32, unit rows."""

PictureId = int
"""The first 63 bits of the SHA-256 of the file's bytes. Printed as 16 hex digits."""

Point = tuple[float, float]
Quad = tuple[Point, Point, Point, Point]
"""Four corners in reading order: the first is where the word starts at its top, then clockwise
as the reader of the word sees it, so that a rotated word keeps its direction."""

Field = Literal["written", "title", "caption", "keyword", "person"]
"""Where a word comes from: `written` in the picture, or a field of its metadata."""

FIELDS: tuple[Field, ...] = ("written", "title", "caption", "keyword", "person")

ENTITY_FIELDS: tuple[Field, ...] = ("caption", "keyword", "person")
TermField = Field | Literal["entity"]
"""Where a term is looked for; `entity`: in the space of entities and in `ENTITY_FIELDS`."""


# --- pictures in ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Metadata:
    """What the file says about itself (EXIF, IPTC, XMP). Empty where it says nothing."""

    taken_at: float | None = None
    latitude: float | None = None
    longitude: float | None = None
    title: str = ""
    caption: str = ""
    keywords: tuple[str, ...] = ()
    persons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Picture:
    """A decoded picture.

    `pixels` may be smaller than the picture: a reduced decoding is asked for with a side limit.
    `width` and `height` are always those of the full upright picture.
    """

    pixels: RGBImage
    width: int
    height: int
    format: str
    metadata: Metadata = Metadata()


# --- reading -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class WordRegion:
    """One word found by a reader: where it is, how sure the reader is, and what it says.

    `line` numbers the lines of text of one picture; words of one line follow each other in
    reading order. A reader gives `text`, or `vector` (unit length), or both. `spaced` is false
    where the engine's own text had no space before the word and the reader parted it.
    """

    box: Quad
    confidence: float
    text: str | None = None
    vector: NDArray[np.float32] | None = None
    line: int = 0
    spaced: bool = True


@dataclass(frozen=True, slots=True)
class ReaderSpec:
    """Which reader, exactly. Two readers with the same `revision` read the same."""

    name: str
    revision: str
    side_limit_px: int | None = None
    """The longest side the reader makes use of; a picture may be decoded smaller than it is,
    but not smaller than this. None: every pixel counts."""
    space: EncoderSpec | None = None
    """Of the vectors of its regions; None if it gives none."""
    folder: str = ""
    """Of its model, where the tower of the queries is found again; "" if nobody can say."""


# --- encoding ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class EncoderSpec:
    """Which encoder, exactly. Vectors can be compared only within one `revision`."""

    space: str
    """What its vectors mean, and the name of the channel: `scene-text` for FDP."""
    dim: int
    revision: str
    """SHA-256 of the model folder's checksums."""
    name: str = ""
    calibration: tuple[float, float] | None = None
    """(slope, offset): the log odds that a picture answers are slope * cosine + offset. None:
    nobody measured it, so that its cosines put pictures in order and say no more."""


@dataclass(frozen=True, slots=True)
class TextArea:
    """A part of a picture that an encoder takes for text, without reading it."""

    box: Quad
    confidence: float


@dataclass(frozen=True, slots=True)
class ImageEmbedding:
    """A picture in an encoder's space: `vector` is (D,) float32 of unit length; `areas` is where
    the encoder saw text, if it looks for any."""

    vector: NDArray[np.float32]
    areas: tuple[TextArea, ...] = ()


# --- what the store keeps ------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PathStamp:
    """A file at the time it was read. `path` is absolute, as the operating system gives it
    (undecodable bytes as surrogates, see `os.fsdecode`)."""

    path: str
    size: int
    mtime_ns: int


@dataclass(frozen=True, slots=True)
class RegionRecord:
    """One searchable word of a picture. `tokens[0]` is the whole word, the rest its key and
    pieces (`text.tokens`); there are none where something is written that was not read. Metadata
    words have no box. `spaced` as in `WordRegion`. `vector` goes into the store with the region
    and is searched there; what the store gives back is without it."""

    field: Field
    text: str
    tokens: tuple[str, ...]
    confidence: float
    line: int
    box: Quad | None = None
    spaced: bool = True
    vector: NDArray[np.float32] | None = dataclasses.field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class PictureRecord:
    """One unit of the store: a picture is wholly there or not at all. `embeddings` is by space;
    `region_space` names the space of the regions' vectors, if they have any."""

    id: PictureId
    sha256: str
    stamps: tuple[PathStamp, ...]
    format: str
    width: int
    height: int
    reader: str
    indexed_at: float
    metadata: Metadata = Metadata()
    regions: tuple[RegionRecord, ...] = ()
    embeddings: Mapping[str, ImageEmbedding] = field(default_factory=dict, hash=False)
    region_space: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class WordHits:
    """Occurrences of tokens, as columns of equal length n, ordered by (picture, ordinal, token).

    `token` indexes the tokens that were asked for; `whole` says that it is the region's whole
    word and not a part; `field` indexes `FIELDS`; `ordinal` is the place of the region in its
    picture; `boxes` is (n, 4, 2), NaN where a region has none, and only there when asked for.
    """

    picture: NDArray[np.int64]
    ordinal: NDArray[np.int32]
    token: NDArray[np.int32]
    whole: NDArray[np.bool_]
    field: NDArray[np.int8]
    line: NDArray[np.int32]
    confidence: NDArray[np.float32]
    boxes: NDArray[np.float32] | None = None

    def __len__(self) -> int:
        return len(self.picture)


@dataclass(frozen=True, slots=True)
class VectorHits:
    """The pictures nearest to one query vector, best first, ties by id: `picture` (n,) ids,
    `score` (n,) dot products."""

    picture: NDArray[np.int64]
    score: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.picture)


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """All distinct tokens of a library, sorted, and in how many regions each occurs."""

    tokens: list[str]
    counts: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class SpaceInfo:
    """Vectors that a store keeps: of which encoder, where that was found (a hint, "" if nobody
    said), and how many pictures have one. A space that is being encoded anew is there twice: the
    old vectors serve, the new ones do not yet."""

    spec: EncoderSpec
    folder: str
    pictures: int
    serving: bool = True


@dataclass(frozen=True, slots=True)
class StoreInfo:
    """What a store holds: its format's number, pictures, the files they are in, searchable words,
    bytes on disk, revisions of the readers, when it was last added to (None: never), and the
    spaces of its vectors."""

    format: int
    pictures: int
    files: int
    words: int
    size_bytes: int
    readers: tuple[str, ...]
    last_indexed_at: float | None
    spaces: tuple[SpaceInfo, ...] = ()


# --- filters -------------------------------------------------------------------------------

FilterField = Literal["id", "path", "ext", "taken_at", "has_text", "reader"]
FilterOp = Literal["eq", "ge", "lt", "in", "contains"]


@dataclass(frozen=True, slots=True)
class Compare:
    """One condition on a picture.

    `path` knows `contains` (part of any of its paths, letter case ignored) and `eq`; `ext` knows
    `eq` (suffix of any of its paths, lower case without dot); `taken_at` knows `ge` and `lt`;
    `has_text` and `reader` know `eq`; `id` knows `eq` and `in`. Anything else is refused by the
    store, never ignored.
    """

    field: FilterField
    op: FilterOp
    value: str | float | bool | tuple[int, ...]


@dataclass(frozen=True, slots=True)
class AllOf:
    parts: tuple[Filter, ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    parts: tuple[Filter, ...]


@dataclass(frozen=True, slots=True)
class Not:
    part: Filter


Filter = Compare | AllOf | AnyOf | Not


# --- queries and answers -------------------------------------------------------------------

TermMode = Literal["similar", "exact", "edits", "prefix", "part"]
"""How a word may differ from its reading: `similar` uses look-alike matching, `exact` is `~0`,
`edits` is `~n`, `prefix` is `word*`, `part` is `*word*`."""


@dataclass(frozen=True, slots=True)
class Term:
    """A word or phrase asked for. `words` are as typed; several words make a phrase."""

    words: tuple[str, ...]
    mode: TermMode = "similar"
    edits: int = 0
    quoted: bool = False
    negated: bool = False
    field: TermField | None = None
    """None: written in the picture, or for an unquoted term in any field."""


@dataclass(frozen=True, slots=True)
class Query:
    """A parsed query line; `query.format_query` gives the line back."""

    terms: tuple[Term, ...] = ()
    where: Filter | None = None


MatchKind = Literal["exact", "look-alike", "edits", "prefix", "part", "meaning"]


@dataclass(frozen=True, slots=True)
class Evidence:
    """Why a picture was found: one word of it, in one channel, which is a `Field` or the space of
    an encoder. `score` is a probability, or, where an encoder has none, its cosine; `rank` is the
    picture's among all, or in the space. An encoder names no `word`; its boxes are what it takes
    for text. `other_reading` is what the other one of two readers read at the same place, "" if
    nothing; None where there is only one. `scene_text`: of an encoder that takes words."""

    channel: str
    rank: int
    score: float
    match: MatchKind
    edits: int = 0
    term: str = ""
    word: str = ""
    boxes: tuple[Quad, ...] = ()
    other_reading: str | None = None
    scene_text: SceneText | None = None


@dataclass(frozen=True, slots=True)
class Hit:
    """A found picture. `probability` that it answers the query is calibrated; None where no
    channel can say. One that only fits the filters of a query without words has score 0."""

    id: PictureId
    path: str
    score: float
    probability: float | None
    evidence: tuple[Evidence, ...] = ()
    width: int = 0
    height: int = 0
    taken_at: float | None = None


@dataclass(frozen=True, slots=True)
class Result:
    """The answer to a query, best first. `total` counts all pictures at or above the threshold;
    `below` those that were left out for their probability. `nearest` names readings of the
    library that resemble a word that was not found. `warnings` are sentences for the user. `refine`
    are words that part those of the `hits` that look alike."""

    query: str
    hits: tuple[Hit, ...]
    total: int
    below: int = 0
    threshold: float = 0.0
    took_ms: float = 0.0
    nearest: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    explanations: tuple[Explained, ...] = ()
    looked_again: LookedAgain | None = None
    refine: tuple[Refinement, ...] = ()


def format_id(picture: PictureId) -> str:
    """16 hex digits."""
    return f"{picture:016x}"
