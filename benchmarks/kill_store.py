"""Kill the writer of a library at random moments and look at what is left.

    python -m benchmarks.kill_store --kills 200 --seed 1

A child process puts, replaces, restamps and forgets pictures with their vectors, lets another
revision of the vectors take over now and then, flushes and maintains, and says what it is about to
commit and what was committed. The parent kills it (SIGKILL), opens the
library and compares it with what was said: everything acknowledged must be there and whole, and
what was not acknowledged must be there whole or not at all. Then the next child goes on.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import selectors
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO, Any

import numpy as np

from sightread.protocols import Store
from sightread.store import manifest as manifest_module
from sightread.store import open_store
from sightread.store import writer as writer_module
from sightread.store.manifest import read_manifest
from sightread.store.tables import Tables, scan
from sightread.types import (
    EncoderSpec,
    ImageEmbedding,
    PathStamp,
    PictureRecord,
    RegionRecord,
    TextArea,
)

Model = dict[int, tuple[int, int]]
"""Id -> (version of the picture, version of its paths)."""

PICTURES = 700
SPACE, DIM = "scene-text", 24
CHILD_LIMIT_S = 3.0


def expected_record(number: int, version: int, paths: int) -> PictureRecord:
    """What a picture holds is a function of its id and versions."""
    rng = random.Random(f"{number}/{version}")
    regions = tuple(
        RegionRecord("written", w, (w, w[:2]), 0.5, n, ((n, 0), (n + 1, 0), (n + 1, 1), (n, 1)))
        for n, w in enumerate(f"w{rng.randrange(5000)}v{version}" for _ in range(number % 17))
    )
    stamp = PathStamp(f"/pictures/{number}.jpg", paths, paths)
    return PictureRecord(
        number, f"{number:x}", (stamp,), "JPEG", 1, version, "r", 1.0, regions=regions
    )


def expected_vectors(number: int, version: int) -> dict[str, ImageEmbedding]:
    """Two of three pictures have a vector; it is of the same length in every revision."""
    if number % 3 == 0:
        return {}
    vector = np.random.default_rng([number, version]).standard_normal(DIM)
    low = version % 1000  # kept as float32
    area = TextArea(((number, 0), (number, 1), (low, 1), (low, 0)), 0.5)
    unit = (vector / np.linalg.norm(vector)).astype(np.float32)
    return {SPACE: ImageEmbedding(unit, (area,) * (number % 3))}


# --- the child -----------------------------------------------------------------------------


def write_until_killed(folder: str, seed: int) -> None:
    """Change the library for ever, telling the parent about it."""
    manifest_module.GRACE_S = writer_module.PRUNE_MARGIN_S = 0.3  # really remove old versions
    rng = random.Random(seed)
    say({"phase": "open"})
    store = open_store(folder, write=True, create=True)
    known = {r.id: (r.height, r.stamps[0].size) for r in store.get(store.ids().tolist())}
    served = [one.spec.revision for one in store.spaces() if one.serving]
    store.open_space(EncoderSpec(SPACE, DIM, served[0] if served else "first"))
    step = seed * 1000
    while True:
        step += 1
        count = 60 if len(known) > PICTURES // 2 else 200
        changes: dict[int, tuple[int, int] | None] = {}
        for number in rng.sample(range(PICTURES), rng.randrange(1, count)):
            version, _ = known.get(number, (0, 0))
            kind = rng.random()
            if kind < 0.1:
                changes[number] = None
            elif kind < 0.3 and number in known:
                changes[number] = (version, step)
            else:
                changes[number] = (step, step)
        say({"phase": "flush", "plan": [[n, c] for n, c in changes.items()]})
        store.forget([n for n, c in changes.items() if c is None])
        store.put(
            [
                replace(expected_record(n, *c), embeddings=expected_vectors(n, c[0]))
                for n, c in changes.items()
                if c and c[0] == step
            ]
        )
        store.set_stamps(
            {n: expected_record(n, *c).stamps for n, c in changes.items() if c and c[0] != step}
        )
        store.flush()
        say({"phase": "between", "done": True})
        known.update((n, c) for n, c in changes.items() if c)
        for number in [n for n, c in changes.items() if c is None]:
            known.pop(number, None)
        if rng.random() < 0.3:
            say({"phase": "maintain"})
            store.maintain()
            say({"phase": "between"})
        if rng.random() < 0.2:
            say({"phase": "encode again"})
            encode_again(store, known, f"{step}")
            say({"phase": "between"})


def encode_again(store: Store, known: Model, revision: str) -> None:
    """Let another revision gather and take over."""
    store.open_space(EncoderSpec(SPACE, DIM, revision), replace=True)
    for start in range(0, PICTURES, 100):
        some = (n for n in range(start, start + 100) if n in known)
        vectors = {n: v for n in some for v in expected_vectors(n, known[n][0]).values()}
        store.set_embeddings(SPACE, vectors)
        store.flush()
    store.switch_space(SPACE)


def say(message: dict[str, Any]) -> None:
    """One line to the parent, at once."""
    os.write(1, json.dumps(message).encode() + b"\n")


# --- the parent ----------------------------------------------------------------------------


@dataclass
class Campaign:
    """What must be in the library, and what was seen."""

    folder: Path
    rng: random.Random
    acknowledged: Model = field(default_factory=dict)
    planned: Model = field(default_factory=dict)
    phases: Counter[str] = field(default_factory=Counter)
    commits: int = 0

    def kill_once(self, number: int) -> None:
        """Run a child, kill it at a random moment, check the library."""
        command = [sys.executable, __file__, "--child", str(self.folder), "--seed", str(number)]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as child:
            assert child.stdout is not None
            phase = self._listen(child.stdout, self.rng.random() ** 2 * CHILD_LIMIT_S)
            if child.poll() is not None:
                raise SystemExit(f"the writer ended by itself with {child.returncode}")
            child.send_signal(signal.SIGKILL)
            for line in child.stdout:  # what it said before it died
                phase = self._hear(line, phase)
        self.phases[phase] += 1
        self.check()

    def _listen(self, pipe: IO[bytes], wait_s: float) -> str:
        """Follow the child until `wait_s` after its first word, or mostly its first change."""
        phase = "open"
        start = "open" if self.rng.random() < 0.15 else "flush"
        deadline = None
        with selectors.DefaultSelector() as selector:
            selector.register(pipe, selectors.EVENT_READ)
            while deadline is None or time.monotonic() < deadline:
                rest = None if deadline is None else max(deadline - time.monotonic(), 0)
                if selector.select(rest):
                    line = pipe.readline()
                    if not line:
                        return phase
                    phase = self._hear(line, phase)
                    if deadline is None and phase == start:
                        deadline = time.monotonic() + wait_s
        return phase

    def _hear(self, line: bytes, phase: str) -> str:
        if not line.endswith(b"\n"):
            return phase
        message = json.loads(line)
        if "plan" in message:
            self.planned = dict(self.acknowledged)
            for number, change in message["plan"]:
                self.planned.pop(number, None)
                if change is not None:
                    self.planned[number] = tuple(change)
        if message.get("done"):
            self.acknowledged = self.planned
            self.commits += 1
        heard: str = message["phase"]
        return heard

    def check(self) -> None:
        """Compare the library with what was said.

        Raises:
            SystemExit: something is lost or half there.
        """
        if not (self.folder / "library.json").exists():
            if self.acknowledged:
                raise SystemExit("library.json is gone")
            return
        store = open_store(str(self.folder))
        found = {r.id: r for r in store.get(store.ids().tolist())}
        held = {number: (r.height, r.stamps[0].size) for number, r in found.items()}
        if held not in (self.acknowledged, self.planned):
            raise SystemExit(f"neither what was acknowledged nor what was planned: {self.folder}")
        for number, versions in held.items():
            if found[number] != expected_record(number, *versions):
                raise SystemExit(f"picture {number} is not whole: {found[number]}")
        self._check_rows(held)
        self._check_vectors(store, held)
        words = {t for r in found.values() for region in r.regions for t in region.tokens}
        if store.vocabulary().tokens != sorted(words):
            raise SystemExit("the vocabulary differs from the regions")
        some = self.rng.sample(sorted(words), min(50, len(words)))
        expected = {
            r.id for r in found.values() if any(t in some for g in r.regions for t in g.tokens)
        }
        if set(store.search_words(some).picture.tolist()) != expected:
            raise SystemExit("a word is not found where it is")
        store.close()
        self.acknowledged = self.planned = held

    def _check_vectors(self, store: Store, held: Model) -> None:
        expected = {n: expected_vectors(n, version) for n, (version, _) in held.items()}
        for picture in store.get(list(held), regions=False, embeddings=True):
            wanted = expected[picture.id]
            if {s: (e.vector.tobytes(), e.areas) for s, e in picture.embeddings.items()} != {
                s: (e.vector.tobytes(), e.areas) for s, e in wanted.items()
            }:
                raise SystemExit(f"the vectors of picture {picture.id} are not its own")
        some = [n for n, vectors in expected.items() if vectors]
        serving = [one for one in store.spaces() if one.serving]
        if sum(one.pictures for one in serving) != len(some):
            raise SystemExit("there are vectors without a picture, or twice")
        if not some:
            return
        number = self.rng.choice(some)
        query = expected[number][SPACE].vector[None]
        [hits] = store.search_vectors(SPACE, query, 1)
        if hits.picture.tolist() != [number]:
            raise SystemExit(f"the vector of picture {number} does not find it")

    def _check_rows(self, held: Model) -> None:
        tables = Tables(self.folder)
        versions = read_manifest(self.folder).tables
        regions = scan(tables.open("regions", versions["regions"]), ["picture"])
        counts = Counter(regions["picture"].to_pylist())
        if counts != Counter({n: n % 17 for n in held if n % 17}):
            raise SystemExit("there are regions without a picture, or twice")
        pictures = scan(tables.open("pictures", versions["pictures"]), ["id"])["id"].to_pylist()
        if sorted(pictures) != sorted(held):
            raise SystemExit("there are pictures twice")


def main() -> None:
    """Run the campaign, or be its child."""
    parser = argparse.ArgumentParser(description="Kill a library's writer at random moments.")
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--child", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        write_until_killed(arguments.child, arguments.seed)
    with tempfile.TemporaryDirectory() as folder:
        campaign = Campaign(Path(folder) / "library", random.Random(arguments.seed))
        for number in range(arguments.kills):
            campaign.kill_once(arguments.seed * 10_000 + number)
            if sys.stderr.isatty():
                print(f"\r{number + 1} kills", end="", file=sys.stderr)
        store = open_store(str(campaign.folder), write=True, create=True)
        store.maintain()
        store.close()
        campaign.check()
        size = sum(path.stat().st_size for path in campaign.folder.rglob("*") if path.is_file())
    report = {
        "kills": arguments.kills,
        "acknowledged_commits": campaign.commits,
        "killed_during": dict(campaign.phases),
        "pictures": len(campaign.acknowledged),
        "library_bytes": size,
        "lost": 0,
        "seed": arguments.seed,
    }
    print(json.dumps(report))


if __name__ == "__main__":
    main()
