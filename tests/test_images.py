"""Decoding: every format and mode comes out upright, in RGB, at the size asked for; or refused."""

from __future__ import annotations

import hashlib
import io
import os
import socket
import struct
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from sightread.errors import PictureError
from sightread.images import content_id, decode, read_file
from sightread.types import RGBImage

RED, GREEN, BLUE, WHITE = (220, 20, 30), (20, 160, 40), (30, 40, 200), (255, 255, 255)


def corners(width: int = 96, height: int = 64) -> Image.Image:
    """Red, green, blue, white in the quarters: top left, top right, bottom left, bottom right."""
    image = Image.new("RGB", (width, height), WHITE)
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, 0, width // 2 - 1, height // 2 - 1), fill=RED)
    draw.rectangle((width // 2, 0, width, height // 2 - 1), fill=GREEN)
    draw.rectangle((0, height // 2, width // 2 - 1, height), fill=BLUE)
    return image


def saved(image: Image.Image, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def saved_heif(image: Image.Image, **options: object) -> bytes:
    from pillow_heif import from_pillow

    buffer = io.BytesIO()
    from_pillow(image).save(buffer, quality=90, **options)
    return buffer.getvalue()


def quarters(pixels: RGBImage) -> NDArray[np.int64]:
    """(4, 3): the colour in the middle of each quarter."""
    height, width = pixels.shape[:2]
    points = [(1, 1), (1, 3), (3, 1), (3, 3)]
    return np.array([pixels[height * y // 4, width * x // 4] for y, x in points], np.int64)


def assert_corners(pixels: RGBImage, tolerance: int = 12) -> None:
    assert np.abs(quarters(pixels) - [RED, GREEN, BLUE, WHITE]).max() <= tolerance


# --- formats and modes -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("JPEG", {"quality": 95}),
        ("JPEG", {"quality": 95, "progressive": True}),
        ("PNG", {}),
        ("WEBP", {"quality": 95}),
        ("WEBP", {"lossless": True}),
        ("GIF", {}),
        ("BMP", {}),
        ("TIFF", {}),
        ("TIFF", {"compression": "tiff_lzw"}),
        ("TIFF", {"compression": "jpeg", "quality": 95}),
        ("TIFF", {"big_tiff": True}),
        ("AVIF", {"quality": 95}),
    ],
)
def test_format_is_found_by_content(kind: str, options: dict[str, object]) -> None:
    picture = decode(saved(corners(), kind, **options))
    assert (picture.format, picture.width, picture.height) == (kind, 96, 64)
    assert picture.pixels.shape == (64, 96, 3)
    assert picture.pixels.dtype == np.uint8
    assert picture.pixels.flags.c_contiguous
    assert picture.pixels.flags.writeable
    assert_corners(picture.pixels, tolerance=20)


def test_heic_is_read_with_the_extra() -> None:
    picture = decode(saved_heif(corners()))
    assert (picture.format, picture.width, picture.height) == ("HEIF", 96, 64)
    assert_corners(picture.pixels, tolerance=20)


def test_heic_without_the_extra_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    data = saved_heif(corners())
    monkeypatch.setitem(sys.modules, "pillow_heif", None)  # how Python marks "cannot be imported"
    with pytest.raises(PictureError, match=r"pip install 'sightread\[heic\]'"):
        decode(data)


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


def test_first_frame_of_a_gif() -> None:
    second = Image.new("RGB", (96, 64), (0, 0, 0))
    data = saved(corners(), "GIF", save_all=True, append_images=[second])
    assert_corners(decode(data).pixels, tolerance=40)


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


# --- orientation and size --------------------------------------------------------------------

# What a camera stores for each orientation so that the upright picture is `corners()`.
_STORED: dict[int, Callable[[NDArray[np.uint8]], NDArray[np.uint8]]] = {
    1: lambda a: a,
    2: np.fliplr,
    3: lambda a: np.rot90(a, 2),
    4: np.flipud,
    5: lambda a: a.transpose(1, 0, 2),
    6: lambda a: np.rot90(a, 1),
    7: lambda a: np.rot90(a, 2).transpose(1, 0, 2),
    8: lambda a: np.rot90(a, -1),
}


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF"])
@pytest.mark.parametrize("limit", [None, 120])
def test_exif_orientation(kind: str, orientation: int, limit: int | None) -> None:
    upright = np.asarray(corners(480, 320))
    stored = Image.fromarray(np.ascontiguousarray(_STORED[orientation](upright)))
    exif = Image.Exif()
    exif[0x0112] = orientation
    picture = decode(saved(stored, kind, exif=exif), side_limit_px=limit)
    assert (picture.width, picture.height) == (480, 320)
    assert picture.pixels.shape == ((320, 480, 3) if limit is None else (80, 120, 3))
    assert_corners(picture.pixels, tolerance=30)


@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
def test_heic_orientation(orientation: int) -> None:
    upright = np.asarray(corners(480, 320))
    stored = Image.fromarray(np.ascontiguousarray(_STORED[orientation](upright)))
    exif = Image.Exif()
    exif[0x0112] = orientation
    picture = decode(saved_heif(stored, exif=exif.tobytes()))
    assert (picture.width, picture.height) == (480, 320)
    assert_corners(picture.pixels, tolerance=30)


@pytest.mark.parametrize("orientation", [0, 9, 65535])
def test_impossible_orientation_is_ignored(orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    picture = decode(saved(corners(), "JPEG", exif=exif, quality=95))
    assert (picture.width, picture.height) == (96, 64)


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
@pytest.mark.parametrize("limit", [1, 10, 64, 99, 100, 125, 399, 400, 401, 799, 800, 801, 5000])
def test_side_limit_is_met_exactly(kind: str, limit: int) -> None:
    picture = decode(saved(corners(800, 401), kind), side_limit_px=limit)
    assert (picture.width, picture.height) == (800, 401)
    height, width = picture.pixels.shape[:2]
    assert width == min(limit, 800)
    assert height == max(1, round(401 * width / 800))
    if limit >= 64:
        assert_corners(picture.pixels, tolerance=30)


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
@pytest.mark.parametrize("size", [(1, 1), (3000, 1), (1, 3000)])
def test_extreme_shapes(kind: str, size: tuple[int, int]) -> None:
    picture = decode(saved(Image.new("RGB", size, RED), kind), side_limit_px=50)
    assert (picture.width, picture.height) == size
    assert max(picture.pixels.shape[:2]) == min(50, max(size))
    assert np.abs(picture.pixels.astype(int) - RED).max() <= 4


def test_reduced_decoding_agrees_with_the_full_one() -> None:
    rng = np.random.default_rng(5)
    coarse = rng.integers(0, 256, (12, 16, 3), dtype=np.uint8)
    image = Image.fromarray(coarse).resize((1600, 1200), Image.Resampling.BICUBIC)
    data = saved(image, "JPEG", quality=95)
    small = decode(data, side_limit_px=300).pixels.astype(float)
    exact = np.asarray(image.resize((300, 225), Image.Resampling.LANCZOS), dtype=float)
    assert np.abs(small - exact).mean() < 2.0


# --- refusals --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "data", [b"\0" * 5000, b"<html>", b"BM is text, not a bitmap file", b"%!PS"]
)
def test_other_content_is_refused(data: bytes) -> None:
    with pytest.raises(PictureError, match=r"not a picture .*JPEG, PNG"):
        decode(data)


def test_empty_data_is_refused() -> None:
    with pytest.raises(PictureError, match="empty"):
        decode(b"")


def test_pixel_cap_names_size_limit_and_option() -> None:
    data = saved(Image.new("1", (2000, 1500)), "PNG")
    with pytest.raises(PictureError, match=r"2000 x 1500 = 3\.0 megapixels.* 2\.9; --max-mega"):
        decode(data, max_pixels=2_900_000)
    assert decode(data, max_pixels=3_000_000).pixels.shape == (1500, 2000, 3)


def test_pillows_own_cap_does_not_apply(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    assert decode(saved(corners(), "PNG")).width == 96


@pytest.mark.parametrize(("kind", "options"), [("JPEG", {}), ("PNG", {})])
def test_cut_off_picture_is_kept_if_half_of_it_is_there(
    kind: str, options: dict[str, object]
) -> None:
    rng = np.random.default_rng(1)
    noise = Image.fromarray(rng.integers(0, 256, (200, 200, 3), dtype=np.uint8))
    data = saved(noise, kind, **options)
    whole = decode(data).pixels
    most = decode(data[: len(data) * 7 // 10])
    assert (most.width, most.height) == (200, 200)
    assert (most.pixels[:112] == whole[:112]).all()
    assert (decode(data[:-2]).pixels[:180] == whole[:180]).all()
    with pytest.raises(PictureError, match=r"\d\d% of its rows can be read, at least 50%"):
        decode(data[: len(data) * 3 // 10])


def test_cut_off_picture_can_be_decoded_smaller() -> None:
    rng = np.random.default_rng(1)
    noise = Image.fromarray(rng.integers(0, 256, (400, 400, 3), dtype=np.uint8))
    data = saved(noise, "JPEG")
    whole = decode(data, side_limit_px=100).pixels
    most = decode(data[: len(data) * 7 // 10], side_limit_px=100)
    assert (most.width, most.height) == (400, 400)
    assert (most.pixels[:60] == whole[:60]).all()


@pytest.mark.parametrize("kind", ["WEBP", "GIF", "BMP", "TIFF", "AVIF"])
def test_other_cut_off_formats_are_refused(kind: str) -> None:
    data = saved(corners(), kind)
    with pytest.raises(PictureError, match=f"{kind} picture is damaged"):
        decode(data[: len(data) // 2])


def test_damaged_tiff_prints_nothing() -> None:
    # libtiff writes on file descriptor 2 from C, which only a process of its own shows for sure.
    data = saved(corners(), "TIFF", compression="tiff_lzw")
    program = (
        "import sys; from sightread.images import decode\n"
        "from sightread.errors import PictureError\n"
        "data = sys.stdin.buffer.read()\n"
        "try: decode(data)\n"
        "except PictureError as error: print(error)\n"
    )
    # Damage in the middle of the LZW stream, which starts behind the 8 bytes of the header.
    broken = data[:60] + b"\xff" * 60 + data[120:]
    result = subprocess.run(
        [sys.executable, "-c", program], input=broken, capture_output=True, check=True
    )
    assert b"TIFF picture is damaged" in result.stdout
    assert result.stderr == b""


def test_threads_decode_alike() -> None:
    rng = np.random.default_rng(2)
    noise = Image.fromarray(rng.integers(0, 256, (300, 400, 3), dtype=np.uint8))
    files = [saved(noise, kind) for kind in ("JPEG", "PNG", "WEBP", "GIF", "TIFF")]
    files += [data[: len(data) * 8 // 10] for data in files[:2]]
    alone = [decode(data, side_limit_px=150).pixels for data in files]
    with ThreadPoolExecutor(8) as pool:
        again = list(pool.map(lambda data: decode(data, side_limit_px=150).pixels, files * 10))
    for number, pixels in enumerate(again):
        assert (pixels == alone[number % len(files)]).all()


# --- bytes in --------------------------------------------------------------------------------


def test_content_id_is_the_first_63_bits_of_the_sha256() -> None:
    picture, digest = content_id(b"abc")
    # FIPS 180-2, appendix B.1
    assert digest == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert digest == hashlib.sha256(b"abc").hexdigest()
    assert picture == 0xBA7816BF8F01CFEA >> 1


@pytest.mark.parametrize("name", [b"a.jpg", b"new\nline.jpg", b"no-utf8-\xff.jpg"])
def test_read_file_returns_the_bytes(tmp_path: Path, name: bytes) -> None:
    path = tmp_path / os.fsdecode(name)
    path.write_bytes(b"content")
    assert read_file(str(path)) == b"content"
    assert read_file(str(path), max_bytes=7) == b"content"


def make_device(path: Path) -> None:
    path.symlink_to("/dev/zero")


def make_socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        descriptor = os.open(path.parent, os.O_RDONLY)
        server.bind(f"/proc/self/fd/{descriptor}/{path.name}")  # a socket's path must be short
        os.close(descriptor)


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (Path.exists, "not there"),
        (lambda path: path.symlink_to("nowhere"), "not there"),
        (lambda path: path.symlink_to(path.name), "symbolic links"),
        (Path.mkdir, "a folder"),
        (os.mkfifo, "a named pipe"),
        (make_socket, "a socket"),
        (make_device, "a device"),
        (Path.touch, "empty"),
        (lambda path: path.write_bytes(bytes(1001)), r"0\.0 MB, the limit is"),
    ],
)
def test_read_file_refuses(tmp_path: Path, make: Callable[[Path], object], reason: str) -> None:
    path = tmp_path / "x.jpg"
    make(path)
    with pytest.raises(PictureError, match=reason):
        read_file(str(path), max_bytes=1000)


def test_read_file_refuses_impossible_names() -> None:
    with pytest.raises(PictureError, match="file name"):
        read_file("a\0b.jpg")
    with pytest.raises(PictureError, match="too long"):
        read_file("x" * 300)
