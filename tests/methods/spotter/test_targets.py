import numpy as np
import pytest

from sightread.methods.spotter.targets import draw_targets, kernel_outline

WORD = [(16.0, 20.0), (96.0, 20.0), (96.0, 44.0), (16.0, 44.0)]
"""80 x 24 px."""


def test_the_kernel_lacks_a_quarter_of_the_thickness() -> None:
    # 24 / 4 = 6 px on each side.
    assert kernel_outline(WORD) == pytest.approx(
        np.array([(22, 26), (90, 26), (90, 38), (22, 38)], float)
    )


def test_something_is_left_of_a_short_word() -> None:
    # 8 px long and 40 px thick: a rim of 10 px would leave nothing, so a tenth is left: 0.8 px.
    inner = kernel_outline([(0, 0), (8, 0), (8, 40), (0, 40)])
    assert inner == pytest.approx(np.array([(3.6, 10), (4.4, 10), (4.4, 30), (3.6, 30)]))


def test_a_bent_kernel_follows_the_word() -> None:
    outline = [(0, 10), (40, 0), (80, 10), (80, 30), (40, 20), (0, 30)]
    inner = kernel_outline(outline)
    # 20 px thick everywhere: the middle of its top lies 5 px under that of the word.
    assert (40.0, 5.0) in [tuple(point) for point in inner.tolist()]


def test_cells_inside_are_marked_and_weighed() -> None:
    targets = draw_targets([WORD], 128, 64)
    # x 22 to 90 and y 26 to 38 in cells of 2 px: columns 11 to 44, rows 13 to 18.
    rows, columns = np.nonzero(targets.kernel)
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (13, 18, 11, 44)
    assert targets.kernel.sum() == 6 * 34
    covered = targets.weights > 0
    assert targets.geometry[0][covered] == pytest.approx(np.log(24 / 16))
    assert targets.geometry[1][covered] == pytest.approx(1)
    # All cells of a word weigh its length in thicknesses together.
    assert targets.weights.sum() == pytest.approx(80 / 24)
    assert targets.mask.all()


def test_what_is_too_thin_counts_neither_way() -> None:
    targets = draw_targets([[(10, 10), (60, 10), (60, 13), (10, 13)]], 128, 64)
    assert targets.kernel.sum() == targets.weights.sum() == 0
    assert 0 < (targets.mask == 0).sum() <= 26 * 3


def test_an_empty_scene_has_empty_maps() -> None:
    targets = draw_targets([], 64, 32)
    assert targets.kernel.shape == (16, 32)
    assert targets.geometry.shape == (3, 8, 16)
    assert targets.kernel.sum() == 0
