"""What the ambiguity report adds to a query.

    python -m benchmarks.ambiguity_cost --pictures 10000 --queries 100

A library in which every picture bears eight words, and a few hundred look alike for an encoder
whose vectors are drawn at random; half of these say HILTON, IBIS or NOVOTEL. Asked in turns is
`Engine.search` with and without the report, of a page of 60 pictures that look alike (there is
something to tell) and of one that do not: `adds_ms` is the median of the differences. `alone_ms`
is the report by itself, `first_ms` the first one of a process, or after the library has changed:
the measure of likeness is then taken from 32 of its pictures.

Prints one JSON object, ms of processor time. The exit code is 1 if the median of the differences is
5 ms or more.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from sightread.explained import Refinement
from sightread.measure.environment import environment
from sightread.protocols import DualEncoder, Store
from sightread.search.ambiguity import Ambiguity
from sightread.search.channels import Channels
from sightread.search.engine import Engine
from sightread.search.query import parse
from sightread.store import open_store
from sightread.text import tokens
from sightread.types import (
    EncoderSpec,
    ImageEmbedding,
    PathStamp,
    PictureRecord,
    Query,
    RegionRecord,
    RGBImage,
    Vectors,
)

DIM, WORDS, PAGE = 512, 8, 60
ALIKE = 300
_NAMES = ("HILTON", "IBIS", "NOVOTEL", "")
_BATCH = 2000
MOST_MS = 5.0


class Directions:
    """An encoder of random directions: `alike` is where the pictures that look alike are."""

    spec = EncoderSpec("caption", DIM, "r1", "directions", (40.0, -10.0))

    def encode_images(self, images: Sequence[RGBImage]) -> list[ImageEmbedding]:
        raise NotImplementedError("no picture is encoded here")

    def encode_texts(self, texts: Sequence[str]) -> Vectors:
        return np.stack([direction(0 if text == "alike" else len(text)) for text in texts])


class Silent(Ambiguity):
    """As if there were no report."""

    def report(
        self, query: Query, records: Sequence[PictureRecord], spaces: Iterable[str]
    ) -> tuple[Refinement, ...]:
        del query, records, spaces
        return ()


def direction(seed: int, near: float = 0.0, centre: int = 0) -> Vectors:
    """(DIM,) of unit length; with `near` close to another one."""
    vector = np.random.default_rng([1, seed]).standard_normal(DIM)
    vector /= np.linalg.norm(vector)
    if near:
        vector = near * direction(centre) + (1 - near**2) ** 0.5 * vector
    unit: Vectors = (vector / np.linalg.norm(vector)).astype(np.float32)
    return unit


def make_library(folder: Path, pictures: int) -> None:
    store = open_store(str(folder), write=True, create=True)
    store.open_space(Directions.spec)
    chance = np.random.default_rng(0)
    for start in range(0, pictures, _BATCH):
        numbers = range(start, min(start + _BATCH, pictures))
        store.put([_record(number, chance) for number in numbers])
    store.flush()
    store.maintain()
    store.close()


def _record(number: int, chance: np.random.Generator) -> PictureRecord:
    alike = number < ALIKE
    vector = direction(1000 + number, near=0.95 if alike else 0.0)
    words = [f"word{at}" for at in chance.integers(0, 5000, WORDS)]
    words[0] = _NAMES[number % len(_NAMES)] or words[0] if alike else words[0]
    box = ((0.0, 0.0), (80.0, 0.0), (80.0, 30.0), (0.0, 30.0))
    return PictureRecord(
        id=(number * 7919 + 1) % 1_000_003,  # spread over all, as contents are
        sha256=f"{number:064x}",
        stamps=(PathStamp(f"/photos/{number}.jpg", 1, number),),
        format="JPEG",
        width=640,
        height=480,
        reader="none",
        indexed_at=1.7e9,
        regions=tuple(
            RegionRecord("written", word, tokens(word), 0.9, at, box)
            for at, word in enumerate(words)
        ),
        embeddings={"caption": ImageEmbedding(vector)},
    )


def measure(store: Store, line: str, queries: int) -> dict[str, Any]:
    """Medians for one query line, and what the report said."""
    encoder: DualEncoder = Directions()
    engines = [Engine(store, Channels(store, lambda _: encoder)) for _ in range(2)]
    engines[0]._ambiguity = Silent(store)
    for engine in engines:
        engine.search("anything", k=PAGE, threshold=0.0)
    spent: list[tuple[float, float]] = []
    for at in range(queries):
        times = {which: _timed(engines[which], line) for which in ((0, 1) if at % 2 else (1, 0))}
        spent.append((times[0], times[1]))
    without, with_it = zip(*spent, strict=True)
    said = engines[1].search(line, k=PAGE, threshold=0.0)
    alone = _alone(store, line, [hit.id for hit in said.hits], queries)
    return {
        "refine": [f"{one.word} {one.pictures}" for one in said.refine],
        "without_ms": statistics.median(without),
        "with_ms": statistics.median(with_it),
        "adds_ms": statistics.median([b - a for a, b in spent]),
        "alone_ms": statistics.median(alone[1:]),
        "first_ms": alone[0],
    }


def _alone(store: Store, line: str, page: Sequence[int], times: int) -> list[float]:
    """How long each of so many reports takes."""
    query, ambiguity, spent = parse(line), Ambiguity(store), []
    records = store.get(page, embeddings=True)
    for _ in range(times + 1):
        began = time.process_time()
        ambiguity.report(query, records, ["caption"])
        spent.append(1000 * (time.process_time() - began))
    return spent


def _timed(engine: Engine, line: str) -> float:
    began = time.process_time()
    engine.search(line, k=PAGE, threshold=0.0)
    return 1000 * (time.process_time() - began)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pictures", type=int, default=10_000)
    parser.add_argument("--queries", type=int, default=100)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "library"
        make_library(folder, asked.pictures)
        store = open_store(str(folder))
        found = {line: measure(store, line, asked.queries) for line in ("alike", "unlike")}
        store.close()
    answer = {"pictures": asked.pictures, "queries": asked.queries, "page": PAGE, **found}
    print(json.dumps({**answer, "environment": asdict(environment())}, indent=1))
    return int(max(one["adds_ms"] for one in found.values()) >= MOST_MS)


if __name__ == "__main__":
    sys.exit(main())
