"""Index damaged pictures: each one ends in the library or in the ledger, and none stops the run.

    python -m benchmarks.damaged_index --count 2000

indexes the files of damaged_files.py with the real reader and the real store, twice. Prints one
JSON object; the exit code is 1 if anything was wrong.
"""

from __future__ import annotations

import argparse
import collections
import json
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.damaged_files import captured_stderr, make_damaged
from sightread.measure.environment import environment
from sightread.protocols import Reader
from sightread.readers import open_reader
from sightread.search.ingest import IndexReport, ingest
from sightread.search.ledger import Ledger
from sightread.store import open_store


@dataclass(frozen=True)
class Outcome:
    """Two runs over the same files, and where each file is afterwards."""

    reports: tuple[IndexReport, IndexReport]
    indexed: list[str]
    failed: dict[str, str]
    noise: str


def index_twice(library: Path, folder: Path, reader: Reader) -> Outcome:
    """Index the folder, and again without any change."""
    store = open_store(str(library), write=True, create=True)
    with captured_stderr() as noise, Ledger.open(str(library), write=True) as ledger:
        first = ingest(store, reader, ledger, [str(folder)])
        again = ingest(store, reader, ledger, [str(folder)])
        failed = {failure.path: failure.reason for failure in ledger.failures()}
    indexed = [stamp.path for stamp, _ in store.stamps()]
    store.close()
    text = noise.getvalue().decode(errors="replace")
    return Outcome((first, again), indexed, failed, text)


def wrong_with(outcome: Outcome, made: list[Path]) -> list[str]:
    """What contradicts the promise; empty if nothing does."""
    first, again = outcome.reports
    places = collections.Counter([*outcome.indexed, *outcome.failed])
    wrong = [
        f"{path!r} is neither indexed nor listed" for path in map(str, made) if not places[path]
    ]
    wrong += [f"{path!r} is {count} times there" for path, count in places.items() if count > 1]
    wrong += [
        f"{path!r} failed without a reason" for path, why in outcome.failed.items() if not why
    ]
    wrong += [f"on stderr: {line!r}" for line in outcome.noise.splitlines()]
    if not first.seen == first.done == len(made):
        wrong.append(f"{len(made)} files, {first.seen} seen, {first.done} done")
    if (again.new, again.known_content) != (0, 0) or again.failed != first.failed:
        wrong.append(f"the second run was not idle: {again}")
    return wrong


def main() -> int:
    parser = argparse.ArgumentParser(description="Index damaged pictures.")
    parser.add_argument("--count", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="sightread-damaged-") as base:
        made = make_damaged(Path(base) / "damaged", options.count, options.seed)
        outcome = index_twice(Path(base) / "library", Path(base) / "damaged", open_reader())
    reasons = collections.Counter(reason.split(":")[0] for reason in outcome.failed.values())
    report = {
        "files": len(made),
        "indexed": len(outcome.indexed),
        "failed": len(outcome.failed),
        "seconds": round(outcome.reports[0].seconds, 1),
        "reasons": dict(reasons.most_common()),
        "wrong": wrong_with(outcome, made),
        "seed": options.seed,
        **asdict(environment()),
    }
    print(json.dumps(report, indent=2))
    return 1 if report["wrong"] else 0


if __name__ == "__main__":
    sys.exit(main())
