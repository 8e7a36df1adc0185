"""Pictures like one that is given: the nearest vectors of one space, words not considered."""

from __future__ import annotations

import time

from sightread.errors import UsageError
from sightread.protocols import Store
from sightread.types import Evidence, Filter, Hit, PictureId, Result, Vectors

MOST = 1000
"""So far down its list a likeness says something, if it does at all."""


def space_for(store: Store, space: str | None) -> str:
    """The space to compare pictures in: the one that was named, or the first that serves.

    Raises:
        UsageError: the library has no such space, or none at all.
    """
    known = [info.spec.space for info in store.spaces() if info.serving and info.pictures]
    if not known:
        raise UsageError(
            "Pictures like another one are found by an encoder, and this library has none: "
            "`sightread index --encoder DIR FOLDER...` makes vectors; until then search by words."
        )
    if space is not None and space not in known:
        raise UsageError(
            f"The library has no space {space} to compare pictures in; it has {', '.join(known)}."
        )
    return space or known[0]


def alike(
    store: Store,
    space: str,
    vectors: Vectors,
    *,
    k: int,
    offset: int = 0,
    where: Filter | None = None,
    without: PictureId | None = None,
) -> Result:
    """The pictures whose vectors are nearest, best first, at most `MOST`; scores are cosines.

    Args:
        vectors: (1, D) of unit length.
        without: the picture itself, which would be the first.

    Raises:
        UsageError: k or offset is out of range.
    """
    if k < 1 or offset < 0:
        raise UsageError(
            f"k is {k} and offset is {offset}; k must be at least 1, offset at least 0."
        )
    began = time.perf_counter()
    [nearest] = store.search_vectors(space, vectors, MOST + 1, where)
    pairs = [
        (int(picture), float(score))
        for picture, score in zip(nearest.picture, nearest.score, strict=True)
        if picture != without
    ][:MOST]
    page = pairs[offset : offset + k]
    records = {record.id: record for record in store.get([picture for picture, _ in page])}
    hits = []
    for at, (picture, score) in enumerate(page):
        if (record := records.get(picture)) is None:
            continue  # forgotten by another process a moment ago
        why = Evidence(channel=space, rank=offset + at + 1, score=score, match="meaning")
        hits.append(
            Hit(
                id=picture,
                path=record.stamps[0].path if record.stamps else "",
                score=score,
                probability=None,
                evidence=(why,),
                width=record.width,
                height=record.height,
                taken_at=record.metadata.taken_at,
            )
        )
    return Result(
        query="",
        hits=tuple(hits),
        total=len(pairs),
        took_ms=1000 * (time.perf_counter() - began),
    )
