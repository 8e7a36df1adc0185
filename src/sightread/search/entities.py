"""Entities in a query: their explanations, and a query vector made of a name and what it means.

A name says little to an encoder that never saw it; its explanation says what to look for. Both
are encoded, added and brought to unit length again, q = norm(t + e), so that the index stays as it
is and a query stays one vector (EntityCLIP as extended in our specification, 12.3: E-fusion with
alpha 1).
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from sightread.errors import SightreadError
from sightread.explained import Explained
from sightread.protocols import DualEncoder, Explainer
from sightread.types import Query, Term

_KEPT = 1000


@dataclass(frozen=True, slots=True)
class Aid:
    """What helps to find the entities of a query: their explanations, as (term, text), and how
    many of the nearest pictures the matching head is to look at again."""

    explanations: tuple[tuple[str, str], ...] = ()
    again: int = 0

    def explanation(self, term: str) -> str:
        """The text for a term, or ""."""
        return dict(self.explanations).get(term, "")


@dataclass(frozen=True, slots=True)
class Known:
    """The explanations of the entities of a query, and sentences on those that have none."""

    explained: tuple[Explained, ...] = ()
    warnings: tuple[str, ...] = ()

    def aid(self, again: int) -> Aid:
        """To be searched with."""
        return Aid(tuple((one.term, one.text) for one in self.explained), again)

    def shown(self, *, joined: bool) -> tuple[Explained, ...]:
        """For the answer; `joined` if they were searched with."""
        return tuple(replace(one, joined=joined) for one in self.explained)


def is_entity(term: Term) -> bool:
    """Whether a term names an entity."""
    return term.field == "entity"


def names(query: Query) -> tuple[str, ...]:
    """The entities that a query is about, as they were typed."""
    wanted = (t for t in query.terms if is_entity(t) and t.mode == "similar" and not t.negated)
    return tuple(dict.fromkeys(" ".join(term.words) for term in wanted))


class Joining:
    """Explanations, found and encoded; what was encoded once is kept."""

    def __init__(self, explainer: Explainer | None) -> None:
        self._explainer = explainer
        self._vectors: OrderedDict[tuple[str, str], NDArray[np.float32]] = OrderedDict()

    def known(self, entities: Sequence[str], *, wanted: bool) -> Known:
        """What is known of the entities. A book that cannot be read is no reason not to search.

        Args:
            wanted: say which of them have no explanation.
        """
        found, warnings = [], []
        for name in entities if self._explainer else ():
            assert self._explainer is not None
            try:
                one = self._explainer.find(name)
            except SightreadError as error:
                return Known(warnings=(f"Searched without explanations: {error}",))
            if one is not None:
                found.append(replace(one, term=name))
            elif wanted:
                warnings.append(_none(name))
        return Known(tuple(found), tuple(warnings))

    def joined(
        self, encoder: DualEncoder, vector: NDArray[np.float32], text: str
    ) -> NDArray[np.float32]:
        """The vector (D,) of a name, joined with that of its explanation, at unit length."""
        both = vector + self._vector(encoder, text)
        length = float(np.linalg.norm(both))
        return (both / length).astype(np.float32) if length > 1e-6 else vector

    def _vector(self, encoder: DualEncoder, text: str) -> NDArray[np.float32]:
        revision = encoder.spec.revision
        this = (text, revision)
        if this not in self._vectors:
            self._vectors[this] = self._kept(encoder, text)
            if len(self._vectors) > _KEPT:
                self._vectors.popitem(last=False)
        self._vectors.move_to_end(this)
        return self._vectors[this]

    def _kept(self, encoder: DualEncoder, text: str) -> NDArray[np.float32]:
        revision = encoder.spec.revision
        kept = self._explainer.vector(text, revision) if self._explainer else None
        if kept is not None and kept.shape == (encoder.spec.dim,):
            return kept
        fresh: NDArray[np.float32] = encoder.encode_texts([text])[0]
        if self._explainer is not None:
            self._explainer.keep(text, revision, fresh)
        return fresh


def _none(name: str) -> str:
    return (
        f"There is no explanation of {name}, so it was searched by its name alone; `sightread "
        "explain` gets one, or lets you write one."
    )
