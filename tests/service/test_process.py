"""The service as a process: indexing beside it, being killed, clients that mean no good."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx2
import pytest
from PIL import Image, ImageDraw, ImageFont

from sightread.errors import LibraryError, UsageError
from sightread.library import IndexProgress, Library
from sightread.remote import RemoteLibrary
from sightread.service.indexing import UNFINISHED
from tests.service.conftest import fill
from tests.serving import Served, served

CLIENTS = 60
WORDS = ("COFFEE", "HARBOUR", "STATION", "TICKET", "MARKET", "GARDEN")


def paint(folder: Path, count: int) -> None:
    """Pictures that say one word each, no two the same file."""
    folder.mkdir(exist_ok=True)
    font = ImageFont.load_default(size=60)
    for number in range(count):
        image = Image.new("RGB", (480 + number, 200), "white")
        ImageDraw.Draw(image).text((40, 60), WORDS[number % len(WORDS)], "black", font)
        image.save(folder / f"{number:03}.png")


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    paint(tmp_path / "photos", 6)
    (tmp_path / "photos" / "broken.png").write_bytes(b"not a picture")
    return tmp_path / "photos"


@pytest.fixture
def service(photos: Path, tmp_path: Path) -> Iterator[Served]:
    library = str(tmp_path / "new.sightread")
    with served(library, "--folder", str(photos), cache=str(tmp_path / "cache")) as running:
        yield running


@pytest.fixture(scope="module")
def steady(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A service that nothing happens to, whatever it is told."""
    base = tmp_path_factory.mktemp("steady")
    with served(str(fill(base)), cache=str(base / "cache")) as running:
        yield running


def test_a_new_library_is_filled_over_the_network(service: Served, photos: Path) -> None:
    with RemoteLibrary(service.url) as library:
        assert library.search("coffee").total == 0
        moments: list[IndexProgress] = []
        report = library.index([str(photos)], progress=moments.append)
        assert (report.new, report.failed, report.interrupted) == (6, 1, False)
        assert moments[-1].done == 7
        assert library.search("coffee").total == 1
        [failure] = library.failures()
        assert failure.path == str(photos / "broken.png")
        paint(photos, 1)
        (photos / "000.png").rename(photos / "broken.png")
        assert library.retry().failed == 0
        assert library.failures() == []
        with pytest.raises(UsageError, match="There is no folder"):
            library.index([str(photos / "nowhere")])
        links = photos / "out"
        links.symlink_to("/etc")
        answer = httpx2.post(f"{service.url}api/index", json={"folders": [str(links)]})
        assert (answer.status_code, answer.json()["title"]) == (403, "Forbidden")
        dotted = httpx2.post(f"{service.url}api/index", json={"folders": [f"{photos}/../.."]})
        assert dotted.status_code == 403


def test_links_that_lead_out_leak_nothing(service: Served, photos: Path, tmp_path: Path) -> None:
    paint(tmp_path / "secret", 1)
    (photos / "out").symlink_to(tmp_path / "secret")
    (photos / "out.png").symlink_to(tmp_path / "secret" / "000.png")
    (photos / "000.png").unlink()  # it was the same picture
    with RemoteLibrary(service.url) as library:
        report = library.index([str(photos)])
        assert (report.new, report.failed) == (5, 2)
        assert f"{photos / 'out'} was passed over, since it leads out" in report.warnings[0]
        assert (
            "leads out"
            in {one.path: one.reason for one in library.failures()}[str(photos / "out.png")]
        )
        assert library.search("coffee").total == 0
        assert library.retry().failed == 1  # the other one is not even tried
        assert len(library.failures()) == 2


def test_nothing_is_tried_again_that_may_not_be_indexed(steady: Served) -> None:
    answer = httpx2.post(f"{steady.url}api/failed/retry", json={})
    assert (answer.status_code, answer.json()["title"]) == (403, "Forbidden")


def test_searches_are_answered_while_an_index_runs(
    service: Served, photos: Path, tmp_path: Path
) -> None:
    paint(photos, 400)
    with httpx2.Client(base_url=service.url) as client:
        assert client.post("/api/index", json={}).status_code == 202
        refused = client.post("/api/index", json={})
        assert (refused.status_code, "already" in refused.json()["detail"]) == (409, True)
        wait_for(client, lambda run: run["state"] == "running" and run["progress"] is not None)
        times = []
        for _ in range(20):
            began = time.monotonic()
            assert client.get("/api/search", params={"q": "coffee"}).status_code == 200
            times.append(time.monotonic() - began)
        assert sorted(times)[10] < 0.3
        assert client.post("/api/index/stop", json={}).status_code == 202
        run = wait_for(client, lambda run: run["state"] in ("stopped", "done"))
        assert run["report"]["interrupted"] is (run["state"] == "stopped")
        assert client.post("/api/index/stop", json={}).status_code == 409
    assert not (tmp_path / "new.sightread" / UNFINISHED).exists()


