"""Vectors for pictures: which are lacking, how one is made, and when new ones take over.

An encoder sees the pixels that the reader sees, so that a picture has the same vector whether it
is encoded when it is first read or long after.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sightread.errors import PictureError
from sightread.protocols import DualEncoder, ReadingEncoder, Store
from sightread.search.channels import READING_SPACES
from sightread.search.ledger import Ledger
from sightread.search.records import full_size
from sightread.types import (
    EncoderSpec,
    ImageEmbedding,
    Picture,
    PictureId,
    ReaderSpec,
    TextArea,
    WordRegion,
)

_UNIT = 1e-3
_ENOUGH = 0.9
"""So many of the pictures that had an old vector must have a new one before the new ones serve:
one odd picture shall not stand in their way, and an encoder that fails shall not empty a space."""


@dataclass(frozen=True, slots=True)
class Source:
    """An encoder and the folder that it was opened from ("" if from none)."""

    encoder: DualEncoder
    folder: str = ""


class Encoding:
    """The encoders of one run, and which pictures need them."""

    def __init__(self, store: Store, sources: Sequence[Source], reencode: bool) -> None:
        """Open the spaces of the encoders.

        Raises:
            LibraryError: a space has vectors of another revision, and `reencode` was not said.
        """
        self.encoders: Mapping[str, DualEncoder] = {
            source.encoder.spec.space: source.encoder for source in sources
        }
        self._store = store
        for source in sources:
            store.open_space(source.encoder.spec, source.folder, replace=reencode)
        self.encoded = {
            space: store.encoded(space, encoder.spec.revision)
            for space, encoder in self.encoders.items()
        }

    def lacking(self, present: NDArray[np.int64]) -> NDArray[np.int64]:
        """Those of the pictures (ascending) that lack a vector in any space."""
        lacking = [np.setdiff1d(present, known) for known in self.encoded.values()]
        return np.unique(np.concatenate([np.zeros(0, np.int64), *lacking]))

    def reading(self) -> list[str]:
        """The spaces of the library in which a vector is of the words too, so that it goes with
        the reading: also of an encoder that does not take part in this run."""
        ours = {space for space, one in self.encoders.items() if isinstance(one, ReadingEncoder)}
        known = {info.spec.space for info in self._store.spaces()}
        return sorted(known & (ours | READING_SPACES))

    def finish(self, ledger: Ledger) -> list[str]:
        """After a whole walk: let new vectors serve if they are complete. Returns a sentence on
        every space that is not."""
        return [note for encoder in self.encoders.values() if (note := self._end(encoder, ledger))]

    def _end(self, encoder: DualEncoder, ledger: Ledger) -> str:
        store, spec = self._store, encoder.spec
        left = np.setdiff1d(store.ids(), store.encoded(spec.space, spec.revision))
        untried, example = _untried(store, left, ledger) if len(left) else (0, "")
        follower = _follower(store, spec)
        serves = " The old vectors go on serving." if follower else ""
        if untried:
            return (
                f"{untried} pictures have no vector in {spec.space} from this encoder, such as "
                f"{example}: index their folders too, or, if the files are gone, run `sightread "
                f"forget --missing`.{serves}"
            )
        if follower and follower.gathered < _ENOUGH * follower.serving:
            return (
                f"Only {follower.gathered} pictures could be encoded in {spec.space}, where "
                f"{follower.serving} have a vector now: `sightread status --failed` says "
                f"why.{serves}"
            )
        if follower:
            store.switch_space(spec.space)
        return ""


def open_region_space(store: Store, spec: ReaderSpec) -> None:
    """Let the vectors of words come from the reader's model. Whether pictures of another reader
    may be there was decided before; their vectors serve until their pictures are read again."""
    if spec.space is not None:
        store.open_space(spec.space, spec.folder, replace=True, of="regions")


def finish_region_space(store: Store, spec: ReaderSpec) -> None:
    """After a whole walk: let the vectors of this model serve, if there are more of them now than
    of the one before."""
    spaces = [one for one in store.region_spaces() if spec.space and one.spec == spec.space]
    old = [one for one in store.region_spaces() if one.serving and one not in spaces]
    if spaces and not spaces[0].serving and spaces[0].regions >= sum(one.regions for one in old):
        store.switch_space(spaces[0].spec.space, of="regions")


@dataclass(frozen=True, slots=True)
class _Follower:
    """How many pictures have a vector that serves, and one that is to follow it."""

    serving: int
    gathered: int


def _follower(store: Store, spec: EncoderSpec) -> _Follower | None:
    """None if the vectors of `spec` serve already."""
    counts = {one.serving: one for one in store.spaces() if one.spec.space == spec.space}
    if False not in counts or counts[False].spec.revision != spec.revision:
        return None
    return _Follower(counts[True].pictures, counts[False].pictures)


def _untried(store: Store, left: NDArray[np.int64], ledger: Ledger) -> tuple[int, str]:
    """How many of the pictures have a file that was not tried, and one such file."""
    failed = {failure.path for failure in ledger.failures()}
    wanted = set(left.tolist())
    tried, waiting, example = array("q"), array("q"), ""
    for stamp, picture in store.stamps():
        if picture in wanted and stamp.path in failed:
            tried.append(picture)
        elif picture in wanted:
            waiting.append(picture)
            example = example or stamp.path
    return len(np.setdiff1d(np.array(waiting, np.int64), np.array(tried, np.int64))), example


def encode(
    picture: Picture, encoders: Iterable[DualEncoder], words: Sequence[WordRegion] = ()
) -> tuple[dict[str, ImageEmbedding], str]:
    """Vectors of a picture by space, areas in pixels of the full upright picture; and why there
    are not more of them ("" if there are all). `words` are what was read in it, for those encoders
    that take words."""
    found: dict[str, ImageEmbedding] = {}
    failures = []
    for encoder in encoders:
        space = encoder.spec.space
        try:
            found[space] = _checked(encoder, picture, words)
        except MemoryError:
            failures.append(f"{space} needs more memory than there is")
        except PictureError as error:
            failures.append(f"{space}: {error}")
        except Exception as error:
            failures.append(f"{space} failed: {type(error).__name__}: {error}")
    reason = f"read, but not encoded: {'; '.join(failures)}" if failures else ""
    return found, reason


def _checked(encoder: DualEncoder, picture: Picture, words: Sequence[WordRegion]) -> ImageEmbedding:
    if isinstance(encoder, ReadingEncoder):
        [embedding] = encoder.encode_read([picture.pixels], [words])
    else:
        [embedding] = encoder.encode_images([picture.pixels])
    vector = np.asarray(embedding.vector, dtype=np.float32)
    _check_unit(vector, encoder.spec)
    areas = (TextArea(full_size(a.box, picture), float(a.confidence)) for a in embedding.areas)
    return ImageEmbedding(vector, tuple(areas))


def checked_words(words: Sequence[WordRegion], spec: ReaderSpec) -> Sequence[WordRegion]:
    """The words, if their vectors are of the reader's space.

    Raises:
        PictureError: one is not.
    """
    for word in words:
        if word.vector is not None and spec.space is None:
            raise PictureError("its reader gave a vector, but says of no space that it has any")
        if word.vector is not None and spec.space is not None:
            _check_unit(word.vector, spec.space, "reader")
    return words


def _check_unit(vector: NDArray[np.float32], spec: EncoderSpec, maker: str = "encoder") -> None:
    if vector.shape != (spec.dim,):
        raise PictureError(f"its {maker} gave a vector of shape {vector.shape}, not ({spec.dim},)")
    length = float(np.linalg.norm(vector.astype(np.float64)))
    if not abs(length - 1) <= _UNIT:  # so that NaN is refused as well
        raise PictureError(f"its {maker} gave a vector of length {length:.4g}, not 1")


def by_space(
    embeddings: Mapping[PictureId, Mapping[str, ImageEmbedding]],
) -> dict[str, dict[PictureId, ImageEmbedding]]:
    """Embeddings by picture and space, turned round."""
    turned: dict[str, dict[PictureId, ImageEmbedding]] = {}
    for picture, some in embeddings.items():
        for space, embedding in some.items():
            turned.setdefault(space, {})[picture] = embedding
    return turned
