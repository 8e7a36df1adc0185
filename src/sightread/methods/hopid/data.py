"""What HOPID learns from: pictures with captions, and the words that a reader found in them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Literal

import numpy as np

from sightread.errors import UsageError
from sightread.methods.hopid.protocols.training import TRAINING, training_pictures
from sightread.scenetext.pictures import CaptionedPicture
from sightread.synth.ambiguity import AmbiguitySettings, build_ambiguity

Split = Literal["train", "val"]
RENDERED = "synth-ambiguity"

Opened = Callable[[Path | None, AmbiguitySettings, Split], Sequence[CaptionedPicture]]
"""(folder, settings of what is rendered, split) -> pictures. Raises UsageError: the data set is not
there or not in its form."""


def ambiguity_pictures(
    root: Path | None, settings: AmbiguitySettings, split: str
) -> list[CaptionedPicture]:
    """Pictures of `synth-ambiguity`, with the mistakes of a reader."""
    del root
    shown = build_ambiguity(settings).shown(split)  # type: ignore[arg-type]
    return [one.captioned() for one in shown]


def _from_disk(name: str) -> Opened:
    def opened(
        root: Path | None, settings: AmbiguitySettings, split: Split
    ) -> Sequence[CaptionedPicture]:
        del settings
        assert root is not None
        return training_pictures(name, root, split)

    return opened


SETS: Mapping[str, Opened] = {
    RENDERED: ambiguity_pictures,
    **{name: _from_disk(name) for name in TRAINING},
}
"""By the name that a recipe gives."""


def open_pictures(
    name: str, root: str, settings: AmbiguitySettings, split: Split
) -> list[CaptionedPicture]:
    """The pictures of a split that have a caption.

    Raises:
        UsageError: no such name, or the data set is not there, not in its form, or empty.
    """
    if name not in SETS:
        raise UsageError(f"There is no data set {name!r} for HOPID; there are: {', '.join(SETS)}.")
    if name != RENDERED and not root:
        raise UsageError(f"training on {name} needs its folder: name it with --set method.root=")
    found = SETS[name](Path(root) if root else None, settings, split)
    some = [one for one in found if one.captions]
    if len(some) < 2:
        raise UsageError(
            f"the split {split} of {name} has {len(some)} pictures with captions, and two are "
            "needed"
        )
    return some


def shuffled(
    pictures: Sequence[CaptionedPicture],
    words: Sequence[frozenset[str]],
    how: Literal["groups", "text_neighbours", "shuffle"],
    rng: np.random.Generator,
) -> list[int]:
    """The order of an epoch.

    Args:
        words: of each picture, folded.
        how: `groups` keeps pictures of one group together; `text_neighbours` puts pictures in pairs
            that share a word as far as there are any, so that words alone do not tell them apart;
            `shuffle` does neither.
    """
    order = [int(at) for at in rng.permutation(len(pictures))]
    if how == "shuffle":
        return order
    if how == "text_neighbours":
        return _paired(order, words)
    units: dict[str, list[int]] = {}
    for at in order:
        units.setdefault(pictures[at].group or f"/{at}", []).append(at)
    return [at for unit in units.values() for at in unit]


def _paired(order: Sequence[int], words: Sequence[frozenset[str]]) -> list[int]:
    waiting: dict[str, list[int]] = {}
    placed: set[int] = set()
    found: list[int] = []
    for at in order:
        partner = next(
            (
                one
                for word in sorted(words[at])
                for one in waiting.get(word, ())
                if one not in placed
            ),
            None,
        )
        if partner is None:
            for word in words[at]:
                waiting.setdefault(word, []).append(at)
            continue
        placed |= {at, partner}
        found += [partner, at]
    return [*found, *(at for at in order if at not in placed)]
