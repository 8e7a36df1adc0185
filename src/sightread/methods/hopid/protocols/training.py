"""Pictures of the public data sets to learn from, and those of them that choose a checkpoint.

The readings are those in the folder `words` beside the data set, as `scripts/read_words.py PICTURES
ROOT/words` writes them, or else those that were released with it. No picture of a test is among
the pictures.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np

from sightread.errors import UsageError
from sightread.methods.hopid.protocols.captioned import CaptionedSet, CaptionRecord, with_words
from sightread.methods.hopid.protocols.ctc import ctc
from sightread.methods.hopid.protocols.textcaps import textcaps
from sightread.scenetext.given import GivenWords
from sightread.scenetext.pictures import CaptionedPicture
from sightread.scenetext.records import open_records

Split = Literal["train", "val"]
WORDS = "words"
"""Folder with readings of one's own, in that of the data set."""
HELD_OUT = 500
"""Pictures of CTC's training part that choose a checkpoint: it has no part for that."""


def _ctc(root: Path, split: Split) -> CaptionedSet:
    found = ctc(root, "ctc-train")
    tests = {one.id for part in ("ctc-1k", "ctc-5k") for one in _test_pictures(root, part)}
    kept = [one for one in found.pictures if one.id not in tests]
    order = np.random.default_rng(0).permutation(len(kept))
    most = min(HELD_OUT, len(kept) // 10 + 1)
    chosen = order[:most] if split == "val" else order[most:]
    return replace(found, pictures=tuple(kept[at] for at in sorted(chosen)))


def _test_pictures(root: Path, part: Literal["ctc-1k", "ctc-5k"]) -> tuple[CaptionRecord, ...]:
    try:
        return ctc(root, part).pictures
    except UsageError:
        return ()  # its list is not here


def _textcaps(root: Path, split: Split) -> CaptionedSet:
    return textcaps(root, "held-out" if split == "val" else "train")


TRAINING: Mapping[str, Callable[[Path, Split], CaptionedSet]] = {
    "ctc": _ctc,
    "textcaps": _textcaps,
}


def training_pictures(name: str, root: Path, split: Split) -> list[CaptionedPicture]:
    """The pictures of a split that can be decoded, with their words.

    Raises:
        UsageError: the data set is not there, not in its form, or nobody has read its pictures.
    """
    found = TRAINING[name](root, split)
    own = root / WORDS
    find = open_records(own) if own.is_dir() else found.find
    if find is None:
        raise UsageError(
            f"{name} has no readings beside it: `python scripts/read_words.py PICTURES {own}` "
            "writes some, PICTURES being the folder of its pictures."
        )
    return list(with_words(found, GivenWords(find)))
