from __future__ import annotations

import numpy as np
import pytest

from sightread.readers.nets import Tensor
from sightread.readers.recognise import RecogniserSettings, cut, decode, recognise

ALPHABET = ("", "A", "B", " ")


def columns(*classes: int, probability: float = 0.9) -> Tensor:
    """(T, 4) with the given class the most probable in each column."""
    rest = (1 - probability) / (len(ALPHABET) - 1)
    table = np.full((len(classes), len(ALPHABET)), rest, dtype=np.float32)
    table[np.arange(len(classes)), classes] = probability
    return table


def test_repeats_are_merged_and_blanks_part_them() -> None:
    assert decode(columns(0, 1, 1, 0, 1, 2, 2, 0), ALPHABET, 1.0).text == "AAB"


def test_characters_have_their_columns_as_places() -> None:
    first, second = decode(columns(0, 1, 1, 0, 0, 2, 0, 0), ALPHABET, 1.0).chars
    assert (first.start, first.end) == pytest.approx((1 / 8, 3 / 8))
    assert (second.start, second.end) == pytest.approx((5 / 8, 6 / 8))


def test_places_are_those_in_the_crop_without_its_padding() -> None:
    # The crop is the left half of what the net saw.
    (char,) = decode(columns(0, 1, 1, 0, 0, 0, 0, 0), ALPHABET, 2.0).chars
    assert (char.start, char.end) == pytest.approx((1 / 4, 3 / 4))


def test_the_chance_of_a_space_between_characters_is_kept() -> None:
    table = columns(1, 0, 0, 2)
    table[2] = (0.5, 0.05, 0.05, 0.4)
    first, second = decode(table, ALPHABET, 1.0).chars
    assert first.space_before == 0
    assert second.space_before == pytest.approx(0.4)


def test_no_column_says_anything() -> None:
    line = decode(columns(0, 0, 0), ALPHABET, 1.0)
    assert (line.text, line.confidence) == ("", 0.0)


def test_gaps_are_measured_in_the_picture() -> None:
    # Strokes at 10..20 and 60..70 of 96 columns: 39 columns without ink lie between.
    crop = np.full((48, 96, 3), 255, np.uint8)
    crop[10:40, 10:21] = 0
    crop[10:40, 60:71] = 0

    def net(tensor: Tensor) -> Tensor:
        return np.stack([columns(0, 1, 0, 0, 0, 2, 0, 0)] * len(tensor))

    (line,) = recognise([crop], net, ALPHABET, RecogniserSettings(min_width_px=96))
    assert line.text == "AB"
    first, second = line.chars
    assert second.gap_before == pytest.approx(39 / 48, abs=0.03)
    assert (first.start, first.end) == pytest.approx((10 / 96, 21 / 96), abs=0.02)
    assert (second.start, second.end) == pytest.approx((60 / 96, 71 / 96), abs=0.02)
    assert (line.top, line.bottom) == pytest.approx((10 / 48, 40 / 48), abs=0.03)


def test_lines_keep_their_order_and_batches_their_limit() -> None:
    widths = [400, 48, 900, 120, 60]
    crops = [np.full((48, width, 3), number, np.uint8) for number, width in enumerate(widths)]
    sizes: list[int] = []

    def net(tensor: Tensor) -> Tensor:
        sizes.append(tensor.shape[0] * tensor.shape[3])
        # Says "A" as often as the crop's number, so that a mix-up would show.
        numbers = np.rint((tensor[:, 0, 0, 0] + 1) * 127.5).astype(int)
        return np.stack([columns(*([1, 0] * n + [0, 0] * (5 - n))) for n in numbers])

    settings = RecogniserSettings(min_width_px=160, batch_width_px=500)
    lines = recognise(crops, net, ALPHABET, settings)
    assert [line.text for line in lines] == ["", "A", "AA", "AAA", "AAAA"]
    # Three short lines together, padded to 160; only a single line may exceed the limit.
    assert sorted(sizes) == [416, 480, 928]


def test_no_lines_at_all() -> None:
    assert recognise([], lambda tensor: tensor, ALPHABET, RecogniserSettings()) == []


def test_a_turned_line_is_cut_out_upright() -> None:
    # A picture that grows lighter downwards, read downwards: lighter to the right.
    image = np.repeat(np.arange(200, dtype=np.uint8)[:, None, None], 40, axis=1).repeat(3, axis=2)
    down = np.array([[30, 0], [30, 200], [10, 200], [10, 0]], dtype=np.float32)
    crop = cut(image, down)
    assert crop.shape == (48, 480, 3)
    assert np.all(np.diff(crop[24, :, 0].astype(int)) >= 0)
    assert crop[24, -1, 0] > crop[24, 0, 0] + 150


@pytest.mark.parametrize("size", [(1, 1), (1, 5000), (5000, 1)])
def test_any_box_can_be_cut(size: tuple[int, int]) -> None:
    height, width = size
    image = np.zeros((height, width, 3), np.uint8)
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], dtype=np.float32)
    assert cut(image, corners).shape[0] == 48
