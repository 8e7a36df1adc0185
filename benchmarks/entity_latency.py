"""What an explanation adds to a query for an entity.

    python -m benchmarks.entity_latency --variant ViT-B-32 --pictures 10000 --queries 200

A library of pictures without words, with random vectors in an entity space, and a book with an
explanation of 55 words for every entity. The text tower has the shape of the variant and random
weights: the time does not depend on them. Measured, in turns, is `Library.search` with a line
entity:"...", each time with another entity, processor time and wall clock:

    off       without the explanation
    cached    with one whose vector is in the book: the state after any search for the entity
    first     with one that nobody has searched with: its text has to be encoded
    alone     what `cached` does more than `off`, by itself: open the book, find the explanation and
              its vector, join them

Prints one JSON object, medians in ms; `..._adds_ms` is the median of the differences within a turn.
The exit code is 1 if `alone` takes more than 10 ms of the processor: on a busy machine the others
differ by more than that from one query to the next.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import statistics
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tokenizers import Tokenizer as Pieces
from tokenizers import models, pre_tokenizers

from sightread import modelfolder
from sightread.clip.config import CONFIGS
from sightread.clip.model import CLIP
from sightread.clip.towers import TextTower
from sightread.encoders import open_encoder
from sightread.explain import Book, Explanation
from sightread.explain.book import FILE_NAME
from sightread.explain.shelf import Shelf
from sightread.lab.graphs import to_onnx
from sightread.library import Library
from sightread.measure.environment import environment
from sightread.modelfolder import ModelInfo
from sightread.preprocess import PreprocessSpec
from sightread.protocols import DualEncoder
from sightread.search.entities import Joining
from sightread.store import open_store
from sightread.tokenizer import TokenLayout
from sightread.types import ImageEmbedding, PathStamp, PictureRecord

WORDS = [f"word{number}" for number in range(200)]
_BATCH = 2000


def make_model(folder: Path, variant: str) -> None:
    """A model folder whose text tower has the shape of a CLIP; it is asked for texts alone."""
    config = CONFIGS[variant]
    torch.manual_seed(0)
    length = config.text.context_length
    layout = TokenLayout(length, config.text.vocab_size - 2, config.text.vocab_size - 1, 0)
    pieces = Pieces(models.WordLevel({word: at for at, word in enumerate(["?", *WORDS])}, "?"))
    pieces.pre_tokenizer = pre_tokenizers.Whitespace()
    ids = torch.zeros(2, length, dtype=torch.int64)
    ids[:, 1] = config.text.vocab_size - 1
    text = to_onnx(TextTower(CLIP(config)).eval(), ids, "ids", ["embeddings"])
    info = ModelInfo(
        kind="encoder",
        name=f"{variant}, random weights",
        space="entity",
        dim=config.embed_dim,
        licence="none",
        preprocess=PreprocessSpec(224, "crop", (0.0, 0.0, 0.0), (1.0, 1.0, 1.0)),
        tokenizer=layout,
    )
    files: dict[str, bytes | Path] = {
        "image.onnx": b"no picture is encoded here",
        "text.onnx": text,
        "tokenizer.json": pieces.to_str().encode(),
        "golden.npz": b"",
        "CARD.md": b"",
    }
    modelfolder.write(folder, info, files)


def make_library(folder: Path, model: Path, pictures: int, seed: int) -> None:
    """Pictures without words, with random unit vectors."""
    spec = open_encoder(model).spec
    rng = np.random.default_rng(seed)
    store = open_store(str(folder), write=True, create=True)
    store.open_space(spec, str(model))
    for start in range(0, pictures, _BATCH):
        count = min(_BATCH, pictures - start)
        vectors = rng.standard_normal((count, spec.dim)).astype(np.float32)
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        store.put([_record(start + at, vectors[at]) for at in range(count)])
    store.flush()
    store.maintain()
    store.close()


def _record(number: int, vector: np.ndarray) -> PictureRecord:
    stamp = PathStamp(f"/photos/{number}.jpg", 1, number)
    return PictureRecord(
        *(number + 1, f"{number:064x}", (stamp,), "JPEG", 640, 480, "none", 1.7e9),
        embeddings={"entity": ImageEmbedding(vector)},
    )


def make_book(folder: Path, entities: list[str], chance: random.Random) -> None:
    """An explanation for each."""
    with Book.open(folder / FILE_NAME, write=True) as book:
        for name in entities:
            text = " ".join([*name.split(), *chance.choices(WORDS, k=53)])
            book.add(Explanation(name, text, "glossary made.csv"))


def measure(folder: Path, encoder: DualEncoder, queries: int, seed: int) -> dict[str, Any]:
    """Times of the three kinds of query."""
    chance = random.Random(seed)
    names = list(dict.fromkeys(" ".join(chance.choices(WORDS, k=2)) for _ in range(queries)))
    make_book(folder, names, chance)
    kinds_of_query = ("off", "cached", "first", "alone")
    spent: dict[str, list[tuple[float, float]]] = {kind: [] for kind in kinds_of_query}
    for name in names:
        line, kinds = f'entity:"{name}"', [("off", False), ("cached", True)]
        chance.shuffle(kinds)
        # A library that was just opened has no explanation in memory.
        for some in ([("first", True)], kinds):
            with Library.open(str(folder), encoder=encoder) as library:
                library.search("entity:word0", explain=False)
                for kind, explain in some:
                    spent[kind].append(timed(library, line, explain))
        spent["alone"].append(joined_alone(folder, encoder, name))
    return _summary(spent)


def joined_alone(folder: Path, encoder: DualEncoder, name: str) -> tuple[float, float]:
    """Processor ms and ms by the clock of what an explanation is in a query."""
    vector = encoder.encode_texts([name])[0]
    cpu, wall = time.process_time(), time.perf_counter()
    shelf = Shelf(str(folder))
    joining = Joining(shelf)
    [one] = joining.known([name], wanted=True).explained
    joined = joining.joined(encoder, vector, one.text)
    times = 1000 * (time.process_time() - cpu), 1000 * (time.perf_counter() - wall)
    shelf.close()
    assert not np.array_equal(joined, vector)
    return times


def timed(library: Library, line: str, explain: bool) -> tuple[float, float]:
    """Processor ms of this process, and ms by the clock."""
    cpu, wall = time.process_time(), time.perf_counter()
    result = library.search(line, explain=explain)
    times = 1000 * (time.process_time() - cpu), 1000 * (time.perf_counter() - wall)
    assert [one.joined for one in result.explanations] == [explain], result.warnings
    return times


def _summary(spent: dict[str, list[tuple[float, float]]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for at, clock in enumerate(("cpu", "wall")):
        of = {kind: [times[at] for times in rows] for kind, rows in spent.items()}
        found[clock] = {
            **{f"{kind}_ms": round(statistics.median(times), 2) for kind, times in of.items()},
            "cached_adds_ms": _difference(of["cached"], of["off"]),
            "first_adds_ms": _difference(of["first"], of["off"]),
        }
    return found


def _difference(one: list[float], other: list[float]) -> float:
    return round(statistics.median(a - b for a, b in zip(one, other, strict=True)), 2)


def main() -> int:
    parser = argparse.ArgumentParser(description="What an explanation adds to a query.")
    parser.add_argument("--variant", choices=sorted(CONFIGS), default="tiny-ViT")
    parser.add_argument("--pictures", type=int, default=10_000)
    parser.add_argument("--queries", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", help="file for the result as JSON")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as base:
        model, library = Path(base) / "model", Path(base) / "library"
        make_model(model, asked.variant)
        make_library(library, model, asked.pictures, asked.seed)
        found = measure(library, open_encoder(model), asked.queries, asked.seed)
    report = {**vars(asked), **found, "load_average": round(os.getloadavg()[0], 1)}
    report.pop("out")
    text = json.dumps({**report, **asdict(environment())}, indent=2)
    print(text)
    if asked.out:
        Path(asked.out).write_text(text + "\n", "utf-8")
    return 0 if found["cpu"]["alone_ms"] <= 10 else 1


if __name__ == "__main__":
    sys.exit(main())
