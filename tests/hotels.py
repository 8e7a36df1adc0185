"""A library of rendered pictures that look alike and bear different words.

Ten red fronts of hotels, of which five say HILTON, three IBIS and two nothing, among green and
blue pictures. The encoder is the model folder that is made by hand, to which coffee is red; the
words are read by the word spotter of the package.
"""

from __future__ import annotations

from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from sightread.library import Library
from sightread.modelfolder import Calibration
from tests.encoders.handmade import make_folder

NAMES = ("HILTON",) * 5 + ("IBIS",) * 3 + ("",) * 2
SURE = Calibration(40.0, -32.0)
QUERY = "coffee"


def front(path: Path, word: str, ground: tuple[int, int, int]) -> None:
    """A word in white on a plain ground."""
    image = Image.new("RGB", (320, 160), ground)
    font = ImageFont.load_default(size=44)
    ImageDraw.Draw(image).text((60, 50), word, fill="white", font=font)
    image.save(path)


def make_library(base: Path) -> Path:
    """Render, encode and read; returns the library's folder."""
    pictures, folder = base / "pictures", base / "hotels.sightread"
    pictures.mkdir(parents=True)
    for at, name in enumerate(NAMES):
        front(pictures / f"hotel{at}.png", name, (190 + at, 4 * at, 10))
    for at in range(6):
        front(pictures / f"tree{at}.png", "OAK", (30 * at, 190, 20))
        front(pictures / f"lake{at}.png", "BOAT", (20, 30 * at, 190))
    model = make_folder(base / "model", space="pictures", text_map=False, calibration=SURE)
    with Library.open(
        str(folder), write=True, create=True, reader="spotter", encoder=str(model)
    ) as library:
        report = library.index([str(pictures)])
    assert (report.new, report.failed) == (len(NAMES) + 12, 0)
    return folder
