"""Libraries on the page: hostile contents, indexing, several of them, likeness, a token, axe."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from sightread.explain import Book, Subject
from sightread.explain.book import FILE_NAME
from sightread.explain.fill import by_hand
from sightread.library import Library
from sightread.store import open_store
from sightread.types import PictureRecord
from tests.browser.conftest import OpenPage, Page
from tests.browser.driving import until
from tests.browser.test_page import place_error
from tests.service.conftest import fill, record
from tests.service.test_process import paint
from tests.service.test_search import picture_bytes
from tests.serving import served
from tests.test_library_encoders import Desk

pytestmark = pytest.mark.browser


def test_names_and_words_are_never_markup(tmp_path: Path, open_page: OpenPage) -> None:
    with served(str(fill(tmp_path)), cache=str(tmp_path / "cache")) as service:
        page = open_page(f"{service.url}?q=hostile", forgiven="Content Security Policy")
        page.locator(".shot").first.click()
        page.keyboard.press("i")
        page.wait_for_selector(".lines li")
        assert page.locator(".lines button").first.inner_text() == "<script>alert(1)</script>"
        assert "<img src=x onerror" in page.locator("#lightbox h2").inner_text()
        assert page.locator("#lightbox h2 img").count() == 0
        page.locator(".lines button").first.click()  # it is searched for
        page.wait_for_selector("#lightbox:not([open])", state="attached")
        page.keyboard.press("l")
        page.wait_for_selector(".failures li")
        assert "<i>bad.png" in page.locator(".failures code").inner_text()
        # A script that got in all the same would not run.
        page.evaluate(
            """() => {
              const script = document.createElement('script');
              script.textContent = 'window.hacked = true';
              document.body.append(script);
            }"""
        )
        assert page.evaluate("window.hacked") is None


def test_indexing_and_failed_files(tmp_path: Path, open_page: OpenPage) -> None:
    photos = tmp_path / "photos"
    paint(photos, 12)
    (photos / "broken.png").write_bytes(b"no picture")
    library = str(tmp_path / "new.sightread")
    with served(library, "--folder", str(photos), cache=str(tmp_path / "cache")) as service:
        page = open_page(service.url)
        page.get_by_role("button", name="Index a folder…").click()
        page.get_by_role("button", name="Bring up to date").click()
        page.wait_for_selector(".failures li", timeout=60_000)
        assert page.locator(".facts dd").first.inner_text() == "12 in 12 files"
        assert "broken.png" in page.locator(".failures code").inner_text()
        assert "the content is not a picture" in page.locator(".failures span").inner_text()
        Image.new("RGB", (50, 50)).save(photos / "broken.png")
        page.get_by_role("button", name="Try again").click()
        until(
            page, "document.querySelector('.facts dd').innerText === '13 in 13 files'", limit_s=60
        )
        page.keyboard.press("Escape")
        page.fill("#q", "coffee")
        page.wait_for_selector(".tile")


def test_indexing_is_stopped_and_goes_on(tmp_path: Path, open_page: OpenPage) -> None:
    photos = tmp_path / "photos"
    paint(photos, 40)
    library = str(tmp_path / "new.sightread")
    with served(library, "--folder", str(photos), cache=str(tmp_path / "cache")) as service:
        page = open_page(service.url)
        page.get_by_role("button", name="Index a folder…").click()
        page.get_by_role("button", name="Bring up to date").click()
        until(page, "document.querySelector('.run progress')?.value > 0", limit_s=120)
        assert page.locator("#progress").is_visible()
        page.get_by_role("button", name="Stop").click()
        page.get_by_role("button", name="Bring up to date").wait_for(timeout=120_000)
        assert page.locator("#progress").is_hidden()
        until(page, "parseInt(document.querySelector('.facts dd').innerText) > 0")
        assert int(page.locator(".facts dd").first.inner_text().split()[0]) < 40
        page.get_by_role("button", name="Bring up to date").click()
        until(
            page, "document.querySelector('.facts dd').innerText === '40 in 40 files'", limit_s=240
        )


def test_several_libraries(tmp_path: Path, open_page: OpenPage) -> None:
    first = fill(tmp_path / "a")
    second = tmp_path / "empty.sightread"
    Library.open(str(second), write=True, create=True).close()
    with served(str(first), str(second), cache=str(tmp_path / "cache")) as service:
        page = open_page(f"{service.url}?q=sale")
        page.wait_for_selector(".tile")
        assert page.locator("#summary").inner_text().startswith("30 pictures in shop")
        page.locator("#library").select_option("empty")
        until(page, "document.querySelectorAll('.tile').length === 0")
        assert "library=empty" in page.url
        page.go_back()
        page.wait_for_selector(".tile")
        assert page.locator("#library").input_value() == "shop"


def test_what_another_library_has_is_said(tmp_path: Path, open_page: OpenPage) -> None:
    first, second = tmp_path / "first.sightread", tmp_path / "second.sightread"
    path = tmp_path / "one.png"
    Image.new("RGB", (80, 60)).save(path)
    for folder, word in ((first, "harbour"), (second, "station")):
        keep(folder, [record(path, [("written", word)])])
    with served(str(first), str(second), cache=str(tmp_path / "cache")) as service:
        page = open_page(f"{service.url}?q=station")
        page.get_by_role("button", name="1 picture in second").click()
        page.wait_for_selector(".tile.there")
        assert "library=second" in page.url


def keep(folder: Path, records: list[PictureRecord]) -> None:
    store = open_store(str(folder), write=True, create=True)
    store.put(records)
    store.flush()
    store.close()


@pytest.fixture(scope="module")
def shapes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A panorama, a tower, and a plain picture; each says its word in the middle. Two readers."""
    base = tmp_path_factory.mktemp("shapes")
    records = []
    for name, size in (("panorama", (1600, 200)), ("tower", (120, 900)), ("plain", (400, 300))):
        path = base / f"{name}.png"
        Image.new("RGB", size, (90, 120, 150)).save(path)
        x, y = size[0] / 2, size[1] / 2
        # A little turned, and not quite in the middle.
        box = ((x - 40, y - 6), (x + 30, y - 16), (x + 32, y + 4), (x - 38, y + 14))
        one = record(path, [("written", name), ("written", "shape")])
        regions = tuple(replace(region, box=box) for region in one.regions)
        reader = "r1" if name == "plain" else "r2"
        records.append(replace(one, regions=regions, reader=reader))
    keep(base / "shapes.sightread", records)
    with served(str(base / "shapes.sightread"), cache=str(base / "cache")) as service:
        yield service.url


