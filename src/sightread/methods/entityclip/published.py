"""What the paper reports, to print beside ours (papers/entityclip section 9).

The tables of the paper could not be obtained: in its repository they are pictures, and no text that
was at hand quotes them. So the rows say which experiments there are, and their cells are empty.
Whoever has the paper may fill them in; what is not known is None, never guessed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

UNKNOWN = "reported, but the numbers were not at hand"


@dataclass(frozen=True, slots=True)
class PublishedRow:
    """`text_to_image` and `image_to_text` are K -> R@K in percent, without what is not known."""

    method: str
    benchmark: str
    text_to_image: Mapping[int, float] = field(default_factory=dict)
    image_to_text: Mapping[int, float] = field(default_factory=dict)
    source: str = UNKNOWN


_METHODS = ("CLIP, zero-shot", "CLIP, fine-tuned", "EntityCLIP")

ROWS: tuple[PublishedRow, ...] = tuple(
    PublishedRow(method, benchmark)
    for benchmark in ("n24news", "visualnews", "goodnews")
    for method in _METHODS
)


def rows_for(benchmark: str) -> tuple[PublishedRow, ...]:
    """The rows of a benchmark; none for one that no paper reports."""
    return tuple(row for row in ROWS if row.benchmark == benchmark)
