"""Pictures made smaller, quickly."""

from __future__ import annotations

import cv2

from sightread.types import RGBImage


def resized(image: RGBImage, size: tuple[int, int]) -> RGBImage:
    """The picture at (width, height).

    Halved by averaging as long as it stays larger than asked for, then interpolated: averaging by
    any other factor takes OpenCV ten times as long, and looks the same to a network. An odd last
    row or column is lost when halving.
    """
    height, width = image.shape[:2]
    while width >= 2 * size[0] and height >= 2 * size[1]:
        width, height = width // 2, height // 2
        even = image[: 2 * height, : 2 * width]
        image = cv2.resize(even, (width, height), interpolation=cv2.INTER_AREA)
    if (width, height) == size:
        return image
    found: RGBImage = cv2.resize(image, size, interpolation=cv2.INTER_LINEAR)
    return found
