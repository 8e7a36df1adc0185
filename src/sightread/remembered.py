"""The models of a library: those that were named, and those that it remembers."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from sightread.errors import ModelError, SightreadError, UsageError
from sightread.protocols import DualEncoder, ReadingEncoder, WordEncoder
from sightread.readers import open_word_encoder
from sightread.regions import RegionSpaceInfo
from sightread.types import SpaceInfo, WordRegion

if TYPE_CHECKING:
    from sightread.search.encoding import Source
    from sightread.search.lookalikes import OpenWordEncoder

_A_WORD = WordRegion(((8.0, 8.0), (56.0, 8.0), (56.0, 24.0), (8.0, 24.0)), 0.9, "word")
"""What an encoder that takes words is tried with."""


class Encoders:
    """The encoder that was named, and those that the library remembers by their folders.

    Args:
        named: an encoder or the folder of a model.

    Raises:
        ModelError: there is no model in the folder, or it is damaged.
    """

    def __init__(self, named: DualEncoder | str | None = None) -> None:
        self._folder = os.path.abspath(os.path.expanduser(named)) if isinstance(named, str) else ""
        self._named = _open_encoder(self._folder) if isinstance(named, str) else named

    def serving(self, info: SpaceInfo) -> DualEncoder:
        """The encoder of a space.

        Raises:
            UsageError: nobody said where it is.
            ModelError: it is not there any more, or damaged.
        """
        if self._named is not None and self._named.spec.space == info.spec.space:
            return self._named
        if not info.folder:
            raise UsageError("nobody said where its model is; name it with --encoder DIR")
        return _open_encoder(info.folder)

    def idle(self, spaces: Sequence[SpaceInfo]) -> str:
        """A sentence if the named encoder has nothing to search."""
        if self._named is None or self._named.spec.space in {one.spec.space for one in spaces}:
            return ""
        return (
            f"The library has no vectors in {self._named.spec.space}: make them with `sightread "
            f"index --encoder {self._folder or 'DIR'} FOLDER...`."
        )

    def sources(self, spaces: Sequence[SpaceInfo]) -> tuple[list[Source], list[str]]:
        """Encoders for a run, tried on a picture, and a sentence on each that cannot be had.

        Raises:
            ModelError: the named one does not work.
        """
        from sightread.search.encoding import Source

        found = []
        warnings = []
        if self._named is not None:
            found.append(Source(_tried(self._named), self._folder))
        for info in spaces:
            known = self._named is not None and self._named.spec.space == info.spec.space
            if known or not info.serving:
                continue
            try:
                found.append(Source(_tried(self.serving(info), info), info.folder))
            except SightreadError as error:
                reason = str(error).rstrip(".")
                warnings.append(f"Nothing was encoded in {info.spec.space}: {reason}.")
        return found, warnings


def word_encoders(named: str) -> OpenWordEncoder:
    """Opens the model that read the words of a library: the one in the folder `named`, if it is
    that one, else where it was when it read."""

    def open_words(info: RegionSpaceInfo) -> WordEncoder:
        if named:
            encoder = open_word_encoder(named)
            if encoder.spec.revision == info.spec.revision:
                return encoder
        return open_word_encoder(info.folder)

    return open_words


def _open_encoder(folder: str) -> DualEncoder:
    # Its runtime takes a while to load: who has no encoder does not pay for one.
    from sightread.encoders import open_encoder

    return open_encoder(folder)


def _tried(encoder: DualEncoder, info: SpaceInfo | None = None) -> DualEncoder:
    """The encoder, if it is the one that made the vectors and can make more: else every picture of
    a run would fail."""
    spec = encoder.spec
    if info is not None and spec.revision != info.spec.revision:
        raise UsageError(
            f"{info.folder} is of revision {spec.revision[:12]} now, the vectors are of "
            f"{info.spec.revision[:12]}; add --encoder {info.folder} --reencode to encode them "
            "again"
        )
    grey = np.full((64, 64, 3), 128, dtype=np.uint8)
    try:
        encoder.encode_images([grey])
        if isinstance(encoder, ReadingEncoder):
            encoder.encode_read([grey], [[_A_WORD]])
    except SightreadError:
        raise
    except Exception as error:
        raise ModelError(
            f"The encoder {spec.name or spec.space} cannot encode a picture here: "
            f"{type(error).__name__}: {error}."
        ) from error
    return encoder
