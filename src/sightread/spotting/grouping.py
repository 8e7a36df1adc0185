"""Boxes that are looked at together: as long as one look costs little more than two."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


def grouped(
    boxes: NDArray[np.float64], heights: NDArray[np.float64], waste: float
) -> list[list[int]]:
    """Numbers of the boxes of each group.

    Args:
        boxes: (n, 4) left, top, right, bottom.
        heights: (n,) of what is in each; the smaller, the larger it is shown, and a look costs in
            proportion to the square of that.
        waste: boxes are taken together if that costs no more than this many times what they cost
            alone.
    """
    groups: list[tuple[_Outline, list[int]]] = []
    for number, (box, height) in enumerate(zip(boxes.tolist(), heights.tolist(), strict=True)):
        left, top, right, bottom = box
        outline, members = _Outline(left, top, right, bottom, height), [number]
        while (at := _partner(outline, [other for other, _ in groups], waste)) is not None:
            other, others = groups.pop(at)
            outline, members = outline.with_(other), [*others, *members]
        groups.append((outline, members))
    return [members for _, members in groups]


def _partner(outline: _Outline, others: Sequence[_Outline], waste: float) -> int | None:
    for at, other in enumerate(others):
        if outline.with_(other).cost <= waste * (outline.cost + other.cost):
            return at
    return None


@dataclass(frozen=True, slots=True)
class _Outline:
    left: float
    top: float
    right: float
    bottom: float
    height: float
    """Of the smallest thing in it."""

    @property
    def cost(self) -> float:
        return (self.right - self.left) * (self.bottom - self.top) / self.height**2

    def with_(self, other: _Outline) -> _Outline:
        return _Outline(
            min(self.left, other.left),
            min(self.top, other.top),
            max(self.right, other.right),
            max(self.bottom, other.bottom),
            min(self.height, other.height),
        )
