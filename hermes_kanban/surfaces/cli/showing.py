"""``show``, ``why``, ``runs``, ``events`` and ``context``: everything the board knows of a task."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import click

from hermes_kanban import health, present
from hermes_kanban import kernel as kb
from hermes_kanban.kernel.hosts import live_hosts, names_of_hosts
from hermes_kanban.kernel.live import host_of
from hermes_kanban.surfaces.cli import afar, inputs
from hermes_kanban.surfaces.cli.attaching import attachment_table
from hermes_kanban.surfaces.cli.events import event_line
from hermes_kanban.surfaces.cli.holds import end_lines, hold_lines, task_line
from hermes_kanban.surfaces.cli.prose import cut, paragraphs, sentence, wrap
from hermes_kanban.surfaces.cli.session import AS_PERSON, AT, Session, command
from hermes_kanban.surfaces.cli.shapes import attachment_json, event_json, run_json, task_json

PAGE = 100
MOST = 20
_ID_CHARACTERS: Final = 12


@command(
    "show",
    inputs.ONE,
    AT,
    AS_PERSON,
    examples="""
    hermes-kanban show t_abc234
    hermes-kanban show t_abc234 --at "2h ago"
    """,
)
def show_command(session: Session, task: str | None, at: str | None) -> None:
    """Show everything about a task.

    Its links, runs, comments and attachments, and why it does not run.
    """
    if at is not None:
        _show_at(session, inputs.task_id(session, task), at)
        return
    conn = session.conn
    found = kb.get_task(conn, inputs.task_id(session, task))
    links = kb.list_links(conn, found.id)
    runs = kb.list_runs(conn, found.id)
    comments = kb.list_comments(conn, found.id)
    attached = kb.list_attachments(conn, found.id)
    holds = _holds(session, found)
    if session.as_json:
        session.answer(
            "task",
            task_json(found),
            (),
            links=links,
            runs=[run_json(run) for run in runs],
            comments=comments,
            attachments=list(map(attachment_json, attached)),
            why=holds,
        )
        return
    neighbours = {one for link in links for one in (link.parent_id, link.child_id)} - {found.id}
    others = {one: kb.get_task(conn, one) for one in neighbours}
    why = _heading(session, "Why it does not run", hold_lines(session, holds))
    lines = _everything(session, found, links, others, runs, comments, attached, why)
    session.answer("task", None, lines)


def _show_at(session: Session, task_id: str, at: str) -> None:
    """The task as it was; of what held it back, history tells the open parents."""
    from hermes_kanban.surfaces.cli.history import moment_of, moment_text

    seen = kb.task_at(session.conn, task_id, moment_of(session, "--at", at))
    waits_for = [parent.id for parent in seen.open_parents]
    if session.as_json:
        session.answer(
            "task",
            task_json(seen.task),
            (),
            links=seen.links,
            runs=[run_json(run) for run in seen.runs],
            comments=seen.comments,
            attachments=list(map(attachment_json, seen.attachments)),
            at=seen.moment,
            open_parents=waits_for,
        )
        return
    lines = [f"as of {moment_text(seen.moment)}", ""]
    lines += _everything(
        session, seen.task, seen.links, seen.others, seen.runs, seen.comments, seen.attachments
    )
    if waits_for:
        lines += ["", f"It waited for {', '.join(waits_for)}"]
    session.answer("task", None, lines)


def _everything(
    session: Session,
    task: kb.Task,
    links: list[kb.Link],
    others: dict[str, kb.Task],
    runs: list[kb.Run],
    comments: list[kb.Comment],
    attached: list[kb.Attachment],
    why: Sequence[str] = (),
) -> list[str]:
    lines = [*_head(session, task), *why, *_texts(session, task)]
    lines += _links(session, task, links, others)
    lines += _heading(session, "Runs", _runs(session, task, runs))
    lines += _comments(session, task, comments)
    if attached:
        lines += _heading(session, "Attachments", attachment_table(session, attached))
    return lines


def _heading(session: Session, name: str, lines: Sequence[str]) -> list[str]:
    return ["", session.paint(name, "heading"), *lines] if lines else []


def _last(session: Session, noun: str, found: list[Any], more: str) -> tuple[list[Any], list[str]]:
    """On a terminal the newest of many, with a line that says where the earlier ones are."""
    if not session.at_screen or len(found) <= MOST:
        return found, []
    return found[-MOST:], [session.paint(f"  {len(found) - MOST} earlier {noun}: {more}", "dim")]


def _runs(session: Session, task: kb.Task, runs: list[kb.Run]) -> list[str]:
    kept, more = _last(session, "runs", runs, f"hermes-kanban runs {task.id}")
    return [*more, *_run_table(session, kept)] if kept else []


def _head(session: Session, task: kb.Task) -> list[str]:
    now = session.now
    workspace = f"{task.workspace_kind}:{task.workspace_path}" if task.workspace_path else None
    pairs = (
        ("assignee", task.assignee or "-"),
        ("tenant", task.tenant),
        ("priority", _priority(task)),
        ("skills", ", ".join(task.skills)),
        ("model", task.model),
        ("provider", task.provider),
        ("next run", None if task.resume is None else _RESUMES[task.resume]),
        ("workspace", workspace or task.workspace_kind),
        ("branch", task.branch),
        ("max runtime", _span(task.max_runtime_seconds)),
        ("max retries", None if task.max_retries is None else str(task.max_retries)),
        ("failures", str(task.consecutive_failures) if task.consecutive_failures else None),
        ("key", task.idempotency_key),
        ("created", f"{present.moment_and_ago(task.created_at, now)} by {task.created_by}"),
        ("scheduled", _when(task.scheduled_at, now)),
        ("not before", _when(task.eligible_at, now)),
        ("started", _when(task.started_at, now)),
        ("completed", _when(task.completed_at, now)),
        ("lease until", _when(task.claim_expires, now)),
        ("blocked", f"{task.block_kind}: {task.block_reason}" if task.block_kind else None),
    )
    return [*title_lines(session, task), "", *present.fields(pairs, colour=session.colour)]


def title_lines(session: Session, task: kb.Task) -> list[str]:
    """``t_abc234 ready  Count the words``: the head of every answer about a task."""
    whole = f"{task.id} {task.status}  {present.clean(task.title)}"
    lines = wrap(whole, session.width, hanging="  ") if session.at_screen else [whole]
    status = session.paint(task.status, present.STATUS_COLOURS[task.status])
    return [lines[0].replace(task.status, status, 1), *lines[1:]]


_RESUMES = {1: "goes on with the conversation", 0: "starts afresh"}


def _priority(task: kb.Task) -> str:
    inherited = task.effective_priority != task.priority
    return (
        f"{task.priority} (runs as {task.effective_priority})" if inherited else f"{task.priority}"
    )


def _span(seconds: int | None) -> str | None:
    return None if seconds is None else present.duration(seconds)


def _when(at: int | None, now: int) -> str | None:
    return None if at is None else present.moment_and_ago(at, now)


def _texts(session: Session, task: kb.Task) -> list[str]:
    lines = []
    everything = f"hermes-kanban show {task.id} | less"
    for name, text in (("Body", task.body), ("Result", task.result)):
        if text:
            lines += _heading(session, name, cut(session, paragraphs(session, text), everything))
    return lines


def _links(
    session: Session, task: kb.Task, links: list[kb.Link], others: dict[str, kb.Task]
) -> list[str]:
    lines = []
    for name, ids in (
        ("Waits for", [(one.parent_id, one) for one in links if one.child_id == task.id]),
        ("Is waited for by", [(one.child_id, one) for one in links if one.parent_id == task.id]),
    ):
        told = [_linked(session, one, others.get(one), link) for one, link in ids]
        more = f"hermes-kanban show {task.id} | less"
        lines += _heading(session, name, cut(session, told, more))
    return lines


def _linked(session: Session, task_id: str, other: kb.Task | None, link: kb.Link) -> str:
    released = " (released)" if link.released_at is not None else ""
    status, title = ("purged", "") if other is None else (other.status, other.title)
    return task_line(session, task_id, status, title, released)


def _comments(session: Session, task: kb.Task, comments: list[kb.Comment]) -> list[str]:
    everything = f"hermes-kanban show {task.id} | less"
    kept, lines = _last(session, "comments", comments, everything)
    for comment in kept:
        at = present.moment_and_ago(comment.created_at, session.now)
        lines.append(session.paint(f"  {present.clean(comment.author)}, {at}", "dim"))
        lines += cut(session, paragraphs(session, comment.body, "    "), everything)
    return _heading(session, "Comments", lines)


@command("why", inputs.ONE, AS_PERSON, examples="hermes-kanban why t_abc234")
def why_command(session: Session, task: str | None) -> None:
    """Say why a task does not run, and what lifts that."""
    task_id = inputs.task_id(session, task)
    found = kb.get_task(session.conn, task_id)
    holds = _holds(session, found)
    served = health.is_served(session.conn)
    if holds:
        lines = [*title_lines(session, found), "", *hold_lines(session, holds)]
        lines += end_lines(session, found)
    else:
        lines = sentence(
            session, f"{task_id} is {found.status}; {_nothing_holds(session, found, served)}", ""
        )
    if not served and found.status in ("ready", "todo"):
        session.warn("no gateway is running; start one with: hermes-kanban up")
    session.answer("why", holds, lines, task={"id": found.id, "status": found.status})


def _nothing_holds(session: Session, task: kb.Task, served: bool) -> str:
    if task.status == "running":
        at_work = f"run {task.current_run_id} works on it{_where(session, task)}"
        return f"{at_work}; see: hermes-kanban log {task.id}"
    if task.status != "ready":
        return "nothing is to come"
    return "nothing holds it back" if served else "it starts as soon as a gateway runs"


def _where(session: Session, task: kb.Task) -> str:
    """On which of several hosts a task runs, and whether that is heard of."""
    run = kb.latest_run(session.conn, task.id)
    names, host = names_of_hosts(session.conn), None if run is None else host_of(run)
    if not names or host is None:
        return ""
    heard = any(one.host_id == host for one in live_hosts(session.conn))
    gone = "" if heard else ", whose gateway is not heard of: it is given up once its lease is over"
    return f" on host {present.clean(names.get(host, host))}{gone}"


def _holds(session: Session, task: kb.Task) -> list[kb.Hold]:
    # Only what is ready can miss a skill; to know them is not light.
    conn = session.conn_with_skills if task.status == "ready" else session.conn
    return kb.why(conn, task.id)


@command(
    "runs",
    inputs.ONE,
    click.Option(["--after"], type=click.INT, default=0, metavar="RUN", help="Runs after this."),
    click.Option(
        ["--limit"], type=click.INT, default=PAGE, show_default=True, help="How many at most."
    ),
    AS_PERSON,
    examples="hermes-kanban runs t_abc234",
)
def runs_command(session: Session, task: str | None, after: int, limit: int) -> None:
    """List a task's runs: outcome, duration, exit code and error."""
    task_id = kb.get_task(session.conn, inputs.task_id(session, task)).id
    runs = kb.list_runs(session.conn, task_id, after=after, limit=limit)
    if session.as_json:
        session.answer("runs", [run_json(run) for run in runs], ())
        return
    lines = _run_table(session, runs) if runs else [f"{task_id} has not run"]
    session.answer("runs", None, lines)


