"""The service in a process of its own, and the distribution's Chromium to look at it with."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
START_S = 60.0
HIGHEST_S = 900.0


def browser_path() -> str:
    """The browser of the machine: $SIGHTREAD_CHROMIUM, or the first that is installed."""
    named = os.environ.get("SIGHTREAD_CHROMIUM")
    found = next(filter(None, [named, *map(shutil.which, BROWSERS)]), None)
    if found is None:
        raise FileNotFoundError(
            "There is no Chromium on this machine: install it (apt-get install chromium), or name "
            "one with SIGHTREAD_CHROMIUM."
        )
    return found


@contextmanager
def served(*arguments: str, cache: str, token: str = "") -> Iterator[str]:
    """`sightread serve` with these arguments; gives the address of its page."""
    environment = {**os.environ, "XDG_CACHE_HOME": cache, "SIGHTREAD_TOKEN": token}
    command = [sys.executable, "-m", "sightread", "serve", "--port", "0", *arguments]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, env=environment, text=True)
    # Whatever happens to the test, nothing is left running for long.
    stopper = threading.Timer(HIGHEST_S, process.kill)
    stopper.start()
    try:
        yield _address(process)
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


@contextmanager
def chromium(*, arguments: Sequence[str] = ()) -> Iterator[Any]:
    """A headless Chromium of the distribution, driven by Playwright; none is downloaded."""
    from playwright.sync_api import sync_playwright

    path = browser_path()
    with sync_playwright() as driver:
        browser = driver.chromium.launch(
            executable_path=path, args=["--no-sandbox", "--disable-gpu", *arguments]
        )
        try:
            yield browser
        finally:
            browser.close()
