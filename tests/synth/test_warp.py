"""Warps: forward and backward agree, and the middle keeps its size."""

from __future__ import annotations

import numpy as np
import pytest

from sightread.synth.warp import Bend, Warp, plane

BENDS = [
    Bend(),
    Bend("arc", 90.0),
    Bend("arc", -70.0),
    Bend("cylinder", 60.0, 0.4),
    Bend("wave", 80.0, 5.0, 1.2),
]


@pytest.mark.parametrize("bend", BENDS, ids=lambda bend: f"{bend.kind}{bend.size:.0f}")
def test_backward_undoes_forward(bend: Bend) -> None:
    warp = Warp(plane(13.0, 0.2, (0.003, -0.002)), bend).moved(120.0, 70.0)
    u, v = np.meshgrid(np.linspace(-50, 50, 11), np.linspace(-15, 15, 5))
    points = np.stack([u.ravel(), v.ravel()], axis=1)
    there = warp.forward(points)
    back = np.stack(warp.backward(there[:, 0], there[:, 1]), axis=1)
    assert back == pytest.approx(points, abs=1e-8)


@pytest.mark.parametrize("bend", BENDS, ids=lambda bend: f"{bend.kind}{bend.size:.0f}")
def test_the_middle_stays_in_place_and_upright_lengths_keep_their_size(bend: Bend) -> None:
    warp = Warp(plane(13.0, 0.0, (0.003, -0.002)), bend)
    step = 1e-6
    middle, below = warp.forward(np.array([[0.0, 0.0], [0.0, step]]))
    assert middle == pytest.approx((0, 0), abs=1e-12)
    # One unit down at the origin is one pixel, whatever the bend, turned by 13 degrees.
    turned = (-np.sin(np.radians(13)), np.cos(np.radians(13)))
    assert (below - middle) / step == pytest.approx(turned, abs=1e-4)


def test_an_arc_is_an_arc() -> None:
    # Over a quarter of a circle of radius 40 (u = 40 * pi / 2) one has gone 40 right and 40 down.
    warp = Warp(plane(0.0, 0.0, (0.0, 0.0)), Bend("arc", 40.0))
    assert warp.forward(np.array([[20 * np.pi, 0.0]]))[0] == pytest.approx((40.0, 40.0))


def test_what_recedes_gets_smaller() -> None:
    # At u = 50 the depth is 1 + 50 * 0.01 = 1.5, so that everything there is 1.5 times as small.
    warp = Warp(plane(0.0, 0.0, (0.01, 0.0)))
    top, bottom = warp.forward(np.array([[50.0, -6.0], [50.0, 6.0]]))
    assert bottom - top == pytest.approx((0.0, 8.0))
