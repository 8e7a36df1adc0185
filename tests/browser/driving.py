"""The distribution's Chromium to look at the page with."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

BROWSERS = ("chromium", "chromium-browser", "google-chrome")


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


def until(page: Any, expression: str, limit_s: float = 15.0) -> None:
    """Wait until a JavaScript expression is true. (Playwright's own way to wait for one needs
    `eval` in the page, which the policy of the page forbids.)"""
    deadline = time.monotonic() + limit_s
    while not page.evaluate(expression):
        assert time.monotonic() < deadline, f"after {limit_s:g} s it is not true that {expression}"
        time.sleep(0.03)


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
