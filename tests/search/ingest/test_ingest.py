"""Indexing, one behaviour at a time: real files, the real store, a reader that reads colours."""

from __future__ import annotations

import os
import shutil
import threading
from pathlib import Path

import pytest
from PIL import Image, PngImagePlugin

from sightread.errors import LibraryError, UsageError
from sightread.images import content_id
from sightread.search.ingest import IndexOptions, IndexProgress, ingest
from sightread.types import PathStamp

from .conftest import ColourReader, Desk, colour, colour_word

ONE, TWO, THREE = (colour_word(colour(number)) for number in (1, 2, 3))


def test_a_new_picture_is_recorded_whole(desk: Desk) -> None:
    path = desk.paint("a.png", 1, size=(320, 160))  # the reader wants 32 pixels: a tenth
    report = desk.index()
    [record] = desk.records()
    status = path.stat()
    assert (record.id, record.sha256) == content_id(path.read_bytes())
    assert record.stamps == (PathStamp(str(path), status.st_size, status.st_mtime_ns),)
    assert (record.width, record.height, record.format, record.reader) == (320, 160, "PNG", "r1")
    [region] = record.regions
    assert (region.text, region.tokens[0], region.field) == (ONE, ONE, "written")
    assert region.box == ((0.0, 0.0), (160.0, 0.0), (160.0, 160.0), (0.0, 160.0))
    assert (report.seen, report.done, report.new, report.failed) == (1, 1, 1, 0)
    assert not report.interrupted


def test_a_run_counts_pictures_that_are_larger_than_what_is_read(desk: Desk) -> None:
    desk.paint("large.png", 1, size=(33, 16))
    desk.paint("high.png", 2, size=(16, 33))
    desk.paint("whole.png", 3, size=(32, 32))
    report = desk.index()
    assert (report.new, report.reduced, report.read_px) == (3, 2, 32)
    assert desk.index().reduced == 0


def test_words_of_the_metadata_are_recorded(desk: Desk) -> None:
    exif = Image.Exif()
    exif[0x010E] = "Harbour at dawn"
    Image.new("RGB", (40, 20), colour(1)).save(desk.pictures / "a.jpg", exif=exif, quality=100)
    desk.index()
    [record] = desk.records()
    words = [region.text for region in record.regions if region.field != "written"]
    assert words == ["Harbour", "at", "dawn"]


def test_an_unchanged_file_is_not_opened(desk: Desk) -> None:
    path = desk.paint("a.png", 1)
    before = path.stat()
    desk.index()
    # Other bytes with the size and time of before: whoever opens the file sees something else.
    path.write_bytes(b"x" * before.st_size)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    reader = ColourReader()
    report = desk.index(reader)
    assert (report.unchanged, report.new, report.failed, reader.words) == (1, 0, 0, [])
    assert desk.contents() == {ONE: ["a.png"]}


def test_a_run_without_changes_writes_nothing(desk: Desk) -> None:
    desk.paint("a.png", 1)
    desk.index()
    before = desk.store.refresh()
    desk.index()
    assert desk.store.refresh() == before


def test_a_moved_a_copied_and_a_touched_file_are_not_read_again(desk: Desk) -> None:
    for number in (1, 2, 3):
        desk.paint(f"{number}.png", number)
    desk.index()
    (desk.pictures / "1.png").rename(desk.pictures / "moved.png")
    shutil.copyfile(desk.pictures / "2.png", desk.pictures / "copy.png")
    os.utime(desk.pictures / "3.png", ns=(1, 1))
    reader = ColourReader()
    report = desk.index(reader)
    assert reader.words == []
    assert (report.known_content, report.unchanged, report.new, report.forgotten) == (3, 1, 0, 0)
    assert desk.contents() == {
        ONE: ["moved.png"],
        TWO: ["2.png", "copy.png"],
        THREE: ["3.png"],
    }
    assert desk.index().unchanged == 4


def test_equal_files_in_flight_become_one_picture(desk: Desk) -> None:
    for number in range(6):
        desk.paint(f"{number}.png", 1)
    others_hashed = threading.Event()

    def wait(_word: str) -> None:
        # The first file is being read until the walk is through and the others had their turn.
        others_hashed.wait(timeout=0.5)

    reader = ColourReader(before=wait)
    report = desk.index(reader, IndexOptions(workers=4))
    assert reader.words == [ONE]
    assert (report.new, report.known_content, report.done) == (1, 5, 6)
    assert desk.contents() == {ONE: [f"{number}.png" for number in range(6)]}


def test_a_file_with_new_content_leaves_its_old_picture(desk: Desk) -> None:
    desk.paint("a.png", 1)
    desk.paint("b.png", 1)
    desk.paint("c.png", 2)
    desk.index()
    desk.paint("a.png", 3)
    desk.paint("c.png", 3)
    report = desk.index()
    assert desk.contents() == {ONE: ["b.png"], THREE: ["a.png", "c.png"]}
    assert report.forgotten == 1  # picture 2 has no file left


