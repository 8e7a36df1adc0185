"""Where an encoder saw text: from its map of probabilities to boxes, or heat, on the picture."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sightread.preprocess import PreprocessSpec, to_input, to_picture
from sightread.types import TextArea


def text_areas(
    text_map: NDArray[np.float32],
    threshold: float,
    width: int,
    height: int,
    spec: PreprocessSpec,
) -> tuple[TextArea, ...]:
    """Connected cells at or above the threshold, as boxes in pixels of the picture.

    Args:
        text_map: (h, w) probabilities; the cells cover the network's input.
        width, height: of the picture.
        spec: how the picture became the input.

    Returns:
        Surest first: an area's confidence is the mean of its cells. Cells touch at corners too.
        What lies on the padding is left out.
    """
    import cv2  # here, since a search never needs it

    rows, columns = text_map.shape
    there = (text_map >= threshold).astype(np.uint8)
    count, labels, boxes, _ = cv2.connectedComponentsWithStats(there, connectivity=8)
    cell = np.array([spec.size_px / columns, spec.size_px / rows])
    areas: list[TextArea] = []
    for label in range(1, count):
        left, top, wide, high = boxes[label, :4].astype(np.float64)
        corners = np.array([[left, top], [left + wide, top + high]]) * cell
        corners = to_picture(corners, width, height, spec).clip(0, (width, height))
        (x0, y0), (x1, y1) = corners.tolist()
        if x1 > x0 and y1 > y0:
            quad = ((x0, y0), (x1, y0), (x1, y1), (x0, y1))
            areas.append(TextArea(quad, float(text_map[labels == label].mean())))
    return tuple(sorted(areas, key=lambda area: (-area.confidence, area.box[0][::-1])))


def heat(
    text_map: NDArray[np.float32], width: int, height: int, spec: PreprocessSpec
) -> NDArray[np.float32]:
    """The probability of text at every pixel of the picture, between the cells' middles linear.

    Args:
        text_map: (h, w) probabilities; the cells cover the network's input.
        width, height: of the picture, px.
        spec: how the picture became the input.

    Returns:
        (height, width) in [0, 1]. What the input does not cover has the value of the nearest cell.
    """
    import cv2

    rows, columns = text_map.shape
    # The mapping is a shift and a scale per axis: one row and one column of points tell it all.
    across = np.stack([np.arange(width) + 0.5, np.zeros(width)], 1)
    down = np.stack([np.zeros(height), np.arange(height) + 0.5], 1)
    x = to_input(across, width, height, spec)[:, 0] * columns / spec.size_px - 0.5
    y = to_input(down, width, height, spec)[:, 1] * rows / spec.size_px - 0.5
    map_x, map_y = np.meshgrid(x.astype(np.float32), y.astype(np.float32))
    spread = cv2.remap(text_map, map_x, map_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(spread, np.float32).clip(0, 1)
