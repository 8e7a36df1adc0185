"""What the cosines of a word spotter mean: how probable a word is where a region looks like it.

The spotter reads rendered pictures as it reads any others. Then it is asked for the words in them,
and for as many that are in none: made up after the manner of real words, or a letter or two away
from one that is there. From every picture the region that looks most like the word counts. A
logistic line through its cosine, the length of the word and how differently it was read is fitted
to that; see `regions.WordCalibration` for what it means in a library of another size.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sightread.errors import ModelError
from sightread.methods.spotter.data import Scenes
from sightread.methods.spotter.words import Words, near_strings
from sightread.protocols import Reader
from sightread.regions import Looks, WordCalibration, certainty
from sightread.spotting.alphabet import LONGEST
from sightread.spotting.readings import unlike
from sightread.synth.vocabulary import unseen_words
from sightread.text import key
from sightread.types import WordRegion

Rng = np.random.Generator

SIDE_PX = 640
_UNSEEN = 0.4
"""Share of words that no training has ever shown; most others are made up anew."""
_NEAR = 0.3
"""Share of the absent words that are a letter or two away from one that is there."""
_LEAST_COSINE = 0.3
"""Pairs below are left out: they are wrong, and there are too many of them."""
_LEAST_SLOPE = 1.0
_ACCEPTED = 0.01
"""Share of the absent words that may pass for found; what is read may accept as many again."""


@dataclass(frozen=True, slots=True)
class Pairs:
    """Words asked for and pictures, each with the region that looks most like the word: how much
    it does, ln(letters of the word), and whether the word is written there; all (n,). `absent`
    numbers the words that are in no picture, -1 for the others; `regions` is how many were looked
    at."""

    looks: Looks
    length: NDArray[np.float64]
    right: NDArray[np.bool_]
    absent: NDArray[np.int64]
    regions: int

    def misread(self) -> Pairs:
        """Those in which another word was read, or none."""
        kept, looks = self.looks.unlike > 0, self.looks
        looks = Looks(looks.cosine[kept], looks.unlike[kept], looks.confidence[kept])
        return Pairs(looks, self.length[kept], self.right[kept], self.absent[kept], self.regions)


@dataclass(frozen=True, slots=True)
class Fitted:
    """A calibration and how it does on the pairs that it was fitted to: the share of absent words
    of which some picture reaches `threshold`, the share of the misread ones that do, and the
    expected calibration error in ten bins. `words` is how many were misread."""

    calibration: WordCalibration
    accepted: float
    found: float
    error: float
    words: int
    absent: int


class CalibrationWords(Words):
    """Words that training never shows, and those of `Words`."""

    def draw(self, rng: Rng) -> str:
        unseen = unseen_words()
        if rng.random() < _UNSEEN:
            return unseen[int(rng.integers(len(unseen)))]
        return super().draw(rng)


def calibrate(
    reader: Reader,
    pictures: int,
    *,
    seed: int = 0,
    threshold: float = 0.3,
    tell: Callable[[str], None] = lambda _: None,
) -> Fitted:
    """Measure what the cosines of a reader's vectors mean.

    Args:
        pictures: so many are rendered, about six words in each.
        threshold: of the figures that are given back.

    Raises:
        ModelError: it sees too little in them, or its vectors do not tell words apart.
    """
    return fit(collect(reader, pictures, seed, tell), threshold)


def collect(reader: Reader, pictures: int, seed: int, tell: Callable[[str], None]) -> Pairs:
    """Render, read and ask."""
    source, rng = Scenes(CalibrationWords(), SIDE_PX), np.random.default_rng([seed, 11])
    written: list[frozenset[str]] = []
    seen: list[list[WordRegion]] = []
    for number in range(pictures):
        scene = source.get(rng)
        written.append(frozenset(_asked(word.text) for word in scene.words) - {""})
        [words] = reader.read([scene.pixels])
        seen.append([word for word in words if word.vector is not None])
        if (number + 1) % 100 == 0:
            tell(f"{number + 1} of {pictures} pictures read.")
    present = sorted(frozenset().union(*written)) if written else []
    if len(present) < 20 or not any(seen):
        raise ModelError(
            f"{len(present)} words were written in {pictures} pictures and "
            f"{sum(map(len, seen))} regions seen, too few to calibrate by: name more pictures, "
            "or train the model further."
        )
    absent = absent_words(present, rng)
    return _pairs(reader, (present, absent), written, seen)


def _asked(text: str) -> str:
    spelled = key(text)
    return spelled if spelled.isascii() and len(spelled) <= LONGEST else ""


def absent_words(present: Sequence[str], rng: Rng) -> list[str]:
    """As many words as there are, and none of them."""
    there, source = set(present), Words(accents=0.0, marks=0.0)
    found: dict[str, None] = {}
    while len(found) < len(present):
        if rng.random() < _NEAR:
            [word] = near_strings(present[int(rng.integers(len(present)))], 1, rng)
        else:
            word = _asked(source.draw(rng))
        if word and word not in there:
            found[word] = None
    return list(found)


def _pairs(
    reader: Reader,
    words: tuple[list[str], list[str]],
    written: Sequence[frozenset[str]],
    seen: Sequence[Sequence[WordRegion]],
) -> Pairs:
    present, absent = words
    asked = [*present, *absent]
    queries = reader.encode_words(asked)
    assert queries is not None, "a reader whose regions have vectors has a tower for words"
    numbers = np.array([-1] * len(present) + list(range(len(absent))))
    parts: list[NDArray[np.float64]] = []
    for texts, regions in zip(written, seen, strict=True):
        if not regions:
            continue
        scores = queries @ np.array([one.vector for one in regions]).T  # (words, regions)
        best = scores.argmax(axis=1)
        for row in np.flatnonzero(scores.max(axis=1) >= _LEAST_COSINE):
            word, region = asked[row], regions[best[row]]
            share = unlike(word, [key(region.text or "")])[0]
            parts.append(
                np.array(
                    [scores[row, best[row]], share, region.confidence, np.log(len(word)),
                     word in texts, numbers[row]]
                )
            )  # fmt: skip
    columns = np.array(parts).reshape(-1, 6).T
    looks = Looks(columns[0], columns[1], columns[2])
    total = sum(map(len, seen))
    return Pairs(looks, columns[3], columns[4] > 0, columns[5].astype(np.int64), total)


def fit(pairs: Pairs, threshold: float = 0.3) -> Fitted:
    """The likeliest line, lowered until hardly any absent word passes for found; and how it does.
    Where the very word was read nobody asks for looks, so that these pairs do not count.

    Raises:
        ModelError: a greater cosine does not make a word more probable.
    """
    from sklearn.linear_model import LogisticRegression

    pairs = pairs.misread()
    if pairs.right.all() or not pairs.right.any():
        raise ModelError(
            "No word that was misread is left to calibrate by: name more pictures, since they "
            "cannot be told from others otherwise."
        )
    looks, certain = pairs.looks, certainty(pairs.looks.confidence)
    columns = [looks.cosine, pairs.length, looks.unlike, certain, looks.unlike * certain]
    rows = np.stack(columns, axis=1)
    middle, scale = rows.mean(axis=0), np.maximum(rows.std(axis=0), 1e-6)
    fitted = LogisticRegression(C=100.0, max_iter=500).fit((rows - middle) / scale, pairs.right)
    weights = fitted.coef_[0] / scale
    if weights[0] < _LEAST_SLOPE:
        raise ModelError(
            f"A greater cosine hardly makes a word more probable here (slope {weights[0]:.3g}): "
            "the model has not learned to tell words apart; train it further."
        )
    offset = float(fitted.intercept_[0]) - float(weights @ middle)
    odds = rows @ weights + offset
    lowered = _lowered(pairs, odds, math.log(threshold / (1 - threshold)))
    slope, length, unlike, sure, both = (float(one) for one in weights)
    calibration = WordCalibration(
        slope, offset - lowered, length, unlike, sure, both, pairs.regions
    )
    return _figures(pairs, calibration, 1 / (1 + np.exp(lowered - odds)), threshold)


def _lowered(pairs: Pairs, odds: NDArray[np.float64], threshold: float) -> float:
    """By how much log odds have to be lowered, so that few absent words reach the threshold."""
    there = pairs.absent >= 0
    best = np.full(max(int(pairs.absent.max(initial=-1)) + 1, 1), -np.inf)
    np.maximum.at(best, pairs.absent[there], odds[there])
    return max(0.0, float(np.quantile(best, 1 - _ACCEPTED, method="higher")) - threshold + 1e-6)


def _figures(
    pairs: Pairs, calibration: WordCalibration, chance: NDArray[np.float64], threshold: float
) -> Fitted:
    shown = chance >= threshold
    absent = max(int(pairs.absent.max()) + 1, 1)
    return Fitted(
        calibration,
        accepted=len(np.unique(pairs.absent[shown & (pairs.absent >= 0)])) / absent,
        found=float(shown[pairs.right].mean()),
        error=_calibration_error(chance, pairs.right),
        words=int(pairs.right.sum()),
        absent=absent,
    )


def _calibration_error(chance: NDArray[np.float64], right: NDArray[np.bool_]) -> float:
    """The mean distance between what is promised and what is true, over pairs that are promised
    anything at all (5 % and more)."""
    said = chance >= 0.05
    chance, right = chance[said], right[said]
    if not len(chance):
        return 0.0
    bins = np.minimum((10 * chance).astype(int), 9)
    distances = [
        abs(chance[bins == one].sum() - right[bins == one].sum()) for one in np.unique(bins)
    ]
    return float(sum(distances) / len(chance))
