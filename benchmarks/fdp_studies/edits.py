"""Does the query space know spelling: edit distance against cosine of queries, by kind of word.

    python -m benchmarks.fdp_studies.edits --encoder MODEL_FOLDER

The families of `edits.json` are words that sound alike, forms of one word, numbers, and strings
that look alike. "rho" is Spearman's correlation of Levenshtein distance and cosine over all pairs
within families, "rho with others" with as many pairs across families besides; -1 would be a space
of spelling. With --checkpoint, the queries are also encoded without FDP's prompts.
"""

from __future__ import annotations

import json
import sys
import warnings
from argparse import ArgumentParser, Namespace
from collections.abc import Mapping, Sequence
from importlib import resources
from itertools import combinations
from typing import Any

import numpy as np
from rapidfuzz.distance import Levenshtein

from benchmarks.fdp_studies.galleries import encode_queries
from benchmarks.fdp_studies.models import Opened, choose_model, open_chosen
from benchmarks.fdp_studies.report import Figure, Report, arguments, number, run, say
from sightread.types import Vectors

Families = Sequence[Sequence[str]]
Pair = tuple[str, str]


def parser() -> ArgumentParser:
    found = arguments(__doc__)
    choose_model(found, folder=True)
    return found


def study(asked: Namespace) -> Report:
    """The correlations of each kind, for each way to encode.

    Raises:
        ModelError: the model cannot be opened.
    """
    encoder = open_chosen(asked)
    kinds = families()
    words = sorted({word for kind in kinds.values() for family in kind for word in family})
    ways = {"prompted": encode_queries(encoder, words)}
    if isinstance(encoder, Opened):
        ways["bare"] = encoder.encode_bare(words)
    rows = []
    for way, vectors in ways.items():
        by_word = dict(zip(words, vectors, strict=True))
        for kind, members in {**kinds, "all": [f for k in kinds.values() for f in k]}.items():
            rows.append(row(kind, way, members, by_word, asked.seeds))
        say(f"{way}: {len(words)} words")
    return Report(
        study="edits",
        columns=("kind", "query", "pairs", "rho", "rho with others", "cosine", "cosine of others"),
        rows=rows,
        models={"encoder": encoder.spec.revision},
        figure=figure(rows),
    )


def families() -> Mapping[str, Families]:
    """Kind -> families of words; our own lists."""
    text = resources.files(__package__).joinpath("edits.json").read_text("utf-8")
    found: dict[str, Families] = json.loads(text)
    return found


def within(members: Families) -> list[Pair]:
    """All pairs of words of one family."""
    return [pair for family in members for pair in combinations(family, 2)]


def across(members: Families, count: int, seed: int) -> list[Pair]:
    """So many pairs of words of two families."""
    rng = np.random.default_rng([seed, 6])
    found: list[Pair] = []
    while len(found) < count:
        first, second = rng.choice(len(members), 2, replace=False)
        one, other = members[int(first)], members[int(second)]
        found.append((one[int(rng.integers(len(one)))], other[int(rng.integers(len(other)))]))
    return found


def cosines(pairs: Sequence[Pair], vectors: Mapping[str, Vectors]) -> list[float]:
    """Of unit vectors."""
    return [float(vectors[one] @ vectors[other]) for one, other in pairs]


def correlation(pairs: Sequence[Pair], similarities: Sequence[float]) -> float | None:
    """Spearman's rho of edit distance and similarity; None where one of them never changes."""
    from scipy.stats import ConstantInputWarning, spearmanr

    distances = [Levenshtein.distance(*pair) for pair in pairs]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConstantInputWarning)
        return number(float(spearmanr(distances, similarities).statistic))


def row(
    kind: str, way: str, members: Families, vectors: Mapping[str, Vectors], seeds: Sequence[int]
) -> dict[str, Any]:
    """One line of the table; what depends on the drawn pairs is the mean over the seeds."""
    near = within(members)
    alike = cosines(near, vectors)
    mixed: list[float] = []
    apart: list[float] = []
    for seed in seeds:
        far = across(members, len(near), seed)
        others = cosines(far, vectors)
        apart += others
        rho = correlation([*near, *far], [*alike, *others])
        mixed += [] if rho is None else [rho]
    return {
        "kind": kind,
        "query": way,
        "pairs": len(near),
        "rho": correlation(near, alike),
        "rho with others": number(float(np.mean(mixed))) if mixed else None,
        "cosine": number(float(np.mean(alike))),
        "cosine of others": number(float(np.mean(apart))),
    }


def figure(rows: Sequence[dict[str, Any]]) -> Figure:
    """Both correlations of every kind."""
    bars: dict[str, dict[str, float | None]] = {}
    for one in rows:
        for name in ("rho", "rho with others"):
            bars.setdefault(f"{one['query']}, {name}", {})[one["kind"]] = one[name]
    return Figure("Spelling in the query space", "", "Spearman's rho", bars=bars)


if __name__ == "__main__":
    sys.exit(run(study, parser()))
