"""The server: which protocol asks, which turn it is, and what has been asked so far."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, ClassVar
from urllib.parse import urlsplit

from tests.support.model.anthropic import Anthropic
from tests.support.model.chat import Chat
from tests.support.model.dialect import Dialect, Event
from tests.support.model.gemini import Gemini
from tests.support.model.responses import Responses
from tests.support.model.script import Answer, Asked, Calls, Fail, Hang, Say, Turn
from tests.support.waiting import wait_until

SIDE_ANSWER = Say("A task of the board")
NOTHING_LEFT = Say("There is nothing left to do.")
# How requests are told apart: the end of the path, or for Gemini the method behind the model.
DIALECTS: dict[str, Dialect] = {
    "/chat/completions": Chat(),
    "/responses": Responses(),
    "/messages": Anthropic(),
    ":generateContent": Gemini(),
    ":streamGenerateContent": Gemini(),
}


class ModelEndpoint:
    """Serves scripts on a port of its own; a context manager.

    A request is answered with the next turn of the script of the model that it names, else of the
    script for any model. A call of a tool that the client does not offer becomes a text that says
    so, as a model without that tool would end.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._scripts: dict[str, list[Turn]] = {}
        self._asked: list[Asked] = []
        self.closing = threading.Event()
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.endpoint = self
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    def script(self, *turns: Turn, model: str = "") -> None:
        """What is said from now on to whoever asks for ``model``, or for any without a script."""
        with self._lock:
            self._scripts[model] = list(turns)

    @property
    def url(self) -> str:
        """The address, without a path and without a slash at its end."""
        return f"http://127.0.0.1:{self._server.server_port}"

    @property
    def asked(self) -> list[Asked]:
        """Every request of the scripts so far, oldest first, without the side requests."""
        with self._lock:
            return [one for one in self._asked if not one.side]

    @property
    def everything(self) -> list[Asked]:
        """Every request so far, side requests too."""
        with self._lock:
            return list(self._asked)

    def wait_asked(self, count: int, timeout: float = 60.0) -> list[Asked]:
        """Wait for that many requests of the scripts."""
        wait_until(
            lambda: len(self.asked) >= count,
            timeout=timeout,
            message=f"the model was not asked {count} times",
        )
        return self.asked

    def next_answer(self, asked: Asked) -> Answer:
        """Note the request and take its turn."""
        with self._lock:
            self._asked.append(asked)
            if asked.side:
                return self._beside(asked)
            turn = self._take(asked)
        # Not under the lock: a turn that is made up now may wait for what a test does meanwhile.
        answer = turn if isinstance(turn, Say | Calls | Fail | Hang) else turn(asked)
        if isinstance(answer, Calls):
            missing = [one.tool for one in answer.calls if asked.offered(one.tool) is None]
            if missing:
                return Say(f"I have no tool {', '.join(missing)}.", answer.usage)
        return answer

    def _take(self, asked: Asked) -> Turn:
        turns = self._turns(asked)
        if not turns:
            return NOTHING_LEFT
        # A refusal is for good, however often a client asks again.
        return turns[0] if isinstance(turns[0], Fail) else turns.pop(0)

    def _beside(self, asked: Asked) -> Answer:
        turns = self._turns(asked)
        # A provider that refuses the conversation refuses its title too.
        return turns[0] if turns and isinstance(turns[0], Fail) else SIDE_ANSWER

    def _turns(self, asked: Asked) -> list[Turn]:
        return self._scripts.get(asked.model, self._scripts.get("", []))

    def __enter__(self) -> ModelEndpoint:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.closing.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    endpoint: ModelEndpoint

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up, as one that is killed does, is nothing to report."""
        del request, client_address


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server
    MODELS: ClassVar[tuple[str, ...]] = ("scripted",)

    def do_HEAD(self) -> None:
        self._json(200, {})

    def do_GET(self) -> None:
        path = urlsplit(self.path).path.rstrip("/")
        if path.endswith("/models"):
            self._json(200, self._models())
        else:
            self._json(404, {"error": {"message": f"no such thing: {path}", "type": "not_found"}})

    def do_POST(self) -> None:
        path = urlsplit(self.path).path.rstrip("/")
        body = json.loads(self._body() or b"{}")
        if path.endswith((":countTokens", "/count_tokens")):
            self._json(200, {"totalTokens": 1000, "input_tokens": 1000})
            return
        dialect = next((one for end, one in DIALECTS.items() if path.endswith(end)), None)
        if dialect is None:
            self._json(404, {"error": {"message": f"no such thing: {path}", "type": "not_found"}})
            return
        heard = dialect.hear(path, body)
        asked = Asked(
            dialect=dialect.name,
            model=heard.model,
            path=self.path,
            tools=heard.tools,
            said=heard.said,
            results=heard.results,
            stream=heard.stream,
            side=not heard.tools,
            body=body,
            headers=dict(self.headers),
        )
        self._answer(dialect, asked, self.server.endpoint.next_answer(asked))

    def _answer(self, dialect: Dialect, asked: Asked, answer: Answer) -> None:
        if isinstance(answer, Hang):
            self.close_connection = True
            self.server.endpoint.closing.wait()
        elif isinstance(answer, Fail):
            after = answer.retry_after
            headers = {} if after is None else {"retry-after": str(after)}
            self._json(answer.status, dialect.error(answer), headers | answer.headers)
        elif asked.stream:
            self._events(dialect.stream(asked, answer))
        else:
            self._json(200, dialect.whole(asked, answer))

    def _models(self) -> dict[str, Any]:
        # One list that OpenAI, Anthropic and Gemini clients all find theirs in.
        openai = [{"id": name, "object": "model", "owned_by": "script"} for name in self.MODELS]
        gemini = [{"name": f"models/{name}", "displayName": name} for name in self.MODELS]
        return {"object": "list", "data": openai, "models": gemini, "has_more": False}

    def _body(self) -> bytes:
        if self.headers.get("transfer-encoding", "").lower() == "chunked":
            return b"".join(self._chunks())
        return self.rfile.read(int(self.headers.get("content-length") or 0))

    def _chunks(self) -> Iterator[bytes]:
        while size := int(self.rfile.readline().split(b";")[0], 16):
            yield self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()

    def _json(self, status: int, body: Any, headers: dict[str, str] | None = None) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        for name, value in ({"content-type": "application/json"} | (headers or {})).items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def _events(self, events: Iterable[Event]) -> None:
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("cache-control", "no-cache")
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        for event in events:
            data = event.encode()
            self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
            self.wfile.flush()
        self.wfile.write(b"0\r\n\r\n")

    def log_message(self, format: str, *args: Any) -> None:
        """Requests are kept, not printed."""
        del format, args
