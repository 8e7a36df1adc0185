"""What the encoders say to a query: for each space the nearest pictures to each of its strings.

A term is asked for as one string, a phrase as a whole (fdp.md sections 5.2 and 9, Q15). Several
unquoted words, `yellow sign taxi`, are one string more, with the quoted ones beside them: that is
the free query, in which a colour or a thing goes with a word (Q16). What an encoder cannot
honour, the letters of `~1` or `word*` or a field of the metadata, it is not asked for. An entity
is asked for in the spaces of entities alone, by its name joined with its explanation, if there is
one (`entities`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from sightread.errors import ModelError, SightreadError, UsageError
from sightread.explained import LookedAgain
from sightread.protocols import (
    DualEncoder,
    Explainer,
    MatchingHead,
    ReadingEncoder,
    Store,
)
from sightread.search import calibrate
from sightread.search.again import Judged, LookAgain
from sightread.search.entities import Aid, Joining, is_entity
from sightread.types import MatchKind, Query, SpaceInfo, Term, VectorHits, Vectors

WORD_SPACES = frozenset({"scene-text"})
"""Spaces whose vectors tell what is written. Those of others tell what is meant, which is no
answer to a quoted term."""

READING_SPACES = frozenset({"caption"})
"""Spaces whose vectors of pictures depend on the words that were read in them."""

ENTITY_SPACES = frozenset({"entity"})
"""Spaces in which entities are searched for by name."""

_NO_SECOND_LOOK = "Nothing was looked at again"

OpenEncoder = Callable[[SpaceInfo], DualEncoder]
_SHOWN = 12


@dataclass(frozen=True, slots=True)
class Asked:
    """A string for the encoders, and the terms (places in the query) that it stands for. `marked`
    has quotation marks round what has to be written in the picture, for those who infer that."""

    text: str
    terms: tuple[int, ...]
    free: bool = False
    quoted: bool = False
    entity: bool = False
    marked: str = ""


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


@dataclass(frozen=True, slots=True)
class Told:
    """What the encoders say to a query."""

    ranked: tuple[Ranked, ...] = ()
    warnings: tuple[str, ...] = ()
    looked_again: LookedAgain | None = None


def strings(query: Query) -> tuple[Asked, ...]:
    """The strings that a query has for encoders."""
    able = {at: " ".join(t.words) for at, t in enumerate(query.terms) if _encodable(t)}
    found = [
        Asked(text, (at,), quoted=_is_written(term), entity=is_entity(term))
        for at, text in able.items()
        if (term := query.terms[at])
    ]
    plain = {one.terms[0]: one.text for one in found if not one.entity}
    free = tuple(at for at in plain if not _is_written(query.terms[at]))
    if free and len(plain) > 1:
        marked = (f'"{t}"' if _is_written(query.terms[at]) else t for at, t in plain.items())
        found.append(Asked(" ".join(plain.values()), free, free=True, marked=" ".join(marked)))
    return tuple(found)


def _suits(one: Asked, space: str) -> bool:
    if one.entity:
        return space in ENTITY_SPACES
    return space in WORD_SPACES or not one.quoted


def _encodable(term: Term) -> bool:
    fits = term.field in (None, "written", "entity")
    return term.mode == "similar" and not term.negated and fits


def _is_written(term: Term) -> bool:
    return term.quoted or term.field is not None


class Channels:
    """The encoders of a library, opened when first needed, one for each space.

    An encoder that cannot be had is no reason not to answer: the others and the words that were
    read do, and a sentence says what is missing.
    """

    def __init__(
        self,
        store: Store,
        open_encoder: OpenEncoder,
        explainer: Explainer | None = None,
        look_again: LookAgain | None = None,
    ) -> None:
        """
        Args:
            explainer: knows what entities look like.
            look_again: has the pixels of pictures, for encoders with a matching head.
        """
        self._store = store
        self._open = open_encoder
        self.joining = Joining(explainer)
        self._look_again = look_again
        self._opened: dict[str, tuple[str, str, DualEncoder | str]] = {}

    def spaces(self) -> list[str]:
        """Names of the spaces that can be searched."""
        return [info.spec.space for info in self._store.spaces() if info.serving]

    def entity_spaces(self) -> list[str]:
        """Those of `spaces` in which entities are searched for."""
        return [space for space in self.spaces() if space in ENTITY_SPACES]

    def ask(self, query: Query, depth: int, floor: float = 0.0, aid: Aid | None = None) -> Told:
        """What the encoders find, and sentences on those that are missing.

        Args:
            depth: so many pictures for each string.
            floor: pictures that are less probable are left out, where that is known.
            aid: what helps to find the entities of the query.
        """
        wanted, aid = strings(query), aid or Aid()
        found: list[Ranked] = []
        warnings: list[str] = []
        looked: LookedAgain | None = None
        for info in self._store.spaces() if wanted else ():
            some = [one for one in wanted if _suits(one, info.spec.space)]
            if not some or not info.serving or not info.pictures:
                continue
            try:
                answers = self._ask_one(info, some, query, depth, aid)
            except _Unusable as error:
                warnings.append(str(error))
                continue
            for one in (self._again(info, answer, aid) for answer in answers):
                found += one.ranked
                warnings += one.warnings
                looked = looked or one.looked_again
        ranked = tuple(_above(one, floor) for one in found)
        return Told(ranked, tuple(warnings), looked)

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
        self, info: SpaceInfo, asked: Sequence[Asked], query: Query, depth: int, aid: Aid
    ) -> list[Ranked]:
        encoder, space = self._encoder(info), info.spec.space
        try:
            vectors = self._vectors(encoder, asked, aid)
        except Exception as error:  # whatever a runtime may raise
            raise _unusable(info, error) from error
        hits = self._store.search_vectors(space, vectors, depth, query.where)
        line = encoder.spec.calibration
        return [
            Ranked(space, one, hit.picture, hit.score, _probability(hit.score, line))
            for one, hit in zip(asked, hits, strict=True)
        ]

    def _vectors(self, encoder: DualEncoder, asked: Sequence[Asked], aid: Aid) -> Vectors:
        infers = isinstance(encoder, ReadingEncoder)
        texts = [one.marked if infers and one.marked else one.text for one in asked]
        vectors = encoder.encode_texts(texts)
        for row, one in enumerate(asked):
            if one.entity and (text := aid.explanation(one.text)):
                vectors[row] = self.joining.joined(encoder, vectors[row], text)
        return vectors

    def _again(self, info: SpaceInfo, one: Ranked, aid: Aid) -> Told:
        """The first pictures in the order of the matching head, if that is wanted and works."""
        head, text = self._encoder(info), one.asked.text
        if not (one.asked.entity and aid.again and self._look_again and len(one.picture)):
            return Told((one,))
        model = info.spec.name or info.spec.space
        if not isinstance(head, MatchingHead):
            return Told((one,), (f"{_NO_SECOND_LOOK}: {model} has no matching head.",))
        hits, asked = VectorHits(one.picture, one.score), Judged(text, aid.explanation(text))
        try:
            order, done = self._look_again.order(head, info.spec.revision, hits, asked, aid.again)
        except Exception as error:  # whatever a runtime may raise
            return Told((one,), (f"{_NO_SECOND_LOOK}: {_reason(error)}.",))
        # Probabilities belong to places: who moves up gets that of the place.
        moved = replace(one, picture=one.picture[order], score=one.score[order])
        return Told((moved,), looked_again=done)

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
    what = f"Searched without {info.spec.space}, by what was read alone"
    return _Unusable(f"{what}: {_reason(error)}.")


def _reason(error: Exception) -> str:
    what = str(error) if isinstance(error, SightreadError) else f"{type(error).__name__}: {error}"
    return " ".join(what.split()).rstrip(".")


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
