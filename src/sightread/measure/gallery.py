"""Galleries with known words, from disk.

Two forms are read:

* a folder with `annotations.jsonl` (per line: image, words, boxes as [x, y, w, h], subset,
  complete) and `queries.jsonl` (per line: query, images), as the demo gallery is written;
* a folder of images with a file `{"queries": {word: [image, ...]}}`, the ICDAR-style word
  protocol, in which every image that is not listed for a word counts as wrong.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sightread.errors import UsageError
from sightread.search.walk import walk


@dataclass(frozen=True, slots=True)
class AnnotatedWord:
    """`height_px` of its upright box and the box itself, (left, top, width, height) in pixels of
    the picture; None where the annotation has no box."""

    text: str
    height_px: float | None
    box: tuple[float, float, float, float] | None = None


@dataclass(frozen=True, slots=True)
class GalleryImage:
    """`complete` is false where unlisted words may be there: no proof of a wrong answer."""

    path: str
    subset: str = "all"
    complete: bool = True
    words: tuple[AnnotatedWord, ...] = ()


@dataclass(frozen=True, slots=True)
class WordGallery:
    """`queries` maps each word to the indices of the images that show it."""

    name: str
    images: tuple[GalleryImage, ...]
    queries: dict[str, frozenset[int]]


def load_folder(folder: str) -> WordGallery:
    """A folder with annotations.jsonl and queries.jsonl.

    Raises:
        UsageError: a file is missing or a line of it is not in the form above.
    """
    images = []
    for place, row in _lines(Path(folder, "annotations.jsonl")):
        try:
            images.append(_image(folder, row))
        except (KeyError, TypeError, ValueError, IndexError) as error:
            raise UsageError(f"{place} is not an annotation: {error!r}.") from error
    queries: dict[str, list[str]] = {}
    for place, row in _lines(Path(folder, "queries.jsonl")):
        try:
            queries[str(row["query"])] = [str(name) for name in row["images"]]
        except (KeyError, TypeError) as error:
            raise UsageError(f"{place} is not a query: {error!r}.") from error
    return _gallery(folder, images, queries)


def load_queries(images: str, queries: str) -> WordGallery:
    """A folder of images and a queries file of the ICDAR-style word protocol.

    Raises:
        UsageError: a file is missing or not in the form above.
    """
    try:
        listed = json.loads(Path(queries).read_text("utf-8"))["queries"]
        named = {str(word): [str(name) for name in names] for word, names in listed.items()}
    except OSError as error:
        raise UsageError(f"The queries file {queries} cannot be read: {error.strerror}.") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        form = '{"queries": {word: [image, ...]}}'
        raise UsageError(f"{queries} is not a queries file of the form {form}.") from error
    if not os.path.isdir(images):
        raise UsageError(f"The folder of images {images} does not exist.")
    found = [GalleryImage(stamp.path) for stamp in walk([images])]
    return _gallery(os.path.abspath(images), found, named)


def _gallery(folder: str, images: list[GalleryImage], queries: dict[str, list[str]]) -> WordGallery:
    places = _places(folder, images)
    unknown = [name for names in queries.values() for name in names if name not in places]
    if unknown:
        raise UsageError(
            f"{len(unknown)} images named by the queries are not in {folder}, the first is "
            f"{unknown[0]}; check that queries and images belong together."
        )
    if not images or not queries:
        raise UsageError(f"{folder} holds {len(images)} images and {len(queries)} queries.")
    indexed = {word: frozenset(places[name] for name in names) for word, names in queries.items()}
    name = os.path.basename(os.path.abspath(folder))
    return WordGallery(name, tuple(images), indexed)


def _places(folder: str, images: list[GalleryImage]) -> dict[str, int]:
    """Images by their path in the folder, and by their bare name where only one has it."""
    bare = Counter(os.path.basename(image.path) for image in images)
    places = {os.path.basename(image.path): i for i, image in enumerate(images)}
    places = {name: i for name, i in places.items() if bare[name] == 1}
    return places | {os.path.relpath(image.path, folder): i for i, image in enumerate(images)}


def _image(folder: str, row: dict[str, Any]) -> GalleryImage:
    words, boxes = row["words"], row.get("boxes") or []
    if len(boxes) == len(words):
        annotated = [_boxed(str(w), *map(float, box)) for w, box in zip(words, boxes, strict=True)]
    else:
        annotated = [AnnotatedWord(str(word), None) for word in words]
    return GalleryImage(
        path=os.path.join(folder, row["image"]),
        subset=str(row.get("subset", "all")),
        complete=bool(row.get("complete", True)),
        words=tuple(annotated),
    )


def _boxed(text: str, left: float, top: float, width: float, height: float) -> AnnotatedWord:
    return AnnotatedWord(text, height, (left, top, width, height))


def _lines(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    try:
        lines = path.read_text("utf-8").splitlines()
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}.") from error
    for number, line in enumerate(lines, 1):
        if line.strip():
            try:
                yield f"Line {number} of {path}", json.loads(line)
            except ValueError as error:
                raise UsageError(f"Line {number} of {path} is not JSON: {error}.") from error
