"""``/kanban …``: the board's commands for chats and for the sessions of agent hosts.

The words are those of the command line, read by its own parser; the answer is short text in the
marks of the platform. Nothing is printed, nothing of the process is changed, and any thread may
call it.
"""

from __future__ import annotations

import re
import traceback
from collections.abc import Sequence
from contextlib import closing
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec

from hermes_kanban.surfaces.slash.markup import PLATFORMS, Platform, fitted, style

if TYPE_CHECKING:
    from hermes_kanban import kernel as kb
    from hermes_kanban.surfaces.slash.session import SlashSession

PREFIXES: Final = ("/kanban", "!kanban")
TEXT_BYTES: Final = 32 * 1024
ROOM_FOR_END: Final = 300
_WIDTH: Final = 72


class Reply(msgspec.Struct, frozen=True):
    """The answer: ``text`` in the platform's marks, and ``html`` where it has that beside it.

    ``fault`` is a traceback for the log of whoever asked; nothing of it is in the text.
    """

    text: str
    ok: bool = True
    html: str | None = None
    fault: str = ""


def is_slash(text: str) -> bool:
    """Whether a message is a command for the board."""
    return _prefix_of(text) is not None


def slash(
    text: str,
    *,
    board: str | None = None,
    actor: str | None = None,
    platform: Platform = "markdown",
    place: str | None = None,
    key: str | None = None,
    prefix: str | None = None,
) -> Reply:
    """Do what ``text`` says (``/kanban list``, or ``list``) and return the answer; never raises.

    ``board`` is the one that is meant unless the text names another. ``actor`` is who acts
    (``person:mara``); without it whoever this process is, as with the command line. ``place`` is
    the chat as a destination: it hears what becomes of tasks that are created here. With a ``key``
    the same message has an effect once, however often it comes, and the same answer each time.
    ``prefix`` is what the host calls the command, where ``text`` does not begin with it.
    """
    if platform not in PLATFORMS:
        return Reply(f"platform is {platform!r}; allowed: {', '.join(PLATFORMS)}", ok=False)
    prefix = prefix or _prefix_of(text) or PREFIXES[0]
    try:
        return _done(text, prefix, board, actor, platform, place, key)
    except Exception as error:
        from hermes_kanban.surfaces.cli import errors

        if isinstance(error, errors.EXPECTED):
            return _shown([_for_chats(errors.one_line(error), prefix)], False, platform)
        said = f"That went wrong here: {type(error).__name__}. The log says more."
        return msgspec.structs.replace(
            _shown([said], False, platform), fault=traceback.format_exc()
        )


def plain_reply(text: str, ok: bool, platform: Platform) -> Reply:
    """A reply of a few lines, in the marks of the platform."""
    marks = style(platform)
    if platform != "matrix":
        return Reply(marks.escape(text), ok)
    return Reply(text, ok, html=marks.escape(text))


def _prefix_of(text: str) -> str | None:
    first = text.lstrip()[: len(PREFIXES[0]) + 1]
    word = first[: len(PREFIXES[0])].lower()
    return word if word in PREFIXES and not first[len(word) :].strip() else None


def _done(
    text: str,
    prefix: str,
    board: str | None,
    actor: str | None,
    platform: Platform,
    place: str | None,
    key: str | None,
) -> Reply:
    from hermes_kanban.kernel.said import do_once
    from hermes_kanban.surfaces.slash import words
    from hermes_kanban.surfaces.slash.allowed import changes_the_board

    if len(text.encode(errors="replace")) > TEXT_BYTES:
        return _shown([f"A command has at most {TEXT_BYTES:,} bytes."], False, platform)
    stripped = text.lstrip()
    said = words.split(stripped[len(_prefix_of(text) or "") :])
    named, given = words.board_of(said.words)
    if given[:1] == ["help"]:
        given = [*given[1:], "--help"]
    given = given or ["--help"]
    with closing(_open(named or board)) as conn:

        def perform() -> Reply:
            return _run(conn, given, said.rest, prefix, actor, platform, place)

        if key is None or "--help" in given or not changes_the_board(given):
            return perform()
        encoded = do_once(conn, key, lambda: msgspec.json.encode(perform()).decode())
        return msgspec.json.decode(encoded.answer, type=Reply)


