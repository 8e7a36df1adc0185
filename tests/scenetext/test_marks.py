"""Marks: where they are drawn, in which colour, and that they never vary."""

import numpy as np
import pytest

from sightread.errors import UsageError
from sightread.preprocess import PreprocessSpec, fit_square
from sightread.scenetext.marks import MarkSettings, mark_places, marked
from sightread.scenetext.tokens import SceneToken, scene_tokens
from sightread.types import RGBImage
from tests.scenetext.test_tokens import box, word

GREY: RGBImage = np.full((224, 300, 3), 128, np.uint8)


def tokens(*places: tuple[float, float, float, float]) -> tuple[SceneToken, ...]:
    words = [word(f"w{at}", box(*place)) for at, place in enumerate(places)]
    return scene_tokens(words, 300, 224)


def red(image: RGBImage) -> np.ndarray[tuple[int, int], np.dtype[np.bool_]]:
    found: np.ndarray[tuple[int, int], np.dtype[np.bool_]] = (image == (255, 0, 0)).all(axis=2)
    return found


def test_a_red_outline_grown_by_two_strokes() -> None:
    # Side 224: strokes of 2 px, grown by 4 px: the outline runs along x = 96 and 164, y = 46, 74.
    found = marked(GREY, tokens((100, 50, 60, 20)), MarkSettings())
    rows, columns = np.nonzero((found != 128).any(axis=2))
    assert (columns.min(), columns.max()) == pytest.approx((95, 165), abs=2)
    assert (rows.min(), rows.max()) == pytest.approx((45, 75), abs=2)
    assert red(found)[60, 94:98].any()  # RGB, not BGR
    assert (found[52:68, 102:158] == 128).all()
    assert (GREY == 128).all()  # a copy


def test_nothing_is_drawn_where_nothing_is_written() -> None:
    assert marked(GREY, (), MarkSettings()) is GREY
    some = tokens((100, 50, 60, 20))
    assert marked(GREY, some, MarkSettings("none")) is GREY
    assert marked(GREY, some, MarkSettings(most=0)) is GREY


@pytest.mark.parametrize("style", ["quad", "quad_tint", "ellipse", "blur"])
def test_the_same_bytes_every_time(style: str) -> None:
    rng = np.random.default_rng(0)
    noise: RGBImage = rng.integers(0, 256, (120, 160, 3), dtype=np.uint8)
    settings = MarkSettings(style)  # type: ignore[arg-type]
    some = tokens((20, 30, 60, 20), (90, 80, 33, 14))
    first = marked(noise, some, settings)
    assert first.tobytes() == marked(noise.copy(), some, settings).tobytes()
    assert first.tobytes() == marked(np.asfortranarray(noise), some, settings).tobytes()
    assert first.tobytes() != noise.tobytes()


def test_styles_differ_in_what_they_change() -> None:
    some = tokens((100, 50, 60, 20))
    tinted = marked(GREY, some, MarkSettings("quad_tint"))
    # 128 * 0.65 = 83.2; 128 * 0.65 + 200 * 0.35 = 153.2
    assert tuple(tinted[60, 130]) == (83, 153, 153)
    ring = marked(GREY, some, MarkSettings("ellipse"))
    # Half axes sqrt(2) 30 + 4 = 46.4 and sqrt(2) 10 + 4 = 18.1 round (130, 60).
    rows, columns = np.nonzero(red(ring))
    assert (columns.min(), columns.max()) == pytest.approx((83.6, 176.4), abs=2)
    assert (rows.min(), rows.max()) == pytest.approx((41.9, 78.1), abs=2)
    stripes: RGBImage = np.zeros((224, 300, 3), np.uint8)
    stripes[:, ::2] = 255
    blurred = marked(stripes, some, MarkSettings("blur"))
    assert (blurred[52:68, 102:158] == stripes[52:68, 102:158]).all()
    assert abs(int(blurred[150, 150, 0]) - 127) < 5


def test_words_lines_and_blocks() -> None:
    # Two words in a line, one closely below, one far away.
    some = tokens((10, 10, 60, 20), (80, 10, 60, 20), (10, 40, 60, 20), (10, 180, 60, 20))
    counts = {
        level: len(mark_places(some, MarkSettings(level=level)))
        for level in ("word", "line", "block")
    }
    assert counts == {"word": 4, "line": 3, "block": 2}
    largest, *_ = mark_places(some, MarkSettings(level="line", most=1))
    assert sorted(largest[1]) == pytest.approx([20, 130], abs=0.01)


def test_marks_are_not_cut_away() -> None:
    # In a panorama the middle is what CLIP keeps; the whole picture is what we keep.
    wide: RGBImage = np.full((100, 400, 3), 128, np.uint8)
    some = scene_tokens([word("far", box(8, 40, 40, 12))], 400, 100)
    drawn = marked(wide, some, MarkSettings())
    seen = fit_square(drawn, PreprocessSpec(224, "pad")).astype(int)
    assert ((seen[..., 0] - seen[..., 1]) > 60).sum() > 20
    cut = fit_square(drawn, PreprocessSpec(224, "crop")).astype(int)
    assert not ((cut[..., 0] - cut[..., 1]) > 60).any()


def test_settings_that_make_no_sense_are_refused() -> None:
    with pytest.raises(UsageError, match="colour"):
        MarkSettings(colour=(256, 0, 0))
