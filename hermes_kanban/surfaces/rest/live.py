"""The live socket: one a page. Events of boards after a cursor, output of runs, and the gateway.

Nothing is queued: each stream reads a page from the board, sends it, and reads the next when the
socket has taken it. So a slow page costs no memory, and a page that comes back with its cursor
misses nothing and sees nothing twice.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from functools import partial
from typing import Any, Final, TypeVar

import anyio
import anyio.abc
import msgspec
from starlette.websockets import WebSocket, WebSocketDisconnect

from hermes_kanban import kernel as kb
from hermes_kanban.ports import SystemClock
from hermes_kanban.surfaces.rest import live_words as words
from hermes_kanban.surfaces.rest.boards import Boards
from hermes_kanban.surfaces.rest.desk import Desk
from hermes_kanban.surfaces.rest.gate import SUBPROTOCOL
from hermes_kanban.surfaces.rest.live_log import LogStream
from hermes_kanban.surfaces.rest.metrics import Figures
from hermes_kanban.surfaces.rest.problems import Problem
from hermes_kanban.verbs.looking import with_output
from hermes_kanban.verbs.standing import BoardView, Gateway, board_view, gateway_view
from hermes_kanban.verbs.views import event_view

EVENTS_AT_ONCE: Final = 200
# An event may be a quarter of a megabyte: so many are read at a time, and told in one message.
EVENTS_A_READ: Final = 25
MESSAGE_BYTES: Final = 512 * 1024
WAIT_SECONDS: Final = 1.0
PRESENCE_SECONDS: Final = 2.0
# A look takes milliseconds, after a wait for a connection. A server that stands still never
# answers, and ends no connection.
LOOK_SECONDS: Final = 6.0
STREAMS: Final = 64
SESSION_SECONDS: Final = 5.0
BAD_MESSAGE: Final = 1008
SESSION_OVER: Final = 4401
BAD_MESSAGES: Final = 20

_Stop = anyio.CancelScope
T = TypeVar("T")


class LiveSocket:
    """One open socket.

    ``may_stay`` raises Problem once whoever opened it could not any more; ``report`` finds the
    problem of an error, and logs what was not foreseen.
    """

    def __init__(
        self,
        socket: WebSocket,
        desk: Desk,
        boards: Boards,
        figures: Figures,
        *,
        may_stay: Callable[[], None],
        report: Callable[[Exception], Problem],
        version: str,
    ) -> None:
        self._socket = socket
        self._desk = desk
        self._boards = boards
        self._figures = figures
        self._may_stay = may_stay
        self._report = report
        self._version = version
        self._streams: dict[tuple[str, object], _Stop] = {}
        self._sending = anyio.Lock()
        self._bad = 0

    async def serve(self) -> None:
        """Serve until either end closes it."""
        await self._socket.accept(subprotocol=_subprotocol(self._socket))
        self._figures.sockets += 1
        try:
            async with anyio.create_task_group() as group:
                await self._tell(
                    words.Hello(
                        actor=self._desk.actor,
                        version=self._version,
                        boards=sorted(self._boards.names()),
                        now=_now(),
                    )
                )
                group.start_soon(self._look_after_session)
                await self._listen(group)
                group.cancel_scope.cancel()
        except* (WebSocketDisconnect, OSError):
            pass  # the other end is gone; there is nobody to tell
        finally:
            self._figures.sockets -= 1

    async def _look_after_session(self) -> None:
        """Close the socket of a session that is over."""
        while True:
            await anyio.sleep(SESSION_SECONDS)
            try:
                await self._desk.aside(self._may_stay)
            except Problem as problem:
                await self._socket.close(SESSION_OVER, problem.body.detail)
                return

    async def _listen(self, group: anyio.abc.TaskGroup) -> None:
        while True:
            message = await self._socket.receive()
            if message["type"] == "websocket.disconnect":
                return
            try:
                said = words.decode(message.get("text") or "")
            except (msgspec.DecodeError, UnicodeDecodeError) as error:
                if not await self._not_understood(str(error)):
                    return
                continue
            await self._do(group, said)

    async def _not_understood(self, why: str) -> bool:
        """Say so; False once there was too much of it."""
        self._bad += 1
        if self._bad > BAD_MESSAGES:
            await self._socket.close(BAD_MESSAGE, "too many messages that are none")
            return False
        problem = Problem("malformed", f"this is no message: {why}")
        await self._tell(words.Trouble(problem=problem.body))
        return True

    async def _do(self, group: anyio.abc.TaskGroup, said: words.Said) -> None:
        match said:
            case words.Ping():
                await self._tell(words.Pong(id=said.id, now=_now()))
            case words.Subscribe():
                await self._begin(group, (said.board, "events"), said, self._follow_board)
            case words.Unsubscribe():
                self._end((said.board, "events"))
            case words.FollowLog():
                await self._begin(group, (said.board, said.run_id), said, self._follow_log)
            case words.LeaveLog():
                self._end((said.board, said.run_id))

    async def _begin(
        self,
        group: anyio.abc.TaskGroup,
        key: tuple[str, object],
        said: Any,
        follow: Callable[[Any], Any],
    ) -> None:
        """Start a stream; one that is there already is started anew."""
        self._end(key)
        if len(self._streams) >= STREAMS:
            problem = Problem("too_long", f"at most {STREAMS} streams are told over one socket")
            await self._tell(_trouble(said, problem))
            return
        scope = self._streams[key] = _Stop()
        group.start_soon(self._run, key, scope, said, follow)

    def _end(self, key: tuple[str, object]) -> None:
        if (scope := self._streams.pop(key, None)) is not None:
            scope.cancel()

    async def _run(
        self,
        key: tuple[str, object],
        scope: _Stop,
        said: Any,
        follow: Callable[[Any], Any],
    ) -> None:
        with scope:
            try:
                await follow(said)
            except Exception as error:
                await self._tell_trouble(said, _cause(error))
        if self._streams.get(key) is scope:
            del self._streams[key]

    async def _tell_trouble(self, said: Any, error: BaseException) -> None:
        if isinstance(error, WebSocketDisconnect | OSError):
            raise error
        if isinstance(error, KeyError):
            await self._tell(words.Gone(board=said.board, why="it is not served here now"))
        elif isinstance(error, kb.BoardUnreachable):
            await self._tell(words.Gone(board=said.board, why="its database does not answer now"))
        elif isinstance(error, Exception):
            problem = self._report(error)
            # After a problem a page does not ask again, and a board may be read again in a moment.
            if isinstance(said, words.Subscribe) or isinstance(error, sqlite3.OperationalError):
                await self._tell(words.Gone(board=said.board, why=problem.body.detail))
            else:
                await self._tell(_trouble(said, problem))

    # A board

    async def _follow_board(self, said: words.Subscribe) -> None:
        async with self._boards.follow(said.board) as changes:
            board = await self._look(said.board, board_view)
            cursor = await self._start(said, board)
            async with anyio.create_task_group() as group:
                group.start_soon(self._tell_presence, board)
                while True:
                    cursor = await self._tell_events(said, cursor)
                    while not await changes.newer(cursor, WAIT_SECONDS):
                        pass

    async def _start(self, said: words.Subscribe, board: BoardView) -> int:
        """Say where the events begin."""
        cursor, why = board.cursor, None
        if said.board_id not in (None, board.board_id):
            why = "the board was restored from a backup, or is another"
        elif said.after is not None and said.after > board.cursor:
            why = "the board has not come that far"
        elif said.after is not None:
            cursor = said.after
        slug, board_id = said.board, board.board_id
        if why is None:
            await self._tell(words.Subscribed(board=slug, board_id=board_id, cursor=cursor))
        else:
            await self._tell(words.Reset(board=slug, board_id=board_id, cursor=cursor, why=why))
        return cursor

    async def _tell_events(self, said: words.Subscribe, cursor: int) -> int:
        """Tell what there is after the cursor, a page at a time; where to go on."""
        more = True
        while more:
            told = await self._look(said.board, partial(_page, said=said, cursor=cursor))
            if not told.events:
                return cursor
            await self._tell(told)
            self._figures.events_sent += len(told.events)
            cursor, more = told.cursor, told.more
        return cursor

    async def _tell_presence(self, board: BoardView) -> None:
        """Tell what becomes of the gateway; the tick that it makes is no news.

        Raises KeyError once another board has taken the place of this one.
        """
        before: object = ()
        while True:
            board_id, gateway = await self._look(board.slug, _present)
            if board_id != board.board_id:
                raise KeyError(board.slug)
            if (standing := _standing(gateway)) != before:
                before = standing
                told = words.Presence(board=board.slug, gateway=gateway, now=_now())
                await self._tell(told)
            await anyio.sleep(PRESENCE_SECONDS)

    async def _look(self, board: str, look: Callable[[kb.BoardConnection], T]) -> T:
        """Raises BoardUnreachable where the board does not answer in a time."""
        with anyio.move_on_after(LOOK_SECONDS):
            return await self._desk.look(board, look)
        raise kb.BoardUnreachable("the database does not answer")

    # A log

    async def _follow_log(self, said: words.FollowLog) -> None:
        stream = LogStream(self._desk, said)
        async for lines in stream.pages():
            await self._tell(lines)

    async def _tell(self, message: words.Told) -> None:
        text = msgspec.json.encode(message).decode()
        async with self._sending:
            await self._socket.send_text(text)


def _page(conn: kb.BoardConnection, said: words.Subscribe, cursor: int) -> words.Events:
    """The events after the cursor, with the cards that they touch, as of one moment."""
    with kb.reading(conn):
        events, encoded, more = _some_events(conn, cursor)
        told = words.Events(
            board=said.board,
            events=encoded,
            cursor=events[-1].id if events else cursor,
            more=more,
        )
        if not said.cards or not events:
            return told
        # A purge names its task in the board's own event, since nothing of it is left.
        ids = list(dict.fromkeys(event.task_id for event in events if event.task_id))
        gone = [event.payload.get("task_id") for event in events if event.kind == "purged"]
        every = kb.Filter(ids=ids, status=_EVERY) if ids else None
        cards = kb.cards(conn, every, limit=EVENTS_AT_ONCE).cards if every else []
    there = {card.id for card in cards}
    told.cards = with_output(conn, cards)
    told.gone = [one for one in dict.fromkeys([*ids, *gone]) if one and one not in there]
    return told


def _some_events(
    conn: kb.BoardConnection, cursor: int
) -> tuple[list[kb.Event], list[msgspec.Raw], bool]:
    """Events after the cursor, few enough for one message, and whether more are there."""
    events: list[kb.Event] = []
    encoded: list[msgspec.Raw] = []
    size = 0
    while True:
        found = kb.list_events(conn, after=cursor, limit=EVENTS_A_READ)
        for event in found:
            events.append(event)
            encoded.append(msgspec.Raw(msgspec.json.encode(event_view(event))))
            size += len(bytes(encoded[-1]))
            if size >= MESSAGE_BYTES or len(events) == EVENTS_AT_ONCE:
                return events, encoded, True
        if len(found) < EVENTS_A_READ:
            return events, encoded, False
        cursor = found[-1].id


_EVERY: Final = ("triage", "todo", "ready", "running", "review", "blocked", "done", "archived")


def _present(conn: kb.BoardConnection) -> tuple[str, Gateway | None]:
    return kb.get_board(conn).board_id, gateway_view(conn)


def _standing(gateway: Gateway | None) -> object:
    if gateway is None:
        return None
    return msgspec.structs.replace(gateway, tick_at=0)


def _cause(error: BaseException) -> BaseException:
    """What it was that a stream's tasks came to an end by."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


def _trouble(said: Any, problem: Problem) -> words.Trouble:
    return words.Trouble(
        problem=problem.body,
        op=type(said).__struct_config__.tag,
        board=said.board,
        run_id=getattr(said, "run_id", None),
    )


def _subprotocol(socket: WebSocket) -> str | None:
    return SUBPROTOCOL if SUBPROTOCOL in socket.scope.get("subprotocols", ()) else None


def _now() -> int:
    return SystemClock().now()
