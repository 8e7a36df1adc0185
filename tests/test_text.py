"""The one normaliser: index and query must agree on it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sightread.text import fold, key, letters, tokens, words


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Café!", ("cafe",)),
        ("RE-16A", ("re-16a", "re16a", "re", "16a", "16")),
        ("£1.44", ("1.44", "144", "1", "44")),
        ("(SALE)", ("sale",)),
        ("don’t", ("don't", "dont", "don", "t")),
        ("Brand™", ("brand",)),
        ("Straße", ("strasse",)),
        ("İSTANBUL", ("istanbul",)),
        ("Smørrebrød", ("smorrebrod",)),
        ("ﬁne", ("fine",)),
        ("ＦＵＬＬ", ("full",)),
        ("東京駅", ("東京駅", "東京", "京駅")),
        ("が", ("が",)),  # the voicing mark is part of the letter, not an accent
        ("x_y", ("x_y", "xy", "x", "y")),
        ("...", ()),
        ("", ()),
    ],
)
def test_tokens(text: str, expected: tuple[str, ...]) -> None:
    assert tokens(text) == expected


@given(st.text(max_size=20))
def test_tokens_are_folded_already(text: str) -> None:
    for token in tokens(text):
        assert tokens(token)[0] == token
    assert fold(fold(text)) == fold(text)
    assert key(key(text)) == key(text)
    assert (key(text) == "") == (tokens(text) == ())


@given(st.text(max_size=20))
def test_letter_case_changes_nothing(text: str) -> None:
    if text.isascii():
        assert tokens(text.upper()) == tokens(text.lower())


def test_words_and_letters() -> None:
    assert words("Fresh  bread – daily & hot\n") == ["Fresh", "bread", "daily", "hot"]
    assert letters("ab1") == 3
    assert letters("東京") == 6
