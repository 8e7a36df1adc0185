"""A library behind a service answers like the library itself."""

from __future__ import annotations

import inspect
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from sightread.cli.entry import run
from sightread.errors import (
    NotInLibrary,
    PictureError,
    QueryError,
    ServiceError,
    SightreadError,
    UnsupportedFilter,
    UsageError,
)
from sightread.library import Library
from sightread.remote import RemoteLibrary
from sightread.search.query import parse
from sightread.types import AllOf, Compare, Not, Query
from sightread.wire import picture_fields, result_fields, status_fields
from tests.service.conftest import COUNT, fill
from tests.serving import served

TOKEN = "a token of many letters"
Either = Library | RemoteLibrary


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return fill(tmp_path_factory.mktemp("remote"))


@pytest.fixture(scope="module")
def url(folder: Path) -> Iterator[str]:
    with served(str(folder), cache=str(folder.parent / "cache"), token=TOKEN) as service:
        yield service.url


@pytest.fixture
def both(folder: Path, url: str) -> Iterator[tuple[Library, RemoteLibrary]]:
    with Library.open(str(folder)) as here, RemoteLibrary(url) as there:
        yield here, there


def fields(result: Any) -> dict[str, Any]:
    """An answer as it is printed, but for the time it took."""
    return {**result_fields(result), "took_ms": None}


@pytest.mark.parametrize(
    "ask",
    [
        lambda one: one.search('"coffee shop"'),
        lambda one: one.search("sale -coffee", k=7, offset=5),
        lambda one: one.search("sale", k=600),
        lambda one: one.search("sale", sort="date", k=5),
        lambda one: one.search("cofee", threshold=0.0),
        lambda one: one.search("zyzzyva"),
        lambda one: one.search("hostile"),
        lambda one: one.search(parse('"sale" path:"0" after:2020 -ext:jpg')),
        lambda one: one.search("undecodable"),
        lambda one: one.search("path:pictures -coffee", k=5, offset=3),
        lambda one: one.search(Query(where=Compare("reader", "eq", "by hand")), k=3),
        lambda one: one.search('entity:"coffee shop" sale', explain=False, again=5),
    ],
)
def test_searches_agree(both: tuple[Library, RemoteLibrary], ask: Callable[[Either], Any]) -> None:
    here, there = (ask(one) for one in both)
    assert fields(here) == fields(there)


def test_both_have_the_same_methods(both: tuple[Library, RemoteLibrary]) -> None:
    here, there = (
        {
            name: list(inspect.signature(method).parameters.values())
            for name, method in inspect.getmembers(type(one), inspect.isfunction)
            if not name.startswith("_")
        }
        for one in both
    )
    assert [(n, [p.name for p in here[n]]) for n in sorted(here)] == [
        (n, [p.name for p in there[n]]) for n in sorted(there)
    ]
    for name, parameters in here.items():
        assert [(p.kind, p.default) for p in parameters] == [
            (p.kind, p.default) for p in there[name]
        ]


def test_entities_are_not_switched_over_the_network(both: tuple[Library, RemoteLibrary]) -> None:
    _, there = both
    for on in (True, False):
        with pytest.raises(UsageError, match=f"`sightread entities {'on' if on else 'off'}` there"):
            there.switch_entities(on)
    assert there.status().entities


def test_what_is_known_agrees(both: tuple[Library, RemoteLibrary]) -> None:
    here, there = both
    path = here.search("coffee").hits[0].path
    name = f"{here.search('coffee').hits[0].id:016x}"
    for asked in (path, name):
        assert picture_fields(here.picture(asked)) == picture_fields(there.picture(asked))
        assert here.original(asked)[1] == there.original(asked)[1] == Path(path).read_bytes()
    assert status_fields(here.status(), "x") == status_fields(there.status(), "x")
    names = [path, name, "/no/such.png", "0000000000000001"]
    assert here.ids(names) == there.ids(names) == [here.picture(path).id]
    assert there.ids([]) == here.ids([]) == []
    failures = [[(one.path, one.reason, one.attempts) for one in lib.failures()] for lib in both]
    assert failures[0] == failures[1] != []


