"""Boxes that are looked at together: as long as one look costs little more than two."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


def grouped(
    boxes: NDArray[np.float64], scales: NDArray[np.float64], waste: float
) -> list[list[int]]:
    """Numbers of the boxes of each group.

    Args:
        boxes: (n, 4) left, top, right, bottom.
        scales: (n,) the factor by which each is to be shown; a look costs in proportion to its
            square.
        waste: boxes are taken together if that costs no more than this many times what they cost
            alone.
    """
    groups: list[tuple[_Outline, list[int]]] = []
    for number, (box, scale) in enumerate(zip(boxes.tolist(), scales.tolist(), strict=True)):
        left, top, right, bottom = box
        outline, members = _Outline(left, top, right, bottom, scale), [number]
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
    scale: float
    """The greatest of what is in it."""

    @property
    def cost(self) -> float:
        return (self.right - self.left) * (self.bottom - self.top) * self.scale**2

    def with_(self, other: _Outline) -> _Outline:
        return _Outline(
            min(self.left, other.left),
            min(self.top, other.top),
            max(self.right, other.right),
            max(self.bottom, other.bottom),
            max(self.scale, other.scale),
        )
