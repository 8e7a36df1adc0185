"""What the service counts about itself, for Prometheus."""

from __future__ import annotations

import time

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sightread.version import __version__

_METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}
_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 1.0, 2.5, 5.0, 10.0)


class Figures:
    """Counters of one service; two in one process do not share any."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "sightread_requests",
            "Requests answered.",
            ["method", "route", "status"],
            registry=self.registry,
        )
        self.seconds = Histogram(
            "sightread_request_seconds",
            "Time until an answer began.",
            ["route"],
            buckets=_SECONDS,
            registry=self.registry,
        )
        version = Gauge(
            "sightread_info", "Which version runs.", ["version"], registry=self.registry
        )
        version.labels(__version__).set(1)

    def gauges(self, values: dict[str, tuple[str, dict[str, float]]]) -> list[Metric]:
        """Gauges by name: what they mean, and a value for each library."""
        found: list[Metric] = []
        for name, (meaning, by_library) in values.items():
            family = GaugeMetricFamily(name, meaning, labels=["library"])
            for library, value in by_library.items():
                family.add_metric([library], value)
            found.append(family)
        return found

    def text(self, values: dict[str, tuple[str, dict[str, float]]]) -> bytes:
        """All figures in the format that Prometheus reads."""
        moment = CollectorRegistry()
        moment.register(_Now(self.gauges(values)))
        return generate_latest(self.registry) + generate_latest(moment)


class _Now(Collector):
    def __init__(self, families: list[Metric]) -> None:
        self._families = families

    def collect(self) -> list[Metric]:
        return self._families


class Counting:
    """Counts what passes."""

    def __init__(self, app: ASGIApp, figures: Figures) -> None:
        self._app = app
        self._figures = figures

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()

        async def counted(message: Message) -> None:
            if message["type"] == "http.response.start":
                # The pattern, not the path: ids would make a figure of each picture.
                route = getattr(scope.get("route"), "path", "other")
                method = scope["method"] if scope["method"] in _METHODS else "other"
                self._figures.requests.labels(method, route, message["status"]).inc()
                self._figures.seconds.labels(route).observe(time.perf_counter() - began)
            await send(message)

        await self._app(scope, receive, counted)
