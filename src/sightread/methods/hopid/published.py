"""What papers report, to print beside ours (papers/hopid section 11).

The paper of HOPID could not be obtained: that it reports numbers is known, not which. So its cells
are empty. The others were printed in the tables of the code that was released with ViSTA and UMS.
What is not known is None or missing, never guessed. All but UMS learn from Flickr30K, TextCaps and
CTC and start from other backbones than ours.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

UNKNOWN = "reported, but the numbers were not at hand"
_TABLE = "table of the code released with ViSTA and UMS"


@dataclass(frozen=True, slots=True)
class PublishedRow:
    """`text_to_image` and `image_to_text` are K -> R@K in percent, without what is not known."""

    method: str
    benchmark: str
    text_to_image: Mapping[int, float] = field(default_factory=dict)
    image_to_text: Mapping[int, float] = field(default_factory=dict)
    source: str = UNKNOWN

    @property
    def r_sum(self) -> float | None:
        """The sum of the six; None if one is not known."""
        six = [*self.text_to_image.values(), *self.image_to_text.values()]
        return round(sum(six), 1) if len(six) == 6 else None


_KS = (1, 5, 10)
_Three = tuple[float, float, float]


def _row(
    benchmark: str, method: str, image_to_text: _Three, text_to_image: _Three, note: str = ""
) -> PublishedRow:
    return PublishedRow(
        method,
        benchmark,
        dict(zip(_KS, text_to_image, strict=True)),
        dict(zip(_KS, image_to_text, strict=True)),
        f"{_TABLE}; {note}" if note else _TABLE,
    )


ROWS: tuple[PublishedRow, ...] = (
    _row("ctc-1k", "SCAN", (36.3, 63.7, 75.2), (26.6, 53.6, 65.3)),
    _row("ctc-1k", "VSRN", (38.2, 67.4, 79.1), (26.6, 54.2, 66.2)),
    _row("ctc-1k", "STARNet", (44.1, 74.8, 82.7), (31.5, 60.8, 72.4)),
    _row(
        "ctc-1k", "ViSTA-S", (52.6, 77.9, 87.2), (36.7, 66.2, 77.8), "another one prints 52.5 first"
    ),
    _row("ctc-1k", "UMS, first release", (70.8, 90.2, 94.3), (54.0, 80.1, 87.8)),
    _row("ctc-1k", "UMS ViT-B, second release", (64.9, 88.2, 93.9), (49.2, 77.1, 86.2)),
    PublishedRow("HOPID", "ctc-1k"),
    _row("ctc-5k", "SCAN", (22.8, 45.6, 54.3), (12.3, 28.6, 39.9)),
    _row("ctc-5k", "VSRN", (23.7, 47.6, 59.1), (14.9, 34.7, 45.5)),
    _row("ctc-5k", "STARNet", (26.4, 51.1, 63.9), (17.1, 37.4, 48.3)),
    _row("ctc-5k", "ViSTA-S", (31.8, 56.6, 67.8), (20.0, 42.9, 54.4)),
    PublishedRow("HOPID", "ctc-5k"),
    PublishedRow("HOPID", "textcaps", source="not known whether it is reported"),
)


SIZES: Mapping[str, tuple[int, int]] = {
    "ctc-1k": (1_000, 5_000),
    "ctc-5k": (5_000, 25_000),
    "textcaps": (3_166, 15_830),
}
"""Pictures and captions of a benchmark, as papers count them."""


def rows_for(benchmark: str) -> tuple[PublishedRow, ...]:
    """The rows of a benchmark; none for one that no paper reports."""
    return tuple(row for row in ROWS if row.benchmark == benchmark)
