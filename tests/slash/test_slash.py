"""``/kanban …`` as a Python function: the command line's own parser, short answers, no harm."""

from __future__ import annotations

import contextlib
import io
import os
import re
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from hermes_kanban import kernel as kb
from hermes_kanban.kernel.subscriptions import list_subscriptions
from hermes_kanban.surfaces.cli.root import MODULES
from hermes_kanban.surfaces.slash import Reply, is_slash, slash
from hermes_kanban.surfaces.slash.allowed import ALLOWED, READING
from hermes_kanban.surfaces.slash.markup import style

MARA = "person:mara"
PLACE = "matrix:!room:example.org"


def say(text: str, **more):
    return slash(text, **({"actor": MARA, "platform": "plain"} | more))


def made(text: str, **more) -> str:
    reply = say(text, **more)
    assert reply.ok, reply.text
    found = re.search(r"t_\w+", reply.text)
    assert found, reply.text
    return found[0]


@pytest.fixture
def task(board) -> str:
    return kb.create_task(board.conn, title="Count the words", assignee="counter")


def test_only_a_message_that_begins_with_the_command_is_one():
    assert all(
        map(is_slash, ("/kanban", "/kanban list", "!kanban list", "/Kanban\nlist", " /kanban"))
    )
    assert not any(
        map(is_slash, ("", "kanban", "/kanbanx list", "say /kanban", "/ kanban", "//kanban"))
    )


@pytest.mark.stores("sqlite", "postgres")
def test_every_allowed_command_does_what_the_command_line_does(board, task):
    conn = board.conn
    status = lambda: kb.get_task(conn, task).status  # noqa: E731
    other = made("/kanban create Another one --triage")
    steps = {
        "list": ("", task),
        "show": (task, "Count the words"),
        "edit": (f'{task} --title "Count them all"', task),
        "assign": (f"{task} writer", task),
        "prioritise": (f"{task} -3", task),
        "schedule": (f"{task} now", task),
        "link": (f"{task} {other}", other),
        "unlink": (f"{task} {other}", other),
        "comment": (f"{task} looks good, don't change it", "comment 1"),
        "attachments": (task, "no attachments"),
        "triage": (task, f"{task} triage"),
        "accept": (task, f"{task} ready"),
        "ready": ("", task),
        "diagnostics": ("", "no_profile"),
        "block": (f"{task} which table", f"{task} blocked"),
        "unblock": (f"{task} --reason “the first”", f"{task} ready"),
        "why": (task, "no_profile"),
        "runs": (task, "blocked"),
        "events": (task, "unblocked"),
        "diff": ("--from '1h ago'", task),
        "stats": ("", "in progress 0"),
        "assignees": ("", "writer"),
        "boards": ("", "default"),
        "pause": ("", "paused"),
        "resume": ("", "open"),
        "hosts": ("list", "no gateway has dispatched"),
        "notify": ("list", "no subscriptions"),
        "complete": (f"{task} --summary done", f"{task} done"),
        "reopen": (task, f"{task} ready"),
        "undo": (task, "took back reopen"),
        "archive": (task, f"{task} archived"),
        "cancel": (other, f"{other} archived"),
        "create": ("One more", "t_"),
    }
    for name, (words, answer) in steps.items():
        reply = say(f"/kanban {name} {words}")
        assert reply.ok, (name, reply.text)
        assert answer in reply.text, (name, reply.text)
    # What needs a run or a review says so in one line, and does nothing.
    for name, words in {
        "approve": other,
        "promote": other,
        "request-changes": f"{other} more tables",
        "reclaim": other,
        "adopt": f"{other} --run 99",
        "dismiss": f"{other} --run 99",
        "log": other,
    }.items():
        reply = say(f"/kanban {name} {words}")
        assert not reply.ok
        assert "\n" not in reply.text
        steps[name] = (words, "")
    assert set(steps) == ALLOWED
    assert status() == "archived"
    (comment,) = kb.list_comments(conn, task)
    assert (comment.author, comment.body) == (MARA, "looks good, don't change it")
    actors = {event.actor for event in kb.list_events(conn, task)[1:]}
    assert actors - {"system"} == {MARA}


