"""What Slack sends and takes, in the few fields that are used, and its text read back as it was
written."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple, TypeVar

import msgspec

from gateway.chat.adapter import Button
from gateway.chat.shown import Parts, as_they_fit, told_below
from hermes_kanban.notify.message import Item
from hermes_kanban.redact import strip_control
from hermes_kanban.surfaces.slash.markup import fitted

T = TypeVar("T")

CHARACTERS: Final = 2_900
BUTTONS: Final = 25
_LABEL_CHARACTERS: Final = 75
_EVENT_TYPE: Final = "hermes_kanban_message"
_SAID: Final = frozenset({None, "thread_broadcast", "file_share"})


class Envelope(msgspec.Struct):
    """One frame of the socket; ``acknowledged`` is ours."""

    type: str = ""
    envelope_id: str = ""
    payload: Any = None
    acknowledged: bool = False


class Said(msgspec.Struct, frozen=True):
    """A message, as an event has it and as a channel's history has it."""

    type: str = ""
    subtype: str | None = None
    channel: str = ""
    user: str = ""
    bot_id: str | None = None
    text: str = ""
    ts: str = ""
    thread_ts: str | None = None
    latest_reply: str = ""

    def is_of_a_person(self) -> bool:
        """Neither a bot's nor about an edit, a topic or the like."""
        return bool(self.user and self.ts) and self.bot_id is None and self.subtype in _SAID

    def is_in_thread(self) -> bool:
        """Whether it was said below another message."""
        return self.thread_ts is not None and self.thread_ts != self.ts


class Event(msgspec.Struct, frozen=True):
    """What the Events API wraps around a message."""

    event: Said


class Command(msgspec.Struct, frozen=True):
    """A slash command."""

    channel_id: str
    user_id: str
    trigger_id: str
    response_url: str
    text: str = ""


class _Named(msgspec.Struct, frozen=True):
    id: str


class _Action(msgspec.Struct, frozen=True):
    action_ts: str
    value: str = ""


class Press(msgspec.Struct, frozen=True):
    """A button that was pressed."""

    type: str
    user: _Named
    channel: _Named
    response_url: str
    actions: list[_Action] = []


def read(value: Any, kind: type[T]) -> T | None:
    """``value``, or JSON text, as one of these; None if it is none."""
    try:
        if isinstance(value, str):
            return msgspec.json.decode(value, type=kind)
        return msgspec.convert(value, type=kind)
    except (msgspec.ValidationError, msgspec.DecodeError):
        return None


def kept(text: str) -> dict[str, str]:
    """How far each channel was read."""
    return read(text, dict[str, str]) or {}


def rich(found: Parts) -> dict[str, Any]:
    """A message as rich text, in which no character is a mark and none calls anybody."""
    subject = [_text(found.subject, bold=True)] if found.subject else []
    body = _cut(strip_control(found.body))
    items = _items(found.items)
    end = [_text(found.how)] if found.how else []
    if found.link:
        end += [_text("\n")] if end else []
        end.append(_link(found.link, "open"))
    if found.how and body:
        pieces = [("section", subject), ("quote", [_text(body)]), ("section", end)]
    else:
        lines = [one for one in (subject, [_text(body)] if body else [], *items, end) if one]
        newline = [_text("\n")]
        pieces = [("section", [cell for line in lines for cell in (*newline, *line)][1:])]
    elements = [{"type": f"rich_text_{kind}", "elements": cells} for kind, cells in pieces if cells]
    return {"type": "rich_text", "elements": elements}


def _items(items: Sequence[Item]) -> list[list[dict[str, Any]]]:
    """A line for each thing of a digest, with the link to its task, as many as fit."""
    fit = as_they_fit(items, lambda one: len(one.subject) + len(told_below(one)) + 8, CHARACTERS)
    lines = []
    for one in items[:fit]:
        subject = _link(one.link, one.subject) if one.link else _text(one.subject)
        below = told_below(one)
        lines.append([_text("• "), subject, *([_text(f"\n   {below}")] if below else [])])
    return [*lines, *([[_text(f"… {len(items) - fit} more")]] if fit < len(items) else [])]


def _link(address: str, label: str) -> dict[str, Any]:
    return {"type": "link", "url": address, "text": strip_control(label)}


def _text(text: str, *, bold: bool = False) -> dict[str, Any]:
    cell: dict[str, Any] = {"type": "text", "text": strip_control(text)}
    return cell | {"style": {"bold": True}} if bold else cell


def _cut(text: str) -> str:
    lines, more = fitted(text.splitlines(), CHARACTERS)
    return "\n".join([*lines, f"… {more} more"] if more else lines)


def blocks(found: Parts, buttons: Sequence[Button] = ()) -> list[dict[str, Any]]:
    """A message with its buttons."""
    if not buttons:
        return [rich(found)]
    elements = [
        {
            "type": "button",
            "text": {"type": "plain_text", "text": one.label[:_LABEL_CHARACTERS], "emoji": False},
            "value": one.token,
            "action_id": f"kanban-{at}",
        }
        for at, one in enumerate(buttons)
    ]
    return [rich(found), {"type": "actions", "elements": elements}]


def metadata(key: str) -> dict[str, Any]:
    """What a message carries unseen."""
    return {"event_type": _EVENT_TYPE, "event_payload": {"key": key}}


def key_of(message: Any) -> str | None:
    """The key that a message of a channel's history carries."""
    carried = message.get("metadata") or {}
    if carried.get("event_type") != _EVENT_TYPE:
        return None
    found: str | None = (carried.get("event_payload") or {}).get("key")
    return found


class Refusal(NamedTuple):
    """Why Slack did not do it, and for how many seconds it wants to be left alone."""

    code: str
    retry_after: float | None


def refusal(error: Any) -> Refusal:
    """What a SlackApiError says."""
    response = error.response
    data = getattr(response, "data", response)
    code = data.get("error") if isinstance(data, Mapping) else None
    status = getattr(response, "status_code", None)
    wait = {str(name).lower(): value for name, value in getattr(response, "headers", {}).items()}
    seconds = str(wait.get("retry-after", ""))
    return Refusal(
        str(code or status or "nothing that it documents"),
        float(seconds) if seconds.isdecimal() else None,
    )


_LINK: Final = re.compile(r"<(https?://[^|>]*)(?:\|[^>]*)?>")
_MAIL: Final = re.compile(r"<mailto:[^|>]*\|([^>]*)>")
_CHANNEL: Final = re.compile(r"<#(\w+)(?:\|([^>]*))?>")
_PERSON: Final = re.compile(r"<@(\w+)(?:\|[^>]*)?>")


def plain(text: str) -> str:
    """What somebody wrote, without what Slack made of it."""
    text = _LINK.sub(r"\1", text)
    text = _MAIL.sub(r"\1", text)
    text = _CHANNEL.sub(lambda match: f"#{match[2] or match[1]}", text)
    text = _PERSON.sub(r"@\1", text)
    text = text.replace("\u200b", "")  # copied from a message of ours
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
