"""Every kind of pixel comes out as the 8-bit RGB that a person sees."""

from __future__ import annotations

import struct

import numpy as np
import pytest
from PIL import Image, ImageDraw

from sightread.errors import PictureError
from sightread.images import decode
from tests.pictures import assert_corners, corners, quarters, saved


@pytest.mark.parametrize("mode", ["L", "1", "P", "LA", "RGBA", "I;16", "CMYK", "F", "I"])
@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_modes(kind: str, mode: str) -> None:
    if kind == "PNG" and mode in ("CMYK", "F", "I"):
        with pytest.raises(OSError, match="cannot write mode"):
            saved(corners().convert(mode), kind)
        return
    values = np.asarray(corners().convert("L"))
    if mode == "I;16":
        image = Image.fromarray(values.astype(np.uint16) * 257)
    elif mode == "I":
        image = Image.fromarray(values.astype(np.int32) * 257)
    elif mode == "F":
        image = Image.fromarray(values.astype(np.float32) / 255 - 3)
    else:
        image = corners().quantize(8) if mode == "P" else corners().convert(mode)
    picture = decode(saved(image, kind))
    assert picture.pixels.shape == (64, 96, 3)
    if mode in ("P", "RGBA", "CMYK"):
        assert_corners(picture.pixels)
    elif mode == "1":
        assert set(np.unique(picture.pixels)) == {0, 255}
        assert (picture.pixels[48, 72] == 255).all()
    else:
        # Stretched modes map the darkest value to 0, so compare the order of the quarters only.
        grey = quarters(picture.pixels)
        assert (grey == grey[:, :1]).all()
        expected = [int(values[16, 24]), int(values[16, 72]), int(values[48, 24]), 255]
        assert np.argsort(grey[:, 0]).tolist() == np.argsort(expected).tolist()
        assert grey[3, 0] >= 254
        if mode in ("L", "LA", "I;16"):
            assert np.abs(grey[:, 0] - expected).max() <= 1


def test_16_bit_grey_is_scaled_and_not_clipped() -> None:
    ramp = np.linspace(0, 65535, 256).astype(np.uint16)[None, :].repeat(4, 0)
    pixels = decode(saved(Image.fromarray(ramp), "PNG")).pixels
    assert pixels[0, :, 0].tolist() == (ramp[0] >> 8).tolist()
    twelve_bits = decode(saved(Image.fromarray(ramp >> 4), "TIFF")).pixels
    assert np.abs(twelve_bits[0, :, 0].astype(int) - np.arange(256)).max() <= 1


def test_16_bit_tiff_with_white_as_zero() -> None:
    values = np.full((8, 8), 65535, np.uint16)
    values[:, 4:] = 0
    data = saved(Image.fromarray(values), "TIFF")
    entry = struct.pack("<HHIHH", 262, 3, 1, 1, 0)  # PhotometricInterpretation, one SHORT: 1
    assert entry in data
    pixels = decode(data.replace(entry, struct.pack("<HHIHH", 262, 3, 1, 0, 0))).pixels
    assert (pixels[:, :4] == 0).all()
    assert (pixels[:, 4:] == 255).all()


def test_float_with_nan_and_infinity() -> None:
    values = np.array([[np.nan, -1.0, 0.0], [1.0, np.inf, 1.0]], np.float32)
    pixels = decode(saved(Image.fromarray(values), "TIFF")).pixels[:, :, 0]
    assert pixels.tolist() == [[0, 0, 128], [255, 0, 255]]
    nothing = np.full((2, 2), np.nan, np.float32)
    assert not decode(saved(Image.fromarray(nothing), "TIFF")).pixels.any()


def test_cmyk_jpeg_by_adobe_and_by_others() -> None:
    data = saved(corners().convert("CMYK"), "JPEG", quality=95)
    assert_corners(decode(data).pixels, tolerance=30)
    # The same file without Adobe's marker means the opposite values.
    at = data.index(b"\xff\xee")
    size = struct.unpack_from(">H", data, at + 2)[0]
    others = decode(data[:at] + data[at + 2 + size :]).pixels
    negative = decode(saved(Image.eval(corners().convert("CMYK"), lambda v: 255 - v), "JPEG"))
    assert np.abs(quarters(others) - quarters(negative.pixels)).max() <= 30


def test_lab_colours_are_refused() -> None:
    with pytest.raises(PictureError, match="Lab colours"):
        decode(saved(Image.new("LAB", (8, 8)), "TIFF"))


# --- transparency ----------------------------------------------------------------------------


def lettering(colour: tuple[int, int, int], hidden: tuple[int, int, int]) -> Image.Image:
    """A bar of `colour` on full transparency, whose invisible pixels have the colour `hidden`."""
    image = Image.new("RGBA", (60, 30), (*hidden, 0))
    ImageDraw.Draw(image).rectangle((10, 10, 49, 19), fill=(*colour, 255))
    return image


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("hidden", [(0, 0, 0), (255, 255, 255)])
@pytest.mark.parametrize(
    ("colour", "ground"), [((255, 255, 255), 0), ((255, 240, 90), 0), ((10, 10, 40), 255)]
)
def test_lettering_on_transparent_ground_stays_visible(
    kind: str, hidden: tuple[int, int, int], colour: tuple[int, int, int], ground: int
) -> None:
    options = {"lossless": True} if kind == "WEBP" else {}
    pixels = decode(saved(lettering(colour, hidden), kind, **options)).pixels
    assert pixels[15, 30].tolist() == list(colour)
    assert pixels[2, 2].tolist() == [ground] * 3


def test_palette_with_a_transparent_colour() -> None:
    image = Image.new("P", (20, 10), 0)
    image.putpalette([255, 255, 255, 250, 250, 250, 90, 0, 0])
    image.paste(1, (5, 2, 15, 8))
    pixels = decode(saved(image, "PNG", transparency=0)).pixels
    assert pixels[0, 0].tolist() == [0, 0, 0]  # near-white shape, so on black
    assert pixels[5, 10].tolist() == [250, 250, 250]


def test_half_transparent_pixels_are_blended() -> None:
    image = Image.new("RGBA", (4, 4), (0, 0, 0, 255))
    image.putpixel((0, 0), (0, 0, 0, 51))
    assert decode(saved(image, "PNG")).pixels[0, 0].tolist() == [204] * 3  # 255 x (1 - 51/255)


def test_nothing_but_faint_pixels_goes_on_white() -> None:
    image = Image.new("RGBA", (4, 4), (255, 255, 255, 3))
    assert decode(saved(image, "PNG")).pixels.min() == 255
