"""Folders, lines and pictures of a data set on disk."""

from __future__ import annotations

from pathlib import Path

import pytest

from sightread.errors import PictureError, UsageError
from sightread.methods.files import PictureFolder, find_home, read_lines
from tests.methods.fdp.protocols.layouts import picture, write
from tests.pictures import assert_corners


def test_a_data_set_is_found_in_its_folder_or_as_the_folder(tmp_path: Path) -> None:
    write(tmp_path / "SVT" / "test.xml")
    assert find_home(tmp_path, "SVT", ["test.xml"], "layout") == tmp_path / "SVT"
    assert find_home(tmp_path / "SVT", "SVT", ["x", "test.xml"], "layout") == tmp_path / "SVT"
    with pytest.raises(UsageError, match="does not hold this data set; expected in it: SVT/x"):
        find_home(tmp_path, "SVT", ["x"], "SVT/x")
    with pytest.raises(UsageError, match="nowhere is not there; expected in it: SVT/x"):
        find_home(tmp_path / "nowhere", "SVT", ["x"], "SVT/x")


def test_only_lf_and_cr_end_a_line_and_a_bom_is_taken_off(tmp_path: Path) -> None:
    # U+2028 and form feed end a line for Python, and nobody else.
    data = b"\xef\xbb\xbffirst \r\n\r\n  \nsec\xe2\x80\xa8ond\x0c!\rlast"
    path = write(tmp_path / "a.txt", data)
    assert list(read_lines(path)) == [(1, "first "), (4, "sec\u2028ond\x0c!"), (5, "last")]


def test_lines_that_are_not_utf8_are_named(tmp_path: Path) -> None:
    path = write(tmp_path / "a.txt", b"fine\ncaf\xe9\n")
    with pytest.raises(UsageError, match=r"a\.txt, line 2: expected text in UTF-8"):
        list(read_lines(path))
    with pytest.raises(UsageError, match=r"b\.txt cannot be read: No such file"):
        list(read_lines(tmp_path / "b.txt"))


def test_pictures_are_found_in_any_letter_case(tmp_path: Path) -> None:
    picture(tmp_path / "IMG_1.JPG")
    picture(tmp_path / "Sub" / "Two.png", "PNG")
    write(tmp_path / "notes.txt")
    write(tmp_path / ".hidden.jpg")
    folder = PictureFolder(tmp_path, "layout")
    assert folder.names() == ["img_1.jpg"]
    assert_corners(folder.load("img_1.jpg"))
    assert_corners(folder.load("Img_1.jpg"))
    assert_corners(folder.load("sub/two.PNG"))


def test_a_picture_is_decoded_by_its_content(tmp_path: Path) -> None:
    picture(tmp_path / "a.jpg", "PNG")
    picture(tmp_path / "b.jpg", "GIF")
    folder = PictureFolder(tmp_path, "layout")
    assert_corners(folder.load("a.jpg"))
    assert_corners(folder.load("b.jpg"), tolerance=40)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("gone.jpg", "there is no gone.jpg in"),
        ("sub/gone.jpg", "there is no sub/gone.jpg in"),
        ("text.jpg/x", "there is no text.jpg/x in"),
        ("text.jpg", "the content is not a picture"),
        ("sub", "this is a folder"),
        ("", "this is a folder"),
        ("../outside.jpg", "there is no ../outside.jpg"),
        ("sub/../../outside.jpg", "there is no sub/"),
    ],
)
def test_a_picture_that_is_none_is_a_picture_error(tmp_path: Path, name: str, said: str) -> None:
    picture(tmp_path / "outside.jpg")
    home = tmp_path / "home"
    write(home / "text.jpg", "no picture")
    (home / "sub").mkdir()
    with pytest.raises(PictureError, match=said):
        PictureFolder(home, "layout").load(name)


def test_an_absolute_name_leads_nowhere(tmp_path: Path) -> None:
    outside = picture(tmp_path / "outside.jpg")
    (tmp_path / "home").mkdir()
    with pytest.raises(PictureError, match="there is no /"):
        PictureFolder(tmp_path / "home", "layout").load(str(outside))


def test_names_that_differ_only_in_case_are_refused(tmp_path: Path) -> None:
    picture(tmp_path / "A.jpg")
    picture(tmp_path / "a.jpg")
    with pytest.raises(UsageError, match=r"holds both A\.jpg and a\.jpg"):
        PictureFolder(tmp_path, "layout").names()


def test_a_folder_that_is_not_there_names_the_layout(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"img is not there; expected: SVT/img/\*\.jpg"):
        PictureFolder(tmp_path / "img", "SVT/img/*.jpg")
