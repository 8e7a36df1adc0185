"""From a folder of pictures to an outlined word, with the real reader, as a newcomer goes it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from sightread.cli.outline import INNER


def sightread(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command as a user whose library is where it is by default."""
    kept = {name: value for name, value in os.environ.items() if name != "SIGHTREAD_LIBRARY"}
    return subprocess.run(
        [sys.executable, "-m", "sightread", *arguments],
        env=kept | {"XDG_DATA_HOME": str(home / "data")},
        capture_output=True,
        check=False,
        timeout=120,
        text=True,
    )


def paint(path: Path, words: str) -> None:
    image = Image.new("RGB", (640, 240), "white")
    font = ImageFont.load_default(size=72)
    ImageDraw.Draw(image).text((60, 80), words, fill="black", font=font)
    image.save(path)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("home")
    photos = home / "photos"
    photos.mkdir()
    paint(photos / "cafe.jpg", "COFFEE")
    paint(photos / "street.png", "NO PARKING")
    (photos / "broken.jpg").write_bytes(b"this is no picture")
    done = sightread(home, "index", str(photos), "--json")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert (report["seen"], report["new"], report["failed"]) == (3, 2, 1)
    assert "2 new pictures read" in done.stderr
    return home


def test_the_written_word_is_found_and_outlined(home: Path) -> None:
    answer = json.loads(sightread(home, "search", '"coffee"', "--json").stdout)
    [hit] = answer["results"]
    assert hit["path"] == str(home / "photos" / "cafe.jpg")
    out = home / "outlined.png"
    shown = sightread(home, "show", hit["path"], "--out", str(out), "--query", '"coffee"')
    assert shown.returncode == 0, shown.stderr
    assert "coffee" in shown.stdout.lower()
    with Image.open(out) as image:
        rows, columns = np.nonzero(np.all(np.asarray(image.convert("RGB")) == INNER, axis=2))
    # The word was painted from (60, 80), in letters about 50 px high.
    assert 30 < columns.min() < 70
    assert 60 < rows.min() < 105
    assert 120 < rows.max() < 190


def test_a_phrase_and_its_negation(home: Path) -> None:
    def paths(*query: str) -> list[str]:
        done = sightread(home, "search", "-0", *query)
        return [os.path.basename(path) for path in done.stdout.split("\0") if path]

    assert paths('"no parking"') == ["street.png"]
    assert paths("coffee", '-"no parking"') == ["cafe.jpg"]


def test_a_table_can_be_had_in_a_pipe(home: Path) -> None:
    table = sightread(home, "search", '"coffee"', "--table").stdout.splitlines()
    assert [line.split()[0] for line in table] == ["#", "1"]
    assert "exact" in table[1]
    both = sightread(home, "search", '"coffee"', "--table", "--json")
    assert both.returncode == 2
    assert "exclude each other" in both.stderr


def test_failed_files_are_listed_and_tried_again(home: Path) -> None:
    head, row = sightread(home, "status", "--failed").stdout.splitlines()
    assert head == "path\treason\tfailed_at\tattempts"
    assert row.split("\t")[0] == str(home / "photos" / "broken.jpg")
    again = json.loads(sightread(home, "retry", "--json").stdout)
    assert (again["new"], again["failed"]) == (0, 1)
    state = json.loads(sightread(home, "status", "--json", "--failed").stdout)
    assert (state["pictures"], state["failed"]) == (2, 1)
    assert state["failures"][0]["attempts"] == 2
    assert state["library"] == str(home / "data" / "sightread" / "library.sightread")


def test_folders_that_are_missing_or_empty_are_refused(home: Path) -> None:
    empty = home / "empty"
    empty.mkdir()
    for folder, code, sentence in (
        (home / "missing", 2, "There is no folder"),
        (empty, 1, "There is no picture in"),
    ):
        done = sightread(home, "index", str(folder))
        assert done.returncode == code
        assert f"sightread: {sentence}" in done.stderr
        assert "Traceback" not in done.stderr


def test_what_is_forgotten_is_not_found(home: Path) -> None:
    folder = home / "more"
    folder.mkdir()
    paint(folder / "hotel.png", "HOTEL")
    assert sightread(home, "index", str(folder)).returncode == 0
    assert sightread(home, "search", "hotel", "--fail-on-empty").returncode == 0
    done = sightread(home, "forget", str(folder / "hotel.png"), "nothing.png")
    assert done.stderr == (
        "1 picture removed from the library. 1 other name not in it (or copies).\n"
    )
    assert sightread(home, "search", "hotel", "--fail-on-empty").returncode == 3
    assert sightread(home, "forget", str(folder / "hotel.png")).returncode == 1


def test_the_pixel_cap_can_be_raised(tmp_path: Path) -> None:
    photos, library = tmp_path / "photos", str(tmp_path / "library")
    photos.mkdir()
    Image.new("RGB", (1100, 1000), "white").save(photos / "large.png")
    done = sightread(tmp_path, "index", str(photos), "-L", library, "--max-megapixels", "1")
    assert "1 file failed" in done.stderr
    listed = sightread(tmp_path, "status", "--failed", "-L", library).stdout
    assert "1.1 megapixels, the limit is 1.0; --max-megapixels raises it" in listed
    again = sightread(tmp_path, "retry", "-L", library, "--max-megapixels", "2", "--json")
    assert json.loads(again.stdout)["new"] == 1
