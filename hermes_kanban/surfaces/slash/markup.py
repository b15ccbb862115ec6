"""How text is written for each chat platform: its own marks, and nothing that others can slip in.

Whatever people or agents wrote goes through ``escape`` (or one of the others, which do it
themselves), so that it can neither break out of its place nor call everybody in the room.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Sequence
from typing import Final, Literal, NamedTuple

from hermes_kanban.redact import strip_control

Platform = Literal["plain", "markdown", "matrix", "telegram", "slack", "discord"]

_INVISIBLE: Final = "\u200b"
_MARKS: Final = re.compile(r"([\\`*_~|<>\[\]#])")
_MENTION: Final = re.compile(r"@(?=everyone|here|[!&]?\d)")


class Style(NamedTuple):
    """The marks of one platform, and the most characters that one message of it may have."""

    characters: int
    escape: Callable[[str], str]
    bold: Callable[[str], str]
    quote: Callable[[str], str]
    block: Callable[[str], str]
    link: Callable[[str, str], str]


def style(platform: Platform) -> Style:
    """The style of a platform; ``markdown`` for hosts that show it, ``plain`` for all others."""
    return _STYLES[platform]


def _same(text: str) -> str:
    return strip_control(text)


def _quoted(text: str, escape: Callable[[str], str]) -> str:
    return "\n".join(f"> {escape(line)}" for line in text.splitlines())


# HTML: Matrix, and the few marks of it that Telegram knows.


def _html(text: str) -> str:
    return html.escape(strip_control(text), quote=True)


def _html_lines(text: str) -> str:
    return _html(text).replace("\n", "<br>")


def _html_link(url: str, label: str) -> str:
    return f'<a href="{_html(url)}">{_html(label)}</a>'


# Markdown: agent hosts, Discord.


def _markdown(text: str) -> str:
    marked = _MARKS.sub(r"\\\1", strip_control(text))
    return _MENTION.sub(f"@{_INVISIBLE}", marked)


def _fence(text: str) -> str:
    inside = strip_control(text).replace("```", f"``{_INVISIBLE}`")
    return f"```\n{_MENTION.sub(f'@{_INVISIBLE}', inside)}\n```"


def _markdown_link(url: str, label: str) -> str:
    return f"[{_markdown(label)}](<{_MARKS_OF_URL.sub('', url)}>)"


_MARKS_OF_URL: Final = re.compile(r"[<>\s]")


# Slack's own.

_SLACK_MARKS: Final = re.compile(r"`|(?<!\w)[*_~]|[*_~](?!\w)")


def _slack(text: str) -> str:
    text = strip_control(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    # It knows no escape for its marks; an invisible character keeps them from being any. Within a
    # word they are none, and what is copied, such as a task's id, has to stay what it is.
    return _SLACK_MARKS.sub(rf"{_INVISIBLE}\g<0>", text)


def _slack_block(text: str) -> str:
    inside = strip_control(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return "```\n" + inside.replace("```", f"``{_INVISIBLE}`") + "\n```"


def _slack_link(url: str, label: str) -> str:
    return f"<{_MARKS_OF_URL.sub('', url)}|{_slack(label).replace('|', '/')}>"


_STYLES: Final[dict[str, Style]] = {
    "plain": Style(
        12_000, _same, _same, lambda text: _quoted(text, _same), _same, lambda url, _: url
    ),
    "markdown": Style(
        12_000,
        _markdown,
        lambda text: f"**{_markdown(text)}**",
        lambda text: _quoted(text, _markdown),
        _fence,
        _markdown_link,
    ),
    "matrix": Style(
        12_000,
        _html_lines,
        lambda text: f"<b>{_html_lines(text)}</b>",
        lambda text: f"<blockquote>{_html_lines(text)}</blockquote>",
        lambda text: f"<pre><code>{_html(text)}</code></pre>",
        _html_link,
    ),
    "telegram": Style(
        3_900,
        _html,
        lambda text: f"<b>{_html(text)}</b>",
        lambda text: f"<blockquote>{_html(text)}</blockquote>",
        lambda text: f"<pre>{_html(text)}</pre>",
        _html_link,
    ),
    "slack": Style(
        3_500,
        _slack,
        lambda text: f"*{_slack(text)}*",
        lambda text: "\n".join(f"> {_slack(line)}" for line in text.splitlines()),
        _slack_block,
        _slack_link,
    ),
    "discord": Style(
        1_900,
        _markdown,
        lambda text: f"**{_markdown(text)}**",
        lambda text: _quoted(text, _markdown),
        _fence,
        _markdown_link,
    ),
}


PLATFORMS: Final = tuple(_STYLES)


def fitted(
    lines: Sequence[str], characters: int, size: Callable[[str], int] = len
) -> tuple[list[str], int]:
    """As many whole lines as fit, and how many are left out; a single long line is cut.

    ``size`` says how long a line is once it is written as it will be sent.
    """
    kept: list[str] = []
    room = characters
    for at, line in enumerate(lines):
        room -= size(line) + 1
        if room < 0 and kept:
            return kept, len(lines) - at
        if room < 0:
            return [_cut(line, characters, size)], len(lines) - 1
        kept.append(line)
    return kept, 0


def _cut(line: str, characters: int, size: Callable[[str], int]) -> str:
    while size(line) > characters:
        line = line[: min(characters, len(line) * 3 // 4)]
    return f"{line}…"
