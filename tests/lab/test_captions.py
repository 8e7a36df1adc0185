"""Ranks of captions and pictures, counted by hand; ties count half."""

from pathlib import Path

import numpy as np
import pytest

from sightread.errors import SightreadError
from sightread.lab.captions import evaluate_captions, half_tied_ranks, rank_captions
from sightread.tasks import RetrievalTask
from sightread.types import WordRegion
from tests.lab.colours import ColourEncoder, colour_task
from tests.lab.reading import ReadingColours

PICTURES = {"1": "r", "2": "rg", "3": "g", "4": "b"}
BOX = ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0))


def task(pictures: dict[str, str] = PICTURES) -> RetrievalTask:
    """Two captions for picture 2, one for each of the others; that of 4 says another colour."""
    queries = {"1": ("r", "1"), "2a": ("rg", "2"), "2b": ("gr", "2"), "3": ("g", "3")}
    queries["4"] = ("w", "4")
    return colour_task(pictures, {name: (text, {own}) for name, (text, own) in queries.items()})


def test_ranks_by_hand() -> None:
    scores = np.array(
        [[0.9, 0.1, 0.5], [0.9, 0.2, 0.5], [0.3, 0.3, 0.3], [0.1, 0.7, 0.7]], np.float32
    )
    right = np.eye(4, 3, dtype=bool)
    right[3, 1] = True
    ranks, tied = half_tied_ranks(scores, right)
    assert ranks.tolist() == [1, 3, 2, 1.5]  # third: two level ones count half each
    assert tied.tolist() == [False, False, True, True]
    # The best of several right ones counts, and right ones are never in each other's way.
    right = np.array([[True, True, False]])
    assert half_tied_ranks(scores[2:3], right)[0].tolist() == [1.5]
    assert half_tied_ranks(scores[1:2], right)[0].tolist() == [1]


def test_an_encoder_that_sees_nothing_is_as_good_as_chance() -> None:
    """Equal vectors: with strict comparison this would be a perfect recall."""
    same = np.ones((100, 1), np.float32)
    found = rank_captions(same, same, np.arange(100), np.zeros(100, bool))
    for ranks, tied in (found.text_to_image, found.image_to_text):
        assert set(ranks.tolist()) == {50.5}
        assert tied.all()


def test_a_score_that_is_not_a_number_is_an_error() -> None:
    scores = np.array([[0.5, np.nan]], np.float32)
    with pytest.raises(SightreadError, match=r"A score is not a number.*models verify"):
        half_tied_ranks(scores, np.array([[True, False]]))


def test_both_directions() -> None:
    found = evaluate_captions(ColourEncoder(), task())
    # "w" for picture 4: all four pictures score 0, the three wrong ones count half: 2.5.
    assert found.text_to_image.hit_at_k == {1: 0.8, 5: 1.0, 10: 1.0}
    assert found.text_to_image.tied == 0.2
    # Picture 4 (blue) scores 0 with every caption: the four wrong ones count half: 3.
    assert found.image_to_text.hit_at_k == {1: 0.75, 5: 1.0, 10: 1.0}
    assert found.image_to_text.tied == 0.25
    assert found.r_sum == pytest.approx(80 + 75 + 400)
    assert (found.text_to_image.median_rank, found.image_to_text.median_rank) == (1, 1)


def test_pictures_without_a_vector_come_last() -> None:
    found = evaluate_captions(ColourEncoder(), task(PICTURES | {"3": ""}))
    assert found.missing == {"3": "the file is empty (0 bytes)"}
    # Captions 3 and 4 fail; picture 3 asks for nothing, and stands in nobody's way.
    assert found.text_to_image.hit_at_k[1] == 0.6
    assert found.text_to_image.hit_at_k[5] == 1.0
    assert found.image_to_text.hit_at_k[1] == 0.5
    with pytest.raises(SightreadError, match="None of the 4 pictures can be used: the file is em"):
        evaluate_captions(ColourEncoder(), task(dict.fromkeys(PICTURES, "")))


def words_of(picture: str, width: int, height: int) -> list[WordRegion]:
    assert (width, height) == (4 * len(PICTURES[picture]), 4)
    return [WordRegion(BOX, 1.0, "ww")] if picture == "4" else []


def test_what_is_written_goes_to_encoders_that_take_it(tmp_path: Path) -> None:
    plain = evaluate_captions(ReadingColours(), task(), cache=tmp_path)
    assert plain.text_to_image.hit_at_k[1] == 0.8
    found = evaluate_captions(ReadingColours(), task(), words=words_of, cache=tmp_path)
    assert found.text_to_image.hit_at_k[1] == found.image_to_text.hit_at_k[1] == 1.0
    # Pictures without words are the same as before; the other one has a vector of its own.
    assert found.cached == 3
    assert evaluate_captions(ReadingColours(), task(), words=words_of, cache=tmp_path).cached == 4
    assert evaluate_captions(ReadingColours(), task(), cache=tmp_path).cached == 4


def test_groups_are_those_of_the_captions_and_of_their_pictures() -> None:
    queries: dict[str, tuple[str, set[str]]] = {"a": ("r", {"1"}), "b": ("b", {"3"})}
    found = evaluate_captions(
        ColourEncoder(), colour_task({"1": "r", "3": "g"}, queries, a="with", b="without")
    )
    expected = {"with": {1: 1.0, 5: 1.0, 10: 1.0}, "without": {1: 0.0, 5: 1.0, 10: 1.0}}
    assert found.text_to_image.by_group == found.image_to_text.by_group == expected


def test_a_caption_has_one_picture() -> None:
    broken = colour_task({"1": "r", "2": "g"}, {"a": ("r", {"1", "2"})})
    with pytest.raises(ValueError, match="caption 'a' has other than one picture"):
        evaluate_captions(ColourEncoder(), broken)
