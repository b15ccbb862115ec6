"""What answers each address: verbs, bulk, boards, sessions. Each endpoint returns or raises."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta
from starlette.requests import Request
from starlette.responses import Response

from hermes_kanban import kernel as kb
from hermes_kanban.paths import check_slug
from hermes_kanban.redact import redact, strip_control
from hermes_kanban.surfaces.http import body as bodies
from hermes_kanban.surfaces.http.headers import Headers
from hermes_kanban.surfaces.rest.boards import Boards
from hermes_kanban.surfaces.rest.desk import Desk
from hermes_kanban.surfaces.rest.gate import Gate, LoggedIn, Visitor
from hermes_kanban.surfaces.rest.operations import Operation, has_body
from hermes_kanban.surfaces.rest.performing import Answer, Bulk
from hermes_kanban.surfaces.rest.problems import Problem
from hermes_kanban.surfaces.rest.requests import (
    check_is_json,
    object_of,
    query_of,
    request_of,
)
from hermes_kanban.verbs.standing import BoardView, Gateway, board_view, gateway_view

BODY_BYTES: Final = 10 * 1024 * 1024
IDEMPOTENCY_HEADER: Final = "Idempotency-Key"
DEFAULT_BOARD: Final = "default"

Endpoint = Callable[[Request], Awaitable[Response]]


class LogIn(msgspec.Struct, kw_only=True):
    """``code`` is that of a one-time link; who bears the token needs none."""

    code: Annotated[str, Meta(max_length=200)] | None = None


class Here(msgspec.Struct, frozen=True, kw_only=True):
    """Who asks, by what proof, and which version answers."""

    actor: str
    via: str
    version: str


class LoggedOut(msgspec.Struct, frozen=True):
    """The session is over."""

    logged_out: bool


class ListedBoard(msgspec.Struct, frozen=True, kw_only=True):
    """A board and the gateway that serves it; ``error`` says why it cannot be opened."""

    slug: str
    board: BoardView | None
    gateway: Gateway | None
    error: str | None


class BoardList(msgspec.Struct, frozen=True):
    """Every board that is served here."""

    boards: list[ListedBoard]


class CreateBoard(msgspec.Struct, kw_only=True):
    slug: str
    name: str | None = None
    icon: str | None = None


class CreatedBoard(msgspec.Struct, frozen=True):
    """The new board."""

    slug: str


def headers_of(request: Request) -> Headers:
    """The request's headers as they came."""
    return Headers(request.scope["headers"])


async def body_of(request: Request, limit: int = BODY_BYTES) -> bytes:
    """The request's body. Raises Problem."""
    try:
        return await bodies.whole(headers_of(request), request.receive, limit)
    except bodies.BodyTooLong:
        raise too_long(limit) from None
    except bodies.BodyTooSlow:
        raise too_slow() from None


def too_long(limit: int) -> Problem:
    """The answer to a body of more than ``limit`` bytes."""
    told = f"a body has at most {limit:,} bytes here"
    return Problem("too_long", told, headers={"Connection": "close"})


def too_slow() -> Problem:
    """The answer to a body that does not come."""
    told = f"a body comes within {bodies.BODY_SECONDS:.0f} s"
    return Problem("too_slow", told, headers={"Connection": "close"})


def board_of(request: Request, boards: Boards) -> str:
    """The board that the path names; without one the default one, or the only one. Raises
    Problem."""
    slug: str | None = request.path_params.get("board")
    if slug is None:
        names = boards.names()
        return next(iter(names)) if len(names) == 1 else DEFAULT_BOARD
    try:
        return check_slug(slug)
    except kb.InvalidInput as error:
        raise Problem("not_found", str(error), field="board") from None


def respond(answer: Answer) -> Response:
    """The answer as a response; one with a tag may be kept and asked for again."""
    headers = dict(answer.headers)
    if "ETag" in headers:
        headers["Cache-Control"] = "private, no-cache"
    media_type = None if answer.status == 304 else "application/json"
    return Response(answer.body, answer.status, headers, media_type)


