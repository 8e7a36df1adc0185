"""How well a library answers the queries of a gallery: in its parts, and by height of words."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.words.galleries import PHOTOGRAPHS, QUIET
from sightread.measure.gallery import GalleryImage, WordGallery
from sightread.measure.words import (
    HEIGHT_BINS_PX,
    by_picture,
    false_accept,
    mean_ap,
    precision,
    probabilities,
    recall,
)
from sightread.search.calibrate import DEFAULT_THRESHOLD, threshold_for
from sightread.search.engine import Engine
from sightread.text import key
from sightread.types import PictureRecord

Columns = dict[str, NDArray[np.float64]]
Queries = dict[str, frozenset[int]]


def columns_of(
    gallery: WordGallery, engine: Engine, records: Sequence[PictureRecord | None]
) -> Columns:
    """Word -> (N,) probability per image, -1 for what was not found."""
    places = by_picture(records)
    return {word: probabilities(engine, word, places, len(records)) for word in gallery.queries}


def scores(
    gallery: WordGallery, engine: Engine, records: Sequence[PictureRecord | None], seed: int
) -> dict[str, Any]:
    """mAP, precision and recall at the default threshold: of the whole gallery, of its photographs
    (with the pictures without text), of each subset; mAP by height; invented words accepted."""
    columns = columns_of(gallery, engine, records)
    subsets = [image.subset for image in gallery.images]
    parts = {"all": set(subsets), **{name: {name} for name in sorted(set(subsets) - {QUIET})}}
    if set(PHOTOGRAPHS) & set(subsets):
        parts["photographs"] = {*PHOTOGRAPHS, QUIET}
    found: dict[str, Any] = {
        name: _part(gallery, columns, [s in members for s in subsets])
        for name, members in parts.items()
    }
    main = parts["photographs" if "photographs" in parts else "all"]
    heights = _by_height(gallery, columns, [s in main for s in subsets])
    real = [w.text for image in gallery.images for w in image.words] + list(gallery.queries)
    accepted = false_accept(engine, real, records, seed)
    return {
        "parts": found,
        "map_by_height": heights,
        "false_accept": _number(accepted),
        "threshold": DEFAULT_THRESHOLD,
    }


def within(
    gallery: WordGallery, columns: Columns, kept: Sequence[bool]
) -> tuple[list[GalleryImage], Queries, Columns]:
    """The part of a gallery that is kept, with the queries that have an answer in it."""
    here = np.flatnonzero(np.asarray(kept, dtype=bool))
    place = {int(image): at for at, image in enumerate(here)}
    queries = {
        word: frozenset(place[i] for i in images if i in place)
        for word, images in gallery.queries.items()
    }
    queries = {word: images for word, images in queries.items() if images}
    return (
        [gallery.images[int(i)] for i in here],
        queries,
        {word: columns[word][here] for word in queries},
    )


def _part(gallery: WordGallery, columns: Columns, kept: Sequence[bool]) -> dict[str, Any]:
    images, queries, inside = within(gallery, columns, kept)
    complete = np.array([image.complete for image in images], dtype=bool)
    shown = {word: column >= threshold_for(column) for word, column in inside.items()}
    return {
        "images": len(images),
        "queries": len(queries),
        "map": _number(mean_ap(queries, inside, complete)),
        "precision": _number(precision(queries, shown, complete)),
        "recall": _number(recall(queries, shown)),
    }


def _by_height(
    gallery: WordGallery, columns: Columns, kept: Sequence[bool]
) -> dict[str, tuple[float | None, int]]:
    """mAP where only answers count whose word has that height, and how many pairs of a query and
    an answer those are; other answers are neither right nor wrong."""
    images, queries, inside = within(gallery, columns, kept)
    complete = np.array([image.complete for image in images], dtype=bool)
    tall = [_heights(image) for image in images]
    found: dict[str, tuple[float | None, int]] = {}
    for low, high in itertools.pairwise(HEIGHT_BINS_PX):
        some = {
            word: frozenset(i for i in answers if low <= tall[i].get(key(word), -1.0) < high)
            for word, answers in queries.items()
        }
        pairs = sum(map(len, some.values()))
        if pairs:
            judged = _without(queries, some, inside)
            value = _number(mean_ap(some, judged, complete))
            name = f"{low} px and more" if high == HEIGHT_BINS_PX[-1] else f"{low}-{high} px"
            found[name] = (value, pairs)
    return found


def _without(queries: Queries, some: Queries, columns: Columns) -> Columns:
    """Scores in which answers of other heights come last, behind everything else."""
    judged = {}
    for word, answers in queries.items():
        judged[word] = columns[word].copy()
        judged[word][list(answers - some[word])] = -math.inf
    return judged


def _heights(image: GalleryImage) -> dict[str, float]:
    """Word as compared -> the height of its tallest occurrence."""
    found: dict[str, float] = {}
    for word in image.words:
        if word.height_px is not None:
            found[key(word.text)] = max(found.get(key(word.text), 0.0), word.height_px)
    return found


def _number(value: float) -> float | None:
    return round(float(value), 4) if math.isfinite(value) else None
