"""Texts as rows of ids: layout, truncation, refusals."""

import threading

import numpy as np
import pytest
from tokenizers import Tokenizer as Pieces
from tokenizers import models, pre_tokenizers

from sightread.errors import ModelError, UsageError
from sightread.tokenizer import Tokenizer, TokenizerSource, TokenLayout

LAYOUT = TokenLayout(context_length=6, start_id=10, end_id=11, pad_id=0)


def source(layout: TokenLayout = LAYOUT) -> TokenizerSource:
    """Words of a vocabulary of four; "?" stands for unknown ones."""
    vocabulary = {"?": 1, "coffee": 2, "shop": 3, "taxi": 4}
    pieces = Pieces(models.WordLevel(vocabulary, unk_token="?"))
    pieces.pre_tokenizer = pre_tokenizers.Whitespace()
    return TokenizerSource(pieces.to_str(), layout)


def test_layout() -> None:
    ids = Tokenizer(source())(["coffee shop", "taxi", "taxi xyz"])
    assert ids.dtype == np.int64
    assert ids.tolist() == [
        [10, 2, 3, 11, 0, 0],
        [10, 4, 11, 0, 0, 0],
        [10, 4, 1, 11, 0, 0],
    ]


def test_the_end_survives_truncation() -> None:
    ids = Tokenizer(source())(["taxi shop coffee taxi shop coffee"])
    assert ids.tolist() == [[10, 4, 3, 2, 4, 11]]


def test_what_the_file_says_about_length_is_ignored() -> None:
    pieces = Pieces.from_str(source().json)
    pieces.enable_truncation(2)
    pieces.enable_padding(length=9, pad_id=4)
    tokenizer = Tokenizer(TokenizerSource(pieces.to_str(), LAYOUT))
    assert tokenizer(["coffee shop taxi"]).tolist() == [[10, 2, 3, 4, 11, 0]]


def test_vocabulary_is_without_the_layout() -> None:
    assert Tokenizer(source()).vocabulary().tolist() == [1, 2, 3, 4]
    layout = TokenLayout(6, start_id=2, end_id=3)
    assert Tokenizer(source(layout)).vocabulary().tolist() == [1, 4]


def test_no_texts_no_rows() -> None:
    assert Tokenizer(source())([]).shape == (0, 6)


@pytest.mark.parametrize("text", ["", "  ", "\n"])
def test_empty_texts_are_refused(text: str) -> None:
    with pytest.raises(UsageError, match="has no words"):
        Tokenizer(source())(["coffee", text])


def test_a_broken_file_is_refused() -> None:
    with pytest.raises(ModelError, match="tokenizer cannot be read"):
        Tokenizer(TokenizerSource("{}"))


def test_layout_round_trip_and_refusals() -> None:
    assert TokenLayout.from_json(LAYOUT.to_json()) == LAYOUT
    for data in (
        {"start_id": None},
        LAYOUT.to_json() | {"extra": 1},
        LAYOUT.to_json() | {"pad_id": "0"},
    ):
        with pytest.raises(ModelError, match="token layout"):
            TokenLayout.from_json(data)
    with pytest.raises(ModelError, match="context length of 2"):
        TokenLayout(context_length=2)


def test_several_threads_get_the_same() -> None:
    tokenizer = Tokenizer(source())
    results: list[list[list[int]]] = []
    work = lambda: results.append(tokenizer(["coffee shop", "taxi"] * 50).tolist())  # noqa: E731
    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 4
    assert all(one == results[0] for one in results)
