"""From rendered pictures to words in the store, with the reader that people get."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image, ImageDraw, ImageFont

from sightread.protocols import Reader
from sightread.readers import open_reader
from sightread.search.ingest import ingest

from .conftest import Desk

Bounds = tuple[float, float, float, float]
SLACK_PX = 45  # readers draw their boxes with a margin: half the height of the letters


def render(path: Path, word: str, orientation: int = 1) -> Bounds:
    """A picture of 1600 x 800 px with a light word on it; returns where the word is
    (left, top, right, bottom in px, upright)."""
    image = Image.new("RGB", (1600, 800), (70, 110, 90))
    draw = ImageDraw.Draw(image)
    font = ImageFont.load_default(90)
    draw.text((180, 100), word, fill=(250, 245, 230), font=font)
    bounds = draw.textbbox((180, 100), word, font=font)
    exif = Image.Exif()
    if orientation == 6:  # to be turned clockwise by whoever shows it
        image = image.transpose(Image.Transpose.ROTATE_90)
        exif[0x0112] = 6
    image.save(path, quality=92, exif=exif)
    return bounds


@pytest.fixture(scope="module", params=["spotter", "rapidocr"])
def reader(request: pytest.FixtureRequest) -> Reader:
    return open_reader(request.param)


def test_words_of_real_pictures_are_found_where_they_are(desk: Desk, reader: Reader) -> None:
    words = {"coffee.jpg": "COFFEE", "taxi.jpg": "TAXI", "turned.jpg": "MARKET"}
    bounds = {
        name: render(desk.pictures / name, word, orientation=6 if name == "turned.jpg" else 1)
        for name, word in words.items()
    }
    (desk.pictures / "broken.jpg").write_text("no picture")
    report = ingest(desk.store, reader, desk.ledger, [str(desk.pictures)])
    assert (report.new, report.failed) == (3, 1)
    assert 0 < report.reader_cpu_s <= report.worker_cpu_s
    for record in desk.records():
        name = Path(record.stamps[0].path).name
        [region] = record.regions
        assert region.text.lower() == words[name].lower()
        assert region.tokens[0] == words[name].lower()
        assert (record.width, record.height) == (1600, 800)
        assert region.box is not None
        (left, top), _, (right, bottom), _ = region.box
        assert (left, top, right, bottom) == pytest.approx(bounds[name], abs=SLACK_PX)
    found = desk.store.search_words(["coffee"])
    assert len(found) == 1
