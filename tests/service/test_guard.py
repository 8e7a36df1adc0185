"""Who may call, from where, how often, with how much; and what an answer may do in a browser."""

from __future__ import annotations

import asyncio
import json
import threading
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from sightread.cli.entry import run
from sightread.errors import UsageError
from sightread.service.guard import CONTENT_POLICY
from sightread.service.indexing import UNFINISHED
from sightread.service.lane import Lane
from sightread.service.problems import Refused
from sightread.service.settings import Settings
from tests.service.conftest import Serve, fill

TOKEN = "a token of many letters"


def test_other_names_are_refused(client: TestClient, library: Path, serve: Serve) -> None:
    for host in ("evil.example", "127.0.0.1.evil.example", "", "localhost.", "[", "a b"):
        response = client.get("/api/libraries", headers={"Host": host})
        assert response.status_code == 421
        assert response.headers["content-type"] == "application/problem+json"
    for host in ("localhost", "localhost:7878", "127.0.0.1:1", "[::1]:80", "[::1]"):
        assert client.get("/health", headers={"Host": host}).status_code == 200
    named = serve(library, hosts=("pictures.example",))
    assert named.get("/health", headers={"Host": "Pictures.Example:80"}).status_code == 200


def test_pages_of_others_cannot_change_anything(client: TestClient) -> None:
    body = {"missing": True}
    response = client.post("/api/forget", headers={"Origin": "https://evil.example"}, json=body)
    assert response.status_code == 403
    assert "may not use this service" in response.json()["detail"]
    assert client.post("/api/forget", headers={"Origin": "null"}, json=body).status_code == 403
    own = client.post("/api/forget", headers={"Origin": "http://127.0.0.1"}, json={})
    assert own.status_code == 400  # let in, and told that it says nothing


def test_no_page_of_others_may_read_unless_it_was_allowed(library: Path, serve: Serve) -> None:
    friend = {"Origin": "https://friend.example"}
    closed = serve(library)
    assert "access-control-allow-origin" not in closed.get("/health", headers=friend).headers
    opened = serve(library, origins=("https://friend.example",))
    answer = opened.get("/health", headers=friend)
    assert answer.headers["access-control-allow-origin"] == "https://friend.example"
    other = opened.get("/health", headers={"Origin": "https://evil.example"})
    assert "access-control-allow-origin" not in other.headers
    preflight = opened.options(
        "/api/search", headers={**friend, "Access-Control-Request-Method": "POST"}
    )
    assert preflight.status_code == 200


@pytest.mark.parametrize("path", ["/", "/health", "/api/search?q=x", "/nowhere", "/web/main.js"])
def test_every_answer_is_held_in(client: TestClient, path: str) -> None:
    headers = client.get(path).headers
    assert headers["content-security-policy"] == CONTENT_POLICY
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cross-origin-resource-policy"] == "same-origin"


def test_a_token_opens_the_door(library: Path, serve: Serve) -> None:
    client = serve(library, token=TOKEN)
    assert client.get("/health").json()["token"] is True
    assert client.get("/").status_code == 200
    for path in ("/api/libraries", "/api/search?q=x", "/metrics", "/api/pictures/x/thumb"):
        response = client.get(path)
        assert response.status_code == 401
        assert response.headers["www-authenticate"] == "Bearer"
    for wrong in ("Bearer", f"Basic {TOKEN}", f"Bearer {TOKEN}x", "Bearer \xff"):
        headers = {"Authorization": wrong.encode("latin-1")}
        assert client.get("/api/libraries", headers=headers).status_code == 401  # type: ignore[arg-type]
    right = {"Authorization": f"Bearer {TOKEN}"}
    assert client.get("/api/libraries", headers=right).status_code == 200


def test_a_browser_exchanges_the_token_for_a_cookie(library: Path, serve: Serve) -> None:
    client = serve(library, token=TOKEN)
    assert client.post("/api/session", json={"token": "wrong"}).status_code == 401
    given = client.post("/api/session", json={"token": TOKEN})
    assert given.status_code == 204
    cookie = given.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    assert TOKEN not in cookie
    assert client.get("/api/libraries").status_code == 200  # the client sends the cookie
    client.cookies.clear()
    assert client.get("/api/libraries").status_code == 401


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        (Settings(("x",), host="0.0.0.0"), "so a token is needed"),
        (Settings(("x",), host="::"), "so a token is needed"),
        (Settings(("x",), host="pictures.example"), "so a token is needed"),
        (Settings(("x",), token="short"), "it needs at least 16"),
        (Settings(()), "No library was named"),
        (Settings(("x",), port=70000), "it must be 0"),
        (Settings(("x",), per_second=0.0), "--rate is 0; it must be more than 0"),
        (Settings(("x",), search_timeout_s=-1.0), "--timeout is -1"),
        (Settings(("x",), waiting=-1), "--waiting is -1; it must be at least 0"),
        (Settings(("x",), folders=("/no/such/folder",)), "There is no folder /no/such/folder"),
    ],
)
def test_what_cannot_be_served_safely_is_refused(settings: Settings, sentence: str) -> None:
    with pytest.raises(UsageError, match=sentence):
        settings.check()


