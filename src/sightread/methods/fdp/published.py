"""The published numbers of FDP and its peers, to print beside ours (papers/FDP section 11).

The paper's own tables were not at hand when these were collected: each row says where it was
found. What is not known is None, never guessed. Speeds were measured by others on other machines
and are there for the order of size only (Q20).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Source = Literal["review", "review + MSTAR table", "MSTAR table", "not noted"]
"""`review`: published reviews that quote the FDP paper; `MSTAR table`: the table of that later
paper, which quotes all rows but its own from elsewhere."""


@dataclass(frozen=True, slots=True)
class PublishedRow:
    """`map_percent` is benchmark -> mAP in percent, without what is not known."""

    method: str
    map_percent: Mapping[str, float]
    fps: float | None
    source: Source
    note: str = ""


@dataclass(frozen=True, slots=True)
class PublishedSize:
    """How many pictures and queries the papers count in a benchmark."""

    pictures: int
    queries: int


_SWAPPED = "the two numbers look swapped: older papers give SVT 56.24 and IIIT-STR 42.7"
_VARIANT = "which of S, B and L is not known"
_LATER = "later than FDP"


def _words(
    iiit: float | None, svt: float | None, totaltext: float | None = None, ctr: float | None = None
) -> dict[str, float]:
    cells = {"iiit-str": iiit, "svt": svt, "totaltext": totaltext, "ctr": ctr}
    return {name: value for name, value in cells.items() if value is not None}


ROWS: tuple[PublishedRow, ...] = (
    PublishedRow("Mishra et al. 2013", _words(56.24, 42.70), 0.1, "MSTAR table", _SWAPPED),
    PublishedRow("Jaderberg et al. 2016", _words(66.50, 86.30), 0.3, "MSTAR table"),
    PublishedRow("Gomez et al. 2018", _words(69.83, 83.74, None, 41.05), 43.5, "MSTAR table"),
    PublishedRow("Mafla et al. 2021", _words(71.67, 85.74), 42.2, "MSTAR table"),
    PublishedRow("ABCNet", _words(67.25, 82.43, 73.23, 41.25), 17.5, "MSTAR table"),
    PublishedRow("Mask TextSpotter v3", _words(74.48, 83.14, 83.29, 55.54), 2.4, "MSTAR table"),
    PublishedRow("TDSL 2021", _words(77.09, 89.38, 74.75, 66.45), 12.0, "MSTAR table"),
    PublishedRow("Wen et al. 2023", _words(77.40, 90.95, 80.09), 11.0, "MSTAR table"),
    PublishedRow("CLIP-RN50, zero-shot", _words(52.93, 65.07), 76.32, "review"),
    PublishedRow("FDP-S", _words(81.77, 82.56), 45.11, "review"),
    PublishedRow("FDP-B", _words(86.65, 86.64), 31.43, "review"),
    PublishedRow("FDP-L", _words(89.46, 89.63, 79.18), 11.82, "review + MSTAR table"),
    PublishedRow("MSTAR", _words(86.25, 91.31, 85.55), 14.2, "MSTAR table", _LATER),
    PublishedRow("CAYN", _words(89.49, 92.46, 85.98), 38.79, "not noted", _LATER),
    PublishedRow("BLIP-2", {"pstr": 85.49}, None, "MSTAR table"),
    PublishedRow("TDSL 2021", {"pstr": 89.40}, None, "MSTAR table"),
    PublishedRow("SigLIP", {"pstr": 89.56}, None, "MSTAR table"),
    PublishedRow("FDP", {"pstr": 92.28}, None, "MSTAR table", _VARIANT),
    PublishedRow("MSTAR", {"pstr": 95.71}, None, "MSTAR table", _LATER),
)

SIZES: Mapping[str, PublishedSize] = {
    "iiit-str": PublishedSize(10_000, 50),
    "svt": PublishedSize(249, 427),
    "totaltext": PublishedSize(300, 60),
    "ctr": PublishedSize(7_196, 500),
    "pstr": PublishedSize(1_080, 36),
}


def rows_for(benchmark: str) -> tuple[PublishedRow, ...]:
    """The rows that have a number for a benchmark; none for one that no paper reports."""
    return tuple(row for row in ROWS if benchmark in row.map_percent)
