"""Distracted queries assistance: which strings are easily taken for a word (section 6)."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from rapidfuzz.distance import Levenshtein
from rapidfuzz.process import cdist

HASHES = "###"


@dataclass(frozen=True, slots=True)
class Candidates:
    """`strings[0]` is the word, at distance 0; the others are its distractors, nearest first."""

    strings: tuple[str, ...]
    distances: tuple[int, ...]


class Lexicon:
    """Finds distractors among known words. Answers are kept: a word is asked for often.

    Args:
        words: lower case, any order.
        count: strings per word, the word included.
        padding: "hashes" fills up with "###", "random" with words of the lexicon.
        seed: of the random padding.
    """

    def __init__(
        self, words: Sequence[str], count: int = 5, padding: str = "hashes", seed: int = 0
    ) -> None:
        self.words = sorted(set(words) - {""})
        self.count, self.padding, self.seed = count, padding, seed
        self._known: dict[str, Candidates] = {}

    def candidates(self, word: str) -> Candidates:
        """The word and its nearest neighbours, ties by spelling (Q19).

        Neighbours are within one edit of words of up to five letters, two of longer ones.
        Padding stands at its true distance.
        """
        if word not in self._known:
            self._known[word] = self._search(word)
        return self._known[word]

    def _search(self, word: str) -> Candidates:
        radius = 1 if len(word) <= 5 else 2
        near = [(0, word)]
        if self.words:
            scores = cdist(
                [word], self.words, scorer=Levenshtein.distance, score_cutoff=radius, dtype=np.int32
            )[0]
            found = [(int(scores[i]), self.words[i]) for i in np.flatnonzero(scores <= radius)]
            near += sorted(pair for pair in found if pair[1] != word)
        near = near[: self.count]
        while len(near) < self.count:
            filler = self._filler(word, [text for _, text in near])
            near.append((Levenshtein.distance(word, filler), filler))
        distances, strings = zip(*near, strict=True)
        return Candidates(strings, distances)

    def _filler(self, word: str, taken: Sequence[str]) -> str:
        others = [w for w in self.words if w not in taken] if self.padding == "random" else []
        if not others:
            return HASHES
        # Seeded by the word: the same word has the same distractors in every run.
        return random.Random(f"{self.seed} {word} {len(taken)}").choice(others)
