"""The HTTP application: the gate, the addresses, and one form for whatever goes wrong."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any, Final, Protocol

from starlette.exceptions import HTTPException
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, Route, Router
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket

from hermes_kanban.config import Config
from hermes_kanban.ports import Skills
from hermes_kanban.surfaces.http.body import Gone
from hermes_kanban.surfaces.http.headers import Headers
from hermes_kanban.surfaces.rest.boards import Boards, Connections
from hermes_kanban.surfaces.rest.desk import Desk
from hermes_kanban.surfaces.rest.endpoints import Endpoint, Endpoints
from hermes_kanban.surfaces.rest.files import Files
from hermes_kanban.surfaces.rest.gate import Gate
from hermes_kanban.surfaces.rest.live import LiveSocket
from hermes_kanban.surfaces.rest.metrics import Figures
from hermes_kanban.surfaces.rest.openapi import document
from hermes_kanban.surfaces.rest.pages import Pages
from hermes_kanban.surfaces.rest.probes import Probes
from hermes_kanban.surfaces.rest.problems import MEDIA_TYPE, Problem, internal, problem_of
from hermes_kanban.surfaces.rest.shield import shielded

API: Final = "/api/v1"
LIVE: Final = f"{API}/live"
_GUARDED: Final = ("/api", "/metrics")
# A page of cards shrinks to a tenth, at a level that costs a millisecond.
PACKED_BYTES: Final = 1024
PACKING_LEVEL: Final = 4
# For strangers, but no page of another site makes us look into databases.
_LOOKED_UP: Final = ("/readyz",)


class Log(Protocol):
    """Where what was not foreseen is told."""

    def error(self, event: str, **keys: Any) -> Any:
        """One line."""


class RestApp:
    """The application of one server; ``settings`` are those of ``config`` when it starts.

    ``connections`` are those of its requests, for whatever else is served beside it.
    """

    def __init__(
        self,
        home: Path,
        boards: Boards,
        config: Callable[[], Config],
        log: Log,
        *,
        skills: Skills | None = None,
    ) -> None:
        version = self._version = metadata.version("hermes-kanban")
        self._log = log
        self._boards = boards
        self.connections = Connections(boards, config, skills)
        self._desk = Desk(self.connections, self._problem)
        self._gate = Gate(home, config().web)
        self._figures = Figures()
        self._document = document(self._desk.operations, version)
        probes = Probes(self._desk, boards, self._figures)
        endpoints = Endpoints(self._desk, self._gate, boards, version)
        files = Files(self._desk, boards)
        router = _router(
            [
                *_routes(
                    {
                        "/healthz": {"GET": probes.healthz},
                        "/readyz": {"GET": probes.readyz},
                        "/metrics": {"GET": probes.metrics},
                    }
                ),
                Mount(API, _router(self._api(endpoints, files))),
                Route("/api{rest:path}", _nothing),
                Route("/{path:path}", Pages().serve, methods=["GET"]),
            ]
        )
        self._router = GZipMiddleware(router, PACKED_BYTES, PACKING_LEVEL)

    def _api(self, endpoints: Endpoints, files: Files) -> list[BaseRoute]:
        of_board = self._of_board(endpoints, files)
        return [
            *_routes(
                {
                    "/openapi.json": {"GET": self._openapi},
                    "/session": {
                        "GET": endpoints.who,
                        "POST": endpoints.log_in,
                        "DELETE": endpoints.log_out,
                    },
                    "/boards": {"GET": endpoints.list_boards, "POST": endpoints.create_board},
                }
            ),
            Mount("/boards/{board}", _router(of_board)),
            *of_board,
        ]

    def _of_board(self, endpoints: Endpoints, files: Files) -> list[BaseRoute]:
        table: dict[str, dict[str, Endpoint]] = {"/bulk": {"POST": endpoints.bulk}}
        for one in self._desk.operations.values():
            table.setdefault(one.path, {})[one.method] = endpoints.of_verb(one)
        attachments = "/tasks/{task_id}/attachments"
        table[attachments]["POST"] = files.upload
        table[f"{attachments}/{{attachment_id}}"] = {"GET": files.download}
        table["/tasks/{task_id}/log.txt"] = {"GET": files.log}
        return _routes(table)

    async def _openapi(self, _: Request) -> Response:
        return Response(self._document, media_type="application/json")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await self._serve_live(scope, receive, shielded(send))
        else:
            await self._serve_http(scope, receive, send)

    async def _serve_live(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The live socket, for who may; else the answer that a request without one would get."""
        headers = Headers(scope["headers"])

        def may_stay() -> None:
            self._gate.check_place(headers)
            self._gate.admit(headers, scope["subprotocols"])

        try:
            await self._desk.aside(may_stay)
        except Exception as error:
            await _refuse_socket(send, self._problem(error))
            return
        if scope["path"] != LIVE:
            told = Problem("not_found", "no socket is at this address", instead=f"see {LIVE}")
            await _refuse_socket(send, told)
            return
        socket = LiveSocket(
            WebSocket(scope, receive, send),
            self._desk,
            self._boards,
            self._figures,
            may_stay=may_stay,
            report=self._problem,
            version=self._version,
        )
        await socket.serve()

    async def _serve_http(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = time.monotonic()
        told: dict[str, Any] = {}

        async def sending(message: Any) -> None:
            if message["type"] == "http.response.start":
                told["status"] = message["status"]
            await send(message)

        answer = shielded(sending)
        try:
            await self._serve(scope, receive, answer)
        except Gone:
            return
        except Exception as error:
            problem = self._problem(error)
            if "status" in told:
                raise  # half an answer is out: nothing but the end of the connection can say so
            await _respond(answer, problem)
        self._figures.count(scope["method"], told.get("status", 0), time.monotonic() - started)

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = Headers(scope["headers"])
        if headers.times("transfer-encoding") and headers.times("content-length"):
            # Two words on where it ends: a proxy before us may believe the other one.
            told = "a request has a Content-Length or a Transfer-Encoding, not both"
            raise Problem("malformed", told, headers={"Connection": "close"})
        path: str = scope["path"]
        guarded = path.startswith(_GUARDED)
        self._gate.check_place(headers, own_pages_only=guarded or path in _LOOKED_UP)
        scope["state"] = dict(scope.get("state", {}))
        is_login = (path, scope["method"]) == (f"{API}/session", "POST")
        if guarded and not is_login:
            scope["state"]["visitor"] = await self._desk.aside(self._gate.admit, headers)
        # So that the router raises what it does not know, instead of answering in words of its own.
        scope["app"] = self
        await self._router(scope, receive, send)

    def _problem(self, error: Exception) -> Problem:
        if isinstance(error, HTTPException):
            return _of_router(error)
        found = problem_of(error)
        if found is None:
            self._log.error("web.failed", error=f"{type(error).__name__}: {error}", exc_info=True)
            return internal()
        return found

    def close(self) -> None:
        """Let go of the boards."""
        self.connections.close()


def _router(routes: Sequence[BaseRoute]) -> Router:
    return Router(routes, redirect_slashes=False)


def _routes(table: Mapping[str, Mapping[str, Endpoint]]) -> list[BaseRoute]:
    """One route an address, so that it knows all its methods."""
    return [
        Route(path, _by_method(methods), methods=list(methods)) for path, methods in table.items()
    ]


def _by_method(methods: Mapping[str, Endpoint]) -> Endpoint:
    async def answer(request: Request) -> Response:
        return await methods["GET" if request.method == "HEAD" else request.method](request)

    return answer


async def _nothing(_: Request) -> Response:
    raise HTTPException(404)


def _of_router(error: HTTPException) -> Problem:
    if error.status_code == 405:
        allowed = (error.headers or {}).get("Allow", "")
        return Problem(
            "method_not_allowed",
            "this address does not know that method",
            allowed=sorted(one.strip() for one in allowed.split(",")),
            headers={"Allow": allowed},
        )
    return Problem("not_found", "nothing is at this address", instead=f"see {API}/openapi.json")


async def _refuse_socket(send: Send, problem: Problem) -> None:
    await _respond(send, problem, "websocket.http.response")


async def _respond(send: Send, problem: Problem, kind: str = "http.response") -> None:
    body = problem.encoded
    headers: Mapping[str, str] = problem.headers | {
        "Content-Type": MEDIA_TYPE,
        "Content-Length": str(len(body)),
    }
    raw = [(name.lower().encode(), value.encode("latin-1")) for name, value in headers.items()]
    await send({"type": f"{kind}.start", "status": problem.status, "headers": raw})
    await send({"type": f"{kind}.body", "body": body})
