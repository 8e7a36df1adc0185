"""Grounds have the size that is asked for and change with the seed; faults have their strength."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sightread.synth import degrade
from sightread.synth.grounds import GROUNDS, photograph
from sightread.types import RGBImage


def grey(value: int = 128, size: tuple[int, int] = (90, 120)) -> RGBImage:
    return np.full((*size, 3), value, np.uint8)


@pytest.mark.parametrize("name", [*GROUNDS])
@pytest.mark.parametrize("size", [(160, 160), (33, 170), (500, 20)])
def test_grounds_have_the_size_that_is_asked_for(name: str, size: tuple[int, int]) -> None:
    first, again, other = (GROUNDS[name](*size, np.random.default_rng(s)) for s in (1, 1, 2))
    assert first.shape == (size[1], size[0], 3)
    assert first.dtype == np.uint8
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_photographs_are_cut_and_never_stretched(tmp_path: Path) -> None:
    # Columns get brighter by one from left to right, so that the step between columns is the scale.
    ramp = np.broadcast_to(np.arange(200, dtype=np.uint8)[None, :, None], (100, 200, 3))
    Image.fromarray(np.ascontiguousarray(ramp)).save(tmp_path / "ramp.png")
    for seed in range(8):
        piece = photograph(tmp_path / "ramp.png", 50, 50, np.random.default_rng(seed))
        assert piece.shape == (50, 50, 3)
        steps = np.diff(piece[25, :, 0].astype(int))
        # 50 columns show between half of and all the 100 rows: 1 to 2 columns each.
        assert 0.9 <= abs(steps.mean()) <= 2.1


def test_tiny_photographs_are_enlarged(tmp_path: Path) -> None:
    Image.new("L", (3, 2), 77).save(tmp_path / "tiny.gif")
    piece = photograph(tmp_path / "tiny.gif", 64, 48, np.random.default_rng(0))
    assert piece.shape == (48, 64, 3)
    assert (piece == 77).all()


def test_noise_has_its_standard_deviation() -> None:
    noisy = degrade.add_noise(grey(), 6.0, np.random.default_rng(0)).astype(float) - 128
    assert noisy.std() == pytest.approx(6.0, rel=0.05)
    assert abs(noisy.mean()) < 0.3
    # Half of the variance is common to the three channels.
    assert np.corrcoef(noisy[..., 0].ravel(), noisy[..., 1].ravel())[0, 1] == pytest.approx(
        0.5, abs=0.05
    )


def test_noise_covers_pictures_larger_than_its_store() -> None:
    noisy = degrade.add_noise(grey(size=(20, 1100)), 6.0, np.random.default_rng(0))
    assert noisy.shape == (20, 1100, 3)
    assert noisy[:, 1050:].std() == pytest.approx(6.0, rel=0.15)


@pytest.mark.parametrize("angle", [0.0, 0.7, np.pi / 2, 2.5])
def test_shaking_moves_nothing(angle: float) -> None:
    dot = np.zeros((41, 41, 3), np.uint8)
    dot[20, 20] = 255
    smeared = degrade.shake(dot, 8.0, angle)[..., 0].astype(float)
    ys, xs = np.indices(smeared.shape)
    assert (smeared * xs).sum() / smeared.sum() == pytest.approx(20, abs=0.1)
    assert (smeared * ys).sum() / smeared.sum() == pytest.approx(20, abs=0.1)
    lit = np.argwhere(smeared > 0)
    assert np.hypot(*np.ptp(lit, axis=0)) == pytest.approx(8, abs=1.5)
    along = np.array([np.sin(angle), np.cos(angle)])
    across = np.array([along[1], -along[0]])
    assert np.abs((lit - 20) @ across).max() <= 0.8


def test_defocus_spreads_by_its_sigma() -> None:
    edge = np.zeros((21, 81, 3), np.uint8)
    edge[:, 40:] = 255
    slope = np.diff(degrade.defocus(edge, 3.0)[10, :, 0].astype(float)) / 255
    places = np.arange(len(slope))
    middle = (slope * places).sum()
    # The slope of a blurred edge is the Gaussian itself.
    assert np.sqrt((slope * (places - middle) ** 2).sum()) == pytest.approx(3.0, rel=0.05)


def test_light_goes_down_by_its_share() -> None:
    assert degrade.dim(grey(200), 0.5, 0.0)[0, 0].tolist() == [100, 100, 100]
    # A warmth of 1 is a tenth more red and a tenth less blue.
    assert degrade.dim(grey(200), 0.5, 1.0)[0, 0].tolist() == [110, 100, 90]
    shaded = degrade.shade_unevenly(grey(200), 0.4, np.random.default_rng(0))
    # Between corners the field may swing a little over them.
    assert 200 * 0.6 - 12 <= shaded.min() < shaded.max() <= 212
    assert np.ptp(shaded.astype(int)) > 10


def test_compression_loses_more_with_less_quality() -> None:
    rng = np.random.default_rng(0)
    picture = rng.integers(0, 256, (64, 64, 3), dtype=np.uint8)
    loss = [
        np.abs(degrade.compress(picture, quality).astype(int) - picture).mean()
        for quality in (95, 40)
    ]
    assert 0 < loss[0] < loss[1]
    # Red stays red: channels come back in their order.
    red = np.zeros((32, 32, 3), np.uint8)
    red[..., 0] = 220
    assert degrade.compress(red, 90)[16, 16].tolist() == pytest.approx([220, 0, 0], abs=6)
