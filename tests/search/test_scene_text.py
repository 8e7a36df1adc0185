"""Encoders that take words, when they are asked: what they get, and what the evidence says."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from sightread.cli.answers import print_table
from sightread.explained import SceneText
from sightread.protocols import Store
from sightread.search.channels import Channels
from sightread.search.engine import Engine
from sightread.search.evidence import scene_text
from sightread.store import open_store
from sightread.types import ImageEmbedding, PictureRecord, Quad, TextArea
from sightread.wire import hit_fields
from tests.colours import NAMES, direction
from tests.search.ingest.test_reading_encoders import WordyEncoder
from tests.search.test_engine import box, line, picture

RED = direction(np.array(NAMES["red"]))


def bearing(number: int, words: tuple[str, ...], *shares: float, off: float = 0) -> PictureRecord:
    """A red picture of whose vector each word has a share."""
    record = picture(number, *line(*words))
    boxes: list[Quad] = [box(100.0 * at + off, off) for at in range(len(words))]
    areas = tuple(TextArea(*one) for one in zip(boxes, shares, strict=False))
    return replace(record, embeddings={"caption": ImageEmbedding(RED, areas)})


PICTURES = [
    bearing(1, ("HILTON", "HOTEL", "EXIT"), 0.3, 0.12, 0.01),
    bearing(2, (), *()),
    bearing(3, ("IBIS", "IBIS"), 0.75, 0.5, off=1.5),
]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    folder: Path = tmp_path_factory.mktemp("words") / "library"
    opened = open_store(str(folder), write=True, create=True)
    opened.open_space(WordyEncoder().spec)
    opened.put(PICTURES)
    opened.flush()
    yield opened
    opened.close()


def test_how_much_words_count_and_which_do() -> None:
    told = scene_text(PICTURES[0], "caption")
    assert told is not None
    assert told.counts == pytest.approx(0.43)
    assert told.words == ("HILTON", "HOTEL")  # less than a tenth of it is not worth a word
    assert scene_text(PICTURES[1], "caption") == SceneText(0.0, ())
    # Never more than all; twice the same word is told once; a box cut off at an edge is its word's.
    assert scene_text(PICTURES[2], "caption") == SceneText(1.0, ("IBIS",))
    assert scene_text(PICTURES[0], "entity") is None
    plain = replace(PICTURES[0], embeddings={"scene-text": PICTURES[0].embeddings["caption"]})
    assert scene_text(plain, "scene-text") is None  # areas that were not read


def test_an_answer_says_it(store: Store, capsys: pytest.CaptureFixture[str]) -> None:

    engine = Engine(store, Channels(store, lambda _: WordyEncoder()))
    result = engine.search("red", also=["caption"], threshold=0.5)
    found = {hit.id: hit for hit in result.hits}
    assert set(found) == {1, 2, 3}
    [evidence] = found[1].evidence
    assert evidence.scene_text is not None
    assert evidence.scene_text.words == ("HILTON", "HOTEL")
    assert hit_fields(found[1], 1)["evidence"][0]["scene_text"] == {
        "counts": 0.43,
        "words": ["HILTON", "HOTEL"],
    }
    assert hit_fields(found[2], 2)["evidence"][0]["scene_text"] == {"counts": 0.0, "words": []}
    print_table(result, sys.stdout, width=200)
    table = capsys.readouterr().out
    assert "meaning (caption; what is written counts 0.43: HILTON, HOTEL)" in table
    assert table.count("what is written") == 2


def test_what_is_quoted_stays_quoted_for_who_infers_what_is_written(store: Store) -> None:
    encoder = WordyEncoder()
    engine = Engine(store, Channels(store, lambda _: encoder))
    engine.search('red "hilton palace" sign')
    assert encoder.asked == ["red", "sign", 'red "hilton palace" sign']
