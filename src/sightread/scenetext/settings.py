"""What a model of HOPID was trained with and must be served with: plain data in its folder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from sightread.config import parse, to_plain
from sightread.errors import ModelError, UsageError
from sightread.scenetext.captions import MOST_ENTITIES, MOST_WORDS, Templates
from sightread.scenetext.marks import MarkSettings
from sightread.scenetext.tokens import LEAST, MOST


@dataclass(frozen=True, slots=True)
class SceneTextSettings:
    """How pictures with words and captions are prepared.

    Attributes:
        marks: the visual prompt.
        templates: the text prompt.
        most_tokens: words of a picture at most; 0: scene text is not used at all.
        least_confidence: of a word of a picture.
        threshold: words of a caption at or above this probability are scene text.
        merge: tagged neighbours are one entity.
        most_entities: of a caption.
        most_words: of a caption.
        passes: "one": a picture with text is seen marked, and only so; "two": its own vector and
            its patches come from the picture as it is, which costs a second run of the encoder.
    """

    marks: MarkSettings = field(default_factory=MarkSettings)
    templates: Templates = field(default_factory=Templates)
    most_tokens: int = MOST
    least_confidence: float = LEAST
    threshold: float = 0.5
    merge: bool = True
    most_entities: int = MOST_ENTITIES
    most_words: int = MOST_WORDS
    passes: Literal["one", "two"] = "one"

    def __post_init__(self) -> None:
        if self.most_tokens < 0 or min(self.most_entities, self.most_words) < 1:
            raise UsageError(
                f"most_tokens {self.most_tokens} must be 0 or more, most_entities "
                f"{self.most_entities} and most_words {self.most_words} 1 or more."
            )
        if not (0 <= self.least_confidence <= 1 and 0 <= self.threshold <= 1):
            raise UsageError(
                f"least_confidence {self.least_confidence} and threshold {self.threshold} must be "
                "between 0 and 1."
            )
        for one in (self.templates.one, self.templates.several, self.templates.item):
            if not _one_hole(one):
                raise UsageError(f"The template {one!r} must have {{0}} in it, and no other hole.")

    def to_json(self) -> dict[str, Any]:
        return to_plain(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> SceneTextSettings:
        """Raises ModelError: a field is missing, unknown, or makes no sense."""
        return parse(cls, data, "the scene text settings", ModelError)


def _one_hole(template: str) -> bool:
    """Whether a name can be put into it."""
    rest = template.replace("{0}", "", 1)
    return rest != template and not set("{}") & set(rest)
