"""Evaluation against numbers derived by hand and against a plain full-matrix oracle."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from sightread.errors import PictureError, SightreadError, UsageError
from sightread.lab.encoding import EncodingProgress
from sightread.lab.evaluate import evaluate, first_pictures
from sightread.tasks import RetrievalTask
from sightread.types import EncoderSpec, ImageEmbedding, RGBImage, Vectors
from tests.lab.colours import ColourEncoder, colour_task

PICTURES = {"red": "r", "mostly": "rrg", "green": "g", "sky": "bw", "copy": "r"}


def test_by_hand() -> None:
    task = colour_task(
        PICTURES,
        {
            # cos with r: red 1, copy 1, mostly 2/sqrt 5, green 0, sky 0. Relevant: mostly, rank 3.
            "one": ("r", {"mostly"}),
            # The same order. Relevant: red, tied with copy, which is wrong and so goes first.
            "two": ("rr", {"red", "mostly"}),  # ranks 2, 3 -> (1/2 + 2/3) / 2
            # cos with g: green 1, mostly 1/sqrt 5, and three zeros.
            "three": ("g", {"green"}),  # rank 1
        },
        one="single",
        two="double",
        three="single",
    )
    found = evaluate(ColourEncoder(), task, ks=(1, 2, 5))
    assert found.average_precision == pytest.approx({"one": 1 / 3, "two": 7 / 12, "three": 1.0})
    assert found.map == pytest.approx((1 / 3 + 7 / 12 + 1) / 3)
    assert found.map_by_group == pytest.approx({"double": 7 / 12, "single": 2 / 3})
    assert found.hit_at_k == pytest.approx({1: 1 / 3, 2: 2 / 3, 5: 1.0})
    assert (found.queries, found.pictures, found.missing, found.cached) == (3, 5, {}, 0)
    assert (found.task, found.encoder, found.revision) == ("stripes", "colour counter", "colours-1")


def test_a_broken_picture_is_reported_and_comes_last() -> None:
    # "x" is decoded but refused by the encoder, in the middle of a batch.
    pictures = {"red": "r", "broken": "", "odd": "x", "sky": "bw", "green": "g"}
    task = colour_task(pictures, {"q": ("r", {"red", "broken"})})
    encoder = ColourEncoder()
    found = evaluate(encoder, task, batch=3)
    # red is first, broken comes after odd, sky and green: rank 5 of 5.
    assert found.average_precision["q"] == pytest.approx((1 / 1 + 2 / 5) / 2)
    assert found.missing == {
        "broken": "the file is empty (0 bytes)",
        "odd": "the picture has none of the colours",
    }
    # Three at once, then each alone since one was refused, then the rest.
    assert encoder.batches == [3, 1, 1, 1, 1]


class Table:
    """Given vectors; a picture is the number of its row, as one pixel."""

    def __init__(self, images: NDArray[np.float64], texts: NDArray[np.float64]) -> None:
        self.images, self.texts = _unit(images), _unit(texts)
        self.spec = EncoderSpec("table", images.shape[1], "t")

    def encode_images(self, images: Sequence[RGBImage]) -> list[ImageEmbedding]:
        return [ImageEmbedding(self.images[int(image[0, 0, 0])]) for image in images]

    def encode_texts(self, texts: Sequence[str]) -> Vectors:
        return np.stack([self.texts[int(text)] for text in texts])


def _unit(vectors: NDArray[np.float64]) -> Vectors:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / lengths, np.float32)


def table_task(relevant: NDArray[np.bool_]) -> RetrievalTask:
    queries, pictures = relevant.shape
    right = [frozenset(f"p{p}" for p in np.flatnonzero(row)) for row in relevant]
    return RetrievalTask(
        name="table",
        queries={f"q{q}": str(q) for q in range(queries)},
        gallery=tuple(f"p{p}" for p in range(pictures)),
        load=lambda picture: np.full((1, 1, 3), int(picture[1:]), np.uint8),
        qrels={f"q{q}": right[q] for q in range(queries)},
    )


def oracle(scores: NDArray[np.float64], relevant: NDArray[np.bool_], k: int) -> tuple[float, float]:
    """(mAP, R@k) by sorting and walking down the list, wrong ones first among equals."""
    precisions, hits = [], []
    for row, right in zip(scores, relevant, strict=True):
        order = sorted(range(len(row)), key=lambda p: (-row[p], right[p]))
        found, total = 0, 0.0
        for rank, p in enumerate(order, 1):
            if right[p]:
                found += 1
                total += found / rank
        precisions.append(total / found)
        hits.append(any(right[p] for p in order[:k]))
    return float(np.mean(precisions)), float(np.mean(hits))


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(
    ("batch", "workers", "chunk"), [(1, 1, 1), (3, 2, 4), (4, 1, 3), (2, 5, 11), (100, 3, 100)]
)
def test_against_a_plain_oracle(seed: int, batch: int, workers: int, chunk: int) -> None:
    queries, pictures, dim = 11, 19, 13
    random = np.random.default_rng(seed)
    images = random.normal(size=(pictures, dim))
    images[[3, 8, 17, 18]] = images[0]  # the same picture five times: ties in every row
    relevant = random.random((queries, pictures)) < 0.3
    relevant[:, 8] |= ~relevant.any(axis=1)
    encoder = Table(images, random.normal(size=(queries, dim)))
    # Rounded so that the tied pictures are tied here too, however the product is summed up.
    scores = np.round(encoder.texts.astype(float) @ encoder.images.astype(float).T, 6)
    task = table_task(relevant)
    found = evaluate(encoder, task, batch=batch, workers=workers, query_chunk=chunk, ks=(2,))
    expected_map, expected_hit = oracle(scores, relevant, 2)
    assert found.map == pytest.approx(expected_map, abs=1e-12)
    assert found.hit_at_k == {2: pytest.approx(expected_hit, abs=1e-12)}


def test_equal_vectors_are_ties_wherever_they_stand() -> None:
    # Single-precision products of equal rows differ in the last bit between the blocks in which
    # a matrix is multiplied; 250 copies of one picture must tie all the same.
    random = np.random.default_rng(0)
    images = np.tile(random.normal(size=(1, 515)), (251, 1))
    relevant = np.zeros((7, 251), dtype=bool)
    relevant[:, 0] = True
    found = evaluate(Table(images, random.normal(size=(7, 515))), table_task(relevant))
    assert found.map == pytest.approx(1 / 251)


def test_a_broken_picture_is_behind_all_others_even_those_that_point_away() -> None:
    def load(picture: str) -> RGBImage:
        if picture == "p0":
            raise PictureError("gone")
        return np.full((1, 1, 3), int(picture[1:]), np.uint8)

    task = replace(table_task(np.array([[True, False, False]])), load=load)
    found = evaluate(Table(np.array([[1.0], [-1.0], [-2.0]]), np.array([[1.0]])), task)
    assert found.map == pytest.approx(1 / 3)


def test_no_usable_picture_is_one_sentence() -> None:
    task = colour_task({"a": "", "b": "x"}, {"q": ("r", {"a"})})
    with pytest.raises(SightreadError, match="None of the 2 pictures can be used: the file is em"):
        evaluate(ColourEncoder(), task)


def test_a_try_on_the_first_pictures_keeps_the_queries_that_they_answer() -> None:
    task = colour_task(PICTURES, {"q": ("r", {"red", "sky"}), "w": ("w", {"sky"})}, q="group")
    short = first_pictures(task, 3)
    assert short.gallery == ("red", "mostly", "green")
    assert (short.queries, short.qrels) == ({"q": "r"}, {"q": frozenset({"red"})})
    assert evaluate(ColourEncoder(), short).map == 1.0
    assert first_pictures(task, 99) == task
    with pytest.raises(UsageError, match="The first 0 pictures of stripes answer none"):
        first_pictures(task, 0)


def test_progress_counts_every_picture() -> None:
    seen: list[EncodingProgress] = []
    task = colour_task({**PICTURES, "broken": ""}, {"q": ("r", {"red"})})
    evaluate(ColourEncoder(), task, batch=4, progress=seen.append)
    assert [one.done for one in seen] == [1, 2, 3, 4, 5, 6]
    assert {one.total for one in seen} == {6}
    assert (seen[-1].missing, seen[-1].cached) == (1, 0)
    assert all(one.pictures_per_s > 0 for one in seen)


@pytest.mark.parametrize(
    ("gallery", "qrels", "said"),
    [
        (("a", "a"), {"q": frozenset("a")}, "in the gallery twice"),
        (("a",), {}, "for query 'q' relevant is nothing"),
        (("a",), {"q": frozenset("ab")}, "for query 'q' relevant is b"),
    ],
)
def test_a_task_that_contradicts_itself_is_refused(
    gallery: tuple[str, ...], qrels: dict[str, frozenset[str]], said: str
) -> None:
    task = RetrievalTask("t", {"q": "r"}, gallery, lambda _: np.zeros((1, 1, 3), np.uint8), qrels)
    with pytest.raises(ValueError, match=said):
        evaluate(ColourEncoder(), task)


def test_numbers_are_checked() -> None:
    task = colour_task(PICTURES, {"q": ("r", {"red"})})
    with pytest.raises(ValueError, match="batch is 0"):
        evaluate(ColourEncoder(), task, batch=0)
    with pytest.raises(ValueError, match="workers is 0"):
        evaluate(ColourEncoder(), task, workers=0)
    with pytest.raises(ValueError, match="query_chunk 0"):
        evaluate(ColourEncoder(), task, query_chunk=0)
    with pytest.raises(ValueError, match="must be 1 or more"):
        evaluate(ColourEncoder(), task, ks=(0,))
    empty = RetrievalTask("t", {}, ("a",), lambda _: np.zeros((1, 1, 3), np.uint8), {})
    with pytest.raises(ValueError, match="no queries"):
        evaluate(ColourEncoder(), empty)
