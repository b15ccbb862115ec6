"""What goes wrong is told in one line, with the documented exit code, and nothing is written."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from hermes_kanban import kernel as kb
from hermes_kanban.store import moved


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["show", "t_nobody"], 3, "no task t_nobody; see the ids with: hermes-kanban list --all"),
        (["complete", "t_nobody"], 3, "no task t_nobody"),
        (["comment", "t_nobody", "x"], 3, "no task t_nobody"),
        (["create", "x", "--parent", "t_nobody"], 3, "no task t_nobody"),
        (["link", "t_nobody", "t_nothing"], 3, "no task t_"),
        (["log", "t_nobody"], 3, "no task t_nobody"),
        (["list", "--board", "nowhere"], 3, "hermes-kanban boards create nowhere"),
        (["notify", "unsubscribe", "7"], 3, "no subscription 7"),
        (["gateway", "logs"], 3, "no gateway log"),
        (["lst"], 2, "did you mean 'list'?"),
        (["boards", "creat"], 2, "did you mean 'create'?"),
        (["subscribe", "log"], 2, "did you mean 'notify subscribe'? See: hermes-kanban --help"),
        (["notify", "x"], 2, "there are subscribe, destinations, list"),
        (["create"], 2, "Missing argument 'TITLE'"),
        (["create", "x", "--prority", "3"], 2, "did you mean --priority?"),
        (["create", "x", "--priority", "high"], 2, "'high' is not a valid integer"),
        (["create", "x", "--max-runtime", "soon"], 2, "a span such as 90s"),
        (["create", "x", "--at", "tomorrow"], 2, "ISO 8601"),
        (["create", "x", "--at", "+soon"], 2, "a span such as 90s"),
        (["create", ""], 2, "title is empty"),
        (["create", "x" * 501], 2, "title has 501 characters; allowed: 500 characters at most"),
        (["create", "one\ntwo"], 2, "one line; put the rest into the body"),
        (["create", "x", "--body", "y" * (256 * 1024 + 1)], 2, "body has 262,145 bytes"),
        (["create", "x", "--skill", "No Skill"], 2, "skills holds 'No Skill'"),
        (["create", "x", "--assignee", "two words"], 2, "is no name"),
        (["create", "x", "--workspace", "dir:relative"], 2, "allowed"),
        (["create", "x\udcff"], 2, "lone surrogate"),
        (["show", "\udcff"], 2, "not valid text"),
        (["list", "--limit", "0"], 2, "a whole number from 1"),
        (["list", "--after", "9" * 30], 2, "too large"),
        (["list", "--status", "finished"], 2, "'finished' is not one of"),
        (["list", "--board", "../x"], 2, "is no board name"),
        (["notify", "subscribe", "pigeon"], 2, "no known scheme"),
        (["notify", "subscribe", "log", "--tree"], 2, "--tree is without a task"),
        (["notify", "subscribe", "log", "--kind", "complted"], 2, "--kind is 'complted'"),
        (["notify", "subscribe", "log", "--quiet", "22-7"], 2, "--quiet is '22'"),
        (
            ["notify", "subscribe", "log", "--quiet", "22:00-07:00", "--zone", "Moon"],
            2,
            "--zone is 'Moon'",
        ),
        (["daemon"], 2, "hermes-kanban gateway run"),
        (["create", "x", "--body", "@/nowhere/at/all"], 1, "/nowhere/at/all: No such file"),
    ],
)
def test_bad_input_without_a_task(
    cli: Any, board: Any, words: list[str], code: int, said: str
) -> None:
    before = board.events()
    done = cli(*words)
    assert done.code == code
    assert said in done.error
    assert done.out == ""
    assert board.events() == before


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["complete", "ID", "--metadata", "[1]"], 2, "a JSON object"),
        (["complete", "ID", "--metadata", "{"], 2, "a JSON object"),
        (["complete", "ID", "--metadata", '{"a": "\\u0000"}'], 2, "NUL"),
        (["complete", "ID", "--summary", "x" * (16 * 1024 + 1)], 2, "summary has 16,385 bytes"),
        (["complete", "ID", "OTHER", "--summary", "both"], 2, "cannot speak for many tasks"),
        (["complete", "ID", "OTHER", "--result", "both"], 2, "cannot speak for many tasks"),
        (["complete", "ID", "--artifact", "x"], 2, "artifacts x is missing"),
        (["complete", "ID", "t_nobody"], 3, "no task t_nobody"),
        (["complete"], 2, "expected ID, got 0 words"),
        (["block", "ID"], 2, "expected ID REASON, got 1 words"),
        (["block", "ID", "two", "words"], 2, "in quotes"),
        (["block", "ID", ""], 2, "reason is empty"),
        (["block", "ID", "x", "--kind", "sulking"], 2, "'sulking' is not one of"),
        (["block", "ID", "x", "--kind", "dependency"], 2, "only with an open parent"),
        (["comment", "ID", "x" * (64 * 1024 + 1)], 2, "comment has 65,537 bytes"),
        (["edit", "ID"], 2, "at least one of title"),
        (["edit", "ID", "--title", ""], 2, "title is empty"),
        (["prioritise", "ID", "9999999"], 2, "1,000,000"),
        (["schedule", "ID", "soon"], 2, "ISO 8601"),
        (["wait-for", "ID"], 2, "CHILD"),
        (["wait-for", "ID", "OTHER"], 2, "only the current run"),
        (["request-review", "ID"], 2, "only the current run"),
        (["link", "ID", "ID"], 2, "cycle"),
        (["adopt", "ID"], 2, "Missing option '--run'"),
        (["adopt", "ID", "--run", "99"], 3, "no refused result of run 99"),
        (["log", "ID"], 3, "hermes-kanban why"),
        (["log", "ID", "--run", "99"], 3, "no run 99"),
        (["unblock", "ID"], 4, "cannot unblock a task that is ready"),
        (["accept", "ID"], 4, "allowed from: triage"),
        (["approve", "ID"], 4, "allowed from: review"),
        (["promote", "ID"], 4, "allowed from: todo"),
        (["reclaim", "ID"], 4, "allowed from: running"),
        (["reopen", "ID"], 4, "cannot reopen"),
        (["heartbeat", "ID"], 4, "running"),
        (["boards", "create", "default"], 4, "hermes-kanban boards list"),
    ],
)
def test_bad_input_on_a_task(cli: Any, board: Any, words: list[str], code: int, said: str) -> None:
    ids = {"ID": board.task(), "OTHER": board.task()}
    before = board.events()
    done = cli(*(ids.get(word, word) for word in words))
    assert done.code == code, done
    assert said in done.error
    assert done.out == ""
    assert board.events() == before


def test_an_error_is_one_line_with_json_too(cli: Any, board: Any) -> None:
    done = cli("show", "t_nobody", "--json")
    assert (done.code, done.out) == (3, "")
    assert "t_nobody" in done.error


def test_a_cycle_is_refused_with_its_path(cli: Any, board: Any) -> None:
    first, second, third = board.task(), board.task(), board.task()
    kb.link_tasks(board.conn, first, second)
    kb.link_tasks(board.conn, second, third)
    before = board.events()
    done = cli("link", third, first)
    assert done.code == 2
    assert f"{third} → {first} → {second} → {third}" in done.error
    assert board.events() == before


def test_what_fails_for_one_of_many_is_done_for_none(cli: Any, board: Any) -> None:
    fine, archived = board.task(), board.task()
    kb.archive_task(board.conn, archived)
    before = board.events()
    done = cli("complete", fine, archived)
    assert done.code == 4
    assert archived in done.error
    assert board.status(fine) == "ready"
    assert board.events() == before


def test_many_are_completed_without_a_hand_over(cli: Any, board: Any) -> None:
    ids = [board.task(), board.task()]
    done = cli("complete", *ids, "--json")
    assert done.code == 0
    assert [task["id"] for task in done.json["tasks"]] == ids
    assert {board.status(one) for one in ids} == {"done"}


def test_a_body_from_a_file_may_hold_no_nul(cli: Any, board: Any, tmp_path: Path) -> None:
    file = tmp_path / "body"
    file.write_bytes(b"one\x00two")
    before = board.events()
    done = cli("create", "x", "--body", f"@{file}")
    assert (done.code, board.events()) == (2, before)
    assert "holds a NUL character" in done.error


def test_a_body_from_a_file_must_be_utf_8_and_small(cli: Any, board: Any, tmp_path: Path) -> None:
    file = tmp_path / "body"
    file.write_bytes(b"\xff\xfe")
    assert "UTF-8 text" in cli("create", "x", "--body", f"@{file}").error
    file.write_bytes(b"x" * (2 * 1024 * 1024))
    assert "is larger" in cli("create", "x", "--body", f"@{file}").error
    assert board.events() == 0


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("kanban:\n  max_spwan: 3\n", "max_spawn"),
        ("kanban:\n  max_spawn: many\n", "max_spawn"),
        ("kanban: [\n", "YAML"),
    ],
)
def test_a_bad_configuration_is_told_with_its_place(
    cli: Any, home: Path, text: str, said: str
) -> None:
    (home / "config.yaml").write_text(text)
    done = cli("create", "x")
    assert done.code == 2
    assert said in done.error
    assert "config.yaml, line" in done.error
    assert not list(home.glob("boards/*/board.db-wal"))


def test_a_bad_variable_is_told_by_name(cli: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HERMES_KANBAN_MAX_SPAWN", "many")
    done = cli("list")
    assert done.code == 2
    assert "HERMES_KANBAN_MAX_SPAWN" in done.error


def test_a_lost_claim_is_a_conflict_that_says_who_was_faster(cli: Any, board: Any) -> None:
    task = board.claimed()
    done = cli("claim", task.id)
    assert done.code == 4
    assert f"run {task.current_run_id} has it" in done.error


def test_a_claim_on_a_paused_board_says_so(cli: Any, board: Any) -> None:
    task_id = board.task(assignee="nobody-knows")
    kb.pause(board.conn)
    done = cli("claim", task_id)
    assert done.code == 4
    assert "paused" in done.error
    assert "hermes-kanban resume" in done.error


@pytest.mark.stores("sqlite")
def test_a_file_that_is_no_board_fails_and_stays(cli: Any, home: Path) -> None:
    folder = home / "boards" / "default"
    folder.mkdir(parents=True)
    (folder / "board.db").write_bytes(b"no board at all\n" * 100)
    done = cli("list")
    assert done.code == 1
    assert "is not an intact board" in done.error
    assert (folder / "board.db").read_bytes() == b"no board at all\n" * 100


def test_a_home_that_cannot_be_made_fails_in_one_line(
    cli: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("HERMES_KANBAN_HOME", str(tmp_path / "file" / "home"))
    done = cli("create", "x")
    assert done.code in (1, 2)
    assert "Not a directory" in done.error


@pytest.mark.stores("sqlite")
def test_a_board_that_moved_says_so_once(cli: Any, board: Any) -> None:
    task = board.task()
    board.conn.execute(moved.WRITE, moved.Mark("m", 0, "postgresql://h/db").row(moved.AWAY))
    board.conn.execute(f"PRAGMA user_version = {moved.AWAY}")
    for words in (["create", "x"], ["comment", task, "x"], ["create", "x", "--json"]):
        done = cli(*words)
        assert (done.code, done.out) == (4, "")
        assert "was moved to postgresql://h/db" in done.error
        assert "warning" not in done.error
    for words in (["list"], ["watch", "--once"]):
        done = cli(*words)
        assert done.code == 0
        assert "warning: this is the board of before" in done.error
    done = cli("show", "t_nobody")
    assert done.code == 3
    assert ["warning" in line for line in done.err.splitlines()] == [True, False]
    (warning,) = cli("list", "--json").json["warnings"]
    assert "was moved to postgresql://h/db" in warning


def test_a_subscription_says_what_it_still_waits_for(cli: Any, board: Any) -> None:
    del board
    done = cli("notify", "subscribe", "telegram:77", "--wake", "planner")
    assert done.code == 0
    assert "there is no profile planner yet" in done.err
    assert "chat.telegram is not configured yet" in done.err
    assert cli("notify", "subscribe", "log").err == ""


def test_destinations_are_those_of_the_configuration_as_it_is(cli: Any, board: Any) -> None:
    file = board.conn.paths.home / "config.yaml"
    file.write_text("notify: {allow_private: []}\n")
    assert cli("notify", "destinations").code == 0
    file.write_text("notify: {webhooks: {ops: {url: env:NO_URL, secret: a secret of ours}}}\n")
    told = " ".join(cli("notify", "destinations").out.split())
    assert (
        "webhook:ops notify.webhooks.ops.url is in the environment variable NO_URL, which is not"
        " set" in told
    )
    file.write_text("notify: {webhook: {}}\n")
    done = cli("notify", "destinations")
    assert done.code == 2
    assert "notify.webhook is not a known key; did you mean 'webhooks'?" in done.error
