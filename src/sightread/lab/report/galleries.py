"""What several methods draw alike: galleries in both directions, and both sides on one plane."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sightread.lab.report import drawing
from sightread.lab.report.drawing import Tile
from sightread.lab.report.flat import flattened
from sightread.lab.report.page import Figure
from sightread.types import RGBImage

ROWS, TOP = 6, 5
LINKS = 60
"""More lines than this hide the points."""


@dataclass(frozen=True, slots=True)
class Shown:
    """Pictures and texts with their unit vectors, and what belongs together.

    Attributes:
        load: gives picture number n.
        images: (N, D); texts: (T, D).
        captions: T texts.
        right: (T, N), whether picture n is an answer to text t.
        labels: what stands below a picture; nothing without them.
    """

    load: Callable[[int], RGBImage]
    images: NDArray[np.float32]
    texts: NDArray[np.float32]
    captions: Sequence[str]
    right: NDArray[np.bool_]
    labels: Sequence[str] = ()

    def scores(self) -> NDArray[np.float32]:
        """(T, N)."""
        return self.texts @ self.images.T


def evenly(count: int, most: int) -> list[int]:
    """At most so many of the numbers below `count`, evenly spaced: nobody chose them."""
    if count <= most:
        return list(range(count))
    return [int(at) for at in np.linspace(0, count - 1, most).round()]


def text_gallery(shown: Shown, name: str = "text-to-image", what: str = "captions") -> Figure:
    """The best pictures for some texts."""
    scores = shown.scores()
    rows, heads = [], []
    for at in evenly(len(shown.captions), ROWS):
        best = np.argsort(-scores[at], kind="stable")[:TOP]
        rows.append([_picture(shown, int(one), bool(shown.right[at, one])) for one in best])
        heads.append(f"“{shown.captions[at]}”")
    return Figure(
        name,
        "Text to image",
        f"Each row is one text and the {TOP} pictures nearest to it among {len(shown.images):,}; "
        f"answers have a green frame and a check mark. The texts are evenly spaced among all "
        f"{len(shown.captions):,} {what}, not chosen.",
        drawing.tiles(rows, heads),
        [_hits("texts that find an answer first", scores, shown.right)],
    )


def image_gallery(shown: Shown, name: str = "image-to-text") -> Figure:
    """The best texts for some pictures."""
    scores, right = shown.scores().T, shown.right.T
    asking = [at for at in range(len(right)) if right[at].any()]
    rows = []
    for place in evenly(len(asking), ROWS):
        at = asking[place]
        best = np.argsort(-scores[at], kind="stable")[:TOP]
        texts = [Tile(None, shown.captions[one], bool(right[at, one])) for one in best]
        rows.append([_picture(shown, at, None), *texts])
    return Figure(
        name,
        "Image to text",
        f"Each row is one picture and the {TOP} texts nearest to it among "
        f"{len(shown.captions):,}; right ones are green with a check mark. The pictures are evenly "
        f"spaced among all {len(asking):,}, not chosen.",
        drawing.tiles(rows),
        [_hits("pictures that find a right text first", scores[asking], right[asking])],
    )


def _picture(shown: Shown, at: int, right: bool | None) -> Tile:
    label = shown.labels[at] if shown.labels else ""
    return Tile(shown.load(at), label, right)


def _hits(what: str, scores: NDArray[np.float32], right: NDArray[np.bool_]) -> str:
    """Ties count against us here: this is a figure, not a benchmark."""
    best = np.where(right, scores, -np.inf).max(1)
    wrong = np.where(right, -np.inf, scores).max(1)
    return f"{what}: {int((best > wrong).sum()):,} of {len(scores):,}"


def plane(
    shown: Shown, groups: Mapping[str, NDArray[np.bool_]] | None = None, name: str = "embeddings"
) -> Figure:
    """Pictures and texts on one plane.

    Args:
        groups: name -> which pictures, (N,); all are "pictures" without it.
    """
    found, how = flattened(np.concatenate([shown.images, shown.texts]))
    images, texts = found[: len(shown.images)], found[len(shown.images) :]
    kinds = groups or {"pictures": np.ones(len(images), bool)}
    pairs = np.argwhere(shown.right)
    pairs = pairs[evenly(len(pairs), LINKS)]
    links = np.stack([texts[pairs[:, 0]], images[pairs[:, 1]]], axis=1) if len(pairs) else None
    return Figure(
        name,
        f"Pictures and texts on one plane ({how})",
        f"The vectors of {len(images):,} pictures and {len(texts):,} texts by {how}: near points "
        f"have similar vectors, distances between far ones mean nothing. Lines join "
        f"{len(pairs):,} texts, evenly spaced, with their pictures.",
        drawing.points(
            {kind: images[which] for kind, which in kinds.items() if which.any()}
            | {"texts": texts},
            links=links,
        ),
    )
