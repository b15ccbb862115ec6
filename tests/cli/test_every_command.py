"""Every command does its work, for people and in JSON, in the one envelope."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hermes_kanban import kernel as kb
from hermes_kanban.kernel import outbox, subscriptions
from hermes_kanban.porting import sources
from hermes_kanban.porting.fitting import Fitting
from hermes_kanban.porting.reading import Choices
from hermes_kanban.surfaces.cli.root import MODULES
from hermes_kanban.surfaces.cli.root import cli as root

Case = tuple[str, Callable[[Any], list[str]], str]


def _review(board: Any) -> str:
    task = board.claimed()
    assert kb.request_review(
        board.conn, task.id, run_id=task.current_run_id, claim_lock=task.claim_lock
    )
    return str(task.id)


def _blocked(board: Any) -> str:
    task_id = board.task()
    kb.block_task(board.conn, task_id, reason="which one?")
    return str(task_id)


def _done(board: Any) -> str:
    task_id = board.task()
    kb.complete_task(board.conn, task_id, summary="written")
    return str(task_id)


def _archived(board: Any) -> str:
    task_id = _done(board)
    kb.archive_task(board.conn, task_id)
    return task_id


def _pair(board: Any, *, linked: bool) -> list[str]:
    parent, child = board.task(), board.task()
    if linked:
        kb.link_tasks(board.conn, parent, child)
    return [parent, child]


def _proof(task: kb.Task) -> list[str]:
    return ["--run", str(task.current_run_id), "--lock", task.claim_lock or ""]


def _as_worker(board: Any, *rest: str) -> list[str]:
    task = board.claimed()
    return [task.id, *rest, *_proof(task)]


def _subscription(board: Any) -> str:
    return str(subscriptions.subscribe(board.conn, destination="log", filter={"kinds": "all"}))


def _delivery(board: Any) -> str:
    _subscription(board)
    board.task()
    outbox.advance_cursors(board.conn)
    return str(outbox.list_outbox(board.conn)[0].id)


def _host(board: Any) -> str:
    host = kb.Host(host_id="abcdef0123456789", name="build-1", gateway_pid=1)
    kb.join_host(board.conn, host, "boot")
    return host.name


def _refused(board: Any) -> list[str]:
    task = board.claimed()
    kb.reclaim_task(board.conn, task.id)
    kb.complete_task(
        board.conn, task.id, result="late", run_id=task.current_run_id, claim_lock=task.claim_lock
    )
    return [task.id, "--run", str(task.current_run_id)]


def _file(board: Any, name: str, text: str) -> str:
    file = board.conn.paths.home / name
    file.write_text(text)
    return str(file)


def _imported(board: Any) -> list[str]:
    file = Path(_file(board, "tasks.csv", "title,assignee\nWrite,writer\n"))
    spool, _ = sources.spooled("csv", file, Choices(), Fitting())
    with spool:
        kb.import_tasks(board.conn, spool)
    return ["Write"]


def _export_of_another(board: Any) -> list[str]:
    """The export of this board, and an empty one that takes it."""
    out: list[bytes] = []
    kb.export_board(board.conn, out.append)
    kb.create_board("empty")
    return [_file(board, "whole.jsonl", b"".join(out).decode()), "--board", "empty"]


# What to say, given a board, and the noun of the answer.
CASES: list[Case] = [
    ("init", lambda b: [], "board"),
    ("check", lambda b: ["--deep"], "violations"),
    ("check", lambda b: ["--fix"], "violations"),
    ("replay", lambda b: [], "replay"),
    ("replay", lambda b: ["--verify"], "differences"),
    ("backup", lambda b: ["--keep", "3"], "backup"),
    ("restore", lambda b: [str(kb.backup(b.conn)), "--yes"], "restored"),
    ("purge", lambda b: [_archived(b), "--yes"], "purged"),
    ("gc", lambda b: ["--days", "0"], "gc"),
    ("check", lambda b: ["--hash"], "hash"),
    ("import csv", lambda b: [_file(b, "t.csv", "title\nWrite\n"), "--dry-run"], "import"),
    ("import csv", lambda b: [_file(b, "t.csv", "id,title\n1,Write\n"), "--triage"], "import"),
    ("import ids", _imported, "ids"),
    ("import jsonl", _export_of_another, "import"),
    ("export", lambda b: [str(b.conn.paths.home / "board.jsonl")], "export"),
    ("migrate", lambda b: ["--all"], "boards"),
    ("boards list", lambda b: [], "boards"),
    ("boards create", lambda b: ["website", "--name", "The site", "--icon", "W"], "board"),
    ("profiles", lambda b: [], "profiles"),
    ("create", lambda b: ["Write a page", "--assignee", "writer"], "task"),
    ("list", lambda b: [], "tasks"),
    ("show", lambda b: [b.task()], "task"),
    ("edit", lambda b: [b.task(), "--title", "Read", "--max-runtime", "30m"], "task"),
    ("assign", lambda b: [b.task(), "reader"], "task"),
    ("prioritise", lambda b: [b.task(), "-5"], "task"),
    ("schedule", lambda b: [b.task(), "+2h"], "task"),
    ("link", lambda b: _pair(b, linked=False), "task"),
    ("unlink", lambda b: _pair(b, linked=True), "task"),
    ("comment", lambda b: [b.task(), "Use May"], "comment"),
    ("attach", lambda b: [b.task(), __file__], "attachments"),
    ("attachments", lambda b: [b.task()], "attachments"),
    ("claim", lambda b: [b.task(), "--ttl", "5m"], "task"),
    ("diagnostics", lambda b: [], "findings"),
    ("ready", lambda b: [b.task(), "--assignee", "writer"][1:], "tasks"),
    ("heartbeat", _as_worker, "task"),
    ("complete", lambda b: _as_worker(b, "--summary", "written"), "task"),
    ("block", lambda b: _as_worker(b, "which one?"), "task"),
    ("request-review", lambda b: _as_worker(b, "--summary", "read it"), "task"),
    ("wait-for", lambda b: _as_worker(b, b.task()), "task"),
    ("context", lambda b: [b.task()], "context"),
    ("prime", lambda b: [], "guidance"),
    ("triage", lambda b: [b.task()], "task"),
    ("accept", lambda b: [b.task(triage=True)], "task"),
    ("unblock", lambda b: [_blocked(b), "--reason", "this one"], "task"),
    ("approve", lambda b: [_review(b)], "task"),
    ("request-changes", lambda b: [_review(b), "May is missing"], "task"),
    ("reopen", lambda b: [_done(b)], "task"),
    ("reclaim", lambda b: [b.claimed().id], "task"),
    ("cancel", lambda b: [b.task(), "--tree"], "task"),
    ("archive", lambda b: [_done(b)], "task"),
    ("adopt", _refused, "task"),
    ("dismiss", _refused, "task"),
    ("undo", lambda b: [_done(b), "--dry-run"], "undo"),
    ("diff", lambda b: ["--from", "-2h", _done(b)], "diff"),
    ("why", lambda b: [_blocked(b)], "why"),
    ("runs", lambda b: [_done(b)], "runs"),
    ("events", lambda b: [], "events"),
    ("log", lambda b: [b.claimed().id], "log"),
    ("stats", lambda b: [], "stats"),
    ("assignees", lambda b: [], "assignees"),
    ("watch", lambda b: ["--once"], "board"),
    ("deliver", lambda b: [], "handed_in"),
    ("dispatch", lambda b: ["--dry-run"], "dispatch"),
    ("pause", lambda b: ["--reason", "deploying"], "board"),
    ("resume", lambda b: ["--all"], "boards"),
    ("hosts list", lambda b: [_host(b)][1:], "hosts"),
    ("hosts drain", lambda b: [_host(b), "--reason", "new disk"], "host"),
    ("hosts resume", lambda b: [_host(b)], "host"),
    ("notify subscribe", lambda b: ["log", "--kind", "all"], "subscription"),
    ("notify destinations", lambda b: [], "destinations"),
    ("notify list", lambda b: [], "subscriptions"),
    ("notify show", lambda b: [_subscription(b)], "subscription"),
    ("notify unsubscribe", lambda b: [_subscription(b)], "subscription"),
    ("notify test", lambda b: [_subscription(b)], "test"),
    ("notify outbox", lambda b: ["--state", "waiting"], "deliveries"),
    ("notify retry", lambda b: [_delivery(b)], "delivery"),
    ("notify drop", lambda b: [_delivery(b)], "delivery"),
    ("doctor", lambda b: [], "findings"),
    ("service install", lambda b: ["--dry-run"], "service"),
    ("completion", lambda b: ["bash"], "completion"),
]
# Refused, endless, or of a process of its own: tested where they belong.
# A path is shown whole, however long it is.
SHOW_PATHS = (
    *("init", "boards create", "context", "check", "backup", "restore", "export"),
    *("doctor", "service install", "completion"),
)
ELSEWHERE = {
    "up",
    "down",
    "promote",
    "daemon",
    "tail",
    "gateway",
    "selftest",
    "setup",
    "mcp",
    "board",
    "web",
    "move",
}


# Backups on a server are its own, and ``check --fix`` begins with one.
FILES_ALONE = {("check", "violations"), ("backup", "backup"), ("restore", "restored")}
CASE = pytest.mark.parametrize(
    ("name", "words", "noun"),
    [
        pytest.param(*case, marks=pytest.mark.stores("sqlite"))
        if (case[0], case[2]) in FILES_ALONE
        else case
        for case in CASES
    ],
    ids=[case[0] for case in CASES],
)


def test_every_command_is_covered() -> None:
    covered = {name.split()[0] for name, _, _ in CASES} | ELSEWHERE
    assert covered == set(MODULES)


@CASE
def test_it_answers_people(cli: Any, board: Any, name: str, words: Any, noun: str) -> None:
    done = cli(*name.split(), *words(board))
    assert done.code == 0, done.err
    assert done.out.strip() or "has said nothing" in done.err
    if name not in SHOW_PATHS:
        assert all(len(line) <= 80 for line in done.out.splitlines())


@CASE
def test_it_answers_in_json(cli: Any, board: Any, name: str, words: Any, noun: str) -> None:
    done = cli(*name.split(), *words(board), "--json")
    assert done.code == 0, done.err
    assert len(done.out.splitlines()) == 1
    answer = done.json
    assert answer["v"] == 1
    assert noun in answer
    assert isinstance(answer["warnings"], list)


@pytest.mark.parametrize("name", sorted(MODULES))
def test_its_help_has_a_sentence_that_is_not_cut(cli: Any, name: str) -> None:
    shown = cli(name, "--help")
    assert shown.code == 0
    assert f"Usage: hermes-kanban {name}" in shown.out
    assert not root.get_command(None, name).get_short_help_str(60).endswith("...")  # type: ignore[arg-type, union-attr]


def test_the_help_lists_every_command_under_a_heading(cli: Any) -> None:
    shown = cli("--help")
    assert shown.code == 0
    words = {line.split()[0] for line in shown.out.splitlines() if line.startswith("  ")}
    assert set(MODULES) <= words
    assert "See what happens:" in shown.out
    assert cli().out == shown.out


def test_board_and_json_are_taken_before_the_command_too(cli: Any, board: Any) -> None:
    assert cli("boards", "create", "website").code == 0
    made = cli("--board", "website", "--json", "create", "Write")
    assert made.code == 0
    listed = cli("list", "--board", "website", "--json").json
    assert [task["id"] for task in listed["tasks"]] == [made.json["task"]["id"]]
    assert cli("list", "--json").json["tasks"] == []


def test_create_answers_exactly_as_agreed(cli: Any, board: Any) -> None:
    done = cli("create", "Write", "--assignee", "writer", "--json")
    answer = json.loads(done.out)
    assert set(answer) == {"v", "task", "warnings"}
    assert set(answer["task"]) == {"id"}
    assert answer["warnings"] == ["no gateway is running; start one with: hermes-kanban up"]


def test_no_answer_but_claims_tells_a_claim_lock(cli: Any, board: Any) -> None:
    task = board.claimed()
    for words in (["list"], ["show", task.id], ["runs", task.id], ["events"]):
        assert task.claim_lock not in cli(*words).out
    for words in (["list"], ["show", task.id], ["runs", task.id], ["events"]):
        assert task.claim_lock not in cli(*words, "--json").out
    claimed = cli("claim", board.task(), "--json").json
    assert claimed["run"]["claim_lock"] == claimed["task"]["claim_lock"]
