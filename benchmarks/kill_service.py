"""Kill the service while it indexes, at random moments, and start it again.

    python -m benchmarks.kill_service --kills 30 --seed 0

`sightread serve` gets a folder of rendered pictures, to which some are added before each start, and
is killed with SIGKILL at a random moment, every other time together with the process that indexes.
After each kill the library must open, hold everything that it held before, and nothing that is half
there; the next start must go on by itself with a run that was not finished. After the last one the
library must hold exactly the pictures and words that are due, and answer for each of them.

Prints one JSON object; the exit code is 1 if anything was wrong.
"""

from __future__ import annotations

import argparse
import collections
import json
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import httpx2

from benchmarks.kill_index import Reference, half_there, read_library, render_pool, run_child
from sightread.errors import LibraryError
from sightread.images import content_id
from sightread.library import Library
from sightread.measure.environment import environment
from sightread.service.indexing import UNFINISHED
from sightread.types import PictureId

LIMIT_S = 300.0
_DELAY_S = 0.5
_GOING = ("running", "stopping")


@dataclass
class Service:
    """`sightread serve` on a library, with a folder that may be indexed."""

    process: subprocess.Popen[str]
    client: httpx2.Client

    @classmethod
    def start(cls, library: Path, album: Path) -> Service:
        command = [sys.executable, "-m", "sightread", "serve", str(library), "--port", "0"]
        command += ["--folder", str(album), "--cache-mb", "1"]
        process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        assert process.stderr is not None
        said = process.stderr.readline()
        found = re.search(r"serves at (\S+) ", said)
        if found is None:
            process.kill()
            raise SystemExit(f"the service did not start: {said}{process.stderr.read()}")
        return cls(process, httpx2.Client(base_url=found.group(1), timeout=60))

    def state(self) -> dict[str, Any]:
        run: dict[str, Any] = self.client.get("/api/index").json()
        return run

    def kill(self, worker_too: bool) -> None:
        workers = _children(self.process.pid)
        self.process.kill()
        for worker in workers if worker_too else ():
            with suppress(ProcessLookupError):
                os.kill(worker, signal.SIGKILL)
        self.process.wait()
        self.client.close()
        assert self.process.stderr is not None
        self.process.stderr.close()

    def end(self) -> None:
        self.client.close()
        self.process.terminate()
        self.process.communicate(timeout=LIMIT_S)


def _children(process: int) -> list[int]:
    found = []
    for task in Path(f"/proc/{process}/task").iterdir():
        found += [int(one) for one in (task / "children").read_text().split()]
    return found


