"""From a file to upright RGB pixels: read once, judge by content, decode no larger than needed.

The file's suffix is never believed; the first bytes decide, and only decoders on a short list are
ever started. Whatever is wrong with a file comes out as `PictureError`; Pillow's own exceptions
and warnings do not. All functions may be called from several threads at once.

Colour profiles are not applied: they shift hues, not the shapes that readers look at.
"""

from __future__ import annotations

import ctypes
import errno
import hashlib
import io
import logging
import os
import stat
import warnings
from collections.abc import Callable
from functools import cache

import numpy as np
from numpy.typing import NDArray
from PIL import (
    AvifImagePlugin,
    BmpImagePlugin,
    GifImagePlugin,
    Image,
    ImageFile,
    JpegImagePlugin,
    PngImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
    _imaging,
)

from sightread.errors import PictureError
from sightread.formats import SNIFF_BYTES, essential_png, sniff
from sightread.metadata import read_metadata
from sightread.pixels import flatten
from sightread.types import Picture, PictureId, RGBImage

MAX_PIXELS = 120_000_000
"""Full size of a picture that is decoded by default: 108-megapixel phones pass, bombs do not."""

MAX_BYTES = 512 * 1024 * 1024
"""Size of a file that is read by default."""

# Pillow logs some refusals as errors; without a handler Python would print them on stderr.
logging.getLogger("PIL").addHandler(logging.NullHandler())

# --- bytes in --------------------------------------------------------------------------------


def read_file(path: str, max_bytes: int = MAX_BYTES) -> bytes:
    """The bytes of a regular file.

    Args:
        path: as the operating system gives it (undecodable bytes as surrogates).
        max_bytes: larger files are refused before a byte is read.

    Raises:
        PictureError: not a regular file, empty, too large, or it cannot be read.
    """
    try:
        # Before opening, since opening alone can do something to a device.
        _require_regular(os.stat(path).st_mode)
        # A FIFO put there in between must not hang the run.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
        with open(descriptor, "rb") as file:
            status = os.fstat(descriptor)
            _require_regular(status.st_mode)
            _require_size(status.st_size, max_bytes)
            data = file.read(max_bytes + 1)
    except OSError as error:
        raise PictureError(_os_reason(error)) from error
    except ValueError as error:  # a NUL in the path
        raise PictureError("this is not a possible file name") from error
    _require_size(len(data), max_bytes)
    return data


def _require_regular(mode: int) -> None:
    if stat.S_ISREG(mode):
        return
    for is_kind, kind in (
        (stat.S_ISDIR, "a folder"),
        (stat.S_ISFIFO, "a named pipe"),
        (stat.S_ISSOCK, "a socket"),
    ):
        if is_kind(mode):
            raise PictureError(f"this is {kind}, not a file")
    raise PictureError("this is a device, not a file")


def _require_size(size: int, max_bytes: int) -> None:
    if size == 0:
        raise PictureError("the file is empty (0 bytes)")
    if size > max_bytes:
        raise PictureError(
            f"the file has {size / 1e6:,.1f} MB, the limit is {max_bytes / 1e6:,.1f} MB"
        )


def _os_reason(error: OSError) -> str:
    if error.errno in (errno.EACCES, errno.EPERM):
        return "no permission to read the file"
    if error.errno in (errno.ENOENT, errno.ENOTDIR):
        return "the file is not there (moved, deleted, or a broken link)"
    return f"the file cannot be read: {error.strerror or error}"


def content_id(data: bytes) -> tuple[PictureId, str]:
    """The identity of these bytes: the first 63 bits of their SHA-256, and the SHA-256 in hex."""
    digest = hashlib.sha256(data)
    return int.from_bytes(digest.digest()[:8], "big") >> 1, digest.hexdigest()


# --- which decoder ---------------------------------------------------------------------------


def _heif(file: io.BytesIO) -> ImageFile.ImageFile:
    try:
        from pillow_heif import HeifImageFile
    except ImportError as error:
        raise PictureError(
            "HEIC pictures need one more package: pip install 'sightread[heic]'"
        ) from error
    opened: ImageFile.ImageFile = HeifImageFile(file)
    return opened


def _tiff(file: io.BytesIO) -> ImageFile.ImageFile:
    _mute_libtiff()
    return TiffImagePlugin.TiffImageFile(file)


@cache
def _mute_libtiff() -> None:
    # libtiff prints every complaint on stderr and Pillow offers no way to stop it; the errors
    # that matter come back as exceptions. Found through Pillow's own module, which links it.
    try:
        library = ctypes.CDLL(_imaging.__file__)
        for setter in (library.TIFFSetErrorHandler, library.TIFFSetWarningHandler):
            setter(None)
    except (AttributeError, OSError):
        return  # linked in statically: its lines on stderr remain, nothing worse


