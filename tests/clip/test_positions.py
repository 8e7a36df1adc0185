"""Position tables are resized in two dimensions."""

import numpy as np
import pytest
import torch

from sightread.clip.positions import Interpolation, resize_positions
from tests.clip.oracle import resize_grid


@pytest.mark.parametrize("how", ["nearest", "bicubic"])
@pytest.mark.parametrize(("old", "new"), [(7, 20), (7, 5), (3, 4), (1, 3), (5, 1), (2, 3)])
def test_against_a_numpy_oracle(old: int, new: int, how: Interpolation) -> None:
    rng = np.random.default_rng(old * 100 + new)
    table = rng.normal(size=(1 + old * old, 6))
    got = resize_positions(torch.from_numpy(table), new, how).numpy()
    expected = resize_grid(table[1:].reshape(old, old, 6), new, how).reshape(new * new, 6)
    np.testing.assert_array_equal(got[0], table[0])
    np.testing.assert_allclose(got[1:], expected, atol=1e-12)


def test_rows_stay_rows() -> None:
    # The grid 0 1 / 2 3, row by row. Twice as fine with nearest: 0 0 1 1 / 0 0 1 1 / 2 2 3 3 / ...
    table = torch.tensor([[9.0], [0.0], [1.0], [2.0], [3.0]])
    got = resize_positions(table, 4, "nearest")[:, 0].tolist()
    assert got == [9, 0, 0, 1, 1, 0, 0, 1, 1, 2, 2, 3, 3, 2, 2, 3, 3]


def test_the_same_side_is_a_copy() -> None:
    table = torch.randn(10, 3, generator=torch.Generator().manual_seed(0))
    got = resize_positions(table, 3)
    assert got.equal(table)
    got[0] = 0
    assert not got.equal(table)


@pytest.mark.parametrize("rows", [3, 7, 12])
def test_a_grid_that_is_not_square_is_refused(rows: int) -> None:
    with pytest.raises(ValueError, match=f"{rows} rows is not 1 \\+ a square number"):
        resize_positions(torch.zeros(rows, 2), 4)
