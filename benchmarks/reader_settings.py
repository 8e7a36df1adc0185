"""What each setting of the reader costs, and what it finds.

    python -m benchmarks.reader_settings --data DIR --cache DIR --out FILE --settings NAME...

DIR holds `annotations.jsonl` ({"image", "words", "subset", "complete", ...}) and `queries.jsonl`
({"query", "images"}). The lines read with each setting are kept in the cache folder, one JSON line
per picture, so that a run that was stopped goes on where it was. `--limit N` takes a seeded sample
of N pictures and the queries that have an answer among them.

Retrieval is a plain one, to compare readers and not rankings: the score of a picture is the
greatest normalised edit similarity of the query to one of its words. Average precision is taken
over the whole gallery, ties count against us, and pictures that are not completely annotated
are left out of the negatives.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import subprocess
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from rapidfuzz import process
from rapidfuzz.distance import Levenshtein

from benchmarks.reader_variants import NAMES, LineReader, open_variant
from sightread.readers.lines import word_regions
from sightread.readers.recognise import ReadChar, ReadLine
from sightread.text import key, tokens
from sightread.types import RGBImage, WordRegion

SEED = 20261120


@dataclass(frozen=True)
class Annotated:
    """A picture and the words that are to be found in it."""

    image: str
    words: list[str]
    subset: str
    complete: bool


@dataclass(frozen=True)
class Reading:
    """What a reader made of one picture, and the processor time it took."""

    image: str
    size: tuple[int, int]
    cpu_ms: float
    lines: list[tuple[NDArray[np.float32], ReadLine]]

    def words(self) -> list[WordRegion]:
        return [
            word
            for number, (corners, line) in enumerate(self.lines)
            for word in word_regions(line, corners, number)
        ]


def load_annotations(data: Path, limit: int | None) -> list[Annotated]:
    """All pictures, or a seeded sample in the order of the file."""
    rows = [json.loads(line) for line in (data / "annotations.jsonl").open()]
    chosen = [Annotated(r["image"], r["words"], r["subset"], r["complete"]) for r in rows]
    if limit is None or limit >= len(chosen):
        return chosen
    kept = sorted(random.Random(SEED).sample(range(len(chosen)), limit))
    return [chosen[i] for i in kept]


def load_picture(path: Path) -> RGBImage:
    pixels = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if pixels is None:
        raise SystemExit(f"cannot read the picture {path}")
    return np.ascontiguousarray(pixels[:, :, ::-1])


def read_all(
    reader: LineReader, data: Path, pictures: Sequence[Annotated], cache: Path
) -> list[Reading]:
    """Readings of all pictures, from the cache where it has them."""
    known = {row["image"]: row for row in _cached(cache)}
    with cache.open("a", encoding="utf-8") as file:
        for picture in pictures:
            if picture.image in known:
                continue
            image = load_picture(data / picture.image)
            begun = time.process_time()
            lines = reader.read_lines(image)
            row = {
                "image": picture.image,
                "size": [image.shape[1], image.shape[0]],
                "cpu_ms": (time.process_time() - begun) * 1000,
                "lines": [
                    [
                        np.round(corners, 2).tolist(),
                        [_fields(char) for char in line.chars],
                        round(line.top, 4),
                        round(line.bottom, 4),
                    ]
                    for corners, line in lines
                ],
            }
            file.write(json.dumps(row, ensure_ascii=False) + "\n")
            file.flush()
            known[picture.image] = row
    return [_reading(known[picture.image]) for picture in pictures]


def _fields(char: ReadChar) -> tuple[str | float, ...]:
    numbers = (char.confidence, char.start, char.end, char.space_before, char.gap_before)
    return char.text, *(round(number, 5) for number in numbers)


def _cached(cache: Path) -> Iterable[dict[str, Any]]:
    if not cache.exists():
        return
    for line in cache.open(encoding="utf-8"):
        # A run that was killed may have left half a line at the end.
        if line.endswith("\n"):
            yield json.loads(line)


def _reading(row: dict[str, Any]) -> Reading:
    lines = [
        (
            np.array(corners, dtype=np.float32),
            ReadLine(tuple(ReadChar(*char) for char in chars), top, bottom),
        )
        for corners, chars, top, bottom in row["lines"]
    ]
    return Reading(row["image"], (row["size"][0], row["size"][1]), row["cpu_ms"], lines)


# --- measures ------------------------------------------------------------------------------


def word_recall(pictures: Sequence[Annotated], found: Sequence[list[str]]) -> float:
    """Annotated words that were read letter by letter, by key; each reading counts once."""
    total = hits = 0
    for picture, words in zip(pictures, found, strict=True):
        wanted = Counter(filter(None, map(key, picture.words)))
        total += wanted.total()
        hits += (wanted & Counter(filter(None, words))).total()
    return hits / max(total, 1)


def similarities(queries: Sequence[str], found: Sequence[list[str]]) -> NDArray[np.float32]:
    """(queries, pictures): the greatest similarity of a query to a word of the picture."""
    vocabulary = sorted({word for words in found for word in words if word})
    column = {word: i for i, word in enumerate(vocabulary)}
    table: NDArray[np.float32] = process.cdist(
        queries, vocabulary, scorer=Levenshtein.normalized_similarity, dtype=np.float32
    )
    scores = np.zeros((len(queries), len(found)), dtype=np.float32)
    for i, words in enumerate(found):
        columns = [column[word] for word in words if word]
        if columns:
            scores[:, i] = table[:, columns].max(axis=1)
    return scores


def average_precision(
    scores: NDArray[np.float32], relevant: NDArray[np.bool_], negative: NDArray[np.bool_]
) -> float:
    """Over all relevant pictures; a negative with the same score ranks before."""
    right = np.sort(scores[relevant])[::-1]
    wrong = np.sort(scores[negative])
    before = len(wrong) - np.searchsorted(wrong, right, side="left")
    place = np.arange(1, len(right) + 1)
    return float((place / (place + before)).mean())


def mean_average_precision(
    queries: Sequence[tuple[str, set[str]]],
    pictures: Sequence[Annotated],
    scores: NDArray[np.float32],
) -> dict[str, float]:
    """Over all queries, and by subset: there only pictures of the subset are relevant, and the
    negatives are those of the whole gallery."""
    complete = np.array([picture.complete for picture in pictures])
    subsets = np.array([picture.subset for picture in pictures])
    precisions: dict[str, list[float]] = {"all": []}
    for row, (_, images) in zip(scores, queries, strict=True):
        relevant = np.array([picture.image in images for picture in pictures])
        negative = ~relevant & complete
        precisions["all"].append(average_precision(row, relevant, negative))
        for subset in sorted(set(subsets[relevant])):
            inside = relevant & (subsets == subset)
            precisions.setdefault(subset, []).append(average_precision(row, inside, negative))
    return {name: float(np.mean(values)) for name, values in precisions.items()}


def load_queries(data: Path, pictures: Sequence[Annotated]) -> list[tuple[str, set[str]]]:
    """The keys of all queries that have an answer among the pictures."""
    there = {picture.image for picture in pictures}
    rows = [json.loads(line) for line in (data / "queries.jsonl").open(encoding="utf-8")]
    pairs = [(key(row["query"]), set(row["images"]) & there) for row in rows]
    return [(query, images) for query, images in pairs if query and images]


def measure(
    data: Path, pictures: Sequence[Annotated], readings: Sequence[Reading]
) -> dict[str, Any]:
    """One row of the table."""
    texts = [[word.text or "" for word in reading.words()] for reading in readings]
    found = [list(map(key, words)) for words in texts]
    queries = load_queries(data, pictures)
    scores = similarities([query for query, _ in queries], found)
    parts = [[part for word in words for part in tokens(word)] for words in texts]
    with_parts = mean_average_precision(
        queries, pictures, similarities([query for query, _ in queries], parts)
    )
    cost = np.array([reading.cpu_ms for reading in readings])
    by_subset = mean_average_precision(queries, pictures, scores)
    subsets = sorted({picture.subset for picture in pictures})
    inside = {s: np.array([picture.subset == s for picture in pictures]) for s in subsets}
    return {
        "pictures": len(pictures),
        "queries": len(queries),
        "cpu_ms_per_picture": round(float(cost.mean()), 1),
        "cpu_ms_p95": round(float(np.percentile(cost, 95)), 1),
        "cpu_ms_by_subset": {s: round(float(cost[inside[s]].mean()), 1) for s in subsets},
        "words": sum(map(len, found)),
        "recall": round(word_recall(pictures, found), 4),
        "map": round(by_subset.pop("all"), 4),
        "map_with_parts": round(with_parts["all"], 4),
        "map_by_subset": {name: round(value, 4) for name, value in sorted(by_subset.items())},
    }


# --- command -------------------------------------------------------------------------------


def environment() -> dict[str, Any]:
    """Where the numbers come from."""
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False
    ).stdout.strip()
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    models = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return {
        "cpu": models[0] if models else platform.processor(),
        "cores": os.cpu_count(),
        "commit": commit,
        "seed": SEED,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--limit", type=int)
    parser.add_argument("--settings", nargs="+", default=NAMES, choices=NAMES)
    options = parser.parse_args()
    options.cache.mkdir(parents=True, exist_ok=True)
    pictures = load_annotations(options.data, options.limit)
    cv2.setNumThreads(1)  # so that processor time is what one worker would spend
    report: dict[str, Any] = {"environment": environment(), "by_number_of_pictures": {}}
    if options.out and options.out.exists():
        report |= json.loads(options.out.read_text(encoding="utf-8"))
        report["environment"] = environment()
    rows = report["by_number_of_pictures"].setdefault(str(len(pictures)), {})
    for name in options.settings:
        reader = open_variant(name)
        cache = options.cache / f"{name}-{reader.spec.revision}.jsonl"
        readings = read_all(reader, options.data, pictures, cache)
        row = measure(options.data, pictures, readings)
        row["revision"] = reader.spec.revision
        row["settings"] = asdict(reader.settings) if reader.settings else None
        rows[name] = row
        print_row(name, row)
        if options.out:
            options.out.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")


def print_row(name: str, row: dict[str, Any]) -> None:
    by_subset = " ".join(f"{s.split('-')[0]}={m:.3f}" for s, m in row["map_by_subset"].items())
    print(
        f"{name:28} {row['cpu_ms_per_picture']:7.1f} ms  words {row['words']:5}  "
        f"recall {row['recall']:.4f}  mAP {row['map']:.4f} "
        f"parts {row['map_with_parts']:.4f}  {by_subset}",
        flush=True,
    )


if __name__ == "__main__":
    main()
