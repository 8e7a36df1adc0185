"""Plain values of `wire` read back: from what a service sends to the types of the Python API."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import numpy as np

from sightread.explained import Explained, LookedAgain, Refinement, SceneText
from sightread.library import Status
from sightread.search.ledger import Failure
from sightread.text import tokens
from sightread.types import (
    EncoderSpec,
    Evidence,
    Hit,
    ImageEmbedding,
    Metadata,
    PathStamp,
    PictureRecord,
    Quad,
    RegionRecord,
    Result,
    SpaceInfo,
    TextArea,
)

Fields = Mapping[str, Any]


def result(fields: Fields) -> Result:
    """An answer."""
    return Result(
        query=fields["query"],
        hits=tuple(_hit(one) for one in fields["results"]),
        total=fields["total"],
        below=fields["below"],
        threshold=_float(fields["threshold"]),
        took_ms=_float(fields["took_ms"]),
        nearest=tuple(fields["nearest"]),
        warnings=tuple(fields["warnings"]),
        explanations=tuple(_explained(one) for one in fields["explanations"]),
        looked_again=_again(fields["looked_again"]),
        refine=tuple(Refinement(one["word"], one["pictures"]) for one in fields["refine"]),
    )


def with_hits(one: Result, hits: Sequence[Hit]) -> Result:
    """The answer with other hits, as if they had come with it."""
    return replace(one, hits=tuple(hits))


def picture(fields: Fields) -> PictureRecord:
    """A picture; its regions are the written ones, its vectors have no dimensions."""
    return PictureRecord(
        id=int(fields["id"], 16),
        sha256=fields["sha256"],
        stamps=tuple(PathStamp(path, 0, 0) for path in fields["paths"]),
        format=fields["format"],
        width=fields["width"],
        height=fields["height"],
        reader=fields["reader"],
        indexed_at=_seconds(fields["indexed_at"]) or 0.0,
        metadata=Metadata(
            taken_at=_seconds(fields["taken_at"]),
            latitude=fields["latitude"],
            longitude=fields["longitude"],
            title=fields["title"],
            caption=fields["caption"],
            keywords=tuple(fields["keywords"]),
            persons=tuple(fields["persons"]),
        ),
        regions=tuple(_region(one) for one in fields["words"]),
        embeddings={name: _embedding(one) for name, one in fields["spaces"].items()},
    )


def status(fields: Fields) -> Status:
    """The state of a library."""
    return Status(
        pictures=fields["pictures"],
        words=fields["words"],
        files=fields["files"],
        failed=fields["failed"],
        reader=fields["reader"],
        size_bytes=fields["size_bytes"],
        last_indexed_at=_seconds(fields["last_indexed_at"]),
        format=fields["format"],
        spaces=tuple(_space(one) for one in fields["spaces"]),
        entities=fields["entities"],
    )


def failure(fields: Fields) -> Failure:
    """A failed file, of unknown size and time."""
    failed_at = _seconds(fields["failed_at"]) or 0.0
    return Failure(fields["path"], fields["reason"], 0, 0, failed_at, fields["attempts"])


def _explained(fields: Fields) -> Explained:
    return Explained(
        term=fields["term"],
        entity=fields["entity"],
        text=fields["text"],
        source=fields["source"],
        model=fields["model"],
        made_at=_seconds(fields["made_at"]) or 0.0,
        version=fields["version"],
        joined=fields["joined"],
    )


def _again(fields: Fields | None) -> LookedAgain | None:
    return None if fields is None else LookedAgain(fields["pictures"], _float(fields["took_ms"]))


def _hit(fields: Fields) -> Hit:
    return Hit(
        id=int(fields["id"], 16),
        path=fields["path"],
        score=_float(fields["score"]),
        probability=fields["probability"],
        evidence=tuple(_evidence(one) for one in fields["evidence"]),
        width=fields["width"],
        height=fields["height"],
        taken_at=_seconds(fields["taken_at"]),
    )


def _evidence(fields: Fields) -> Evidence:
    match, _, edits = fields["match"].partition(":")
    return Evidence(
        channel=fields["channel"],
        rank=fields["rank"],
        score=_float(fields["score"]),
        match=match,
        edits=int(edits or 0),
        term=fields["term"],
        word=fields["word"],
        boxes=tuple(_quad(box) for box in fields["boxes"]),
        other_reading=fields.get("other_reading"),
        scene_text=_scene_text(fields["scene_text"]),
    )


def _scene_text(fields: Fields | None) -> SceneText | None:
    return None if fields is None else SceneText(_float(fields["counts"]), tuple(fields["words"]))


def _region(fields: Fields) -> RegionRecord:
    box = fields["box"]
    return RegionRecord(
        field="written",
        text=fields["text"],
        tokens=tokens(fields["text"]),
        confidence=fields["confidence"],
        line=fields["line"],
        box=_quad(box) if box else None,
    )


def _embedding(fields: Fields) -> ImageEmbedding:
    areas = tuple(TextArea(_quad(one["box"]), one["confidence"]) for one in fields["areas"])
    return ImageEmbedding(np.zeros(0, dtype=np.float32), areas)


def _space(fields: Fields) -> SpaceInfo:
    calibration = fields["calibration"]
    spec = EncoderSpec(
        space=fields["space"],
        dim=fields["dim"],
        revision=fields["revision"],
        name=fields["name"],
        calibration=(calibration[0], calibration[1]) if calibration else None,
    )
    return SpaceInfo(spec, fields["folder"], fields["pictures"], fields["serving"])


def _quad(box: Sequence[Sequence[float]]) -> Quad:
    first, second, third, fourth = ((float(x), float(y)) for x, y in box)
    return (first, second, third, fourth)


def _float(value: float | None) -> float:
    return float("nan") if value is None else float(value)


def _seconds(moment: str | None) -> float | None:
    return None if moment is None else datetime.fromisoformat(moment).timestamp()