def test_a_killed_service_goes_on_indexing_when_it_is_started_again(
    photos: Path, tmp_path: Path
) -> None:
    paint(photos, 18)
    place = (str(tmp_path / "new.sightread"), "--folder", str(photos))
    with served(*place, cache=str(tmp_path)) as first:
        with httpx2.Client(base_url=first.url) as client:
            client.post("/api/index", json={})
            wait_for(client, lambda run: (run["progress"] or {"done": 0})["done"] > 0)
        first.kill()
    assert (tmp_path / "new.sightread" / UNFINISHED).exists()
    wait_until_free(place[0])  # the run it had started ends in good order
    with (
        served(*place, cache=str(tmp_path)) as second,
        httpx2.Client(base_url=second.url) as client,
    ):
        run = wait_for(client, lambda run: run["state"] == "done")
        assert run["report"]["unchanged"] + run["report"]["new"] == 18
        for word in WORDS:
            found = client.get("/api/search", params={"q": f'"{word}"~0', "threshold": 0})
            assert found.json()["total"] >= 18 // len(WORDS)
    assert not (tmp_path / "new.sightread" / UNFINISHED).exists()


def test_ctrl_c_ends_it_in_good_order(service: Served, tmp_path: Path, photos: Path) -> None:
    paint(photos, 40)
    with httpx2.Client(base_url=service.url) as client:
        client.post("/api/index", json={})
        wait_for(client, lambda run: (run["progress"] or {"done": 0})["done"] > 0)
        with client.stream("GET", "/api/index/events") as events:  # somebody follows
            next(events.iter_lines())
            began = time.monotonic()
            service.process.send_signal(signal.SIGINT)
            service.process.wait(30)
    assert time.monotonic() - began < 25
    with Library.open(str(tmp_path / "new.sightread"), write=True) as library:  # the lock is free
        assert library.status().pictures > 0


def wait_for(
    client: httpx2.Client, wanted: Callable[[dict[str, Any]], bool], limit_s: float = 60.0
) -> dict[str, Any]:
    deadline = time.monotonic() + limit_s
    while time.monotonic() < deadline:
        run: dict[str, Any] = client.get("/api/index").json()
        if wanted(run):
            return run
        time.sleep(0.05)
    raise AssertionError(f"still {run}")


def wait_until_free(library: str, limit_s: float = 30.0) -> None:
    deadline = time.monotonic() + limit_s
    while True:
        try:
            Library.open(library, write=True).close()
            return
        except LibraryError:
            assert time.monotonic() < deadline
            time.sleep(0.1)


# --- hostile clients --------------------------------------------------------------------------


def connect(service: Served) -> socket.socket:
    address = urlsplit(service.url)
    return socket.create_connection((address.hostname, address.port or 0), timeout=20)


def told(service: Served, request: bytes) -> bytes:
    """All that is answered to these bytes."""
    answer = b""
    # Who is sent away before all of a request was read is hung up on.
    with connect(service) as wire, suppress(ConnectionResetError, BrokenPipeError):
        wire.sendall(request)
        while piece := wire.recv(65536):
            answer += piece
    return answer


HOSTILE = [
    b"GET /web/../../../etc/passwd HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n",
    b"GET /web/%2e%2e/%2e%2e/app.py HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n",
    b"GET //etc/passwd HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n",
    b"GET /api/search?q=x%0d%0aX-Injected:%201 HTTP/1.1\r\nHost: 127.0.0.1\r\n"
    b"Connection: close\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n",
    b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n",
    b"GET /" + b"a" * 200_000 + b" HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    b"POST /api/search HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 99999999999\r\n\r\n",
    b"POST /api/forget HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 5\r\n"
    b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET / HTTP/1.1\r\n\r\n",
]


def test_raw_hostile_requests_leak_nothing(steady: Served) -> None:
    for request in HOSTILE:
        answer = told(steady, request)
        assert answer == b"" or answer.split(b" ", 2)[1].startswith(b"4") or b"passwd" not in answer
        for leak in (b"root:", b"Traceback", b"\r\nX-Injected", b"create_app"):
            assert leak not in answer
    assert httpx2.get(f"{steady.url}health").json()["status"] == "ok"


