"""What an answer says beside its hits about the entities that it was asked for: plain data."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Explained:
    """The explanation of an entity that a query names as `term`, fields as those of
    `explain.Explanation`; `joined` if it was searched with."""

    term: str
    entity: str
    text: str
    source: str
    model: str = ""
    made_at: float = 0.0
    version: int = 0
    joined: bool = False


@dataclass(frozen=True, slots=True)
class LookedAgain:
    """What the matching head of an encoder did."""

    pictures: int
    took_ms: float
