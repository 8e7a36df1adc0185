"""Who does what with the data of `types`: the few roles that the house is built from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from sightread.explained import Explained
from sightread.regions import Owner, RegionHits, RegionSpaceInfo, WordCalibration
from sightread.types import (
    EncoderSpec,
    Filter,
    ImageEmbedding,
    PathStamp,
    PictureId,
    PictureRecord,
    ReaderSpec,
    RGBImage,
    SpaceInfo,
    StoreInfo,
    VectorHits,
    Vectors,
    Vocabulary,
    WordHits,
    WordRegion,
)

DEFAULT_READER = "spotter"
"""Who reads if nobody is named; see `readers.READERS`."""


class Reader(Protocol):
    """An OCR engine, or a word spotter. `read` may be called from several threads at once."""

    @property
    def spec(self) -> ReaderSpec: ...

    def read(self, images: Sequence[RGBImage]) -> list[list[WordRegion]]:
        """Words of each image, boxes in pixels of that image."""
        ...

    def encode_words(self, words: Sequence[str]) -> Vectors | None:
        """One unit row per word, in the space of `WordRegion.vector`; None if it has none."""
        ...


class DualEncoder(Protocol):
    """Pictures and queries as vectors in one space: CLIP and the three methods when they serve.

    The score of a picture for a query is their dot product. May be called from several threads.
    """

    @property
    def spec(self) -> EncoderSpec: ...

    def encode_images(self, images: Sequence[RGBImage]) -> list[ImageEmbedding]:
        """One embedding per image; areas in pixels of that image."""
        ...

    def encode_texts(self, texts: Sequence[str]) -> Vectors:
        """(n, D): one unit row per text."""
        ...


@runtime_checkable
class ReadingEncoder(Protocol):
    """What an encoder may be besides: one whose vector of a picture also says what is written."""

    def encode_read(
        self, images: Sequence[RGBImage], words: Sequence[Sequence[WordRegion]]
    ) -> list[ImageEmbedding]:
        """As `DualEncoder.encode_images`, with the words that were read in each image; an image
        without any has the same vector as there."""
        ...


class WordEncoder(Protocol):
    """The tower of a reader's model that puts words into the space of its regions."""

    @property
    def spec(self) -> EncoderSpec: ...

    @property
    def calibration(self) -> WordCalibration | None:
        """None: nobody measured what its cosines mean."""
        ...

    def encode_words(self, words: Sequence[str]) -> Vectors:
        """(n, D): one unit row per word.

        Raises:
            UsageError: a word has characters that it does not know; the sentence names them.
        """
        ...


@runtime_checkable
class MatchingHead(Protocol):
    """What an encoder may be besides: a trained judge of whether a text, with its explanation,
    belongs to a picture. It reads tokens where the encoder reads one vector of each, so it is for
    the first few of an answer: a picture costs one run of the image tower (and its decoding) the
    first time, and one of the head every time."""

    @property
    def scale(self) -> float:
        """What cosines are multiplied with to be on the scale of log odds."""
        ...

    def image_tokens(self, images: Sequence[RGBImage]) -> NDArray[np.float16]:
        """(n, N, D): what the head reads of each picture."""
        ...

    def log_odds(
        self, text: str, explanation: str, tokens: NDArray[np.float16]
    ) -> NDArray[np.float32]:
        """(n,): for each picture the log odds that the text belongs to it; the explanation may be
        empty."""
        ...


class Explainer(Protocol):
    """Knows what entities look like, and keeps what an encoder makes of it."""

    def find(self, entity: str) -> Explained | None:
        """The good explanation of an entity, by name or alias."""
        ...

    def vector(self, text: str, revision: str) -> NDArray[np.float32] | None:
        """(D,): what the encoder of this revision made of a text before."""
        ...

    def keep(self, text: str, revision: str, vector: NDArray[np.float32]) -> None:
        """Remember it, if that is possible."""
        ...


