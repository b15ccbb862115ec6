"""A tail on a host: it writes down each event that it is told, and comes back whatever broke off.

    python tail.py FILE command|socket

Started anew it goes on after the last line that it wrote whole.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
import traceback
from pathlib import Path
from typing import Any

PAUSE_SECONDS = 0.3


def main() -> None:
    file, how = Path(sys.argv[1]), sys.argv[2]
    record = Record(file)
    follow = {"command": follow_by_command, "socket": follow_by_socket}[how]
    while True:
        try:
            follow(record)
        except Exception:
            traceback.print_exc()
        time.sleep(PAUSE_SECONDS)


class Record:
    """The ids that were told, a line each."""

    def __init__(self, path: Path) -> None:
        text = path.read_bytes() if path.exists() else b""
        whole = text[: text.rfind(b"\n") + 1]
        self._file = path.open("ab", buffering=0)
        self._file.truncate(len(whole))
        ids = whole.split()
        self.last = int(ids[-1]) if ids else 0

    def add(self, event: int) -> None:
        self._file.write(b"%d\n" % event)
        self.last = event


def follow_by_command(record: Record) -> None:
    command = [sys.executable, "-m", "hermes_kanban.surfaces.cli.main", "tail", "--json"]
    with subprocess.Popen(
        [*command, "--after", str(record.last)], stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        try:
            for line in process.stdout:
                if line.endswith(b"\n"):
                    record.add(json.loads(line)["event"]["id"])
        finally:
            process.kill()


def follow_by_socket(record: Record) -> None:
    from websockets.exceptions import WebSocketException

    try:
        asyncio.run(listen(record))
    except (OSError, WebSocketException) as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr, flush=True)


async def listen(record: Record) -> None:
    """Until the socket closes.

    Not by the client with threads: two of them wait for a third at once, which Python before 3.13
    may answer with "release unlocked lock" (python/cpython#116372).
    """
    from websockets.asyncio.client import connect

    home = Path(os.environ["HERMES_KANBAN_HOME"])
    headers = {"Authorization": f"Bearer {(home / 'web.token').read_text().strip()}"}
    async with connect(
        "ws://127.0.0.1:8790/api/v1/live", additional_headers=headers, max_size=None
    ) as socket:
        await subscribe(socket, record)
        async for message in socket:
            await take(socket, record, json.loads(message))


async def subscribe(socket: Any, record: Record) -> None:
    await socket.send(json.dumps({"op": "subscribe", "board": "default", "after": record.last}))


async def take(socket: Any, record: Record, message: dict[str, Any]) -> None:
    told = message.get("type") or message.get("op")
    if told == "events":
        for event in message["events"]:
            record.add(event["id"])
    elif told == "gone":  # for now
        await asyncio.sleep(PAUSE_SECONDS)
        await subscribe(socket, record)
    elif told in ("problem", "reset"):
        print(message, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
