"""The losses of FDP: sections 6 and 7 and checks 5 and 7 of section 14."""

import math

import numpy as np
import pytest
import torch

from sightread.methods.fdp.distractors import HASHES, Lexicon
from sightread.methods.fdp.losses import (
    alignment_loss,
    distraction_loss,
    distraction_target,
    localisation_loss,
)
from sightread.methods.fdp.targets import localisation_target, shrink


def test_alignment_by_hand() -> None:
    # Rows: log(1 + e^-2), log(1 + e^-1); columns: log(1 + e^-3), log(1 + e^0).
    logits = torch.tensor([[3.0, 1.0], [0.0, 1.0]])
    rows = (math.log1p(math.exp(-2)) + math.log1p(math.exp(-1))) / 2
    columns = (math.log1p(math.exp(-3)) + math.log(2)) / 2
    assert alignment_loss(logits).item() == pytest.approx((rows + columns) / 2)


def test_uniform_scores_cost_log_b() -> None:
    assert alignment_loss(torch.full((7, 7), 2.5)).item() == pytest.approx(math.log(7))


def test_several_positives_share_the_target() -> None:
    logits = torch.tensor([[2.0, 1.0, 0.0], [2.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
    eye = torch.eye(3, dtype=torch.bool)
    assert alignment_loss(logits, eye).item() == pytest.approx(alignment_loss(logits).item())
    # Images 0 and 1 show words 0 and 1 both.
    both = eye.clone()
    both[0, 1] = both[1, 0] = True
    log_rows = logits.log_softmax(1)
    log_columns = logits.T.log_softmax(1)
    expected = 0.0
    for table in (log_rows, log_columns):
        pairs = table[0, 0] + table[0, 1] + table[1, 0] + table[1, 1]
        expected += -float(pairs / 2 + table[2, 2]) / 3
    assert alignment_loss(logits, both).item() == pytest.approx(expected / 2)


@pytest.mark.parametrize(
    ("distances", "first", "others"),
    [
        ((0, 1, 1, 1, 1), 0.99955, 0.000113),
        ((0, 2, 2, 2, 2), 0.99971, 0.000073),
        ((0, 5, 5, 5, 5), 0.99978, None),
    ],
)
def test_distraction_targets(
    distances: tuple[int, ...], first: float, others: float | None
) -> None:
    target = distraction_target(torch.tensor([distances]))[0]
    assert target[0].item() == pytest.approx(first, abs=6e-6)
    assert target.sum().item() == pytest.approx(1)
    if others is not None:
        assert target[1:].tolist() == pytest.approx([others] * 4, abs=6e-7)


def test_distraction_temperature_softens_the_target() -> None:
    # 1 / 0.1 = 10 and 1 / 1.1 = 0.909 divided by 10: softmax(1, 0.0909).
    soft = distraction_target(torch.tensor([[0, 1]]), temperature=10.0)[0]
    assert soft[0].item() == pytest.approx(1 / (1 + math.exp(0.0909091 - 1)), abs=1e-6)


def test_distraction_loss_is_kl_of_target_and_prediction() -> None:
    logits = torch.tensor([[1.0, 0.0, -1.0], [0.5, 0.5, 0.5]])
    target = torch.tensor([[0.7, 0.2, 0.1], [0.2, 0.3, 0.5]])
    p = logits.softmax(-1)
    expected = (target * (target / p).log()).sum(-1).mean()
    assert distraction_loss(logits, target).item() == pytest.approx(expected.item())
    assert distraction_loss(target.log(), target).item() == pytest.approx(0, abs=1e-6)


def test_candidates_by_radius_and_order() -> None:
    lexicon = Lexicon(["hotel", "hotels", "hovel", "motel", "model", "yotel", "hostel", "zzz"])
    found = lexicon.candidates("hotel")
    # Five letters: radius 1. "hostel", "hotels", "hovel", "motel", "yotel" are one edit away,
    # "model" two; four places, by spelling.
    assert found.strings == ("hotel", "hostel", "hotels", "hovel", "motel")
    assert found.distances == (0, 1, 1, 1, 1)
    # "model" is out of reach, not only out of places.
    assert Lexicon(["hotel", "model"]).candidates("hotel").strings == ("hotel", *[HASHES] * 4)
    # Six letters: radius 2. "hotel" is one edit away from "hotels", the others two.
    longer = lexicon.candidates("hotels")
    assert longer.strings == ("hotels", "hotel", "hostel", "hovel", "motel")
    assert longer.distances == (0, 1, 2, 2, 2)


def test_padding_stands_at_its_true_distance() -> None:
    found = Lexicon(["taxi", "cab"]).candidates("taxi")
    # "###" to "taxi": three replaced and one inserted, max(3, 4) = 4.
    assert found.strings == ("taxi", HASHES, HASHES, HASHES, HASHES)
    assert found.distances == (0, 4, 4, 4, 4)
    assert Lexicon([]).candidates("a").distances == (0, 3, 3, 3, 3)


def test_random_padding_repeats_itself_and_avoids_what_is_there() -> None:
    words = ["taxi", "cab", "bus", "tram", "train"]
    first, second = (Lexicon(words, padding="random", seed=3).candidates("taxi") for _ in "ab")
    assert first == second
    assert len(set(first.strings)) == 5
    assert Lexicon(["taxi"], padding="random").candidates("taxi").strings[1] == HASHES


def test_localisation_loss_by_hand() -> None:
    logits = torch.tensor([[[2.0, -1.0, 0.5, -3.0, 1.0, 0.0]]])
    target = torch.tensor([[[1.0, 0.0, 0.0, 0.0, 0.0, 0.0]]])
    mask = torch.tensor([[[1.0, 1.0, 1.0, 1.0, 0.0, 1.0]]])
    # One positive, so the three hardest of the four negatives count: logits 0.5, 0, -1.
    cost = [math.log1p(math.exp(-2.0)), *(math.log1p(math.exp(x)) for x in (0.5, 0.0, -1.0))]
    got = localisation_loss(logits, target, mask)
    assert got.item() == pytest.approx(sum(cost) / 4, rel=1e-5)
    # An ignored cell contributes nothing, whatever it says.
    louder = logits.clone()
    louder[0, 0, 4] = 50.0
    assert localisation_loss(louder, target, mask).item() == got.item()


def test_negatives_are_balanced_over_the_batch_not_per_image() -> None:
    logits = torch.tensor([[[0.0, 1.0, 2.0, 3.0]], [[0.0, 0.0, 0.0, 4.0]]])
    target = torch.zeros(2, 1, 4)
    target[0, 0, 0] = 1
    # One positive in the batch: the three hardest negatives are 4 (second image), 3 and 2.
    cost = [math.log(2), *(math.log1p(math.exp(x)) for x in (4.0, 3.0, 2.0))]
    got = localisation_loss(logits, target, torch.ones(2, 1, 4))
    assert got.item() == pytest.approx(sum(cost) / 4, rel=1e-5)


def test_localisation_loss_without_positives_is_zero() -> None:
    logits = torch.randn(2, 3, 3, requires_grad=True)
    loss = localisation_loss(logits, torch.zeros(2, 3, 3), torch.ones(2, 3, 3))
    assert loss.item() == 0
    loss.backward()  # type: ignore[no-untyped-call]
    assert logits.grad is not None
    assert not logits.grad.any()


def test_shrinking_moves_the_outline_inwards() -> None:
    # 100 x 50: A = 5000, perimeter 300, offset int(5000 * 0.84 / 300.001 + 0.5) = 14.
    (left,) = shrink([(0, 0), (100, 0), (100, 50), (0, 50)])
    assert left.min(0).tolist() == [14, 14]
    assert left.max(0).tolist() == [86, 36]
    assert (
        shrink([(0, 0), (3, 0), (3, 3), (0, 3)]) == []
        or len(shrink([(0, 0), (3, 0), (3, 3), (0, 3)])) == 1
    )


def test_targets_sample_the_corners_of_the_cells() -> None:
    wide = [(10.0, 20.0), (150.0, 20.0), (150.0, 80.0), (10.0, 80.0)]
    # A = 8400, perimeter 400, offset int(17.64 + 0.5) = 18: what is left spans x 28..132 and
    # y 38..62. Corners at multiples of 32: x 32, 64, 96, 128; y: none of 32, 64 in 38..62.
    target, mask = localisation_target([wide], [], 160)
    assert not target.any()
    assert mask.all()
    touched, _ = localisation_target([wide], [], 160, sampling="any")
    # x 28..132 touches cells 0 to 4, y 38..62 row 1.
    assert np.argwhere(touched).tolist() == [[1, 0], [1, 1], [1, 2], [1, 3], [1, 4]]
    tall = [(10.0, 20.0), (150.0, 20.0), (150.0, 110.0), (10.0, 110.0)]
    # A = 12600, perimeter 460, offset int(23.0 + 0.5) = 23: x 33..127, y 43..87.
    target, _ = localisation_target([tall], [], 160)
    assert np.argwhere(target).tolist() == [[2, 2], [2, 3]]


def test_ignored_polygons_leave_the_mask() -> None:
    area = [(0.0, 0.0), (70.0, 0.0), (70.0, 40.0), (0.0, 40.0)]
    _, mask = localisation_target([], [area], 96)
    assert mask.tolist() == [[0, 0, 0], [0, 0, 0], [1, 1, 1]]
