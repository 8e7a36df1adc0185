"""A service over the demo gallery and pages of a real browser that may not complain."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.browser.driving import chromium
from tests.serving import served

DEMO = Path(os.environ.get("SIGHTREAD_DEMO", "build/demo"))

Page = Any
OpenPage = Callable[..., Page]


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    with chromium() as opened:
        yield opened


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a service over the demo gallery."""
    library = DEMO / "library.sightread"
    assert library.exists(), f"There is no {library}: run `make browser`, or `make demo` first."
    cache = str(tmp_path_factory.mktemp("cache"))
    with served(str(library), cache=cache) as service:
        yield service.url


@pytest.fixture
def open_page(browser: Any) -> Iterator[OpenPage]:
    """Opens pages; at the end none has complained, and none has asked another server.

    `open_page(url, expected=(400,), width=..., ...)`: answers with these statuses are meant.
    """
    complaints: list[str] = []
    contexts = []

    def start(
        url: str,
        *,
        expected: tuple[int, ...] = (),
        forgiven: str = "",
        width: int = 1280,
        height: int = 800,
        **more: Any,
    ) -> Page:
        context = browser.new_context(viewport={"width": width, "height": height}, **more)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(30_000)
        home = urlsplit(url).netloc

        def heard(message: Any) -> None:
            meant = any(f"status of {status} " in message.text for status in expected)
            meant = meant or bool(forgiven and forgiven in message.text)
            if message.type in ("error", "warning") and not meant:
                complaints.append(message.text)

        def asked(request: Any) -> None:
            address = urlsplit(request.url)
            if address.scheme in ("http", "https") and address.netloc != home:
                complaints.append(f"it asked {request.url}")

        page.on("console", heard)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", asked)
        page.on("dialog", lambda dialog: complaints.append(f"a dialog: {dialog.message}"))
        page.goto(url)
        return page

    yield start
    for context in contexts:
        context.close()
    assert complaints == []
