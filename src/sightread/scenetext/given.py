"""The words of pictures out of records, whatever single records hold: what is missing or broken is
counted and named, and never stops a run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from sightread.errors import UsageError
from sightread.scenetext.records import FindRecord, SceneTextRecord
from sightread.types import WordRegion


@dataclass(slots=True)
class GivenWords:
    """Looks words up for one picture after the other.

    Attributes:
        find: the records.
        engines: who read the pictures that were asked for so far.
        with_words: how many of these have a word.
        missing: ids of those without a record.
        broken: id -> why its record cannot be used; the picture counts as one without text.
        outside: words left out because they lie outside of their picture.
    """

    find: FindRecord
    engines: set[str] = field(default_factory=set)
    with_words: int = 0
    missing: list[str] = field(default_factory=list)
    broken: dict[str, str] = field(default_factory=dict)
    outside: int = 0

    def knows(self, image_id: str) -> bool:
        """Whether there is a record of a picture, sound or not; nothing is counted."""
        try:
            return self.find(image_id) is not None
        except UsageError:
            return True

    def has_words(self, image_id: str) -> bool:
        """Whether a sound record of the picture has words; nothing is counted."""
        try:
            record = self.find(image_id)
        except UsageError:
            return False
        return bool(record and record.words)

    def of(self, image_id: str, width: int, height: int) -> Sequence[WordRegion]:
        """The words of a picture of this size in pixels; none if nothing is known of it."""
        try:
            record = self.find(image_id)
            words, outside = record.within(width, height) if record else ((), 0)
        except UsageError as error:
            self.broken[image_id] = str(error)
            return ()
        self._count(image_id, record, words)
        self.outside += outside
        return words

    def _count(
        self, image_id: str, record: SceneTextRecord | None, words: Sequence[WordRegion]
    ) -> None:
        if record is None:
            self.missing.append(image_id)
            return
        self.engines.add(record.engine)
        self.with_words += bool(words)
