"""What works on tasks on the hosts. It tells in a shared folder that it lives, while it does.

    python -S agent.py SHARED HOW SECONDS

Every process of it holds the task's lock; a successor that finds it held has met it alive. It ends
by ``HOW``: ``command`` (our command line), ``tools`` (our server on its standard input), ``remote``
(our server at the gateway), or ``quiet`` (exit 0).
"""

from __future__ import annotations

import fcntl
import json
import os
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from pathlib import Path
from typing import Any

STAMP_SECONDS = 0.1
TRIES = 40
PROGRAM = (sys.executable, "-m", "hermes_kanban.surfaces.cli.main")


def main() -> int:
    shared, how, seconds = Path(sys.argv[1]), sys.argv[2], float(sys.argv[3])
    task, run = os.environ["HERMES_KANBAN_TASK"], os.environ["HERMES_KANBAN_RUN_ID"]
    trace = Trace(shared / "traces" / f"{task}.{run}", run)
    lock = os.open(shared / "locks" / task, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        trace.tell("met", run=int(os.pread(lock, 100, 0)))
        fcntl.flock(lock, fcntl.LOCK_EX)
    os.pwrite(lock, run.encode().ljust(20), 0)
    # One more of its kind, out of its session: nobody may leave it behind.
    subprocess.Popen(["sleep", "600"], start_new_session=True, pass_fds=[lock])
    threading.Thread(target=trace.live_on, daemon=True).start()
    time.sleep(seconds)
    ended = ENDINGS[how](trace, f"by run {run}")
    trace.tell("end", how=how)
    return ended


class Trace:
    """A file of one run; each line is there or not."""

    def __init__(self, path: Path, run: str) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        skew = round(time.time() - TRUE_TIME - time.monotonic())
        host, profile = socket.gethostname(), os.environ["HERMES_PROFILE"]
        self.tell("start", run=int(run), host=host, profile=profile, skew=skew)

    def tell(self, word: str, **facts: Any) -> None:
        line = {"at": time.monotonic(), "word": word} | facts
        os.write(self._file, json.dumps(line).encode() + b"\n")

    def live_on(self) -> None:
        while True:
            self.tell("alive")
            time.sleep(STAMP_SECONDS)


# Of the hosts' common monotonic clock; what a host's wall clock is wrong by.
TRUE_TIME = float(os.environ.get("TRUE_TIME", "0"))


def by_command(trace: Trace, summary: str) -> int:
    task = os.environ["HERMES_KANBAN_TASK"]
    for _ in range(TRIES):
        done = subprocess.run(
            [*PROGRAM, "complete", task, "--summary", summary],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        said = (done.stdout + done.stderr).strip()
        trace.tell("told", accepted=done.returncode == 0, code=done.returncode, said=said[:500])
        if done.returncode != 1:  # 1: the board could not be asked
            return done.returncode
        time.sleep(0.5)
    return 1


def by_tools(trace: Trace, summary: str) -> int:
    server = subprocess.Popen([*PROGRAM, "mcp"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert server.stdin is not None and server.stdout is not None

    def ask(message: dict[str, Any]) -> Any:
        assert server.stdin is not None and server.stdout is not None
        server.stdin.write(json.dumps(message).encode() + b"\n")
        server.stdin.flush()
        return json.loads(server.stdout.readline() or b"null")

    ask(INITIALIZE)
    return _call(trace, summary, ask)


def by_remote(trace: Trace, summary: str) -> int:
    url = os.environ["HERMES_KANBAN_URL"].split(",")[0]
    token = os.environ["HERMES_KANBAN_TOKEN"]

    def ask(message: dict[str, Any]) -> Any:
        headers = {
            "Authorization": f"Bearer {token}",
            "Content-Type": "application/json",
            "Accept": "application/json, text/event-stream",
        }
        request = urllib.request.Request(url, json.dumps(message).encode(), headers)
        with urllib.request.urlopen(request, timeout=55) as answer:
            return json.loads(answer.read())

    return _call(trace, summary, ask)


def _call(trace: Trace, summary: str, ask: Any) -> int:
    """Complete by a tool; again while the board cannot be asked."""
    call = {"name": "kanban_complete", "arguments": {"summary": summary}}
    message = {"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": call}
    for _ in range(TRIES):
        try:
            answer = ask(message)
        except OSError as error:
            trace.tell("told", accepted=False, said=str(error)[:500])
        else:
            if answer is None or "error" in answer:
                trace.tell("told", accepted=False, said=str(answer)[:500])
                return 1
            result = answer["result"]
            said = result["content"][0]["text"]
            accepted = not result.get("isError", False)
            trace.tell("told", accepted=accepted, said=said[:500])
            if accepted or "reach" not in said:
                return 0 if accepted else 4
        time.sleep(0.5)
    return 1


def by_itself(trace: Trace, summary: str) -> int:
    return 0


INITIALIZE = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {
        "protocolVersion": "2025-11-25",
        "capabilities": {},
        "clientInfo": {"name": "agent", "version": "1"},
    },
}
ENDINGS = {"command": by_command, "tools": by_tools, "remote": by_remote, "quiet": by_itself}

if __name__ == "__main__":
    sys.exit(main())
