"""Fit the numbers of `search/calibrate.py`: how a reading matches -> is the word really there.

    python -m benchmarks.fit_calibration --data GALLERY --library FOLDER ... [--absent LIST ...]

The libraries hold the gallery as different readers have read it; all count alike. Every word of the
gallery's queries is looked up, and as many words of the lists that are in no annotation, so that an
absent word is as common as a present one. For each picture the likeliest reading counts: its
features, and whether the picture is listed for the word. Each kind of match gets a logistic line
with a small ridge, by Newton's method. Pictures whose annotation is incomplete count only where
they are listed. Prints the lines to paste, and the share of right ones in bins.
"""

from __future__ import annotations

import argparse
import os
import random
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sightread.library import Library
from sightread.measure.environment import environment
from sightread.measure.gallery import WordGallery, load_folder
from sightread.protocols import Store
from sightread.search.calibrate import LINES, Line, certainty, probability
from sightread.search.match import Candidate, Matcher
from sightread.search.words import candidates
from sightread.text import key, letters
from sightread.types import Term

KINDS = {"exact": "exact", "look-alike": "near", "edits": "near", "part": "part"}
COLUMNS = {
    "exact": ("bias", "cost", "length", "certainty", "whole"),
    "near": ("bias", "cost", "share", "length", "count", "certainty", "whole"),
    "part": ("bias", "cost", "length", "certainty"),
}
RIDGE = 0.3


@dataclass(frozen=True, slots=True)
class Example:
    """One word and one picture, by the likeliest reading."""

    kind: str
    features: dict[str, float]
    right: bool


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", required=True, help="a gallery with annotations and queries")
    parser.add_argument(
        "--library", required=True, nargs="+", help="where the gallery is or will be indexed"
    )
    parser.add_argument("--absent", nargs="*", default=[], help="word lists, one word per line")
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    gallery = load_folder(asked.data)
    absent = absent_words(gallery, asked.absent, asked.seed)
    examples: list[Example] = []
    for folder in asked.library:
        with Library.open(folder, write=True, create=True) as library:
            if not library.status().pictures:
                library.index([image.path for image in gallery.images])
            examples += collect(library.store, gallery, absent)
    print(f"# {gallery.name}, seed {asked.seed}, {environment()}")
    for kind, names in COLUMNS.items():
        some = [example for example in examples if example.kind == kind]
        report(kind, names, some)


def absent_words(gallery: WordGallery, lists: Iterable[str], seed: int) -> list[str]:
    """Words of the lists that are no part of any annotated word, as many as there are queries."""
    known = "\n".join(
        {key(word.text) for image in gallery.images for word in image.words}
        | {key(word) for word in gallery.queries}
    )
    words = {
        line.split("\t")[0].strip().lower()
        for name in lists
        for line in Path(name).read_text("utf-8").splitlines()
    }
    absent = sorted(word for word in words if len(key(word)) >= 3 and key(word) not in known)
    random.Random(seed).shuffle(absent)
    return absent[: len(gallery.queries)]


def collect(store: Store, gallery: WordGallery, absent: list[str]) -> list[Example]:
    matcher = Matcher(store.vocabulary())
    places = {stamp.path: picture for stamp, picture in store.stamps()}
    ids = [places.get(os.path.abspath(image.path), -1) for image in gallery.images]
    unsure = {i for i, image in zip(ids, gallery.images, strict=True) if not image.complete}
    asked = {word: {ids[i] for i in images} for word, images in gallery.queries.items()}
    asked.update({word: set() for word in absent})
    examples: list[Example] = []
    for word, right in asked.items():
        if " " not in word and key(word):
            examples += _examples(store, matcher, word, right, unsure)
    return examples


def _examples(
    store: Store, matcher: Matcher, word: str, right: set[int], unsure: set[int]
) -> list[Example]:
    found = candidates(word, "similar", Term((word,)), matcher, 0.0)
    by_token: dict[str, list[Candidate]] = defaultdict(list)
    for candidate in found:
        by_token[candidate.token].append(candidate)
    tokens = list(by_token)
    hits = store.search_words(tokens)
    best: dict[int, tuple[float, Example]] = {}
    columns = (hits.picture, hits.token, hits.confidence, hits.whole, hits.field)
    for picture, token, confidence, whole, field in zip(*columns, strict=True):
        if field != 0 or (picture in unsure and picture not in right):
            continue
        for candidate in by_token[tokens[token]]:
            features = _features(key(word), candidate, float(confidence), bool(whole))
            likely = float(_odds(features, LINES[candidate.kind]))
            if picture not in best or likely > best[picture][0]:
                example = Example(KINDS[candidate.kind], features, int(picture) in right)
                best[int(picture)] = (likely, example)
    return [example for _, example in best.values()]


def _features(word: str, candidate: Candidate, confidence: float, whole: bool) -> dict[str, float]:
    return {
        "bias": 1.0,
        "cost": candidate.cost,
        "share": candidate.cost / len(word),
        "length": float(np.log(letters(word))),
        "count": float(np.log(candidate.count)),
        "certainty": float(certainty(np.array(confidence))),
        "whole": float(whole),
    }


def _odds(features: dict[str, float], line: Line) -> float:
    return sum(value * float(getattr(line, name)) for name, value in features.items())


def fit(x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float64]:
    """(F,) logistic weights for features x (n, F) and labels y (n,), with a ridge."""
    weights = np.zeros(x.shape[1])
    for _ in range(60):
        p = probability(x @ weights)
        gradient = x.T @ (p - y) + RIDGE * weights
        curvature = (x * (p * (1 - p))[:, None]).T @ x + RIDGE * np.eye(len(weights))
        weights -= np.linalg.solve(curvature, gradient)
    return weights


def report(kind: str, names: tuple[str, ...], examples: list[Example]) -> None:
    x = np.array([[example.features[name] for name in names] for example in examples])
    y = np.array([example.right for example in examples], dtype=np.float64)
    weights = fit(x, y)
    p = np.clip(probability(x @ weights), 1e-9, 1 - 1e-9)
    loss = -np.mean(y * np.log(p) + (1 - y) * np.log(1 - p))
    print(f"\n{kind}: {len(y)} examples, {y.mean():.4f} right, log loss {loss:.5f}")
    print(
        "    Line(" + ", ".join(f"{n}={w:.2f}" for n, w in zip(names, weights, strict=True)) + ")"
    )
    for low in np.arange(0, 1, 0.1):
        inside = (p >= low) & (p < low + 0.1)
        if inside.any():
            share = y[inside].mean()
            print(f"    predicted {low:.1f}-{low + 0.1:.1f}: {share:.3f} right of {inside.sum()}")


if __name__ == "__main__":
    main()
