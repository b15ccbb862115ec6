"""What the events of Matrix look like: messages in plain text and in HTML, and replies to them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from gateway.chat.answers import how_numbered
from gateway.chat.shown import told_below
from hermes_kanban.notify.message import Item, Message
from hermes_kanban.surfaces.slash.markup import style


def text_content(text: str, html: str | None) -> dict[str, Any]:
    """The content of a message."""
    content: dict[str, Any] = {"msgtype": "m.text", "body": text}
    if html is not None:
        content |= {"format": "org.matrix.custom.html", "formatted_body": html}
    return content


def message_content(message: Message, numbered: Iterable[str]) -> dict[str, Any]:
    """The message in plain text and in HTML, with the answers that it can be given by number."""
    if message.ask is None:
        return text_content(message.text, _html(message))
    marks = style("matrix")
    offered = list(numbered)
    said, how = _without_choices(message.said, message.ask.choices), how_numbered(message.ask)
    lines = [f"{at}. {label}" for at, label in enumerate(offered, 1)]
    plain = [message.subject, said, *lines, how, message.link or ""]
    html = [f"<p>{marks.bold(message.subject)}</p>"]
    if said:
        html.append(marks.quote(said))
    if offered:
        html.append("<ol>" + "".join(f"<li>{marks.escape(one)}</li>" for one in offered) + "</ol>")
    end = [f"<em>{marks.escape(how)}</em>"]
    if message.link:
        end.append(marks.link(message.link, "open"))
    html.append(f"<p>{'<br>'.join(end)}</p>")
    return text_content("\n".join(one for one in plain if one), "".join(html))


def _html(message: Message) -> str:
    """A message that asks nothing: what happened stands out, what was said is quoted."""
    marks = style("matrix")
    text, said = message.text, message.said
    html = []
    if message.subject and text.startswith(message.subject):
        html.append(f"<p>{marks.bold(message.subject)}</p>")
        text = text.removeprefix(message.subject).strip("\n")
    end = []
    if message.link and text.endswith(message.link):
        text = text.removesuffix(message.link).strip("\n")
        end.append(marks.link(message.link, "open"))
    if message.items:
        html.append(f"<ul>{''.join(map(_html_item, message.items))}</ul>")
    elif said and text.startswith(said):
        html.append(marks.quote(said))
        text = text.removeprefix(said).strip("\n")
    if text and not message.items:
        end.insert(0, marks.escape(text))
    return "".join([*html, f"<p>{'<br>'.join(end)}</p>" if end else ""])


def _html_item(item: Item) -> str:
    """One thing of a digest, with the link to its task."""
    marks = style("matrix")
    line = marks.link(item.link, item.subject) if item.link else marks.escape(item.subject)
    below = told_below(item)
    return f"<li>{line}{marks.quote(below) if below else ''}</li>"


def _without_choices(said: str, choices: Sequence[str]) -> str:
    """What was said without the list at its end, which stands below it with numbers."""
    lines = said.splitlines()
    while lines and any(lines[-1].rstrip().endswith(choice) for choice in choices):
        lines.pop()
    return "\n".join(lines)


def room_and_thread(address: str) -> tuple[str, str | None]:
    """The two parts of ``room/$event``; None for what is sent to the room itself."""
    room, mark, event = address.partition("/$")
    return room, f"${event}" if mark else None


def in_thread(root: str | None) -> dict[str, Any]:
    """What an event needs to stand in the thread that begins with ``root``."""
    if root is None:
        return {}
    return {"rel_type": "m.thread", "event_id": root, "is_falling_back": True}


def without_quote(body: str) -> str:
    """A reply without the quote that clients put before it."""
    lines = body.split("\n")
    if not lines[0].startswith("> "):
        return body
    at = next((at for at, line in enumerate(lines) if not line.startswith(">")), len(lines))
    return "\n".join(lines[at:]).strip()