def test_reviews_are_decided(board, task):
    conn = board.conn
    for words, status in (
        ("request-changes {} the second table lacks May", "ready"),
        ("approve {}", "done"),
    ):
        run = kb.claim_task(conn, task)
        kb.request_review(conn, task, summary="Read it", run_id=run.current_run_id)
        reply = say("/kanban " + words.format(task))
        assert reply.ok, reply.text
        assert reply.text.startswith(f"{task} {status}")
    bodies = [one.body for one in kb.list_comments(conn, task)]
    assert "the second table lacks May" in bodies


def test_every_other_command_is_refused_in_one_line(board, task):
    before = kb.newest_event_id(board.conn)
    for name in sorted(MODULES.keys() - ALLOWED):
        reply = say(f"/kanban {name} {task}")
        assert not reply.ok
        assert reply.text.startswith(f"{name} cannot be given in a chat: ")
        assert "\n" not in reply.text
        assert "for a terminal" not in reply.text, f"{name} has no reason of its own"
    for words, answer in (
        (f"complete {task} --artifact /etc/passwd", "--artifact cannot be given in a chat"),
        (f"attachments {task} --save a /tmp/b", "--save cannot be given in a chat"),
        (f"log {task} -f", "--follow cannot be given in a chat"),
        (f"comment {task} x --lock x --run 1", "cannot be given in a chat"),
        (f"show {task} --as-person", "--as-person cannot be given in a chat"),
        ("boards create more", "there is no command 'create'"),
        ("notify subscribe command:/bin/true", "only chats can"),
        ("notify subscribe log", "only chats can"),
        ("creat x", "did you mean 'create'? See: /kanban --help"),
        ("subscribe", "did you mean 'notify subscribe'?"),
        ("list --limit x", "'x' is not a valid integer"),
        ("show t_none", "no task t_none"),
        ("--board none list", "no board none"),
        ("--board ../../etc list", "is no board name"),
        ("comment", "expected ID TEXT"),
        (f"comment {task} " + "x" * 100_000, "at most 32,768 bytes"),
    ):
        reply = say(f"/kanban {words}", place=PLACE)
        assert not reply.ok, words
        assert answer in reply.text, (words, reply.text)
        assert "\n" not in reply.text, reply.text
        assert "Traceback" not in reply.text
        assert not reply.fault
    assert kb.newest_event_id(board.conn) == before
    assert list_subscriptions(board.conn) == []