# Opened by class, not by `Image.open`, so that no decoder outside this list can ever run, and that
# the pixel cap is ours alone (`Image.open` has a global one of its own).
_DECODERS: dict[str, Callable[[io.BytesIO], ImageFile.ImageFile]] = {
    "JPEG": JpegImagePlugin.JpegImageFile,
    "PNG": PngImagePlugin.PngImageFile,
    "GIF": GifImagePlugin.GifImageFile,
    "WEBP": WebPImagePlugin.WebPImageFile,
    "BMP": BmpImagePlugin.BmpImageFile,
    "TIFF": _tiff,
    "AVIF": AvifImagePlugin.AvifImageFile,
    "HEIF": _heif,
}


# --- decoding --------------------------------------------------------------------------------


def decode(
    data: bytes,
    *,
    side_limit_px: int | None = None,
    max_pixels: int = MAX_PIXELS,
    upright: bool = True,
) -> Picture:
    """Decode a picture file to upright RGB.

    Args:
        data: the whole file.
        side_limit_px: pictures whose longer side is larger come out with exactly this longer
            side; smaller ones as they are. None: every pixel.
        max_pixels: cap on width x height of the full picture, checked before decoding.
        upright: False leaves the pixels of all but HEIC as they are stored, for annotations
            that were drawn on them by a program that knew nothing of orientations.

    Returns:
        The picture; `width` and `height` are those of the full upright picture, whatever the
        size of `pixels`.

    Raises:
        PictureError: with the reason in one sentence.
        ValueError: `side_limit_px` is below 1.
    """
    if side_limit_px is not None and side_limit_px < 1:
        raise ValueError(f"side_limit_px is {side_limit_px}, it must be 1 or more")
    kind = sniff(data[:SNIFF_BYTES])
    if kind is None:
        reason = "the content is not a picture" if data else "the file is empty (0 bytes)"
        raise PictureError(f"{reason} (known: JPEG, PNG, WebP, GIF, BMP, TIFF, HEIC, AVIF)")
    _mute_pillow()
    try:
        return _decode(kind, data, side_limit_px, max_pixels, upright)
    except PictureError:
        raise
    except MemoryError as error:
        raise PictureError(f"there is not enough memory to decode this {kind} picture") from error
    except Exception as error:
        # Decoders fed garbage raise nearly anything: OSError, SyntaxError, struct.error,
        # zlib.error, ValueError, KeyError, OverflowError, even AssertionError.
        raise PictureError(f"the {kind} picture is damaged: {_one_line(error)}") from error


def decoding_pixels(data: bytes, *, side_limit_px: int | None = None) -> int:
    """About how many pixels `decode` would have in memory at once, judged by the header; 0 for
    what it refuses to decode. A pixel takes up to 4 bytes meanwhile."""
    kind = sniff(data[:SNIFF_BYTES])
    if kind is None:
        return 0
    _mute_pillow()
    try:
        image = _open(kind, data)
        if not image.info.get("progressive"):  # its coefficients are kept for the full size
            _reduce_jpeg(image, side_limit_px)
    except Exception:
        return 0
    return image.width * image.height


def _mute_pillow() -> None:
    # Pillow warns about odd tags that do not matter here. `catch_warnings` is not safe with
    # threads, so one narrow filter is put in front and stays there.
    first = warnings.filters[0] if warnings.filters else None
    if first is None or first[0] != "ignore" or getattr(first[3], "pattern", "") != r"PIL\.":
        warnings.filterwarnings("ignore", module=r"PIL\.")


def _one_line(error: Exception) -> str:
    text = " ".join(str(error).split())
    return text[:200] or type(error).__name__


def _decode(kind: str, data: bytes, limit: int | None, max_pixels: int, upright: bool) -> Picture:
    image = _open(kind, data)
    width, height = image.size
    if width * height > max_pixels:
        raise PictureError(
            f"the picture has {width} x {height} = {width * height / 1e6:,.1f} megapixels, the "
            f"limit is {max_pixels / 1e6:,.1f}; --max-megapixels raises it"
        )
    # A scan is one pass over all pixels; files of a few kB can ask for thousands of passes.
    if kind == "JPEG" and data.count(b"\xff\xda") * width * height > 20 * max_pixels:
        raise PictureError("the JPEG picture wants its pixels drawn too many times over")
    _reduce_jpeg(image, limit)
    image = _load(kind, image, data, limit)
    if kind == "HEIF":  # its header may announce another size than its pixels have
        width, height = image.size
    orientation = _orientation(image) if upright else 1
    metadata = read_metadata(image)
    array = _turn(_shrink(flatten(image), (width, height), limit), orientation)
    if array.ndim == 2:
        array = np.repeat(array[:, :, None], 3, axis=2)
    if orientation >= 5:
        width, height = height, width
    pixels = np.require(array, requirements=["C", "W"])  # Pillow's own memory is read-only
    return Picture(pixels, width, height, kind, metadata)


