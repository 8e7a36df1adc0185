"""Ten thousand explanations through an endpoint full of faults, killed on the way.

    python -m benchmarks.explain_faults --entities 10000 --share 0.3 --kills 5 --seed 0

A real endpoint on this machine (faulty_endpoint.py) gives a share of the requests a fault: 429 with
Retry-After, 500, broken JSON, another form, too late, in drops, cut. A process fills a book from
it and is killed with SIGKILL at random moments; then it runs until nothing is left to ask. In the
end every entity must have its explanation, and none may have been asked for again after its answer
was in the book; what was on its way at a kill (at most as many as are asked at once) is counted by
itself. Prints one JSON object; the exit code is 1 if anything was wrong.
"""

from __future__ import annotations

import argparse
import collections
import json
import random
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.faulty_endpoint import FAULTS, FaultyEndpoint, describe
from sightread.explain import Book, Subject
from sightread.explain.endpoint import Endpoint
from sightread.explain.fill import FillOptions, FillReport, fill
from sightread.explain.pace import Patience
from sightread.measure.environment import environment

TIMEOUT_S = 1.0
SLOW_S = 1.2
PATIENCE = Patience(tries=5, first_s=0.05, longest_s=0.5)
_MOST_RUNS = 20


def name_of(number: int) -> str:
    """Of an entity."""
    return f"Entity {number:06d}"


def child(path: str, url: str, entities: int, at_once: int) -> None:
    """Fill the book; prints what came of it."""
    endpoint = Endpoint(url, "model", timeout_s=TIMEOUT_S)
    options = FillOptions(at_once=at_once, patience=PATIENCE)
    with Book.open(path, write=True) as book:
        subjects = [Subject(name_of(number)) for number in range(entities)]
        report = fill(book, subjects, endpoint=endpoint, options=options)
    print(json.dumps(asdict(report)))


@dataclass
class Campaign:
    """What happened so far."""

    path: Path
    server: FaultyEndpoint
    entities: int
    at_once: int
    kills: int = 0
    runs: int = 0
    stored: dict[str, int] = field(default_factory=dict)
    """Entities in the book after the last run, and how many answers each had had by then."""
    wrong: list[str] = field(default_factory=list)
    on_the_way: int = 0

    def run(self, kill_after: int | None) -> FillReport | None:
        """One run; killed once so many more answers went out, if it lives so long."""
        before = sum(self.server.answered.values())
        command = [sys.executable, "-m", "benchmarks.explain_faults", "--child", str(self.path)]
        command += ["--url", self.server.url, "--entities", str(self.entities)]
        command += ["--at-once", str(self.at_once)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        while kill_after is not None and process.poll() is None:
            if sum(self.server.answered.values()) - before >= kill_after:
                process.kill()
                break
            time.sleep(0.002)
        out, _ = process.communicate()
        self.runs += 1
        time.sleep(0.3)  # for what the server still has in hand
        self.take_stock()
        if process.returncode == -signal.SIGKILL:
            self.kills += 1
            return None
        if process.returncode:
            self.wrong.append(f"a run ended with code {process.returncode}")
            return None
        return FillReport(**json.loads(out))

    def take_stock(self) -> None:
        """Compare the book with what the server has said."""
        for name, count in self.stored.items():
            if self.server.answered[name] != count:
                self.wrong.append(f"{name} was asked for again after it was stored")
        with Book.open(self.path) as book:
            found = book.all()
        missing = self.stored.keys() - {one.name for one in found}
        self.wrong += [f"{name} was lost" for name in sorted(missing)]
        for one in found:
            if one.text != describe(one.name) or one.verdict != "good":
                self.wrong.append(f"{one.name} has another text: {one.text}")
        self.stored = {one.name: self.server.answered[one.name] for one in found}
        lost = sum(self.server.answered.values()) - len(found) - self.on_the_way
        if lost > self.at_once:
            self.wrong.append(f"{lost} answers were on their way at once")
        self.on_the_way += lost


def run_campaign(
    path: Path, entities: int, share: float, kills: int, at_once: int, seed: int
) -> dict[str, Any]:
    """Fill a new book at `path`; what was found, `wrong` empty if all is well."""
    chance = random.Random(seed)
    began = time.monotonic()
    with FaultyEndpoint(share=share, slow_s=SLOW_S, seed=seed) as server:
        campaign = Campaign(path, server, entities, at_once)
        for _ in range(kills):
            campaign.run(chance.randrange(1, max(2, entities // (kills + 1))))
        last: FillReport | None = None
        while last is None or last.to_ask:
            last = campaign.run(None)
            if campaign.wrong or campaign.runs > kills + _MOST_RUNS:
                break
        campaign.wrong += ["it did not come to an end"] * (last is None or bool(last.to_ask))
        missing = entities - len(campaign.stored)
        campaign.wrong += [f"{missing} entities have no explanation"] * bool(missing)
        answers = collections.Counter(server.answered.values())
        return {
            "entities": entities,
            "share": share,
            "faults": {fault: server.given[fault] for fault in FAULTS},
            "requests": len(server.times),
            "kills": campaign.kills,
            "runs": campaign.runs,
            "at_once": at_once,
            "explained": len(campaign.stored),
            "answered_once": answers[1],
            "answered_twice": sum(count for times, count in answers.items() if times > 1),
            "on_the_way_at_a_kill": campaign.on_the_way,
            "wrong": campaign.wrong,
            "seconds": round(time.monotonic() - began, 1),
        }


def main() -> int:
    parser = argparse.ArgumentParser(description="Explanations through a faulty endpoint.")
    parser.add_argument("--entities", type=int, default=10_000)
    parser.add_argument("--share", type=float, default=0.3, help="of the requests that get a fault")
    parser.add_argument("--kills", type=int, default=5)
    parser.add_argument("--at-once", type=int, default=16)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", help="file for the result as JSON")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    parser.add_argument("--url", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.child:
        child(asked.child, asked.url, asked.entities, asked.at_once)
        return 0
    with tempfile.TemporaryDirectory() as folder:
        found = run_campaign(
            Path(folder) / "book.sqlite",
            asked.entities,
            asked.share,
            asked.kills,
            asked.at_once,
            asked.seed,
        )
    text = json.dumps({**found, "seed": asked.seed, **asdict(environment())}, indent=2)
    print(text)
    if asked.out:
        Path(asked.out).write_text(text + "\n", "utf-8")
    return 1 if found["wrong"] else 0


if __name__ == "__main__":
    sys.exit(main())
