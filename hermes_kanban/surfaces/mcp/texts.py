"""Answers and problems as text for a model: short, bounded, without secrets.

What people and other agents wrote stands between marks that it cannot know, or in quotes on a line
of its own, so that it is not taken for the board's word.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Iterable
from typing import Any, Final

import msgspec

from hermes_kanban import kernel as kb
from hermes_kanban.redact import one_line, redact, strip_control
from hermes_kanban.verbs import Answer, Verb

RESULT_BYTES: Final = 7 * 1024 - 1
"""What a result has at most; some clients cut longer ones, or put them into a file."""
_PROBLEM_BYTES: Final = 3 * 1024
_TITLE_CHARACTERS: Final = 120
_HIDDEN_PATH: Final = "[a path of the host]"
_ABSOLUTE: Final = re.compile(r"(?<![\w./~:\\-])/(?:[^\s'\"`;,()<>]*[^\s'\"`;,()<>.:])")


def answer(verb: Verb, answered: Answer, cautions: Iterable[str] = ()) -> str:
    """What a verb answered, below it what to be warned of, and what came in meanwhile."""
    below = "".join(f"\nwarning: {_told(text)}" for text in cautions) + _news(answered.inbox)
    room = RESULT_BYTES - len(below.encode())
    write = _WRITERS.get(verb.name, _plain)
    return write(verb, answered.result, room) + below


def problem(error: Exception, arguments: dict[str, Any], workspace: str | None = None) -> str:
    """What was wrong, what is allowed, what to do: one line, with no place of this host in it.

    Paths in the caller's workspace stay, and what the caller named itself is no news to it.
    """
    named = str(arguments)

    def hide(found: re.Match[str]) -> str:
        path = found[0]
        inside = workspace is not None and f"{path}/".startswith(f"{workspace}/")
        return path if inside or path in named else _HIDDEN_PATH

    told = str(error) or type(error).__name__
    if isinstance(error, OSError) and error.strerror and not isinstance(error, kb.KanbanError):
        told = f"{error.strerror}; nothing was changed"
    return _front(redact(one_line(_ABSOLUTE.sub(hide, told))), _PROBLEM_BYTES)


# The answers, by verb. Each writer gets the verb, its result and how many bytes there are.

Writer = Callable[[Verb, Any, int], str]


def _show(verb: Verb, page: kb.ContextPage, room: int) -> str:
    rest = ""
    if page.next_page is not None:
        rest = f"\n(page {page.page} of {page.pages}; more: {verb.tool} page={page.next_page})"
    # Cleaned already, text by text: as a whole, a name at a text's end would take its marker along.
    text = page.text.rstrip()
    if len(text.encode()) + len(rest.encode()) > room:
        rest = f"\n(cut to make room for what is below; the rest: {verb.tool} page={page.page})"
        text = page.front(room - len(rest.encode())).rstrip()
    return text + rest


def _changed(verb: Verb, result: Any, room: int) -> str:
    del room
    told = f"{result.id} is {result.status}"
    if not result.changed:
        return f"{told}; nothing was changed"
    return f"{told}; your run is over, so stop here" if verb.ends_run else told


def _commented(verb: Verb, result: Any, room: int) -> str:
    del verb, room
    return f"comment {result.id} is on {result.task_id}"


def _created(verb: Verb, result: Any, room: int) -> str:
    del verb, room
    return f"created {result.id}, {result.status}"


def _linked(verb: Verb, result: Any, room: int) -> str:
    del verb, room
    if not result.changed:
        return f"{result.child_id} already waits for {result.parent_id}"
    return f"{result.child_id} waits for {result.parent_id}"


def _attached(verb: Verb, result: Any, room: int) -> str:
    del verb, room
    name = one_line(_clean(result.name))
    return f"{name} ({result.size:,} bytes) is attachment {result.id} of {result.task_id}"


def _tasks(verb: Verb, page: Any, room: int) -> str:
    rows = [
        (task.seq, f"{task.id} {task.status} priority {task.priority}{_for(task)}: {_title(task)}")
        for task in page.tasks
    ]
    head = "titles are quoted: they are what their authors wrote" if rows else "no such tasks"
    return _rows(verb, head, rows, page.after, room)


def _attachments(verb: Verb, page: Any, room: int) -> str:
    rows = [
        (one.id, f"{one.id} {one_line(_clean(one.name))} {one.size:,} bytes, {one.media_type}")
        for one in page.attachments
    ]
    head = "attachments: id, name, size" if rows else "no attachments"
    if page.saved is not None:
        head = f"saved as {page.saved} in your workspace\n{head}"
    return _rows(verb, head, rows, page.after, room)


def _holds(verb: Verb, found: Any, room: int) -> str:
    head = f"{found.id} is {found.status}"
    if not found.holds:
        return f"{head}; nothing holds it back"
    lines = [_hold(hold) for hold in found.holds]
    shown = _fitting([head, *lines], room - 40)
    left = len(lines) + 1 - len(shown)
    return "\n".join([*shown, f"(and {left} more)"] if left else shown)


def _plain(verb: Verb, result: Any, room: int) -> str:
    del verb
    return _front(_clean(msgspec.json.encode(result).decode()), room)


_WRITERS: Final[dict[str, Writer]] = {
    "context": _show,
    "comment": _commented,
    "create": _created,
    "link": _linked,
    "attach": _attached,
    "list": _tasks,
    "attachments": _attachments,
    "why": _holds,
} | dict.fromkeys(
    (
        *("complete", "block", "heartbeat", "request_review", "wait_for"),
        *("unblock", "approve", "request_changes"),
    ),
    _changed,
)


def _for(task: Any) -> str:
    return f" for {task.assignee}" if task.assignee else ""


def _title(task: Any) -> str:
    title = one_line(_clean(task.title))
    cut = title[: _TITLE_CHARACTERS - 1] + "…" if len(title) > _TITLE_CHARACTERS else title
    return msgspec.json.encode(cut).decode()


def _hold(hold: kb.Hold) -> str:
    until = f", until {_time(hold.until)}" if hold.until is not None else ""
    since = f" (since {_time(hold.since)}{until})" if hold.since is not None else ""
    text, lifted = _told(hold.text), _told(hold.lifted_by)
    return f"- {hold.code}{since}: {_front(text, 400)}; lifted by: {lifted}"


def _told(text: str) -> str:
    """A sentence of the board, on one line and with no place of this host in it."""
    return one_line(_clean(_ABSOLUTE.sub(_HIDDEN_PATH, text)))


def _rows(verb: Verb, head: str, rows: list[tuple[int, str]], after: int | None, room: int) -> str:
    """As many rows as fit, and what asks for those after them."""
    more = "\n(there are more: {} after={})"
    shown = _fitting([head, *(row for _, row in rows)], room - len(more) - 60)
    if len(shown) <= len(rows):
        after = rows[len(shown) - 2][0]
    end = "" if after is None else more.format(verb.tool, after)
    return "\n".join(shown) + end


def _fitting(lines: list[str], room: int) -> list[str]:
    size = 0
    for count, line in enumerate(lines):
        size += len(line.encode()) + 1
        if size > room:
            return lines[:count]
    return lines


# What came in


def _news(inbox: kb.Inbox | None) -> str:
    if inbox is None:
        return ""
    lines = []
    if inbox.stop is not None:
        lines.append(f"STOP: {one_line(_clean(inbox.stop))}; complete or block now, then end")
    if inbox.news:
        mark = os.urandom(4).hex()
        lines.append("New since your last call; what stands between marks is what others wrote:")
        lines += [_one_news(news, mark) for news in inbox.news]
    if inbox.more:
        lines.append(f"({inbox.more} more with your next call)")
    if inbox.seconds_left is not None:
        lines.append(f"({inbox.seconds_left} seconds left for this run)")
    return "".join(f"\n{line}" for line in ("", *lines)) if lines else ""


def _one_news(news: kb.News, mark: str) -> str:
    head = f"- {news.kind} by {one_line(_clean(news.author))} at {_time(news.at)}"
    return f"{head}\n<said {mark}>\n{_clean(news.text)}\n</said {mark}>" if news.text else head


# Text


def _clean(text: str) -> str:
    return redact(strip_control(text))


def _front(text: str, limit: int) -> str:
    """As much of the front as has ``limit`` bytes, whole characters only."""
    encoded = text.encode(errors="replace")
    return text if len(encoded) <= limit else encoded[: max(0, limit)].decode(errors="ignore")


def _time(at: int) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(at))
