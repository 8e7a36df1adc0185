"""The attention pool against plain loops, and its shift, which FDP adds to the logits."""

import numpy as np
import pytest
import torch
from torch import Tensor

from sightread.clip.model import AttentionPool2d
from tests.clip.formula import values
from tests.clip.oracle import attention_pool

BATCH, CHANNELS, HEADS, HEIGHT, WIDTH, DIM = 3, 15, 5, 2, 3, 7
COUNT = 1 + HEIGHT * WIDTH


@pytest.fixture
def pool() -> AttentionPool2d:
    module = AttentionPool2d(HEIGHT * WIDTH, CHANNELS, HEADS, DIM).double().eval()
    with torch.no_grad():
        for name, tensor in module.named_parameters():
            tensor.copy_(torch.from_numpy(values(name, tuple(tensor.shape))))
    return module


GRID = torch.from_numpy(values("grid", (BATCH, CHANNELS, HEIGHT, WIDTH)) * 2)
SHIFT = torch.from_numpy(values("shift", (BATCH, HEADS, COUNT)) * 3)


def expected(pool: AttentionPool2d, shift: Tensor | None = None) -> Tensor:
    weights = {name: tensor.detach().numpy() for name, tensor in pool.named_parameters()}
    rows = [
        attention_pool(grid.numpy(), weights, HEADS, None if shift is None else shift[at].numpy())
        for at, grid in enumerate(GRID)
    ]
    return torch.from_numpy(np.array(rows))


def near(ours: Tensor, theirs: Tensor) -> None:
    torch.testing.assert_close(ours, theirs, atol=1e-12, rtol=1e-12)


@torch.no_grad()
def test_against_plain_loops(pool: AttentionPool2d) -> None:
    near(pool(GRID), expected(pool))


@torch.no_grad()
def test_a_shift_for_each_head(pool: AttentionPool2d) -> None:
    near(pool.attend(pool.tokens(GRID), SHIFT), expected(pool, SHIFT))


@torch.no_grad()
def test_one_shift_for_all_heads(pool: AttentionPool2d) -> None:
    shift = SHIFT[:, 1]  # (B, T)
    all_heads = shift[:, None].expand(-1, HEADS, -1)
    near(pool.attend(pool.tokens(GRID), shift), expected(pool, all_heads))


@torch.no_grad()
def test_a_constant_added_to_the_shift_changes_nothing(pool: AttentionPool2d) -> None:
    tokens = pool.tokens(GRID)
    near(pool.attend(tokens, SHIFT + 1.7), pool.attend(tokens, SHIFT))
    near(pool.attend(tokens, torch.full((BATCH, COUNT), -2.5).double()), pool(GRID))


@torch.no_grad()
def test_a_strong_shift_points_at_one_cell(pool: AttentionPool2d) -> None:
    tokens = pool.tokens(GRID)
    for cell in range(COUNT):
        shift = torch.zeros(BATCH, COUNT).double()
        shift[:, cell] = 1e4
        # All weight on one token: its value, projected.
        near(pool.attend(tokens, shift), pool.c_proj(pool.v_proj(tokens[:, cell])))


@torch.no_grad()
def test_tokens_have_the_mean_in_front_and_given_positions(pool: AttentionPool2d) -> None:
    positions = torch.from_numpy(values("positions", (COUNT, CHANNELS)))
    tokens = pool.tokens(GRID, positions)
    near(tokens[:, 0], GRID.mean((2, 3)) + positions[0])
    for y in range(HEIGHT):
        for x in range(WIDTH):
            row = 1 + y * WIDTH + x
            near(tokens[:, row], GRID[:, :, y, x] + positions[row])
    near(pool.tokens(GRID), tokens - positions + pool.positional_embedding)


@torch.no_grad()
def test_a_picture_is_pooled_as_if_it_were_alone(pool: AttentionPool2d) -> None:
    together = pool.attend(pool.tokens(GRID), SHIFT)
    for at in range(BATCH):
        alone = pool.attend(pool.tokens(GRID[at : at + 1]), SHIFT[at : at + 1])
        near(together[at : at + 1], alone)
