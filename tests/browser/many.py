"""A library of 100,000 pictures that are really there, made in seconds.

A few hundred small pictures of many shapes are encoded once; a number behind the end of the file
makes each copy a picture of its own.
"""

from __future__ import annotations

import hashlib
import io
import random
from collections.abc import Iterator
from pathlib import Path

from PIL import Image, ImageDraw

from sightread.images import content_id
from sightread.store import open_store
from sightread.text import tokens
from sightread.types import Metadata, PathStamp, PictureRecord, Quad, RegionRecord

SHAPES = 200
_BATCH = 5000


def make_many(base: Path, count: int, seed: int = 0) -> Path:
    """Fill `base` with pictures that all say "harbour"; returns the library's folder."""
    folder = base / "many.sightread"
    store = open_store(str(folder), write=True, create=True)
    originals = list(_originals(random.Random(seed)))
    for start in range(0, count, _BATCH):
        numbers = range(start, min(start + _BATCH, count))
        store.put([_record(base, number, *originals[number % SHAPES]) for number in numbers])
        store.flush()
    store.maintain()
    store.close()
    return folder


def _originals(chance: random.Random) -> Iterator[tuple[bytes, int, int]]:
    for number in range(SHAPES):
        width = chance.choice([240, 320, 400, 120, 900])
        height = chance.choice([240, 300, 360])
        shade = hashlib.sha256(str(number).encode()).digest()
        image = Image.new("RGB", (width, height), (shade[0], shade[1], shade[2]))
        ImageDraw.Draw(image).rectangle((20, 20, 100, 50), fill=(255, 255, 255))
        out = io.BytesIO()
        image.save(out, "JPEG", quality=70)
        yield out.getvalue(), width, height


def _record(base: Path, number: int, data: bytes, width: int, height: int) -> PictureRecord:
    path = base / f"{number // 1000:03}" / f"{number:06}.jpg"
    path.parent.mkdir(exist_ok=True)
    data = data + str(number).encode()
    path.write_bytes(data)
    identity, digest = content_id(data)
    box: Quad = ((20, 20), (100, 20), (100, 50), (20, 50))
    word = RegionRecord("written", "harbour", tokens("harbour"), 0.99, 0, box)
    return PictureRecord(
        id=identity,
        sha256=digest,
        stamps=(PathStamp(str(path), len(data), 10**18),),
        format="JPEG",
        width=width,
        height=height,
        reader="by hand",
        indexed_at=1.7e9,
        metadata=Metadata(taken_at=1.6e9 + number),
        regions=(word,),
    )
