"""From a decoded picture and the words read in it to the record that the store keeps."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np

from sightread import text
from sightread.types import (
    Field,
    ImageEmbedding,
    Metadata,
    Picture,
    PictureId,
    PictureRecord,
    Quad,
    ReaderSpec,
    RegionRecord,
    WordRegion,
)


def picture_record(
    identity: tuple[PictureId, str],
    picture: Picture,
    words: Sequence[WordRegion],
    reader: ReaderSpec,
    embeddings: Mapping[str, ImageEmbedding] | None = None,
) -> PictureRecord:
    """The record of a picture, as yet without paths.

    Args:
        identity: id and SHA-256 of the file's bytes.
        picture: as decoded, perhaps reduced.
        words: as read in `picture.pixels`, boxes in its pixels.
        reader: who read them.
        embeddings: by space, areas in pixels of the full picture.
    """
    regions = [*written_regions(words, picture)]
    next_line = 1 + max((region.line for region in regions), default=-1)
    regions += metadata_regions(picture.metadata, next_line)
    return PictureRecord(
        id=identity[0],
        sha256=identity[1],
        stamps=(),
        format=picture.format,
        width=picture.width,
        height=picture.height,
        reader=reader.revision,
        indexed_at=time.time(),
        metadata=picture.metadata,
        regions=tuple(regions),
        embeddings=embeddings or {},
        region_space=reader.space.space if reader.space else "",
    )


def written_regions(words: Iterable[WordRegion], picture: Picture) -> Iterator[RegionRecord]:
    """The words that hold a letter or digit, and those that were not read but have a vector by
    which they can be found; boxes in pixels of the full upright picture."""
    for word in words:
        found = text.tokens(word.text) if word.text else ()
        if found or word.vector is not None:
            yield RegionRecord(
                field="written",
                text=word.text or "",
                tokens=found,
                confidence=min(1.0, max(0.0, float(word.confidence))),
                line=word.line,
                box=full_size(word.box, picture),
                spaced=word.spaced,
                vector=word.vector,
            )


def words_of(regions: Iterable[RegionRecord], picture: Picture) -> list[WordRegion]:
    """What is written in a picture, for encoders that take words, boxes in `picture.pixels`.

    Words just read and those that come back from the store give the same to the last bit: numbers
    have the precision in which they are stored, and text holds nothing that cannot be.
    """
    height_px, width_px = picture.pixels.shape[:2]
    scale = np.array([width_px / picture.width, height_px / picture.height])
    found = []
    for one in regions:
        if one.field == "written" and one.text and one.box is not None:
            corners = np.asarray(one.box, np.float32).astype(np.float64) * scale
            a, b, c, d = ((float(x), float(y)) for x, y in corners)
            text = one.text.encode("utf-8", "replace").decode()
            sure = float(np.float32(one.confidence))
            found.append(WordRegion((a, b, c, d), sure, text, line=one.line, spaced=one.spaced))
    return found


def metadata_regions(metadata: Metadata, first_line: int = 0) -> Iterator[RegionRecord]:
    """The words that the file says about itself; every entry is a line of its own, so that a
    phrase does not reach from one keyword into the next."""
    entries: list[tuple[Field, str]] = [("title", metadata.title), ("caption", metadata.caption)]
    entries += [("keyword", keyword) for keyword in metadata.keywords]
    entries += [("person", person) for person in metadata.persons]
    for line, (field, entry) in enumerate(entries, start=first_line):
        for word in text.words(entry):
            yield RegionRecord(field, word, text.tokens(word), 1.0, line)


def full_size(box: Quad, picture: Picture) -> Quad:
    """A box in `picture.pixels`, in pixels of the full upright picture."""
    height_px, width_px = picture.pixels.shape[:2]
    x_scale, y_scale = picture.width / width_px, picture.height / height_px
    a, b, c, d = ((float(x) * x_scale, float(y) * y_scale) for x, y in box)
    return a, b, c, d
