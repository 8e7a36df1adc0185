"""One system on one gallery, in a process of its own: so that its memory is its own.

    python -m benchmarks.words.worker JOB.json

JOB.json says what to do (`Job`); the result is written to `Job.out` when everything is done.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from benchmarks.tables import say
from benchmarks.words.galleries import SEED, real, synth
from benchmarks.words.readings import cpu_s
from benchmarks.words.scores import scores
from benchmarks.words.systems import open_system, settings
from sightread.errors import SightreadError
from sightread.library import Library
from sightread.measure.environment import environment, peak_rss_mb
from sightread.measure.gallery import WordGallery
from sightread.measure.runs import records_of
from sightread.protocols import Reader
from sightread.readers import READERS
from sightread.search.ingest import IndexOptions, IndexProgress
from sightread.types import RGBImage, WordRegion

_EVERY_S = 15.0


@dataclass(frozen=True, slots=True)
class Job:
    """`data` is a gallery's folder, or "" for `synth-str`, which is then in `folder`."""

    system: str
    model: str | None
    data: str
    quiet: str | None
    folder: str
    limit: int | None
    held_out: bool
    out: str


def run(job: Job) -> dict[str, Any]:
    """Index with one worker, then ask everything.

    Raises:
        SightreadError: not one picture could be read, or the run was interrupted.
    """
    gallery = (
        real(job.data, job.quiet, job.limit, job.held_out)
        if job.data
        else synth(Path(job.folder), job.limit)
    )
    try:
        reader = open_system(job.system, job.model)
    except SightreadError as error:
        return {"system": job.system, "missing": str(error)}
    times = timed(reader)
    # The product opens a reader by its name; this one is open already.
    READERS[job.system] = lambda **_: reader
    with tempfile.TemporaryDirectory(prefix="sightread-words-") as base:
        path = os.path.join(base, "library.sightread")
        with Library.open(path, write=True, create=True, reader=job.system) as library:
            costs = _indexed(library, gallery, job.system, times)
            peak = max(peak_rss_mb(), _peak_of_children_mb())
            status = library.status()
            if not status.pictures:
                raise SightreadError(f"{job.system} could not read one picture of the gallery.")
            say(f"{job.system}: asking {len(gallery.queries)} queries")
            answers = scores(gallery, library.engine, records_of(gallery, library), SEED)
    return {
        "system": job.system,
        "settings": settings(reader),
        "costs": costs,
        "peak_rss_mb": round(peak, 1),
        "bytes_per_picture": round(status.size_bytes / status.pictures),
        "words_per_picture": round(status.words / status.pictures, 2),
        "failed": status.failed,
        **answers,
        **asdict(environment()),
    }


def timed(reader: Reader) -> list[float]:
    """Let the reader note the processor milliseconds of each picture in the list that is given
    back. The object stays what it is: the library looks at more of it than `read`."""
    times: list[float] = []
    read = reader.read

    def reading(images: Sequence[RGBImage]) -> list[list[WordRegion]]:
        began = cpu_s()
        found = read(images)
        times.append(1000 * (cpu_s() - began) / max(len(images), 1))
        return found

    setattr(reader, "read", reading)  # noqa: B010
    return times


def _indexed(
    library: Library, gallery: WordGallery, system: str, times: list[float]
) -> dict[str, dict[str, float]]:
    """Index subset by subset, so that each has its own times."""
    costs: dict[str, dict[str, float]] = {}
    for subset in dict.fromkeys(image.subset for image in gallery.images):
        paths = [image.path for image in gallery.images if image.subset == subset]
        times.clear()
        report = library.index(paths, IndexOptions(workers=1), _progress(system, subset))
        if report.interrupted:
            raise SightreadError("Interrupted.")
        if report.new:
            costs[subset] = {
                "pictures": report.new,
                "reading_ms": round(float(np.mean(times)), 2),
                "reading_p95_ms": round(float(np.percentile(times, 95)), 2),
                "decoding_ms": round(
                    1000 * (report.worker_cpu_s - report.reader_cpu_s) / report.new, 2
                ),
                "index_ms": round(1000 * report.cpu_s / report.new, 2),
                "wall_ms": round(1000 * report.seconds / report.new, 2),
            }
    return costs


def _progress(system: str, subset: str) -> Callable[[IndexProgress], None]:
    told = time.monotonic()

    def tell(progress: IndexProgress) -> None:
        nonlocal told
        if time.monotonic() - told > _EVERY_S:
            told = time.monotonic()
            say(f"{system}: {subset}, {progress.done} of {progress.seen} pictures")

    return tell


def _peak_of_children_mb() -> float:
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * unit / 1e6


def main() -> int:
    cv2.setNumThreads(1)
    job = Job(**json.loads(Path(sys.argv[1]).read_text("utf-8")))
    try:
        result = run(job)
    except SightreadError as error:
        print(error, file=sys.stderr)
        return 2
    out = Path(job.out)
    part = out.with_suffix(".part")
    part.write_text(json.dumps(result, indent=1) + "\n", "utf-8")
    part.replace(out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
