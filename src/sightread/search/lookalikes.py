"""What a word looks like: regions found by the vectors that the library's reader gave them.

A reader that spells a word a letter or two off has still seen it. Its model puts words and regions
into one space, and a calibration says how probable a word is at a cosine. What is found this way is
a look-alike, whatever was read there. Asked for are words that may be read differently; what the
user spelt out (`~1`, `word*`, `*word*`) and what must not be there is left to the readings.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from sightread.errors import SightreadError, UsageError
from sightread.protocols import Store, WordEncoder
from sightread.regions import Looks, RegionHits, RegionSpaceInfo, WordCalibration
from sightread.search import calibrate
from sightread.search.phrases import Occurrences, Seen
from sightread.search.words import Plan, looked_for
from sightread.spotting.alphabet import LONGEST
from sightread.spotting.readings import unlike
from sightread.text import key, letters
from sightread.types import FIELDS, Filter

OpenWordEncoder = Callable[[RegionSpaceInfo], WordEncoder]
MOST = 1000
"""Pictures for each word; a word that looks like itself in more of them was read in most."""

SUREST = 0.84
"""What was read as another word is never more probable than this: about what an exact reading by an
unsure reader gets, so that exact readings come first."""

_SHOWN = 12
_LOOK_ALIKE = calibrate.KINDS.index("look-alike")
_WRITTEN = FIELDS.index("written")


class Lookalikes:
    """The vectors of the regions of a library, and the model that made them, opened when first
    needed. A model that cannot be had is no reason not to answer: what was read does, and a
    sentence says what is missing."""

    def __init__(self, store: Store, open_words: OpenWordEncoder) -> None:
        self._store = store
        self._open = open_words
        self._opened: tuple[tuple[str, str], WordEncoder | str] | None = None

    def ask(
        self, plans: Sequence[Plan], where: Filter | None, least: float
    ) -> tuple[Seen, tuple[str, ...]]:
        """Regions that look like the words of the plans, and sentences on what was not asked.

        Args:
            least: regions that are less probable are left out.
        """
        words = _words(plans)
        info = self._serving() if words else None
        if info is None:
            return {}, ()
        try:
            encoder = self._encoder(info)
            line = encoder.calibration
            asked, unknown = _encoded(encoder, words) if line else ({}, ())
        except _Unusable as error:
            return {}, (str(error),)
        if not line or not asked:
            return {}, unknown
        found = {}
        # One by one, since every word has a cosine of its own that is good enough.
        for word, vector in asked.items():
            floor = _cosine(line, least, word, info.regions)
            [hits] = self._store.search_regions(
                info.spec.space, vector[None], MOST, where, least=floor, read=True
            )
            found[word] = _occurrences(hits, line, word, least, info.regions)
        return found, unknown

    def _serving(self) -> RegionSpaceInfo | None:
        spaces = (one for one in self._store.region_spaces() if one.serving and one.regions)
        return next(spaces, None)

    def _encoder(self, info: RegionSpaceInfo) -> WordEncoder:
        which = (info.spec.revision, info.folder)
        if self._opened is None or self._opened[0] != which:
            self._opened = (which, self._try_to_open(info))
        if isinstance(self._opened[1], str):
            raise _Unusable(self._opened[1])
        return self._opened[1]

    def _try_to_open(self, info: RegionSpaceInfo) -> WordEncoder | str:
        try:
            encoder = self._open(info)
            if encoder.spec.revision == info.spec.revision:
                return encoder
            raise UsageError(
                f"the model is of revision {encoder.spec.revision[:_SHOWN]}, the words were read "
                f"by {info.spec.revision[:_SHOWN]}"
            )
        except Exception as error:
            return str(_unusable(error))


class _Unusable(Exception):
    """The model cannot be used, for the reason that the message gives."""


def _unusable(error: Exception) -> _Unusable:
    what = str(error) if isinstance(error, SightreadError) else f"{type(error).__name__}: {error}"
    reason = " ".join(what.split()).rstrip(".")
    return _Unusable(f"Searched without look-alikes, by what was read alone: {reason}.")


def _words(plans: Iterable[Plan]) -> list[str]:
    """The keys of the words that may be read differently, each once."""
    return list(
        dict.fromkeys(
            spelled
            for plan in plans
            if looked_for(plan.term)
            for part in plan.parts
            if part.mode == "similar"
            for word in part.words
            if (spelled := key(word)) and len(spelled) <= LONGEST
        )
    )


def _encoded(
    encoder: WordEncoder, words: Sequence[str]
) -> tuple[dict[str, NDArray[np.float32]], tuple[str, ...]]:
    """Vectors of the words that the encoder knows, and a sentence on each that it does not."""
    found, unknown = {}, []
    for word in words:
        try:
            [found[word]] = encoder.encode_words([word])
        except UsageError as error:
            unknown.append(str(error))
        except Exception as error:  # whatever a runtime may raise
            raise _unusable(error) from error
    return found, tuple(unknown)


def _cosine(line: WordCalibration, probability: float, word: str, regions: int) -> float:
    if probability <= 0:
        return -1.0
    odds = probability / max(1 - probability, 1e-9)
    return line.least(math.log(odds), letters(word), regions)


def _occurrences(
    hits: RegionHits, line: WordCalibration, word: str, least: float, regions: int
) -> Occurrences:
    assert hits.line is not None
    assert hits.boxes is not None
    assert hits.confidence is not None
    read = [key(text) for text in hits.text]
    looks = Looks(
        hits.score.astype(np.float64), unlike(word, read), hits.confidence.astype(np.float64)
    )
    chance = calibrate.probability(line.log_odds(looks, letters(word), regions))
    chance = np.minimum(chance, SUREST)
    count = len(hits)
    found = Occurrences(
        hits.picture,
        chance,
        hits.ordinal[:, None],
        np.full(count, _LOOK_ALIKE, np.int8),
        np.zeros(count, np.int16),
        np.full(count, _WRITTEN, np.int8),
        hits.line,
        hits.boxes,
    )
    order = np.argsort(hits.picture, kind="stable")
    # Where the very word was read, the reading says it already.
    kept = (chance >= least) & (looks.unlike > 0)
    return found.take(order[kept[order]])
