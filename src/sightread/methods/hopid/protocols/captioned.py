"""Pictures with several captions each, and what was read in them (sections 1 and 4).

A caption looks for its picture, a picture for any of its captions. What is written may be used on
the side of the pictures alone.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from sightread.errors import PictureError, UsageError
from sightread.methods.files import PictureFolder, read_bytes
from sightread.scenetext.given import GivenWords
from sightread.scenetext.pictures import CaptionedPicture
from sightread.scenetext.records import FindRecord
from sightread.tasks import RetrievalTask
from sightread.types import RGBImage


@dataclass(frozen=True, slots=True)
class CaptionRecord:
    """What is said of a picture; `id` is its path below its folder."""

    id: str
    captions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CaptionedSet:
    """One split.

    Attributes:
        find: the readings that lie beside the data; None if there are none.
        left_out: why and how many pictures are not among `pictures`.
    """

    name: str
    pictures: tuple[CaptionRecord, ...]
    folder: PictureFolder
    find: FindRecord | None = None
    left_out: Mapping[str, int] = field(default_factory=dict)

    def load(self, picture: str) -> RGBImage:
        """The pixels, upright RGB.

        Raises:
            PictureError: the picture cannot be decoded.
        """
        return self.folder.load(picture)

    def task(self) -> RetrievalTask:
        """Every caption as a query, `<picture>#<number>`, the pictures of the split as gallery."""
        asked = {
            f"{one.id}#{number}": (text, one.id)
            for one in self.pictures
            for number, text in enumerate(one.captions)
        }
        return RetrievalTask(
            name=self.name,
            queries={query: text for query, (text, _) in asked.items()},
            gallery=tuple(one.id for one in self.pictures),
            load=self.load,
            qrels={query: frozenset([picture]) for query, (_, picture) in asked.items()},
        )


def with_words(found: CaptionedSet, given: GivenWords | None) -> Iterator[CaptionedPicture]:
    """The pictures for training, with the words that were read in them; none without `given`.

    Each is decoded once for its size, and left out if it cannot be.
    """
    for one in found.pictures:
        try:
            height, width = found.load(one.id).shape[:2]
        except PictureError:
            continue
        words = tuple(given.of(one.id, width, height)) if given else ()
        name = f"{found.name}/{one.id}"
        yield CaptionedPicture(name, one.captions, words, partial(found.load, one.id))


def captioned_set(
    name: str,
    records: Sequence[CaptionRecord],
    folder: PictureFolder,
    find: FindRecord | None,
) -> CaptionedSet:
    """The records that have a caption and a picture on the disk; captions of one picture that are
    listed apart are put together, in their order.

    Raises:
        UsageError: nothing is left.
    """
    together: dict[str, tuple[str, ...]] = {}
    for one in records:
        together[one.id] = (*together.get(one.id, ()), *one.captions)
    left_out: dict[str, int] = {}
    kept: list[CaptionRecord] = []
    for picture, captions in together.items():
        said = tuple(text for text in map(one_line, captions) if text)
        reason = None if said else "without a caption"
        if said and folder.path(picture) is None:
            reason = "without a file"
        if reason is None:
            kept.append(CaptionRecord(picture, said))
        else:
            left_out[reason] = left_out.get(reason, 0) + 1
    if not kept:
        shown = ", ".join(f"{count:,} {why}" for why, count in left_out.items()) or "no records"
        raise UsageError(f"{name} has no picture with a caption: {shown}.")
    return CaptionedSet(name, tuple(kept), folder, find, left_out)


def one_line(text: str) -> str:
    """A caption without line ends and doubled spaces."""
    return " ".join(text.split())


def read_json(path: Path) -> Any:
    """The contents of a JSON file.

    Raises:
        UsageError: it cannot be read, or is not JSON.
    """
    try:
        return json.loads(read_bytes(path))
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{path} is not JSON: {error}.") from error


def some_of(names: Sequence[str], most: int = 12) -> str:
    """Names for a message: the first ones."""
    shown = ", ".join(names[:most]) or "none"
    return f"{shown} and {len(names) - most} more" if len(names) > most else shown