@pytest.mark.parametrize("name", ["panorama", "tower", "plain"])
def test_outlines_on_pictures_that_are_cropped_and_zoomed(
    shapes: str, open_page: OpenPage, name: str
) -> None:
    page = open_page(f"{shapes}?q={name}")
    page.wait_for_selector(".tile.there polygon")
    [hit] = page.request.get(f"{shapes}api/search?q={name}").json()["results"]
    frame = page.locator(".shot img").bounding_box()
    cropped = abs(frame["width"] / frame["height"] - hit["width"] / hit["height"]) > 0.3
    assert cropped == (name != "plain")
    off, wider = place_error(page, ".shot", hit, 0, "slice")
    assert off < 1.5
    assert 1.0 <= wider < 1.3
    page.locator(".shot").click()
    page.wait_for_selector("#lightbox polygon")
    page.wait_for_timeout(300)
    widths = [page.locator(".turned img").bounding_box()["width"]]
    for key in ("+", "+", "r", "+"):
        page.keyboard.press(key)
        widths.append(page.locator(".turned img").bounding_box()["width"])
        quarters = 1 if "r" in (key, "r" if len(widths) > 4 else "") else 0
        off, wider = place_error(page, ".turned", hit, quarters, "meet")
        assert off < 3, key
        assert 0.98 <= wider < 1.3
    assert widths[2] == pytest.approx(1.4 * widths[1], rel=0.01)
    assert widths[1] == pytest.approx(1.4 * widths[0], rel=0.01)
    page.keyboard.press("0")
    stage, whole = (page.locator(one).bounding_box() for one in (".stage", ".turned img"))
    assert whole["width"] <= stage["width"] + 1
    assert whole["height"] <= stage["height"] + 1


def test_the_filter_on_readers(shapes: str, open_page: OpenPage) -> None:
    page = open_page(f"{shapes}?q=shape -tower")
    count = "document.querySelectorAll('.tile').length"
    until(page, f"{count} === 2")
    page.locator("#filter").click()
    page.get_by_label("Reader").select_option("r2")
    until(page, f"{count} === 1")
    assert [one.strip("×\n ") for one in page.locator(".chip").all_inner_texts()] == [
        "shape",
        "-tower",
        "reader r2",
    ]
    page.get_by_role("button", name="Take away -tower").click()
    until(page, f"{count} === 2")
    assert "q=shape&reader=r2" in page.url
    page.get_by_role("button", name="Take away shape").click()  # a reader alone lists, too
    until(page, "document.querySelector('#summary').innerText.includes('newest first')")
    assert page.locator(".tile").count() == 2
    page.get_by_role("button", name="Take away reader r2").click()
    page.wait_for_selector("#welcome:not([hidden])")


def test_pictures_like_one_that_is_dropped_or_shown(tmp_path: Path, open_page: OpenPage) -> None:
    desk = Desk(tmp_path)
    for number in range(4):
        desk.paint(f"reddish{number}", (250 - number, 30, 30))
    desk.index(desk.model)
    with served(str(tmp_path / "library"), cache=str(tmp_path / "cache")) as service:
        page = open_page(service.url)
        page.wait_for_selector("#welcome:not([hidden])")
        give(page, "drop", picture_bytes((255, 0, 0)))
        page.wait_for_selector(".tile")
        assert "like dropped.png" in page.locator(".chip").inner_text()
        assert "red" in page.locator(".shot").first.get_attribute("aria-label")
        assert "meaning · 1.00" in page.locator(".why").first.inner_text()
        page.locator(".shot").first.click()
        page.get_by_role("button", name="More like this").click()
        until(page, "location.search.includes('like=')")
        page.wait_for_selector(".tile")
        give(page, "paste", picture_bytes((0, 0, 255)))
        first = "document.querySelector('.shot')?.getAttribute('aria-label') ?? ''"
        until(page, f"({first}).includes('blue')")
        page.go_back()  # to those like the one that was shown
        until(page, f"!({first}).includes('blue')")
        page.go_forward()
        until(page, f"({first}).includes('blue')")
        page.reload()
        until(page, f"({first}).includes('blue')")
        assert "like dropped.png" in page.locator(".chip").inner_text()
        stranger = open_page(page.url)  # another browser: it was never given the picture
        stranger.wait_for_selector("#trouble:not([hidden])")
        assert "kept in another browser" in stranger.locator("#trouble").inner_text()
        page.fill("#q", "c0000fa")
        until(page, "document.querySelector('.chip.term') !== null")


