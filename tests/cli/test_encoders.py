"""The commands with an encoder, as processes of their own: from a model folder to an outline."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw
from tests.cli.test_end_to_end import paint, sightread
from tests.encoders.handmade import make_folder
from tests.serving import served

from sightread.cli.outline import INNER
from sightread.modelfolder import Calibration


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sign that says COFFEE, and a red picture in which nobody can read anything. To the model,
    which goes by colours, coffee is red, and what is bright is text."""
    home = tmp_path_factory.mktemp("home")
    photos = home / "photos"
    photos.mkdir()
    paint(photos / "sign.png", "COFFEE")
    red = Image.new("RGB", (640, 640), (200, 0, 0))
    ImageDraw.Draw(red).rectangle((160, 80, 319, 159), fill=(255, 255, 255))
    red.save(photos / "red.png")
    make_folder(home / "model", space="scene-text", calibration=Calibration(20.0, -15.0))
    done = sightread(home, "index", str(photos), "--encoder", str(home / "model"), "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["new"] == 2
    return home


def test_read_and_seen_are_told_apart(home: Path) -> None:
    done = sightread(home, "search", '"coffee"', "--json")
    assert done.stderr == ""
    hits = {os.path.basename(h["path"]): h for h in json.loads(done.stdout)["results"]}
    assert sorted(hits) == ["red.png", "sign.png"]
    [read] = [e for e in hits["sign.png"]["evidence"] if e["channel"] == "written"]
    assert (read["match"], read["word"].lower()) == ("exact", "coffee")
    [seen] = hits["red.png"]["evidence"]
    assert (seen["channel"], seen["match"]) == ("scene-text", "look-alike")
    assert seen["boxes"] == [[[160.0, 80.0], [320.0, 80.0], [320.0, 160.0], [160.0, 160.0]]]
    alone = sightread(home, "search", '"coffee"', "--reader-only", "-0").stdout
    assert alone == f"{home}/photos/sign.png\0"


def test_the_map_of_text_is_laid_over_the_picture(home: Path) -> None:
    out, red = home / "heat.png", str(home / "photos" / "red.png")
    done = sightread(home, "show", red, "--encoder", str(home / "model"), "--heat", str(out))
    assert done.returncode == 0, done.stderr
    with Image.open(out) as image:
        assert image.size == (640, 640)
        bright, plain = image.getpixel((240, 120)), image.getpixel((600, 600))
    # The model's map is brightness: 1 on the white box, 200 / 3 / 255 = 0.26 on the red. White
    # becomes 0.35 x 255 + 0.65 x (255, 0, 0) = (255, 89, 89), a little paler because making the
    # picture small softens the box. Red is half grey, (133, 33, 33), and 0.65 x 0.26 = 0.17 of it
    # is covered by (255, 155, 0).
    assert bright == pytest.approx((255, 96, 96), abs=8)
    assert plain == pytest.approx((154, 54, 28), abs=2)
    done = sightread(home, "show", red, "--encoder", str(home / "model"), "--heat", str(out))
    assert done.returncode == 2
    assert "is there already; name another file, or add --force" in done.stderr


def test_the_map_is_drawn_here_for_a_picture_that_is_served(home: Path, tmp_path: Path) -> None:
    red = str(home / "photos" / "red.png")
    here, there = tmp_path / "here.png", tmp_path / "there.png"
    model = str(home / "model")
    asked = ("show", red, "--encoder", model, "--heat")
    assert sightread(home, *asked, str(here)).returncode == 0
    library = home / "data" / "sightread" / "library.sightread"
    with served(str(library), cache=str(tmp_path / "cache")) as service:
        done = sightread(home, *asked, str(there), "--url", service.url)
    assert done.returncode == 0, done.stderr
    assert there.read_bytes() == here.read_bytes()


def test_another_model_takes_over_behind_a_service(home: Path, tmp_path: Path) -> None:
    library = tmp_path / "copy.sightread"
    shutil.copytree(home / "data" / "sightread" / "library.sightread", library)
    other = make_folder(tmp_path / "other", fit="squash", space="scene-text")
    photos, cache = str(home / "photos"), str(tmp_path / "cache")

    def encode_again(url: str) -> subprocess.CompletedProcess[str]:
        return sightread(home, "index", photos, "--reencode", "--json", "--url", url)

    with served(str(library), "--folder", photos, cache=cache) as plain:
        done = encode_again(plain.url)
        assert done.returncode == 2
        assert "start the service with --encoder DIR" in done.stderr
    with served(str(library), "--folder", photos, "--encoder", str(other), cache=cache) as service:
        before = sightread(home, "status", "--json", "--url", service.url)
        done = encode_again(service.url)
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout)["encoded"] == 2
        after = sightread(home, "status", "--json", "--url", service.url)
        found = sightread(home, "search", '"coffee"', "--json", "--url", service.url)
    [old], [new] = (json.loads(one.stdout)["spaces"] for one in (before, after))
    assert (old["revision"] != new["revision"], new["pictures"]) == (True, 2)
    assert (new["folder"], json.loads(found.stdout)["warnings"]) == (str(other), [])


