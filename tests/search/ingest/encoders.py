"""What the tests of encoders beside the reader share: runs with them, and the vectors to expect."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from sightread.protocols import DualEncoder
from sightread.search.encoding import Source
from sightread.search.ingest import IndexOptions, IndexReport, ingest

from ...colours import direction
from .conftest import ColourReader, Desk, colour, colour_word

SPACE = "scene-text"


def index(
    desk: Desk,
    *encoders: DualEncoder,
    reader: ColourReader | None = None,
    options: IndexOptions | None = None,
    folder: Path | None = None,
) -> IndexReport:
    return ingest(
        desk.store,
        reader or ColourReader(),
        desk.ledger,
        [str(folder or desk.pictures)],
        options,
        encoders=[Source(encoder, "/models/colour") for encoder in encoders],
    )


def vectors(desk: Desk, space: str = SPACE) -> dict[str, list[float]]:
    """Written word of each picture -> its vector in the space that serves, if it has one."""
    ids = desk.store.ids().tolist()
    found = {}
    for bare, record in zip(
        desk.records(), desk.store.get(ids, regions=False, embeddings=True), strict=True
    ):
        if space in record.embeddings:
            found[bare.regions[0].text] = record.embeddings[space].vector.tolist()
    return found


def expected(*numbers: int) -> dict[str, list[float]]:
    return {colour_word(colour(n)): direction(np.array(colour(n))).tolist() for n in numbers}


def fails_on(number: int, error: BaseException) -> Callable[[tuple[int, ...]], None]:
    def fail(seen: tuple[int, ...]) -> None:
        if seen == colour(number):
            raise error

    return fail