def _run_table(session: Session, runs: list[kb.Run]) -> list[str]:
    now = session.now
    names = names_of_hosts(session.conn)
    heads: tuple[str, ...] = ("RUN", "OUTCOME", "BY", "STARTED", "TOOK", "EXIT")
    rows = [_run_row(run, now) for run in runs]
    if names:
        heads = (*heads[:3], "HOST", *heads[3:])
        hosts = [_host_name(run, names) for run in runs]
        rows = [(*row[:3], host, *row[3:]) for row, host in zip(rows, hosts, strict=True)]
    if any(run.usage for run in runs):
        heads += ("COST",)
        rows = [(*row, _cost(run.usage)) for row, run in zip(rows, runs, strict=True)]
    return present.table(
        (*heads, "NOTE"),
        [(*row, _note(run)) for row, run in zip(rows, runs, strict=True)],
        width=session.width,
        colours={1: present.OUTCOME_COLOURS},
        colour=session.colour,
    )


def _host_name(run: kb.Run, names: dict[str, str]) -> str:
    """What its host is called; of one that is forgotten the beginning of its id."""
    host = host_of(run) or "-"
    return names.get(host, host[:_ID_CHARACTERS])


def _run_row(run: kb.Run, now: int) -> tuple[str, ...]:
    ended = now if run.ended_at is None else run.ended_at
    return (
        str(run.id),
        run.outcome or "running",
        run.profile or run.claimer,
        present.ago(run.started_at, now),
        present.duration(ended - run.started_at),
        "-" if run.exit_code is None else str(run.exit_code),
    )