def test_what_was_seen_is_outlined(home: Path) -> None:
    out = home / "seen.png"
    red = str(home / "photos" / "red.png")
    done = sightread(home, "show", red, "--out", str(out), "--query", '"coffee"')
    assert done.returncode == 0, done.stderr
    assert "encoded  " in done.stdout
    with Image.open(out) as image:
        rows, columns = np.nonzero(np.all(np.asarray(image) == INNER, axis=2))
    assert (150 < columns.min() < 161, 319 < columns.max() < 330) == (True, True)
    assert (70 < rows.min() < 81, 159 < rows.max() < 170) == (True, True)
    done = sightread(home, "show", red, "--out", str(home / "no.png"), "--query", '"taxi"')
    assert (done.returncode, "not written in this picture" in done.stderr) == (1, True)


def test_status_and_help_tell_of_it(home: Path) -> None:
    [line] = [line for line in sightread(home, "status").stdout.splitlines() if "encoders" in line]
    assert line.startswith("encoders  scene-text (handmade ")
    assert line.endswith("): 2 pictures")
    [space] = json.loads(sightread(home, "status", "--json").stdout)["spaces"]
    assert (space["pictures"], space["missing"], space["serving"]) == (2, 0, True)
    assert space["folder"] == str(home / "model")


def test_without_its_model_the_search_goes_on(home: Path) -> None:
    library = home / "data" / "sightread" / "library.sightread"
    copy = home / "copy.sightread"
    shutil.copytree(library, copy)
    shutil.move(home / "model", home / "moved")
    try:
        done = sightread(home, "search", '"coffee"', "-0", "-L", str(copy))
        assert (done.returncode, done.stdout) == (0, f"{home}/photos/sign.png\0")
        assert done.stderr.startswith("Searched without scene-text, by what was read alone: ")
        assert done.stderr.count("\n") == 1
        named = ("--encoder", str(home / "moved"))
        done = sightread(home, "search", '"coffee"', "--json", "-L", str(copy), *named)
        assert json.loads(done.stdout)["total"] == 2
    finally:
        shutil.move(home / "moved", home / "model")


def test_a_model_without_probabilities_is_asked_by_name(home: Path) -> None:
    plain = make_folder(home / "plain", fit="squash", space="scene-text")
    library = ("-L", str(home / "plain.sightread"))
    photos = str(home / "photos")
    done = sightread(home, "index", photos, "--encoder", str(plain), *library)
    assert done.returncode == 0, done.stderr
    done = sightread(home, "search", '"coffee"', "--also", "scene-text", "--table", *library)
    rows = [line.split() for line in done.stdout.splitlines() if line[:1].isdigit()]
    assert (rows[0][2], rows[1][1]) == ("%", "–")
    assert "(scene-text)" in done.stdout
    assert total(home, *library) == 1
    another = ("--encoder", str(home / "model"), "--reencode")
    assert "2 known ones encoded" in sightread(home, "index", photos, *another, *library).stderr
    assert total(home, *library) == 2


def total(home: Path, *library: str) -> int:
    answer = sightread(home, "search", '"coffee"', "--json", *library).stdout
    return int(json.loads(answer)["total"])


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("search", "x", "--encoder", "/m", "--reader-only"), "exclude each other"),
        (("search", "x", "--encoder", "/nowhere"), "There is no model in /nowhere"),
        (("search", "x", "--also", "entity"), "no space entity to search in; it has scene-text"),
        (("index", ".", "--reencode"), "--reencode needs --encoder DIR"),
        (("show", "x", "--also", "scene-text"), "--also is about a query"),
        (("show", "x", "--heat", "h.png"), "--heat FILE and --encoder DIR go together"),
        (("show", "x", "--encoder", "m"), "--heat FILE and --encoder DIR go together"),
    ],
)
def test_what_makes_no_sense_is_one_sentence(
    home: Path, arguments: tuple[str, ...], says: str
) -> None:
    done = sightread(home, *arguments)
    assert done.returncode in (1, 2)
    assert says in done.stderr
    assert done.stderr.count("\n") == 1


def test_serving_an_encoder_loads_no_torch(home: Path) -> None:
    code = (
        "import sys\n"
        "from sightread.cli.entry import run\n"
        "assert run(['search', 'coffee', '-0']) == 0\n"
        "assert 'onnxruntime' in sys.modules and 'rapidocr' not in sys.modules\n"
        "assert 'cv2' not in sys.modules\n"
        "assert run(['index', sys.argv[1], '-q']) == 0\n"
        "print()\n"
        "print([m for m in sys.modules if m.partition('.')[0] == 'torch'])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(home / "photos")],
        env=os.environ | {"XDG_DATA_HOME": str(home / "data")},
        capture_output=True,
        check=True,
        timeout=120,
        text=True,
    )
    assert done.stdout.splitlines()[-1] == "[]"