def test_who_asks_too_often_has_to_wait(library: Path, serve: Serve) -> None:
    client = serve(library, per_second=1.0, burst=3)
    statuses = [client.get("/health").status_code for _ in range(5)]
    assert statuses == [200, 200, 200, 429, 429]
    refused = client.get("/health")
    assert int(refused.headers["retry-after"]) >= 1
    assert "slow down" in refused.json()["detail"]


def test_the_limits_are_options_of_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[Settings] = []
    monkeypatch.setattr("sightread.service.serving.serve", lambda given, _: told.append(given))
    asked = "serve x --rate 5 --burst 6 --upload-mb 0.5 --timeout 2.5 --waiting 7 --connections 8"
    assert run(asked.split()) == 0
    assert run(["serve", "x"]) == 0
    [given, plain] = told
    assert (given.per_second, given.burst, given.upload_bytes) == (5.0, 6, 500_000)
    assert (given.search_timeout_s, given.picture_timeout_s) == (2.5, 2.5)
    assert (given.waiting, given.connections) == (7, 8)
    assert plain == Settings(plain.libraries, port=7878)


def test_a_folder_that_became_a_link_may_not_be_indexed(tmp_path: Path, serve: Serve) -> None:
    library, folder = fill(tmp_path), tmp_path / "in"
    folder.mkdir()
    client = serve(library, folders=(str(folder),))
    folder.rmdir()
    folder.symlink_to(tmp_path / "pictures")
    refused = client.post("/api/index", json={"folders": [str(folder)]})
    assert (refused.status_code, f"allowed are: {folder}" in refused.text) == (403, True)


def test_a_run_does_not_go_on_where_nothing_may_be_indexed(tmp_path: Path, serve: Serve) -> None:
    library = fill(tmp_path)
    note = library / UNFINISHED
    note.write_text(json.dumps({"folders": [str(tmp_path / "pictures")], "options": {}}))
    assert serve(library).get("/api/index").json()["state"] == "idle"
    assert note.exists()  # for a service that may


def test_large_bodies_are_refused_before_they_are_read(library: Path, serve: Serve) -> None:
    client = serve(library, upload_bytes=1000)
    said = client.post("/api/search", content=b"x" * 1001)
    assert said.status_code == 413
    assert "0.001 MB, the limit" in said.json()["detail"]

    def pieces() -> object:  # its length is not said
        for _ in range(20):
            yield b"x" * 100

    assert client.post("/api/search", content=pieces()).status_code == 413  # type: ignore[arg-type]
    large = client.post("/api/forget", content=b"[" * 1_000_001)
    assert large.status_code == 413


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"null", b'{"pictures": 5}', b'{"x": 1}', b"[" * 50_000, b"\xff"]
)
def test_malformed_bodies_get_a_document(client: TestClient, body: bytes) -> None:
    response = client.post(
        "/api/forget", content=body, headers={"Content-Type": "application/json"}
    )
    assert response.status_code in (400, 422)
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json()["detail"].endswith(".")


def test_what_is_not_there_gets_a_document(client: TestClient) -> None:
    for method, path, status in (
        ("GET", "/nowhere", 404),
        ("GET", "/web/../app.py", 404),
        ("GET", "/web/%2e%2e/app.py", 404),
        ("GET", "/web/..%2fapp.py", 404),
        ("DELETE", "/api/search", 405),
        ("GET", "/docs", 404),
    ):
        response = client.request(method, path)
        assert response.status_code == status
        assert response.headers["content-type"] == "application/problem+json"


def test_nothing_is_loaded_from_elsewhere() -> None:
    import sightread.service.app as app

    for file in app.WEB.iterdir():
        text = file.read_text("utf-8").replace("http://www.w3.org/", "")
        assert "http://" not in text
        assert "https://" not in text
        assert "innerHTML" not in text
        assert "eval(" not in text
    page = (app.WEB / "index.html").read_text("utf-8")
    assert "<style" not in page
    assert " style=" not in page
    assert " on" not in page.replace(" one", "")


def test_a_full_lane_sends_away_and_a_slow_one_gives_up() -> None:
    async def crowd() -> None:
        lane = Lane("searches", threads=1, waiting=1, timeout_s=0.5)
        release = threading.Event()
        first = asyncio.ensure_future(lane.run(release.wait))
        second = asyncio.ensure_future(lane.run(lambda: "second"))
        await asyncio.sleep(0.05)
        with pytest.raises(Refused, match="too many searches are waiting") as busy:
            await lane.run(lambda: "third")
        assert (busy.value.status, busy.value.headers) == (503, {"Retry-After": "1"})
        with pytest.raises(Refused, match=r"longer than 0\.5 s"):
            await first
        with pytest.raises(Refused):
            await second
        release.set()
        await asyncio.sleep(0.05)
        assert await lane.run(lambda: "later") == "later"  # room again
        lane.close()

    asyncio.run(crowd())


def test_figures_are_for_prometheus(client: TestClient) -> None:
    client.get("/api/search", params={"q": "sale"})
    client.get("/api/pictures/0000000000000000/thumb")
    text = client.get("/metrics").text
    assert 'sightread_requests_total{method="GET",route="/api/search",status="200"} 1.0' in text
    assert 'route="/api/pictures/{picture}/thumb",status="404"' in text
    assert 'sightread_indexing{library="shop"} 0.0' in text
    assert "0000000000000000" not in text
