"""Takes the pictures of the page that the documentation shows.

    python -m tests.browser.screenshots build/demo docs/page          those
    python -m tests.browser.screenshots build/demo build/page --all   every view, width and theme

The second is for looking at one's own work.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.browser.driving import chromium
from tests.serving import served

WIDTHS = {"phone": (390, 844), "tablet": (1024, 768), "desk": (1440, 900)}
THEMES = ("light", "dark")


def nothing(page: Any) -> None:
    del page


def open_first(page: Any) -> None:
    page.locator(".shot").first.click()


def open_details(page: Any) -> None:
    open_first(page)
    page.keyboard.press("i")


def select_two(page: Any) -> None:
    page.locator("#filter").click()
    for at in range(2):
        page.locator(".tile").nth(at).hover()
        page.locator(".check").nth(at).click()


def press(key: str) -> Callable[[Any], None]:
    return lambda page: page.locator("body").press(key)


VIEWS: dict[str, tuple[str, Callable[[Any], None]]] = {
    "welcome": ("", nothing),
    "results": ('?q="*e*"', nothing),
    "lightbox": ('?q="coffee shop"', open_first),
    "details": ("?q=sale", open_details),
    "selection": ("?q=open", select_two),
    "nothing": ('?q="coffeu shup"', nothing),
    "library": ("?q=open", press("l")),
    "keys": ("?q=open", press("?")),
}
SHOWN = (
    ("results", "desk", "light"),
    ("lightbox", "desk", "light"),
    ("results", "tablet", "dark"),
    ("selection", "phone", "dark"),
)


def main(arguments: list[str]) -> int:
    demo, target = Path(arguments[0]), Path(arguments[1])
    target.mkdir(parents=True, exist_ok=True)
    every = [(view, width, theme) for view in VIEWS for width in WIDTHS for theme in THEMES]
    wanted = every if "--all" in arguments else SHOWN
    with (
        tempfile.TemporaryDirectory() as cache,
        served(str(demo / "library.sightread"), cache=cache) as service,
        chromium() as browser,
    ):
        for view, width, theme in wanted:
            take(browser, service.url, view, width, theme, target)
    return 0


def take(browser: Any, url: str, view: str, width: str, theme: str, target: Path) -> None:
    """One picture of the page."""
    address, act = VIEWS[view]
    across, down = WIDTHS[width]
    page = browser.new_page(
        viewport={"width": across, "height": down}, color_scheme=theme, reduced_motion="reduce"
    )
    page.goto(url + address)
    page.wait_for_load_state("networkidle")
    act(page)
    page.wait_for_timeout(500)
    page.wait_for_load_state("networkidle")
    page.screenshot(path=str(target / f"{view}-{width}-{theme}.jpg"), type="jpeg", quality=82)
    page.close()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