class Store(Protocol):
    """Where a library lives. One writer, many readers, in one process or several.

    Writing calls become visible to readers, all at once, with `flush`, which returns only when
    they would survive a crash of the machine. Ids are unique; `put` replaces a picture whole, but
    for its vectors in spaces that the record does not name: they belong to the content, which is
    the same as long as the id is. Vectors of regions belong to the reading: they come with the
    record, and go when the picture is put again.
    """

    def put(self, pictures: Sequence[PictureRecord]) -> None: ...

    def open_space(
        self,
        spec: EncoderSpec,
        folder: str = "",
        *,
        replace: bool = False,
        of: Owner = "pictures",
    ) -> None:
        """Let vectors in `spec.space` come from the encoder (of regions: the reader's model)
        `spec`, found in `folder`; committed at once. Another revision than the vectors there have
        is refused, or with `replace` gathers beside them, and serves from `switch_space` on."""
        ...

    def switch_space(self, space: str, of: Owner = "pictures") -> None:
        """Let the vectors that were gathered beside the old ones serve in their place."""
        ...

    def drop_space(self, space: str) -> bool:
        """Remove all vectors of pictures in a space, committed at once; whether there were any."""
        ...

    def set_embeddings(
        self, space: str, embeddings: Mapping[PictureId, ImageEmbedding | None]
    ) -> None:
        """Add or replace vectors of known pictures, by the encoder of `open_space`. None removes
        what a picture has in the space, of whichever encoder."""
        ...

    def set_stamps(self, stamps: Mapping[PictureId, Sequence[PathStamp]]) -> None:
        """Replace the paths of known pictures. A picture may have none (its file is gone)."""
        ...

    def forget(self, ids: Sequence[PictureId]) -> int:
        """Remove pictures with all they hold; returns how many were there."""
        ...

    def flush(self) -> None: ...

    def maintain(self) -> None:
        """Merge small fragments, index what is new, drop old versions. Safe at any time."""
        ...

    def refresh(self) -> int:
        """See what was flushed since; returns the number of the version now seen."""
        ...

    def info(self) -> StoreInfo: ...

    def spaces(self) -> tuple[SpaceInfo, ...]:
        """The spaces of the vectors of pictures, by name; cheap."""
        ...

    def region_spaces(self) -> tuple[RegionSpaceInfo, ...]:
        """The spaces of the vectors of regions, by name; cheap."""
        ...

    def count(self, where: Filter | None = None) -> int: ...

    def ids(self, where: Filter | None = None) -> NDArray[np.int64]:
        """Ids of the pictures that fit, ascending."""
        ...

    def dates(self, ids: NDArray[np.int64]) -> NDArray[np.float64]:
        """(n,): when each of the pictures was taken; NaN where that, or the picture, is not
        known."""
        ...

    def newest(self, ids: NDArray[np.int64]) -> NDArray[np.int64]:
        """Those of the pictures (ascending) that are known, as they were taken, the newest first;
        the same moment, or none, by path without regard to letter case, then by id."""
        ...

    def encoded(self, space: str, revision: str) -> NDArray[np.int64]:
        """Ids of the pictures with a vector of this revision, serving or not yet, ascending."""
        ...

    def get(
        self, ids: Sequence[PictureId], *, regions: bool = True, embeddings: bool = False
    ) -> list[PictureRecord]:
        """Known pictures among `ids`, in the order of `ids`; without `regions` cheaper, with the
        serving vectors if asked for."""
        ...

    def stamps(self) -> Iterator[tuple[PathStamp, PictureId]]: ...

    def vocabulary(self) -> Vocabulary: ...

    def search_words(
        self, tokens: Sequence[str], where: Filter | None = None, *, boxes: bool = False
    ) -> WordHits:
        """Every occurrence of any of the tokens in the pictures that fit."""
        ...

    def search_vectors(
        self, space: str, queries: Vectors, k: int, where: Filter | None = None
    ) -> list[VectorHits]:
        """For each query the k pictures that fit and score best; exact. A picture without a
        vector in the space is not among them."""
        ...

    def search_regions(
        self,
        space: str,
        queries: Vectors,
        k: int,
        where: Filter | None = None,
        *,
        least: float = -1.0,
        read: bool = False,
    ) -> list[RegionHits]:
        """For each query the best region of each of the k pictures that fit and score best, and
        at least `least`; with what was read there if asked for. Scores are exact."""
        ...

    def close(self) -> None: ...
