"""What the encoders say to a query: for each space the nearest pictures to each of its strings.

A term is asked for as one string, a phrase as a whole (fdp.md sections 5.2 and 9, Q15). Several
unquoted words, `yellow sign taxi`, are one string more, with the quoted ones beside them: that is
the free query, in which a colour or a thing goes with a word (Q16). What an encoder cannot
honour, the letters of `~1` or `word*` or a field of the metadata, it is not asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sightread.errors import ModelError, SightreadError, UsageError
from sightread.protocols import DualEncoder, Store
from sightread.search import calibrate
from sightread.types import MatchKind, Query, SpaceInfo, Term

WORD_SPACES = frozenset({"scene-text"})
"""Spaces whose vectors tell what is written. Those of others tell what is meant, which is no
answer to a quoted term."""

OpenEncoder = Callable[[SpaceInfo], DualEncoder]
_SHOWN = 12


@dataclass(frozen=True, slots=True)
class Asked:
    """A string for the encoders, and the terms (places in the query) that it stands for."""

    text: str
    terms: tuple[int, ...]
    free: bool = False
    quoted: bool = False


@dataclass(frozen=True, slots=True)
class Ranked:
    """The pictures (n,) nearest to a string in a space, best first, with their cosines, and, if
    the encoder is calibrated, the probability that each is an answer."""

    space: str
    asked: Asked
    picture: NDArray[np.int64]
    score: NDArray[np.float32]
    probability: NDArray[np.float64] | None = None

    @property
    def match(self) -> MatchKind:
        """How it matches: never exactly, since nothing was read."""
        return "look-alike" if self.space in WORD_SPACES and not self.asked.free else "meaning"


def strings(query: Query) -> tuple[Asked, ...]:
    """The strings that a query has for encoders."""
    able = {at: " ".join(t.words) for at, t in enumerate(query.terms) if _encodable(t)}
    found = [Asked(text, (at,), quoted=_is_written(query.terms[at])) for at, text in able.items()]
    free = tuple(at for at in able if not _is_written(query.terms[at]))
    if free and len(able) > 1:
        found.append(Asked(" ".join(able.values()), free, free=True))
    return tuple(found)


def _encodable(term: Term) -> bool:
    return term.mode == "similar" and not term.negated and term.field in (None, "written")


def _is_written(term: Term) -> bool:
    return term.quoted or term.field is not None


class Channels:
    """The encoders of a library, opened when first needed, one for each space.

    An encoder that cannot be had is no reason not to answer: the others and the words that were
    read do, and a sentence says what is missing.
    """

    def __init__(self, store: Store, open_encoder: OpenEncoder) -> None:
        self._store = store
        self._open = open_encoder
        self._opened: dict[str, tuple[str, str, DualEncoder | str]] = {}

    def spaces(self) -> list[str]:
        """Names of the spaces that can be searched."""
        return [info.spec.space for info in self._store.spaces() if info.serving]

    def ask(
        self, query: Query, depth: int, floor: float = 0.0
    ) -> tuple[tuple[Ranked, ...], tuple[str, ...]]:
        """What the encoders find, and sentences on those that are missing.

        Args:
            depth: so many pictures for each string.
            floor: pictures that are less probable are left out, where that is known.
        """
        wanted = strings(query)
        found: list[Ranked] = []
        warnings = []
        for info in self._store.spaces() if wanted else ():
            words = info.spec.space in WORD_SPACES
            some = [one for one in wanted if words or not one.quoted]
            if not some or not info.serving or not info.pictures:
                continue
            try:
                found += self._ask_one(info, some, query, depth)
            except _Unusable as error:
                warnings.append(str(error))
        return tuple(_above(one, floor) for one in found), tuple(warnings)

    def encoder(self, space: str) -> DualEncoder:
        """The encoder of a space that serves.

        Raises:
            ModelError: it cannot be had; the reason is said.
        """
        [info] = [one for one in self._store.spaces() if one.spec.space == space and one.serving]
        try:
            return self._encoder(info)
        except _Unusable as error:
            raise ModelError(str(error)) from error

    def _ask_one(
        self, info: SpaceInfo, asked: Sequence[Asked], query: Query, depth: int
    ) -> list[Ranked]:
        encoder, space = self._encoder(info), info.spec.space
        try:
            vectors = encoder.encode_texts([one.text for one in asked])
        except Exception as error:  # whatever a runtime may raise
            raise _unusable(info, error) from error
        hits = self._store.search_vectors(space, vectors, depth, query.where)
        line = encoder.spec.calibration
        return [
            Ranked(space, one, hit.picture, hit.score, _probability(hit.score, line))
            for one, hit in zip(asked, hits, strict=True)
        ]

    def _encoder(self, info: SpaceInfo) -> DualEncoder:
        space, which = info.spec.space, (info.spec.revision, info.folder)
        known = self._opened.get(space)
        if known is None or known[:2] != which:
            known = self._opened[space] = (*which, self._try_to_open(info))
        if isinstance(known[2], str):
            raise _Unusable(known[2])
        return known[2]

    def _try_to_open(self, info: SpaceInfo) -> DualEncoder | str:
        try:
            encoder = self._open(info)
            if encoder.spec.revision == info.spec.revision:
                return encoder
            raise UsageError(
                f"the encoder is of revision {encoder.spec.revision[:_SHOWN]}, the vectors are of "
                f"{info.spec.revision[:_SHOWN]}; `sightread index --encoder DIR --reencode "
                "FOLDER...` encodes them again"
            )
        except Exception as error:
            return str(_unusable(info, error))


class _Unusable(Exception):
    """An encoder cannot be used, for the reason that the message gives."""


def _unusable(info: SpaceInfo, error: Exception) -> _Unusable:
    what = str(error) if isinstance(error, SightreadError) else f"{type(error).__name__}: {error}"
    reason = " ".join(what.split()).rstrip(".")
    return _Unusable(f"Searched without {info.spec.space}, by what was read alone: {reason}.")


def _probability(
    score: NDArray[np.float32], line: tuple[float, float] | None
) -> NDArray[np.float64] | None:
    if line is None:
        return None
    slope, offset = line
    return calibrate.probability(slope * score.astype(np.float64) + offset)


def _above(one: Ranked, floor: float) -> Ranked:
    if one.probability is None:
        return one
    kept = one.probability >= floor
    return Ranked(one.space, one.asked, one.picture[kept], one.score[kept], one.probability[kept])
