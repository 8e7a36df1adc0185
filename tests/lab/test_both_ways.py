"""Ranks in both directions, counted by hand."""

from dataclasses import replace

import numpy as np
import pytest

from sightread.errors import PictureError, SightreadError
from sightread.lab.both_ways import evaluate_both_ways, find_ranks, query_vectors
from sightread.tasks import RetrievalTask
from sightread.types import RGBImage
from tests.lab.colours import ColourEncoder, stripes

PICTURES = {"1": "r", "2": "rg", "3": "g", "4": "b"}
CAPTIONS = {"1": "r", "2": "rg", "3": "r", "4": "gone"}


def task(captions: dict[str, str] = CAPTIONS, lost: str = "") -> RetrievalTask:
    def load(picture: str) -> RGBImage:
        if picture == lost:
            raise PictureError("torn")
        return stripes(PICTURES[picture])

    return RetrievalTask(
        name="pairs",
        queries=captions,
        gallery=tuple(PICTURES),
        load=load,
        qrels={name: frozenset([name]) for name in captions},
        groups={"1": "head", "2": "head", "3": "tail", "4": "tail"},
    )


def ranks(scores: list[list[float]], same: list[int] | None = None) -> tuple[list[int], ...]:
    """Of queries whose scores these are: own, best of the same text, tied."""
    table, count = np.array(scores, np.float32), len(scores)
    none, groups = np.zeros(count, bool), np.array(same or range(count))
    found = find_ranks(table, np.eye(count, dtype=np.float32), groups, none, none)
    return found.own.tolist(), found.same.tolist(), found.tied.tolist()


def test_ranks_by_hand() -> None:
    own, same, tied = ranks([[0.9, 0.1, 0.5], [0.9, 0.2, 0.5], [0.3, 0.3, 0.3]])
    assert own == same == [1, 3, 3]
    assert tied == [False, False, True]
    # Texts 0 and 1 are the same: query 1 may answer with item 0, and item 1 is not ahead of 0.
    own, same, _ = ranks([[0.5, 0.9, 0.7], [0.9, 0.2, 0.5], [0.1, 0.2, 0.9]], [0, 0, 1])
    assert own == [3, 3, 1]
    assert same == [1, 1, 1]


def test_what_has_no_vector_comes_last() -> None:
    vectors = np.eye(3, dtype=np.float32)
    lost, none = np.array([False, True, False]), np.zeros(3, bool)
    assert find_ranks(vectors, vectors, np.arange(3), none, lost).own.tolist() == [1, 3, 1]
    found = find_ranks(vectors, vectors, np.arange(3), lost, none)
    assert found.own.tolist() == found.same.tolist() == [1, 3, 1]


def test_both_directions() -> None:
    found = evaluate_both_ways(ColourEncoder(), task({"1": "r", "2": "rg", "3": "g", "4": "b"}))
    assert found.text_to_image.hit_at_k == found.image_to_text.hit_at_k == {1: 1, 5: 1, 10: 1}
    assert found.text_to_image.by_group == {
        "head": {1: 1, 5: 1, 10: 1},
        "tail": {1: 1, 5: 1, 10: 1},
    }
    assert (found.pairs, found.told, found.revision) == (4, 0, "colours-1")


def test_captions_that_occur_twice_are_counted_both_ways() -> None:
    found = evaluate_both_ways(ColourEncoder(), task({"1": "r", "2": "rg", "3": "r", "4": "b"}))
    # "r" for picture 3, which is green: 0, as blue; red and red-green are ahead.
    assert found.text_to_image.hit_at_k[1] == 0.75
    assert found.text_to_image.same_text[1] == 1.0
    assert found.text_to_image.mean_rank == (1 + 1 + 4 + 1) / 4
    assert found.text_to_image.median_rank == 1
    # Picture 1 finds two captions "r" with one score: a tie, against us.
    assert found.image_to_text.tied == pytest.approx(2 / 4)
    assert found.image_to_text.same_text[1] == pytest.approx(3 / 4)


def test_broken_pictures_rank_last_in_both_directions() -> None:
    found = evaluate_both_ways(
        ColourEncoder(), task({"1": "r", "2": "rg", "3": "g", "4": "b"}, lost="2")
    )
    assert found.missing == {"2": "torn"}
    assert found.text_to_image.mean_rank == found.image_to_text.mean_rank == (1 + 4 + 1 + 1) / 4
    assert found.text_to_image.by_group["head"][1] == 0.5


def test_an_explanation_is_added_to_its_caption() -> None:
    encoder = ColourEncoder()
    texts = {"a": "r", "b": "r"}
    plain = query_vectors(encoder, texts, {})
    fused = query_vectors(encoder, texts, {"b": "g"})
    assert np.array_equal(plain[0], fused[0])
    expected = plain[1] + encoder.encode_texts(["g"])[0]
    assert np.allclose(fused[1], expected / np.linalg.norm(expected))
    captions = {"1": "r", "2": "r", "3": "g", "4": "b"}
    found = evaluate_both_ways(encoder, task(captions), told={"2": "g", "3": " "})
    assert found.told == 1
    assert found.text_to_image.hit_at_k[1] == 1.0


def test_tasks_of_another_form_are_refused() -> None:
    good = task()
    for broken in (
        replace(good, qrels={**good.qrels, "1": frozenset("12")}),
        replace(good, qrels={**good.qrels, "1": frozenset("2")}),
        replace(good, qrels={**good.qrels, "1": frozenset("9")}),
        replace(good, gallery=tuple("12345")),
    ):
        with pytest.raises(ValueError, match="one"):
            evaluate_both_ways(ColourEncoder(), broken)
    with pytest.raises(SightreadError, match="None of the 1 pictures can be used: torn"):
        evaluate_both_ways(
            ColourEncoder(),
            replace(task({"1": "r"}, lost="1"), gallery=("1",)),
        )
