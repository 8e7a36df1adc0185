"""The image side of FDP: sections 4.3 to 4.7 and checks 1 to 4 of section 14."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from sightread.clip.config import CONFIGS
from sightread.clip.model import CLIP, ModifiedResNet
from sightread.errors import UsageError
from sightread.methods.fdp.config import FdpConfig
from sightread.methods.fdp.image import attention_bias, expanded_positions
from sightread.methods.fdp.model import FDP
from tests.methods.fdp.conftest import DOT, TINY, make_clip, make_fdp


def test_with_text_everywhere_the_pool_gives_clips_own_embedding() -> None:
    model = make_fdp(size_px=64, probing=False)
    torch.nn.init.zeros_(model.localisation.classify.weight)
    model.localisation.classify.bias.data.fill_(40.0)  # type: ignore[union-attr]  # S = 1
    pictures = torch.randn(3, 3, 64, 64)
    ours = model.encode_image(pictures).features
    torch.testing.assert_close(ours, make_clip().encode_image(pictures), atol=1e-4, rtol=0)


@pytest.mark.parametrize("how", ["flat_nearest", "grid_nearest", "grid_bicubic"])
def test_at_the_native_size_every_start_is_clips_table(how: str) -> None:
    table = torch.randn(50, 6)
    assert torch.equal(expanded_positions(table, 7, how), table)


def test_flat_nearest_stretches_the_list_of_rows() -> None:
    rows = torch.arange(50.0)[:, None].expand(-1, 3)
    stretched = expanded_positions(rows, 20, "flat_nearest")
    assert stretched.shape == (401, 3)
    assert stretched[:, 1].tolist() == [float(i * 50 // 401) for i in range(401)]
    # floor(8 * 50 / 401) = 0, floor(9 * 50 / 401) = 1.
    assert stretched[8, 0] == 0
    assert stretched[9, 0] == 1


def test_grid_nearest_differs_from_flat_nearest_in_most_cells() -> None:
    rows = torch.arange(50.0)[:, None]
    flat, grid = (expanded_positions(rows, 20, how) for how in ("flat_nearest", "grid_nearest"))
    # Section 4.3: 54 of the 400 cells agree.
    assert int((flat[1:] == grid[1:]).sum()) == 54
    assert grid[0] == 0


def test_localisation_starts_as_the_pools_projections(fdp: FDP) -> None:
    grid = torch.randn(2, 128, 3, 3)
    dense = fdp.localisation.project(fdp.localisation.value(grid))
    pool = fdp.visual.attnpool
    for cell in ((0, 0), (1, 2), (2, 1)):
        expected = pool.c_proj(pool.v_proj(grid[:, :, cell[0], cell[1]]))
        torch.testing.assert_close(dense[:, :, cell[0], cell[1]], expected, atol=1e-5, rtol=1e-5)


def test_the_shift_is_what_the_equation_says(fdp: FDP, images: Tensor) -> None:
    """Section 4.5 with loops in numpy, one head at a time."""
    pool = fdp.visual.attnpool
    grid = fdp.grid(images)
    got = pool.attend(
        pool.tokens(grid, fdp.positions),
        attention_bias(fdp.localisation(grid), fdp.config, pool.heads),
    )
    for b in range(len(images)):
        cells = grid[b].flatten(1).T.numpy().astype(np.float64)  # (9, C)
        x = np.vstack([cells.mean(0), cells]) + fdp.positions.detach().numpy()
        text_map = fdp.localisation(grid)[b].detach().numpy().ravel().astype(np.float64)
        m = np.concatenate([[1.0], 1 / (1 + np.exp(-text_map))])
        q, k, v = (_linear(part, x) for part in (pool.q_proj, pool.k_proj, pool.v_proj))
        heads = []
        for h in range(pool.heads):
            part = slice(h * 64, (h + 1) * 64)
            logits = k[:, part] @ q[0, part] / 8 + m  # sqrt(64) = 8
            weights = np.exp(logits) / np.exp(logits).sum()
            heads.append(weights @ v[:, part])
        expected = _linear(pool.c_proj, np.concatenate(heads))
        np.testing.assert_allclose(got[b].detach().numpy(), expected, atol=1e-4)


def _linear(layer: torch.nn.Linear, x: np.ndarray) -> np.ndarray:
    weight, bias = layer.weight.detach().numpy(), layer.bias.detach().numpy()
    result: np.ndarray = x @ weight.T.astype(np.float64) + bias
    return result


def test_multiplicative_scales_the_weights() -> None:
    text_map = torch.tensor([[[0.0, 2.0], [-3.0, 1.0]]])
    config = FdpConfig(attention_shift="multiplicative")
    bias = attention_bias(text_map, config, 2)
    assert bias is not None
    logits = torch.tensor([[0.3, -0.2, 0.9, 0.1, 0.5]])
    weights = (logits + bias).softmax(-1)
    scale = torch.tensor([[1.0, *text_map.sigmoid().flatten().tolist()]])
    expected = logits.exp() * scale
    torch.testing.assert_close(weights, expected / expected.sum())


def test_off_and_additive_biases() -> None:
    text_map = torch.tensor([[[0.0, 2.0]]])
    assert attention_bias(text_map, FdpConfig(attention_shift="off"), 2) is None
    bias = attention_bias(text_map, FdpConfig(), 2)
    # sigmoid(0) = 0.5, sigmoid(2) = 0.8808.
    torch.testing.assert_close(bias, torch.tensor([[1.0, 0.5, 0.880797]]))


def test_legacy_tiling_mixes_images_and_heads() -> None:
    batch, heads = 48, 32
    text_map = torch.arange(float(batch))[:, None, None] / 8 - 3
    bias = attention_bias(text_map, FdpConfig(legacy_mask_tiling=True), heads)
    assert bias is not None
    assert bias.shape == (batch, heads, 2)
    own = text_map[:, 0].sigmoid()  # (B, 1)
    # Section 12.1: 32 of the 1,536 pairs have their own image's map.
    assert int((bias[:, :, 1] == own).sum()) == 32
    assert bias[1, 3, 1] == own[(1 * 32 + 3) % 48, 0]


@pytest.mark.parametrize(("legacy", "same"), [(False, True), (True, False)])
def test_an_image_is_the_same_alone_and_in_a_batch(legacy: bool, same: bool) -> None:
    model = make_fdp(legacy_mask_tiling=legacy, probing=False)
    torch.nn.init.normal_(model.localisation.classify.weight, std=20.0)
    grids = torch.randn(5, 128, 3, 3)
    together = model.image_head(grids).features
    alone = torch.cat([model.image_head(grid[None]).features for grid in grids])
    assert torch.allclose(together, alone, atol=1e-4) == same


def test_probing_equals_its_constant_when_nothing_is_dropped(fdp: FDP) -> None:
    features = torch.randn(4, 32)
    full = fdp.probing.norm(features + fdp.probing.attended(features, fdp.probe))
    torch.testing.assert_close(fdp.probing(features, fdp.probe), full)


def test_probing_drops_only_in_training(fdp: FDP) -> None:
    features = torch.randn(4, 32)
    calm = fdp.probing(features, fdp.probe)
    assert torch.equal(calm, fdp.probing(features, fdp.probe))
    fdp.train()
    assert not torch.allclose(calm, fdp.probing(features, fdp.probe))


def test_the_image_feature_is_the_sum(fdp: FDP, images: Tensor) -> None:
    grid = fdp.grid(images)
    pool = fdp.visual.attnpool
    bias = attention_bias(fdp.localisation(grid), fdp.config, pool.heads)
    g = pool.attend(pool.tokens(grid, fdp.positions), bias)
    u = F.layer_norm(
        g + fdp.probing.constant(fdp.probe),
        (32,),
        fdp.probing.norm.weight,
        fdp.probing.norm.bias,
        1e-6,
    )
    torch.testing.assert_close(fdp.encode_image(images).features, g + u)
    assert torch.allclose(make_fdp(probing=False).encode_image(images).features, g, atol=1e-5)


def test_the_map_sees_features_without_positions(fdp: FDP, images: Tensor) -> None:
    before = fdp.encode_image(images).text_map
    torch.nn.init.normal_(fdp.positions)
    assert torch.equal(before, fdp.encode_image(images).text_map)


def test_clip_keeps_its_statistics_in_training(fdp: FDP, images: Tensor) -> None:
    fdp.train()
    grid = fdp.grid(images)
    assert torch.equal(grid, fdp.eval().grid(images))
    assert not grid.requires_grad


@pytest.mark.parametrize(
    ("variant", "trainable"), [("S", 40_676_353), ("B", 22_330_000), ("L", 31_910_000)]
)
def test_trainable_parameters_of_the_variants(variant: str, trainable: int) -> None:
    """Sections 4.8 (S, exactly) and 10 (B and L, in units of 10,000)."""
    config = FdpConfig(variant=variant)  # type: ignore[arg-type]
    with torch.device("meta"):
        model = FDP(CLIP(CONFIGS[config.backbone]), config, DOT)
    count = sum(p.numel() for p in model.parameters() if p.requires_grad)
    assert count == trainable if variant == "S" else abs(count - trainable) <= 5_000


def test_a_vit_and_a_crooked_size_are_refused() -> None:
    vit = CLIP(CONFIGS["tiny-ViT"])
    with pytest.raises(UsageError, match="tiny-ViT is a ViT"):
        FDP(vit, FdpConfig(), DOT)
    with pytest.raises(UsageError, match="size_px is 650"):
        FDP(CLIP(TINY), FdpConfig(size_px=650), DOT)
    assert isinstance(make_clip().visual, ModifiedResNet)
