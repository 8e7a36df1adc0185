"""What every store must answer, in plain Python, and records to ask it with."""

from __future__ import annotations

import os
import random
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from sightread.protocols import Store
from sightread.types import (
    FIELDS,
    AllOf,
    AnyOf,
    Compare,
    Filter,
    ImageEmbedding,
    Metadata,
    Not,
    PathStamp,
    PictureId,
    PictureRecord,
    Quad,
    RegionRecord,
    TextArea,
    Vocabulary,
    WordHits,
)

WORDS = (
    "coffee", "shop", "o'neill", "'", "''", "\\", "\\'", "%", "_", "a%b_c", "東京駅", "東京",
    "café", "48213", "re16a", '"', "];--", "x\ty", "line\nbreak", "{}", "?", "$1", "ß", "😀",
)  # fmt: skip

HitRow = tuple[int, int, int, bool, int, int, float]


class PlainStore:
    """Keeps records in a dict and answers by looking at each."""

    def __init__(self) -> None:
        self.records: dict[PictureId, PictureRecord] = {}

    def put(self, pictures: Iterable[PictureRecord]) -> None:
        for picture in pictures:
            before = self.records.get(picture.id)
            kept = before.embeddings if before else {}
            self.records[picture.id] = replace(picture, embeddings={**kept, **picture.embeddings})

    def set_embeddings(
        self, space: str, embeddings: Mapping[PictureId, ImageEmbedding | None]
    ) -> None:
        for number in embeddings.keys() & self.records.keys():
            picture, made = self.records[number], embeddings[number]
            merged = {name: one for name, one in picture.embeddings.items() if name != space}
            merged |= {} if made is None else {space: made}
            self.records[number] = replace(picture, embeddings=merged)

    def set_stamps(self, stamps: Mapping[PictureId, Sequence[PathStamp]]) -> None:
        for picture, paths in stamps.items():
            if picture in self.records:
                self.records[picture] = replace(self.records[picture], stamps=tuple(paths))

    def forget(self, ids: Sequence[PictureId]) -> int:
        return sum(self.records.pop(number, None) is not None for number in ids)

    def ids(self, where: Filter | None = None) -> list[int]:
        return sorted(i for i, r in self.records.items() if where is None or fits(r, where))

    def stamps(self) -> list[tuple[PathStamp, PictureId]]:
        return [(stamp, r.id) for r in self.records.values() for stamp in r.stamps]

    def vocabulary(self) -> Vocabulary:
        regions = (region for r in self.records.values() for region in r.regions)
        counts = Counter(token for region in regions for token in set(region.tokens))
        tokens = sorted(counts)
        return Vocabulary(tokens, np.array([counts[token] for token in tokens], dtype=np.int64))

    def hits(self, tokens: Sequence[str], where: Filter | None = None) -> list[HitRow]:
        first = {token: tokens.index(token) for token in tokens}
        return sorted(
            (picture, n, first[t], t == region.tokens[0], FIELDS.index(region.field), region.line,
             region.confidence)
            for picture in self.ids(where)
            for n, region in enumerate(self.records[picture].regions)
            for t in region.tokens
            if t in first
        )  # fmt: skip

    def encoded(self, space: str) -> list[int]:
        return sorted(i for i, r in self.records.items() if space in r.embeddings)

    def nearest(
        self, space: str, query: NDArray[np.float32], k: int, where: Filter | None = None
    ) -> list[tuple[int, float]]:
        scored = [
            (number, float(np.float32((vector.astype(np.float64) * query).sum())))
            for number in self.ids(where)
            if space in self.records[number].embeddings
            for vector in [self.records[number].embeddings[space].vector]
        ]
        return sorted(scored, key=lambda one: (-one[1], one[0]))[:k]

    def nearest_regions(
        self,
        query: NDArray[np.float32],
        k: int,
        where: Filter | None = None,
        least: float = -1.0,
    ) -> list[tuple[int, int, float]]:
        best = []
        for number in self.ids(where):
            regions = self.records[number].regions
            scored = [
                (rounded_product(region.vector, query), -ordinal)
                for ordinal, region in enumerate(regions)
                if region.vector is not None
            ]
            if scored and max(scored)[0] >= np.float32(least):
                best.append((number, -max(scored)[1], max(scored)[0]))
        return sorted(best, key=lambda one: (-one[2], one[0]))[:k]


def rounded_product(vector: NDArray[np.float32], query: NDArray[np.float32]) -> float:
    """The score of a vector that is kept as whole numbers of 1/127 of its largest one."""
    step = np.float32(max(abs(float(x)) for x in vector) / 127)
    whole = np.rint(vector / step).astype(np.float64)
    return float(np.float32(float((whole * query).sum()) * float(step)))


def hit_rows(hits: WordHits) -> list[HitRow]:
    """Hits as comparable rows, in the order in which the store gives them."""
    columns = (hits.picture, hits.ordinal, hits.token, hits.whole, hits.field, hits.line,
               hits.confidence)  # fmt: skip
    return [tuple(row) for row in zip(*(c.tolist() for c in columns), strict=True)]


def fits(record: PictureRecord, where: Filter) -> bool:
    """The meaning of filters."""
    if isinstance(where, AllOf):
        return all(fits(record, part) for part in where.parts)
    if isinstance(where, AnyOf):
        return any(fits(record, part) for part in where.parts)
    if isinstance(where, Not):
        return not fits(record, where.part)
    return _compare(record, where)


