"""Are content and function words found again: k-means with other seeds, words and text towers.

    python -m benchmarks.fdp_studies.clusters --checkpoint RUN [RUN ...]

Every row compares two partitions of all words of the synthetic scenes by the adjusted Rand index
(1: the same; 0: as by chance), the first mostly that of k-means on all words. "change" is the share
of words that stand on another side, the sides named so that it is smallest. "anchors" says how
often "the" and "office" were told apart, as FDP needs. The last rows ask what the clusters are:
function words, or short ones. A partition that was fitted to some of the words sorts the others by
nearest centroid. Below the table: the same for as many nouns as function words, equally long, which
is what the recipe for rendered pictures takes.
"""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from benchmarks.fdp_studies.models import TextSide, open_text_side, text_features
from benchmarks.fdp_studies.report import (
    Figure,
    Report,
    arguments,
    mean_and_spread,
    number,
    run,
    say,
)
from sightread.methods.fdp.queries import nearest_cluster
from sightread.synth.vocabulary import (
    content_words,
    function_words,
    numbers,
    sign_words,
    words_of_two_kinds,
)

Sides = NDArray[np.int64]
Two = tuple[Sides, Sides]
ANCHORS = ("the", "office")
REFERENCE_SEED = 0
WORD_LISTS: dict[str, Callable[[], tuple[str, ...]]] = {
    "signs": sign_words,
    "nouns": content_words,
    "function words": function_words,
    "numbers": numbers,
}


def parser() -> ArgumentParser:
    found = arguments(__doc__)
    found.add_argument(
        "--checkpoint", type=Path, nargs="+", required=True, help="runs, or folders of CLIP weights"
    )
    found.add_argument("--share", type=float, default=0.8, help="of the words in a random subset")
    return found


@dataclass(frozen=True, slots=True)
class Words:
    """All words, and which are function words by the list."""

    all: tuple[str, ...]
    function: NDArray[np.bool_]

    def places(self, wanted: Sequence[str]) -> NDArray[np.int64]:
        """Where these words stand, the anchors with them."""
        chosen = {*wanted, *ANCHORS}
        return np.array([at for at, word in enumerate(self.all) if word in chosen])


def study(asked: Namespace) -> Report:
    """All comparisons, for each text tower.

    Raises:
        ModelError: a model cannot be opened.
    """
    words = every_word()
    towers = [open_text_side(path) for path in asked.checkpoint]
    rows: list[dict[str, Any]] = []
    found: dict[str, Any] = {}
    references: list[tuple[TextSide, Sides]] = []
    for tower in towers:
        features = text_features(tower.clip, tower.tokenizer, words.all)
        everything = np.arange(len(words.all))
        reference = sides(features, everything, REFERENCE_SEED)
        say(f"{tower.name}: {len(words.all)} words")
        for name, others in variants(features, words, asked):
            rows.append(row(tower.name, name, others, words))
        found[f"anchors of {tower.name}"] = anchors(reference, words)
        found[f"words of two kinds in {tower.name}"] = two_kinds(tower)
        references.append((tower, reference))
    for at, (first, own) in enumerate(references):
        for second, other in references[:at]:
            rows.append(row(first.name, f"tower {second.name}", [(own, other)], words))
    return Report(
        study="clusters",
        columns=("tower", "compared", "ARI", "spread", "change", "anchors"),
        rows=rows,
        models={tower.name: tower.digest for tower in towers},
        figure=figure(rows),
        found=found,
    )


def two_kinds(tower: TextSide) -> dict[str, Any]:
    """k-means on the words that `synth-str` proposes: how many are on the side of their kind."""
    words = words_of_two_kinds()
    features = text_features(tower.clip, tower.tokenizer, words)
    found = sides(features, np.arange(len(words)), REFERENCE_SEED)
    function = np.array([word in set(function_words()) for word in words])
    return {"words": len(words), "on_the_right_side": number(1 - changed(found, function))}


def every_word() -> Words:
    """The words of the synthetic scenes, each once."""
    found = dict.fromkeys((*ANCHORS, *function_words(), *content_words(), *sign_words()))
    words = tuple(dict.fromkeys([*found, *numbers()]))
    function = set(function_words())
    return Words(words, np.array([word in function for word in words]))


