"""`sightread serve` as a process of its own."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

START_S = 60.0
HIGHEST_S = 900.0


class Served:
    """A running service: its process, and the address of its page."""

    def __init__(self, process: subprocess.Popen[str], url: str) -> None:
        self.process = process
        self.url = url

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


@contextmanager
def served(*arguments: str, cache: str, token: str = "", python: bool = False) -> Iterator[Served]:
    """`sightread serve` with these arguments; stopped at the end. With `python` the
    arguments are those of the interpreter."""
    environment = {**os.environ, "XDG_CACHE_HOME": cache, "SIGHTREAD_TOKEN": token}
    given = () if python else ("-m", "sightread", "serve", "--port", "0")
    command = [sys.executable, *given, *arguments]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, env=environment, text=True)
    # Whatever happens to the test, nothing is left running for long.
    stopper = threading.Timer(HIGHEST_S, process.kill)
    stopper.start()
    try:
        yield Served(process, _address(process))
    finally:
        stopper.cancel()
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stderr is not None:
            process.stderr.close()


def _address(process: subprocess.Popen[str]) -> str:
    assert process.stderr is not None
    impatient = threading.Timer(START_S, process.kill)
    impatient.start()
    said = []
    for line in process.stderr:
        said.append(line)
        found = re.search(r"serves at (\S+) ", line)
        if found:
            impatient.cancel()
            return found.group(1)
    impatient.cancel()
    raise AssertionError(f"the service did not start: {''.join(said)}")
