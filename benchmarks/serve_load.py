"""The service under load: searches while an index runs, 200 clients at once, clients that dawdle.

    python benchmarks/serve_load.py build/demo [--out benchmarks/results/serve_load.json]
    python benchmarks/serve_load.py build/demo --records 100000 --out ...

Starts `sightread serve` on a new library, lets it index the demo gallery, and asks it meanwhile.
With `--records` the library holds so many made-up pictures before (those of `sightread bench
query`), and is asked for their words too. All times are what a client sees, in milliseconds.
"""

from __future__ import annotations

import argparse
import json
import re
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

import httpx2

from sightread.measure.environment import environment
from sightread.measure.latency import fill
from sightread.protocols import Store
from sightread.readers import open_reader
from sightread.store import open_store
from sightread.types import PictureRecord

QUERIES = ("open", '"coffee shop"', "sale -taxi", '"RE*"', '"coffe"~1', "street path:images")
CLIENTS = 200
DAWDLERS = 100


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("demo", type=Path, help="the folder that `make demo` filled")
    arguments.add_argument("--out", type=Path)
    arguments.add_argument("--records", type=int, default=0, help="made-up pictures beside them")
    arguments.add_argument("--seed", type=int, default=0)
    given = arguments.parse_args()
    images = given.demo / "gallery" / "images"
    with tempfile.TemporaryDirectory() as base:
        lines = filled(Path(base) / "new.sightread", given.records, given.seed)
        measured = measure(Path(base), images, (*QUERIES, *lines))
    measured["records"] = given.records
    text = json.dumps(measured, indent=2)
    print(text)
    if given.out:
        given.out.write_text(text + "\n")
    return 0


def measure(base: Path, images: Path, lines: Sequence[str]) -> dict[str, Any]:
    """All that is measured."""
    with served(base, images) as url:
        asked(url, len(lines), lines)  # once each: what is kept in memory is there afterwards
        return {
            "environment": asdict(environment()),
            "while_indexing": while_indexing(url, lines),
            "at_rest": summary(asked(url, 300, lines)),
            "clients_at_once": crowd(url, lines),
            "beside_dawdlers": beside_dawdlers(url, lines),
        }


def filled(library: Path, records: int, seed: int) -> tuple[str, ...]:
    """Make a library of made-up pictures; returns query lines for words of theirs."""
    if not records:
        return ()
    store = open_store(str(library), write=True, create=True)
    # As read by the reader that will read the others: two readers do not share a library.
    vocabulary = fill(cast(Store, _ReadBy(store, open_reader().spec.revision)), records, seed)
    store.maintain()
    store.close()
    common, rare = vocabulary[10], vocabulary[3000]
    return (common, rare, f'"{common} {rare}"', f'"{rare[:-1]}x"~1', f'"{common[:3]}*"', "path:/1")


class _ReadBy:
    """Puts records into a store as if a certain reader had made them."""

    def __init__(self, store: Store, revision: str) -> None:
        self._store = store
        self._revision = revision
        self.flush = store.flush

    def put(self, pictures: Sequence[PictureRecord]) -> None:
        self._store.put([replace(one, reader=self._revision) for one in pictures])


@contextmanager
def served(base: Path, images: Path) -> Iterator[str]:
    """A service on a library that is not there yet."""
    command = [sys.executable, "-m", "sightread", "serve", str(base / "new.sightread")]
    command += ["--port", "0", "--folder", str(images)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as service:
        assert service.stderr is not None
        try:
            said = service.stderr.readline()
            found = re.search(r"serves at (\S+) ", said)
            if found is None:
                raise SystemExit(f"the service did not start: {said}")
            yield found.group(1)
        finally:
            service.terminate()


def while_indexing(url: str, lines: Sequence[str]) -> dict[str, Any]:
    """One search after the other while pictures are read, from the first progress to the end."""
    with httpx2.Client(base_url=url) as client:
        client.post("/api/index", json={}).raise_for_status()
        began = time.perf_counter()

        def running() -> bool:
            return bool(client.get("/api/index").json()["state"] == "running")

        times = asked(url, 100_000, lines, running)
        run = client.get("/api/index").json()
    return {
        **summary(times),
        "pictures_read": run["report"]["new"],
        "index_s": round(time.perf_counter() - began, 1),
    }


def asked(
    url: str, count: int, lines: Sequence[str], going: Callable[[], bool] = lambda: True
) -> list[float]:
    """Times of searches by one client, who pauses a moment after each."""
    times = []
    with httpx2.Client(base_url=url, timeout=60) as client:
        for number in range(count):
            if not going():
                break
            began = time.perf_counter()
            answer = client.get("/api/search", params={"q": lines[number % len(lines)]})
            times.append(1000 * (time.perf_counter() - began))
            answer.raise_for_status()
            time.sleep(0.02)
    return times


def crowd(url: str, lines: Sequence[str]) -> dict[str, Any]:
    """Clients that all ask at the same moment, five times each."""
    statuses: list[int] = []
    times: list[float] = []

    def ask(number: int) -> None:
        with httpx2.Client(base_url=url, timeout=120) as client:
            for turn in range(5):
                began = time.perf_counter()
                query = {"q": lines[(number + turn) % len(lines)]}
                statuses.append(client.get("/api/search", params=query).status_code)
                times.append(1000 * (time.perf_counter() - began))

    clients = [threading.Thread(target=ask, args=(number,)) for number in range(CLIENTS)]
    began = time.perf_counter()
    for one in clients:
        one.start()
    for one in clients:
        one.join()
    seconds = time.perf_counter() - began
    counted = {str(status): statuses.count(status) for status in sorted(set(statuses))}
    return {
        **summary(times),
        "clients": CLIENTS,
        "statuses": counted,
        "answers_per_s": round(len(statuses) / seconds, 1),
    }


def beside_dawdlers(url: str, lines: Sequence[str]) -> dict[str, Any]:
    """Searches while others hold connections open and send a letter now and then."""
    address = urlsplit(url)
    wires = []
    for _ in range(DAWDLERS):
        wire = socket.create_connection((address.hostname, address.port or 80))
        wire.sendall(b"GET /api/search?q=open HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: ")
        wires.append(wire)
    times = asked(url, 100, lines)
    for wire in wires:
        wire.close()
    return {**summary(times), "dawdlers": DAWDLERS}


def summary(times: list[float]) -> dict[str, Any]:
    """How many, and the usual places of their distribution."""
    cuts = statistics.quantiles(times, n=20)
    return {
        "searches": len(times),
        "p50_ms": round(statistics.median(times), 1),
        "p95_ms": round(cuts[-1], 1),
        "max_ms": round(max(times), 1),
    }


if __name__ == "__main__":
    sys.exit(main())
