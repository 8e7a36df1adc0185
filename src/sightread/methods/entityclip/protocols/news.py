"""Pictures of the news and their captions, one right picture for each caption and the other way
round (section 1). The query is the caption; headline and body are not used."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from sightread.errors import UsageError
from sightread.methods.entityclip.explanations import Explanations, read_picture_explanations
from sightread.methods.files import PictureFolder, read_bytes
from sightread.tasks import RetrievalTask
from sightread.types import RGBImage

Split = Literal["train", "val", "test"]


@dataclass(frozen=True, slots=True)
class NewsPair:
    """`id` is the picture's path below its folder."""

    id: str
    caption: str


@dataclass(frozen=True, slots=True)
class NewsSet:
    """One split. `left_out` says why and how many records are no pairs; `known` are the
    explanations that lie beside the data, none if there are none."""

    name: str
    pairs: tuple[NewsPair, ...]
    folder: PictureFolder
    known: Explanations = field(default_factory=Explanations)
    left_out: Mapping[str, int] = field(default_factory=dict)

    def load(self, picture: str) -> RGBImage:
        """The pixels, upright RGB.

        Raises:
            PictureError: the picture cannot be decoded.
        """
        return self.folder.load(picture)

    def task(self) -> RetrievalTask:
        """Captions as queries, all pictures of the split as the gallery."""
        return RetrievalTask(
            name=self.name,
            queries={one.id: one.caption for one in self.pairs},
            gallery=tuple(one.id for one in self.pairs),
            load=self.load,
            qrels={one.id: frozenset([one.id]) for one in self.pairs},
        )


@dataclass(frozen=True, slots=True)
class NewsReader:
    """A data set by name. `layout` is what is expected in its folder, for messages."""

    name: str
    layout: str
    read: Callable[[Path, Split], NewsSet]


def news_set(
    name: str,
    records: Sequence[NewsPair],
    folder: PictureFolder,
    known: Explanations | None = None,
    *,
    skip: frozenset[str] = frozenset(),
    only_explained: bool = False,
) -> NewsSet:
    """The records that are pairs: with a caption, a picture on the disk, each picture once.

    Args:
        skip: ids of pictures that are known to be broken.
        only_explained: leave out what has no explanation, as the published code does for GoodNews.

    Raises:
        UsageError: nothing is left.
    """
    explained = known or Explanations()
    left_out: dict[str, int] = {}
    kept: dict[str, NewsPair] = {}
    for one in records:
        reason = None
        if not one.caption.strip():
            reason = "without a caption"
        elif one.id in kept:
            reason = "listed twice"
        elif one.id in skip:
            reason = "listed as broken"
        elif folder.path(one.id) is None:
            reason = "without a file"
        elif only_explained and not explained.of("", one.id):
            reason = "without an explanation"
        if reason is None:
            kept[one.id] = one
        else:
            left_out[reason] = left_out.get(reason, 0) + 1
    if not kept:
        shown = ", ".join(f"{count:,} {why}" for why, count in left_out.items()) or "no records"
        raise UsageError(f"{name} has no pair of a picture and a caption: {shown}.")
    return NewsSet(name, tuple(kept.values()), folder, explained, left_out)


def beside(path: Path) -> Explanations | None:
    """The authors' explanations in a file, if it is there.

    Raises:
        UsageError: it is damaged.
    """
    return read_picture_explanations(path) if path.is_file() else None


def read_json(path: Path) -> Any:
    """The contents of a JSON file.

    Raises:
        UsageError: it cannot be read, or is not JSON.
    """
    try:
        return json.loads(read_bytes(path))
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{path} is not JSON: {error}.") from error


def read_records(
    path: Path, picture: str, caption: str
) -> list[tuple[Mapping[str, Any], NewsPair]]:
    """The records of a JSON list, each with its pair.

    Args:
        picture, caption: the fields that hold them. A record without a caption (null) has "".

    Raises:
        UsageError: the file is not such a list; the sentence names the record.
    """
    data = read_json(path)
    if not isinstance(data, list):
        raise UsageError(f"{path} must be a JSON list of records.")
    found: list[tuple[Mapping[str, Any], NewsPair]] = []
    for number, record in enumerate(data, 1):
        values: Mapping[str, Any] = record if isinstance(record, dict) else {}
        name, text = values.get(picture), values.get(caption) or ""
        if not isinstance(name, str | int) or isinstance(name, bool) or not isinstance(text, str):
            raise UsageError(
                f"{path}, record {number}: expected an object with {picture} and {caption}, found "
                f"{json.dumps(record)[:60]}."
            )
        found.append((values, NewsPair(str(name), one_line(text))))
    return found


def one_line(text: str) -> str:
    """A caption without line ends, as published: CR LF becomes a space, a lone CR goes away."""
    return text.replace("\r\n", " ").replace("\r", "").replace("\n", " ").strip()