def test_without_an_encoder_a_dropped_picture_gets_a_sentence(
    demo: str, open_page: OpenPage
) -> None:
    page = open_page(demo, expected=(400,))
    page.wait_for_selector("#welcome:not([hidden])")
    give(page, "drop", picture_bytes((255, 0, 0)))
    page.wait_for_selector("#trouble:not([hidden])")
    assert "this library has none" in page.locator("#trouble").inner_text()


def give(page: Page, how: str, data: bytes) -> None:
    """Drop or paste a picture file."""
    page.evaluate(
        """([how, text]) => {
      const bytes = Uint8Array.from(atob(text), (char) => char.charCodeAt(0));
      const transfer = new DataTransfer();
      transfer.items.add(new File([bytes], 'dropped.png', { type: 'image/png' }));
      const event = how === 'drop'
        ? new DragEvent('drop', { dataTransfer: transfer, bubbles: true, cancelable: true })
        : new ClipboardEvent('paste', { clipboardData: transfer, bubbles: true, cancelable: true });
      document.body.dispatchEvent(event);
    }""",
        [how, base64.b64encode(data).decode()],
    )


def test_a_token_in_the_address_opens_the_page(tmp_path: Path, open_page: OpenPage) -> None:
    token = "a token, with signs & more"
    with served(str(fill(tmp_path)), cache=str(tmp_path / "cache"), token=token) as service:
        page = open_page(service.url.replace("/#", "/?q=sale#"))
        page.wait_for_selector(".tile.there")
        assert "token" not in page.url
        plain = service.url.partition("#")[0]
        stranger = open_page(f"{plain}?q=sale", expected=(401,))
        stranger.get_by_label("Token of this service").fill("wrong")
        stranger.keyboard.press("Enter")
        stranger.wait_for_selector(".note:not(:empty)")
        stranger.get_by_label("Token of this service").fill(token)
        stranger.keyboard.press("Enter")
        stranger.wait_for_selector(".tile.there")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_serious(demo: str, open_page: OpenPage, theme: str) -> None:
    from axe_playwright_python.sync_playwright import Axe

    page = open_page(f"{demo}", color_scheme=theme, bypass_csp=True, reduced_motion="reduce")
    page.wait_for_selector("#welcome:not([hidden])")
    found = {"welcome": serious(Axe(), page)}
    page.goto(f"{demo}?q=open -taxi")
    page.wait_for_selector(".tile.there")
    page.locator("#filter").click()
    page.locator(".tile").first.hover()
    page.locator(".check").first.click()
    page.wait_for_timeout(300)
    found["results"] = serious(Axe(), page)
    page.locator(".shot").first.click()
    page.keyboard.press("i")
    page.wait_for_selector(".lines li")
    found["lightbox"] = serious(Axe(), page)
    page.keyboard.press("Escape")
    page.wait_for_selector("#lightbox:not([open])", state="attached")
    for key in ("?", "l"):
        page.keyboard.press(key)
        page.wait_for_selector("#panel[open]")
        found[key] = serious(Axe(), page)
        page.keyboard.press("Escape")
    page.goto(f'{demo}?q="coffeu shup"')
    page.wait_for_selector(".nearest")
    found["nothing"] = serious(Axe(), page)
    assert all(not one for one in found.values()), json.dumps(found, indent=2)


def serious(axe: object, page: Page) -> list[str]:
    violations = axe.run(page).response["violations"]  # type: ignore[attr-defined]
    return [
        f"{one['id']}: {node['html'][:160]}"
        for one in violations
        if one["impact"] in ("serious", "critical")
        for node in one["nodes"]
    ]


def test_an_explanation_is_shown_with_where_it_is_from(tmp_path: Path, open_page: OpenPage) -> None:
    library = fill(tmp_path)
    with Book.open(library / FILE_NAME, write=True) as book:
        book.add(by_hand(Subject("Coffee Shop"), "A <b>red</b> house."))
    with served(str(library), cache=str(tmp_path / "cache")) as service:
        page = open_page(f'{service.url}?q=entity:"coffee shop"')
        page.wait_for_selector("#explanations:not([hidden])")
        said = page.locator("#explanations").inner_text()
        assert said == "coffee shop: A <b>red</b> house. (hand; not searched with)"
        assert "so entity: was looked for in captions" in page.locator("#warnings").inner_text()
