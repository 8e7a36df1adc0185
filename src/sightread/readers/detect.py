"""Find lines of text in a picture: a net that marks text pixels, and rectangles around the marks.

The net is the detector of PP-OCR, trained by differentiable binarisation (Liao et al., "Real-time
scene text detection with differentiable binarization", AAAI 2020): it marks the *kernel* of each
line, a shrunken version, so that neighbouring lines stay apart, and the rectangle around a kernel
is grown again afterwards.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from sightread.readers.areas import Area
from sightread.readers.nets import Net, Tensor
from sightread.types import RGBImage

Corners = NDArray[np.float32]
"""(4, 2): top left, top right, bottom right, bottom left, as the reader of the line sees it."""

_STRIDE_PX = 32  # the net halves its input five times
_MIN_KERNEL_PX = 3.0
_MAX_LINES = 1000
_SAME_TEXT = 1 / 3
_TALL = 1.5  # a box so much taller than wide holds a line that runs downwards


@dataclass(frozen=True, slots=True)
class DetectorSettings:
    """How large a picture is shown to the detector, and when marks count as text."""

    side_limit_px: int = 1280
    """Larger pictures are reduced until their longer side has this length."""
    enlarge_to_px: int = 960
    """Smaller pictures are enlarged until their longer side has this length, ..."""
    enlarge_limit: float = 2.0
    """... but by no more than this factor."""
    border_px: int = 16
    """Added on each side (of the resized picture): text that touches the edge is missed."""
    pixel_threshold: float = 0.3
    box_threshold: float = 0.3
    """Least mean mark inside a rectangle."""
    coarse_scale: float = 0.0
    """A second look at the picture reduced by this factor finds letters larger than the net's
    field of view; 0 for none."""
    unclip_ratio: float = 1.6
    """A kernel grows by this times its area over its circumference, on each side."""
    mean: tuple[float, float, float] = (0.5, 0.5, 0.5)
    std: tuple[float, float, float] = (0.5, 0.5, 0.5)


@dataclass(frozen=True, slots=True)
class FoundLine:
    """Where a line of text is, in pixels of the picture, and how much of it is marked as text."""

    corners: Corners
    score: float


def scale_for(width: int, height: int, settings: DetectorSettings) -> float:
    """The factor by which a picture of this size is shown to the detector."""
    side = max(width, height)
    if side > settings.side_limit_px:
        return settings.side_limit_px / side
    return min(settings.enlarge_limit, max(1.0, settings.enlarge_to_px / side))


def detect(image: RGBImage, net: Net, settings: DetectorSettings) -> list[FoundLine]:
    """Lines of text in no particular order.

    Args:
        image: (H, W, 3) RGB, any size from 1 x 1.
        net: (1, 3, h, w) BGR in [-1, 1] -> (1, 1, h, w) in [0, 1].
    """
    height, width = image.shape[:2]
    scale = scale_for(width, height, settings)
    found = _detect_at(image, scale, net, settings)
    if settings.coarse_scale:
        for line in _detect_at(image, scale * settings.coarse_scale, net, settings):
            if not any(_overlap(line.corners, other.corners) for other in found):
                found.append(line)
    return found


def detect_in(
    image: RGBImage, areas: Sequence[Area], net: Net, settings: DetectorSettings
) -> list[FoundLine]:
    """Lines of text in some areas of a picture, in pixels of the picture; those that two areas
    show, as the first of them does."""
    found: list[FoundLine] = []
    for area in areas:
        part = np.ascontiguousarray(image[area.top : area.bottom, area.left : area.right])
        corner = np.array([area.left, area.top], np.float32)
        lines = _detect_at(part, area.scale, net, settings)
        moved = [FoundLine(line.corners + corner, line.score) for line in lines]
        # Lines of one look may overlap: they are tilted, or one stands on another.
        found += [
            line
            for line in moved
            if not any(_overlap(line.corners, other.corners) for other in found)
        ]
    return found


def _detect_at(
    image: RGBImage, scale: float, net: Net, settings: DetectorSettings
) -> list[FoundLine]:
    height, width = image.shape[:2]
    # Rounding changes the two sides by different factors.
    inner = (max(1, round(width * scale)), max(1, round(height * scale)))
    marks = net(_tensor(image, inner, settings))[0, 0]
    factor = np.array([width / inner[0], height / inner[1]], dtype=np.float32)
    size = np.array([width, height], dtype=np.float32)
    found: list[FoundLine] = []
    for box, score in _boxes(marks, settings):
        corners = np.clip((box - settings.border_px) * factor, 0, size).astype(np.float32)
        if min(_side(corners, 0, 1), _side(corners, 1, 2)) >= 1:
            found.append(FoundLine(corners, score))
    return found


def _overlap(one: Corners, other: Corners) -> bool:
    """Whether they share more than a third of the smaller one."""
    shared, _ = cv2.intersectConvexConvex(one, other)
    least = min(cv2.contourArea(one), cv2.contourArea(other))
    return bool(shared > _SAME_TEXT * max(least, 1e-6))


def _tensor(image: RGBImage, inner: tuple[int, int], settings: DetectorSettings) -> Tensor:
    reduces = inner[0] < image.shape[1]
    resized = cv2.resize(image, inner, interpolation=cv2.INTER_AREA if reduces else cv2.INTER_CUBIC)
    border = settings.border_px
    right, below = (_up_to_stride(side + 2 * border) - side - border for side in inner)
    padded = cv2.copyMakeBorder(resized, border, below, border, right, cv2.BORDER_REPLICATE)
    mean = np.array(settings.mean, dtype=np.float32) * 255
    std = np.array(settings.std, dtype=np.float32) * 255
    pixels = (padded[:, :, ::-1].astype(np.float32) - mean) / std
    return np.ascontiguousarray(pixels.transpose(2, 0, 1)[None])


def _up_to_stride(side: int) -> int:
    return math.ceil(side / _STRIDE_PX) * _STRIDE_PX


def _boxes(marks: Tensor, settings: DetectorSettings) -> list[tuple[Corners, float]]:
    """Grown rectangles in pixels of the map, with their mean mark."""
    mask = (marks > settings.pixel_threshold).astype(np.uint8)
    mask = cv2.dilate(mask, np.ones((2, 2), np.uint8))
    contours, _ = cv2.findContours(mask, cv2.RETR_LIST, cv2.CHAIN_APPROX_SIMPLE)
    boxes: list[tuple[Corners, float]] = []
    for contour in contours[:_MAX_LINES]:
        (x, y), (side_a, side_b), angle = cv2.minAreaRect(contour)
        if min(side_a, side_b) < _MIN_KERNEL_PX:
            continue
        kernel = cv2.boxPoints(((x, y), (side_a, side_b), angle))
        score = _mean_mark(marks, kernel)
        if score < settings.box_threshold:
            continue
        grow = settings.unclip_ratio * side_a * side_b / (side_a + side_b)
        grown = cv2.boxPoints(((x, y), (side_a + grow, side_b + grow), angle))
        boxes.append((in_reading_order(grown), score))
    return boxes


def _mean_mark(marks: Tensor, kernel: Corners) -> float:
    height, width = marks.shape
    left, top = np.clip(np.floor(kernel.min(axis=0)), 0, (width - 1, height - 1)).astype(int)
    right, bottom = np.clip(np.ceil(kernel.max(axis=0)), 0, (width - 1, height - 1)).astype(int)
    mask = np.zeros((bottom - top + 1, right - left + 1), np.uint8)
    cv2.fillPoly(mask, [(kernel - (left, top)).astype(np.int32)], 1)
    return float(cv2.mean(marks[top : bottom + 1, left : right + 1], mask)[0])


def in_reading_order(box: Corners) -> Corners:
    """The corners of a rectangle, beginning at the top of the line's start.

    A line is taken to run to the right, or downwards if the box is tall.
    """
    centre = box.mean(axis=0)
    angles = np.arctan2(box[:, 1] - centre[1], box[:, 0] - centre[0])
    clockwise = box[np.argsort(angles)]
    # The first corner is that for which the edge to the next points most to the right.
    edges = np.roll(clockwise, -1, axis=0) - clockwise
    lengths = np.maximum(np.linalg.norm(edges, axis=1), 1e-6)
    start = int(np.argmax(edges[:, 0] / lengths))
    ordered = np.roll(clockwise, -start, axis=0)
    if _side(ordered, 1, 2) >= _TALL * _side(ordered, 0, 1):
        ordered = np.roll(ordered, -1, axis=0)
    return ordered.astype(np.float32)


def grow(corners: Corners, share: float) -> Corners:
    """The box with `share` of its height added on each side, or taken away if negative."""
    along = corners[1] - corners[0]
    down = corners[3] - corners[0]
    along_px, down_px = max(_side(corners, 0, 1), 1e-6), max(_side(corners, 0, 3), 1e-6)
    margin = np.float32(share * min(along_px, down_px))
    right, below = along / along_px * margin, down / down_px * margin
    grown: Corners = corners + np.stack(
        [-right - below, right - below, right + below, below - right]
    )
    return grown


def _side(corners: Corners, start: int, end: int) -> float:
    return float(np.linalg.norm(corners[end] - corners[start]))
