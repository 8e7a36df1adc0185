"""What the revision of a reader says about a picture that it has read."""

from __future__ import annotations

import re

_SIDE = re.compile(r"@(\d+)")


def with_side(revision: str, side_px: int) -> str:
    """A revision that says how large the largest picture is that the reader makes full use of."""
    return f"{revision}@{side_px}"


def reduced_to(revision: str, width: int, height: int) -> int | None:
    """The longer side at which a picture of this size was read, in pixels; None if it was read as
    it is, or the revision (of two readers, both) does not say."""
    sides = [int(side) for side in _SIDE.findall(revision)]
    if not sides or max(width, height) <= max(sides):
        return None
    return max(sides)
