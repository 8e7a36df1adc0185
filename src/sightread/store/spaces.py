"""Which encoder's vectors a library holds: one that serves, and perhaps the one that follows it.

Vectors of two revisions are never mixed: each revision has a table of its own. A new revision is
gathered beside the old one, which serves until `switched`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from sightread.errors import LibraryError
from sightread.store.manifest import Space
from sightread.types import EncoderSpec, ImageEmbedding

Spaces = tuple[Space, ...]
_SHOWN = 12


def serving(spaces: Sequence[Space], space: str) -> Space | None:
    """The entry whose vectors are searched."""
    return next((one for one in spaces if one.spec.space == space and one.serving), None)


def of_revision(spaces: Sequence[Space], space: str, revision: str) -> Space | None:
    """The entry of this revision, whether it serves or is to follow."""
    wanted = (space, revision)
    return next((one for one in spaces if (one.spec.space, one.spec.revision) == wanted), None)


def opened(
    spaces: Spaces, spec: EncoderSpec, folder: str, *, replaces: bool, table: str, library: Path
) -> Spaces:
    """The spaces once vectors come from `spec`, found in `folder`.

    Args:
        replaces: let a revision that is not there yet follow the one that serves.
        table: name of the table to use if one has to be made.

    Raises:
        LibraryError: another revision serves, and nothing is to follow it.
    """
    there = of_revision(spaces, spec.space, spec.revision)
    if there is not None:
        # The same files may have a calibration by now, or have moved.
        fresh = replace(there, spec=spec, folder=folder or there.folder)
        return tuple(fresh if one is there else one for one in spaces)
    known = serving(spaces, spec.space)
    if known is None:
        return (*spaces, Space(spec, folder, table))
    if not replaces:
        raise LibraryError(_mixed(known.spec, spec, folder, library))
    others = tuple(one for one in spaces if one.serving or one.spec.space != spec.space)
    return (*others, Space(spec, folder, table, serving=False))


def switched(spaces: Spaces, space: str) -> Spaces:
    """The spaces once the follower serves; the same if there is none."""
    if all(one.serving for one in spaces if one.spec.space == space):
        return spaces
    left = (one for one in spaces if one.spec.space != space or not one.serving)
    return tuple(replace(one, serving=True) if one.spec.space == space else one for one in left)


def without(spaces: Spaces, space: str) -> Spaces:
    """The spaces once one is gone."""
    return tuple(one for one in spaces if one.spec.space != space)


def check_vector(spec: EncoderSpec, embedding: ImageEmbedding) -> None:
    """Refuse what no encoder of this space can have made.

    Raises:
        LibraryError: the vector has another shape, or numbers that are not finite.
    """
    vector = embedding.vector
    if vector.shape != (spec.dim,) or not np.isfinite(vector).all():
        raise LibraryError(
            f"A vector in the space {spec.space} takes {spec.dim} finite numbers, not "
            f"{np.array2string(vector, threshold=8)}: the encoder is at fault, nothing was stored."
        )


def _mixed(known: EncoderSpec, new: EncoderSpec, folder: str, library: Path) -> str:
    return (
        f"The vectors in the space {known.space} of {library} are of revision "
        f"{known.revision[:_SHOWN]}{_named(known)}, and this encoder has revision "
        f"{new.revision[:_SHOWN]}{_named(new)}; they must not be mixed: `sightread index --encoder "
        f"{folder or 'DIR'} --reencode FOLDER...` encodes this space again, and the old vectors "
        "serve until the new ones are complete."
    )


def _named(spec: EncoderSpec) -> str:
    return f" ({spec.name})" if spec.name else ""
