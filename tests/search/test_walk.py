"""Which files a walk yields, and in which order."""

from __future__ import annotations

import os
import socket
from collections.abc import Sequence
from pathlib import Path

import pytest

from sightread.search.walk import PICTURE_SUFFIXES, walk

JPEG = b"\xff\xd8\xff\xe0 and so on"


def plant(root: Path, *names: str, data: bytes = JPEG) -> None:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


def names(root: Path, exclude: Sequence[str] = ()) -> list[str]:
    return [os.path.relpath(stamp.path, root) for stamp in walk([str(root)], exclude)]


def test_order_is_by_name_and_files_come_before_folders(tmp_path: Path) -> None:
    plant(tmp_path, "b.jpg", "c/z.jpg", "c/a/y.jpg", "a/x.jpg", "a.jpg", "A.jpg")
    assert names(tmp_path) == ["A.jpg", "a.jpg", "b.jpg", "a/x.jpg", "c/z.jpg", "c/a/y.jpg"]


def test_stamp_is_that_of_the_file(tmp_path: Path) -> None:
    plant(tmp_path, "a.jpg")
    os.utime(tmp_path / "a.jpg", ns=(5, 1_700_000_000_123_456_789))
    (stamp,) = walk([str(tmp_path)])
    assert stamp.path == str(tmp_path / "a.jpg")
    assert stamp.size == len(JPEG)
    assert stamp.mtime_ns == 1_700_000_000_123_456_789


def test_paths_are_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plant(tmp_path, "in/a.jpg")
    monkeypatch.chdir(tmp_path)
    assert [stamp.path for stamp in walk(["in/../in"])] == [str(tmp_path / "in" / "a.jpg")]


@pytest.mark.parametrize("suffix", sorted(PICTURE_SUFFIXES))
def test_picture_suffix_is_enough(tmp_path: Path, suffix: str) -> None:
    plant(tmp_path, "a" + suffix, "b" + suffix.upper(), data=b"anything")
    plant(tmp_path, "empty" + suffix, data=b"")
    assert names(tmp_path) == ["a" + suffix, "b" + suffix.upper(), "empty" + suffix]


def test_other_files_are_judged_by_their_first_bytes(tmp_path: Path) -> None:
    plant(tmp_path, "none", "unknown.xyz", "IMG_1.jpg_original", "double.jpg.bak")
    plant(tmp_path, "text", "Makefile", "unknown.abc", data=b"plain text")
    plant(tmp_path, "empty", data=b"")
    assert names(tmp_path) == ["IMG_1.jpg_original", "double.jpg.bak", "none", "unknown.xyz"]


def test_suffixes_that_never_belong_to_pictures_are_not_looked_into(tmp_path: Path) -> None:
    plant(tmp_path, "a.txt", "b.PDF", "c.nef", "d.mp4")
    assert names(tmp_path) == []


@pytest.mark.parametrize(
    "folder",
    [".hidden", "@eaDir", "node_modules", "__MACOSX", "$RECYCLE.BIN", "#recycle", "my.sightread"],
)
def test_folders_of_other_programs_are_skipped(tmp_path: Path, folder: str) -> None:
    plant(tmp_path, f"{folder}/a.jpg", f"in/{folder}/b.jpg", "in/c.jpg", ".hidden.jpg", "._c.jpg")
    assert names(tmp_path) == ["in/c.jpg"]


def test_a_hidden_folder_that_is_named_is_walked(tmp_path: Path) -> None:
    plant(tmp_path, ".photos/a.jpg")
    assert names(tmp_path / ".photos") == ["a.jpg"]


@pytest.mark.parametrize(
    ("exclude", "left"),
    [
        (["*.png"], ["a.jpg", "old/b.jpg", "old/raw/c.jpg", "raw/d.jpg"]),
        (["raw"], ["a.jpg", "e.png", "old/b.jpg"]),
        (["raw/"], ["a.jpg", "e.png", "old/b.jpg"]),
        (["old/raw"], ["a.jpg", "e.png", "old/b.jpg", "raw/d.jpg"]),
        (["old/*.jpg"], ["a.jpg", "e.png", "raw/d.jpg"]),  # * passes over slashes, as in fnmatch
        (["?.jpg"], ["e.png"]),
        (["OLD", ""], ["a.jpg", "e.png", "old/b.jpg", "old/raw/c.jpg", "raw/d.jpg"]),
        (["old", "[ae].*"], ["raw/d.jpg"]),
        (["*"], []),
    ],
)
def test_exclude(tmp_path: Path, exclude: list[str], left: list[str]) -> None:
    plant(tmp_path, "a.jpg", "e.png", "old/b.jpg", "old/raw/c.jpg", "raw/d.jpg")
    assert names(tmp_path, exclude) == left