@dataclass
class Campaign:
    """A library, the folder it is made of, and what was seen of it so far."""

    base: Path
    pool: list[bytes]
    reference: Reference
    rng: random.Random
    held: set[PictureId]
    wrong: list[str]
    stages: collections.Counter[str]

    @property
    def library(self) -> Path:
        return self.base / "library"

    @property
    def album(self) -> Path:
        return self.base / "album"

    def round(self, number: int, files: int) -> None:
        """Add pictures, start, kill, look."""
        for _ in range(files):
            at = self.rng.randrange(len(self.pool))
            (self.album / f"{number:03}-{self.rng.randrange(10**9)}.png").write_bytes(self.pool[at])
        unfinished = (self.library / UNFINISHED).exists()
        service = Service.start(self.library, self.album)
        state = service.state()["state"]
        if unfinished and state == "idle":
            self.wrong.append(f"start {number} did not go on with the run that was not finished")
        if state not in _GOING:
            service.client.post("/api/index", json={}).raise_for_status()
        self._wait_for(service, self.rng.randrange(files + 2))
        self.stages[_stage(service.state())] += 1
        service.kill(worker_too=bool(number % 2))
        self.look(f"after kill {number}")

    def _wait_for(self, service: Service, left: int) -> None:
        """Until no more than so many files are left, or the run has ended; then a moment more."""
        deadline = time.monotonic() + LIMIT_S
        enough = max(1, len(list(self.album.iterdir())) - left)
        while time.monotonic() < deadline:
            run = service.state()
            if run["state"] not in _GOING or _done(run) >= enough:
                break
            time.sleep(0.02)
        time.sleep(self.rng.uniform(0, _DELAY_S))

    def look(self, when: str) -> None:
        """Nothing that was held is lost, and nothing is half there."""
        _wait_until_free(self.library)
        found, wrong = read_library(self.library)
        wrong += half_there(found, self.reference)
        if lost := self.held - found.keys():
            wrong.append(f"lost: {sorted(lost)}")
        self.held = set(found)
        self.wrong += [f"{when}: {text}" for text in wrong]

    def finish(self) -> None:
        """A run that nothing disturbs brings what is due, and all of it is found."""
        service = Service.start(self.library, self.album)
        try:
            deadline = time.monotonic() + LIMIT_S
            if service.state()["state"] not in _GOING:
                service.client.post("/api/index", json={}).raise_for_status()
            while service.state()["state"] in _GOING and time.monotonic() < deadline:
                time.sleep(0.1)
            if (state := service.state())["state"] != "done":
                self.wrong.append(f"the last run ended as {state}")
            self._ask_for_all(service)
        finally:
            service.end()
        self.look("in the end")
        due = {content_id(path.read_bytes())[0] for path in self.album.iterdir()}
        if self.held != due:
            self.wrong.append(f"{len(self.held)} pictures are there, {len(due)} are due")

    def _ask_for_all(self, service: Service) -> None:
        for path in sorted(self.album.iterdir()):
            picture = content_id(path.read_bytes())[0]
            word = self.reference[picture].regions[0].text
            asked: dict[str, str | int] = {"q": f'"{word}"~0', "threshold": 0, "k": 500}
            hits = service.client.get("/api/search", params=asked).json()["results"]
            if f"{picture:016x}" not in {hit["id"] for hit in hits}:
                self.wrong.append(f"{word} does not find {path.name}")


def _done(run: dict[str, Any]) -> int:
    return int((run["progress"] or {"done": 0})["done"])


def _stage(run: dict[str, Any]) -> str:
    return f"{run['state']}, some done" if _done(run) else f"{run['state']}, none done"


def _wait_until_free(library: Path) -> None:
    """A run whose service was killed ends by itself, in good order."""
    deadline = time.monotonic() + LIMIT_S
    while True:
        try:
            Library.open(str(library), write=True, reader_only=True).close()
            return
        except LibraryError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)


def campaign(base: Path, kills: int, seed: int, pool_size: int = 200, files: int = 12) -> Campaign:
    """Run it all in an empty folder."""
    rng = random.Random(seed)
    pool = render_pool(base / "pool", pool_size, rng)
    run_child(base / "reference", base / "pool", None)
    reference, wrong = read_library(base / "reference")
    made = Campaign(base, pool, reference, rng, set(), wrong, collections.Counter())
    made.album.mkdir()
    for number in range(1, kills + 1):
        if not made.wrong:
            made.round(number, files)
    if not made.wrong:
        made.finish()
    return made


def main() -> int:
    parser = argparse.ArgumentParser(description="Kill the service while it indexes.")
    parser.add_argument("--kills", type=int, default=30)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="sightread-kill-service-") as base:
        made = campaign(Path(base), options.kills, options.seed)
    report = {
        "environment": asdict(environment()),
        "kills": sum(made.stages.values()),
        "killed_while": dict(made.stages.most_common()),
        "pictures": len(made.held),
        "seconds": round(time.monotonic() - started),
        "seed": options.seed,
        "wrong": made.wrong,
    }
    text = json.dumps(report, indent=2)
    print(text)
    if options.out:
        options.out.write_text(text + "\n")
    return 1 if made.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
