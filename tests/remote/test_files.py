"""An agent on a machine that shares no folder with any gateway hands over files."""

from __future__ import annotations

import hashlib
import http.client
import os
import resource
import subprocess
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from hermes_kanban import kernel as kb
from hermes_kanban.handovers import place, waiting
from hermes_kanban.kernel.limits import ATTACHMENT_BYTES
from hermes_kanban.remote.access import Access
from hermes_kanban.remote.tools import RemoteToolbox
from hermes_kanban.surfaces.mcp.uploads import folder_of
from tests.gateway.test_web import listens
from tests.remote.test_bridge import GIVES_UP_SOON, Afar, free_port
from tests.support import stores
from tests.support.gateways import Gateways
from tests.support.relay import relay
from tests.support.waiting import wait_until

CONTENT = os.urandom(1_500_000)


@pytest.fixture
def afar(gateways: Gateways, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Afar]:
    made = Afar(gateways, tmp_path / "afar")
    monkeypatch.chdir(own_folder(made))
    yield made
    made.close()


def own_folder(afar: Afar) -> Path:
    """The workspace on the agent's machine, with files."""
    folder = afar.home / "work"
    (folder / "out").mkdir(parents=True)
    (folder / "out" / "größe %2F.bin").write_bytes(CONTENT)
    (folder / "notes.md").write_text("counted\n")
    (afar.home / "secret").write_text("secret\n")
    (folder / "link").symlink_to(afar.home / "secret")
    return folder


def attached(afar: Afar) -> list[tuple[str, str]]:
    found = kb.list_attachments(afar.conn, afar.task)
    return sorted((one.name, one.sha256) for one in found)


