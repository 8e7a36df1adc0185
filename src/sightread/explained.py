"""What an answer says beside its hits: of the entities that it was asked for, and of what is
written in the pictures. Plain data."""

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


@dataclass(frozen=True, slots=True)
class Refinement:
    """A word that parts pictures which look alike, and in how many of them it is written."""

    word: str
    pictures: int


@dataclass(frozen=True, slots=True)
class SceneText:
    """What an encoder made of the words read in a picture: how much they count in its vector, from
    0 (it is what a picture without words has) to 1, and those that count, the most first."""

    counts: float
    words: tuple[str, ...]
