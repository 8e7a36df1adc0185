"""From maps of probabilities to boxes, on maps drawn by hand."""

import numpy as np
import pytest
from numpy.typing import NDArray

from sightread.encoders.areas import heat, text_areas
from sightread.preprocess import PreprocessSpec
from sightread.types import TextArea

PAD = PreprocessSpec(40)
"""With a 4 x 4 map a cell is 10 px of the input."""


def drawn(*rows: str) -> NDArray[np.float32]:
    """Digits are tenths."""
    return np.array([[int(char) / 10 for char in row] for row in rows], np.float32)


def boxes(areas: tuple[TextArea, ...]) -> list[tuple[float, float, float, float]]:
    return [(*area.box[0], *area.box[2]) for area in areas]


def test_connected_cells_are_one_area() -> None:
    """The picture is 40 x 40 px, as the input. Cells touch at corners too."""
    areas = text_areas(drawn("9700", "0080", "0000", "5000"), 0.5, 40, 40, PAD)
    assert boxes(areas) == [(0, 0, 30, 20), (0, 30, 10, 40)]
    assert [area.confidence for area in areas] == pytest.approx([0.8, 0.5])


def test_the_surest_comes_first_then_top_to_bottom() -> None:
    areas = text_areas(drawn("6006", "0000", "9006", "0000"), 0.5, 40, 40, PAD)
    assert boxes(areas) == [(0, 20, 10, 30), (0, 0, 10, 10), (30, 0, 40, 10), (30, 20, 40, 30)]


def test_corners_run_clockwise_from_the_top_left() -> None:
    (area,) = text_areas(drawn("0000", "0700", "0000", "0000"), 0.5, 40, 40, PAD)
    assert area.box == ((10, 10), (20, 10), (20, 20), (10, 20))


def test_padding_is_left_out() -> None:
    """80 x 40 px fill the upper half of the input, at half size; a cell is 20 px."""
    areas = text_areas(drawn("0900", "0000", "0009", "9000"), 0.5, 80, 40, PAD)
    assert boxes(areas) == [(20, 0, 40, 20)]
    across = text_areas(drawn("0000", "9000", "9000", "0000"), 0.5, 80, 40, PAD)
    assert boxes(across) == [(0, 20, 20, 40)], "cut off where the padding begins"


def test_crops_and_squashes_are_undone() -> None:
    whole = np.ones((4, 4), np.float32)
    assert boxes(text_areas(whole, 0.5, 80, 40, PreprocessSpec(40, "crop"))) == [(20, 0, 60, 40)]
    assert boxes(text_areas(whole, 0.5, 80, 40, PreprocessSpec(40, "squash"))) == [(0, 0, 80, 40)]


def test_maps_need_not_be_square() -> None:
    areas = text_areas(drawn("09", "00", "00", "00"), 0.5, 40, 40, PAD)
    assert boxes(areas) == [(20, 0, 40, 10)]


@pytest.mark.parametrize("level", [0.0, 0.49])
def test_no_text_no_areas(level: float) -> None:
    assert text_areas(np.full((4, 4), level, np.float32), 0.5, 40, 40, PAD) == ()


def test_heat_has_the_cells_values_in_their_middles_and_is_linear_between() -> None:
    """The picture is 40 x 40 px, as the input; cells are 10 px, their middles at 5, 15, 25, 35."""
    warm = heat(drawn("0800", "0800", "0800", "0800"), 40, 40, PAD)
    assert warm.shape == (40, 40)
    # Pixel x has its middle at x + 0.5: x = 10 is (10.5 - 5) / 10 of the way from 0 to 0.8.
    assert warm[7, [0, 4, 10, 14, 24]] == pytest.approx([0, 0, 0.44, 0.76, 0.04], abs=0.005)
    assert (warm[0] == warm[39]).all()
    # The same turned on its side: down is not across.
    turned = heat(drawn("0000", "8888", "0000", "0000"), 40, 40, PAD)
    assert (turned == warm.T).all()


def test_heat_knows_how_the_picture_became_the_input() -> None:
    """80 x 40 px fill the upper half of the input at half size; what the crop cut off is like the
    nearest cell."""
    padded = heat(drawn("0009", "0009", "9000", "9000"), 80, 40, PAD)
    assert padded.shape == (40, 80)
    assert padded[10, 79] == pytest.approx(0.9)
    assert padded[10, 0] == 0
    cropped = heat(drawn("9000", "9000", "9000", "9000"), 80, 40, PreprocessSpec(40, "crop"))
    assert cropped[20, [0, 20, 60]] == pytest.approx([0.9, 0.9, 0.0])
