"""The canvas: what is drawn is where the truth says it is, after any nesting."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sightread.synth.canvas import Canvas, Pen
from sightread.synth.geometry import map_quad, solve_homography, turned_quad
from sightread.types import Quad, RGBImage

SQUARE: Quad = ((0.0, 0.0), (10.0, 0.0), (10.0, 10.0), (0.0, 10.0))


def ink_extent(pixels: RGBImage) -> tuple[int, int, int, int]:
    """Outer box of everything that is dark."""
    ys, xs = np.nonzero(pixels.min(axis=2) < 128)
    return int(xs.min()), int(ys.min()), int(xs.max()) + 1, int(ys.max()) + 1


def outer_box(quad: Quad) -> tuple[float, float, float, float]:
    xs, ys = [p[0] for p in quad], [p[1] for p in quad]
    return min(xs), min(ys), max(xs), max(ys)


def test_homography_takes_corners_to_corners() -> None:
    target = ((3.0, 4.0), (40.0, 9.0), (37.0, 52.0), (1.0, 44.0))
    matrix = solve_homography(SQUARE, target)
    for have, want in zip(map_quad(matrix, SQUARE), target, strict=True):
        assert have == pytest.approx(want)


@pytest.mark.parametrize("angle", [0.0, 17.0, 90.0, 180.0, -90.0, 233.0])
def test_turned_text_has_a_turned_quad_that_covers_its_ink(angle: float) -> None:
    canvas = Canvas(300, 300)
    canvas.text((150, 150), "HELIX", Pen("plain", 40, (0, 0, 0), angle=angle))
    (word,) = canvas.words
    # Straight letters of full height: their ink fills the quad up to its edges.
    assert ink_extent(canvas.finish()) == pytest.approx(outer_box(word.quad), abs=2.5)
    (x0, y0), (x1, y1) = word.quad[0], word.quad[1]
    direction = np.degrees(np.arctan2(y1 - y0, x1 - x0))
    assert (direction - angle + 180) % 360 - 180 == pytest.approx(0, abs=0.01)


def test_nested_canvases_keep_truth_on_the_ink() -> None:
    inner = Canvas(200, 80)
    inner.text((100, 40), "MINIM", Pen("plain", 48, (0, 0, 0)))
    middle = Canvas(300, 200)
    middle.place(inner, turned_quad((150, 100), (200, 80), 20))
    outer = Canvas(400, 300)
    outer.place(middle, ((60, 30), (360, 60), (330, 260), (40, 240)))
    (word,) = outer.words
    assert ink_extent(outer.finish()) == pytest.approx(outer_box(word.quad), abs=3)


def test_words_of_a_line_are_apart_and_in_order() -> None:
    canvas = Canvas(400, 100)
    canvas.text((200, 50), "no  parking here", Pen("plain", 30))
    assert [word.text for word in canvas.words] == ["no", "parking", "here"]
    edges = [x for word in canvas.words for x in (word.quad[0][0], word.quad[1][0])]
    assert edges == sorted(edges)


def test_tracking_widens_a_word_without_splitting_it() -> None:
    narrow, wide = Canvas(600, 100), Canvas(600, 100)
    narrow.text((300, 50), "HOTEL", Pen("plain", 40))
    wide.text((300, 50), "HOTEL", Pen("plain", 40, tracking=10))
    (first,), (second,) = narrow.words, wide.words
    have = second.quad[1][0] - second.quad[0][0]
    assert have == pytest.approx(first.quad[1][0] - first.quad[0][0] + 40, abs=1.5)
    assert ink_extent(wide.finish())[2] == pytest.approx(second.quad[1][0], abs=2)


def test_decoration_is_not_truth() -> None:
    canvas = Canvas(100, 60)
    canvas.text((50, 30), "xx", Pen("plain", 30), truth=False)
    assert canvas.words == []


@given(
    text=st.text(st.characters(categories=["L", "N", "Zs"]), max_size=20), width=st.floats(20, 400)
)
@settings(max_examples=50, deadline=None)
def test_fit_never_exceeds_the_width(text: str, width: float) -> None:
    pen = Pen("plain", 40, tracking=2).fit(text, width)
    # glyphs are hinted to whole pixels, so that each may gain half of one
    assert pen.width(text) <= width + 0.5 * len(text) + 1


def test_what_lies_outside_is_cut_off_without_error() -> None:
    canvas = Canvas(60, 40)
    canvas.text((500, 500), "away", Pen("plain", 20, angle=30))
    canvas.place(Canvas(20, 20, (0, 0, 0)), turned_quad((-100, -100), (20, 20), 10))
    assert (canvas.finish() == 255).all()
