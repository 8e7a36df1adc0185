"""One question to a real HTTP server, which answers, refuses, lies, dawdles or hangs up."""

from __future__ import annotations

import email.utils
import socket
import time

import pytest
from benchmarks.faulty_endpoint import FaultyEndpoint, describe

from sightread.errors import ExplanationError
from sightread.explain import prompt
from sightread.explain.endpoint import Client, Endpoint, Fault, NotThisOne
from sightread.explain.explanation import Subject

ZORIN = Subject("Mara  Zorin")


def ask(server: FaultyEndpoint, **options: object) -> str:
    endpoint = Endpoint(server.url, "tiny", **options)  # type: ignore[arg-type]
    with Client(endpoint) as client:
        return client.ask(ZORIN)


def test_a_question_and_its_answer() -> None:
    with FaultyEndpoint(key="secret") as server:
        assert ask(server, key="secret") == describe("Mara Zorin")
        [body] = server.bodies
        assert server.headers[0]["Authorization"] == "Bearer secret"
    assert {name: body[name] for name in ("model", "temperature", "seed", "stream")} == {
        "model": "tiny",
        "temperature": 0,
        "seed": 0,
        "stream": False,
    }
    assert [message["role"] for message in body["messages"]] == ["system", "user"]
    assert "Entity: Mara Zorin." in body["messages"][1]["content"]


def test_a_caption_has_a_question_of_its_own() -> None:
    [_, question] = prompt.messages(Subject("Mara Zorin opens the bridge", "caption"))
    assert question["content"].startswith("Caption: Mara Zorin opens the bridge. Say what")


def test_the_fingerprint_changes_with_whatever_decides() -> None:
    one = Endpoint("http://127.0.0.1:1/v1", "a").fingerprint
    assert Endpoint("http://127.0.0.1:1/v1/", "a", key="k").fingerprint == one
    assert Endpoint("http://127.0.0.1:1/v1", "b").fingerprint != one
    assert Endpoint("http://127.0.0.1:2/v1", "a").fingerprint != one


@pytest.mark.parametrize(
    ("fault", "says", "wait_s"),
    [
        ("429", r"status 429 \(too many requests\)", 7.0),
        ("500", r"status 500 \(out of memory\)", None),
        ("broken", "not of the form that was asked for", None),
        ("shape", "not of the form that was asked for", None),
        ("slow", "no answer within 0.2 s", None),
        ("drip", "no whole answer within 0.2 s", None),
        ("cut", "the answer broke off", None),
    ],
)
def test_faults_that_pass(fault: str, says: str, wait_s: float | None) -> None:
    with FaultyEndpoint(share=1.0, faults=(fault,), wait_s=7, slow_s=0.5) as server:
        began = time.monotonic()
        with pytest.raises(Fault, match=says) as raised:
            ask(server, timeout_s=0.2)
        assert time.monotonic() - began < 1.0
    assert raised.value.wait_s == wait_s


def test_retry_after_as_a_date() -> None:
    with (
        FaultyEndpoint(share=1.0, faults=("429 date",), wait_s=100) as server,
        pytest.raises(Fault) as raised,
    ):
        ask(server)
    # A date has no fractions of a second.
    assert raised.value.wait_s == pytest.approx(100, abs=2)
    assert email.utils.parsedate_to_datetime("Sat, 28 Nov 2026 10:00:00 GMT").tzinfo is not None


def test_a_wrong_key_is_one_sentence() -> None:
    with FaultyEndpoint(key="secret") as server:
        for key in ("", "other"):
            with pytest.raises(ExplanationError) as raised:
                ask(server, key=key)
            assert str(raised.value) == (
                f"{server.url} refuses (status 401): it does not accept the key (Incorrect API key "
                "provided). Look at the address, the model tiny and the key."
            )


def test_a_wrong_path_is_one_sentence() -> None:
    with (
        FaultyEndpoint() as server,
        Client(Endpoint(f"{server.url}/v2", "tiny")) as client,
        pytest.raises(ExplanationError, match=r"status 404.*no such address or no such model"),
    ):
        client.ask(ZORIN)


def test_nobody_there_is_one_sentence() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/v1"
    with (
        Client(Endpoint(url, "tiny")) as client,
        pytest.raises(ExplanationError, match=rf"There is nobody at {url} .*; start the endpoint"),
    ):
        client.ask(ZORIN)


def test_who_was_there_a_moment_ago_may_come_back() -> None:
    server = FaultyEndpoint(share=1.0, faults=("cut",))
    with Client(Endpoint(server.url, "tiny")) as client:
        with server, pytest.raises(Fault, match="broke off"):
            client.ask(ZORIN)
        with pytest.raises(Fault, match="any more"):
            client.ask(ZORIN)


def test_what_is_wrong_with_one_subject_is_wrong_with_it_alone() -> None:
    def refuse(name: str) -> str:
        raise AssertionError(name)

    with FaultyEndpoint(say=refuse, status=400) as server, pytest.raises(NotThisOne, match="400"):
        ask(server)


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("", "is not the address of an endpoint; it looks like http://127.0.0.1:8080/v1"),
        ("127.0.0.1:8080/v1", "is not the address of an endpoint"),
        ("ftp://127.0.0.1/v1", "is not the address of an endpoint"),
        ("http://[/v1", "is not the address of an endpoint"),
        ("http://127.0.0.1:99999/v1", "is not the address of an endpoint"),
        ("http://me:pw@127.0.0.1/v1", "must not hold a password"),
        ("https://example.org/v1", "example.org is not this machine.*--allow-remote"),
        ("http://localhost.example.org/v1", "is not this machine"),
    ],
)
def test_addresses(url: str, says: str) -> None:
    with pytest.raises(ExplanationError, match=says):
        Endpoint(url, "tiny")


def test_odd_keys() -> None:
    with pytest.raises(ExplanationError, match="characters that no key has"):
        Endpoint("http://127.0.0.1/v1", "tiny", key="a\nb")
    assert Endpoint("https://example.org/v1", "tiny", remote=True).source == (
        "endpoint https://example.org/v1"
    )
