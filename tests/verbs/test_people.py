"""The verbs that people look at a board with, and what they never tell."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from hermes_kanban import kernel as kb
from hermes_kanban.config import Profile, WebSettings
from hermes_kanban.kernel.workspaces import directory
from hermes_kanban.verbs import VERBS, person
from hermes_kanban.verbs.table import AGENTS
from tests.support.repositories import git, make_repository
from tests.verbs.conftest import Verbs


def log_of(verbs: Verbs, run_id: int) -> Path:
    file = verbs.conn.paths.run_dir(run_id) / "log"
    file.parent.mkdir(parents=True, exist_ok=True)
    return file


def run_of(verbs: Verbs, task: str) -> kb.Run:
    run = kb.latest_run(verbs.conn, task)
    assert run is not None
    return run


@pytest.mark.stores("sqlite")
def test_what_agents_never_have_is_loaded_when_it_is_asked_for() -> None:
    code = (
        "import sys\n"
        "from hermes_kanban.verbs import VERBS, offered\n"
        "from hermes_kanban.verbs.caller import Caller, Rights\n"
        "lead = Caller(kind='worker', rights=Rights(orchestrator=True))\n"
        "assert offered(lead) and VERBS['create'] and 'list' in VERBS\n"
        "assert 'hermes_kanban.verbs.people' not in sys.modules\n"
        "assert VERBS['cards'].name == 'cards' and 'nothing' not in VERBS\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
    assert all(verb.tool is None for name, verb in VERBS.items() if name not in AGENTS)
    assert list(VERBS)[: len(AGENTS)] == list(AGENTS)


def test_a_card_says_what_its_process_said_last(verbs: Verbs) -> None:
    me = verbs.worker("coder")
    log_of(verbs, me.run_id or 0).write_text("first\n\x1b[31msecond\x1b[0m token=abcdefgh1234\n\n")
    (card,) = verbs.person("cards", status=["running"]).cards
    assert card.live.last_line == "second token=[redacted]"
    assert card.live.last_output_at is not None


def test_why_of_each(verbs: Verbs) -> None:
    task = verbs.task(None)
    found = verbs.person("why_each", ids=[task, "t_none"]).tasks
    assert [(one.id, one.status, one.holds[0].code) for one in found] == [
        (task, "ready", "unassigned")
    ]


def test_the_end_of_a_log(verbs: Verbs) -> None:
    me = verbs.worker("coder")
    task = me.task_id
    assert verbs.person("log", task_id=task).lines == []
    file = log_of(verbs, me.run_id or 0)
    file.write_text("\n".join(f"line {at}" for at in range(50_000)) + "\nunfin")
    part = verbs.person("log", task_id=task, lines=3)
    assert part.lines == ["line 49997", "line 49998", "line 49999"]
    assert (part.whole, part.over, part.run_id) == (False, False, me.run_id)
    verbs.call(me, "complete")
    part = verbs.person("log", task_id=task, lines=2)
    assert (part.lines, part.over) == (["line 49999", "unfin"], True)
    file.write_text("x" * 5_000 + "\n" + "y" * 5_000 + "\n")
    part = verbs.person("log", task_id=task, lines=2)
    assert (len(part.lines), part.whole) == (2, True)
    with pytest.raises(kb.NotFound):
        verbs.person("log", task_id=verbs.task(), run_id=me.run_id)


def test_how_the_board_stands(verbs: Verbs) -> None:
    verbs.worker("coder")
    found = verbs.person("health")
    assert (found.gateway, found.in_progress, found.config_error) == (None, 1, None)
    now = verbs.conn.clock.now()
    verbs.conn.paths.health.write_text(
        f'{{"state":"dispatching","pid":1,"started_at":{now},"tick_at":{now},"degraded":["x"]}}'
    )
    (verbs.conn.paths.home / "config.yaml").write_text("kanban:\n  max_spwan: 1\n")
    found = verbs.person("health")
    assert (found.gateway.state, found.gateway.degraded) == ("dispatching", ["x"])
    assert "max_spwan" in found.config_error
    assert (found.paused_at, found.cursor) == (None, kb.newest_event_id(verbs.conn))


def test_health_tells_every_limit_and_what_waits(verbs: Verbs) -> None:
    config = verbs.conn.config
    verbs.conn.config = msgspec.structs.replace(
        config,
        profiles={
            "coder": Profile(argv=("/bin/x",), max_in_progress=2, resources={"gpu": 1}),
            "free": Profile(argv=("/bin/x",)),
        },
        kanban=msgspec.structs.replace(
            config.kanban,
            max_in_progress=4,
            max_in_progress_per_tenant={"acme": 3},
            resources={"gpu": 1},
        ),
    )
    kb.claim_task(verbs.conn, verbs.task("coder", tenant="acme"))
    found = verbs.person("health")
    assert [(cap.of, cap.name, cap.taken, cap.most) for cap in found.caps] == [
        ("board", None, 1, 4),
        ("profile", "coder", 1, 2),
        ("tenant", "acme", 1, 3),
        ("resource", "gpu", 1, 1),
    ]
    assert (found.standby, found.deliveries_waiting, found.deliveries_dead) == ([], 0, 0)
    assert found.database_bytes > 10_000
    now = verbs.conn.clock.now()
    verbs.conn.paths.standby(1).write_text(
        f'{{"state":"standby","pid":1,"started_at":{now},"tick_at":{now},"interval_seconds":60}}'
    )
    assert [one.state for one in verbs.person("health").standby] == ["standby"]


def test_profiles_and_settings_tell_no_secret(verbs: Verbs) -> None:
    secret = "abcdefgh" * 5
    profile = Profile(argv=("/bin/x", "--token", secret), env={"API_KEY": secret})
    config = verbs.conn.config
    verbs.conn.config = msgspec.structs.replace(
        config,
        profiles={"one": profile},
        web=WebSettings(token=secret),
        kanban=msgspec.structs.replace(
            config.kanban, database=f"postgresql://me:{secret}@host/board"
        ),
    )
    answers = [verbs.person(verb) for verb in ("profiles", "settings")]
    told = msgspec.json.encode(answers).decode()
    assert secret not in told
    assert answers[0].profiles[0].env == ["API_KEY"]
    assert answers[1].web["token"] == "[redacted]"
    assert answers[1].kanban["database"] == "postgresql://me:[redacted]@host/board"


def test_the_board_as_it_was(verbs: Verbs) -> None:
    task = verbs.task("coder")
    then = kb.newest_event_id(verbs.conn)
    verbs.person("edit", task_id=task, title="other words")
    later = verbs.task()
    was = verbs.person("past", event=then)
    assert [(one.id, one.title) for one in was.tasks] == [(task, "a task")]
    assert was.moment.event_id == then
    assert was.first_at is not None
    assert verbs.person("task_past", task_id=task, event=then).task.title == "a task"
    with pytest.raises(kb.NotFound):
        verbs.person("task_past", task_id=later, event=then)
    changed = verbs.person("diff", from_event=then)
    assert [(one.id, one.created) for one in changed.tasks] == [(task, False), (later, True)]
    assert changed.tasks[0].fields["title"] == ("a task", "other words")


def test_what_was_tells_no_secret_either(verbs: Verbs) -> None:
    me = verbs.worker("coder")
    kb.add_attachment(verbs.conn, me.task_id or "", data=b"x", name="x.txt")
    verbs.call(me, "complete", summary="done")
    answers = [
        verbs.person("past"),
        verbs.person("task_past", task_id=me.task_id),
        verbs.person("diff", from_event=0),
    ]
    told = msgspec.json.encode(answers).decode()
    assert me.claim_lock is not None
    assert me.claim_lock not in told
    assert '"path"' not in told


def test_a_verb_is_taken_back_by_whoever_did_it(verbs: Verbs) -> None:
    task = verbs.task("coder")
    verbs.person("prioritise", task_id=task, priority=5)
    planned = verbs.person("undo", task_id=task, dry_run=True)
    assert (planned.verb, planned.event_id) == ("prioritise", None)
    done = verbs.person("undo")
    assert (done.task_id, done.changes["priority"]) == (task, (5, 0))
    assert kb.get_task(verbs.conn, task).priority == 0
    with pytest.raises(kb.CannotUndo):
        verbs.call(person("person:bob"), "undo")


def test_who_hears_of_what(verbs: Verbs) -> None:
    made = verbs.person("subscribe", destination="log", kinds=["all"])
    assert verbs.person("subscribe", destination="log", kinds=["all"]).id == made.id
    secret = "command:/bin/true --token abcdefgh1234"
    verbs.person("subscribe", destination=secret)
    page = verbs.person("subscriptions")
    assert page.subscriptions[0].id == made.id
    assert "abcdefgh1234" not in msgspec.json.encode(page).decode()
    with pytest.raises(kb.NotAllowed, match="on the host"):
        verbs.call(person("person:ada", remote=True), "subscribe", destination=f" {secret}")
    assert verbs.person("test_subscription", subscription=made.id).outcome == "delivered"
    shown = verbs.person("subscription", subscription=made.id)
    assert (shown.subscription.mode, shown.owed.waiting, shown.owed.next_at) == ("notify", 0, None)
    assert verbs.person("unsubscribe", subscription=made.id).changed
    assert not verbs.person("unsubscribe", subscription=made.id).changed
    assert verbs.person("outbox").deliveries == []
    with pytest.raises(kb.NotFound):
        verbs.person("retry_delivery", delivery=7)


def test_a_tree_with_a_digest_and_quiet_hours_that_wakes(verbs: Verbs) -> None:
    top = verbs.person("create", title="top").id
    made = verbs.person(
        "subscribe",
        destination="log",
        task_id=top,
        tree=True,
        wake="planner",
        digest_seconds=900,
        quiet="22:00-07:00",
        zone="Europe/Berlin",
        assignees=["writer", "reader"],
        tenants=["acme"],
    )
    child = verbs.person("create", title="child", parents=[top]).id
    (shown,) = verbs.person("subscriptions").subscriptions
    assert (shown.id, shown.mode, shown.task_id) == (made.id, "notify_and_wake", top)
    assert shown.filter == {
        "kinds": ["attention"],
        "assignee": ["reader", "writer"],
        "tenant": ["acme"],
    }
    assert shown.options == {
        "digest_seconds": 900,
        "inherit": True,
        "quiet": {"from": "22:00", "to": "07:00", "zone": "Europe/Berlin"},
        "wake": "planner",
    }
    both = verbs.person("subscriptions", inherited=True).subscriptions
    assert [(one.task_id, one.root_id) for one in both] == [(top, None), (child, made.id)]
    assert verbs.person("subscribe", wake="planner").id != made.id
    assert verbs.person("subscriptions").subscriptions[-1].destination == "wake:planner"
    with pytest.raises(kb.InvalidInput):
        verbs.person("subscribe", destination="log", quiet="22-7")
    with pytest.raises(kb.InvalidInput, match="destination"):
        verbs.person("subscribe")


def test_what_a_task_changed_in_its_worktree(verbs: Verbs, tmp_path: Path) -> None:
    repository = make_repository(tmp_path / "repository")
    task = verbs.task("coder", workspace=f"worktree:{repository}")
    nothing = verbs.person("workspace", task_id=task)
    assert (nothing.present, nothing.base, nothing.files) == (False, None, [])
    place = directory(kb.get_task(verbs.conn, task), verbs.conn.paths)
    place.parent.mkdir(parents=True, exist_ok=True)
    git(repository, "worktree", "add", "-b", nothing.branch, str(place))
    (place / "file").write_text("one\ntwo\n")
    git(place, "commit", "--quiet", "-am", "More")
    (place / "file").write_text("two\n")
    (place / "new näme").write_text("fresh\n")
    (place / "bytes").write_bytes(b"\0\xff")
    found = verbs.person("workspace", task_id=task)
    assert found.base == git(repository, "rev-parse", "HEAD")
    assert [(one.path, one.change, one.added, one.removed) for one in found.files] == [
        ("file", "changed", 1, 1),
        ("bytes", "untracked", None, None),
        ("new näme", "untracked", None, None),
    ]
    assert "-one\n+two\n" in found.diff
    assert "+fresh\n" in found.diff
    assert not found.cut
    (place / "large").write_text("much\n" * 200_000)
    large = verbs.person("workspace", task_id=task)
    assert large.cut
    assert len(large.diff.encode()) <= 512 * 1024


TRAPS = {
    "a monitor": ("core.fsmonitor", ""),
    "a diff program": ("diff.external", ""),
    "a text converter": ("diff.x.textconv", "file diff=x\n"),
    "a driver": ("diff.x.command", "file diff=x\n"),
    "a filter": ("filter.x.clean", "file filter=x\n"),
    "a filter with an odd name": ("filter.a=b.clean", "file filter=a=b\n"),
    "a filter that stays": ("filter.x.process", "file filter=x\n"),
}


@pytest.mark.parametrize("kind", TRAPS)
def test_a_repository_of_an_agent_runs_no_program_of_its(
    verbs: Verbs, tmp_path: Path, kind: str
) -> None:
    name, attributes = TRAPS[kind]
    repository = make_repository(tmp_path / "repository")
    trap, sprung = tmp_path / "trap", tmp_path / "sprung"
    trap.write_text(f"#!/bin/sh\ntouch {sprung}\ncat\n")
    trap.chmod(0o755)
    git(repository, "config", name, str(trap))
    (repository / ".gitattributes").write_text(attributes)
    (repository / "file").write_text("two\n")
    sprung.unlink(missing_ok=True)
    task = verbs.task("coder", workspace=f"dir:{repository}")
    assert "+two" in verbs.person("workspace", task_id=task).diff
    assert not sprung.exists()
    subprocess.run(
        ["git", "-C", str(repository), "diff"], check=False, capture_output=True, timeout=20
    )
    assert sprung.exists()  # the trap works


def test_a_repository_within_one_is_not_looked_into(verbs: Verbs, tmp_path: Path) -> None:
    repository = make_repository(tmp_path / "repository")
    inner = make_repository(repository / "inner")
    git(repository, "add", "inner")
    git(repository, "commit", "--quiet", "-m", "With another")
    trap, sprung = tmp_path / "trap", tmp_path / "sprung"
    trap.write_text(f"#!/bin/sh\ntouch {sprung}\n")
    trap.chmod(0o755)
    git(inner, "config", "core.fsmonitor", str(trap))
    (inner / "file").write_text("two\n")
    sprung.unlink(missing_ok=True)
    task = verbs.task("coder", workspace=f"dir:{repository}")
    assert verbs.person("workspace", task_id=task).diff == ""
    assert not sprung.exists()
    subprocess.run(["git", "-C", str(repository), "diff"], check=False, capture_output=True)
    assert sprung.exists()  # the trap works