def test_keep_missing_keeps_what_was_overwritten(desk: Desk) -> None:
    desk.paint("a.png", 1)
    desk.index()
    desk.paint("a.png", 2)
    assert desk.index(options=IndexOptions(keep_missing=True)).forgotten == 0
    assert desk.contents() == {ONE: [], TWO: ["a.png"]}
    assert desk.index().forgotten == 1
    assert desk.contents() == {TWO: ["a.png"]}


def test_two_files_that_change_places(desk: Desk) -> None:
    first, second = desk.paint("a.png", 1), desk.paint("b.png", 2)
    desk.index()
    first.rename(desk.pictures / "x.png")
    second.rename(first)
    (desk.pictures / "x.png").rename(second)
    os.utime(first, ns=(5, 5))
    os.utime(second, ns=(6, 6))
    reader = ColourReader()
    desk.index(reader)
    assert reader.words == []
    assert desk.contents() == {ONE: ["b.png"], TWO: ["a.png"]}


def test_vanished_files_are_forgotten_unless_they_are_to_be_kept(desk: Desk) -> None:
    desk.paint("stays.png", 1)
    desk.paint("goes.png", 2)
    desk.paint("twin.png", 1)
    desk.index()
    (desk.pictures / "goes.png").unlink()
    (desk.pictures / "twin.png").unlink()
    report = desk.index(options=IndexOptions(keep_missing=True))
    assert report.forgotten == 0
    # The last path stays, so that a search can still say which picture it was.
    assert desk.contents() == {ONE: ["stays.png"], TWO: ["goes.png"]}
    report = desk.index()
    assert report.forgotten == 1
    assert desk.contents() == {ONE: ["stays.png"]}


def test_only_paths_in_the_given_folders_are_touched(desk: Desk) -> None:
    desk.paint("x/a.png", 1)
    desk.paint("xy/b.png", 2)
    desk.index()
    (desk.pictures / "x/a.png").unlink()
    (desk.pictures / "xy/b.png").unlink()
    desk.paint("x/c.png", 3)
    desk.index(folders=[desk.pictures / "x"])
    assert desk.contents() == {TWO: ["xy/b.png"], THREE: ["x/c.png"]}


def test_a_picture_that_moved_out_of_the_walked_folder_stays_forgotten(desk: Desk) -> None:
    desk.paint("x/a.png", 1)
    desk.paint("x/b.png", 2)
    desk.index(folders=[desk.pictures / "x"])
    (desk.pictures / "y").mkdir()
    (desk.pictures / "x/a.png").rename(desk.pictures / "y/a.png")
    desk.index(folders=[desk.pictures / "x"])
    assert desk.contents() == {TWO: ["x/b.png"]}


def test_excluded_files_leave_the_library(desk: Desk) -> None:
    desk.paint("a.png", 1)
    desk.paint("drafts/b.png", 2)
    desk.index()
    report = desk.index(options=IndexOptions(exclude=("drafts",)))
    assert desk.contents() == {ONE: ["a.png"]}
    assert (report.seen, report.forgotten) == (1, 1)


def test_an_unmounted_disk_does_not_empty_the_library(desk: Desk) -> None:
    for number in range(10):
        desk.paint(f"disk/{number}.png", number)
    disk = desk.pictures / "disk"
    desk.index(folders=[disk])
    shutil.move(disk, desk.pictures / "elsewhere")
    with pytest.raises(UsageError, match="whether its disk is mounted"):
        desk.index(folders=[disk])
    disk.mkdir()
    report = desk.index(folders=[disk])
    assert report.forgotten == 0
    assert desk.store.count() == 10
    [warning] = report.warnings
    assert warning.startswith(f"{disk} holds no pictures now, but the library knows 10 from there")
    desk.index()  # the folder above is not empty, and there is where they went
    assert len(desk.contents()) == 10
    assert all(path.startswith("elsewhere") for [path] in desk.contents().values())


def test_a_folder_of_a_few_pictures_can_be_emptied(desk: Desk) -> None:
    for number in range(9):
        desk.paint(f"{number}.png", number)
    desk.index()
    for path in desk.pictures.iterdir():
        path.unlink()
    report = desk.index()
    assert (report.forgotten, report.warnings, desk.store.count()) == (9, (), 0)


def test_a_single_file_can_be_indexed(desk: Desk) -> None:
    path = desk.paint("a.png", 1)
    desk.paint("b.png", 2)
    desk.index(folders=[path])
    assert desk.contents() == {ONE: ["a.png"]}


