"""Decoding: every format and mode comes out upright, in RGB, at the size asked for; or refused."""

from __future__ import annotations

import hashlib
import os
import socket
import struct
import subprocess
import sys
import zlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, PngImagePlugin

from sightread.errors import PictureError
from sightread.images import content_id, decode, read_file
from tests.pictures import RED, assert_corners, corners, saved, saved_heif

# --- formats ---------------------------------------------------------------------------------


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


def test_first_frame_of_a_gif() -> None:
    second = Image.new("RGB", (96, 64), (0, 0, 0))
    data = saved(corners(), "GIF", save_all=True, append_images=[second])
    assert_corners(decode(data).pixels, tolerance=40)


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


def test_pixels_can_be_left_as_they_are_stored() -> None:
    stored = corners(480, 320)
    exif = Image.Exif()
    exif[0x0112] = 6  # to be shown turned by a quarter
    turned = decode(saved(stored, "PNG", exif=exif))
    assert (turned.width, turned.height) == (320, 480)
    left = decode(saved(stored, "PNG", exif=exif), upright=False)
    assert (left.width, left.height) == (480, 320)
    assert_corners(left.pixels)


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


def test_impossible_side_limit_is_the_callers_fault() -> None:
    with pytest.raises(ValueError, match="side_limit_px is 0"):
        decode(saved(corners(), "PNG"), side_limit_px=0)


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


def test_cut_off_interlaced_png_is_refused() -> None:
    # Its first passes cover the whole picture with one pixel in 64: nothing to read.
    passes = b"".join(bytes((0, *[200] * (64 // dx))) * (64 // dy) for dx, dy in _ADAM7)
    header = struct.pack(">IIBBBBB", 64, 64, 8, 0, 0, 0, 1)
    whole = zlib.compress(passes, 0)
    assert (decode(png_of(header, whole)).pixels == 200).all()
    with pytest.raises(PictureError, match="damaged"):
        decode(png_of(header, whole[: len(whole) // 2]))


_ADAM7 = ((8, 8), (8, 8), (4, 8), (4, 4), (2, 4), (2, 2), (1, 2))  # steps of the seven passes


def png_of(header: bytes, pixels: bytes) -> bytes:
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
        for name, body in ((b"IHDR", header), (b"IDAT", pixels), (b"IEND", b""))
    )


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


def test_png_with_oversized_or_damaged_extras_is_decoded() -> None:
    info = PngImagePlugin.PngInfo()
    info.add_text("Workflow", "x" * 2_000_000, zip=True)
    exif = Image.Exif()
    exif[0x0112] = 3
    half_turn = corners().transpose(Image.Transpose.ROTATE_180)
    data = saved(half_turn, "PNG", pnginfo=info, icc_profile=bytes(2_000_000), exif=exif)
    assert_corners(decode(data).pixels)
    at = data.index(b"eXIf") + 8
    without_exif = decode(data[:at] + b"?" + data[at + 1 :]).pixels
    assert_corners(np.rot90(without_exif, 2))


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
