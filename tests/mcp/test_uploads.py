"""A disk that does not get on holds up whoever writes to it, and nobody else."""

from __future__ import annotations

import fcntl
import hashlib
import http.client
import os
import select
import termios
import threading
from contextlib import closing
from pathlib import Path

import pytest

from hermes_kanban.surfaces.mcp.uploads import PATH, UploadApp
from tests.mcp.web import TOKEN, Web, served
from tests.support.waiting import TIMEOUT_SECONDS, wait_until

CONTENT = os.urandom(1_000_000)
FILE = f"{PATH}{hashlib.sha256(CONTENT).hexdigest()}/a.bin"


def ask(web: Web, method: str, content: bytes | None = None) -> tuple[int, bytes]:
    line = http.client.HTTPConnection("127.0.0.1", web.port, timeout=TIMEOUT_SECONDS)
    with closing(line):
        line.request(method, FILE, content, {"Authorization": f"Bearer {TOKEN}"})
        answer = line.getresponse()
        return answer.status, answer.read()


def held(pipe: int) -> int:
    """How many bytes wait in a pipe."""
    return int.from_bytes(fcntl.ioctl(pipe, termios.FIONREAD, bytes(4)), "little")


def test_a_disk_that_stands_still_holds_up_no_other_request(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened, pipes = os.open, list[int]()

    def onto_a_pipe(path: str | Path, flags: int, *more: int) -> int:
        # Full after some bytes, as a disk is that does not get on; then its writer stands.
        if str(path).endswith(".part"):
            os.mkfifo(path)
            pipes.append(opened(path, os.O_RDONLY | os.O_NONBLOCK))
            flags = os.O_WRONLY
        return opened(path, flags, *more)

    monkeypatch.setattr(os, "open", onto_a_pipe)
    answers: list[tuple[int, bytes]] = []
    with served(UploadApp(lambda token, *, kept: tmp_path / "files")) as web:
        upload = threading.Thread(target=lambda: answers.append(ask(web, "PUT", CONTENT)))
        upload.start()
        wait_until(lambda: pipes)
        size = fcntl.fcntl(pipes[0], fcntl.F_GETPIPE_SZ)
        wait_until(lambda: held(pipes[0]) == size)
        try:
            assert ask(web, "HEAD") == (404, b"")
            assert answers == []
        finally:
            came = b""
            while upload.is_alive():
                if select.select([pipes[0]], [], [], 0.05)[0]:
                    came += os.read(pipes[0], size)
            upload.join()
            os.close(pipes[0])
    assert came == CONTENT
    # A pipe cannot be synced, so that the file counts as not written.
    ((status, told),) = answers
    assert (status, b"a.bin cannot be written there (Invalid argument)" in told) == (507, True)
    assert list((tmp_path / "files").iterdir()) == []
