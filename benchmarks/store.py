"""How fast the store is, on synthetic records through the real thing.

    python -m benchmarks.store --pictures 100000 --words 6

Prints one JSON object: milliseconds unless a key says otherwise.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from sightread.store import open_store
from sightread.types import (
    AllOf,
    Compare,
    Filter,
    Metadata,
    PathStamp,
    PictureRecord,
    RegionRecord,
)

LETTERS = list("etaoinshrdlucmfwypvbgkjqxz")
VOCABULARY = 60_000
BATCH = 500


def main() -> None:
    """Build a library and measure it."""
    parser = argparse.ArgumentParser(description="Measure the store.")
    parser.add_argument("--pictures", type=int, default=100_000)
    parser.add_argument("--words", type=int, default=6)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--queries", type=int, default=200)
    parser.add_argument("--library", help="keep the library here instead of in a temporary folder")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        uri = arguments.library or str(Path(folder) / "library")
        rng = np.random.default_rng(arguments.seed)
        vocabulary = make_vocabulary(rng)
        report: dict[str, Any] = {"pictures": arguments.pictures, "seed": arguments.seed}
        report |= build(uri, rng, vocabulary, arguments.pictures, arguments.words)
        report |= measure(uri, rng, vocabulary, arguments.queries)
        report |= change(uri, rng, vocabulary, arguments.words)
        report["cold_import_and_open_s"] = cold(uri)
    print(json.dumps(report, indent=1))


def build(
    uri: str, rng: np.random.Generator, vocabulary: list[str], pictures: int, words: int
) -> dict[str, float]:
    """Fill a new library, flushing every 2,000 pictures as an indexing run would."""
    store = open_store(uri, write=True, create=True)
    flushes, putting = [], 0.0
    for start in range(0, pictures, BATCH):
        batch = records(rng, vocabulary, range(start, min(start + BATCH, pictures)), words)
        putting += seconds(store.put, batch)
        if (start // BATCH) % 4 == 3:
            flushes.append(seconds(store.flush))
    flushes.append(seconds(store.flush))
    maintaining = seconds(store.maintain)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    store.close()
    size = sum(path.stat().st_size for path in Path(uri).rglob("*") if path.is_file())
    return {
        "put_pictures_per_s": round(pictures / (putting + sum(flushes))),
        "flush_p50": ms(np.median(flushes)),
        "flush_max": ms(max(flushes)),
        "maintain_at_end": ms(maintaining),
        "build_peak_rss_mb": round(peak),
        "library_mb": round(size / 2**20, 1),
    }


def measure(
    uri: str, rng: np.random.Generator, vocabulary: list[str], queries: int
) -> dict[str, float]:
    """Query the finished library."""
    store = open_store(uri)
    report: dict[str, float] = {"first_vocabulary": ms(seconds(store.vocabulary))}
    ids = store.ids()

    def some_words(count: int) -> list[str]:
        return [vocabulary[i] for i in draw(rng, count)]

    def some_ids(count: int) -> list[int]:
        chosen: list[int] = rng.choice(ids, count).tolist()
        return chosen

    path = Compare("path", "contains", "holiday-12")
    dates = AllOf((Compare("taken_at", "ge", 1.05e9), Compare("taken_at", "lt", 1.06e9)))
    filters: dict[str, Filter] = {
        "path": path,
        "dates": dates,
        "ext": Compare("ext", "eq", "png"),
        "has_text": Compare("has_text", "eq", True),
    }
    for name, where in filters.items():
        report[f"ids_{name}_first"] = ms(seconds(store.ids, where))
        report |= percentiles(f"ids_{name}", lambda w=where: store.ids(w), 20)  # type: ignore[misc]
    calls: dict[str, Callable[[], object]] = {
        "words_1": lambda: store.search_words(some_words(1)),
        "words_40": lambda: store.search_words(some_words(40)),
        "words_40_boxes": lambda: store.search_words(some_words(40), boxes=True),
        "words_1000": lambda: store.search_words(some_words(1000)),
        "words_40_path": lambda: store.search_words(some_words(40), path),
        "words_40_in_200_ids": lambda: store.search_words(
            some_words(40), Compare("id", "in", tuple(some_ids(200))), boxes=True
        ),
        "most_common_word": lambda: store.search_words(vocabulary[:1]),
        "get_20": lambda: store.get(some_ids(20), regions=False),
        "get_20_regions": lambda: store.get(some_ids(20)),
        "get_200": lambda: store.get(some_ids(200), regions=False),
        "refresh": store.refresh,
    }
    for name, call in calls.items():
        report |= percentiles(name, call, queries)
    report["stamps_all"] = ms(seconds(lambda: sum(1 for _ in store.stamps())))
    return report


def change(
    uri: str, rng: np.random.Generator, vocabulary: list[str], words: int
) -> dict[str, float]:
    """Change a small part of the finished library."""
    store = open_store(uri, write=True)
    some: list[int] = rng.choice(store.ids(), 1000, replace=False).tolist()
    known = store.get(some[:500])
    report = {}

    def then_flush(work: Callable[[], object]) -> float:
        return ms(seconds(work) + seconds(store.flush))

    report["replace_500"] = then_flush(lambda: store.put(known))
    report["restamp_500"] = then_flush(lambda: store.set_stamps({r.id: r.stamps for r in known}))
    report["forget_500"] = then_flush(lambda: store.forget(some[500:]))
    for start in range(10):
        new = records(rng, vocabulary, range(10**7 + start * 100, 10**7 + start * 100 + 100), words)
        report["put_100"] = then_flush(lambda new=new: store.put(new))  # type: ignore[misc]
    report |= percentiles(
        "words_40_unmaintained",
        lambda: store.search_words([vocabulary[i] for i in draw(rng, 40)]),
        50,
    )
    report["maintain_after_changes"] = ms(seconds(store.maintain))
    store.close()
    return report


def cold(uri: str) -> float:
    """Seconds of a fresh process that opens the library and looks up one word."""
    code = (
        "import sys; from sightread.store import open_store\n"
        "open_store(sys.argv[1]).search_words(['etao'])"
    )
    command = [sys.executable, "-c", code, uri]
    return round(min(seconds(lambda: subprocess.run(command, check=True)) for _ in range(5)), 3)


def records(
    rng: np.random.Generator, vocabulary: list[str], numbers: range, words: int
) -> list[PictureRecord]:
    """Pictures with words drawn as they are in language: few common, many rare."""
    drawn = draw(rng, len(numbers) * words).reshape(len(numbers), words)
    box = ((1.0, 2.0), (30.0, 2.0), (30.0, 12.0), (1.0, 12.0))
    return [
        PictureRecord(
            id=int(rng.integers(2**62)),
            sha256=f"{number:064x}",
            stamps=(
                PathStamp(
                    f"/home/someone/pictures/{2000 + number % 25}/holiday-{number % 977:03d}/"
                    f"IMG_{number:07d}.{'jpg' if number % 10 else 'png'}",
                    3_000_000,
                    number,
                ),
            ),
            format="JPEG",
            width=4000,
            height=3000,
            reader="synthetic@1",
            indexed_at=1.7e9,
            metadata=Metadata(taken_at=1e9 + number * 1000.0 if number % 7 else None),
            regions=tuple(
                RegionRecord("written", vocabulary[i], (vocabulary[i],), 0.9, 0, box) for i in row
            ),
        )
        for number, row in zip(numbers, drawn.tolist(), strict=True)
    ]


def make_vocabulary(rng: np.random.Generator) -> list[str]:
    """Distinct made-up words, the most common first."""
    found: dict[str, None] = {}
    weight = 1 / np.arange(3, 3 + len(LETTERS))
    while len(found) < VOCABULARY:
        letters = rng.choice(LETTERS, size=rng.integers(3, 10), p=weight / weight.sum())
        found.setdefault("".join(letters))
    return list(found)


def draw(rng: np.random.Generator, count: int) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Places in the vocabulary, by Zipf's law with exponent 0.9."""
    weight = 1 / np.arange(1, VOCABULARY + 1) ** 0.9
    total = np.cumsum(weight)
    return np.minimum(np.searchsorted(total / total[-1], rng.random(count)), VOCABULARY - 1)


def percentiles(name: str, call: Callable[[], object], count: int) -> dict[str, float]:
    """Median and 95th percentile of `count` calls after two to warm up."""
    times = [seconds(call) for _ in range(count + 2)][2:]
    return {f"{name}_p50": ms(np.median(times)), f"{name}_p95": ms(np.percentile(times, 95))}


def seconds(call: Callable[..., object], *arguments: object) -> float:
    """How long one call takes."""
    start = time.perf_counter()
    call(*arguments)
    return time.perf_counter() - start


def ms(value: Any) -> float:
    """Seconds to milliseconds, rounded."""
    return round(float(value) * 1000, 2)


if __name__ == "__main__":
    main()
