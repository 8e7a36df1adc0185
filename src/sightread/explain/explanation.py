"""What an explanation is: a short text on what an entity, or what a caption tells of, looks like.

An entity is whatever has a name: a person, a place, a building, an event. Its name is compared
without regard to letter case, accents and punctuation (`Subject.key`), so that "Queen Elizabeth
II" and "queen elizabeth ii" are one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from sightread.text import key, words

Kind = Literal["entity", "caption"]
Verdict = Literal["good", "empty", "refused", "too long", "off topic"]
"""What the gates say (`gates`): only `good` ones are searched with and trained on."""

HAND = "hand"
"""The source of what was written by hand; nothing takes its place by itself."""

MAX_NAME_CHARS = 1000


@dataclass(frozen=True, slots=True)
class Subject:
    """What is explained."""

    name: str
    kind: Kind = "entity"

    @property
    def key(self) -> str:
        """The words of the name, folded, one space between them; "" if nothing is left."""
        return " ".join(key(word) for word in words(self.name))


@dataclass(frozen=True, slots=True)
class Explanation:
    """One version of the explanation of a subject, and where it came from.

    Attributes:
        name, kind: of the subject.
        text: what is searched with and trained on: clean, and no longer than `gates.MAX_WORDS`.
        source: who gave it, such as "glossary people.csv", "endpoint http://127.0.0.1:8080/v1" or
            "hand".
        model, prompt: of an endpoint, its language model and the version of our question.
        made_at: seconds since 1970.
        verdict: what the gates said.
        raw: what the source said, where that is not `text`.
        version: counts the versions of one subject from 1; 0 as long as nothing was stored.
    """

    name: str
    text: str
    source: str
    model: str = ""
    prompt: str = ""
    made_at: float = 0.0
    verdict: Verdict = "good"
    raw: str = ""
    kind: Kind = "entity"
    version: int = 0

    @property
    def subject(self) -> Subject:
        return Subject(self.name, self.kind)

    @property
    def origin(self) -> str:
        """The source as it is shown: with the model, if one wrote it."""
        return f"{self.source}, {self.model}" if self.model else self.source
