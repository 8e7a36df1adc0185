"""Whole measurements, from data on disk to a flat object that can be printed."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from sightread.errors import SightreadError
from sightread.library import IndexProgress, Library
from sightread.measure.environment import environment, peak_rss_mb
from sightread.measure.gallery import WordGallery, load_folder, load_queries
from sightread.measure.latency import query_latency
from sightread.measure.words import score_words
from sightread.protocols import DEFAULT_READER
from sightread.store import open_store
from sightread.types import PictureRecord

SEED = 0
QUERIES_PER_KIND = 60


def evaluate_words(
    data: str,
    queries: str | None = None,
    progress: Callable[[IndexProgress], None] | None = None,
    reader: str = DEFAULT_READER,
) -> dict[str, Any]:
    """Index the pictures of a gallery into a temporary library and score it.

    Args:
        data: a folder with annotations.jsonl and queries.jsonl, or with `queries` any folder of
            images.
        queries: a file of the ICDAR-style word protocol, see `measure.gallery`.
        reader: see `readers.READERS`.

    Raises:
        UsageError: the data is not there or not in its form.
        SightreadError: not one picture could be read, or the run was interrupted.
    """
    gallery = load_queries(data, queries) if queries else load_folder(data)
    with tempfile.TemporaryDirectory(prefix="sightread-evaluate-") as folder:
        path = os.path.join(folder, "library.sightread")
        with Library.open(path, write=True, create=True, reader=reader) as library:
            report = library.index([image.path for image in gallery.images], progress=progress)
            if report.interrupted:
                raise SightreadError("Interrupted: nothing was measured.")
            if not report.new:
                raise SightreadError(f"None of the {report.seen} pictures of {data} can be read.")
            began = time.perf_counter()
            scores = score_words(gallery, library.engine, records_of(gallery, library), SEED)
            searching_s = time.perf_counter() - began
            reader = library.status().reader
    return {
        **asdict(scores),
        "pictures_per_s": report.new / report.seconds,
        "cpu_ms_per_picture": 1000 * report.cpu_s / report.new,
        "reader_cpu_ms_per_picture": 1000 * report.reader_cpu_s / report.new,
        "peak_rss_mb": peak_rss_mb(),
        "scoring_s": searching_s,
        "reader": reader,
        "data": gallery.name,
        "seed": SEED,
        **asdict(environment()),
    }


def bench_query(pictures: int, progress: Callable[[int], None] | None = None) -> dict[str, Any]:
    """Time queries on a made-up library of so many pictures, in a temporary folder."""
    with tempfile.TemporaryDirectory(prefix="sightread-bench-") as folder:
        path = os.path.join(folder, "library.sightread")
        report = query_latency(
            lambda: open_store(path, write=True, create=True),
            path,
            pictures=pictures,
            queries=QUERIES_PER_KIND,
            seed=SEED,
            progress=progress,
        )
    return {**asdict(report), "peak_rss_mb": peak_rss_mb(), **asdict(environment())}


def records_of(gallery: WordGallery, library: Library) -> list[PictureRecord | None]:
    """What the library holds for each image of the gallery; None for a failed one."""
    places = {stamp.path: picture for stamp, picture in library.store.stamps()}
    records = {r.id: r for r in library.store.get([int(i) for i in library.store.ids()])}
    paths = (os.path.abspath(image.path) for image in gallery.images)
    return [records.get(places.get(path, -1)) for path in paths]
