"""From maps of probabilities to boxes, on maps drawn by hand."""

import numpy as np
import pytest
from numpy.typing import NDArray

from sightread.encoders.areas import text_areas
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
