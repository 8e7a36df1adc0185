"""Pictures made smaller, quickly."""

from __future__ import annotations

import cv2

from sightread.types import RGBImage

_SMALL = 640 * 480
"""Pixels of a picture that is averaged in about a millisecond."""


def resized(image: RGBImage, size: tuple[int, int]) -> RGBImage:
    """The picture at (width, height).

    Halved by averaging as long as it stays larger than asked for; what is left to do is averaged
    too if the picture is small by then, otherwise interpolated: averaging by a factor that is no
    whole number takes OpenCV ten times as long. An odd last row or column is lost when halving.
    """
    height, width = image.shape[:2]
    while width >= 2 * size[0] and height >= 2 * size[1]:
        width, height = width // 2, height // 2
        even = image[: 2 * height, : 2 * width]
        image = cv2.resize(even, (width, height), interpolation=cv2.INTER_AREA)
    if (width, height) == size:
        return image
    averaged = width > size[0] and width * height <= _SMALL
    how = cv2.INTER_AREA if averaged else cv2.INTER_LINEAR
    found: RGBImage = cv2.resize(image, size, interpolation=how)
    return found
