"""How fast a query is answered: `sightread bench query`.

Synthetic records go through the real store and the real engine. Words are drawn from a made-up
vocabulary with the frequencies of real text (Zipf), some of them misread, so that common words
have thousands of places and most words few.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from sightread.protocols import Store
from sightread.search.engine import Engine
from sightread.text import tokens
from sightread.types import Metadata, PathStamp, PictureRecord, Quad, RegionRecord

WORDS_PER_PICTURE = 6
VOCABULARY = 60_000
_MISREAD = 0.05
_BATCH = 5_000
_LETTERS = "etaoinshrdlucmfwypvbgkjqxz"
_DAY_S = 86400.0


@dataclass(frozen=True, slots=True)
class LatencyReport:
    """Times in milliseconds. `by_kind` maps each kind of query to its (median, 95th percentile);
    `first_ms` is the first query of a fresh engine, which loads the vocabulary."""

    pictures: int
    words: int
    queries: int
    p50_ms: float
    p95_ms: float
    first_ms: float
    by_kind: dict[str, tuple[float, float]]
    fill_s: float
    maintain_s: float
    library_mb: float
    seed: int


def fill(
    store: Store, pictures: int, seed: int, progress: Callable[[int], None] | None = None
) -> list[str]:
    """Put synthetic pictures into an empty store; returns the vocabulary, most frequent first."""
    chance = np.random.default_rng(seed)
    vocabulary = _vocabulary(chance)
    weights = 1 / np.arange(1, len(vocabulary) + 1) ** 0.9
    weights /= weights.sum()
    for start in range(0, pictures, _BATCH):
        count = min(_BATCH, pictures - start)
        drawn = chance.choice(len(vocabulary), size=(count, WORDS_PER_PICTURE), p=weights)
        store.put([_record(start + i, drawn[i], vocabulary, chance) for i in range(count)])
        store.flush()
        if progress:
            progress(start + count)
    return vocabulary


def query_latency(
    open_store: Callable[[], Store],
    folder: str,
    *,
    pictures: int,
    queries: int,
    seed: int,
    progress: Callable[[int], None] | None = None,
) -> LatencyReport:
    """Fill the store that `open_store` gives, then time `queries` queries of each kind in turn.

    Args:
        open_store: an empty store, open for writing; its files are in `folder`.
    """
    store = open_store()
    began = time.perf_counter()
    vocabulary = fill(store, pictures, seed, progress)
    filled = time.perf_counter()
    store.maintain()
    maintained = time.perf_counter()
    engine = Engine(store)
    engine.search('"warm"', k=20)
    first_ms = 1000 * (time.perf_counter() - maintained)
    times: dict[str, list[float]] = {}
    for kind, line in _queries(vocabulary, queries, seed):
        start = time.perf_counter()
        engine.search(line, k=20)
        times.setdefault(kind, []).append(1000 * (time.perf_counter() - start))
    together = np.concatenate([np.array(some) for some in times.values()])
    return LatencyReport(
        pictures=pictures,
        words=pictures * WORDS_PER_PICTURE,
        queries=len(together),
        p50_ms=float(np.percentile(together, 50)),
        p95_ms=float(np.percentile(together, 95)),
        first_ms=first_ms,
        by_kind={kind: _percentiles(some) for kind, some in times.items()},
        fill_s=filled - began,
        maintain_s=maintained - filled,
        library_mb=_size_mb(folder),
        seed=seed,
    )


def _percentiles(times: list[float]) -> tuple[float, float]:
    return float(np.percentile(times, 50)), float(np.percentile(times, 95))


def _vocabulary(chance: np.random.Generator) -> list[str]:
    lengths = chance.integers(3, 11, size=VOCABULARY)
    weights = 1 / np.arange(2, len(_LETTERS) + 2)
    letters = chance.choice(list(_LETTERS), size=int(lengths.sum()), p=weights / weights.sum())
    ends = np.cumsum(lengths)
    words = ("".join(letters[end - n : end]) for n, end in zip(lengths, ends, strict=True))
    return list(dict.fromkeys(words))


def _record(
    number: int, drawn: np.ndarray, vocabulary: list[str], chance: np.random.Generator
) -> PictureRecord:
    regions = []
    for place, word in enumerate(drawn):
        text = vocabulary[word]
        if chance.random() < _MISREAD:
            at = int(chance.integers(len(text)))
            text = text[:at] + str(chance.choice(list(_LETTERS))) + text[at + 1 :]
        regions.append(_region(text, place, float(chance.uniform(0.5, 1.0))))
    path = f"/photos/{2000 + number % 25}/{number % 997:03d}/img_{number:07d}.jpg"
    return PictureRecord(
        id=int(chance.integers(1, 2**62)),
        sha256=f"{number:064x}",
        stamps=(PathStamp(path, 100_000 + number, 10**18 + number),),
        format="JPEG",
        width=1280,
        height=960,
        reader="synthetic",
        indexed_at=1.7e9,
        metadata=Metadata(taken_at=9.4e8 + number % 9000 * _DAY_S),
        regions=tuple(regions),
    )


def _region(text: str, place: int, confidence: float) -> RegionRecord:
    left, top = 40.0 + 200 * (place % 3), 60.0 + 80 * (place // 3)
    right, bottom = left + 18.0 * len(text), top + 40
    box: Quad = ((left, top), (right, top), (right, bottom), (left, bottom))
    return RegionRecord("written", text, tokens(text), confidence, place // 3, box)


def _queries(vocabulary: list[str], count: int, seed: int) -> Iterator[tuple[str, str]]:
    """Kind and query line, the kinds in turn; words by their frequency in the library."""
    chance = np.random.default_rng(seed + 1)
    weights = 1 / np.arange(1, len(vocabulary) + 1) ** 0.9
    drawn = chance.choice(len(vocabulary), size=(count, 2), p=weights / weights.sum())
    for first, second in drawn:
        a, b = vocabulary[first], vocabulary[second]
        yield "word", a
        yield "one edit", f'"{a[:-1]}x"~1'
        yield "prefix", f'"{a[:4]}*"'
        yield "phrase", f'"{a} {b}"'
        yield "word, filters", f'"{a}" path:2011/ after:2004 ext:jpg'
        yield "two words, one excluded", f'"{a}" "{b}" -{vocabulary[(first + 7) % 500]}'
        yield "not there", f'"{b[::-1]}qq"'


def _size_mb(folder: str) -> float:
    files = (os.path.join(top, name) for top, _, names in os.walk(folder) for name in names)
    return sum(os.path.getsize(file) for file in files) / 1e6
