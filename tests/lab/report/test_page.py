"""Pages and figures with texts that mean no good, and points on a plane."""

import io
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sightread.errors import SightreadError, UsageError
from sightread.lab.report import drawing
from sightread.lab.report.drawing import Tile
from sightread.lab.report.flat import flattened
from sightread.lab.report.galleries import Shown, evenly, image_gallery, plane, text_gallery
from sightread.lab.report.page import PAGE, Figure, check_folder, clean, page, write

HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "$\\frac{1}{$ and $x^$",
    "abc\u202egnp.exe\u2066 \x1b[2J\x00 \udcff",
    "&lt;b&gt; 東京 \U0001f600 \u0000",
    "line\nline\r\n" + "long " * 200,
)


def opened(png: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(png))
    image.load()
    return image


def test_texts_of_a_page_are_only_text() -> None:
    figures = [
        Figure("one", text, text, drawing.tiles([[Tile(None, text, True)]]), [text])
        for text in HOSTILE
    ]
    found = page(HOSTILE[0], {HOSTILE[1]: HOSTILE[2]}, figures, HOSTILE[1])
    rest = re.sub(r"data:image/png;base64,[A-Za-z0-9+/=]+", "data:", found)
    assert "<script" not in rest
    assert "<img src=x" not in rest
    assert rest.count("<img ") == len(HOSTILE)
    # Nothing may be loaded from anywhere, whatever stands in the page.
    assert "default-src 'none'; img-src data:; style-src 'unsafe-inline'" in rest
    assert "http" not in rest.replace("http-equiv", "")
    assert not re.search("[\x00-\x09\x0b-\x1f\u202a-\u202e\u2066-\u2069\ud800-\udfff]", found)
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in rest
    assert "&amp;lt;b&amp;gt; 東京 \U0001f600" in rest
    found.encode("utf-8")


def test_clean() -> None:
    assert clean(" a\n\tb\u2028c ") == "a b c"
    assert clean("abcdef", 4) == "abc…"
    assert clean("abcd", 4) == "abcd"


def test_figures_take_any_text() -> None:
    pixels = np.zeros((20, 30, 3), np.uint8)
    rows = [[Tile(pixels, text, right) for right in (None, True, False)] for text in HOSTILE]
    assert opened(drawing.tiles(rows, HOSTILE)).width > 300
    values = np.array([[1.0, np.nan]])
    assert opened(drawing.cells(values, [HOSTILE[2:4]], [HOSTILE[2]], "what")).width > 100
    series = {HOSTILE[2]: {HOSTILE[0]: (0.5, 0.1), "b": (0.2, 0.0)}}
    assert opened(drawing.bars(series, "height", level=0.3)).width > 100
    two = np.array([[1.0, 2.0], [3.0, 4.0]])
    links = np.array([[[1.0, 2.0], [3.0, 4.0]]])
    places = [(1.0, 2.0, HOSTILE[2])]
    assert opened(drawing.points({HOSTILE[2]: two}, names=places, links=links)).width > 100
    assert opened(drawing.points({"a": two}, axes_names=("x", "y"), log=True)).width > 100


def test_figures_are_the_same_every_time() -> None:
    tile = Tile(np.full((9, 9, 3), 128, np.uint8), "x", True)
    assert drawing.tiles([[tile]]) == drawing.tiles([[tile]])


@pytest.mark.parametrize(("count", "how"), [(60, "t-SNE"), (6, "principal components")])
def test_clusters_stay_clusters(count: int, how: str) -> None:
    rng = np.random.default_rng(0)
    centres = rng.normal(size=(3, 16))
    kinds = np.arange(count) % 3
    rows = (centres[kinds] + 0.1 * rng.normal(size=(count, 16))).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    found, name = flattened(rows)
    assert name == how
    far = np.linalg.norm(found[:, None] - found, axis=2)
    np.fill_diagonal(far, np.inf)
    assert (kinds[far.argmin(1)] == kinds).all()
    assert np.array_equal(found, flattened(rows)[0])


def test_two_points_and_equal_points_have_places() -> None:
    assert flattened(np.ones((1, 4), np.float32))[0].shape == (1, 2)
    assert np.isfinite(flattened(np.ones((30, 4), np.float32))[0]).all()
    assert flattened(np.ones((30, 1), np.float32))[0].shape == (30, 2)


def shown() -> Shown:
    """Three pictures; text 0 belongs to picture 0, texts 1 and 2 to picture 1, none to 2."""
    images = np.eye(3, dtype=np.float32)
    texts = np.array([[1, 0, 0], [0, 1, 0], [0.6, 0, 0.8]], np.float32)
    right = np.array([[1, 0, 0], [0, 1, 0], [0, 1, 0]], bool)
    return Shown(lambda at: np.full((8, 8, 3), 80 * at, np.uint8), images, texts, "abc", right)


def test_galleries_count_what_is_first() -> None:
    found = text_gallery(shown())
    assert list(found.found) == ["texts that find an answer first: 2 of 3"]
    assert "3 captions, not chosen" in found.says
    found = image_gallery(shown())
    assert list(found.found) == ["pictures that find a right text first: 2 of 2"]
    assert opened(plane(shown(), {"a": np.array([True, False, True])}).png).width > 100


def test_evenly() -> None:
    assert evenly(3, 5) == [0, 1, 2]
    assert evenly(101, 3) == [0, 50, 100]
    assert evenly(0, 3) == []


def test_a_report_is_written_whole(tmp_path: Path) -> None:
    out = tmp_path / "new" / "report"
    figure = Figure("one", "One", "It shows nothing.", b"png")
    files = write(out, "<html>", [figure, Figure("two", "Two", "Why not.")])
    assert [path.name for path in files] == ["one.png", PAGE]
    assert sorted(path.name for path in out.iterdir()) == ["one.png", PAGE]
    check_folder(out, overwrite=True)
    with pytest.raises(UsageError, match="holds a report"):
        check_folder(out, overwrite=False)
    check_folder(tmp_path / "nowhere", overwrite=False)
    with pytest.raises(SightreadError, match=r"The report .* cannot be written: "):
        write(out / PAGE / "x", "<html>", [figure])