def _open(board: str | None) -> kb.BoardConnection:
    from hermes_kanban import kernel as kb
    from hermes_kanban.kernel.boards import board_slugs
    from hermes_kanban.model.errors import NotFound
    from hermes_kanban.paths import check_slug

    # To connect to a board that is not there would make it.
    if board is not None and check_slug(board) not in board_slugs():
        raise NotFound("board", board, "see them with: hermes-kanban boards")
    conn = kb.connect(board)
    from hermes_kanban.workers.skills import InstalledSkills

    conn.skills = InstalledSkills()
    return conn


def _run(
    conn: kb.BoardConnection,
    given: Sequence[str],
    rest: str,
    prefix: str,
    actor: str | None,
    platform: Platform,
    place: str | None,
) -> Reply:
    import click

    from hermes_kanban.surfaces.cli import errors
    from hermes_kanban.surfaces.slash import words
    from hermes_kanban.surfaces.slash.session import SlashSession

    session = SlashSession(conn, actor=actor, place=place)
    ok = True
    try:
        code = _invoke(session, given, rest, prefix)
        ok = code == errors.DONE
    except click.exceptions.Exit as end:
        ok = end.exit_code == errors.DONE
    except errors.EXPECTED as error:
        session.answered.append(errors.one_line(error))
        ok = False
    answer = _for_chats("".join(session.answered), prefix).rstrip() or "Done."
    notes = [_for_chats(one, prefix) for one in session.noted]
    task_id = session.task_id or words.only_task(given)
    return _shown(answer.splitlines(), ok, platform, _link(conn, task_id), notes)


def _invoke(session: SlashSession, given: Sequence[str], rest: str, prefix: str) -> int:
    from hermes_kanban.surfaces.slash import words
    from hermes_kanban.surfaces.slash.allowed import tree

    root = tree()
    settings: dict[str, Any] = {"obj": session, "terminal_width": _WIDTH}
    args = list(given)
    with root.make_context(prefix, ["--help"] if args == ["--help"] else [], **settings) as ctx:
        name, command, args = root.resolve_command(ctx, args)
        if command is None:
            return 0
        args = words.with_text(command, args, rest)
        with command.make_context(name, args, parent=ctx) as inner:
            code = command.invoke(inner)
    return code if isinstance(code, int) else 0


def _for_chats(text: str, prefix: str) -> str:
    """What can be done in a chat is given there with the prefix, not with the program's name."""
    from hermes_kanban.surfaces.slash.allowed import ALLOWED

    def told(match: re.Match[str]) -> str:
        return f"{prefix} {match[1]}" if match[1] in ALLOWED else match[0]

    return _PROGRAM.sub(told, text)


_PROGRAM: Final = re.compile(r"hermes-kanban ([a-z-]+)")


class _Link(NamedTuple):
    """Where there is more to read, and whether that is about one task."""

    address: str
    of_task: bool


def _link(conn: kb.BoardConnection, task_id: str | None) -> _Link | None:
    address = getattr(conn.config.web, "public_address", "")
    if not address:
        return None
    place = f"{address}/b/{conn.paths.slug}"
    return _Link(f"{place}/t/{task_id}", True) if task_id else _Link(place, False)


def _shown(
    lines: list[str],
    ok: bool,
    platform: Platform,
    link: _Link | None = None,
    notes: Sequence[str] = (),
) -> Reply:
    """The lines as the platform takes them, the link if it is of use, and the notes."""
    marks = style(platform)
    around = len(marks.block(""))
    kept, more = fitted(
        lines, marks.characters - ROOM_FOR_END, lambda line: len(marks.block(line)) - around
    )
    text = "\n".join(kept)
    parts = [marks.block(text) if len(kept) > 1 else marks.escape(text)]
    bare = [text]
    if more:
        left = f"… {more} more" + (" lines; ask for less" if link is None else "")
        parts.append(marks.escape(left))
        bare.append(left)
    if link is not None and ok and (more or (link.of_task and len(lines) == 1)):
        parts.append(marks.link(link.address, "open"))
        bare.append(style("plain").link(link.address, "open"))
    parts += map(marks.escape, notes)
    bare += notes
    if platform != "matrix":
        return Reply("\n".join(parts), ok)
    return Reply("\n".join(bare), ok, html="<br>".join(parts))
