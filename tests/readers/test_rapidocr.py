"""The reader as a whole, on rendered pictures."""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import sightread
from sightread.errors import UsageError
from sightread.readers import READERS, open_reader
from sightread.readers.nets import load_net, wheel_models
from sightread.readers.rapidocr import RapidOcrReader, ReaderSettings
from sightread.text import key
from sightread.types import Quad, RGBImage, WordRegion

from .conftest import Write


def texts(words: list[WordRegion]) -> list[str]:
    return [key(word.text or "") for word in words]


def centre(box: Quad) -> tuple[float, float]:
    return sum(x for x, _ in box) / 4, sum(y for _, y in box) / 4


def ink_box(image: RGBImage) -> tuple[float, float, float, float]:
    """Left, top, right, bottom of what is dark."""
    rows, columns = np.nonzero(image.min(axis=2) < 128)
    return columns.min(), rows.min(), columns.max(), rows.max()


def test_words_of_two_lines(reader: RapidOcrReader, write: Write) -> None:
    (words,) = reader.read([write("COFFEE HOUSE\nsince 1984")])
    assert texts(words) == ["coffee", "house", "since", "1984"]
    assert [word.line for word in words] == [0, 0, 1, 1]
    assert all(0.9 < word.confidence <= 1 for word in words)


def test_boxes_are_in_pixels_of_the_given_picture(reader: RapidOcrReader, write: Write) -> None:
    for size, font_px in [((200, 100), 30), ((2600, 1400), 260)]:
        image = write("COFFEE", size=size, font_px=font_px)
        ((word,),) = reader.read([image])
        left, top, right, bottom = ink_box(image)
        slack = 0.6 * font_px
        (x0, y0), _, (x1, y1), _ = word.box
        assert left - slack < x0 <= left + 0.1 * slack
        assert top - slack < y0 <= top + 0.1 * slack
        assert right - 0.1 * slack <= x1 < right + slack
        assert bottom - 0.1 * slack <= y1 < bottom + slack


@pytest.mark.parametrize("degrees", [-20, 15, 35])
def test_boxes_turn_with_the_line(reader: RapidOcrReader, write: Write, degrees: float) -> None:
    (words,) = reader.read([write("NORTH STATION", turned=degrees)])
    assert texts(words) == ["north", "station"]
    for word in words:
        (x0, y0), (x1, y1), _, _ = word.box
        assert np.degrees(np.arctan2(y1 - y0, x1 - x0)) == pytest.approx(degrees, abs=4)
    (north_x, north_y), (station_x, station_y) = (centre(word.box) for word in words)
    assert station_x > north_x
    assert (station_y > north_y) == (degrees > 0)


@pytest.mark.parametrize("degrees", [90, 180, 270])
def test_text_in_any_direction(reader: RapidOcrReader, write: Write, degrees: int) -> None:
    (words,) = reader.read([write("Coffee house", size=(640, 640), turned=degrees)])
    assert texts(words) == ["coffee", "house"]
    # From the first corner to the second is the direction of reading, clockwise from the right.
    for word in words:
        (x0, y0), (x1, y1), _, _ = word.box
        angle = np.degrees(np.arctan2(y1 - y0, x1 - x0)) % 360
        assert angle == pytest.approx(degrees, abs=4)


def test_glued_words_are_parted(reader: RapidOcrReader, write: Write) -> None:
    # A space of a tenth of the letter height is hardly one to the recogniser.
    (words,) = reader.read([write("NO\u2009PARKING")])
    assert texts(words) == ["no", "parking"]


def test_white_on_dark(reader: RapidOcrReader, write: Write) -> None:
    (words,) = reader.read([write("Exit 7", ink="white", paper="#203060")])
    assert texts(words) == ["exit", "7"]


@pytest.mark.parametrize(
    "shape",
    [(1, 1), (1, 2000), (2000, 1), (3, 3), (31, 33), (5, 4000), (48, 6000), (4500, 3000)],
)
def test_odd_sizes_are_read_without_words(reader: RapidOcrReader, shape: tuple[int, int]) -> None:
    assert reader.read([np.full((*shape, 3), 200, np.uint8)]) == [[]]


def test_noise_does_not_crash(reader: RapidOcrReader) -> None:
    noise = np.random.default_rng(5).integers(0, 256, (150, 211, 3), dtype=np.uint8)
    (words,) = reader.read([noise])
    for word in words:
        assert 0 <= word.confidence <= 1
        assert all(0 <= x <= 211 and 0 <= y <= 150 for x, y in word.box)


def test_read_only_and_strided_pictures(reader: RapidOcrReader, write: Write) -> None:
    image = write("COFFEE")
    bgr = np.ascontiguousarray(image[:, :, ::-1])
    bgr.setflags(write=False)
    assert texts(reader.read([bgr[:, :, ::-1]])[0]) == ["coffee"]


def test_threads_read_the_same(reader: RapidOcrReader, write: Write) -> None:
    images = [write(word) for word in ("ALPHA", "BRAVO", "CHARLIE", "DELTA", "ECHO", "FOXTROT")]
    with ThreadPoolExecutor(3) as pool:
        together = list(pool.map(lambda image: reader.read([image])[0], images))
    assert together == reader.read(images)


def test_the_spec_names_models_and_settings(reader: RapidOcrReader) -> None:
    settings = ReaderSettings()
    assert reader.spec == RapidOcrReader(settings).spec
    changed = replace(settings, detector=replace(settings.detector, box_threshold=0.61))
    assert RapidOcrReader(changed).spec.revision != reader.spec.revision
    assert reader.spec.name == "rapidocr"
    assert reader.spec.side_limit_px == settings.side_limit_px
    assert reader.encode_words(["coffee"]) is None


def test_readers_by_name() -> None:
    assert "rapidocr" in READERS
    with pytest.raises(UsageError, match=r"tesseract.*rapidocr"):
        open_reader("tesseract")


def test_unknown_runtime() -> None:
    with pytest.raises(UsageError, match="unknown runtime 'tpu': choose onnxruntime or openvino"):
        load_net(wheel_models().detector, "tpu")  # type: ignore[arg-type]


def test_reading_prints_and_writes_nothing(tmp_path: Path) -> None:
    # In a process of its own: ONNX Runtime prints below Python's own streams.
    code = (
        "import numpy as np\n"
        "from sightread.readers import open_reader\n"
        "open_reader('rapidocr').read([np.zeros((64, 64, 3), np.uint8)])\n"
        "import sys\n"
        "assert 'rapidocr' not in sys.modules and 'torch' not in sys.modules\n"
    )
    source = str(Path(sightread.__file__).parent.parent)
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": source},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert list(tmp_path.iterdir()) == []
