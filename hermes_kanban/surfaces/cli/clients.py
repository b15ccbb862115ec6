"""``setup``: our tools and skill in the configuration of an agent client, and out of it again.

Not to be taken for ``setup.py``, which makes boards and lists profiles.
"""

from __future__ import annotations

import os
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from hermes_kanban import present
from hermes_kanban.ourselves import own_command
from hermes_kanban.paths import home
from hermes_kanban.surfaces.cli import errors
from hermes_kanban.surfaces.cli.session import Session, command

if TYPE_CHECKING:
    from hermes_kanban.clients.base import Client, Place
    from hermes_kanban.clients.ledger import Ledger
    from hermes_kanban.clients.plan import Plan

# Kept here so that the help needs none of their modules; a test holds the two together.
NAMES: Final = ("claude", "codex", "gemini", "opencode", "qwen", "continue", "hermes")
_DATABASE: Final = "HERMES_KANBAN_DATABASE"


@command(
    "setup",
    click.Argument(["name"], metavar="CLIENT", type=click.Choice(NAMES)),
    click.Option(
        ["--profile"],
        metavar="NAME",
        help="The profile that its sessions act for. Default: the only orchestrator.",
    ),
    click.Option(
        ["--worker"],
        metavar="NAME",
        help="Instead: let the runs of that profile find their tools (hermes).",
    ),
    click.Option(
        ["--plugin"],
        is_flag=True,
        help="Instead: the board as a command of the client itself, hermes board (hermes).",
    ),
    click.Option(
        ["--project"],
        type=click.Path(exists=True, file_okay=False, path_type=Path),
        metavar="FOLDER",
        help="Set it up for sessions in that folder alone.",
    ),
    click.Option(["--no-skill"], is_flag=True, help="Only the tools."),
    click.Option(["--replace"], is_flag=True, help="Put ours in place of what is not ours."),
    click.Option(["--undo"], is_flag=True, help="Take back what was written, and only that."),
    click.Option(["--dry-run"], is_flag=True, help="Only show what would change."),
    click.Option(["--yes"], is_flag=True, help="Do not ask."),
    examples="""
    hermes-kanban setup claude --profile planner
    hermes-kanban setup codex --dry-run
    hermes-kanban setup gemini --project . --yes
    hermes-kanban setup hermes --worker coder
    hermes-kanban setup hermes --plugin
    hermes-kanban setup claude --undo
    """,
)
def setup_command(
    session: Session,
    name: str,
    profile: str | None,
    worker: str | None,
    plugin: bool,
    project: Path | None,
    no_skill: bool,
    replace: bool,
    undo: bool,
    dry_run: bool,
    yes: bool,
) -> int:
    """Let an agent client's own sessions use the board.

    Writes a tool server called board, and the skill kanban-orchestrator, into the client's
    configuration. Shows what would change and asks first. With --worker it writes what a Hermes
    profile must have before the gateway can start it: the skill kanban-worker, and an entry that
    is off, since each run brings its own. With --plugin Hermes itself gets the commands "hermes
    board" and "/board".
    """
    from hermes_kanban.clients import CLIENTS, Place, Taken
    from hermes_kanban.clients.ledger import Ledger
    from hermes_kanban.clients.plan import Setup, to_set_up

    if session.as_json and not (yes or dry_run):
        raise _misuse("--json asks nobody: add --yes or --dry-run")
    client = CLIENTS[name]
    if project is not None and not client.projects:
        raise _misuse(f"{client.title} has no configuration of a project; leave --project out")
    place = Place(os.environ, None if project is None else project.absolute())
    ledger = Ledger(home())
    with ExitStack() as stack:
        skill = _skills()
        if plugin:
            if worker is not None or profile is not None or no_skill:
                raise _misuse("--plugin stands alone: leave --worker, --profile and --no-skill out")
            client, skill = _as_plugin(session, client, place, stack)
        elif worker is not None:
            client, place = _for_worker(client, place, worker, profile)
            skill = _worker_skill()
        try:
            if undo:
                plan = _plan_undo(client, place, ledger, skill)
            else:
                words = [] if plugin else _words(session, client, profile, worker)
                wanted = None if no_skill or client.skills is None else _shipped(skill)
                plan = to_set_up(Setup(client, place, words, wanted, replace), ledger)
        except Taken as taken:
            raise errors.Conflict(str(taken)) from None
    return _carry_out(session, client, place, ledger, plan, undo=undo, dry_run=dry_run, yes=yes)


def _as_plugin(
    session: Session, client: Client, place: Place, stack: ExitStack
) -> tuple[Client, Path]:
    """The client as it takes our plugin, and the plugin's folder as it is to be written."""
    from hermes_kanban.clients.hermes import PLUGIN, for_plugin, forbids_plugin, plugin_files

    if client.name != "hermes":
        raise _misuse(f"{client.title} takes no plugin of ours; --plugin is for hermes")
    if forbids_plugin(place):
        session.warn(
            f"plugins.disabled holds it off; lift that with: hermes plugins enable {PLUGIN}"
        )
    words = {
        "command": own_command(),
        "slash": [sys.executable, "-P", "-m", "hermes_kanban.surfaces.slash"],
        "home": str(home()),
        "board": session.board,
    }
    return for_plugin(), stack.enter_context(plugin_files(words))


