"""The words that scenes are made with, sorted by kind and by whether training may show them.

The lists in `words.json` are our own. Which words are held out depends on their letters alone,
so that no setting and no seed can ever bring one of them into training.
"""

from __future__ import annotations

import json
import zlib
from collections import Counter
from collections.abc import Iterable
from functools import cache
from importlib import resources

import numpy as np
from rapidfuzz.distance import Levenshtein

from sightread.synth.things import OBJECTS

_NUMBERS_OF_A_LENGTH = 40
_NEAR = 4
_NEVER_HELD_OUT = {"the", "office"}  # the two words by which clusters are named
_LOOK_ALIKE = {
    "a": "o", "b": "h", "c": "e", "d": "b", "e": "c", "f": "t", "g": "q", "h": "b", "i": "l",
    "j": "i", "k": "h", "l": "i", "m": "n", "n": "m", "o": "a", "p": "q", "q": "p", "r": "n",
    "s": "z", "t": "f", "u": "v", "v": "u", "w": "v", "x": "z", "y": "v", "z": "s",
    "0": "8", "1": "7", "2": "3", "3": "8", "4": "9", "5": "6", "6": "8", "7": "1", "8": "3",
    "9": "4",
}  # fmt: skip


@cache
def function_words() -> tuple[str, ...]:
    """Words without a meaning that one could draw: the, and, for."""
    return _lists()["function"]


@cache
def content_words() -> tuple[str, ...]:
    """Nouns that name a thing."""
    return _lists()["content"]


@cache
def drawable_words() -> tuple[str, ...]:
    """The content words that `things` can draw."""
    return tuple(word for word in content_words() if word in OBJECTS)


@cache
def sign_words() -> tuple[str, ...]:
    """Words as they stand on signs, goods and in windows."""
    return _lists()["signs"]


@cache
def numbers() -> tuple[str, ...]:
    """Numbers of two to four digits, always the same."""
    rng = np.random.default_rng(0)
    found: list[str] = []
    for low in (10, 100, 1000):
        drawn = rng.choice(np.arange(low, 10 * low), _NUMBERS_OF_A_LENGTH, replace=False)
        found += [str(number) for number in sorted(drawn.tolist())]
    return tuple(found)


@cache
def phrases() -> tuple[tuple[str, ...], ...]:
    """Phrases of two or three words of the lists."""
    return tuple(tuple(phrase.split()) for phrase in _lists()["phrases"])


@cache
def every_word() -> tuple[str, ...]:
    """All words of all kinds."""
    return (*function_words(), *content_words(), *sign_words(), *numbers())


@cache
def unseen_words() -> tuple[str, ...]:
    """One in six of the sign words, undrawable nouns and numbers: never shown in training."""
    candidates = (*content_words(), *sign_words(), *numbers())
    return tuple(word for word in candidates if _held_out(word))


@cache
def seen_words() -> tuple[str, ...]:
    """All words that training may show."""
    return tuple(word for word in every_word() if word not in set(unseen_words()))


def look_alikes(
    word: str, count: int, rng: np.random.Generator, but: Iterable[str] = ()
) -> list[str]:
    """Strings at edit distance 1 of a-z and 0-9: words of the lists first, then made-up ones.

    Args:
        but: strings that must not be among them.
    """
    barred = {word, *but}
    near = [
        other
        for other in every_word()
        if other not in barred and Levenshtein.distance(word, other, score_cutoff=1) == 1
    ]
    rng.shuffle(near)
    for place in rng.permutation(len(word)).tolist():
        made = word[:place] + _LOOK_ALIKE[word[place]] + word[place + 1 :]
        if made not in barred and made not in near and made not in every_word():
            near.append(made)
    return near[:count]


@cache
def words_of_two_kinds() -> tuple[str, ...]:
    """The drawable words and, of each length, as many function words, as far as there are.

    For parting words by kind: if one kind were longer, length would part them; if function words
    came in their usual order, "th" would.
    """
    left = Counter(len(word) for word in drawable_words())
    found = list(drawable_words())
    for word in sorted(function_words(), key=lambda word: zlib.crc32(word.encode())):
        if left[len(word)]:
            left[len(word)] -= 1
            found.append(word)
    return tuple(found)


@cache
def training_lexicon() -> tuple[str, ...]:
    """The seen words and, for each, a few strings at edit distance 1, none of them an unseen word.

    A dictionary of 90,000 words has twenty neighbours for a word; ours are so few that most words
    would have none, and nothing to be told apart from.
    """
    found = dict.fromkeys(seen_words())
    for word in seen_words():
        rng = np.random.default_rng(zlib.crc32(word.encode()))
        found |= dict.fromkeys(look_alikes(word, _NEAR, rng, unseen_words()))
    return tuple(found)


def _held_out(word: str) -> bool:
    if word in OBJECTS or word in _NEVER_HELD_OUT:
        return False
    return zlib.crc32(word.encode()) % 6 == 0


@cache
def _lists() -> dict[str, tuple[str, ...]]:
    text = resources.files("sightread.synth").joinpath("words.json").read_text("utf-8")
    return {kind: tuple(words) for kind, words in json.loads(text).items()}
