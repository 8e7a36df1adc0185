"""IIIT-STR in its own layout, a struct array of cells."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from sightread.errors import PictureError, UsageError
from sightread.methods.fdp.protocols.iiit_str import iiit_str
from tests.methods.fdp.protocols.layouts import cell, iiit_mat, picture, write
from tests.pictures import assert_corners


@pytest.fixture
def home(tmp_path: Path) -> Path:
    home = tmp_path / "IIIT_STR_V1.0"
    for number, kind in enumerate(["JPEG", "JPEG", "GIF", "PNG"]):
        picture(home / "imgDatabase" / f"img_{number:06}.jpg", kind)
    picture(home / "imgDatabase" / "IMG_000004.JPG")
    write(home / "imgDatabase" / "Thumbs.db")
    return home


def test_reads_queries_and_relevant_pictures(home: Path) -> None:
    iiit_mat(
        home / "data.mat",
        [
            (cell("Coffee"), cell(cell("img_000001.jpg"), cell("IMG_000004.jpg"))),
            (cell("50"), cell(cell("img_000000.jpg"))),
        ],
    )
    task = iiit_str(home.parent)
    assert task.name == "iiit-str"
    assert task.queries == {"coffee": "coffee", "50": "50"}
    # Distractors without any text are part of the gallery, a Windows database of icons is not.
    assert task.gallery == tuple(f"img_{number:06}.jpg" for number in range(5))
    assert task.qrels == {
        "coffee": frozenset({"img_000001.jpg", "img_000004.jpg"}),
        "50": frozenset({"img_000000.jpg"}),
    }
    for name in task.gallery:
        assert_corners(task.load(name), tolerance=40)  # GIF and PNG under the name of JPEG


def test_a_picture_that_is_named_but_not_there_stays_in_the_gallery(home: Path) -> None:
    iiit_mat(home / "data.mat", [(cell("sale"), cell(cell("img_000000.jpg"), cell("img_9.jpg")))])
    task = iiit_str(home)
    assert task.gallery[-1] == "img_9.jpg"
    assert "img_9.jpg" in task.qrels["sale"]
    with pytest.raises(PictureError, match=r"there is no img_9\.jpg"):
        task.load("img_9.jpg")


def test_other_ways_to_nest_the_same(home: Path) -> None:
    # Without the inner cells, and with the names in a row.
    row = np.empty((1, 2), dtype=object)
    row[0] = ["img_000000.jpg", "img_000001.jpg"]
    iiit_mat(home / "data.mat", [("Sale ", row)])
    task = iiit_str(home)
    assert task.qrels == {"sale": frozenset({"img_000000.jpg", "img_000001.jpg"})}


def test_a_word_that_is_asked_twice_counts_twice(home: Path) -> None:
    names = cell(cell("img_000000.jpg"))
    iiit_mat(home / "data.mat", [(cell("Sale"), names), (cell("SALE"), names)])
    assert iiit_str(home).queries == {"sale": "sale", "sale (2)": "sale"}


@pytest.mark.parametrize(
    "element",
    [
        (cell(" "), cell(cell("a.jpg"))),
        (cell("sale"), np.empty((0, 0))),
        (cell("sale"), cell(cell("a.jpg"), 7.0)),
        (3.0, cell(cell("a.jpg"))),
        (cell("sale", "sold"), cell(cell("a.jpg"))),
    ],
)
def test_a_broken_element_is_named(home: Path, element: tuple[object, object]) -> None:
    good = (cell("sale"), cell(cell("img_000000.jpg")))
    iiit_mat(home / "data.mat", [good, element])
    with pytest.raises(UsageError, match=r"data\.mat, element 2: expected a query and"):
        iiit_str(home)


def test_files_that_are_not_in_the_form(home: Path) -> None:
    from scipy.io import savemat

    savemat(home / "data.mat", {"other": np.zeros(3)})
    with pytest.raises(UsageError, match="has no variable data: expected a 1 x 50 struct array"):
        iiit_str(home)
    savemat(home / "data.mat", {"data": np.zeros((1, 3))})
    with pytest.raises(UsageError, match=r"element 1 has no two fields: expected a 1 x 50"):
        iiit_str(home)
    savemat(home / "data.mat", {"data": np.zeros((0, 0))})
    with pytest.raises(UsageError, match="holds no queries"):
        iiit_str(home)


def test_a_damaged_or_newer_file_is_one_sentence(home: Path) -> None:
    path = iiit_mat(home / "data.mat", [(cell("sale"), cell(cell("img_000000.jpg")))])
    whole = path.read_bytes()
    header = b"MATLAB 7.3 MAT-file".ljust(124) + b"\x00\x02IM"
    for content in (b"", b"no MATLAB", whole[:150], whole[:-30], header + b"\x89HDF" + bytes(99)):
        path.write_bytes(content)
        with pytest.raises(UsageError, match=r"data\.mat (is not a MATLAB|has no variable)"):
            iiit_str(home)


def test_missing_parts_name_the_layout(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"expected in it: IIIT_STR_V1\.0/data\.mat and"):
        iiit_str(tmp_path)
    iiit_mat(tmp_path / "b" / "data.mat", [(cell("sale"), cell(cell("img_000000.jpg")))])
    with pytest.raises(UsageError, match=r"imgDatabase is not there; expected: IIIT_STR_V1\.0"):
        iiit_str(tmp_path / "b")
