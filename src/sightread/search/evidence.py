"""Why a picture was found: the places of its words, and what the encoders say."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from sightread.explained import LookedAgain, SceneText
from sightread.search.calibrate import DEFAULT_THRESHOLD, KINDS
from sightread.search.channels import READING_SPACES, Ranked
from sightread.search.fusion import Ranking, Read
from sightread.search.phrases import Occurrences
from sightread.search.words import Plan
from sightread.spotting.pairs import is_second, read_twice, same_places
from sightread.types import Evidence, Hit, PictureRecord, Quad

MAX_EVIDENCE = 20
"""Places shown per term and picture, best first."""

_WORDS_SHOWN, _LEAST_SHARE = 3, 0.1
"""Of the words that count in a vector: so many are named, if they have a tenth of it."""

_NEAR = 20
"""An encoder without probabilities vouches for a picture that was read only from this rank on:
somewhere in its list is every picture of a small library."""


@dataclass(frozen=True, slots=True)
class Found:
    """A ranking of the whole library with what it was made of; `listed` if it is no ranking at
    all, but what fits the filters."""

    ranking: Ranking
    terms: tuple[tuple[Plan, Occurrences | None], ...]
    ranked: tuple[Ranked, ...] = ()
    warnings: tuple[str, ...] = ()
    listed: bool = False
    looked_again: LookedAgain | None = None

    @property
    def read(self) -> Read:
        """The terms with the places where they were read."""
        return [(one.term, rows) for one, rows in self.terms]

    @property
    def asked_for_entities(self) -> bool:
        """Whether an encoder was asked for one."""
        return any(one.asked.entity for one in self.ranked)

    @property
    def spaces(self) -> list[str]:
        """In which encoders were asked."""
        return list(dict.fromkeys(one.space for one in self.ranked))

    def by(self, spaces: Sequence[str]) -> list[Ranked]:
        """What the encoders of these spaces found that have no probabilities."""
        return [one for one in self.ranked if one.space in spaces and one.probability is None]


@dataclass(frozen=True, slots=True)
class Shown:
    """A picture of a page: its place in the whole answer (from 1), and its score, which is a
    probability unless only encoders without one found the picture."""

    picture: int
    rank: int
    score: float
    calibrated: bool = True


def hit(record: PictureRecord, one: Shown, found: Found) -> Hit:
    """The hit with the evidence for it."""
    read = {
        at: _places(record, plan, rows, one.rank)
        for at, (plan, rows) in enumerate(found.terms)
        if rows is not None and not plan.term.negated
    }
    evidence = [place for places in read.values() for place in places]
    for ranked in found.ranked:
        beside = [place for at in ranked.asked.terms for place in read.get(at, ())]
        evidence += _vouched(record, ranked, beside, alone=not one.calibrated)
    return Hit(
        id=record.id,
        path=record.stamps[0].path if record.stamps else "",
        score=one.score,
        probability=one.score if one.calibrated else None,
        evidence=tuple(evidence),
        width=record.width,
        height=record.height,
        taken_at=record.metadata.taken_at,
    )


def _places(record: PictureRecord, one: Plan, rows: Occurrences, rank: int) -> list[Evidence]:
    """The places of one term in one picture, each region once; weak ones only if there are no
    others, since an outlined look-alike beside the word itself would mislead."""
    start, stop = np.searchsorted(rows.picture, [record.id, record.id + 1])
    mine = np.arange(start, stop)
    order = mine[np.argsort(-rows.probability[mine], kind="stable")]
    shown: list[Evidence] = []
    taken: set[int] = set()
    twins = second_readings(record)
    for row in order[: 4 * MAX_EVIDENCE]:
        weak = rows.probability[row] < DEFAULT_THRESHOLD
        regions = [int(o) for o in rows.ordinals[row] if 0 <= o < len(record.regions)]
        if (weak and shown) or taken.intersection(regions) or len(shown) == MAX_EVIDENCE:
            continue
        others = {at: other for at in regions if (other := twins.get(at)) is not None}
        taken.update(regions, others.values())
        place = _one_place(record, one, rows, int(row), rank)
        shown.append(replace(place, other_reading=_other(record, regions, others)))
    return shown


def second_readings(record: PictureRecord) -> dict[int, int]:
    """Region -> the region of the other reader at the same place, both ways; empty where the
    picture was read by one."""
    if not read_twice(record.reader):
        return {}
    boxed = [(at, one.box) for at, one in enumerate(record.regions) if one.field == "written"]
    halves: tuple[list[tuple[int, Quad]], list[tuple[int, Quad]]] = ([], [])
    for at, box in boxed:
        if box is not None:
            halves[is_second(record.regions[at].line)].append((at, box))
    first, second = halves
    pairs = same_places([box for _, box in first], [box for _, box in second])
    one_way = {first[one][0]: second[other][0] for one, other in pairs.items()}
    return one_way | {other: one for one, other in one_way.items()}


def _other(record: PictureRecord, regions: Sequence[int], others: Mapping[int, int]) -> str | None:
    if not regions or not read_twice(record.reader):
        return None
    if record.regions[regions[0]].field != "written":
        return None
    return " ".join(record.regions[others[at]].text for at in regions if at in others)


def _one_place(
    record: PictureRecord, one: Plan, rows: Occurrences, row: int, rank: int
) -> Evidence:
    regions = [record.regions[o] for o in rows.ordinals[row] if 0 <= o < len(record.regions)]
    boxes: list[Quad] = [region.box for region in regions if region.box is not None]
    probability = float(rows.probability[row])
    return Evidence(
        channel=regions[0].field if regions else "written",
        rank=rank,
        score=probability,
        match=KINDS[rows.kind[row]],
        edits=int(rows.edits[row]),
        term=" ".join(one.term.words),
        word=" ".join(region.text for region in regions),
        boxes=tuple(boxes),
    )


def _vouched(
    record: PictureRecord, ranked: Ranked, beside: Sequence[Evidence], *, alone: bool
) -> Iterator[Evidence]:
    """What an encoder says of a picture, if it says something: what it takes for text is outlined
    where it is the one that found the picture, and no word was read there.

    Args:
        beside: the places where the same terms were read.
        alone: only encoders without probabilities found the picture.
    """
    places = np.flatnonzero(ranked.picture == record.id)
    if not len(places):
        return
    at = int(places[0])
    sure = ranked.probability is not None and ranked.probability[at] >= DEFAULT_THRESHOLD
    if ranked.probability is not None:
        score = float(ranked.probability[at])
        told = sure or not beside
    else:
        score = float(ranked.score[at])
        told = alone or at < _NEAR
    outlined = (sure or alone) and not any(place.boxes for place in beside)
    areas = record.embeddings[ranked.space].areas if ranked.space in record.embeddings else ()
    if told:
        yield Evidence(
            channel=ranked.space,
            rank=at + 1,
            score=score,
            match=ranked.match,
            term=ranked.asked.text,
            boxes=tuple(area.box for area in areas) if outlined else (),
            scene_text=scene_text(record, ranked.space),
        )


def scene_text(record: PictureRecord, space: str) -> SceneText | None:
    """How much the words of a picture count in its vector, and which; None if none can. Such an
    encoder gives each word that counts as an area, and its share as that one's confidence."""
    if space not in READING_SPACES or space not in record.embeddings:
        return None
    areas = sorted(record.embeddings[space].areas, key=lambda area: -area.confidence)
    counts = sum(area.confidence for area in areas)
    told = [area for area in areas[:_WORDS_SHOWN] if area.confidence >= _LEAST_SHARE * counts]
    words = (_word_at(record, area.box) for area in told)
    return SceneText(min(1.0, counts), tuple(dict.fromkeys(word for word in words if word)))


def _word_at(record: PictureRecord, box: Quad) -> str:
    """What was read at a place: the box is that of a word, perhaps cut off at an edge."""
    written = [one for one in record.regions if one.field == "written" and one.box is not None]
    if not written:
        return ""
    corners = np.asarray([one.box for one in written]) - np.asarray(box)
    return written[int(np.abs(corners).sum(axis=(1, 2)).argmin())].text
