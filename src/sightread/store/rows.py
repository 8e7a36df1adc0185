"""Records to table rows and back."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, cast

import numpy as np
import pyarrow as pa

from sightread.store.filters import PATH_SEPARATOR, folded_path
from sightread.types import (
    FIELDS,
    ImageEmbedding,
    Metadata,
    PathStamp,
    PictureId,
    PictureRecord,
    Point,
    Quad,
    RegionRecord,
    TextArea,
)

PICTURES = pa.schema(
    [
        pa.field("id", pa.int64(), nullable=False),
        pa.field("sha256", pa.string()),
        # As bytes: a file name need not be valid text. The other path columns serve filters.
        pa.field("paths", pa.list_(pa.binary())),
        pa.field("sizes", pa.list_(pa.int64())),
        pa.field("mtimes_ns", pa.list_(pa.int64())),
        pa.field("path_text", pa.string()),
        pa.field("exts", pa.list_(pa.string())),
        pa.field("format", pa.string()),
        pa.field("width", pa.int32()),
        pa.field("height", pa.int32()),
        pa.field("reader", pa.string()),
        pa.field("indexed_at", pa.float64()),
        pa.field("has_text", pa.bool_()),
        pa.field("taken_at", pa.float64()),
        pa.field("latitude", pa.float64()),
        pa.field("longitude", pa.float64()),
        pa.field("title", pa.string()),
        pa.field("caption", pa.string()),
        pa.field("keywords", pa.list_(pa.string())),
        pa.field("persons", pa.list_(pa.string())),
    ]
)
REGIONS = pa.schema(
    [
        pa.field("picture", pa.int64(), nullable=False),
        pa.field("ordinal", pa.int32(), nullable=False),
        pa.field("field", pa.int8(), nullable=False),
        pa.field("text", pa.string()),
        pa.field("tokens", pa.list_(pa.string())),
        pa.field("confidence", pa.float32(), nullable=False),
        pa.field("line", pa.int32(), nullable=False),
        pa.field("box", pa.list_(pa.float32(), 8)),
        pa.field("spaced", pa.bool_(), nullable=False),
    ]
)

_FIELD_CODE = {name: code for code, name in enumerate(FIELDS)}


def picture_rows(records: Iterable[PictureRecord]) -> Any:
    """Rows of the pictures table, a pyarrow Table."""
    return pa.Table.from_pylist([_picture_row(record) for record in records], schema=PICTURES)


def region_rows(records: Iterable[PictureRecord]) -> Any:
    """Rows of the regions table, a pyarrow Table: all regions of all records."""
    rows = [(r.id, ordinal, region) for r in records for ordinal, region in enumerate(r.regions)]
    regions = [region for _, _, region in rows]
    columns = [
        [picture for picture, _, _ in rows],
        [ordinal for _, ordinal, _ in rows],
        [_FIELD_CODE[region.field] for region in regions],
        [clean(region.text) for region in regions],
        # Each token once, so that the counts of the vocabulary count regions.
        [list(dict.fromkeys(map(clean, region.tokens))) for region in regions],
        [region.confidence for region in regions],
        [region.line for region in regions],
        [None if r.box is None else [v for point in r.box for v in point] for r in regions],
        [region.spaced for region in regions],
    ]
    arrays = [pa.array(values, field.type) for values, field in zip(columns, REGIONS, strict=True)]
    return pa.Table.from_arrays(arrays, schema=REGIONS)


def stamp_columns(stamps: Sequence[PathStamp]) -> dict[str, Any]:
    """The columns of a picture's row that depend on its paths."""
    return {
        "paths": [os.fsencode(stamp.path) for stamp in stamps],
        "sizes": [stamp.size for stamp in stamps],
        "mtimes_ns": [stamp.mtime_ns for stamp in stamps],
        "path_text": PATH_SEPARATOR.join(folded_path(s.path) for s in stamps) if stamps else None,
        "exts": sorted({_suffix(stamp.path) for stamp in stamps} - {""}),
    }