def variants(features: Tensor, words: Words, asked: Namespace) -> Iterator[tuple[str, list[Two]]]:
    """Name -> pairs of partitions of all words, one pair per seed where there is chance in it."""
    count = len(words.all)
    everything = np.arange(count)
    reference = sides(features, everything, REFERENCE_SEED)

    def fitted(chosen: NDArray[np.int64]) -> Sides:
        return sides(features, chosen, REFERENCE_SEED)

    for name, starts in (("other seeds", 10), ("other seeds, one start each", 1)):
        yield name, [(reference, sides(features, everything, s, starts)) for s in asked.seeds]
    drawn = [np.random.default_rng([seed, 5]).permutation(count) for seed in asked.seeds]
    middle, most = count // 2, max(2, round(asked.share * count))
    yield (
        "one half against the other",
        [(fitted(order[:middle]), fitted(order[middle:])) for order in drawn],
    )
    yield f"fitted to {asked.share:.0%}", [(reference, fitted(order[:most])) for order in drawn]
    for name, wanted in WORD_LISTS.items():
        yield f"fitted to {name}", [(reference, fitted(words.places(wanted())))]
    nouns = (*content_words(), *function_words())
    yield (
        "signs against nouns",
        [(fitted(words.places(sign_words())), fitted(words.places(nouns)))],
    )
    yield "the list of function words", [(reference, (~words.function).astype(np.int64))]
    lengths = np.array([len(word) for word in words.all])
    long = (lengths > np.median(lengths)).astype(np.int64)
    yield "long against short words", [(reference, long)]


def sides(features: Tensor, chosen: NDArray[np.int64], seed: int, starts: int = 10) -> Sides:
    """Which cluster each word is nearest to: (n,) of 0 and 1, in no order.

    Args:
        features: (n, D) of all words.
        chosen: places of the words that k-means is fitted to, with `methods.fdp.queries`' settings.
    """
    from sklearn.cluster import KMeans

    rows = features.float().numpy()
    means = KMeans(2, n_init=starts, random_state=seed).fit(rows[chosen])
    centres = torch.from_numpy(means.cluster_centers_).float()
    found: Sides = nearest_cluster(torch.from_numpy(rows), centres).numpy()
    return found


def agreement(first: Sides, second: Sides) -> float:
    """The adjusted Rand index of two partitions."""
    from sklearn.metrics import adjusted_rand_score

    return float(adjusted_rand_score(first, second))


def changed(first: Sides, second: Sides) -> float:
    """The share of words on another side, the sides named as fits best: 0 to 0.5."""
    other = float(np.mean(first != second))
    return min(other, 1 - other)


def row(tower: str, name: str, pairs: Sequence[Two], words: Words) -> dict[str, Any]:
    """One line of the table; "anchors" is about the second of each pair."""
    mean, spread = mean_and_spread([agreement(one, other) for one, other in pairs])
    first, second = (words.all.index(anchor) for anchor in ANCHORS)
    apart = sum(bool(other[first] != other[second]) for _, other in pairs)
    return {
        "tower": tower,
        "compared": name,
        "ARI": mean,
        "spread": spread,
        "change": number(float(np.mean([changed(one, other) for one, other in pairs]))),
        "anchors": f"{apart} of {len(pairs)}",
    }


def anchors(reference: Sides, words: Words) -> dict[str, Any]:
    """Which words could not name the clusters: those on the side where the other kind is larger.

    A pair of anchors fails if both words are on one side; `pairs_that_fail` is their share.
    """
    first, second = (words.all.index(anchor) for anchor in ANCHORS)
    nouns = np.array([word in set(content_words()) for word in words.all]) & ~words.function
    in_one = {kind: float(reference[marks].mean()) for kind, marks in _kinds(words, nouns)}
    p, q = in_one["function"], in_one["content"]
    side = int(p > q)  # the side that belongs to function words
    wrong = [
        w for w, s, f in zip(words.all, reference, words.function, strict=True) if f and s != side
    ]
    strange = [w for w, s, n in zip(words.all, reference, nouns, strict=True) if n and s == side]
    return {
        "apart": bool(reference[first] != reference[second]),
        "pairs_that_fail": number(p * q + (1 - p) * (1 - q)),
        "function_words_that_fail": wrong,
        "nouns_that_fail": strange,
    }


def _kinds(words: Words, nouns: NDArray[np.bool_]) -> list[tuple[str, NDArray[np.bool_]]]:
    return [("function", words.function), ("content", nouns)]


def figure(rows: Sequence[dict[str, Any]]) -> Figure:
    """The index of every comparison, a series per tower."""
    bars: dict[str, dict[str, float | None]] = {}
    for one in rows:
        bars.setdefault(one["tower"], {})[one["compared"]] = one["ARI"]
    return Figure("Content and function words found again", "", "adjusted Rand index", bars=bars)


if __name__ == "__main__":
    sys.exit(run(study, parser()))
