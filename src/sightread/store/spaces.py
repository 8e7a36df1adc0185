"""Whose vectors a library holds: the encoder that serves, and perhaps the one that follows it.

Vectors of two revisions are never mixed: each revision has a table of its own. A new revision is
gathered beside the old one, which serves until `switched`. Vectors of regions, made by a reader,
have spaces of their own beside those of pictures, made by encoders.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sightread.errors import LibraryError
from sightread.regions import Owner
from sightread.store.manifest import Space
from sightread.types import EncoderSpec

Spaces = tuple[Space, ...]
_SHOWN = 12


def serving(spaces: Sequence[Space], space: str, of: Owner = "pictures") -> Space | None:
    """The entry whose vectors are searched."""
    return next((one for one in spaces if _is(one, space, of) and one.serving), None)


def of_revision(
    spaces: Sequence[Space], space: str, revision: str, of: Owner = "pictures"
) -> Space | None:
    """The entry of this revision, whether it serves or is to follow."""
    same = (one for one in spaces if _is(one, space, of) and one.spec.revision == revision)
    return next(same, None)


def opened(spaces: Spaces, fresh: Space, *, replaces: bool, library: Path) -> Spaces:
    """The spaces once vectors come from the maker of `fresh`, a space with the name of the table
    to use if one has to be made.

    Args:
        replaces: let a revision that is not there yet follow the one that serves.

    Raises:
        LibraryError: another revision serves, and nothing is to follow it.
    """
    spec, of = fresh.spec, fresh.of
    there = of_revision(spaces, spec.space, spec.revision, of)
    if there is not None:
        # The same files may have a calibration by now, or have moved.
        kept = replace(there, spec=spec, folder=fresh.folder or there.folder)
        return tuple(kept if one is there else one for one in spaces)
    known = serving(spaces, spec.space, of)
    if known is None:
        return (*spaces, fresh)
    if not replaces:
        raise LibraryError(_mixed(known.spec, fresh, library))
    others = tuple(one for one in spaces if one.serving or not _is(one, spec.space, of))
    return (*others, replace(fresh, serving=False))


def switched(spaces: Spaces, space: str, of: Owner = "pictures") -> Spaces:
    """The spaces once the follower serves; the same if there is none."""
    if all(one.serving for one in spaces if _is(one, space, of)):
        return spaces
    left = (one for one in spaces if not _is(one, space, of) or not one.serving)
    return tuple(replace(one, serving=True) if _is(one, space, of) else one for one in left)


def without(spaces: Spaces, space: str, of: Owner = "pictures") -> Spaces:
    """The spaces once one is gone."""
    return tuple(one for one in spaces if not _is(one, space, of))


def _is(one: Space, space: str, of: Owner) -> bool:
    return one.spec.space == space and one.of == of


def check_vector(spec: EncoderSpec, vector: NDArray[np.float32]) -> None:
    """Refuse what no encoder of this space can have made.

    Raises:
        LibraryError: the vector has another shape, or numbers that are not finite.
    """
    if vector.shape != (spec.dim,) or not np.isfinite(vector).all():
        raise LibraryError(
            f"A vector in the space {spec.space} takes {spec.dim} finite numbers, not "
            f"{np.array2string(vector, threshold=8)}: the encoder is at fault, nothing was stored."
        )


def _mixed(known: EncoderSpec, fresh: Space, library: Path) -> str:
    new = fresh.spec
    maker = "encoder" if fresh.of == "pictures" else "reader's model"
    way_out = (
        f"`sightread index --encoder {fresh.folder or 'DIR'} --reencode FOLDER...` encodes this "
        "space again"
        if fresh.of == "pictures"
        else "`sightread index --reread FOLDER...` reads the pictures again"
    )
    return (
        f"The vectors in the space {known.space} of {library} are of revision "
        f"{known.revision[:_SHOWN]}{_named(known)}, and this {maker} has revision "
        f"{new.revision[:_SHOWN]}{_named(new)}; they must not be mixed: {way_out}, and the old "
        "vectors serve until the new ones are complete."
    )


def _named(spec: EncoderSpec) -> str:
    return f" ({spec.name})" if spec.name else ""
