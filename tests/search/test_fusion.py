"""The formula of `fusion`, written out for one picture at a time."""

from __future__ import annotations

import math
import random

import numpy as np
import pytest

from sightread.search.channels import Asked, Ranked
from sightread.search.fusion import MISSING, NEAREST, combine, extras
from sightread.search.phrases import Occurrences
from sightread.types import Term

PICTURES = range(1, 13)
SINGLE = (
    Term(("a",)), Term(("b",), quoted=True), Term(("c",)), Term(("d",), field="title"),
    Term(("e",), negated=True),
)  # fmt: skip


def occurrences(rng: random.Random) -> tuple[Occurrences | None, dict[int, float]]:
    """A few places where a word was read, and the best probability of each picture."""
    rows = sorted((rng.choice(PICTURES), rng.random()) for _ in range(rng.randrange(8)))
    best: dict[int, float] = {}
    for picture, chance in rows:
        best[picture] = max(chance, best.get(picture, 0.0))
    n = len(rows)
    if not n:
        return None, best
    columns = {
        "picture": np.array([picture for picture, _ in rows], dtype=np.int64),
        "probability": np.array([chance for _, chance in rows]),
        "ordinals": np.zeros((n, 1), dtype=np.int32),
        "kind": np.zeros(n, dtype=np.int8),
        "edits": np.zeros(n, dtype=np.int16),
        "field": np.zeros(n, dtype=np.int8),
        "line": np.zeros(n, dtype=np.int32),
        "boxes": np.zeros((n, 4, 2), dtype=np.float32),
    }
    return Occurrences(**columns), best


def ranked(rng: random.Random, asked: Asked, space: str, calibrated: bool) -> Ranked:
    pictures = rng.sample(PICTURES, rng.randrange(1, 9))
    scores = sorted((rng.random() for _ in pictures), reverse=True)
    return Ranked(
        space,
        asked,
        np.array(pictures, dtype=np.int64),
        np.array(scores, dtype=np.float32),
        np.array(scores) if calibrated else None,
    )


@pytest.mark.parametrize("seed", range(60))
def test_the_formula(seed: int) -> None:
    rng = random.Random(seed)
    terms = rng.sample(SINGLE, rng.randrange(2, 6))
    if all(term.negated for term in terms):
        terms.append(SINGLE[0])
    found = [(term, *occurrences(rng)) for term in terms]
    able = [at for at, t in enumerate(terms) if not t.negated and t.field is None]
    strings = [Asked(terms[at].words[0], (at,)) for at in able]
    free = tuple(at for at in able if not terms[at].quoted)
    if free and len(able) > 1:
        strings.append(Asked("free", free, free=True))
    channels = [
        ranked(rng, asked, space, calibrated=space != "plain")
        for space in rng.sample(("scene-text", "caption", "plain"), rng.randrange(4))
        for asked in strings
    ]
    result = combine([(term, rows) for term, rows, _ in found], 0.5, channels)

    expected = {}
    for picture in PICTURES:
        by_term = {}
        for at, (term, _, best) in enumerate(found):
            if not term.negated:
                missing = 0.0 if term.quoted or term.field else MISSING
                by_term[at] = best.get(picture, missing)
        read = math.prod(by_term.values())
        told = [(c, dict(zip(c.picture.tolist(), c.score.tolist(), strict=True))) for c in channels]
        for channel, scores in told:
            if channel.probability is not None and not channel.asked.free:
                [at] = channel.asked.terms
                by_term[at] = 1 - (1 - by_term[at]) * (1 - scores.get(picture, 0.0))
        frees = [(c, s) for c, s in told if c.probability is not None and c.asked.free]
        fixed = math.prod(p for at, p in by_term.items() if not (frees and at in free))
        together = math.prod(p for at, p in by_term.items() if frees and at in free)
        for _, scores in frees:
            together = 1 - (1 - together) * (1 - scores.get(picture, 0.0))
        known = any(picture in best for term, _, best in found if not term.negated)
        known |= any(c.probability is not None and picture in s for c, s in told)
        excluded = any(t.negated and best.get(picture, 0.0) >= 0.5 for t, _, best in found)
        if known and fixed * together > 0 and not excluded:
            near = sum(
                1 / (60 + 1 + list(s).index(picture))
                for c, s in told
                if c.probability is None and picture in s
            )
            expected[picture] = (fixed * together, read, near)

    assert sorted(result.picture.tolist()) == sorted(expected)
    for picture, total, alone in zip(
        result.picture.tolist(), result.probability, result.read, strict=True
    ):
        assert (total, alone) == pytest.approx(expected[picture][:2], abs=1e-6)
    if not any(near for _, _, near in expected.values()):
        order = sorted(expected, key=lambda p: (-round(expected[p][0], 6), p))
        assert result.picture.tolist() == order
    else:
        per_cents = np.floor(100 * result.probability).tolist()
        assert per_cents == sorted(per_cents, reverse=True)
        within = [
            expected[p][2]
            for p, c in zip(result.picture.tolist(), per_cents, strict=True)
            if c == per_cents[0]
        ]
        assert within == sorted(within, reverse=True)


def test_equals_are_put_in_order_as_far_as_every_page_asks() -> None:
    n = NEAREST + 50
    row = np.zeros(n, dtype=np.int32)
    read = Occurrences(
        picture=np.arange(n, dtype=np.int64),
        probability=np.full(n, 0.5),
        ordinals=row[:, None],
        kind=row.astype(np.int8),
        edits=row.astype(np.int16),
        field=row.astype(np.int8),
        line=row,
        boxes=np.zeros((n, 4, 2), dtype=np.float32),
    )
    backwards = np.arange(n, dtype=np.int64)[::-1]
    far = Ranked("x", Asked("a", (0,)), backwards, np.linspace(1, 0, n, dtype=np.float32))
    near = Ranked("x", far.asked, backwards[:NEAREST], far.score[:NEAREST])
    orders = [combine([(SINGLE[0], read)], 0.5, [one]).picture.tolist() for one in (near, far)]
    assert orders[0] == orders[1] == [*backwards[:NEAREST].tolist(), *range(50)]


@pytest.mark.parametrize("seed", range(20))
def test_extras_answer_every_term(seed: int) -> None:
    rng = random.Random(seed)
    terms = [Term(("a",)), Term(("b",), "prefix"), Term(("e",), negated=True)]
    found = [(term, *occurrences(rng)) for term in terms]
    channels = [ranked(rng, Asked("a", (0,)), space, False) for space in ("x", "y")]
    answers = np.array(rng.sample(PICTURES, 2), dtype=np.int64)
    result = extras([(term, rows) for term, rows, _ in found], 0.5, channels, answers)
    lists = [c.picture.tolist() for c in channels]
    expected = {
        picture: sum(1 / (61 + some.index(picture)) for some in lists if picture in some)
        for picture in PICTURES
        if picture not in answers
        and any(picture in some for some in lists)
        and picture in found[1][2]
        and found[2][2].get(picture, 0.0) < 0.5
    }
    assert result.picture.tolist() == sorted(expected, key=lambda p: (-expected[p], p))
    assert result.score.tolist() == pytest.approx([expected[p] for p in result.picture.tolist()])
