"""Plain pictures with known words."""

from __future__ import annotations

import numpy as np
import pytest

from sightread.synth.simple import render_words
from sightread.types import Quad, RGBImage


def ink_inside(pixels: RGBImage, quad: Quad) -> int:
    """How many pixels in the quad's outer box differ clearly from the picture's ground."""
    x0, y0 = (int(v) for v in quad[0])
    x1, y1 = (int(np.ceil(v)) for v in quad[2])
    patch = pixels[y0:y1, x0:x1].astype(int)
    return int((np.abs(patch - pixels[0, 0].astype(int)).max(axis=2) > 80).sum())


def test_every_word_has_ink_in_its_quad_and_none_elsewhere() -> None:
    words = ["Coffee", "shop", "open", "24", "hours"]
    pixels, quads = render_words(words, (640, 480), seed=3)
    assert pixels.shape == (480, 640, 3)
    assert len(quads) == len(words)
    inside = [ink_inside(pixels, quad) for quad in quads]
    assert min(inside) > 50
    whole = ((0.0, 0.0), (640.0, 0.0), (640.0, 480.0), (0.0, 480.0))
    # Quads are tight: at most the smoothed rim of the letters may lie outside.
    assert ink_inside(pixels, whole) - sum(inside) <= 0.02 * sum(inside)


def test_quads_are_tight_around_the_ink() -> None:
    pixels, (quad,) = render_words(["HELLO"], (400, 200), text_px=60)
    ys, xs = np.nonzero(np.abs(pixels.astype(int) - pixels[0, 0].astype(int)).max(axis=2) > 60)
    assert quad[0] == pytest.approx((xs.min(), ys.min()), abs=2)
    assert quad[2] == pytest.approx((xs.max() + 1, ys.max() + 1), abs=2)


def test_same_seed_same_pixels_other_seed_other_pixels() -> None:
    first, _ = render_words(["one", "two"], seed=1)
    again, _ = render_words(["one", "two"], seed=1)
    other, _ = render_words(["one", "two"], seed=2)
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_many_long_words_still_fit() -> None:
    words = ["incomprehensibilities"] * 40
    _, quads = render_words(words, (320, 240))
    corners = np.array(quads)
    assert corners.min() >= 0
    assert corners[..., 0].max() <= 320
    assert corners[..., 1].max() <= 240


def test_an_entry_with_a_space_is_one_quad() -> None:
    _, quads = render_words(["New York", "taxi"])
    assert len(quads) == 2


def test_no_words_give_an_empty_picture() -> None:
    pixels, quads = render_words([], (100, 80))
    assert quads == []
    assert (pixels == pixels[0, 0]).all()
