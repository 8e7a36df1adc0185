"""The quick form of the campaign in benchmarks/damaged_files.py."""

from __future__ import annotations

import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from benchmarks.damaged_files import DAMAGES, make_damaged, reason_of, run, sound_pictures


def test_sound_pictures_are_decoded(tmp_path: Path) -> None:
    for name, data in sound_pictures().items():
        (tmp_path / name).write_bytes(data)
        assert reason_of(str(tmp_path / name)) is None, name


def test_damaged_files_do_no_harm(tmp_path: Path) -> None:
    made = make_damaged(tmp_path / "damaged", count=230, seed=7)
    # In a process of its own, whose memory is not that of the tests before.
    fresh = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=fresh) as pool:
        report = pool.submit(run, tmp_path / "damaged", made).result()
    assert report["wrong"] == []
    assert report["files"] == len(made) == 230
    assert isinstance(report["decoded"], int)
    assert 60 < report["decoded"] < 170  # both outcomes are really tried


def test_special_files_end_as_they_should(tmp_path: Path) -> None:
    made = make_damaged(tmp_path / "damaged", count=0)
    refused = {path.name: reason for path in made if (reason := reason_of(str(path)))}
    expected = {
        "empty.jpg": "empty",
        "one-byte.jpg": "not a picture",
        "zeros.jpg": "not a picture",
        "error-page.jpg": "not a picture",
        "archive.png": "not a picture",
        "PostScript.jpg": "not a picture",
        "BM.bmp": "not a picture",
        "pipe.jpg": "named pipe",
        "socket.jpg": "socket",
        "broken-link.jpg": "not there",
        "circle.jpg": "symbolic links",
        "device.png": "device",
        "bomb-claims.png": "60000 x 60000 = 3,600.0 megapixels",
        "bomb-real.png": "20000 x 20000 = 400.0 megapixels",
        "bomb-claims.jpg": "65500 x 65500",
        "bomb-scans.jpg": "too many times",
        "bomb-claims.bmp": "60000 x 60000",
        "bomb-claims.tif": "50000 x 50000",
        "bomb-claims.gif": "65535 x 65535",
        "bomb-endless.tif": "damaged",
    }
    for name, reason in expected.items():
        assert reason in refused.pop(name)
    assert set(refused) <= {"unreadable.jpg"}  # root may read what others may not


def test_same_seed_same_files(tmp_path: Path) -> None:
    first = make_damaged(tmp_path / "a", count=120, seed=3)
    second = make_damaged(tmp_path / "b", count=120, seed=3)
    plain = [(a, b) for a, b in zip(first, second, strict=True) if "special" not in a.parts]
    assert len(plain) > 60
    assert all(a.read_bytes() == b.read_bytes() for a, b in plain)
    assert {path.name.split("-")[1] for path, _ in plain if "-" in path.name} >= set(DAMAGES)
