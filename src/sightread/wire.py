"""Answers as plain values: what the command line prints as JSON and the service sends.

Both are the same, so that a program can go from one to the other. Numbers that are not finite and
things that are not known are null. `remote` reads them back.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from sightread.revisions import reduced_to, smaller_than

if TYPE_CHECKING:
    from sightread.explained import Explained, SceneText
    from sightread.library import Status
    from sightread.search.ledger import Failure
    from sightread.types import (
        Evidence,
        Hit,
        PictureRecord,
        Quad,
        RegionRecord,
        Result,
        SpaceInfo,
        TextArea,
    )

FIELDS = (
    *("rank", "path", "id", "score", "probability"),
    *("width", "height", "taken_at", "evidence"),
)
FAILURE_FIELDS = ("path", "reason", "failed_at", "attempts")

_SURROGATE = re.compile("[\ud800-\udfff]")
_EPOCH = datetime(1970, 1, 1)  # UTC, written as Z


# --- answers ----------------------------------------------------------------------------------


def result_fields(result: Result, offset: int = 0) -> dict[str, Any]:
    """An answer: what was understood, how many there are, and the hits under `results`."""
    again = result.looked_again
    return {
        "query": result.query,
        "total": result.total,
        "below": result.below,
        "threshold": _number(result.threshold, 6),
        "took_ms": _number(result.took_ms, 1),
        "nearest": list(result.nearest),
        "warnings": list(result.warnings),
        "explanations": [explained_fields(one) for one in result.explanations],
        "looked_again": again
        and {"pictures": again.pictures, "took_ms": _number(again.took_ms, 1)},
        "refine": [{"word": one.word, "pictures": one.pictures} for one in result.refine],
        "results": [hit_fields(hit, rank) for rank, hit in ranked(result, offset)],
    }


def explained_fields(one: Explained) -> dict[str, Any]:
    """The explanation of an entity of the query, and where it is from."""
    return {
        "term": one.term,
        "entity": one.entity,
        "text": one.text,
        "source": one.source,
        "model": one.model,
        "made_at": moment(one.made_at),
        "version": one.version,
        "joined": one.joined,
    }


def ranked(result: Result, offset: int) -> Iterator[tuple[int, Hit]]:
    """The hits with their ranks, of which the first is `offset` + 1."""
    return enumerate(result.hits, start=offset + 1)


def match_name(evidence: Evidence) -> str:
    """exact, look-alike, edits:2, prefix, part or meaning."""
    return f"edits:{evidence.edits}" if evidence.match == "edits" else evidence.match


def hit_fields(hit: Hit, rank: int) -> dict[str, Any]:
    """One hit as plain values, keys in the order of `FIELDS`. `rank` counts from 1."""
    return {
        "rank": rank,
        "path": hit.path,
        "id": f"{hit.id:016x}",
        "score": _number(hit.score, 6),
        "probability": _number(hit.probability, 6),
        "width": hit.width,
        "height": hit.height,
        "taken_at": moment(hit.taken_at),
        "evidence": [_evidence_fields(evidence) for evidence in hit.evidence],
    }


def _evidence_fields(evidence: Evidence) -> dict[str, Any]:
    boxes = [[[_number(x, 1), _number(y, 1)] for x, y in box] for box in evidence.boxes]
    return {
        "channel": evidence.channel,
        "rank": evidence.rank,
        "score": _number(evidence.score, 6),
        "match": match_name(evidence),
        "term": evidence.term,
        "word": evidence.word,
        "other_reading": evidence.other_reading,
        "scene_text": _scene_text_fields(evidence.scene_text),
        "boxes": boxes,
    }


def _scene_text_fields(one: SceneText | None) -> dict[str, Any] | None:
    if one is None:
        return None
    return {"counts": _number(one.counts, 4), "words": list(one.words)}


# --- pictures and libraries -------------------------------------------------------------------


def picture_fields(record: PictureRecord) -> dict[str, Any]:
    """All that is known of a picture as plain values; words in reading order."""
    about = record.metadata
    return {
        "id": f"{record.id:016x}",
        "sha256": record.sha256,
        "paths": [stamp.path for stamp in record.stamps],
        "format": record.format,
        "width": record.width,
        "height": record.height,
        "reader": record.reader,
        "reduced_to_px": reduced_to(record.reader, record.width, record.height),
        "smaller_than_px": smaller_than(record.reader, record.width, record.height),
        "indexed_at": moment(record.indexed_at),
        "taken_at": moment(about.taken_at),
        "latitude": about.latitude,
        "longitude": about.longitude,
        "title": about.title,
        "caption": about.caption,
        "keywords": list(about.keywords),
        "persons": list(about.persons),
        "words": [_word_fields(region) for region in record.regions if region.field == "written"],
        "spaces": {
            space: {"areas": [_area_fields(area) for area in embedding.areas]}
            for space, embedding in record.embeddings.items()
        },
    }


def _area_fields(area: TextArea) -> dict[str, Any]:
    return {"confidence": round(area.confidence, 4), "box": _corners(area.box)}


def _corners(box: Quad) -> list[list[float]]:
    return [[round(float(x), 1), round(float(y), 1)] for x, y in box]


def _word_fields(region: RegionRecord) -> dict[str, Any]:
    return {
        "text": region.text,
        "confidence": round(float(region.confidence), 4),
        "line": region.line,
        "box": region.box and _corners(region.box),
    }


def status_fields(status: Status, path: str) -> dict[str, Any]:
    """The state of the library at `path` as plain values."""
    return {
        "library": path,
        "format": status.format,
        "pictures": status.pictures,
        "files": status.files,
        "words": status.words,
        "failed": status.failed,
        "reader": status.reader,
        "size_bytes": status.size_bytes,
        "last_indexed_at": moment(status.last_indexed_at),
        "entities": status.entities,
        "spaces": [_space_fields(space, status.pictures) for space in status.spaces],
    }


def _space_fields(space: SpaceInfo, pictures: int) -> dict[str, Any]:
    return {
        "space": space.spec.space,
        "name": space.spec.name,
        "revision": space.spec.revision,
        "dim": space.spec.dim,
        "calibrated": space.spec.calibration is not None,
        "calibration": space.spec.calibration and list(space.spec.calibration),
        "folder": space.folder,
        "serving": space.serving,
        "pictures": space.pictures,
        "missing": pictures - space.pictures,
    }


def failure_fields(failure: Failure) -> dict[str, Any]:
    """One failed file as plain values, keys in the order of `FAILURE_FIELDS`."""
    return {
        "path": failure.path,
        "reason": failure.reason,
        "failed_at": moment(failure.failed_at),
        "attempts": failure.attempts,
    }


# --- values ------------------------------------------------------------------------------------


def _number(value: float | None, digits: int) -> float | None:
    return round(float(value), digits) if value is not None and math.isfinite(value) else None


def dump_json(value: object, indent: int | None = None) -> str:
    """JSON in which letters of all scripts are readable. An undecodable byte of a file name is an
    escaped surrogate (`\\udcff`), which `os.fsencode` of the parsed string gives back. Numbers
    that are not finite become null."""
    text = json.dumps(_finite(value), ensure_ascii=False, allow_nan=False, indent=indent)
    return _SURROGATE.sub(lambda found: f"\\u{ord(found.group()):04x}", text)


def _finite(value: object) -> object:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {name: _finite(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(each) for each in value]
    return value


def moment(seconds: float | None) -> str | None:
    """ISO 8601 in UTC, to the second: 2024-05-01T12:00:00Z. None for what is no date."""
    if seconds is None or not math.isfinite(seconds):
        return None
    try:
        at = _EPOCH + timedelta(seconds=math.floor(seconds))
    except OverflowError:
        return None
    return at.isoformat(timespec="seconds") + "Z"
