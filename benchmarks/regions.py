"""How fast words are found by their looks, through the real store.

    python -m benchmarks.regions --pictures 100000 --regions 8 [--model DIR]

Each picture has so many regions, with vectors of words: of a model (`--model`), or random unit
vectors, which is what no arrangement of vectors can help with. A region's vector is that of its
word and some noise, so that its cosine to the word is about 0.9. Asked for are the pictures that
score at least 0.6, as a search with a calibrated model does, and the 200 best without any such
limit. Prints one JSON object: milliseconds unless a key says otherwise; `_cpu` are those of the
processor, which other work on the machine does not lengthen as much. Answers are compared with a
plain product in float64 of what is stored.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.vectors import ms, rss_mb, seconds, units
from sightread.measure.environment import environment
from sightread.protocols import Store
from sightread.readers import open_word_encoder
from sightread.store import open_store
from sightread.store.regions import rounded
from sightread.store.tables import Tables
from sightread.types import (
    Compare,
    EncoderSpec,
    Filter,
    PathStamp,
    PictureRecord,
    RegionRecord,
    Vectors,
)

SPACE = "words"
DEPTH = 200
LEAST = 0.6
_BATCH = 2000
_WORDS = 20_000
_NOISE = 0.48  # beside a unit vector: a cosine of 1 / sqrt(1 + 0.48^2) = 0.90
_BOX = ((1.0, 2.0), (30.0, 2.0), (30.0, 12.0), (1.0, 12.0))


def main() -> None:
    """Build a library and measure it."""
    parser = argparse.ArgumentParser(description="Measure the search among vectors of words.")
    parser.add_argument("--pictures", type=int, default=100_000)
    parser.add_argument("--regions", type=int, default=8, help="of each picture")
    parser.add_argument("--model", default="", help="a word spotter; random vectors without")
    parser.add_argument("--queries", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--library", help="keep the library here instead of in a temporary folder")
    parser.add_argument("--searched", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    words = word_vectors(asked.model, asked.seed)
    if asked.searched:
        print(json.dumps(search(asked.searched, words[: asked.queries], asked)))
        return
    with tempfile.TemporaryDirectory() as folder:
        uri = asked.library or str(Path(folder) / "library")
        report = {name: getattr(asked, name) for name in ("pictures", "regions", "seed")}
        report |= {"vectors": "of a model" if asked.model else "random", "dim": words.shape[1]}
        report |= build(uri, words, asked)
        # In a process of its own, so that what building took is not in its memory.
        command = [sys.executable, "-m", "benchmarks.regions", "--searched", uri]
        for name in ("pictures", "regions", "model", "queries", "seed"):
            command += [f"--{name}", str(getattr(asked, name))]
        report |= json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
        report["load_average"] = round(os.getloadavg()[0], 1)
    print(json.dumps(report | asdict(environment()), indent=1))


def word_vectors(model: str, seed: int) -> Vectors:
    """(20,000, D): of strings of a model's alphabet, or random ones."""
    chance = np.random.default_rng([seed, 1])
    if not model:
        return units(chance, _WORDS, 128)
    letters = np.array(list("eeeaaiioouuttnnssrrllddhhccmmppggbbffyywvkxjqz0123456789"))
    words = ["".join(chance.choice(letters, size=chance.integers(3, 11))) for _ in range(_WORDS)]
    encoder = open_word_encoder(model)
    return np.concatenate([encoder.encode_words(words[i : i + 500]) for i in range(0, _WORDS, 500)])


def build(uri: str, words: Vectors, asked: argparse.Namespace) -> dict[str, Any]:
    """Fill a new library, flushing every 2,000 pictures."""
    store = open_store(uri, write=True, create=True)
    store.open_space(EncoderSpec(SPACE, words.shape[1], "made"), of="regions")
    spent = 0.0
    for start in range(0, asked.pictures, _BATCH):
        numbers = range(start, min(start + _BATCH, asked.pictures))
        records = [record(number, words, asked) for number in numbers]
        spent += seconds(partial(store.put, records))
        spent += seconds(store.flush)
    maintaining = seconds(store.maintain)
    store.close()
    [name] = [path.stem for path in Path(uri).glob("tables/vectors-*.lance")]
    size = Tables(Path(uri)).open(name).stats()["total_bytes"]
    return {
        "put_pictures_per_s": round(asked.pictures / spent),
        "maintain_at_end": ms(maintaining),
        "vectors_bytes_per_picture": round(size / asked.pictures),
    }


