"""Words that part pictures which look alike, as chips of the page."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.browser.conftest import OpenPage
from tests.browser.driving import until
from tests.browser.test_page import query_of, total
from tests.hotels import QUERY, make_library
from tests.serving import served

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def hotels(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder: Path = make_library(tmp_path_factory.mktemp("hotels"))
    with served(str(folder), cache=str(folder.parent / "cache")) as service:
        yield service.url


def test_a_click_adds_the_word_to_the_query(hotels: str, open_page: OpenPage) -> None:
    page = open_page(f"{hotels}?q={QUERY}")
    page.wait_for_selector(".chip.offer")
    offers = page.locator("#refine .chip.offer")
    assert [text.split() for text in offers.all_inner_texts()] == [["hilton", "5"], ["ibis", "3"]]
    assert total(page) == "10 pictures"
    page.get_by_role("button", name="Only with ibis, in 3 pictures").click()
    until(page, "document.querySelector('#summary strong').innerText === '3 pictures'")
    assert query_of(page)["q"] == [f'{QUERY} "ibis"']
    assert page.input_value("#q") == f'{QUERY} "ibis"'
    assert page.locator("#refine").is_hidden()
    page.go_back()
    until(page, "document.querySelectorAll('#refine .offer').length === 2")


def test_the_offer_works_with_the_keyboard(hotels: str, open_page: OpenPage) -> None:
    page = open_page(f"{hotels}?q={QUERY}")
    page.wait_for_selector(".chip.offer")
    page.locator("#refine .chip.offer").first.focus()
    page.keyboard.press("Enter")
    until(page, "document.querySelector('#summary strong').innerText === '5 pictures'")
    assert query_of(page)["q"] == [f'{QUERY} "hilton"']
