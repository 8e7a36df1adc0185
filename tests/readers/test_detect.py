from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from sightread.readers.areas import Area
from sightread.readers.detect import (
    Corners,
    DetectorSettings,
    detect,
    detect_in,
    grow,
    in_reading_order,
    scale_for,
)
from sightread.readers.nets import Tensor

SETTINGS = DetectorSettings(
    side_limit_px=960,
    enlarge_to_px=960,
    enlarge_limit=2,
    border_px=16,
    pixel_threshold=0.3,
    box_threshold=0.5,
    unclip_ratio=1.6,
)


@pytest.mark.parametrize(
    ("width", "height", "scale"),
    [(1920, 1080, 0.5), (960, 10, 1.0), (640, 480, 1.5), (100, 50, 2.0), (1, 1, 2.0)],
)
def test_scale(width: int, height: int, scale: float) -> None:
    assert scale_for(width, height, SETTINGS) == pytest.approx(scale)


def test_a_mark_becomes_a_grown_box_in_pixels_of_the_picture() -> None:
    # 480 x 240 is shown twice as large, 960 x 480, with 16 px on each side: 992 x 512.
    def net(tensor: Tensor) -> Tensor:
        assert tensor.shape == (1, 3, 512, 992)
        marks = np.zeros((1, 1, 512, 992), dtype=np.float32)
        marks[0, 0, 116:157, 216:417] = 1  # x 100..200 and y 50..70 of the picture
        return marks

    (line,) = detect(np.zeros((240, 480, 3), np.uint8), net, SETTINGS)
    left, top = line.corners[0]
    right, bottom = line.corners[2]
    # A kernel of 100 x 20 grows by 1.6 * 2000 / 240 = 13.3 px on each side... of its height and
    # width together, that is 6.7 px at each edge if measured at the smaller scale of the box.
    growth = 1.6 * 100 * 20 / (2 * (100 + 20))
    assert (left, top) == pytest.approx((100 - growth, 50 - growth), abs=1)
    assert (right, bottom) == pytest.approx((200 + growth, 70 + growth), abs=1)
    assert line.score == pytest.approx(1, abs=0.1)


def test_weak_and_tiny_marks_are_no_text() -> None:
    def net(tensor: Tensor) -> Tensor:
        marks = np.zeros((1, 1, *tensor.shape[2:]), dtype=np.float32)
        marks[0, 0, 40:60, 40:140] = 0.32  # above the pixel threshold, below that of the box
        marks[0, 0, 100, 100] = 1  # a single pixel
        return marks

    assert detect(np.zeros((240, 480, 3), np.uint8), net, SETTINGS) == []


def test_a_second_look_adds_only_what_the_first_missed() -> None:
    seen: list[tuple[int, ...]] = []

    def net(tensor: Tensor) -> Tensor:
        seen.append(tensor.shape)
        marks = np.zeros((1, 1, *tensor.shape[2:]), dtype=np.float32)
        if len(seen) == 1:
            marks[0, 0, 116:157, 216:417] = 1  # x 100..200, y 50..70
        else:
            marks[0, 0, 66:87, 116:217] = 1  # the same at half the scale
            marks[0, 0, 160:180, 216:316] = 1  # something else
        return marks

    settings = replace(SETTINGS, coarse_scale=0.5)
    lines = detect(np.zeros((240, 480, 3), np.uint8), net, settings)
    assert len(seen) == 2
    assert len(lines) == 2


def test_lines_of_one_area_may_overlap_those_of_two_are_the_same() -> None:
    def net(tensor: Tensor) -> Tensor:
        marks = np.zeros((1, 1, *tensor.shape[2:]), dtype=np.float32)
        marks[0, 0, 116:157, 216:417] = 1
        marks[0, 0, 162:172, 216:276] = 1  # inside of what the first one grows to
        return marks

    image = np.zeros((240, 480, 3), np.uint8)
    whole = Area(0, 0, 480, 240, 2.0)
    alone = detect(image, net, SETTINGS)
    assert len(alone) == 2
    for areas in ([whole], [whole, whole]):
        found = detect_in(image, areas, net, SETTINGS)
        np.testing.assert_allclose(
            [line.corners for line in found], [line.corners for line in alone]
        )


def box(*points: tuple[float, float]) -> Corners:
    return np.array(points, dtype=np.float32)


@pytest.mark.parametrize("shift", range(4))
def test_a_wide_box_begins_at_its_top_left(shift: int) -> None:
    wide = box((10, 10), (90, 20), (88, 40), (8, 30))
    assert in_reading_order(np.roll(wide, shift, axis=0)) == pytest.approx(wide)
    assert in_reading_order(np.roll(wide[::-1], shift, axis=0)) == pytest.approx(wide)


def test_a_tall_box_is_read_downwards() -> None:
    tall = box((0, 0), (10, 0), (10, 100), (0, 100))
    assert in_reading_order(tall) == pytest.approx(box((10, 0), (10, 100), (0, 100), (0, 0)))


def test_growing_adds_a_share_of_the_height_on_all_sides() -> None:
    flat = box((10, 10), (110, 10), (110, 30), (10, 30))
    assert grow(flat, 0.1) == pytest.approx(box((8, 8), (112, 8), (112, 32), (8, 32)))
    assert grow(grow(flat, 0.1), 0) == pytest.approx(grow(flat, 0.1))