def test_odd_names(desk: Desk) -> None:
    raw = os.fsencode(desk.pictures)
    good, bad = raw + b"/line\nbreak \xff.png", raw + b"/tab\t\xfe.png"
    os.rename(desk.paint("a.png", 1), good)
    with open(bad, "wb") as file:
        file.write(b"no picture")
    report = desk.index()
    assert (report.new, report.failed) == (1, 1)
    [record] = desk.records()
    assert os.fsencode(record.stamps[0].path) == good
    assert [os.fsencode(failure.path) for failure in desk.ledger.failures()] == [bad]
    report = desk.index()
    assert (report.unchanged, report.failed, report.done) == (1, 1, 2)


@pytest.mark.parametrize("workers", [0, -3])
def test_bad_options_are_refused(desk: Desk, workers: int) -> None:
    with pytest.raises(UsageError, match=f"workers is {workers}: at least 1"):
        desk.index(options=IndexOptions(workers=workers))
    with pytest.raises(UsageError, match="name at least one"):
        ingest(desk.store, ColourReader(), desk.ledger, [])


def test_progress_grows_and_ends_with_the_truth(desk: Desk) -> None:
    for number in range(30):
        desk.paint(f"{number}.png", number)
    moments: list[IndexProgress] = []
    report = desk.index(progress=moments.append)
    assert [m.done for m in moments] == sorted(m.done for m in moments)
    last = moments[-1]
    assert last.walked
    assert (last.seen, last.done, last.saved, last.new) == (30, 30, 30, 30)
    assert (report.seen, report.new) == (30, 30)
    assert all(moment.saved <= moment.done <= moment.seen for moment in moments)
    assert 0 < report.reader_s <= report.seconds * (os.cpu_count() or 1)
    assert len(moments) <= 5 * report.seconds + 2


# --- another reader ---------------------------------------------------------------------------


def test_words_of_two_readers_are_not_mixed(desk: Desk) -> None:
    desk.paint("a.png", 1)
    desk.index(ColourReader("r1"))
    with pytest.raises(LibraryError, match=r"revision r1.* with r2.*--reread"):
        desk.index(ColourReader("r2"))
    assert [record.reader for record in desk.records()] == ["r1"]


def test_reread_reads_what_another_reader_read(desk: Desk) -> None:
    desk.paint("a.png", 1)
    desk.paint("twin.png", 1)
    desk.paint("b.png", 2)
    desk.index(ColourReader("r1"))
    reader = ColourReader("r2")
    report = desk.index(reader, IndexOptions(reread=True))
    assert sorted(reader.words) == [ONE, TWO]
    assert (report.new, report.known_content, report.forgotten) == (2, 1, 0)
    assert {record.reader for record in desk.records()} == {"r2"}
    assert desk.contents() == {ONE: ["a.png", "twin.png"], TWO: ["b.png"]}
    assert desk.index(reader, IndexOptions(reread=True)).unchanged == 3
    assert desk.index(reader).unchanged == 3


def test_reread_of_one_folder_keeps_paths_in_others(desk: Desk) -> None:
    desk.paint("x/a.png", 1)
    desk.paint("y/a.png", 1)
    desk.index(ColourReader("r1"))
    desk.index(ColourReader("r2"), IndexOptions(reread=True), folders=[desk.pictures / "x"])
    assert desk.contents() == {ONE: ["x/a.png", "y/a.png"]}
    desk.index(ColourReader("r2"))


def test_reread_says_what_it_left(desk: Desk) -> None:
    desk.paint("x/a.png", 1)
    desk.paint("y/b.png", 2)
    desk.index(ColourReader("r1"))
    reread = IndexOptions(reread=True)
    report = desk.index(ColourReader("r2"), reread, folders=[desk.pictures / "x"])
    [warning] = report.warnings
    assert warning.startswith(f"1 pictures were not read again, such as {desk.pictures}/y/b.png")
    assert desk.index(ColourReader("r2"), reread).warnings == ()


def test_a_picture_kept_without_its_file_stands_in_nobodys_way(desk: Desk) -> None:
    desk.paint("a.png", 1)
    desk.index(ColourReader("r1"))
    desk.paint("a.png", 2)
    keep = IndexOptions(keep_missing=True, reread=True)
    desk.index(ColourReader("r2"), keep)
    assert desk.contents() == {ONE: [], TWO: ["a.png"]}
    desk.index(ColourReader("r2"), IndexOptions(keep_missing=True))


def test_metadata_of_png_text_is_not_taken_for_words(desk: Desk) -> None:
    info = PngImagePlugin.PngInfo()
    info.add_text("Software", "paint 1.0")
    Image.new("RGB", (8, 8), colour(1)).save(desk.pictures / "a.png", pnginfo=info)
    desk.index()
    assert desk.contents() == {ONE: ["a.png"]}
    assert Path(desk.records()[0].stamps[0].path).name == "a.png"