def test_filters_that_no_line_can_spell(both: tuple[Library, RemoteLibrary]) -> None:
    here, there = both
    picture = here.search("coffee").hits[0].id
    sale = parse('"sale" ext:png')
    one = AllOf((Compare("ext", "eq", "png"), Compare("id", "eq", picture)))
    query = Query(sale.terms, one)
    assert [hit.id for hit in there.search(query).hits] == [picture]
    by_hand = Query(sale.terms, Compare("reader", "eq", "by hand"))
    assert there.search(by_hand).total == here.search(by_hand).total == COUNT
    with pytest.raises(UnsupportedFilter, match="A service cannot be asked for"):
        there.search(Query(sale.terms, Not(Compare("id", "eq", picture))))


@pytest.mark.parametrize(
    ("ask", "kind"),
    [
        (lambda one: one.search('say "coffee'), QueryError),
        (lambda one: one.search("-png"), UsageError),
        (lambda one: one.search("x", k=0), UsageError),
        (lambda one: one.search("x", also=["caption"]), UsageError),
        (lambda one: one.picture("/no/such.png"), NotInLibrary),
        (lambda one: one.similar(b"x"), UsageError),
        (lambda one: one.similar("0000000000000000"), UsageError),
    ],
)
def test_errors_agree(
    both: tuple[Library, RemoteLibrary],
    ask: Callable[[Either], Any],
    kind: type[SightreadError],
) -> None:
    said = []
    for one in both:
        with pytest.raises(kind) as caught:
            ask(one)
        assert type(caught.value) is kind
        said.append(str(caught.value))
    assert said[0] == said[1]


def test_a_file_that_is_gone(both: tuple[Library, RemoteLibrary]) -> None:
    path = both[0].search("sale", sort="date").hits[0].path
    os.rename(path, path + ".away")
    try:
        for one in both:
            with pytest.raises(PictureError, match="is gone or has changed"):
                one.original(path)
    finally:
        os.rename(path + ".away", path)


def test_the_command_line_is_the_same(
    folder: Path, url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def printed(*arguments: str) -> str:
        assert run(arguments) == 0
        return capsys.readouterr().out

    for asked in (
        ("search", '"sale"', "-k", "3", "--tsv"),
        ("search", "hostile", "-0"),
        ("search", '"sale"', "--newest", "-k", "2", "--jsonl"),
        ("status", "--failed"),
    ):
        assert printed(*asked, "--url", url) == printed(*asked, "-L", str(folder))
    path = json.loads(printed("search", "coffee", "--json", "--url", url))["results"][0]["path"]
    shown = [printed("show", path, *place) for place in (("--url", url), ("-L", str(folder)))]
    assert shown[0] == shown[1]
    out = tmp_path / "found.png"
    printed("show", path, "--query", "coffee", "--out", str(out), "--url", url)
    assert out.stat().st_size > 0


def test_what_a_service_does_not_allow(url: str, folder: Path) -> None:
    plain = url.partition("#")[0]
    with RemoteLibrary(plain) as stranger, pytest.raises(ServiceError, match="wants a token"):
        stranger.status()
    with RemoteLibrary(plain, token=TOKEN) as known:
        assert known.status().pictures == COUNT + 2
        with pytest.raises(ServiceError, match="start the service with --folder DIR"):
            known.index([str(folder.parent)])
    other = f"{plain}?library=other"
    with (
        RemoteLibrary(other, token=TOKEN) as there,
        pytest.raises(UsageError, match="There is no library other"),
    ):
        there.search("x")


def test_where_there_is_no_service() -> None:
    with (
        RemoteLibrary("http://127.0.0.1:9") as nowhere,
        pytest.raises(ServiceError, match=r"There is no service at http://127\.0\.0\.1:9 "),
    ):
        nowhere.search("x")
    with pytest.raises(UsageError, match="is not the address of a service"):
        RemoteLibrary("photos.sightread")
