"""Ink lands where the warp says, to a fraction of a pixel; plates reach around their words."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from tests.synth.faces import PACKAGED

from sightread.synth.colours import COLOURS, CONTRAST, luma, readable_names, readable_on, shade
from sightread.synth.lettering import Lettering, letter
from sightread.synth.paint import coverage
from sightread.synth.plates import PLATES
from sightread.synth.typefaces import Typeface, find_typefaces
from sightread.synth.warp import Bend, Warp, plane

WINDOW = (0, 0, 120, 80)


def face(name: str = "Manrope-Bold.ttf") -> Typeface:
    (found,) = find_typefaces([path for path in PACKAGED if path.name == name])
    return found


def letters(text: str, height_px: float) -> Lettering:
    return letter(face(), [text.split()], height_px)


@pytest.mark.parametrize("height", [9.0, 20.0, 30.0, 55.0])
@pytest.mark.parametrize("at", [(60.0, 40.0), (60.5, 40.25), (58.7, 41.9)])
def test_the_middle_of_the_ink_is_where_the_warp_puts_it(
    height: float, at: tuple[float, float]
) -> None:
    alpha = coverage(letters("O", height), Warp(plane(0, 0, (0, 0))).moved(*at), WINDOW)
    ys, xs = np.indices(alpha.shape)
    middle = (alpha * (xs + 0.5)).sum() / alpha.sum(), (alpha * (ys + 0.5)).sum() / alpha.sum()
    # An O is symmetric up to the hinting of its outline; its box is cut at whole pixels of a mask
    # of one pixel or more to a pixel of the picture. Half a pixel off would be a mistake.
    assert middle == pytest.approx(at, abs=0.3)


@pytest.mark.parametrize("height", [9.0, 30.0])
def test_bent_and_flat_ink_agree_where_the_bend_is_none(height: float) -> None:
    flat = Warp(plane(12.0, 0.1, (0.002, -0.001))).moved(60, 40)
    unbent = Warp(flat.plane, Bend("wave", 80.0, 0.0))
    one, other = (coverage(letters("go", height), warp, WINDOW) for warp in (flat, unbent))
    # The two fetch in steps of 1/32 pixel at least.
    assert np.abs(one - other).max() < 0.06
    assert np.abs(one - other).mean() < 0.002


def test_ink_keeps_its_amount_at_every_size() -> None:
    amounts = []
    for height in (8.0, 16.0, 23.9, 24.1, 32.0, 64.0):
        alpha = coverage(letters("I", height), Warp(plane(0, 0, (0, 0))).moved(60, 40), WINDOW)
        amounts.append(alpha.sum() / height**2)
    # The area of a letter goes with the square of its height, whichever mask it comes from, and
    # hinting brings its stem, 5 pixels wide at 32 pixels per em, to whole pixels: up to a tenth
    # more or less.
    assert np.ptp(amounts) < 0.2 * np.mean(amounts)


def test_phrases_are_laid_in_lines_with_spaces() -> None:
    boxes = letter(face(), [["HI", "HO"], ["HE"]], 20.0).boxes()
    (a, b, c) = boxes
    assert b[0] - a[2] > 0.25 * 20  # a space
    assert a[1] == pytest.approx(b[1], abs=1.0)
    assert c[1] > a[3]  # the second line
    assert (c[0] + c[2]) / 2 == pytest.approx((a[0] + b[2]) / 2, abs=2.0)  # is centred
    assert a[3] - a[1] == pytest.approx(20.0, abs=0.8)


def test_tracking_spreads_the_letters() -> None:
    plain, spread = (letter(face(), [["HIHI"]], 30.0, tracking=t).extent for t in (0.0, 0.2))
    em = 30.0 / face().capital
    # Three gaps of a fifth of an em, each rounded to a pixel of the mask.
    assert spread[0] - plain[0] == pytest.approx(3 * 0.2 * em, abs=1.5)
    assert spread[1] == plain[1]


def test_lettering_can_be_made_smaller() -> None:
    large = letters("taxi", 40.0)
    small = large.at(10.0)
    assert np.array(small.boxes()) * 4 == pytest.approx(np.array(large.boxes()))
    assert small.extent[0] * 4 == pytest.approx(large.extent[0])
    assert small.feet()[0] * 4 == pytest.approx(large.feet()[0])


@pytest.mark.parametrize("kind", [*PLATES])
@pytest.mark.parametrize("size", [(30.0, 10.0), (8.0, 12.0), (90.0, 40.0)])
def test_plates_hold_their_words_and_stay_in_their_room(
    kind: str, size: tuple[float, float]
) -> None:
    margin = 4.0
    half = (size[0] / 2 + margin, size[1] / 2 + margin)
    rim = PLATES[kind](half, margin)
    assert np.abs(rim[:, 0]).max() <= half[0] + 1e-9
    assert np.abs(rim[:, 1]).max() <= half[1] + 1e-9
    for x in (-size[0] / 2, size[0] / 2):
        for y in (-size[1] / 2, 0.0, size[1] / 2):
            assert cv2.pointPolygonTest(rim.astype(np.float32), (x, y), False) > 0, (x, y)


def test_a_colour_stays_its_colour() -> None:
    rng = np.random.default_rng(0)
    for name in COLOURS:
        for _ in range(50):
            moved = shade(name, rng)
            nearest = min(
                COLOURS,
                key=lambda other: sum(
                    (a - b) ** 2 for a, b in zip(moved, COLOURS[other], strict=True)
                ),
            )
            assert nearest == name


def test_every_colour_can_be_read_on_some_other() -> None:
    for name, colour in COLOURS.items():
        own = luma(colour)
        partners = readable_names(own, own)
        assert partners
        assert name not in partners
        assert all(abs(luma(COLOURS[other]) - own) >= CONTRAST for other in partners)


def test_readable_means_apart_from_the_whole_range() -> None:
    # White has a luma of 246: 70 above 176.
    assert readable_on("white", 100, 175)
    assert not readable_on("white", 100, 178)
    # Black has a luma of 24: 70 below 94.
    assert readable_on("black", 96, 250)
    assert not readable_on("black", 90, 250)