def clean(text: str) -> str:
    """Text that can be stored: lone surrogates, as broken metadata has them, become "?"."""
    if text.isascii():
        return text
    return text.encode("utf-8", "replace").decode()


def row_stamps(row: dict[str, Any]) -> tuple[PathStamp, ...]:
    """The stamps in a row of the pictures table."""
    columns = zip(row["paths"], row["sizes"], row["mtimes_ns"], strict=True)
    return tuple(PathStamp(os.fsdecode(path), size, mtime) for path, size, mtime in columns)


def picture_record(
    row: dict[str, Any],
    regions: tuple[RegionRecord, ...] = (),
    embeddings: Mapping[str, ImageEmbedding] | None = None,
) -> PictureRecord:
    """A record from a row of the pictures table."""
    return PictureRecord(
        id=row["id"],
        sha256=row["sha256"],
        stamps=row_stamps(row),
        format=row["format"],
        width=row["width"],
        height=row["height"],
        reader=row["reader"],
        indexed_at=row["indexed_at"],
        metadata=Metadata(
            taken_at=row["taken_at"],
            latitude=row["latitude"],
            longitude=row["longitude"],
            title=row["title"],
            caption=row["caption"],
            keywords=tuple(row["keywords"]),
            persons=tuple(row["persons"]),
        ),
        regions=regions,
        embeddings=embeddings or {},
    )


def region_records(table: Any) -> dict[PictureId, tuple[RegionRecord, ...]]:
    """The regions in a pyarrow Table of rows, by picture, in their order."""
    keyed: dict[PictureId, list[tuple[int, RegionRecord]]] = {}
    for row in table.to_pylist():
        region = RegionRecord(
            field=FIELDS[row["field"]],
            text=row["text"],
            tokens=tuple(row["tokens"]),
            confidence=row["confidence"],
            line=row["line"],
            box=None if row["box"] is None else _quad(row["box"]),
            spaced=row["spaced"],
        )
        keyed.setdefault(row["picture"], []).append((row["ordinal"], region))
    return {
        picture: tuple(region for _, region in sorted(found, key=lambda item: item[0]))
        for picture, found in keyed.items()
    }


def area_of(numbers: Sequence[float]) -> TextArea:
    """An area from its eight coordinates and its confidence."""
    return TextArea(_quad(numbers), numbers[8])


def boxes_array(column: Any) -> Any:
    """The box column of n rows as (n, 4, 2) float32, NaN where there is no box."""
    boxes = np.full((len(column), 4, 2), np.nan, dtype=np.float32)
    present = column.is_valid().to_numpy(zero_copy_only=False)
    # flatten() leaves out what is null, whatever lies in its memory.
    boxes[present] = column.flatten().to_numpy(zero_copy_only=False).reshape(-1, 4, 2)
    return boxes


def _picture_row(record: PictureRecord) -> dict[str, Any]:
    metadata = record.metadata
    return {
        "id": record.id,
        "sha256": record.sha256,
        **stamp_columns(record.stamps),
        "format": record.format,
        "width": record.width,
        "height": record.height,
        "reader": clean(record.reader),
        "indexed_at": record.indexed_at,
        "has_text": any(region.field == "written" for region in record.regions),
        "taken_at": metadata.taken_at,
        "latitude": metadata.latitude,
        "longitude": metadata.longitude,
        "title": clean(metadata.title),
        "caption": clean(metadata.caption),
        "keywords": [clean(word) for word in metadata.keywords],
        "persons": [clean(name) for name in metadata.persons],
    }


def _suffix(path: str) -> str:
    suffix = os.path.splitext(path)[1][1:]
    return clean(suffix.lower())


def _quad(values: Sequence[float]) -> Quad:
    points = [cast(Point, tuple(values[i : i + 2])) for i in range(0, 8, 2)]
    return cast(Quad, tuple(points))
