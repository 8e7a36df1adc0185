"""What the revision of a reader says about a picture that it has read."""

from __future__ import annotations

import re

_SIDES = re.compile(r"@(?:(\d+)-)?(\d+)")


def with_sides(revision: str, least_px: int, most_px: int) -> str:
    """A revision that says for which longer sides of pictures the reader is made: smaller ones it
    cannot make as large as it should, of larger ones it does not use all."""
    return f"{revision}@{least_px}-{most_px}"


def reduced_to(revision: str, width: int, height: int) -> int | None:
    """The longer side at which a picture of this size was read, in pixels; None if it was not made
    smaller, or the revision (of two readers, both) does not say."""
    sides = [int(most) for _, most in _SIDES.findall(revision)]
    if not sides or max(width, height) <= max(sides):
        return None
    return max(sides)


def smaller_than(revision: str, width: int, height: int) -> int | None:
    """The longer side that a picture should have, in pixels, if this one has less: it was read
    enlarged as far as that helps. None if it has, or the revision (of two readers, both) does not
    say."""
    sides = [int(least) for least, _ in _SIDES.findall(revision) if least]
    if not sides or max(width, height) >= max(sides):
        return None
    return max(sides)
