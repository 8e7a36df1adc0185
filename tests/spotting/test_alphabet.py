import numpy as np
import pytest

from sightread.errors import UsageError
from sightread.spotting.alphabet import (
    ASKED,
    CLASSES,
    CONTEXT,
    END,
    READ,
    START,
    query_ids,
    reading_classes,
    spell,
)


def test_words_are_spelled_as_the_search_compares_them() -> None:
    assert spell("Café!") == spell("CAFE") == "cafe"
    assert spell("RE-16a") == "re16a"
    assert spell("x" * 30) == "x" * 25


def test_ids_count_from_the_start_mark_to_the_end_mark() -> None:
    # a is 1, b is 2; 0 is character 27 of a-z0-9. Then nothing.
    assert query_ids(["ab0"]).tolist() == [[START, 1, 2, 27, END, *[0] * (CONTEXT - 5)]]
    assert query_ids(["z" * 40]).tolist() == [[START, *[26] * 25, END]]
    assert query_ids([]).shape == (0, CONTEXT)


@pytest.mark.parametrize(
    ("word", "said"), [("тест", "'тес'"), ("東京", "'東京'"), ("!?", "no letter")]
)
def test_what_cannot_be_asked_is_named(word: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        spell(word)


def test_readings_keep_accents_and_marks() -> None:
    assert "".join(READ[n - 1] for n in reading_classes("Café-Ñ!")) == "café-ñ!"
    assert reading_classes("\u6771a") == [1]
    assert len(set(READ)) == len(READ) == CLASSES - 1
    assert set(ASKED) <= set(READ)
    assert np.array_equal(reading_classes(READ), np.arange(1, CLASSES))
