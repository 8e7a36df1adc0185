"""A retrieval task: what is asked, of which pictures, and what would be right."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from sightread.types import RGBImage


@dataclass(frozen=True, slots=True)
class RetrievalTask:
    """Queries, a gallery and the relevant pictures (qrels) of a benchmark.

    `queries` is query id -> text; `gallery` the ids of all pictures; `load` gives the picture of
    an id and may raise `PictureError`; `qrels` is query id -> ids of the relevant pictures, never
    empty; `groups` is query id -> the group whose mean is printed apart (`seen`, `phrase`, ...).
    """

    name: str
    queries: Mapping[str, str]
    gallery: tuple[str, ...]
    load: Callable[[str], RGBImage]
    qrels: Mapping[str, frozenset[str]]
    groups: Mapping[str, str] = field(default_factory=dict)