def _open(kind: str, data: bytes) -> ImageFile.ImageFile:
    try:
        return _DECODERS[kind](io.BytesIO(data))
    except Exception:
        if kind != "PNG":
            raise
        # Pillow gives up on a colour profile or a text above 1 MB; the pixels may be fine.
        return _DECODERS[kind](io.BytesIO(essential_png(data)))


def _reduce_jpeg(image: ImageFile.ImageFile, limit: int | None) -> None:
    """Let the JPEG decoder skip frequencies: half, quarter or eighth size for less work."""
    if limit is None or not isinstance(image, JpegImagePlugin.JpegImageFile):
        return
    width, height = image.size
    for scale in (8, 4, 2):
        if max(width, height) >= limit * scale:
            image.draft(image.mode, (max(1, width // scale), max(1, height // scale)))
            return


def _load(
    kind: str, image: ImageFile.ImageFile, data: bytes, limit: int | None
) -> ImageFile.ImageFile:
    """Decode the pixels; what a cut-off JPEG or PNG still holds is kept if it is worth it.

    A half-transferred photo is shown by every viewer, so people expect to find the words on it.
    Below half of the rows the gap matters more than the rest, and the file belongs in the list of
    failed files, where its owner sees that it should be copied again.
    (Pillow's own switch for this, LOAD_TRUNCATED_IMAGES, is global and hides the loss.)
    """
    try:
        image.load()
    except Exception as error:
        if kind == "JPEG":
            # With an end marker libjpeg closes the picture and fills what is missing with grey.
            image = _open(kind, data + b"\xff\xd9")
            _reduce_jpeg(image, limit)
            image.load()
            filler = (127, 128)
        elif kind == "PNG" and not image.info.get("interlace"):
            image.tile = []  # take the rows that came out before the error
            filler = (0, 0)
        else:
            raise
        there = _share_of_rows(image, filler)
        if there < 0.5:
            raise PictureError(
                f"the {kind} picture is cut off or damaged: {there:.0%} of its rows can be read, "
                "at least 50% are needed"
            ) from error
    return image


def _share_of_rows(image: Image.Image, filler: tuple[int, int]) -> float:
    rows = np.asarray(image).reshape(image.height, -1)
    real = np.flatnonzero(np.any((rows < filler[0]) | (rows > filler[1]), axis=1))
    return float(real[-1] + 1) / image.height if len(real) else 0.0


# --- smaller ---------------------------------------------------------------------------------


def _shrink(image: Image.Image, full: tuple[int, int], limit: int | None) -> NDArray[np.uint8]:
    """(H, W) or (H, W, 3) with the longer side at most `limit`; `image` may be reduced already."""
    if limit is None or max(full) <= limit:
        return np.asarray(image)
    width, height = (max(1, round(side * limit / max(full))) for side in full)
    if image.size == (width, height):
        return np.asarray(image)
    if max(image.size) >= 2 * limit:
        image = image.reduce(max(image.size) // limit)
    import cv2  # here, since it takes as long to import as everything else in this module

    # Between 1x and 2x, bilinear is as close to Lanczos from the full picture as area averaging
    # is (39 against 39 dB on a 12-megapixel photo), at an eighth of the time.
    shrunk: NDArray[np.uint8] = cv2.resize(
        np.asarray(image), (width, height), interpolation=cv2.INTER_LINEAR
    )
    return shrunk


# --- upright ---------------------------------------------------------------------------------


def _orientation(image: Image.Image) -> int:
    """EXIF orientation 1..8; 1 where there is none or it cannot be read."""
    try:
        value = image.getexif().get(0x0112, 1)
    except Exception:
        return 1
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def _turn(array: NDArray[np.uint8], orientation: int) -> RGBImage:
    if orientation >= 5:  # 5..8 are 1..4's mirror images across the diagonal
        array = array.swapaxes(0, 1)
    if orientation in (3, 4, 7, 8):
        array = array[::-1]
    if orientation in (2, 3, 6, 7):
        array = array[:, ::-1]
    return array
