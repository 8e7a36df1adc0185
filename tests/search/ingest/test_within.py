"""Indexing that may not leave its folders, whatever links lead out of them."""

from __future__ import annotations

import os

from PIL import Image

from sightread.search.ingest import IndexOptions
from sightread.search.walk import LEADS_OUT, is_within
from tests.search.ingest.conftest import Desk, colour, colour_word


def inside(desk: Desk) -> IndexOptions:
    return IndexOptions(within=(os.path.realpath(desk.pictures),))


def test_links_that_lead_out_are_not_followed(desk: Desk) -> None:
    desk.paint("a.png", 1)
    desk.paint("../secret/s.png", 2)
    desk.paint("../secret/t.png", 3)
    (desk.pictures / "folder").symlink_to(desk.pictures.parent / "secret")
    (desk.pictures / "file.png").symlink_to(desk.pictures.parent / "secret" / "t.png")
    (desk.pictures / "home.png").symlink_to(desk.pictures / "a.png")
    (desk.pictures / "chain").symlink_to(desk.pictures / "folder")
    report = desk.index(options=inside(desk))
    assert desk.contents() == {colour_word(colour(1)): ["a.png", "home.png"]}
    assert desk.failures() == {"file.png": LEADS_OUT}
    assert sorted(report.warnings) == [
        f"{desk.pictures / name} was passed over, since {LEADS_OUT}; what the library knows from "
        "there is kept as it is."
        for name in ("chain", "folder")
    ]


def test_what_is_known_behind_a_link_stays(desk: Desk) -> None:
    desk.paint("a.png", 1)
    desk.paint("../elsewhere/b.png", 2)
    desk.paint("../elsewhere/c.png", 3)
    (desk.pictures / "folder").symlink_to(desk.pictures.parent / "elsewhere")
    desk.index()  # by somebody who may go everywhere
    known = desk.contents()
    assert len(known) == 3
    desk.paint("new.png", 4)
    report = desk.index(options=inside(desk))
    assert (report.new, report.forgotten) == (1, 0)
    assert desk.contents() == {**known, colour_word(colour(4)): ["new.png"]}


def test_a_file_that_became_a_link_is_not_opened(desk: Desk) -> None:
    path = desk.paint("a.png", 1)
    desk.paint("b.png", 2)
    Image.new("RGB", (40, 20), colour(3)).save(desk.pictures.parent / "secret.png")
    desk.index()
    path.unlink()
    path.symlink_to(desk.pictures.parent / "secret.png")
    desk.index(options=inside(desk))
    assert desk.contents() == {colour_word(colour(2)): ["b.png"]}
    assert desk.failures() == {"a.png": LEADS_OUT}


def test_a_folder_outside_is_not_walked(desk: Desk) -> None:
    desk.paint("a.png", 1)
    desk.paint("../secret/s.png", 2)
    report = desk.index(options=inside(desk), folders=[desk.pictures.parent / "secret"])
    assert (report.seen, desk.contents()) == (0, {})


def test_names_that_begin_alike_are_not_within() -> None:
    assert is_within("/photos/x.png", ["/photos"])
    assert is_within("/photos", ["/photos"])
    assert not is_within("/photos2/x.png", ["/photos"])
    assert not is_within("/photos/../etc/passwd", ["/photos"])
    assert is_within("/etc/passwd", ["/"])
    assert is_within("/anything", [])