def hash_of(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def staged(afar: Afar) -> Path:
    run = kb.latest_run(afar.conn, afar.task)
    assert run is not None
    return folder_of(afar.conn.paths.root, run.id)


WHOLE = [("größe %2F.bin", hash_of(CONTENT)), ("notes.md", hash_of(b"counted\n"))]


def test_what_an_agent_hands_over_from_another_machine_is_attached_once(afar: Afar) -> None:
    files = ["out/größe %2F.bin", str(Path("notes.md").absolute())]
    asked = {"summary": "counted", "artifacts": files}
    answer = afar.toolbox.call("kanban_complete", asked)
    assert not answer.is_error, answer.text
    assert (afar.status, attached(afar)) == ("done", WHOLE)
    again = afar.toolbox.call("kanban_complete", asked)
    assert (again.is_error, "handed in" in again.text) == (False, True)
    assert (attached(afar), afar.waits) == (WHOLE, [])
    assert (afar.story().count("completed"), "fenced" in afar.story()) == (1, False)
    assert not staged(afar).exists()


def test_only_files_in_the_agents_own_folder_are_taken(afar: Afar) -> None:
    def request(folder: Path, *files: str) -> subprocess.CompletedProcess[str]:
        named = [word for file in files for word in ("--artifact", file)]
        return subprocess.run(
            [*afar.command, "request-review", "--summary", "counted", *named],
            capture_output=True, text=True, check=False, timeout=60, cwd=folder,
        )  # fmt: skip

    work = Path.cwd()
    for file, problem in [
        ("../secret", "lies outside the workspace"),
        (str(afar.home / "secret"), "lies outside the workspace"),
        ("link", "is a link"),
        ("out", "is a folder"),
        ("gone", "is missing"),
    ]:
        done = request(work, "notes.md", file)
        assert (done.returncode, done.stdout) == (4, "")
        assert problem in done.stderr
    for folder in (afar.home, afar.home.parent, Path("/")):
        done = request(folder, str(work / "notes.md"))
        assert done.returncode == 4
        assert "name one in HERMES_KANBAN_WORKSPACE" in done.stderr
    assert (afar.waits, attached(afar), afar.status) == ([], [], "running")
    assert not staged(afar).exists()
    afar.more["HERMES_KANBAN_WORKSPACE"] = str(work)
    assert request(afar.home, "notes.md").returncode == 0
    assert (afar.status, attached(afar)) == ("review", WHOLE[1:])


def test_files_wait_with_their_hand_over_until_a_gateway_is_back(afar: Afar) -> None:
    afar.lose_gateway()
    asked = {"summary": "counted", "artifacts": ["notes.md", "out/größe %2F.bin"]}
    answer = afar.toolbox.call("kanban_complete", asked)
    assert "your complete is kept on this machine" in answer.text
    Path("notes.md").write_text("written after it was handed over")
    Path("out/größe %2F.bin").unlink()
    afar.get_gateway()
    wait_until(lambda: afar.status == "done", message=afar.gateways.errors())
    wait_until(lambda: afar.waits == [])
    assert attached(afar) == WHOLE
    assert afar.story().count("completed") == 1


def ask(afar: Afar, method: str, path: str, token: str, content: bytes = b"") -> tuple[int, str]:
    with closing(http.client.HTTPConnection("127.0.0.1", afar.port, timeout=60)) as line:
        line.request(method, f"/mcp/files/{path}", content, {"Authorization": f"Bearer {token}"})
        answer = line.getresponse()
        return answer.status, answer.read().decode()


def test_a_gateway_takes_a_file_whole_or_not_at_all(afar: Afar) -> None:
    path = f"{hash_of(CONTENT)}/a.bin"
    folder = staged(afar)
    board = afar.token.partition(".")[0]
    for token in (f"{board}.{'0' * 43}", afar.token[:-1], "nothing"):
        for method in ("PUT", "HEAD"):
            assert ask(afar, method, path, token, CONTENT)[0] == 401
    for wrong in ("..%2F..%2Fa", "%2e%2e", "a%2Fb", "", "a%00b", "a%0Ab", "sub/a"):
        assert ask(afar, "PUT", f"{hash_of(CONTENT)}/{wrong}", afar.token, CONTENT)[0] == 400
    for wrong in ("..", "0" * 63, hash_of(CONTENT).upper()):
        assert ask(afar, "PUT", f"{wrong}/a.bin", afar.token, CONTENT)[0] == 400
    assert ask(afar, "GET", path, afar.token)[0] == 405
    assert not folder.exists()

    status, told = ask(afar, "PUT", path, afar.token, CONTENT[:-1])
    assert (status, "SHA-256" in told) == (422, True)
    status, told = ask(afar, "PUT", path, afar.token, bytes(ATTACHMENT_BYTES + 1))
    assert (status, f"{ATTACHMENT_BYTES:,} bytes each" in told) == (413, True)
    # One that leaves before it has said everything.
    with closing(http.client.HTTPConnection("127.0.0.1", afar.port, timeout=60)) as line:
        line.putrequest("PUT", f"/mcp/files/{path}")
        line.putheader("Authorization", f"Bearer {afar.token}")
        line.putheader("Content-Length", str(len(CONTENT)))
        line.endheaders(CONTENT[:1000])
        wait_until(lambda: list(folder.glob(".*.part")))
    wait_until(lambda: not list(folder.glob(".*.part")))
    assert ask(afar, "HEAD", path, afar.token)[0] == 404
    assert [one for one in folder.rglob("*") if one.is_file()] == []

    answers: list[int] = []
    both = [
        threading.Thread(
            target=lambda: answers.append(ask(afar, "PUT", path, afar.token, CONTENT)[0])
        )
        for _ in range(2)
    ]
    for one in both:
        one.start()
    for one in both:
        one.join()
    assert answers == [201, 201]
    assert ask(afar, "HEAD", path, afar.token) == (200, "")
    (found,) = [one for one in folder.rglob("*") if one.is_file()]
    assert found.read_bytes() == CONTENT


def test_a_gateway_without_room_says_so_and_has_it_later(afar: Afar) -> None:
    before = resource.prlimit(afar.gateway.pid, resource.RLIMIT_FSIZE)
    # What a full disk is to whoever writes: the file begins, and does not end.
    resource.prlimit(afar.gateway.pid, resource.RLIMIT_FSIZE, (1_000_000, before[1]))
    answer = afar.toolbox.call("kanban_complete", {"artifacts": ["out/größe %2F.bin"]})
    assert "507 Insufficient Storage: größe %2F.bin cannot be written" in answer.text
    assert "your complete is kept on this machine" in answer.text
    assert afar.status == "running"
    wait_until(lambda: [one for one in staged(afar).rglob("*") if one.is_file()] == [])
    resource.prlimit(afar.gateway.pid, resource.RLIMIT_FSIZE, before)
    wait_until(lambda: afar.status == "done", message=afar.gateways.errors())
    wait_until(lambda: afar.waits == [])
    assert attached(afar) == WHOLE[:1]


@pytest.mark.stores("postgres")
def test_files_that_were_uploaded_wait_for_the_database(
    gateways: Gateways, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with relay(stores.address(), tmp_path) as line:
        monkeypatch.setenv("HERMES_KANBAN_DATABASE", line.address)
        gateways.program = ("-c", GIVES_UP_SOON)
        afar = Afar(gateways, tmp_path / "afar")
        monkeypatch.chdir(own_folder(afar))
        assert afar.toolbox.tools()
        root = afar.conn.paths.root
        line.go_away()
        answers: list[Any] = []
        asked = {"artifacts": ["notes.md", "out/größe %2F.bin"]}
        caller = threading.Thread(
            target=lambda: answers.append(afar.toolbox.call("kanban_complete", asked))
        )
        caller.start()
        # It came with its files, and waits on the gateway's own disk now.
        wait_until(lambda: waiting(place(root)), timeout=60)
        line.come_back()
        caller.join()
        assert not answers[0].is_error, answers[0].text
        wait_until(lambda: afar.status == "done", message=gateways.errors())
        assert attached(afar) == WHOLE
        afar.close()


@pytest.mark.stores("postgres")
def test_files_go_to_the_gateway_that_takes_the_call(
    gateways: Gateways, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "second"
    home.mkdir()
    afar = Afar(gateways, tmp_path / "afar")
    monkeypatch.chdir(own_folder(afar))
    second = Gateways(home)
    port = free_port()
    second.configure({}, web={"in_gateway": True, "port": port})
    second.start(wait=False, HERMES_KANBAN_HOME=str(home))
    try:
        wait_until(lambda: listens(port), message=second.errors())
        afar.addresses.append(f"http://127.0.0.1:{port}/mcp")
        # One that waits: a gateway that listens may not have looked for its boards yet.
        state = afar.home / "state"
        toolbox = RemoteToolbox(Access(tuple(afar.addresses), afar.token, state, "it"), patience=60)
        assert toolbox.tools()
        afar.lose_gateway()
        answer = toolbox.call("kanban_complete", {"artifacts": ["notes.md"]})
        assert not answer.is_error, answer.text
        assert "kept on this machine" not in answer.text, answer.text
        assert (afar.status, attached(afar)) == ("done", WHOLE[1:])
        assert waiting(place(state)) == []
    finally:
        afar.close()
        second.close()
