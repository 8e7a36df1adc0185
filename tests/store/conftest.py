"""Every store there is, for the contract suite, and one in a folder with thirty pictures."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from sightread.protocols import Store
from sightread.store import open_store

from .oracle import PlainStore, record


class Place:
    """A library that can be opened again and again; closes what it opened."""

    def __init__(self, uri: str) -> None:
        self.uri = uri
        self._opened: list[Store] = []

    def writer(self) -> Store:
        return self._remember(open_store(self.uri, write=True, create=True))

    def reader(self) -> Store:
        return self._remember(open_store(self.uri))

    def close(self) -> None:
        for store in self._opened:
            store.close()

    def _remember(self, store: Store) -> Store:
        self._opened.append(store)
        return store


def filled(place: Place, numbers: tuple[int, ...] | range) -> tuple[Store, PlainStore]:
    store, plain = place.writer(), PlainStore()
    records = [record(number) for number in numbers]
    store.put(records)
    plain.put(records)
    store.flush()
    return store, plain


@pytest.fixture(params=["lance", "lance, occurrences held"])
def place(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Place]:
    held_after = 1 if request.param.endswith("held") else 1_000_000
    monkeypatch.setattr("sightread.store.snapshot.HELD_AFTER", held_after)
    monkeypatch.setattr("sightread.store.vectors.HELD_AFTER", held_after)
    uris = dict.fromkeys(("lance", "lance, occurrences held"), str(tmp_path / "library"))
    place = Place(uris[request.param])
    yield place
    place.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "library"


@pytest.fixture
def store(folder: Path) -> Iterator[Store]:
    opened = open_store(str(folder), write=True, create=True)
    opened.put([record(number) for number in range(30)])
    opened.flush()
    yield opened
    opened.close()


@pytest.fixture
def plain() -> PlainStore:
    oracle = PlainStore()
    oracle.put(record(number) for number in range(30))
    return oracle


@pytest.fixture
def many(place: Place) -> tuple[Store, PlainStore]:
    return filled(place, range(120))