def _for_worker(
    client: Client, place: Place, name: str, profile: str | None
) -> tuple[Client, Place]:
    """The client as the runs of that profile need it, and its own configuration."""
    from hermes_kanban.clients.hermes import for_worker
    from hermes_kanban.config import load

    if profile is not None:
        raise _misuse("--worker and --profile exclude each other")
    if client.name != "hermes":
        raise _misuse(f"the runs of {client.title} need nothing of --worker; it is for hermes")
    profiles = load(home()).profiles
    if name not in profiles or profiles[name].runtime != "hermes":
        lacks = "has another runtime" if name in profiles else "is not configured"
        raise _misuse(f"profile {name} {lacks}; make it one of runtime hermes first")
    own = {"HERMES_HOME": where} if (where := profiles[name].env.get("HERMES_HOME")) else {}
    return for_worker(place._replace(environ={**place.environ, **own}), name)


def _words(session: Session, client: Client, profile: str | None, worker: str | None) -> list[str]:
    """Our tool server's command line."""
    words = [*own_command(), "mcp", "--home", str(home())]
    if worker is None and (acting := _orchestrating(client, profile)) is not None:
        words += ["--profile", acting]
    if session.board is not None:
        words += ["--board", session.board]
    if os.environ.get(_DATABASE):
        session.warn(f"{_DATABASE} is not handed on; put it into {home() / 'config.yaml'}")
    return words


def _plan_undo(client: Client, place: Place, ledger: Ledger, skill: Path) -> Plan:
    from hermes_kanban.clients.plan import to_undo

    return to_undo(client, place, skill if skill.is_dir() else None, ledger)


def _carry_out(
    session: Session,
    client: Client,
    place: Place,
    ledger: Ledger,
    plan: Plan,
    *,
    undo: bool,
    dry_run: bool,
    yes: bool,
) -> int:
    from hermes_kanban.clients.applying import apply
    from hermes_kanban.redact import redact

    known = ledger.read(client.name, client.config(place))
    # What lies beside our lines may be anybody's secret.
    diffs = [redact("\n".join(change.diff())) for change in plan.changes]
    if not session.as_json:
        sys.stdout.write("".join(f"{present.clean_text(one)}\n" for one in diffs))
    agreed = not dry_run and bool(plan.changes) and _agreed(yes)
    if agreed:
        apply(plan, ledger, known)
    elif undo and not plan.changes and known is not None and not dry_run:
        ledger.forget(known)
    notes = list(plan.notes)
    if agreed and plan.record is not None and plan.record.original is not None:
        notes.append(f"the file as it was is kept: {ledger.folder / plan.record.original}")
    value = {
        "client": client.name,
        "config": str(client.config(place)),
        "changes": [
            {"file": str(change.file), "action": change.action, "diff": diff}
            for change, diff in zip(plan.changes, diffs, strict=True)
        ],
        "notes": notes,
        "written": agreed,
    }
    said = _said(client, plan, undo=undo, written=agreed, dry_run=dry_run)
    session.answer("setup", value, [*notes, said])
    return errors.DONE if agreed or dry_run or not plan.changes else errors.FAILED


def _said(client: Client, plan: Plan, *, undo: bool, written: bool, dry_run: bool) -> str:
    if not plan.changes:
        return (
            f"nothing of ours is left in {client.title}"
            if undo
            else (f"{client.title} is set up already")
        )
    if written:
        return (
            f"{client.title}: taken back"
            if undo
            else (f"{client.title} is set up; its next session has {_given(client)}")
        )
    return "nothing was written (--dry-run)" if dry_run else "nothing was written"


def _given(client: Client) -> str:
    return "/board" if client.name == "hermes-plugin" else "the board's tools"


def _agreed(yes: bool) -> bool:
    if yes:
        return True
    if not sys.stdin.isatty():
        raise _misuse("nobody can be asked here; add --yes to write this, or --dry-run")
    return click.confirm("Write this?", err=True)


def _orchestrating(client: Client, name: str | None) -> str | None:
    """The profile that the sessions act for; raises UsageError if it may not plan.

    None where there is none, and only the client's workers are to have the tools.
    """
    from hermes_kanban.config import load

    profiles = load(home()).profiles
    able = [one for one, profile in profiles.items() if profile.orchestrator]
    if name is not None and name in able:
        return name
    where = home() / "profiles"
    if name is not None:
        lacks = "has no orchestrator: true" if name in profiles else "is not configured"
        from hermes_kanban.surfaces.cli.meant import near

        meant = None if name in profiles else near(name, able)
        instead = f"did you mean {meant}? Profiles are in {where}" if meant else f"see {where}"
        raise _misuse(f"profile {name} {lacks}, so its sessions would get no tools; {instead}")
    if len(able) == 1:
        return able[0]
    if able:
        raise _misuse(f"several profiles may plan; say which: --profile {'|'.join(able)}")
    if client.serves_workers and client.name in {one.runtime for one in profiles.values()}:
        return None
    raise _misuse(
        f"no profile has orchestrator: true, so a session would get no tools; make one in {where}"
    )


def _skills() -> Path:
    from hermes_kanban.clients.base import SKILL

    return _skill_folder(SKILL)


def _worker_skill() -> Path:
    return _skill_folder("kanban-worker")


def _skill_folder(name: str) -> Path:
    import hermes_kanban

    return Path(hermes_kanban.__file__ or "").resolve().parent / "skills" / name


def _shipped(folder: Path) -> Path:
    if not folder.is_dir():
        raise FileNotFoundError(2, "the skill is missing from this installation", str(folder))
    return folder


def _misuse(text: str) -> click.UsageError:
    return click.UsageError(text, click.get_current_context())