def test_texts_are_never_read_from_files_or_standard_input(board, tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("the key")
    task = made(f"/kanban create @{secret} --body @{secret}")
    say(f"/kanban comment {task} @{secret}")
    say(f"/kanban comment {task} -")
    found = kb.get_task(board.conn, task)
    assert (found.title, found.body) == (f"@{secret}", f"@{secret}")
    assert [one.body for one in kb.list_comments(board.conn, task)] == [f"@{secret}", "-"]


def test_what_follows_the_first_line_is_the_text(board):
    task = made(
        "/kanban create “Count: it's all” —assignee counter\nEvery word.\n\n- twice", board=None
    )
    found = kb.get_task(board.conn, task)
    assert (found.title, found.assignee) == ("Count: it's all", "counter")
    assert found.body == "Every word.\n\n- twice"
    say(f"/kanban block {task} Which?\n- this\n- that")
    assert kb.get_task(board.conn, task).block_reason == "Which?\n- this\n- that"
    say(f'/kanban comment {task} "two\nlines" ')
    assert kb.list_comments(board.conn, task)[-1].body == "two\nlines"


def test_help_is_that_of_the_command_line_and_of_what_can_be_done():
    for text in ("/kanban", "/kanban help", "/kanban --help"):
        whole = say(text).text
        assert all(re.search(rf"^  {name} ", whole, re.MULTILINE) for name in ALLOWED)
        assert not any(
            re.search(rf"^  {name} ", whole, re.MULTILINE) for name in ("purge", "gateway")
        )
    one = say("!kanban help create").text
    assert "!kanban create [OPTIONS] TITLE" in one
    assert "--assignee PROFILE" in one
    assert "--lock" not in one
    assert say("/kanban create --help").text.replace("/", "!") == one.replace("/", "!")


def test_help_says_nothing_of_files_and_of_json_and_is_whole():
    parts = [f"notify {one}" for one in ("subscribe", "list", "unsubscribe", "outbox")]
    for name in (*sorted(ALLOWED), *parts, "notify"):
        text = say(f"/kanban {name} --help").text
        told = r"stdin|standard input|@FILE|@\w+\.|json|JSON\.|[a-z]\.\.\.$"
        assert not re.search(told, text, re.M), text
        assert not re.search(r"^ *\.$|Examples:$\Z", text, re.M), text
    assert "  --workspace KIND       scratch, dir:" in say("/kanban create --help").text
    assert "end those that it\n" in say("/kanban notify").text
    for words in ("list --json", "notify list --json", "notify --json list"):
        assert say(f"/kanban {words}").text == (
            "--json cannot be given in a chat: its answers are for people"
        )


def test_what_follows_the_ids_is_the_answer(board, task):
    conn = board.conn
    for said, reason in (
        ("orders, not archive", "orders, not archive"),
        ('--reason "the newer"', "the newer"),
        ("the newer\nand soon", "the newer\nand soon"),
        ("", None),
    ):
        kb.block_task(conn, task, reason="Which?", kind="needs_input")
        reply = say(f"/kanban unblock {task} {said}")
        assert reply.ok, reply.text
        event = [one for one in kb.list_events(conn, task) if one.kind == "unblocked"][-1]
        assert event.payload.get("reason") == reason
    other = made("/kanban create Another")
    for one in (task, other):
        kb.block_task(conn, one, reason="Which?", kind="needs_input")
    assert say(f"/kanban unblock {task} {other} both of them").ok
    assert {kb.get_task(conn, one).status for one in (task, other)} == {"ready"}
    assert say(f"/kanban complete {task} Counted by hand").ok
    assert kb.latest_run(conn, task).summary == "Counted by hand"
    # What has its text already takes no other.
    kb.block_task(conn, other, reason="Which?", kind="needs_input")
    assert "no task more" in say(f"/kanban unblock {other} more --reason less").text


def test_what_it_warns_of_comes_after_the_answer_and_its_link(board):
    (board.conn.paths.home / "config.yaml").write_text("web: {public_url: https://board.example}\n")
    lines = say("/kanban create Nobody does it").text.splitlines()
    task_id = kb.list_tasks(board.conn)[0].id
    assert lines[:2] == [task_id, f"https://board.example/b/default/t/{task_id}"]
    assert lines[2].startswith("(it is assigned to nobody")
    assert say(f"/kanban comment {task_id} a word").text.endswith(f"/t/{task_id}")
    assert say("/kanban pause").text == "default paused"


def test_a_platform_that_is_none_is_one_line(board):
    assert say("/kanban list", platform="irc") == Reply(
        "platform is 'irc'; allowed: plain, markdown, matrix, telegram, slack, discord", ok=False
    )
    reply = say("/kanban notify subscribe")
    assert reply.text == "which chat? name one, such as matrix:ROOM, or matrix alone for its home"


@pytest.mark.stores("sqlite", "postgres")
def test_a_task_tells_the_place_where_it_was_asked_for_and_a_repeat_is_done_once(board):
    words = "/kanban create Once"
    first, again = (say(words, place=PLACE, key="$event") for _ in range(2))
    assert first == again
    assert len(kb.list_tasks(board.conn)) == 1
    (sub,) = list_subscriptions(board.conn)
    assert (sub.destination, sub.options, sub.created_by) == (PLACE, {"inherit": True}, MARA)
    assert made(words, place=PLACE, key="$another") not in first.text
    # What was refused is refused again with the same words, and a reading command reads anew.
    refused = [say("/kanban archive t_none", key="$third") for _ in range(2)]
    assert refused[0] == refused[1]
    stats = say("/kanban stats", key="$fourth")
    made(words)
    assert say("/kanban stats", key="$fourth") != stats
    assert len(list_subscriptions(board.conn)) == 2
    reply = say("/kanban notify subscribe", place=PLACE)
    told = "what needs a person or ends a task, of the board, at once"
    assert reply.text.splitlines() == [
        f"subscription 3: {told}, to {PLACE}",
        "(chat.matrix is not configured yet: what is owed there waits)",
    ]
    assert len(list_subscriptions(board.conn)) == 3
    # It hears of the whole board now, and so of this task once.
    made(words, place=PLACE)
    assert len(list_subscriptions(board.conn)) == 3


@pytest.mark.parametrize(
    "platform", ["plain", "markdown", "matrix", "telegram", "slack", "discord"]
)
def test_answers_fit_their_platform_and_nobody_slips_marks_in(board, platform):
    evil = "</pre><b>x</b> ``` @everyone *bold* _it_ <!channel> <@U1> | &amp;"
    tasks = [kb.create_task(board.conn, title=f"{evil} {at}") for at in range(100)]
    reply = slash("/kanban list", actor=MARA, platform=platform)
    shown = reply.html or reply.text
    limit = {"telegram": 4_096, "discord": 2_000, "slack": 4_000}.get(platform, 16_000)
    assert len(reply.text) <= limit
    assert style(platform).characters <= limit
    if platform in ("telegram", "discord", "slack"):
        assert re.search(r"… \d+ more", shown)
    if platform in ("matrix", "telegram"):
        assert "<b>" not in shown
        assert shown.count("</pre>") == 1
    if platform in ("markdown", "discord", "slack"):
        assert shown.count("```") == 2
        assert "@everyone" not in shown or platform == "slack"
    if platform == "slack":
        assert "<!channel>" not in shown
        assert "<@U1>" not in shown
    one = slash(f"/kanban show {tasks[0]} --at nonsense<b>", actor=MARA, platform=platform)
    assert not one.ok
    assert "<b>" not in (one.html or one.text) or platform == "plain"


def test_it_can_be_called_from_many_threads_and_touches_nothing_of_the_process(board, task, capfd):
    environment = dict(os.environ)
    out, err = io.StringIO(), io.StringIO()
    before = threading.active_count()
    said = [f"/kanban comment {task} number {at}" for at in range(40)]
    said += ["/kanban list", "/kanban create --help", "/kanban nonsense", "/kanban purge x"] * 10
    redirected = contextlib.redirect_stdout(out), contextlib.redirect_stderr(err)
    with redirected[0], redirected[1], ThreadPoolExecutor(8) as pool:
        replies = list(pool.map(say, said))
    assert sum(reply.ok for reply in replies) == 60
    bodies = {one.body for one in kb.list_comments(board.conn, task, limit=100)}
    assert bodies == {f"number {at}" for at in range(40)}
    assert (out.getvalue(), err.getvalue(), *capfd.readouterr()) == ("", "", "", "")
    assert dict(os.environ) == environment
    assert threading.active_count() == before


def test_an_answer_about_one_task_has_the_link_to_it(board, task):
    (board.conn.paths.home / "config.yaml").write_text("web: {public_url: https://board.example}\n")
    link = f"https://board.example/b/default/t/{task}"
    assert say(f"/kanban block {task} Which?").text == f"{task} blocked\n{link}"
    reply = slash(f"/kanban unblock {task}", actor=MARA, platform="matrix")
    assert f'<a href="{link}">open</a>' in reply.html
    assert link not in say(f"/kanban approve {task}").text


def test_reading_commands_write_nothing(board, task):
    del task
    before = board.conn.execute("SELECT count(*) FROM said").fetchone()[0]
    for name in READING:
        say(f"/kanban {name}", key=f"${name}")
    assert board.conn.execute("SELECT count(*) FROM said").fetchone()[0] == before == 0
