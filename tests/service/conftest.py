"""A small library whose words are known without a reader, and the service over it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from PIL import Image

from sightread.images import content_id
from sightread.search.ledger import Ledger
from sightread.service.app import create_app
from sightread.service.settings import Settings
from sightread.store import open_store
from sightread.text import tokens
from sightread.types import Field, Metadata, PathStamp, PictureRecord, Quad, RegionRecord

Words = list[tuple[Field, str]]

ODD_NAME = '<img src=x onerror="alert(1)">\n\r"; x=.png'
ODD_WORD = "<script>alert(1)</script>"
COUNT = 30


def box(at: int) -> Quad:
    left, top = 20.0, 20.0 + 30 * at
    return ((left, top), (left + 80, top), (left + 80, top + 20), (left, top + 20))


def record(path: Path, words: Words, taken_at: float | None = None) -> PictureRecord:
    """The record of a picture file in which these words are said to be written."""
    data = path.read_bytes()
    identity, digest = content_id(data)
    with Image.open(path) as image:
        width, height = image.size
    regions = tuple(
        RegionRecord(field, text, tokens(text), 0.99, at, box(at) if field == "written" else None)
        for at, (field, text) in enumerate(words)
    )
    stamp = PathStamp(str(path), len(data), path.stat().st_mtime_ns)
    return PictureRecord(
        id=identity,
        sha256=digest,
        stamps=(stamp,),
        format="PNG",
        width=width,
        height=height,
        reader="by hand",
        indexed_at=1.7e9,
        metadata=Metadata(taken_at=taken_at, title="Old <b>Harbour</b>"),
        regions=regions,
    )


def fill(base: Path) -> Path:
    """30 pictures that say "sale", the first also "coffee shop"; two with hostile names; one
    failed file. Returns the library's folder."""
    pictures = base / "pictures"
    pictures.mkdir(parents=True)
    records = []
    for number in range(COUNT):
        path = pictures / f"{number:02}.png"
        Image.new("RGB", (300 + number, 200), (200, 200 - number, 100)).save(path)
        words: Words = [("written", "SALE")]
        words += [("written", "coffee"), ("written", "shop")] if number == 0 else []
        records.append(record(path, words, taken_at=1.6e9 + 86400 * number))
    odd = pictures / ODD_NAME
    Image.new("RGB", (50, 40), (1, 2, 3)).save(odd, "PNG")
    records.append(record(odd, [("written", ODD_WORD), ("written", "hostile")]))
    unnamed = os.fsdecode(os.fsencode(str(pictures)) + b"/\xff\xfe.png")
    Image.new("RGB", (60, 40), (3, 2, 1)).save(unnamed, "PNG")
    records.append(record(Path(unnamed), [("written", "undecodable")]))
    folder = base / "shop.sightread"
    store = open_store(str(folder), write=True, create=True)
    store.put(records)
    store.flush()
    store.close()
    with Ledger.open(str(folder), write=True) as ledger:
        ledger.fail(PathStamp(str(pictures / "<i>bad.png"), 3, 3), "the content is not a picture")
    return folder


@pytest.fixture(scope="session")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Not to be changed by a test."""
    return fill(tmp_path_factory.mktemp("service"))


Serve = Callable[..., TestClient]


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    """Starts a service in this process: `serve(library, token=..., ...)`."""
    opened: list[TestClient] = []

    def start(*libraries: Path, **settings: object) -> TestClient:
        cache = str(tmp_path / "cache")
        given = Settings(tuple(map(str, libraries)), cache=cache, **settings)  # type: ignore[arg-type]
        client = TestClient(
            create_app(given), base_url="http://127.0.0.1", raise_server_exceptions=False
        )
        client.__enter__()
        opened.append(client)
        return client

    yield start
    for client in opened:
        client.__exit__(None, None, None)


@pytest.fixture
def client(library: Path, serve: Serve) -> TestClient:
    return serve(library)
