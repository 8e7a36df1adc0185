"""A library that is served somewhere else, with the methods and types of `library.Library`.

What the service sends is rounded as the command line prints it: scores to six digits, boxes to a
tenth of a pixel, times to the second.
"""

from __future__ import annotations

import ipaddress
import json
import os
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict
from types import TracebackType
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, unquote, urlsplit

import httpx2

from sightread import errors, unwire
from sightread.errors import (
    QueryError,
    ServiceError,
    SightreadError,
    UnsupportedFilter,
    UsageError,
)
from sightread.library import Status
from sightread.search.engine import Sort
from sightread.search.ledger import Failure
from sightread.search.progress import IndexProgress, IndexReport
from sightread.search.query import format_query, parse
from sightread.types import AllOf, Compare, Filter, PictureId, PictureRecord, Query, Result

if TYPE_CHECKING:
    from sightread.search.ingest import IndexOptions

TOKEN_VARIABLE = "SIGHTREAD_TOKEN"
_MOST_AT_ONCE = 500
_TIMEOUT_S = 60.0
_GOING = ("running", "stopping")


class RemoteLibrary:
    """A library behind a service.

        with RemoteLibrary("http://127.0.0.1:7878") as library:
            for hit in library.search('"coffee shop"').hits:
                print(hit.path, hit.probability)

    Args:
        url: the address of the service, or of its page: `?library=NAME` and `#token=TOKEN` in it
            are understood.
        token: if the service wants one; None: that of the address, or $SIGHTREAD_TOKEN.

    Raises:
        UsageError: the address is none.
    """

    def __init__(self, url: str, *, token: str | None = None) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise UsageError(
                f"{url} is not the address of a service; it looks like http://127.0.0.1:7878."
            )
        self._url = f"{parts.scheme}://{parts.netloc}"
        self._name = next(iter(parse_qs(parts.query).get("library", ())), None)
        given = parts.fragment.partition("token=")[2]
        token = token or unquote(given) or os.environ.get(TOKEN_VARIABLE)
        self._client = httpx2.Client(
            base_url=self._url,
            timeout=_TIMEOUT_S,
            headers={"Authorization": f"Bearer {token}"} if token else {},
            trust_env=not _is_near(parts.hostname),  # a proxy knows nothing of this machine
        )

    def search(
        self,
        query: str | Query,
        *,
        k: int = 20,
        offset: int = 0,
        threshold: float | None = None,
        also: Sequence[str] = (),
        sort: Sort = "relevance",
        explain: bool = True,
        again: int = 0,
    ) -> Result:
        """As `Library.search`."""
        if k < 1 or offset < 0:
            raise UsageError(
                f"k is {k} and offset is {offset}; k must be at least 1, offset at least 0."
            )
        asked: dict[str, Any] = {**_spelled(query), "also": list(also), "sort": sort}
        if threshold is not None:
            asked["threshold"] = threshold
        if not explain:
            asked["explain"] = "off"
        if again:
            asked["again"] = again
        return self._paged(lambda page: self._get("/api/search", asked | page), k, offset)

    def similar(
        self, picture: str | bytes, *, k: int = 20, offset: int = 0, space: str | None = None
    ) -> Result:
        """As `Library.similar`."""
        asked = {"space": space} if space else {}
        if isinstance(picture, bytes):
            return self._paged(
                lambda page: self._ask(
                    "POST", "/api/search", params=self._named(asked | page), content=picture
                ),
                k,
                offset,
            )
        path = f"/api/similar/{self._id(picture)}"
        return self._paged(lambda page: self._get(path, asked | page), k, offset)

    def picture(self, path_or_id: str) -> PictureRecord:
        """As `Library.picture`, but regions are those written in the picture, and embeddings have
        their areas only: vectors of no dimensions."""
        return unwire.picture(self._get(f"/api/pictures/{self._id(path_or_id)}", {}))

    def original(self, path_or_id: str) -> tuple[PictureRecord, bytes]:
        """As `Library.original`."""
        record = self.picture(path_or_id)
        path = f"/api/pictures/{record.id:016x}/file"
        return record, self._reach("GET", path, params=self._named({})).content

    def status(self) -> Status:
        """As `Library.status`."""
        libraries = self._get("/api/libraries", {})["libraries"]
        names = [one["name"] for one in libraries]
        if self._name is not None and self._name not in names:
            raise UsageError(f"There is no library {self._name} here; there is {', '.join(names)}.")
        return unwire.status(libraries[names.index(self._name) if self._name else 0])

    def failures(self) -> list[Failure]:
        """As `Library.failures`; sizes and times of files are not known here."""
        found: list[Failure] = []
        cursor: str | None = None
        while True:
            asked: dict[str, Any] = {"k": _MOST_AT_ONCE}
            answer = self._get("/api/failed", asked | ({"cursor": cursor} if cursor else {}))
            found += [unwire.failure(one) for one in answer["failures"]]
            cursor = answer["cursor"]
            if cursor is None:
                return found

    def index(
        self,
        folders: Sequence[str],
        options: IndexOptions | None = None,
        progress: Callable[[IndexProgress], None] | None = None,
    ) -> IndexReport:
        """As `Library.index`; folders are those of the machine that serves, which has to allow
        it, and says with which reader and encoder. The first Ctrl-C lets it stop in good
        order."""
        body = {"folders": [os.path.abspath(folder) for folder in folders]}
        return self._run("/api/index", body, options, progress)

    def retry(
        self,
        progress: Callable[[IndexProgress], None] | None = None,
        options: IndexOptions | None = None,
    ) -> IndexReport:
        """As `Library.retry`."""
        return self._run("/api/failed/retry", {}, options, progress)

    def forget(self, paths_or_ids: Sequence[str]) -> int:
        """As `Library.forget`."""
        if not paths_or_ids:
            return 0
        names = [one if _looks_like_id(one) else os.path.abspath(one) for one in paths_or_ids]
        return int(self._post("/api/forget", {"pictures": names})["forgotten"])

    def forget_missing(self) -> int:
        """As `Library.forget_missing`."""
        return int(self._post("/api/forget", {"missing": True})["forgotten"])

    def switch_entities(self, on: bool) -> bool:
        """Not over the network.

        Raises:
            UsageError: always; who has the library decides about it.
        """
        raise UsageError(
            f"Whether entities may be searched for is decided where the library lies, not over "
            f"the network: run `sightread entities {'on' if on else 'off'}` there."
        )

    def ids(self, paths_or_ids: Sequence[str]) -> list[PictureId]:
        """As `Library.ids`."""
        names = [one if _looks_like_id(one) else os.path.abspath(one) for one in paths_or_ids]
        answer = self._post("/api/ids", {"pictures": names}) if names else {"ids": []}
        return [int(one, 16) for one in answer["ids"]]

    def close(self) -> None:
        self._client.close()

    def __enter__(self) -> RemoteLibrary:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    # --- pages and runs --------------------------------------------------------------------

    def _paged(self, ask: Callable[[dict[str, int]], Any], k: int, offset: int) -> Result:
        """One answer, however many pages of the service it takes."""
        result = unwire.result(ask({"k": min(k, _MOST_AT_ONCE), "offset": offset}))
        hits = list(result.hits)
        while len(hits) < min(k, result.total - offset):
            page = {"k": min(k - len(hits), _MOST_AT_ONCE), "offset": offset + len(hits)}
            more = unwire.result(ask(page)).hits
            if not more:
                break
            hits += more
        return unwire.with_hits(result, hits)

    def _run(
        self,
        path: str,
        body: Mapping[str, Any],
        options: IndexOptions | None,
        progress: Callable[[IndexProgress], None] | None,
    ) -> IndexReport:
        given = asdict(options) if options is not None else {}
        given.pop("within", None)  # the service says how far a run may go
        self._post(path, {**body, "options": given})
        state: dict[str, Any] = {"state": "running"}
        while state["state"] in _GOING:
            try:
                state = self._follow(progress)
            except KeyboardInterrupt:
                self._post("/api/index/stop", {})
        if state["report"] is None:
            raise _error(state["kind"], state["error"])
        return IndexReport(**{**state["report"], "warnings": tuple(state["report"]["warnings"])})

    def _follow(self, progress: Callable[[IndexProgress], None] | None) -> dict[str, Any]:
        """Tell how a run goes, until it ends or the connection does; returns the last state."""
        state: dict[str, Any] = {"state": "running"}
        with closing(self._states()) as states:
            for state in states:
                if progress is not None and state["progress"] is not None:
                    progress(IndexProgress(**state["progress"]))
                if state["state"] not in _GOING:
                    break
        return state

    def _states(self) -> Generator[dict[str, Any], None, None]:
        try:
            with self._client.stream(
                "GET", "/api/index/events", params=self._named({})
            ) as response:
                self._check(response)
                for line in response.iter_lines():
                    if line.startswith("data: "):
                        yield json.loads(line.removeprefix("data: "))
        except httpx2.TransportError as error:
            raise self._unreachable(error) from error

    # --- one request -----------------------------------------------------------------------

    def _id(self, path_or_id: str) -> str:
        if _looks_like_id(path_or_id):
            return path_or_id
        path = os.path.abspath(os.path.expanduser(path_or_id))
        answer = self._post("/api/ids", {"pictures": [path]})
        found: list[str] = answer["ids"]
        if not found:
            raise errors.NotInLibrary(
                f"{path_or_id} is not in the library; give the path of an indexed file, or an id "
                "as `sightread search --json` prints it."
            )
        return found[0]

    def _named(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        return {**asked, **({"library": self._name} if self._name else {})}

    def _get(self, path: str, asked: Mapping[str, Any]) -> Any:
        return self._ask("GET", path, params=self._named(asked))

    def _post(self, path: str, body: Mapping[str, Any]) -> Any:
        return self._ask("POST", path, json=self._named(body))

    def _ask(self, method: str, path: str, **more: Any) -> Any:
        return self._reach(method, path, **more).json()

    def _reach(self, method: str, path: str, **more: Any) -> httpx2.Response:
        try:
            response = self._client.request(method, path, **more)
        except httpx2.TransportError as error:
            raise self._unreachable(error) from error
        self._check(response)
        return response

    def _check(self, response: httpx2.Response) -> None:
        if response.is_success:
            return
        response.read()
        try:
            document = response.json()
            detail, kind = str(document["detail"]), document.get("kind", "")
        except (ValueError, KeyError, TypeError, AttributeError):
            detail, kind = f"{self._url} is no Sightread service: {response.status_code}.", ""
        raise _error(kind, detail, document.get("position", 0) if kind == "QueryError" else 0)

    def _unreachable(self, error: Exception) -> ServiceError:
        reason = str(error) or type(error).__name__
        return ServiceError(
            f"There is no service at {self._url} ({reason}); check the address, or start one with "
            "`sightread serve`."
        )


def _error(kind: str | None, sentence: str, position: int = 0) -> SightreadError:
    if kind == "QueryError":
        return QueryError(sentence, position)
    known = getattr(errors, kind or "", None)
    if isinstance(known, type) and issubclass(known, SightreadError):
        return known(sentence)
    return ServiceError(sentence)


def _spelled(query: str | Query) -> dict[str, str]:
    """The query as parameters; two filters that no line can spell have their own."""
    parsed = parse(query) if isinstance(query, str) else query
    beside: dict[str, str] = {}
    kept: list[Filter] = []
    where = parsed.where
    top = where.parts if isinstance(where, AllOf) else (where,) if where is not None else ()
    for part in top:
        match part:
            case Compare("id", "eq", int() as number):
                beside["id"] = f"{number:016x}"
            case Compare("reader", "eq", str() as reader):
                beside["reader"] = reader
            case _:
                kept.append(part)
    rest = AllOf(tuple(kept)) if len(kept) > 1 else kept[0] if kept else None
    line = format_query(Query(parsed.terms, rest))
    if rest is not None and parse(line).where != rest:
        raise UnsupportedFilter(f"A service cannot be asked for the filters of {line}.")
    return {"q": line, **beside}


def _looks_like_id(text: str) -> bool:
    return len(text) == 16 and not set(text) - set("0123456789abcdef")


def _is_near(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
