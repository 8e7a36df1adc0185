"""Searching over HTTP: the answers of the command line, page by page."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from PIL import Image

from sightread.cli.entry import run
from sightread.library import Library
from sightread.service.schemas import Answer, Picture, Problem
from tests.search.ingest.conftest import ColourReader
from tests.service.conftest import COUNT, Serve
from tests.test_library_encoders import Desk


def test_an_answer_has_the_fields_of_the_command_line(client: TestClient, library: Path) -> None:
    answer = client.get("/api/search", params={"q": '"coffee shop"'}).json()
    with Library.open(str(library)) as opened:
        hit = opened.search('"coffee shop"').hits[0]
    assert Answer.model_validate(answer)
    assert (answer["total"], answer["library"], answer["cursor"]) == (1, "shop", None)
    [found] = answer["results"]
    assert (found["rank"], found["path"], found["id"]) == (1, hit.path, f"{hit.id:016x}")
    assert found["evidence"][0]["word"] == "coffee shop"
    assert len(found["evidence"][0]["boxes"]) == 2


def test_the_parts_of_a_query_can_be_taken_away(client: TestClient) -> None:
    line = '"sale" -coffee path:pictures'
    answer = client.get("/api/search", params={"q": line}).json()
    assert [(one["text"], one["kind"], one["negated"]) for one in answer["parts"]] == [
        ('"sale"', "term", False),
        ("-coffee", "term", True),
        ("path:pictures", "filter", False),
    ]
    assert answer["query"] == " ".join(one["text"] for one in answer["parts"])
    assert answer["total"] == COUNT - 1


def test_pages_follow_each_other_without_gap(client: TestClient) -> None:
    asked = {"q": '"sale"', "k": "7"}
    seen: list[str] = []
    cursor = None
    while True:
        more: dict[str, str] = {"cursor": cursor} if cursor else {}
        answer = client.get("/api/search", params={**asked, **more}).json()
        assert [one["rank"] for one in answer["results"]] == [
            len(seen) + at for at in range(1, len(answer["results"]) + 1)
        ]
        seen += [one["id"] for one in answer["results"]]
        cursor = answer["cursor"]
        if cursor is None:
            break
    assert len(seen) == len(set(seen)) == COUNT
    page = client.get("/api/search", params={**asked, "offset": "14"}).json()
    assert [one["id"] for one in page["results"]] == seen[14:21]


def test_newest_first(client: TestClient) -> None:
    answer = client.get("/api/search", params={"q": '"sale"', "sort": "date", "k": "40"}).json()
    taken = [one["taken_at"] for one in answer["results"]]
    assert len(taken) == COUNT
    assert taken == sorted(taken, reverse=True)


def test_filters_beside_the_line_do_what_those_in_it_do(client: TestClient) -> None:
    def ids(**asked: str) -> list[str]:
        answer = client.get("/api/search", params={"k": "50", **asked}).json()
        return [one["id"] for one in answer["results"]]

    assert ids(q='"sale" after:2020-09-25') == ids(q='"sale"', after="2020-09-25")
    assert 0 < len(ids(q='"sale"', after="2020-09-25")) < COUNT
    assert ids(q='"sale" path:07.png') == ids(q='"sale"', path="07.png")
    assert ids(q='"sale"', reader="somebody else") == []
    assert len(ids(q='"sale"', reader="by hand", ext="png", has="text")) == COUNT
    [one] = ids(q='"sale"', path="07.png")
    assert ids(q='"sale"', id=one) == [one]


def test_filters_alone_list_pictures(client: TestClient) -> None:
    answer = client.get("/api/search", params={"q": "path:pictures after:2020", "k": "7"}).json()
    assert Answer.model_validate(answer)
    taken = [one["taken_at"] for one in answer["results"]]
    assert (answer["total"], taken) == (COUNT, sorted(taken, reverse=True))
    assert all(not one["evidence"] and one["probability"] is None for one in answer["results"])
    beside = client.get("/api/search", params={"path": "pictures", "after": "2020", "k": "7"})
    assert beside.json()["results"] == answer["results"]
    read = client.get("/api/search", params={"q": "ext:png", "reader": "by hand"}).json()
    assert [one["kind"] for one in read["parts"]] == ["filter", "beside"]
    assert read["total"] == COUNT + 2


@pytest.mark.parametrize("line", ["", '"coffee', "entity:", "-sale", "~", "a" * 1001])
def test_a_problem_has_the_sentence_of_the_command_line(
    client: TestClient, library: Path, line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    response = client.get("/api/search", params={"q": line})
    assert response.status_code == 400
    assert response.headers["content-type"] == "application/problem+json"
    document = response.json()
    assert Problem.model_validate(document)
    assert run(["search", "-L", str(library), "--", line]) == 2
    assert capsys.readouterr().err == f"sightread: {document['detail']}\n"


@pytest.mark.parametrize(
    ("asked", "status", "said"),
    [
        ({"q": "x", "k": "0"}, 422, "k is '0'"),
        ({"q": "x", "k": "501"}, 422, "less than or equal to 500"),
        ({"q": "x", "threshold": "2"}, 422, "threshold is '2'"),
        ({"q": "x", "threshold": "nan"}, 422, "threshold"),
        ({"q": "x", "cursor": "bm9uZQ"}, 400, "The cursor is none that this service gave"),
        ({"q": "x", "cursor": "eyJvZmZzZXQiOiAtMX0"}, 400, "The cursor is none"),
        ({"q": "x", "offset": "-1"}, 422, "offset is '-1'"),
        ({"q": "x", "after": "2024 -taxi"}, 422, "after is '2024 -taxi'"),
        ({"q": "x", "sort": "size"}, 422, "sort is 'size'"),
        ({"q": "x", "explain": "maybe"}, 422, "explain is 'maybe'"),
        ({"q": "x", "again": "201"}, 422, "again is '201'"),
        ({"q": "x", "library": "other"}, 400, "There is no library other here; there is shop."),
        ({"q": "x", "also": "scene-text"}, 400, "The library has no space scene-text"),
        ({}, 400, "The query is empty"),
    ],
)
def test_what_cannot_be_asked_is_said(
    client: TestClient, asked: dict[str, str], status: int, said: str
) -> None:
    response = client.get("/api/search", params=asked)
    assert response.status_code == status
    assert said in response.json()["detail"]


def test_several_libraries(library: Path, tmp_path: Path, serve: Serve) -> None:
    twin = tmp_path / "shop.sightread"
    Library.open(str(twin), write=True, create=True).close()
    client = serve(library, twin)
    names = [one["name"] for one in client.get("/api/libraries").json()["libraries"]]
    assert names == ["shop", "shop 2"]
    totals = [
        client.get("/api/search", params={"q": "sale", "library": name}).json()["total"]
        for name in names
    ]
    assert totals == [COUNT, 0]


def test_what_is_known_of_a_picture(client: TestClient) -> None:
    [hit] = client.get("/api/search", params={"q": "coffee"}).json()["results"]
    about = client.get(f"/api/pictures/{hit['id']}").json()
    assert Picture.model_validate(about)
    assert [word["text"] for word in about["words"]] == ["SALE", "coffee", "shop"]
    assert about["title"] == "Old <b>Harbour</b>"


def test_without_an_encoder_likeness_is_refused_in_one_sentence(client: TestClient) -> None:
    [hit] = client.get("/api/search", params={"q": "coffee"}).json()["results"]
    png = picture_bytes((255, 0, 0))
    for response in (
        client.get(f"/api/similar/{hit['id']}"),
        client.post("/api/search", content=png),
    ):
        assert response.status_code == 400
        assert "this library has none" in response.json()["detail"]


def test_pictures_like_another_one(
    tmp_path: Path, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sightread.library.open_reader", lambda _: ColourReader())
    desk = Desk(tmp_path)  # red.png, green.png and blue.png, encoded by their mean colour
    desk.paint("reddish", (240, 60, 60))
    desk.index(desk.model)
    client = serve(tmp_path / "library")
    answer = client.post("/api/search", content=picture_bytes((255, 0, 0))).json()
    assert Answer.model_validate(answer)
    assert [Path(one["path"]).stem for one in answer["results"]][:2] == ["red", "reddish"]
    first = answer["results"][0]
    assert (first["probability"], first["evidence"][0]["match"]) == (None, "meaning")
    similar = client.get(f"/api/similar/{first['id']}").json()
    assert Path(similar["results"][0]["path"]).stem == "reddish"
    assert similar["total"] == 3
    wrong = client.post("/api/search", content=b"no picture")
    assert wrong.status_code == 422
    assert "the content is not a picture" in wrong.json()["detail"]
    refused = client.get(f"/api/similar/{first['id']}", params={"space": "caption"})
    assert "The library has no space caption" in refused.json()["detail"]


def picture_bytes(colour: tuple[int, int, int]) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (40, 30), colour).save(out, "PNG")
    return out.getvalue()


def test_openapi_describes_every_route(client: TestClient) -> None:
    schema = client.get("/api/openapi.json").json()
    assert set(schema["paths"]) >= {"/api/search", "/api/index/events", "/health", "/metrics"}
    examples = json.dumps(schema["components"]["schemas"]["Answer"]["example"])
    assert "COFFEE SHOP" in examples
    assert Answer.model_validate_json(examples)
