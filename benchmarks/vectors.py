"""How fast and how large the search among vectors is, through the real store.

    python -m benchmarks.vectors --pictures 100000 --dim 512

Random unit vectors in a library of pictures without words. Prints one JSON object: milliseconds
unless a key says otherwise. Answers are compared with a plain matrix product, and so are times:
`load_average` says what else the machine had to do.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sightread.measure.environment import environment, peak_rss_mb
from sightread.protocols import Store
from sightread.store import open_store
from sightread.types import (
    AllOf,
    Compare,
    EncoderSpec,
    Filter,
    ImageEmbedding,
    PathStamp,
    PictureRecord,
    TextArea,
    VectorHits,
    Vectors,
)

SPACE = "scene-text"
DEPTH = 200
_BATCH = 2000


def main() -> None:
    """Build a library and measure it."""
    parser = argparse.ArgumentParser(description="Measure the search among vectors.")
    parser.add_argument("--pictures", type=int, default=100_000)
    parser.add_argument("--dim", type=int, default=512)
    parser.add_argument("--queries", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--library", help="keep the library here instead of in a temporary folder")
    parser.add_argument("--searched", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.searched:
        print(json.dumps(search(asked.searched, asked.queries, asked.seed)))
        return
    with tempfile.TemporaryDirectory() as folder:
        uri = asked.library or str(Path(folder) / "library")
        report: dict[str, Any] = {
            "pictures": asked.pictures,
            "dim": asked.dim,
            "seed": asked.seed,
        }
        report |= build(uri, asked.pictures, asked.dim, asked.seed)
        # In a process of its own, so that what building took is not in its memory.
        command = [sys.executable, "-m", "benchmarks.vectors", "--searched", uri]
        command += ["--queries", str(asked.queries), "--seed", str(asked.seed)]
        report |= json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
        report["load_average"] = round(os.getloadavg()[0], 1)
    print(json.dumps(report | asdict(environment()), indent=1))


def build(uri: str, pictures: int, dim: int, seed: int) -> dict[str, Any]:
    """Fill a new library, flushing every 2,000 pictures."""
    store = open_store(uri, write=True, create=True)
    store.open_space(EncoderSpec(SPACE, dim, "random"))
    spent = 0.0
    for start in range(0, pictures, _BATCH):
        numbers = range(start, min(start + _BATCH, pictures))
        records = [record(number, dim, seed) for number in numbers]
        spent += seconds(partial(store.put, records))
        spent += seconds(store.flush)
    maintaining = seconds(store.maintain)
    size = store.info().size_bytes
    store.close()
    return {
        "put_pictures_per_s": round(pictures / spent),
        "maintain_at_end": ms(maintaining),
        "library_mb": round(size / 1e6, 1),
        "build_peak_rss_mb": round(peak_rss_mb()),
    }


def record(number: int, dim: int, seed: int) -> PictureRecord:
    """A picture without words; ids are in no order, as those of real pictures are."""
    chance = np.random.default_rng([seed, number])
    area = TextArea(((1.0, 2.0), (30.0, 2.0), (30.0, 12.0), (1.0, 12.0)), 0.5)
    path = f"/photos/{2000 + number % 25}/{number % 997:03d}/img_{number:07d}.jpg"
    return PictureRecord(
        id=int(chance.integers(2**62)),
        sha256=f"{number:064x}",
        stamps=(PathStamp(path, 3_000_000, number),),
        format="JPEG",
        width=4000,
        height=3000,
        reader="synthetic@1",
        indexed_at=1.7e9,
        embeddings={SPACE: ImageEmbedding(units(chance, 1, dim)[0], (area, area))},
    )


def units(chance: np.random.Generator, count: int, dim: int) -> Vectors:
    """Random unit vectors."""
    some = chance.standard_normal((count, dim)).astype(np.float32)
    unit: Vectors = some / np.linalg.norm(some, axis=1, keepdims=True)
    return unit


def search(uri: str, queries: int, seed: int) -> dict[str, Any]:
    """Ask the finished library."""
    began = time.perf_counter()
    store = open_store(uri)
    report: dict[str, Any] = {"open": ms(time.perf_counter() - began)}
    dim = store.spaces()[0].spec.dim
    asked = units(np.random.default_rng(seed), queries, dim)
    report["rss_before_mb"] = round(rss_mb())
    report["first_from_disk"] = ms(seconds(lambda: ask(store, asked[:1])))
    report["rss_after_first_mb"] = round(rss_mb())
    report["second_loads"] = ms(seconds(lambda: ask(store, asked[:1])))
    report["rss_held_mb"] = round(rss_mb())
    report["peak_rss_mb"] = round(peak_rss_mb())
    few = Compare("id", "in", tuple(store.ids()[::1000].tolist()))
    tenth: Filter = AllOf((Compare("path", "contains", "/2007/"), Compare("ext", "eq", "jpg")))
    cases: dict[str, tuple[int, Filter | None]] = {
        "one": (1, None),
        "three_at_once": (3, None),
        "one_in_some_ids": (1, few),
        "one_in_a_path": (1, tenth),
    }
    for name, (count, where) in cases.items():
        report |= percentiles(name, store, asked, count, where)
    report["spaces"] = ms(np.median([seconds(store.spaces) for _ in range(20)]))
    return report | beside_numpy(store, asked)


def ask(store: Store, queries: Vectors, where: Filter | None = None) -> list[VectorHits]:
    """The question that is timed."""
    return store.search_vectors(SPACE, queries, DEPTH, where)


def percentiles(
    name: str, store: Store, asked: Vectors, count: int, where: Filter | None
) -> dict[str, float]:
    """Median and 95th percentile of a call with so many queries."""
    parts = [asked[start : start + count] for start in range(len(asked) - count + 1)]
    times = [seconds(partial(ask, store, some, where)) for some in parts]
    return {f"{name}_p50": ms(np.median(times)), f"{name}_p95": ms(np.percentile(times, 95))}


def beside_numpy(store: Store, asked: Vectors) -> dict[str, Any]:
    """The same questions to the store and to one matrix in memory, in turn: how many answers
    differ from those in float64, and how long the store takes for one that numpy takes."""
    records = store.get(store.ids().tolist(), regions=False, embeddings=True)
    ids = np.array([one.id for one in records])
    vectors = np.stack([one.embeddings[SPACE].vector for one in records])

    def plain(query: NDArray[np.float32]) -> object:
        return np.argpartition(vectors @ query, -DEPTH)

    theirs, ours = [], []
    for query in asked:
        theirs.append(seconds(partial(plain, query)))
        ours.append(seconds(partial(ask, store, query[None])))
    different = 0
    for query, hits in zip(asked[:20], ask(store, asked[:20]), strict=True):
        exact = [vectors[at : at + 10_000].astype(np.float64) for at in range(0, len(ids), 10_000)]
        scores = np.concatenate([(some * query).sum(axis=1) for some in exact]).astype(np.float32)
        best = np.lexsort((ids, -scores))[:DEPTH]
        different += ids[best].tolist() != hits.picture.tolist()
    return {
        "numpy_p50": ms(np.median(theirs)),
        "beside_numpy_p50": ms(np.median(ours)),
        "wrong_answers": different,
    }


def rss_mb() -> float:
    """The resident memory of this process now."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096 / 1e6


def seconds(call: Callable[[], object]) -> float:
    """How long one call takes."""
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def ms(value: Any) -> float:
    """Seconds to milliseconds, rounded."""
    return round(float(value) * 1000, 2)


if __name__ == "__main__":
    main()
