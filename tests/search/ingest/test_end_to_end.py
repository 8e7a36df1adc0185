"""From rendered pictures to words in the store, with the reader that people get."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image, ImageDraw, ImageFont

from sightread.readers import open_reader
from sightread.search.ingest import ingest
from sightread.types import Reader

from .conftest import Desk

BOX = (150, 90, 620, 210)
"""Where the word is in the picture, left, top, right, bottom in px."""


def render(path: Path, word: str, orientation: int = 1) -> None:
    """A picture of 1600 x 800 px with a dark word in a light sign."""
    image = Image.new("RGB", (1600, 800), (70, 110, 90))
    draw = ImageDraw.Draw(image)
    draw.rectangle(BOX, fill=(245, 240, 225))
    draw.text((180, 100), word, fill=(30, 20, 20), font=ImageFont.load_default(90))
    exif = Image.Exif()
    if orientation == 6:  # to be turned clockwise by whoever shows it
        image = image.transpose(Image.Transpose.ROTATE_90)
        exif[0x0112] = 6
    image.save(path, quality=92, exif=exif)


@pytest.fixture(scope="module")
def reader() -> Reader:
    return open_reader()


def test_words_of_real_pictures_are_found_where_they_are(desk: Desk, reader: Reader) -> None:
    words = {"coffee.jpg": "COFFEE", "taxi.jpg": "TAXI", "turned.jpg": "MARKET"}
    for name, word in words.items():
        render(desk.pictures / name, word, orientation=6 if name == "turned.jpg" else 1)
    (desk.pictures / "broken.jpg").write_text("no picture")
    report = ingest(desk.store, reader, desk.ledger, [str(desk.pictures)])
    assert (report.new, report.failed) == (3, 1)
    assert 0 < report.reader_cpu_s <= report.worker_cpu_s
    for record in desk.records():
        name = Path(record.stamps[0].path).name
        [region] = record.regions
        assert region.text == words[name]
        assert region.tokens[0] == words[name].lower()
        assert (record.width, record.height) == (1600, 800)
        assert region.box is not None
        for x, y in region.box:
            assert BOX[0] <= x <= BOX[2]
            assert BOX[1] <= y <= BOX[3]
    found = desk.store.search_words(["coffee"])
    assert len(found) == 1
