"""Candidates from a vocabulary, against plain oracles."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rapidfuzz.distance import Levenshtein

from sightread.search.confusion import ALIKE, CLOSE, INITIAL, weighted_distances
from sightread.search.match import Matcher
from sightread.types import Vocabulary


def matcher(*tokens: str) -> Matcher:
    found = sorted(set(tokens))
    return Matcher(Vocabulary(found, np.arange(1, len(found) + 1, dtype=np.int64)))


words = st.text(alphabet="abcdeilmnorsu01", min_size=1, max_size=9)


@pytest.mark.parametrize(
    ("word", "reading", "cost"),
    [
        ("coffee", "coffee", 0.0),
        ("zone", "z0ne", ALIKE),
        ("bill", "b1ll", ALIKE),
        ("modern", "modem", ALIKE),  # rn read as m
        ("modem", "modern", ALIKE),  # m read as rn
        ("door", "cloor", ALIKE),
        ("coffee", "toffee", 1.0),
        ("cat", "eat", CLOSE),
        ("coffee", "coffe", 1.0),
        ("coffee", "offee", INITIAL),
        ("offee", "coffee", 1.0),
        ("10", "lo", 2 * ALIKE),
        ("ab", "", 1 + INITIAL),
    ],
)
def test_confusions_cost_less(word: str, reading: str, cost: float) -> None:
    assert weighted_distances(word, [reading])[0] == pytest.approx(cost)


@given(words, st.lists(words, min_size=1, max_size=7))
def test_weighted_distance_bounds(word: str, others: list[str]) -> None:
    costs = weighted_distances(word, others)
    for other, cost in zip(others, costs, strict=True):
        # one confusion, of two characters for one, is at most two plain edits
        plain = Levenshtein.distance(word, other)
        assert ALIKE * plain / 2 - 1e-5 <= cost <= plain + 1e-5
        # only the loss of the first letter is cheaper than its gain
        back = weighted_distances(other, [word])[0]
        assert abs(back - cost) <= 1 - INITIAL + 1e-5
    # each distance is its own: the batch it is computed in changes nothing
    assert [weighted_distances(word, [o])[0] for o in others] == pytest.approx(list(costs))


@given(words, st.lists(words, min_size=1, max_size=30), st.integers(0, 3))
def test_edits_are_complete(word: str, tokens: list[str], limit: int) -> None:
    found = {c.token: c.edits for c in matcher(*tokens).candidates(word, "edits", limit)}
    distances = {t: Levenshtein.distance(word, t) for t in tokens}
    assert found == {t: d for t, d in distances.items() if d <= limit}


@given(words, st.lists(words, min_size=1, max_size=30))
def test_prefix_and_part_are_complete(word: str, tokens: list[str]) -> None:
    some = matcher(*tokens)
    assert {c.token for c in some.candidates(word, "prefix")} == {
        t for t in tokens if t.startswith(word)
    }
    assert {c.token for c in some.candidates(word, "part")} == {t for t in tokens if word in t}


@given(words, st.lists(words, max_size=12))
def test_halves_are_tokens(word: str, tokens: list[str]) -> None:
    for left, right in matcher(*tokens).halves(word):
        assert left + right == word
        assert left in tokens
        assert right in tokens


def test_kinds_are_told_apart() -> None:
    some = matcher("coffee", "c0ffee", "toffee", "coffees", "coffeeshop", "offee", "tea")
    kinds = {(c.token, c.kind) for c in some.candidates("coffee")}
    assert {
        ("coffee", "exact"),
        ("c0ffee", "look-alike"),
        ("toffee", "edits"),
        ("coffees", "edits"),
        ("offee", "edits"),
        ("coffees", "part"),
        ("coffeeshop", "part"),
    } == kinds
    assert [c.token for c in some.candidates("coffee", "exact")] == ["coffee"]
    assert some.candidates("latte", "exact") == []
    assert some.nearest("cofee")[0] == "coffee"


def test_nothing_matches_nothing() -> None:
    assert matcher().candidates("word") == []
    assert matcher("word").candidates("") == []
    assert matcher("日本", "日本語").candidates("日本", "prefix")[0].kind == "exact"


@given(st.text(max_size=30), st.lists(st.text(min_size=1, max_size=5), max_size=5))
def test_any_text_is_a_word(word: str, tokens: list[str]) -> None:
    some = matcher(*[t.replace("\n", "") for t in tokens if t.replace("\n", "")])
    for mode in ("similar", "exact", "edits", "prefix", "part"):
        found = some.candidates(word.replace("\n", ""), mode, 2)
        assert all(c.token in some.tokens for c in found)
