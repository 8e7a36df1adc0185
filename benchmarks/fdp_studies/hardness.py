"""How near may wrong words be: mAP against distractors at one, two, three edits, or anywhere.

    python -m benchmarks.fdp_studies.hardness --encoder MODEL_FOLDER

The queries and the pictures that answer them are the same in every gallery; only the strings on
the other pictures change. All of these strings are made up, also those that are far from the query
(one edit away from another word), so that a made-up string gives nothing away.
"""

from __future__ import annotations

import string
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from typing import Any

import numpy as np
from rapidfuzz.distance import Levenshtein

from benchmarks.fdp_studies.galleries import Picture, Rng, draw_words, word_task
from benchmarks.fdp_studies.models import choose_model, open_chosen
from benchmarks.fdp_studies.report import (
    Figure,
    Report,
    arguments,
    mean_and_spread,
    positive,
    run,
    say,
)
from sightread.errors import UsageError
from sightread.lab.evaluate import evaluate
from sightread.synth.plans import VARIED
from sightread.synth.scene import SceneRenderer
from sightread.synth.vocabulary import seen_words
from sightread.types import RGBImage

FAR = 4
"""The distance from which on a string is anywhere."""
_LETTERS = (4, 8)
_TRIES = 1000


def parser() -> ArgumentParser:
    found = arguments(__doc__)
    choose_model(found, folder=True)
    found.add_argument("--queries", type=positive, default=48)
    found.add_argument("--positives", type=positive, default=4)
    found.add_argument("--distractors", type=positive, default=8, help="pictures per query")
    found.add_argument("--size", type=positive, default=160, help="of the pictures, px")
    found.add_argument(
        "--height", type=float, nargs=2, default=[16.0, 24.0], help="of the text, px"
    )
    return found


def study(asked: Namespace) -> Report:
    """mAP for each kind of distractors.

    Raises:
        ModelError, UsageError: the model or a number cannot be used.
    """
    low, high = asked.height
    if not 0 < low <= high < asked.size:
        raise UsageError(f"the heights {low} and {high} must rise and be inside of {asked.size} px")
    encoder = open_chosen(asked)
    found: dict[int, list[float]] = {}
    for seed in asked.seeds:
        rng = np.random.default_rng([seed, 10])
        words = draw_words(query_words(), asked.queries, rng)
        right = pictures(words * asked.positives, seed << 21, asked)
        known: dict[Picture, RGBImage] = {}
        renderer = SceneRenderer(VARIED)
        for distance in (1, 2, 3, FAR):
            strange = [
                text
                for word in words
                for text in distractors(word, distance, asked.distractors, words, rng)
            ]
            # The same places and looks for every distance: the seed is that of the place.
            gallery = [*right, *pictures(strange, (seed << 21) + (1 << 20), asked)]
            task = word_task("hardness", words, gallery, renderer, asked.size, known)
            found.setdefault(distance, []).append(evaluate(encoder, task).map)
            say(f"seed {seed}, {label(distance)}: {found[distance][-1]:.3f}")
    rows = [row(distance, values) for distance, values in found.items()]
    return Report(
        study="hardness",
        columns=("distractors", "mAP", "spread"),
        rows=rows,
        models={"encoder": encoder.spec.revision},
        figure=figure(rows),
    )


def query_words() -> list[str]:
    """Words of `_LETTERS` letters that training may show."""
    low, high = _LETTERS
    return [word for word in seen_words() if word.isalpha() and low <= len(word) <= high]


def pictures(words: Sequence[str], first_seed: int, asked: Namespace) -> list[Picture]:
    """One per word, of a height that belongs to its seed."""
    low, high = asked.height
    found = []
    for place, word in enumerate(words):
        share = float(np.random.default_rng([first_seed + place, 11]).random())
        found.append(Picture(word, low + (high - low) * share, first_seed + place))
    return found


def distractors(
    word: str, distance: int, count: int, queries: Sequence[str], rng: Rng
) -> list[str]:
    """Made-up strings at exactly this edit distance of the word (`FAR`: this or more).

    None of them is a query or a word of the scenes.

    Raises:
        UsageError: there are not enough.
    """
    known = {*queries, *seen_words()}
    sources = query_words() if distance == FAR else [word]
    found: dict[str, None] = {}
    for _ in range(_TRIES * count):
        if len(found) == count:
            return list(found)
        source = sources[int(rng.integers(len(sources)))]
        made = edited(source, 1 if distance == FAR else distance, rng)
        apart = Levenshtein.distance(word, made)
        if made not in known and (apart >= FAR if distance == FAR else apart == distance):
            found[made] = None
    raise UsageError(f"{word!r} has no {count} strings at distance {distance}: ask for fewer")


def edited(word: str, edits: int, rng: Rng) -> str:
    """The word after so many random edits: letters exchanged, put in, or left out."""
    for _ in range(edits):
        place = int(rng.integers(len(word)))
        letter = string.ascii_lowercase[int(rng.integers(26))]
        # Mostly exchanged, so that length alone rarely tells a distractor.
        kind = rng.random()
        if kind < 0.7:
            word = word[:place] + letter + word[place + 1 :]
        elif kind < 0.85:
            word = word[:place] + letter + word[place:]
        elif len(word) > 2:
            word = word[:place] + word[place + 1 :]
    return word


def label(distance: int) -> str:
    if distance == FAR:
        return "anywhere"
    return f"{distance} edit{'s' if distance > 1 else ''} away"


def row(distance: int, values: Sequence[float]) -> dict[str, Any]:
    """One line of the table."""
    mean, spread = mean_and_spread(values)
    return {"distractors": label(distance), "mAP": mean, "spread": spread}


def figure(rows: Sequence[dict[str, Any]]) -> Figure:
    """mAP of every kind."""
    bars = {"mAP": {one["distractors"]: one["mAP"] for one in rows}}
    return Figure("Distractors by edit distance", "distractors", "mAP", bars=bars)


if __name__ == "__main__":
    sys.exit(run(study, parser()))
