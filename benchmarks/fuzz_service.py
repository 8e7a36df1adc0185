"""Random requests of every kind that the service describes, for some minutes.

    python benchmarks/fuzz_service.py build/demo --seconds 600

Schemathesis makes them from /api/openapi.json, sensible ones and nonsense. Nothing may be answered
with a server's error, with a status or a type that is not described, or with other fields. The
service runs on a copy of the library, since what can be asked for includes forgetting. Exit code 0:
nothing was found.
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
)
ENDLESS = "/api/index/events"


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("demo", type=Path, help="the folder that `make demo` filled")
    arguments.add_argument("--seconds", type=int, default=600)
    arguments.add_argument("--seed", type=int, default=0)
    given = arguments.parse_args()
    with tempfile.TemporaryDirectory() as base:
        library = Path(base) / "library.sightread"
        shutil.copytree(given.demo / "library.sightread", library)
        # Without a folder that may be indexed: runs would keep the machine busy all the time.
        command = [sys.executable, "-m", "sightread", "serve", str(library), "--port", "0"]
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as service:
            try:
                return _fuzz(_address(service), given.seconds, given.seed)
            finally:
                service.terminate()


def _address(service: subprocess.Popen[str]) -> str:
    assert service.stderr is not None
    for line in service.stderr:
        if found := re.search(r"serves at (\S+) ", line):
            return found.group(1)
    raise SystemExit("the service did not start")


def _fuzz(url: str, seconds: int, seed: int) -> int:
    command = [
        *(sys.executable, "-m", "schemathesis.cli", "run", f"{url}api/openapi.json"),
        *("--checks", ",".join(CHECKS), "--exclude-path", ENDLESS, "--warnings", "off"),
        *("--max-time", str(seconds), "--seed", str(seed), "--continue-on-failure"),
        *("--generation-database", "none", "--no-color"),
    ]
    with tempfile.TemporaryDirectory() as elsewhere:
        return subprocess.run(command, check=False, cwd=elsewhere).returncode


if __name__ == "__main__":
    sys.exit(main())