UNREADABLE = [
    (b"GET /" + b"a" * 200_000 + b" HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", 414, "65,536 bytes"),
    (b"GET /api/zip?ids=" + b"1," * 4_000_000 + b" HTTP/1.1\r\n\r\n", 414, "fewer things"),
    (b"GET / HTTP/1.1\r\nX-Long: " + b"a" * 200_000 + b"\r\n\r\n", 431, "65,536 bytes"),
    (b"\x16\x03\x01\x02\x00\x01\r\n\r\n", 400, "no HTTP request"),
]


@pytest.mark.parametrize(("request_", "status", "sentence"), UNREADABLE)
def test_what_is_no_request_gets_a_problem_document(
    steady: Served, request_: bytes, status: int, sentence: str
) -> None:
    with connect(steady) as wire:
        # All of it is taken and the whole answer arrives: nothing is reset.
        wire.sendall(request_)
        answer = b""
        while piece := wire.recv(65536):
            answer += piece
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 %d " % status)
    assert b"content-type: application/problem+json" in head.lower()
    document = json.loads(body)
    assert document["status"] == status
    assert sentence in document["detail"]


def test_one_connection_too_many_is_told_so(tmp_path: Path) -> None:
    Library.open(str(tmp_path / "library"), write=True, create=True).close()
    options = (str(tmp_path / "library"), "--connections", "2")
    with served(*options, cache=str(tmp_path)) as service, connect(service), connect(service):
        answer = httpx2.get(f"{service.url}health")
        assert answer.status_code == 503
        assert answer.headers["content-type"] == "application/problem+json"
        assert "--connections" in answer.json()["detail"]


def test_many_clients_at_once(steady: Served) -> None:
    statuses: list[int] = []

    def ask() -> None:
        with httpx2.Client(base_url=steady.url, timeout=60) as client:
            statuses.append(client.get("/api/search", params={"q": "coffee"}).status_code)

    clients = [threading.Thread(target=ask) for _ in range(CLIENTS)]
    for one in clients:
        one.start()
    for one in clients:
        one.join()
    assert len(statuses) == CLIENTS
    assert set(statuses) <= {200, 429, 503}  # some may be sent away, none is forgotten
    assert statuses.count(200) >= CLIENTS // 2
    assert httpx2.get(f"{steady.url}health").status_code == 200


def test_who_sends_nothing_is_hung_up_on(tmp_path: Path) -> None:
    Library.open(str(tmp_path / "library"), write=True, create=True).close()
    code = (
        "from sightread.service import http1, serving\n"
        "http1._HEADERS_S = 0.3\n"
        "from sightread.service.settings import Settings\n"
        f"settings = Settings(({str(tmp_path / 'library')!r},), cache={str(tmp_path)!r})\n"
        "import sys\n"
        "serving.serve(settings, lambda url: print(f'serves at {url} ', file=sys.stderr))\n"
    )
    with served("-c", code, cache=str(tmp_path), python=True) as service:
        with connect(service) as slow:
            slow.sendall(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n")
            began = time.monotonic()
            assert slow.recv(10) == b""
            assert time.monotonic() - began < 10
        kept = httpx2.get(f"{service.url}health")
        assert kept.status_code == 200


def test_nothing_is_reported_to_anybody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Library.open(str(tmp_path / "library"), write=True, create=True).close()
    with socket.create_server(("127.0.0.1", 0)) as collector:
        address = f"http://127.0.0.1:{collector.getsockname()[1]}"
        monkeypatch.setenv("FASTAPI_OTEL_AUTO_CONFIGURE", "true")
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", address)
        monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "50")
        monkeypatch.setenv("OTEL_METRIC_EXPORT_INTERVAL", "50")
        # Were it not switched off, it would not even start: its exporters are not installed.
        with served(str(tmp_path / "library"), cache=str(tmp_path / "cache")) as service:
            for path in ("health", "api/search?q=coffee", "api/search?q=-", "nowhere"):
                httpx2.get(f"{service.url}{path}")
        collector.settimeout(0.2)
        with pytest.raises(TimeoutError):
            collector.accept()


def test_a_port_that_is_taken(steady: Served, tmp_path: Path) -> None:
    port = str(urlsplit(steady.url).port)
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "sightread",
            "serve",
            str(tmp_path / "new.sightread"),
            "--port",
            port,
        ],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 2
    assert done.stderr.startswith(f"sightread: 127.0.0.1, port {port} cannot be listened on: ")
    assert done.stderr.count("\n") == 1
