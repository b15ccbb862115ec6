"""What machines ask of a server: whether it lives, whether it can serve, and its figures."""

from __future__ import annotations

import time
from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from hermes_kanban import kernel as kb
from hermes_kanban.surfaces.rest.boards import Boards
from hermes_kanban.surfaces.rest.desk import Desk
from hermes_kanban.verbs.standing import Gateway, gateway_view

if TYPE_CHECKING:
    from collections.abc import Iterator

_STATES: Final = ("dispatching", "standby", "off")


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


class Probes:
    """``/healthz``, ``/readyz`` and ``/metrics``."""

    def __init__(self, desk: Desk, boards: Boards, figures: Figures) -> None:
        self._desk = desk
        self._boards = boards
        self._figures = figures

    async def healthz(self, _: Request) -> Response:
        """That this answers is all there is to tell."""
        return PlainTextResponse("ok\n")

    async def readyz(self, _: Request) -> Response:
        """Whether every board that is served here can be read; which one not is no stranger's
        business."""
        for slug in self._boards.names():
            try:
                await self._desk.look(slug, kb.get_board)
            except Exception:
                return PlainTextResponse("not ready\n", 503, {"Retry-After": "5"})
        return PlainTextResponse("ok\n")

    async def metrics(self, _: Request) -> Response:
        """The figures of the boards and of this server, as Prometheus reads them."""
        from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest

        looks = [await self._look(slug) for slug in self._boards.names()]
        registry = CollectorRegistry()
        registry.register(_Collector(looks, self._figures))
        return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)

    async def _look(self, slug: str) -> tuple[str, kb.Stats | None, Gateway | None, int]:
        def look(conn: kb.BoardConnection) -> tuple[str, kb.Stats | None, Gateway | None, int]:
            gateway = gateway_view(conn)
            return slug, kb.stats(conn), gateway, conn.config.kanban.max_in_progress

        try:
            return await self._desk.look(slug, look)
        except kb.KanbanError:
            return slug, None, None, 0


class _Collector:
    """What was looked up, in the words of ``docs/rest.md``."""

    def __init__(
        self, looks: list[tuple[str, kb.Stats | None, Gateway | None, int]], figures: Figures
    ) -> None:
        self._looks = looks
        self._figures = figures

    def collect(self) -> Iterator[Any]:
        """Every figure."""
        yield from self._of_boards()
        yield from self._of_server()

    def _of_boards(self) -> Iterator[Any]:
        from prometheus_client.core import GaugeMetricFamily

        def gauge(name: str, meaning: str, *labels: str) -> Any:
            return GaugeMetricFamily(f"hermes_kanban_{name}", meaning, labels=["board", *labels])

        up = gauge("board_readable", "1 if the board can be read")
        tasks = gauge("tasks", "Tasks by status", "status")
        outcomes = gauge("runs_ended_last_day", "Runs that ended in the last day", "outcome")
        running = gauge("runs_in_progress", "Runs that take a place now")
        places = gauge("max_in_progress", "Places there are")
        oldest = gauge("oldest_ready_seconds", "Age of the oldest ready task")
        event = gauge("newest_event_id", "The board's position")
        states = gauge("gateway", "1 for what the gateway of the board does", "state")
        tick = gauge("gateway_last_tick_timestamp_seconds", "When the gateway looked last")
        troubles = gauge("gateway_degraded", "What needs a person, of the gateway's account")
        stuck = gauge("stuck_tasks", "Tasks that should start and do not", "reason")
        for slug, stats, gateway, most in self._looks:
            up.add_metric([slug], float(stats is not None))
            for state in _STATES:
                now = gateway is not None and gateway.state == state
                states.add_metric([slug, state], float(now))
            if gateway is not None:
                tick.add_metric([slug], gateway.tick_at)
                troubles.add_metric([slug], len(gateway.degraded))
                for reason, ids in gateway.stuck.items():
                    stuck.add_metric([slug, reason], len(ids))
            if stats is None:
                continue
            for status, count in stats.tasks.items():
                tasks.add_metric([slug, status], count)
            for outcome, count in stats.outcomes_last_day.items():
                outcomes.add_metric([slug, outcome], count)
            running.add_metric([slug], stats.in_progress)
            places.add_metric([slug], most)
            oldest.add_metric([slug], stats.oldest_ready_seconds or 0)
            event.add_metric([slug], stats.newest_event_id)
        yield from (up, tasks, outcomes, running, places, oldest, event)
        yield from (states, tick, troubles, stuck)

    def _of_server(self) -> Iterator[Any]:
        from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

        figures = self._figures
        requests = CounterMetricFamily(
            "hermes_kanban_http_requests", "Requests answered", labels=["method", "status"]
        )
        for (method, status), count in figures.requests.items():
            requests.add_metric([method, str(status)], count)
        yield requests
        yield CounterMetricFamily(
            "hermes_kanban_http_request_seconds", "Time spent on requests", value=figures.seconds
        )
        yield CounterMetricFamily(
            "hermes_kanban_live_events", "Events sent to live sockets", value=figures.events_sent
        )
        yield GaugeMetricFamily(
            "hermes_kanban_live_sockets", "Live sockets open", value=figures.sockets
        )
        yield GaugeMetricFamily(
            "hermes_kanban_web_start_timestamp_seconds",
            "When this server started",
            value=figures.started_at,
        )
