"""Which words are written in training pictures, and what they are easily taken for.

Real words are few and soon known by heart; so most are made up letter by letter after the manner of
the list, and the rest are numbers, prices, codes and plain noise. The unseen words of `synth` are
never among them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from sightread.errors import UsageError
from sightread.spotting.alphabet import ACCENTED, ASKED, LONGEST, spell
from sightread.synth.vocabulary import seen_words, unseen_words
from sightread.text import key

Rng = np.random.Generator
_END = "\n"
_ORDER = 2
_ACCENTS = {
    "a": "àáâãäå", "c": "ç", "e": "èéêë", "i": "ìíîï", "n": "ñ", "o": "òóôõöø", "s": "šß",
    "u": "ùúûü", "y": "ý", "z": "ž", "l": "ł",
}  # fmt: skip
assert set("".join(_ACCENTS.values())) <= set(ACCENTED)


class Words:
    """A source of words without end.

    Args:
        listed: more words than those of `synth`, such as a user's list.
        accents: the share of words that get an accent, where a letter can carry one.
        marks: the share that get punctuation.
    """

    def __init__(
        self, listed: Sequence[str] = (), accents: float = 0.04, marks: float = 0.06
    ) -> None:
        self.accents, self.marks = accents, marks
        self._held_out = frozenset(unseen_words())
        own = [word for word in listed if key(word) and key(word) not in self._held_out]
        self.listed = tuple(dict.fromkeys((*seen_words(), *own)))
        self._next: dict[str, list[str]] = defaultdict(list)
        for word in self.listed:
            padded = _END * _ORDER + key(word) + _END
            for at in range(_ORDER, len(padded)):
                self._next[padded[at - _ORDER : at]].append(padded[at])

    def draw(self, rng: Rng) -> str:
        """A word as it may be written, in small letters unless the list has it otherwise."""
        kinds = (self._from_list, self._made_up, self._number, self._noise)
        kind = kinds[int(rng.choice(len(kinds), p=(0.4, 0.36, 0.14, 0.1)))]
        while True:
            word = kind(rng)[:LONGEST]
            if key(word) and key(word) not in self._held_out and key(word).isascii():
                return self._marked(self._accented(word, rng), rng)

    def _from_list(self, rng: Rng) -> str:
        return self.listed[int(rng.integers(len(self.listed)))]

    def _made_up(self, rng: Rng) -> str:
        """Like a word of the list: each letter follows the two before it as it does there."""
        made = _END * _ORDER
        while len(made) < LONGEST + _ORDER:
            letters = self._next[made[-_ORDER:]]
            letter = letters[int(rng.integers(len(letters)))]
            if letter == _END:
                break
            made += letter
        return made[_ORDER:]

    def _number(self, rng: Rng) -> str:
        digits = "".join(str(int(d)) for d in rng.integers(10, size=int(rng.integers(1, 7))))
        form = int(rng.integers(4))
        if form == 0 and len(digits) > 2:
            return f"{digits[:-2]}{'.,:'[int(rng.integers(3))]}{digits[-2:]}"
        if form == 1:
            return f"{'$€£'[int(rng.integers(3))]}{digits}"
        return digits

    def _noise(self, rng: Rng) -> str:
        longest = 12 if rng.random() < 0.85 else LONGEST
        size = int(rng.integers(1, longest + 1))
        return "".join(ASKED[int(n)] for n in rng.integers(len(ASKED), size=size))

    def _accented(self, word: str, rng: Rng) -> str:
        places = [at for at, letter in enumerate(word) if letter in _ACCENTS]
        if not places or rng.random() >= self.accents:
            return word
        at = places[int(rng.integers(len(places)))]
        choices = _ACCENTS[word[at]]
        return word[:at] + choices[int(rng.integers(len(choices)))] + word[at + 1 :]

    def _marked(self, word: str, rng: Rng) -> str:
        if rng.random() >= self.marks or len(word) > LONGEST - 2:
            return word
        form = int(rng.integers(5))
        if form < 3:
            return word + ".,:!?"[int(rng.integers(5))]
        if form == 3:
            return f"({word})"
        at = int(rng.integers(1, len(word))) if len(word) > 1 else 1
        return f"{word[:at]}{'-&/'[int(rng.integers(3))]}{word[at:]}" if len(word) > 1 else word


def near_strings(word: str, count: int, rng: Rng) -> list[str]:
    """Strings one or two random edits away from a spelled word: what it is easily taken for."""
    found: list[str] = []
    while len(found) < count:
        made = word
        for _ in range(1 if rng.random() < 0.7 else 2):
            made = _edited(made, rng)
        if made and made != word and len(made) <= LONGEST:
            found.append(made)
    return found


def _edited(word: str, rng: Rng) -> str:
    letter = ASKED[int(rng.integers(len(ASKED)))]
    at = int(rng.integers(len(word))) if word else 0
    kind = int(rng.integers(4))
    if kind == 0:
        return word[:at] + word[at + 1 :]
    if kind == 1:
        return word[:at] + letter + word[at:]
    if kind == 2 and len(word) > 1:
        at = min(at, len(word) - 2)
        return word[:at] + word[at + 1] + word[at] + word[at + 2 :]
    return word[:at] + letter + word[at + 1 :]


def read_word_list(path: Path) -> list[str]:
    """The first column of a text file, one word a line; words that cannot be spelled are left out.

    Raises:
        UsageError: the file cannot be read, or has no word.
    """
    try:
        lines = path.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"The word list {path} cannot be read as UTF-8 text: {error}.") from error
    words = [line.split("\t")[0].strip() for line in lines]
    found = [word for word in words if word and " " not in word and _spells(word)]
    if not found:
        raise UsageError(f"The word list {path} has no word: one a line is expected.")
    return found


def _spells(word: str) -> bool:
    try:
        spell(word)
    except UsageError:
        return False
    return True
