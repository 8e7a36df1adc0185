"""Draws outlines around words on a copy of a picture."""

from __future__ import annotations

import math
import os
import tempfile
from collections.abc import Sequence
from typing import TYPE_CHECKING

from sightread.errors import UsageError

if TYPE_CHECKING:
    from PIL import Image

    from sightread.types import Picture, Quad

# Bright inside dark: one of the two stands out on any background.
INNER = (255, 214, 0)
OUTER = (20, 20, 20)

_FORMATS = {".jpg": "JPEG", ".jpeg": "JPEG", ".png": "PNG", ".webp": "WEBP"}


def line_width_px(width: int, height: int) -> int:
    """Width of the bright line: seen at a glance when the whole picture fills a screen."""
    return max(2, round(max(width, height) / 250))


def outline(picture: Picture, boxes: Sequence[Quad]) -> Image.Image:
    """A copy of the picture with each box outlined, at the size of `picture.pixels`.

    `boxes` are in pixels of the full upright picture. The lines run outside of the boxes, so that
    the words stay readable.
    """
    from PIL import Image, ImageDraw

    image = Image.fromarray(picture.pixels)
    scale_x, scale_y = image.width / picture.width, image.height / picture.height
    line_px = line_width_px(image.width, image.height)
    draw = ImageDraw.Draw(image)
    rings = [
        _grown([(x * scale_x, y * scale_y) for x, y in box], by_px=1.5 * line_px) for box in boxes
    ]
    # All dark lines first: where words touch, no bright line is cut through.
    for colour, width_px in ((OUTER, 2 * line_px), (INNER, line_px)):
        for ring in rings:
            draw.line([*ring, ring[0], ring[1]], fill=colour, width=width_px, joint="curve")
    return image


def _grown(corners: Sequence[tuple[float, float]], by_px: float) -> list[tuple[float, float]]:
    """Each corner moved away from the middle along the two sides that meet there."""
    grown = []
    for at, (x, y) in enumerate(corners):
        for other in (corners[at - 1], corners[(at + 1) % len(corners)]):
            dx, dy = corners[at][0] - other[0], corners[at][1] - other[1]
            length = math.hypot(dx, dy)
            if length > 0:
                x, y = x + by_px * dx / length, y + by_px * dy / length
        grown.append((x, y))
    return grown


def check_target(path: str, originals: Sequence[str], replace: bool) -> str:
    """The format in which `path` will be written.

    Raises:
        UsageError: an unknown suffix, no such folder, one of the indexed files itself, or a file
            that is there and not meant to be replaced.
    """
    suffix = os.path.splitext(path)[1].lower()
    if suffix not in _FORMATS:
        raise UsageError(
            f"{path} cannot be written: its suffix must be one of {', '.join(_FORMATS)}."
        )
    folder = os.path.dirname(path)
    if folder and not os.path.isdir(folder):
        raise UsageError(f"{path} cannot be written: there is no folder {folder}.")
    if os.path.lexists(path):
        if any(os.path.exists(one) and os.path.samefile(one, path) for one in originals):
            raise UsageError(f"{path} is the picture itself; name another file for the copy.")
        if not replace:
            raise UsageError(f"{path} is there already; name another file, or add --force.")
    return _FORMATS[suffix]


def save(image: Image.Image, path: str, format: str) -> None:
    """Write the image whole or not at all.

    Raises:
        OSError: the folder cannot be written to, or the disk is full.
    """
    folder = os.path.dirname(os.path.abspath(path))
    options = {"JPEG": {"quality": 92}, "WEBP": {"quality": 92}}.get(format, {})
    handle, temporary = tempfile.mkstemp(prefix=".outlined-", dir=folder)
    try:
        with os.fdopen(handle, "wb") as out:
            image.save(out, format=format, **options)
        os.chmod(temporary, 0o666 & ~_umask())
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


def _umask() -> int:
    mask = os.umask(0o022)
    os.umask(mask)
    return mask
