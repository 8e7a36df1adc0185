"""How long a search takes from a cold start: the whole process, as a user starts it.

    python -m benchmarks.cold_search --library FOLDER --query '"coffee"' --runs 9

Each run is a new process with its output in a pipe. Prints wall and processor time, median and
largest, as JSON.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from dataclasses import asdict

from sightread.measure.environment import environment
from sightread.store import open_store


def main() -> int:
    parser = argparse.ArgumentParser(description="Time whole `sightread search` processes.")
    parser.add_argument("--library", required=True)
    parser.add_argument("--query", default='"coffee"')
    parser.add_argument("--runs", type=int, default=9)
    asked = parser.parse_args()
    store = open_store(asked.library)
    pictures = store.count()
    store.close()
    command = [sys.executable, "-m", "sightread", "search", asked.query, "-L", asked.library]
    subprocess.run(command, check=True, stdout=subprocess.PIPE)  # the files are in memory after it
    times = [run(command) for _ in range(asked.runs)]
    walls, cpus = [wall for wall, _ in times], [cpu for _, cpu in times]
    print(
        json.dumps(
            {
                "wall_s": round(statistics.median(walls), 3),
                "wall_max_s": round(max(walls), 3),
                "cpu_s": round(statistics.median(cpus), 3),
                "runs": asked.runs,
                "query": asked.query,
                "pictures": pictures,
                **asdict(environment()),
            },
            indent=2,
        )
    )
    return 0


def run(command: list[str]) -> tuple[float, float]:
    """Wall and processor seconds of one process."""
    before, began = os.times(), time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.PIPE)
    wall, after = time.perf_counter() - began, os.times()
    used = after.children_user + after.children_system
    return wall, used - before.children_user - before.children_system


if __name__ == "__main__":
    sys.exit(main())
