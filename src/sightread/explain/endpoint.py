"""Asks a language model behind an OpenAI-compatible address: llama.cpp, Ollama, vLLM, a cloud.

    POST {url}/chat/completions   {"model", "messages", "temperature": 0, "seed", "max_tokens"}

Only the name of the entity, or the caption, goes out: no picture, no path. A host beyond this
machine has to be allowed. Redirections are not followed, since they would carry the key along.
"""

from __future__ import annotations

import ipaddress
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from types import TracebackType
from typing import Any
from urllib.parse import urlsplit

import httpx2

from sightread.errors import ExplanationError
from sightread.explain import prompt
from sightread.explain.explanation import Subject

MAX_ANSWER_BYTES = 1_000_000
_CONNECT_S = 10.0
_FOR_ALL = {
    401: "it does not accept the key",
    403: "it does not let this key ask the model",
    404: "there is no such address or no such model",
    405: "this address takes no questions",
}
_PASSING = frozenset({408, 409, 425, 429})


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Whom to ask.

    Attributes:
        url: up to and with the version: http://127.0.0.1:8080/v1.
        key: sent as a bearer token; "" sends none.
        remote: whether a host beyond this machine may be asked.
        timeout_s: for a whole answer.
    """

    url: str
    model: str
    key: str = ""
    remote: bool = False
    timeout_s: float = 60.0

    def __post_init__(self) -> None:
        try:
            parts = urlsplit(self.url)
            host, _ = parts.hostname, parts.port
        except ValueError:
            parts, host = urlsplit(""), None
        if parts.scheme not in ("http", "https") or not host:
            raise ExplanationError(
                f"{self.url} is not the address of an endpoint; it looks like "
                "http://127.0.0.1:8080/v1."
            )
        if parts.username or parts.password:
            raise ExplanationError(
                "The address of an endpoint must not hold a password; put the key into an "
                "environment variable."
            )
        if not self.remote and not is_near(host):
            raise ExplanationError(
                f"{host} is not this machine, and names would be sent there; allow it with "
                "--allow-remote."
            )
        if not self.key.isascii() or not self.key.isprintable():
            raise ExplanationError("The key holds characters that no key has; set it again.")

    @property
    def source(self) -> str:
        """As it is kept beside the answers."""
        return f"endpoint {self.url.rstrip('/')}"

    @property
    def fingerprint(self) -> str:
        """See `prompt.fingerprint`."""
        return prompt.fingerprint(self.source, self.model)


class Fault(Exception):
    """It did not work this time and may the next; `wait_s` if the endpoint said when."""

    def __init__(self, reason: str, wait_s: float | None = None) -> None:
        super().__init__(reason)
        self.wait_s = wait_s


class NotThisOne(Exception):
    """The endpoint has no answer for this subject, however often it is asked."""


class Client:
    """Connections to an endpoint. May be used from several threads."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        headers = {"Authorization": f"Bearer {endpoint.key}"} if endpoint.key else {}
        self._url = f"{endpoint.url.rstrip('/')}/chat/completions"
        self._met = False
        self._client = httpx2.Client(
            timeout=httpx2.Timeout(
                endpoint.timeout_s, connect=min(endpoint.timeout_s, _CONNECT_S), pool=None
            ),
            headers=headers,
            follow_redirects=False,
            trust_env=not is_near(urlsplit(endpoint.url).hostname or ""),
        )

    def ask(self, subject: Subject) -> str:
        """One question, one answer.

        Raises:
            Fault: ask again later.
            NotThisOne: there will be no answer to this one.
            ExplanationError: there will be none to any: wrong key, wrong address, wrong model.
        """
        body = {
            "model": self.endpoint.model,
            "messages": prompt.messages(subject),
            "temperature": 0,
            "seed": 0,
            "max_tokens": prompt.MAX_TOKENS,
            "stream": False,
        }
        try:
            with self._client.stream("POST", self._url, json=body) as response:
                self._met = True
                content = self._content(response)
        except (httpx2.ConnectError, httpx2.ConnectTimeout) as error:
            raise self._nobody(error) from error
        except httpx2.InvalidURL as error:
            raise ExplanationError(f"{self.endpoint.url} is no address: {error}.") from error
        except httpx2.TimeoutException as error:
            raise Fault(f"no answer within {self.endpoint.timeout_s:g} s") from error
        except httpx2.HTTPError as error:
            raise Fault(f"the answer broke off ({type(error).__name__})") from error
        return _answer(self._checked(response, content))

    def _nobody(self, error: Exception) -> Exception:
        reason = str(error) or type(error).__name__
        if self._met:  # it was there a moment ago
            return Fault(f"there is nobody at {self.endpoint.url} any more ({reason})")
        return ExplanationError(
            f"There is nobody at {self.endpoint.url} ({reason}); start the endpoint, or correct "
            "its address."
        )

    def _content(self, response: httpx2.Response) -> bytes:
        # A limit for the whole: an endpoint that drips never runs into one for each read.
        end = time.monotonic() + self.endpoint.timeout_s
        content = bytearray()
        for part in response.iter_bytes():
            content += part
            if time.monotonic() > end:
                raise Fault(f"no whole answer within {self.endpoint.timeout_s:g} s")
            if len(content) > MAX_ANSWER_BYTES:
                raise Fault(f"the answer has more than {MAX_ANSWER_BYTES:,} bytes")
        return bytes(content)

    def _checked(self, response: httpx2.Response, content: bytes) -> bytes:
        status = response.status_code
        if 200 <= status < 300:
            return content
        said = _reason(content)
        if status in _PASSING or status >= 500:
            raise Fault(f"status {status}{said}", _retry_after(response.headers))
        if status in _FOR_ALL or status < 400:
            why = _FOR_ALL.get(status, "it sends elsewhere, name the final address")
            raise ExplanationError(
                f"{self.endpoint.url} refuses (status {status}): {why}{said}. Look at the address, "
                f"the model {self.endpoint.model} and the key."
            )
        raise NotThisOne(f"status {status}{said}")

    def close(self) -> None:
        self._client.close()

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def is_near(host: str) -> bool:
    """Whether a host name means this machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _answer(content: bytes) -> str:
    try:
        choice = json.loads(content)["choices"][0]
        text = choice["message"]["content"]
    except (ValueError, KeyError, IndexError, TypeError, RecursionError) as error:
        raise Fault(f"the answer is not of the form that was asked for ({error!r})") from error
    if text is None:  # refused, or all tokens went into reasoning
        return ""
    if not isinstance(text, str):
        raise Fault("the answer is no text")
    return text


def _reason(content: bytes) -> str:
    """What the endpoint says of an error, as an ending of a sentence."""
    try:
        said: Any = json.loads(content)["error"]
        said = said["message"] if isinstance(said, dict) else said
    except (ValueError, KeyError, TypeError, RecursionError):
        return ""
    text = " ".join(str(said).split())[:200].rstrip(".")
    return f" ({text})" if text else ""


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds, from a number or a date (RFC 9110, 10.2.3)."""
    value = headers.get("retry-after", "").strip()
    if value.isdecimal():
        return float(value)
    try:
        at = parsedate_to_datetime(value)
    except ValueError:
        return None
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    return max(0.0, (at - datetime.now(UTC)).total_seconds())