def _compare(record: PictureRecord, where: Compare) -> bool:
    paths = [stamp.path for stamp in record.stamps]
    taken = record.metadata.taken_at
    match where.field, where.op, where.value:
        case "id", "eq", value:
            return record.id == value
        case "id", "in", tuple() as value:
            return record.id in value
        case "path", "eq", value:
            return value in paths
        case "path", "contains", str() as value:
            return any(_folded(value) in _folded(path) for path in paths)
        case "ext", "eq", value:
            return value in [os.path.splitext(path)[1][1:].lower() for path in paths]
        case "taken_at", "ge", (int() | float()) as value:
            return taken is not None and taken >= value
        case "taken_at", "lt", (int() | float()) as value:
            return taken is not None and taken < value
        case "has_text", "eq", value:
            return any(region.field == "written" for region in record.regions) == value
        case "reader", "eq", value:
            return record.reader == value
    raise AssertionError(f"not a known condition: {where}")


def _folded(path: str) -> str:
    text = os.fsencode(path).decode("utf-8", "backslashreplace")
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).casefold())


def record(number: PictureId, seed: int = 0, regions: int | None = None) -> PictureRecord:
    """A varied record, the same one for the same arguments. Numbers are exact in float32."""
    rng = random.Random(f"{number}/{seed}")
    count = rng.randrange(5) if regions is None else regions
    return PictureRecord(
        id=number,
        sha256=f"{number * 2 + 1:064x}",
        stamps=tuple(_stamp(rng) for _ in range(rng.choice((0, 1, 1, 1, 2, 3)))),
        format=rng.choice(("JPEG", "PNG")),
        width=rng.randrange(1, 9000),
        height=rng.randrange(1, 9000),
        reader=rng.choice(("rapidocr@1", "o'reader@2")),
        indexed_at=1.7e9 + seed,
        metadata=Metadata(
            taken_at=rng.choice((None, -5.5, 0.0, 1.6e9 + rng.randrange(1000))),
            latitude=rng.choice((None, 48.25)),
            longitude=rng.choice((None, -11.5)),
            title=rng.choice(("", "It's “here”")),
            caption=rng.choice(("", "zwei\nZeilen")),
            keywords=tuple(rng.sample(WORDS, rng.randrange(3))),
            persons=tuple(rng.sample(("Ada", "Łukasz"), rng.randrange(3))),
        ),
        regions=tuple(_region(rng) for _ in range(count)),
    )


def _stamp(rng: random.Random) -> PathStamp:
    folder = rng.choice(("/a/2024", "/A/Été", "/b/100%_sure", "/b/n\udcffn", "/c/new\nline", "/d'"))
    name = rng.choice(("IMG.JPG", "x.tar.png", ".hidden", "Straße.jpeg", "q"))
    size = rng.randrange(2**40)
    return PathStamp(f"{folder}/{rng.randrange(9)}{name}", size, rng.randrange(2**62))


def _region(rng: random.Random) -> RegionRecord:
    field = rng.choice((*FIELDS, "written", "written", "written"))
    tokens = tuple(rng.sample(WORDS, rng.choice((0, 1, 1, 2, 3))))
    return RegionRecord(
        field=field,
        text=tokens[0].upper() if tokens else "--",
        tokens=tokens,
        confidence=rng.randrange(257) / 256,
        line=rng.randrange(4),
        box=_box(rng) if field == "written" else None,
        spaced=rng.random() < 0.9,
    )


def _box(rng: random.Random) -> Quad:
    x, y = rng.randrange(4000) / 4, rng.randrange(4000) / 4
    return ((x, y), (x + 8.5, y), (x + 8.5, y + 2.25), (x, y + 2.25))


def with_vectors(record: PictureRecord, dim: int, seed: int = 0) -> PictureRecord:
    """The record with vectors for about two in three of its written regions."""
    rng = random.Random(f"{record.id}/{seed}/{dim}")
    regions = tuple(
        replace(region, vector=embedding(rng.randrange(10**9), dim).vector)
        if region.field == "written" and rng.random() < 0.67
        else region
        for region in record.regions
    )
    return replace(record, regions=regions, region_space="words")


def embedding(number: int, dim: int, seed: int = 0) -> ImageEmbedding:
    """A unit vector and some areas, the same ones for the same arguments."""
    rng = random.Random(f"{number}/{seed}/{dim}")
    vector = np.array([rng.gauss(0, 1) for _ in range(dim)])
    areas = tuple(TextArea(_box(rng), rng.randrange(257) / 256) for _ in range(rng.randrange(4)))
    return ImageEmbedding((vector / np.linalg.norm(vector)).astype(np.float32), areas)


def assert_same(store: Store, plain: PlainStore) -> None:
    """The store answers like the oracle to everything that has no argument but tokens."""
    assert store.ids().tolist() == plain.ids()
    assert store.ids().dtype == np.int64
    assert store.count() == len(plain.records)
    assert store.get(plain.ids()) == [plain.records[i] for i in plain.ids()]
    assert sorted(store.stamps(), key=repr) == sorted(plain.stamps(), key=repr)
    vocabulary, expected = store.vocabulary(), plain.vocabulary()
    assert vocabulary.tokens == expected.tokens
    assert vocabulary.counts.tolist() == expected.counts.tolist()
    assert hit_rows(store.search_words(WORDS)) == plain.hits(WORDS)
