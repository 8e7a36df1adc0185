"""A picture with captions and the words that were read in it: what HOPID learns from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sightread.types import RGBImage, WordRegion


@dataclass(frozen=True, slots=True)
class CaptionedPicture:
    """One picture of a training or test set.

    Attributes:
        id: unique in its set, of all splits together.
        captions: one or more.
        words: as a reader gave them, boxes in pixels of what `load` gives; () if it has no text.
        load: gives the upright picture; may raise `PictureError`.
        group: pictures of one group are hard to tell apart, and are put into one batch; "": none.
        gold: words that the captions quote, where the set says so: for the upper bound of entity
            inferring. None: nobody says.
    """

    id: str
    captions: tuple[str, ...]
    words: tuple[WordRegion, ...]
    load: Callable[[], RGBImage]
    group: str = ""
    gold: tuple[str, ...] | None = None
