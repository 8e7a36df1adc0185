"""Pictures with known words at known places, and one reader for all tests."""

from __future__ import annotations

from collections.abc import Callable
from importlib.resources import as_file, files

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from sightread.readers.rapidocr import RapidOcrReader
from sightread.types import RGBImage

Write = Callable[..., RGBImage]


@pytest.fixture(scope="session")
def reader() -> RapidOcrReader:
    return RapidOcrReader()


@pytest.fixture(scope="session")
def write() -> Write:
    """A picture with a text in its middle, turned clockwise by some degrees."""
    source = files("font_manrope") / "files" / "Manrope-Bold.ttf"

    def render(
        text: str,
        size: tuple[int, int] = (640, 400),
        font_px: int = 60,
        turned: float = 0,
        ink: str = "black",
        paper: str = "white",
    ) -> RGBImage:
        with as_file(source) as path:
            font = ImageFont.truetype(str(path), font_px)
        image = Image.new("RGB", size, paper)
        draw = ImageDraw.Draw(image)
        middle = (size[0] / 2, size[1] / 2)
        draw.text(middle, text, font=font, fill=ink, anchor="mm", align="center")
        turned_image = image.rotate(-turned, Image.Resampling.BICUBIC, fillcolor=paper)
        return np.asarray(turned_image, dtype=np.uint8)

    return render