def test_names_with_newlines_and_without_utf8(tmp_path: Path) -> None:
    odd = [b"new\nline.jpg", b"caf\xe9.jpg", b"\xff\xfe/x.jpg", "東京.jpg".encode()]
    for name in odd:
        plant(tmp_path, os.fsdecode(name))
    found = {os.fsencode(name) for name in names(tmp_path)}
    assert found == set(odd)
    assert b"caf\xe9.jpg" not in {os.fsencode(n) for n in names(tmp_path, [os.fsdecode(b"*\xe9*")])}


def test_things_that_are_no_files_come_with_size_0(tmp_path: Path) -> None:
    plant(tmp_path, "folder.jpg/inside.jpg")
    os.mkfifo(tmp_path / "pipe.jpg")
    os.mkfifo(tmp_path / "pipe")  # would hang if it were opened the usual way
    (tmp_path / "broken.jpg").symlink_to("nowhere")
    (tmp_path / "broken").symlink_to("nowhere")
    (tmp_path / "circle.png").symlink_to("circle.png")
    (tmp_path / "circle").symlink_to("circle")
    (tmp_path / "device.png").symlink_to("/dev/zero")
    with socket.socket(socket.AF_UNIX) as server:
        descriptor = os.open(tmp_path, os.O_RDONLY)
        server.bind(f"/proc/self/fd/{descriptor}/socket.gif")
        os.close(descriptor)
    found = {os.path.relpath(stamp.path, tmp_path): stamp.size for stamp in walk([str(tmp_path)])}
    no_files = ("broken.jpg", "circle.png", "device.png", "pipe.jpg", "socket.gif")
    assert found == dict.fromkeys(no_files, 0) | {"folder.jpg/inside.jpg": len(JPEG)}


def test_linked_files_are_yielded_under_their_own_path(tmp_path: Path) -> None:
    plant(tmp_path, "in/a.jpg", "out/b.jpg")
    (tmp_path / "in" / "link.jpg").symlink_to("../out/b.jpg")
    assert names(tmp_path / "in") == ["a.jpg", "link.jpg"]


def test_linked_folders_are_followed_once(tmp_path: Path) -> None:
    plant(tmp_path, "photos/z/a.jpg", "else/b.jpg")
    (tmp_path / "photos" / "a-link-to-z").symlink_to("z")
    (tmp_path / "photos" / "loop").symlink_to("..")
    (tmp_path / "photos" / "z" / "up").symlink_to(tmp_path / "photos")
    assert names(tmp_path / "photos") == ["z/a.jpg", "loop/else/b.jpg"]


def test_overlapping_folders_yield_each_file_once(tmp_path: Path) -> None:
    plant(tmp_path, "a/x.jpg", "a/b/y.jpg")
    twice = [str(tmp_path / "a"), str(tmp_path / "a" / "b"), str(tmp_path / "a") + "/"]
    assert [os.path.basename(stamp.path) for stamp in walk(twice)] == ["x.jpg", "y.jpg"]


def test_a_file_can_be_given_as_well(tmp_path: Path) -> None:
    plant(tmp_path, "notes.txt", "in/a.jpg")
    given = [str(tmp_path / "notes.txt"), str(tmp_path / "in"), str(tmp_path / "notes.txt")]
    assert [os.path.basename(stamp.path) for stamp in walk(given)] == ["a.jpg", "notes.txt"]


def test_unreadable_folders_are_reported_and_passed_over(tmp_path: Path) -> None:
    plant(tmp_path, "a.jpg", "z/b.jpg")
    # A folder that goes away between being listed and being entered fails for every user, root
    # included, whom permissions would not stop.
    plant(tmp_path, "gone/c.jpg")
    told: list[tuple[str, str]] = []
    found = []
    for stamp in walk([str(tmp_path)], on_error=lambda path, reason: told.append((path, reason))):
        found.append(os.path.basename(stamp.path))
        if stamp.path.endswith("a.jpg"):
            (tmp_path / "gone" / "c.jpg").unlink()
            (tmp_path / "gone").rmdir()
    assert found == ["a.jpg", "b.jpg"]
    assert [path for path, _ in told] == [str(tmp_path / "gone")]
    assert "cannot be read" in told[0][1]
    assert next(iter(walk([str(tmp_path / "missing-too")]))).size == 0


def test_very_deep_folders(tmp_path: Path) -> None:
    deep = [tmp_path]
    for _ in range(1010):  # deeper than Python's recursion, shorter than the system's path limit
        deep.append(deep[-1] / "d")
        os.mkdir(deep[-1])
    plant(deep[-1], "a.jpg")
    found = names(tmp_path)
    (deep[-1] / "a.jpg").unlink()
    for folder in reversed(deep[1:]):  # pytest's own clean-up is recursive and would fail
        os.rmdir(folder)
    assert found == ["d/" * 1010 + "a.jpg"]
