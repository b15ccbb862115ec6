"""The figures that a server gives to Prometheus: every metric once, and how it is collected."""

from __future__ import annotations

import time
from collections import Counter
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple

from hermes_kanban import kernel as kb
from hermes_kanban.verbs.standing import Gateway

if TYPE_CHECKING:
    from collections.abc import Iterator

PREFIX: Final = "hermes_kanban_"
_STATES: Final = ("dispatching", "standby", "off")


class Metric(NamedTuple):
    """One figure; a counter's samples have ``_total`` behind its name. ``also`` says where people
    see it."""

    kind: Literal["gauge", "counter"]
    meaning: str
    labels: tuple[str, ...] = ()
    unit: str = ""
    also: str = ""


METRICS: Final[dict[str, Metric]] = {
    "board_readable": Metric("gauge", "1 if the board can be read", ("board",)),
    "tasks": Metric("gauge", "Tasks by status", ("board", "status"), "tasks", "`stats`"),
    "runs_ended_last_day": Metric(
        "gauge", "Runs that ended in the last day", ("board", "outcome"), "runs", "`stats`"
    ),
    "runs_in_progress": Metric(
        "gauge", "Runs that take a place now", ("board",), "runs", "`stats`, `gateway status`"
    ),
    "max_in_progress": Metric(
        "gauge", "Places there are", ("board",), "runs", "the health of the page"
    ),
    "oldest_ready_seconds": Metric(
        "gauge", "Age of the oldest ready task", ("board",), "seconds", "`stats`"
    ),
    "newest_event_id": Metric("gauge", "The board's position", ("board",), "", "`stats`"),
    "gateway": Metric(
        "gauge",
        "1 for what the gateway of the board does",
        ("board", "state"),
        "",
        "`gateway status`",
    ),
    "gateway_last_tick_timestamp_seconds": Metric(
        "gauge", "When the gateway looked last", ("board",), "Unix seconds", "`gateway status`"
    ),
    "gateway_degraded": Metric(
        "gauge", "What needs a person", ("board",), "troubles", "`gateway status`"
    ),
    "stuck_tasks": Metric(
        "gauge",
        "Tasks that should start and do not",
        ("board", "reason"),
        "tasks",
        "`gateway status`",
    ),
    "http_requests": Metric("counter", "Requests answered", ("method", "status"), "requests"),
    "http_request_seconds": Metric("counter", "Time spent on requests", (), "seconds"),
    "live_events": Metric("counter", "Events sent to live sockets", (), "events"),
    "live_sockets": Metric("gauge", "Live sockets open", (), "sockets"),
    "web_start_timestamp_seconds": Metric("gauge", "When this server started", (), "Unix seconds"),
}


class Figures:
    """Counts of one server since it started."""

    def __init__(self) -> None:
        self.started_at = time.time()
        self.requests: Counter[tuple[str, int]] = Counter()
        self.seconds = 0.0
        self.sockets = 0
        self.events_sent = 0

    def count(self, method: str, status: int, seconds: float) -> None:
        """One request was answered."""
        self.requests[method, status] += 1
        self.seconds += seconds


class Look(NamedTuple):
    """What was found of one board; nothing of one that cannot be read."""

    board: str
    stats: kb.Stats | None = None
    gateway: Gateway | None = None
    max_in_progress: int = 0


def exposition(looks: list[Look], figures: Figures) -> tuple[bytes, str]:
    """The text as Prometheus reads it, and its media type."""
    from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest

    registry = CollectorRegistry()
    registry.register(_Collector(looks, figures))
    return generate_latest(registry), CONTENT_TYPE_LATEST


class _Collector:
    def __init__(self, looks: list[Look], figures: Figures) -> None:
        self._looks = looks
        self._figures = figures
        self._families = {name: _family(name, metric) for name, metric in METRICS.items()}

    def collect(self) -> Iterator[Any]:
        """Every figure."""
        for look in self._looks:
            self._of_board(look)
        self._of_server(self._figures)
        return iter(self._families.values())

    def _add(self, name: str, value: float, *labels: str) -> None:
        self._families[name].add_metric(labels, float(value))

    def _of_board(self, look: Look) -> None:
        slug, stats, gateway, most = look
        self._add("board_readable", stats is not None, slug)
        for state in _STATES:
            self._add("gateway", gateway is not None and gateway.state == state, slug, state)
        if gateway is not None:
            self._add("gateway_last_tick_timestamp_seconds", gateway.tick_at, slug)
            self._add("gateway_degraded", len(gateway.degraded), slug)
            for reason, ids in gateway.stuck.items():
                self._add("stuck_tasks", len(ids), slug, reason)
        if stats is None:
            return
        for status, count in stats.tasks.items():
            self._add("tasks", count, slug, status)
        for outcome, count in stats.outcomes_last_day.items():
            self._add("runs_ended_last_day", count, slug, outcome)
        self._add("runs_in_progress", stats.in_progress, slug)
        self._add("max_in_progress", most, slug)
        self._add("oldest_ready_seconds", stats.oldest_ready_seconds or 0, slug)
        self._add("newest_event_id", stats.newest_event_id, slug)

    def _of_server(self, figures: Figures) -> None:
        for (method, status), count in figures.requests.items():
            self._add("http_requests", count, method, str(status))
        self._add("http_request_seconds", figures.seconds)
        self._add("live_events", figures.events_sent)
        self._add("live_sockets", figures.sockets)
        self._add("web_start_timestamp_seconds", figures.started_at)


def _family(name: str, metric: Metric) -> Any:
    from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

    kind = CounterMetricFamily if metric.kind == "counter" else GaugeMetricFamily
    return kind(f"{PREFIX}{name}", metric.meaning, labels=metric.labels)
