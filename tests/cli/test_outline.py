"""Outlined copies, checked by their pixels."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from sightread.cli.outline import INNER, OUTER, check_target, line_width_px, outline, save
from sightread.errors import UsageError
from sightread.types import Picture, Quad

BOX: Quad = ((60.0, 40.0), (140.0, 40.0), (140.0, 70.0), (60.0, 70.0))


def picture(grey: int, height: int = 120, width: int = 200, scale: int = 1) -> Picture:
    pixels = np.full((height, width, 3), grey, np.uint8)
    return Picture(pixels, width * scale, height * scale, "PNG")


def mask(image: Image.Image, colour: tuple[int, int, int]) -> NDArray[np.bool_]:
    found: NDArray[np.bool_] = np.all(np.asarray(image) == colour, axis=2)
    return found


@pytest.mark.parametrize("grey", [0, 128, 255])
def test_the_ring_lies_around_the_box_in_two_colours(grey: int) -> None:
    source = picture(grey)
    image = outline(source, [BOX])
    assert image.size == (200, 120)
    pixels = np.asarray(image)
    assert np.all(pixels[40:71, 60:141] == grey), "the word itself is left alone"
    assert np.all(pixels[55, :50] == grey), "and so is what is far from it"
    bright, dark = mask(image, INNER), mask(image, OUTER)
    for row, column in ((55, slice(50, 60)), (55, slice(141, 151))):
        assert bright[row, column].any()
        assert dark[row, column].any()
    for rows in (slice(30, 40), slice(71, 81)):
        assert bright[rows, 100].any()
        assert dark[rows, 100].any()
    ys, xs = np.nonzero(bright)
    # Half of the bright line lies 1.5 line widths outside of the box, and half of it again outside.
    far = 2 * line_width_px(200, 120) + 1
    assert abs(xs.min() - (60 - far)) <= 2
    assert abs(xs.max() - (140 + far)) <= 2
    assert abs(ys.min() - (40 - far)) <= 2
    assert abs(ys.max() - (70 + far)) <= 2
    assert np.all(source.pixels == grey), "the picture given is not drawn on"


def test_a_turned_word_gets_a_turned_ring() -> None:
    diamond: Quad = ((100.0, 20.0), (140.0, 60.0), (100.0, 100.0), (60.0, 60.0))
    drawn = mask(outline(picture(255), [diamond]), INNER)
    assert drawn[:18, 95:106].any(), "above the top corner"
    assert not drawn[15:30, 45:70].any(), "an upright ring would have a corner here"
    assert not drawn[50:70, 80:120].any(), "nothing inside"


def test_boxes_are_scaled_when_the_pixels_are_a_reduced_decoding() -> None:
    doubled: Quad = tuple((2 * x, 2 * y) for x, y in BOX)  # type: ignore[assignment]
    half = outline(picture(255, scale=2), [doubled])
    assert np.array_equal(np.asarray(half), np.asarray(outline(picture(255), [BOX])))


def test_bright_lines_of_touching_words_are_whole() -> None:
    beside: Quad = tuple((x + 84, y) for x, y in BOX)  # type: ignore[assignment]
    alone = mask(outline(picture(255, width=300), [BOX]), INNER)
    both = mask(outline(picture(255, width=300), [BOX, beside]), INNER)
    assert np.all(both[alone])


def test_boxes_at_and_over_the_edge_are_drawn_as_far_as_they_are_in_the_picture() -> None:
    outside: Quad = ((-30.0, -30.0), (50.0, -30.0), (50.0, 50.0), (-30.0, 50.0))
    flat: Quad = ((10.0, 10.0), (10.0, 10.0), (10.0, 10.0), (10.0, 10.0))
    assert mask(outline(picture(255), [outside, flat]), INNER)[30, 45:65].any()


def test_no_boxes_no_change() -> None:
    assert np.all(np.asarray(outline(picture(77), [])) == 77)


def test_saving_replaces_whole_and_leaves_nothing_behind(tmp_path: Path) -> None:
    target = tmp_path / "out.png"
    target.write_bytes(b"old")
    save(Image.new("RGB", (4, 3)), str(target), "PNG")
    with Image.open(target) as image:
        assert (image.format, image.size) == ("PNG", (4, 3))
    with pytest.raises(KeyError):
        save(Image.new("RGB", (4, 3)), str(target), "NO SUCH FORMAT")
    assert [path.name for path in tmp_path.iterdir()] == ["out.png"]


def test_targets_that_would_do_harm_are_refused(tmp_path: Path) -> None:
    original, other = tmp_path / "a.jpg", tmp_path / "b.jpg"
    original.write_bytes(b"a")
    other.write_bytes(b"b")
    link = tmp_path / "link.png"
    link.symlink_to(original)
    paths = [str(original), str(tmp_path / "gone.jpg")]
    assert check_target(str(tmp_path / "new.JPG"), paths, replace=False) == "JPEG"
    assert check_target(str(other), paths, replace=True) == "JPEG"
    for target, replace, sentence in (
        (original, True, "is the picture itself"),
        (link, True, "is the picture itself"),
        (other, False, "is there already"),
        (tmp_path / "new.gif", False, "its suffix must be one of .jpg"),
        (tmp_path / "no" / "new.png", False, "there is no folder"),
    ):
        with pytest.raises(UsageError, match=sentence):
            check_target(str(target), paths, replace)
