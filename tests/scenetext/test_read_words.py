"""scripts/read_words.py with the word spotter of the package."""

import subprocess
import sys
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from sightread.scenetext.records import open_records

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "read_words.py"


def read(pictures: Path, out: Path) -> tuple[int, str]:
    command = [sys.executable, str(SCRIPT), str(pictures), str(out), "--reader", "spotter"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stdout == ""
    return done.returncode, done.stderr.splitlines()[-1].split("\r")[-1]


def test_a_folder_is_read_and_goes_on_where_it_was(tmp_path: Path) -> None:
    shop = tmp_path / "pictures" / "shop"
    shop.mkdir(parents=True)
    image = Image.new("RGB", (320, 160), (235, 235, 235))
    font = ImageFont.load_default(size=64)
    ImageDraw.Draw(image).text((20, 40), "HOTEL", fill=(10, 10, 10), font=font)
    image.save(shop / "a.png")
    (tmp_path / "pictures" / "torn.jpg").write_bytes(b"no picture")
    out = tmp_path / "words"
    code, said = read(tmp_path / "pictures", out)
    assert (code, said[:35]) == (0, "1 read, 0 known, 1 left out; spotte")
    record = open_records(out)("shop/a.png")
    assert record is not None
    assert (record.width, record.height) == (320, 160)
    [word] = [one for one in record.words if one.text and one.text.upper() == "HOTEL"]
    low, high = np.min(word.box, axis=0), np.max(word.box, axis=0)
    assert (low >= (0, 20)).all()
    assert (high <= (320, 140)).all()
    # What is there is left alone; what is broken is read again.
    assert read(tmp_path / "pictures", out)[1].startswith("0 read, 1 known, 1 left out")
    (out / "shop" / "a.png.json").write_text('{"image_id"')
    assert read(tmp_path / "pictures", out)[1].startswith("1 read, 0 known, 1 left out")
    assert read(tmp_path / "words", out) == (1, f"There are no pictures in {tmp_path / 'words'}.")