def _note(run: kb.Run) -> str:
    stopping = f"stopping: {run.stop_reason}" if run.stop_requested_at and not run.exited_at else ""
    return run.error or run.summary or stopping


def _cost(usage: kb.Usage | None) -> str:
    """Tokens in and out, and dollars, as far as they are known: ``12.1k/3.4k $0.12``."""
    if usage is None:
        return "-"
    tokens = f"{_thousands(usage.input)}/{_thousands(usage.output)}"
    return tokens if usage.cost_usd is None else f"{tokens} ${usage.cost_usd:.2f}"


def _thousands(count: int | None) -> str:
    if count is None:
        return "?"
    return str(count) if count < 1_000 else f"{count / 1_000:.1f}k"


@command(
    "events",
    click.Argument(["task"], required=False, metavar="[ID]"),
    click.Option(["--after"], type=click.INT, default=0, metavar="EVENT", help="The next page."),
    click.Option(
        ["--limit"], type=click.INT, default=PAGE, show_default=True, help="How many at most."
    ),
    examples="""
    hermes-kanban events t_abc234
    hermes-kanban events --after 200 --json
    """,
)
def events_command(session: Session, task: str | None, after: int, limit: int) -> None:
    """List events, oldest first: a task's, or the board's."""
    if task is not None:
        kb.get_task(session.conn, task)
    events = kb.list_events(session.conn, task, after=after, limit=limit)
    more = events[-1].id if len(events) == limit else None
    lines = [
        event_line(event, with_id=True, width=session.width, colour=session.colour)
        for event in events
    ]
    if more is not None:
        lines.append(f"more with: --after {more}")
    shown = [event_json(event) for event in events]
    session.answer("events", shown, lines or ["no events"], next_after=more)


@command(
    "context",
    inputs.ONE,
    click.Option(["--page"], type=click.INT, metavar="N", help="One page of at most 6 KiB."),
    AS_PERSON,
    examples="""
    hermes-kanban context t_abc234
    hermes-kanban context t_abc234 --page 2
    """,
)
def context_command(session: Session, task: str | None, page: int | None) -> None:
    """Show what a worker of this task is told.

    All of it, at most 64 KiB, or a page of it for agents that take only short answers.
    """
    task_id = inputs.task_id(session, task)
    if session.afar:
        afar.call(session, "context", {"page": page}, task_id)
        return
    if page is None:
        text = kb.build_worker_context(session.conn, task_id)
        session.answer("context", {"task_id": task_id, "text": text}, text.splitlines())
        return
    found = kb.context_page(session.conn, task_id, page=page)
    lines = found.text.splitlines()
    if found.pages > 1:
        more = f"hermes-kanban context {task_id} --page {found.next_page}"
        rest = "the last" if found.next_page is None else f"more with: {more}"
        lines.append(f"(page {found.page} of {found.pages}; {rest})")
    told = {name: getattr(found, name) for name in ("text", "page", "pages", "next_page")}
    session.answer("context", {"task_id": task_id} | told, lines)
