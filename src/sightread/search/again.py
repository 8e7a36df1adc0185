"""A second look at the first pictures of an answer, by the matching head of an encoder.

Of the nearest k pictures each gets w * log odds + (1 - w) * scale * cosine, and those k change
places accordingly; nobody else moves (our specification of EntityCLIP, 12.3). What the head reads
of a picture, its tokens, is kept in memory, so that only the first look costs decoding and the
image tower.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sightread.errors import PictureError
from sightread.explained import LookedAgain
from sightread.protocols import MatchingHead
from sightread.types import PictureId, RGBImage, VectorHits

WEIGHT = 0.3
"""w: of the head; alone it is worse than mixed (pilot of section 13)."""

MOST = 200
"""Pictures that are looked at again."""

_KEPT_BYTES = 256 * 1024 * 1024
"""Of tokens: about 5,000 pictures of ViT-B/32."""

Pixels = Callable[[PictureId], RGBImage]
"""The pixels of a picture of the library. Raises PictureError: its file is gone."""


def reranked(
    cosines: NDArray[np.float32],
    log_odds: NDArray[np.float32],
    scale: float,
    weight: float = WEIGHT,
) -> NDArray[np.float32]:
    """weight * log odds + (1 - weight) * scale * cosine, (n,): the new order of n pictures."""
    mixed: NDArray[np.float32] = weight * log_odds + (1 - weight) * scale * cosines
    return mixed


@dataclass(frozen=True, slots=True)
class Judged:
    """What pictures are to match: a text, and its explanation or ""."""

    text: str
    explanation: str = ""


class LookAgain:
    """Has the pixels of a library's pictures; not for several threads at once."""

    def __init__(self, pixels: Pixels) -> None:
        self._pixels = pixels
        self._tokens: OrderedDict[tuple[str, PictureId], NDArray[np.float16]] = OrderedDict()
        self._bytes = 0

    def order(
        self,
        head: MatchingHead,
        revision: str,
        hits: VectorHits,
        asked: Judged,
        count: int,
    ) -> tuple[NDArray[np.int64], LookedAgain]:
        """In which order the hits (n,) are to be, and what it took.

        Args:
            revision: of the encoder.
            count: so many of the first are looked at. One whose file is gone keeps its place.
        """
        began = time.perf_counter()
        order = np.arange(len(hits))
        seen: list[int] = []
        tokens: list[NDArray[np.float16]] = []
        for place, picture in enumerate(hits.picture[: min(count, MOST)].tolist()):
            try:
                tokens.append(self._tokens_of(head, revision, picture))
            except PictureError:
                continue
            seen.append(place)
        if seen:
            odds = head.log_odds(asked.text, asked.explanation, np.stack(tokens))
            mixed = reranked(hits.score[seen], odds, head.scale)
            best = np.lexsort((hits.picture[seen], -mixed))
            order[seen] = np.asarray(seen)[best]
        took_ms = 1000 * (time.perf_counter() - began)
        return order, LookedAgain(len(seen), took_ms)

    def _tokens_of(
        self, head: MatchingHead, revision: str, picture: PictureId
    ) -> NDArray[np.float16]:
        this = (revision, picture)
        if this not in self._tokens:
            tokens = head.image_tokens([self._pixels(picture)])[0]
            self._tokens[this] = tokens
            self._bytes += tokens.nbytes
            while self._bytes > _KEPT_BYTES and len(self._tokens) > 1:
                self._bytes -= self._tokens.popitem(last=False)[1].nbytes
        self._tokens.move_to_end(this)
        return self._tokens[this]