def record(number: int, words: Vectors, asked: argparse.Namespace) -> PictureRecord:
    """A picture with words; which ones, and how they look, is drawn from its number."""
    chance = np.random.default_rng([asked.seed, 2, number])
    some = words[chance.integers(len(words), size=asked.regions)]
    some = some + _NOISE * units(chance, len(some), words.shape[1])
    some /= np.linalg.norm(some, axis=1, keepdims=True)
    regions = tuple(
        RegionRecord("written", "w", ("w",), 0.9, line, _BOX, vector=vector)
        for line, vector in enumerate(some)
    )
    return PictureRecord(
        id=int(chance.integers(2**62)),
        sha256=f"{number:064x}",
        stamps=(PathStamp(f"/photos/{2000 + number % 25}/{number:07d}.jpg", 3_000_000, number),),
        format="JPEG",
        width=4000,
        height=3000,
        reader="synthetic@1",
        indexed_at=1.7e9,
        regions=regions,
        region_space=SPACE,
    )


def search(uri: str, words: Vectors, asked: argparse.Namespace) -> dict[str, Any]:
    """Ask the finished library."""
    store = open_store(uri)
    report: dict[str, Any] = {"rss_before_mb": round(rss_mb())}
    report["first_from_disk"] = ms(seconds(lambda: ask(store, words[:1], LEAST)))
    report["second_loads"] = ms(seconds(lambda: ask(store, words[:1], LEAST)))
    report["rss_held_mb"] = round(rss_mb())
    tenth: Filter = Compare("path", "contains", "/2007/")
    few = Compare("id", "in", tuple(store.ids()[::1000].tolist()))
    cases: dict[str, tuple[float, Filter | None]] = {
        "likely": (LEAST, None),
        "likely_in_a_path": (LEAST, tenth),
        "likely_in_some_ids": (LEAST, few),
        "best_200": (-1.0, None),
    }
    for name, (least, where) in cases.items():
        calls = [partial(ask, store, word[None], least, where) for word in words]
        report |= measured(name, calls)
    found = [len(ask(store, word[None], LEAST)[0]) for word in words]
    report["likely_pictures_mean"] = round(float(np.mean(found)), 1)
    all_words = word_vectors(asked.model, asked.seed)
    return report | compared(store, all_words, words[:20], asked)


def ask(store: Store, queries: Vectors, least: float, where: Filter | None = None) -> Any:
    """The question that is timed."""
    return store.search_regions(SPACE, queries, DEPTH, where, least=least)


def measured(name: str, calls: Sequence[Callable[[], Any]]) -> dict[str, float]:
    """Median and 95th percentile by the clock, and the median by the processor."""
    clock, cpu = [], []
    for call in calls:
        start = time.process_time()
        clock.append(seconds(call))
        cpu.append(time.process_time() - start)
    return {
        f"{name}_p50": ms(np.median(clock)),
        f"{name}_p95": ms(np.percentile(clock, 95)),
        f"{name}_p50_cpu": ms(np.median(cpu)),
    }


def compared(
    store: Store, words: Vectors, queries: Vectors, asked: argparse.Namespace
) -> dict[str, int]:
    """How many answers differ from a plain product of everything."""
    records = (record(number, words, asked) for number in range(asked.pictures))
    ids, parts = np.zeros(asked.pictures, np.int64), []
    wide = queries.astype(np.float64).T
    for at, one in enumerate(records):
        ids[at] = one.id
        codes, scale = rounded(np.array([region.vector for region in one.regions]))
        parts.append((codes.astype(np.float64) @ wide * scale[:, None]).max(axis=0))
    scores = np.array(parts).astype(np.float32)  # (pictures, queries)
    wrong = {"wrong_likely": 0, "wrong_best_200": 0}
    for number, query in enumerate(queries):
        order = np.lexsort((ids, -scores[:, number]))[:DEPTH]
        likely = order[scores[order, number] >= np.float32(LEAST)]
        [hits] = ask(store, query[None], LEAST)
        wrong["wrong_likely"] += set(hits.picture.tolist()) != set(ids[likely].tolist())
        [hits] = ask(store, query[None], -1.0)
        wrong["wrong_best_200"] += set(hits.picture.tolist()) != set(ids[order].tolist())
    return wrong


if __name__ == "__main__":
    main()