def encoded(value: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """A struct as a response."""
    return respond(Answer(status, msgspec.json.encode(value), headers or {}))


class Endpoints:
    """Answers requests that the gate has let in."""

    def __init__(self, desk: Desk, gate: Gate, boards: Boards, version: str) -> None:
        self._desk = desk
        self._gate = gate
        self._boards = boards
        self._version = version

    def of_verb(self, operation: Operation) -> Endpoint:
        """The endpoint of one verb."""
        return self._writing(operation) if has_body(operation) else self._reading(operation)

    def _reading(self, operation: Operation) -> Endpoint:
        async def read(request: Request) -> Response:
            board = board_of(request, self._boards)
            wanted = _asked(operation, request, b"")
            known = request.headers.get("if-none-match")
            return respond(await self._desk.read(board, operation, wanted, known))

        return read

    def _writing(self, operation: Operation) -> Endpoint:
        async def write(request: Request) -> Response:
            board = board_of(request, self._boards)
            body = await body_of(request)
            check_is_json(headers_of(request), body)
            wanted = _asked(operation, request, body)
            key = request.headers.get(IDEMPOTENCY_HEADER)
            if key is not None and operation.verb.name == "create":
                wanted = _keyed(wanted, key)

            async def perform() -> Answer:
                return await self._desk.write(board, operation, wanted)

            if key is None or operation.method != "POST":
                return respond(await perform())
            said = request.url.path.encode() + b"\n" + body
            return respond(await self._desk.remembered.once(board, key, said, perform))

        return write

    async def bulk(self, request: Request) -> Response:
        """Several verbs in a row."""
        board = board_of(request, self._boards)
        body = await body_of(request)
        check_is_json(headers_of(request), body)
        wanted = _decoded(body, Bulk)

        async def perform() -> Answer:
            return await self._desk.bulk(board, wanted.items)

        key = request.headers.get(IDEMPOTENCY_HEADER)
        if key is None:
            return respond(await perform())
        said = request.url.path.encode() + b"\n" + body
        return respond(await self._desk.remembered.once(board, key, said, perform))

    async def list_boards(self, request: Request) -> Response:
        """The boards that are served."""
        _no_query(request)
        found = [await self._listed(slug) for slug in sorted(self._boards.names())]
        return encoded(BoardList(found))

    async def _listed(self, slug: str) -> ListedBoard:
        def look(conn: kb.BoardConnection) -> ListedBoard:
            return ListedBoard(
                slug=slug, board=board_view(conn), gateway=gateway_view(conn), error=None
            )

        try:
            return await self._desk.look(slug, look)
        except kb.KanbanError as error:
            told = redact(strip_control(str(error)))
            return ListedBoard(slug=slug, board=None, gateway=None, error=told)

    async def create_board(self, request: Request) -> Response:
        """A new board."""
        body = await body_of(request)
        check_is_json(headers_of(request), body)
        wanted = _decoded(body, CreateBoard)
        made = await self._desk.aside(
            lambda: kb.create_board(wanted.slug, name=wanted.name, icon=wanted.icon)
        )
        if not made:
            raise Problem("exists", f"there is a board {wanted.slug} already", field="slug")
        await self._boards.refresh()
        location = {"Location": f"/api/v1/boards/{wanted.slug}"}
        return encoded(CreatedBoard(wanted.slug), 201, location)

    async def log_in(self, request: Request) -> Response:
        """A session for a browser, for a code or the token."""
        body = await body_of(request, 4096)
        check_is_json(headers_of(request), body)
        wanted = _decoded(body, LogIn)
        made, cookie = await self._desk.aside(self._gate.log_in, headers_of(request), wanted.code)
        answer = LoggedIn(actor=self._desk.actor, token=made.token, expires_at=made.expires_at)
        return encoded(answer, headers={"Set-Cookie": cookie})

    async def log_out(self, request: Request) -> Response:
        """The end of a session."""
        visitor: Visitor = request.state.visitor
        cookie = await self._desk.aside(self._gate.log_out, headers_of(request), visitor)
        return encoded(LoggedOut(True), headers={"Set-Cookie": cookie})

    async def who(self, request: Request) -> Response:
        """Who asks."""
        _no_query(request)
        visitor: Visitor = request.state.visitor
        return encoded(Here(actor=self._desk.actor, via=visitor.via, version=self._version))


def _asked(operation: Operation, request: Request, body: bytes) -> msgspec.Struct:
    query: bytes = request.scope["query_string"]
    return request_of(operation, request.path_params, query, body)


def _keyed(wanted: Any, key: str) -> Any:
    """A create with the header's key; the body's, if it has one, must be the same."""
    if wanted.idempotency_key not in (None, key):
        raise kb.InvalidInput(
            "idempotency_key", "what the header Idempotency-Key says", "says something else"
        )
    wanted.idempotency_key = key
    return wanted


def _no_query(request: Request) -> None:
    for name in query_of(request.scope["query_string"]):
        raise kb.InvalidInput(name, "no argument", "is not known")


_T = Any


def _decoded(body: bytes, kind: type[_T]) -> _T:
    arguments = object_of(body)
    known = {field.encode_name for field in msgspec.structs.fields(kind)}
    for name in arguments:
        if name not in known:
            raise kb.InvalidInput(name, ", ".join(sorted(known)), "is not known")
    try:
        return msgspec.convert(arguments, kind)
    except msgspec.ValidationError as error:
        said, _, where = str(error).partition(" - at `$.")
        field = where.rstrip("`") or "body"
        raise kb.InvalidInput(field, ", ".join(sorted(known)), f"({said})") from None
