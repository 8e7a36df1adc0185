"""The vectors of words: what belongs to them besides `types`. A reader that gives its regions a
vector also has a tower for queries in the same space (`protocols.WordEncoder`)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from sightread.types import EncoderSpec

Owner = Literal["pictures", "regions"]
"""What the vectors of a space belong to: an encoder makes one of a whole picture, a reader one of
each word."""


@dataclass(frozen=True, slots=True)
class RegionHits:
    """The best region of each of the pictures nearest to one query vector, best first, ties by
    id: `picture` (n,), `ordinal` (n,) of the region in its picture, `score` (n,) dot products.

    `line` (n,) and `boxes` (n, 4, 2) as in `WordHits`, only there when asked for.
    """

    picture: NDArray[np.int64]
    ordinal: NDArray[np.int32]
    score: NDArray[np.float32]
    line: NDArray[np.int32] | None = None
    boxes: NDArray[np.float32] | None = None

    def __len__(self) -> int:
        return len(self.picture)


@dataclass(frozen=True, slots=True)
class RegionSpaceInfo:
    """As `SpaceInfo`, for vectors of regions: of which reader's model, and how many regions have
    one."""

    spec: EncoderSpec
    folder: str
    regions: int
    serving: bool = True
