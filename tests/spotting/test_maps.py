import math

import numpy as np
import pytest

from sightread.methods.spotter.targets import draw_targets
from sightread.spotting.maps import FindSettings, Map, find_places
from sightread.spotting.places import Places, corners


def maps(height: int, width: int) -> tuple[Map, Map]:
    """Empty maps of a picture of this size; the geometry says 16 px thick, to the right."""
    geometry = np.zeros((3, height // 4, width // 4), np.float32)
    geometry[1] = 1.0
    return np.zeros((height // 2, width // 2), np.float32), geometry


def test_a_kernel_with_its_rim_is_a_place() -> None:
    kernel, geometry = maps(64, 128)
    kernel[12:16, 10:40] = 0.9
    # Cells of 2 px: the kernel covers x 20 to 80 and y 24 to 32. With a rim of a quarter of 16 px
    # on each side: 16 to 84 and 20 to 36; the height is the thickness that the geometry says.
    found = find_places(kernel, geometry)
    assert found.places == pytest.approx(np.array([[50, 28, 68, 16, 0]]), abs=1e-4)
    assert found.scores == pytest.approx([0.9])


def test_thickness_and_direction_are_averaged_by_probability() -> None:
    kernel, geometry = maps(64, 64)
    kernel[8:12, 8:24] = 0.8
    geometry[0, :, :4] = math.log(2)  # x below 16: half of the cells say 32 px
    # Cells 8 to 23 are x 16 to 48, so none of them lies below 16.
    assert find_places(kernel, geometry).places[0, 3] == pytest.approx(16)
    geometry[0, :, :8] = math.log(2)  # x below 32: 8 of the 16 columns
    # The mean of log 2 and 0 is log sqrt 2: 16 * 1.4142 px.
    assert find_places(kernel, geometry).places[0, 3] == pytest.approx(22.627, rel=1e-4)


def test_neighbours_stay_apart_and_corners_do_not_join() -> None:
    kernel, geometry = maps(64, 128)
    kernel[4:8, 4:14] = kernel[4:8, 16:26] = 0.9  # two cells apart
    kernel[8:12, 26:36] = 0.9  # touches the second at a corner only
    assert len(find_places(kernel, geometry)) == 3


def test_what_is_faint_small_or_thin_is_no_word() -> None:
    kernel, geometry = maps(64, 128)
    kernel[4:8, 4:14] = 0.5  # enough for a cell, not for a word
    kernel[20, 20:22] = 1.0  # two cells
    assert len(find_places(kernel, geometry)) == 0
    kernel[4:8, 4:14] = 0.9
    assert len(find_places(kernel, geometry)) == 1
    geometry[0] = math.log(2 / 16)  # 2 px thick
    assert len(find_places(kernel, geometry)) == 0
    assert len(find_places(kernel, geometry, FindSettings(thinnest_px=1.0))) == 1


def test_only_the_surest_words_are_kept() -> None:
    kernel, geometry = maps(64, 128)
    for at, probability in enumerate((0.7, 0.9, 0.8)):
        kernel[4 + 8 * at : 8 + 8 * at, 4:14] = probability
    found = find_places(kernel, geometry, FindSettings(most=2))
    assert found.scores == pytest.approx([0.9, 0.8])


def test_an_empty_map_has_no_word() -> None:
    found = find_places(*maps(32, 32))
    assert found.places.shape == (0, 5)
    assert len(found) == 0


@pytest.mark.parametrize("angle", [0.0, 0.4, -0.9, 1.6, 3.0])
@pytest.mark.parametrize(("length", "height"), [(120.0, 30.0), (60.0, 12.0), (40.0, 40.0)])
def test_what_training_asks_for_gives_the_words_back(
    angle: float, length: float, height: float
) -> None:
    place: Places = np.array([[161.3, 158.2, length, height, angle]], np.float32)
    targets = draw_targets([*corners(place)], 320, 320)
    found = find_places(targets.kernel, targets.geometry)
    assert len(found) == 1
    # A cell is 2 px, its diagonal 2.8: the middle is exact to half a cell, the length to one.
    assert found.places[0, :2] == pytest.approx(place[0, :2], abs=1.0)
    assert found.places[0, 2] == pytest.approx(length, abs=2.9)
    assert found.places[0, 3] == pytest.approx(height, rel=0.05)
    assert abs(math.remainder(float(found.places[0, 4]) - angle, 2 * math.pi)) < 0.15
