from pathlib import Path

import numpy as np
import pytest
from rapidfuzz.distance import Levenshtein

from sightread.errors import UsageError
from sightread.methods.spotter.words import Words, near_strings, read_word_list
from sightread.spotting.alphabet import LONGEST, reading_classes, spell
from sightread.synth.vocabulary import seen_words, unseen_words
from sightread.text import key


def test_words_are_many_readable_and_never_the_held_out_ones() -> None:
    rng = np.random.default_rng(0)
    drawn = [Words().draw(rng) for _ in range(4000)]
    spelled = [spell(word) for word in drawn]
    assert not set(spelled) & set(unseen_words())
    assert len(set(spelled)) > 2000  # most are made up
    assert all(len(reading_classes(word)) == len(word.lower()) <= LONGEST for word in drawn)
    assert any(not word.isascii() for word in drawn)
    assert {len(word) for word in spelled} >= {*range(1, 20)}
    assert sum(word.isdigit() for word in spelled) > 200


def test_made_up_words_follow_the_list() -> None:
    # Of one word only its own pairs of letters can be made.
    source = Words(["zzqx"])
    rng = np.random.default_rng(1)
    made = {source._made_up(rng) for _ in range(3000)}
    assert any("zq" in word for word in made)
    assert not made & {""}
    assert len(made - set(seen_words())) > 1000


def test_the_same_generator_draws_the_same_words() -> None:
    first, second = (
        [Words().draw(rng) for _ in range(20)]
        for rng in (np.random.default_rng(5), np.random.default_rng(5))
    )
    assert first == second


@pytest.mark.parametrize("word", ["a", "taxi", "x" * LONGEST])
def test_near_strings_are_one_or_two_edits_away(word: str) -> None:
    made = near_strings(word, 200, np.random.default_rng(0))
    assert len(made) == 200
    # An exchange of neighbours is two edits, and two may be made.
    assert {Levenshtein.distance(word, other) for other in made} <= {1, 2, 3, 4}
    assert word not in made
    assert all(1 <= len(other) <= LONGEST and key(other) == other for other in made)


def test_word_lists_are_read_and_checked(tmp_path: Path) -> None:
    path = tmp_path / "words.tsv"
    path.write_text("Hotel\t12\n\ntwo words\nтест\nCafé\n", "utf-8")
    assert read_word_list(path) == ["Hotel", "Café"]
    path.write_text("тест\n", "utf-8")
    with pytest.raises(UsageError, match="has no word"):
        read_word_list(path)
    with pytest.raises(UsageError, match="cannot be read"):
        read_word_list(tmp_path / "none.txt")
