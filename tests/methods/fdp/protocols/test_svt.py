"""SVT in its own layout, one XML file."""

from __future__ import annotations

from pathlib import Path

import pytest

from sightread.errors import PictureError, UsageError
from sightread.methods.fdp.protocols.svt import parse_xml, svt
from tests.methods.fdp.protocols.layouts import picture, svt_xml, write
from tests.pictures import assert_corners

TAGS = {
    "img/14_03.jpg": ["LIVING", "ROOM", "O'Neill's"],
    "img/14_04.JPG": ["Room", "AT&amp;T", "ROOM"],
    "img/14_05.jpg": [],
    "img/99_99.jpg": ["living"],
}


def test_reads_tags_in_their_order(tmp_path: Path) -> None:
    home = tmp_path / "SVT"
    write(home / "test.xml", svt_xml(TAGS))
    picture(home / "img" / "14_03.jpg")
    picture(home / "img" / "14_04.jpg")
    picture(home / "img" / "14_05.jpg")
    picture(home / "img" / "00_00.jpg")  # of the training set: not in test.xml, not in the gallery
    task = svt(tmp_path)
    assert list(task.queries) == ["living", "room", "o'neill's", "at&t"]
    assert task.gallery == tuple(name.lower() for name in TAGS)
    assert task.qrels == {
        "living": frozenset({"img/14_03.jpg", "img/99_99.jpg"}),
        "room": frozenset({"img/14_03.jpg", "img/14_04.jpg"}),
        "o'neill's": frozenset({"img/14_03.jpg"}),
        "at&t": frozenset({"img/14_04.jpg"}),
    }
    assert_corners(task.load("img/14_04.jpg"))
    with pytest.raises(PictureError, match=r"there is no img/99_99\.jpg"):
        task.load("img/99_99.jpg")


def test_bom_and_crlf_do_not_matter(tmp_path: Path) -> None:
    text = "\ufeff" + svt_xml(TAGS).replace("\n", "\r\n")
    write(tmp_path / "test.xml", text)
    assert list(svt(tmp_path).queries) == ["living", "room", "o'neill's", "at&t"]


@pytest.mark.parametrize(
    "doctype",
    [
        '<!DOCTYPE a [<!ENTITY lol "lol"><!ENTITY lols "&lol;&lol;&lol;">]>',
        '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]>',
        '<!DOCTYPE a SYSTEM "http://example.org/a.dtd">',
    ],
)
def test_a_document_type_is_refused(tmp_path: Path, doctype: str) -> None:
    path = write(tmp_path / "test.xml", f'<?xml version="1.0"?>\n{doctype}\n<a>&lols;</a>')
    with pytest.raises(
        UsageError, match=r"test\.xml, line 2: expected plain XML, found a document"
    ):
        parse_xml(path)


# Each image takes seven lines and two per tag, after two lines at the top: 3, 16, 29 and 36.
@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            "<imageName>img/14_04.JPG</imageName>",
            "",
            "line 16: expected an image with an imageName",
        ),
        ("img/14_04.JPG", "img/14_03.jpg", r"found img/14_03\.jpg for the second time"),
        ("<tag>Room</tag>", "<tag> </tag>", "line 21: expected a taggedRectangle with a tag"),
        ("<tag>Room</tag>", "", "line 21: expected a taggedRectangle with a tag"),
        ("</tagset>", "", "line 45: expected XML, found no element found"),
        ("AT&amp;T", "AT&T", "line 24: expected XML, found not well-formed"),
        ("AT&amp;T", "&nbsp;", "line 24: expected XML, found undefined entity"),
    ],
)
def test_broken_places_are_named(tmp_path: Path, old: str, new: str, said: str) -> None:
    text = svt_xml(TAGS)
    assert old in text
    write(tmp_path / "test.xml", text.replace(old, new, 1))
    with pytest.raises(UsageError, match=said):
        svt(tmp_path)


def test_missing_parts_name_the_layout(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"expected in it: SVT/test\.xml and the pictures"):
        svt(tmp_path)
    write(tmp_path / "test.xml", svt_xml({"img/1.jpg": []}))
    with pytest.raises(UsageError, match=r"has no tags; expected: SVT/test\.xml"):
        svt(tmp_path)
