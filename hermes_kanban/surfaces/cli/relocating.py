"""``move``: a board, or all of a home, to PostgreSQL and back."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Final

import click

from hermes_kanban import kernel as kb
from hermes_kanban import starter
from hermes_kanban.config import Server
from hermes_kanban.config.loading import CONFIG_FILE
from hermes_kanban.paths import BoardPaths, board_paths, home
from hermes_kanban.surfaces.cli import errors
from hermes_kanban.surfaces.cli.progress import stages
from hermes_kanban.surfaces.cli.session import AS_PERSON, Session, command

if TYPE_CHECKING:
    from hermes_kanban.store.places import Place

SQLITE: Final = "sqlite"
_DATABASE: Final = ("kanban", "database")
_OVERRIDE: Final = "HERMES_KANBAN_DATABASE"
_ALLOWED: Final = "sqlite, or postgresql://user@host/database"


@command(
    "move",
    click.Option(["--to"], metavar="PLACE", help="sqlite, or postgresql://user@host/database."),
    click.Option(
        ["--from", "source"],
        metavar="PLACE",
        help="Where it lies. Default: sqlite, or what kanban.database names.",
    ),
    click.Option(["--all", "every"], is_flag=True, help="Every board that lies there."),
    click.Option(
        ["--wait"],
        type=click.FloatRange(min=0),
        default=0.0,
        metavar="SECONDS",
        help="Wait so long for a gateway and for runs to end.",
    ),
    click.Option(["--dry-run"], is_flag=True, help="Only check whether it can be moved."),
    click.Option(["--write-config"], is_flag=True, help="Then set kanban.database in config.yaml."),
    AS_PERSON,
    examples="""
    hermes-kanban move --to postgresql://kanban@db.example.org/kanban --dry-run
    hermes-kanban move --all --to postgresql://kanban@db.example.org/kanban --write-config
    hermes-kanban move --all --from postgresql://kanban@db.example.org/kanban --to sqlite
    """,
)
def move_command(
    session: Session,
    to: str | None,
    source: str | None,
    every: bool,
    wait: float,
    dry_run: bool,
    write_config: bool,
) -> int:
    """Move a board to PostgreSQL or back, with everything.

    All ids, events, attached files and subscriptions go along; logs and workspaces stay in the
    home, where they are found. The copy is compared with the board, checked and replayed before
    the board that was moved is closed to writers. End its gateway first. All or nothing; after
    a kill run it again.
    """
    session.may_write()
    places = _Places(source, to)
    if write_config:
        places.must_be_written()
    boards = _boards(session, places, every)
    from hermes_kanban.workers.process import SystemProcesses

    value, lines, failed = [], [], False
    for paths in boards:
        with stages(session, paths.slug) as told:
            try:
                done = kb.relocate(
                    paths,
                    places.source(paths),
                    places.target(paths),
                    processes=SystemProcesses(),
                    wait_seconds=wait,
                    dry_run=dry_run,
                    told=told,
                )
            except kb.KanbanError as error:
                if len(boards) == 1:
                    raise
                value.append({"board": paths.slug, "error": errors.one_line(error)})
                lines.append(f"{paths.slug}: {errors.one_line(error)}")
                failed = True
                continue
        value.append(_as_json(done))
        lines += _lines(done)
        if done.gone:
            session.warn(f"{len(done.gone)} files of refused work were lost before, and stay so")
    written = None
    if not dry_run:
        left = [] if failed else places.left_behind()
        written = places.write() if write_config and not left and not failed else None
        lines += _next(places, written, left, failed)
        if write_config and left:
            session.warn(f"config.yaml was not changed: {_and_others(left)} was not moved yet")
    more = {"database": places.setting, "written": written}
    session.answer("boards", value, lines, **more)
    return errors.FAILED if failed else errors.DONE


class _Places:
    """Both ends of the move, as they were asked for."""

    def __init__(self, source: str | None, to: str | None) -> None:
        if source is None and to is None:
            raise click.UsageError("say where with --to", click.get_current_context())
        from hermes_kanban.config import load

        configured, self._password_file = load(home()).kanban.server
        if to is None:
            to = SQLITE
        if source is None:
            source = SQLITE if to != SQLITE else configured
            if not source:
                raise click.UsageError(
                    "kanban.database is not set, so the board lies in SQLite already;"
                    " if it does not, say with --from where it lies",
                    click.get_current_context(),
                )
        self._from, self._to = _checked("--from", source), _checked("--to", to)
        if self._from == self._to:
            raise click.UsageError(
                "--from and --to are the same place", click.get_current_context()
            )

    @property
    def setting(self) -> str:
        """What ``kanban.database`` is to be, without a password."""
        if self._to == SQLITE:
            return ""
        from hermes_kanban.store.pgaddress import shown

        return shown(self._to)

    @property
    def left(self) -> str:
        """The place that is left, as it may be shown."""
        if self._from == SQLITE:
            return f"files of {home()}"
        from hermes_kanban.store.pgaddress import shown

        return shown(self._from)

    def source(self, paths: BoardPaths) -> Place:
        """Where the board lies."""
        return _place(self._from, paths)

    def target(self, paths: BoardPaths) -> Place:
        """Where it is to lie."""
        return _place(self._to, paths)

    def slugs(self) -> list[str]:
        """The boards at the place that is left."""
        if self._from == SQLITE:
            from hermes_kanban.store.opening import board_slugs

            return [slug for slug in board_slugs(Server("")) if board_paths(slug).database.exists()]
        from hermes_kanban.store.pgboards import slugs

        return slugs(Server(self._from, self._password_file))

    def left_behind(self) -> list[str]:
        """Boards that would be out of sight once the configuration names the other place."""
        return [slug for slug in self.slugs() if self._is_left(slug)]

    def _is_left(self, slug: str) -> bool:
        try:
            return self.source(board_paths(slug)).look().state == "board"
        except kb.KanbanError:  # nobody can say, and it is there
            return True

    def must_be_written(self) -> None:
        """Before anything is moved. Raises UsageError."""
        if self._to == SQLITE:
            return
        from hermes_kanban.store.pgaddress import has_password

        if has_password(self._to):
            raise click.UsageError(
                "--write-config writes no password; give the address without one, and the password"
                " in ~/.pgpass, PGPASSWORD or kanban.database_password_file",
                click.get_current_context(),
            )

    def write(self) -> str:
        """Set ``kanban.database``; the file."""
        file = home() / CONFIG_FILE
        starter.set_key(file, _DATABASE, self.setting)
        return str(file)


def _checked(option: str, place: str) -> str:
    if place == SQLITE:
        return place
    if not place.startswith(("postgresql://", "postgres://")):
        raise kb.InvalidInput(option, _ALLOWED, "names no place where a board may lie")
    try:
        from hermes_kanban.store.pgaddress import shown
    except ImportError:
        raise kb.KanbanError(
            "PostgreSQL needs a driver; install it with: pip install 'hermes-kanban[postgres]'"
        ) from None
    shown(place)
    return place


def _place(place: str, paths: BoardPaths) -> Place:
    if place == SQLITE:
        from hermes_kanban.store.file_place import FilePlace

        return FilePlace(paths)
    from hermes_kanban.store.database_place import DatabasePlace

    return DatabasePlace(place, paths)


def _boards(session: Session, places: _Places, every: bool) -> list[BoardPaths]:
    if not every:
        paths = board_paths(session.board)
        if paths.named_by_file:
            raise click.UsageError(
                "HERMES_KANBAN_DB names a file; unset it, or name a board of the home with --board",
                click.get_current_context(),
            )
        return [paths]
    if session.board is not None:
        raise click.UsageError("--all and --board exclude each other", click.get_current_context())
    found = [board_paths(slug) for slug in places.slugs()]
    if not found:
        raise kb.NotFound("board", "at all", f"none lies in {places.left}; say where with --from")
    return found


def _as_json(done: kb.Relocated) -> dict[str, Any]:
    return {name: getattr(done, name) for name in kb.Relocated.__struct_fields__}


def _lines(done: kb.Relocated) -> list[str]:
    rows = sum(done.rows.values())
    files = "1 file" if done.files == 1 else f"{done.files:,} files"
    what = f"{rows:,} rows and {files} ({done.bytes:,} bytes)"
    match done.done:
        case "moved":
            return [f"{done.board} moved to {done.target}", f"  {what}", f"  hash {done.hash}"]
        case "finished":
            return [f"{done.board} moved to {done.target}: a move begun before was finished"]
        case "already":
            return [f"{done.board} was moved to {done.target} before"]
        case _:
            return [f"{done.board} can be moved to {done.target}", f"  {what}"]


def _next(places: _Places, written: str | None, left: list[str], failed: bool) -> list[str]:
    """What is to be done about the configuration."""
    if failed:
        return ["config.yaml stays as it is until every board was moved; run the same again"]
    if _OVERRIDE in os.environ:
        return [f"{_OVERRIDE} is set and goes before config.yaml: change it"]
    if written is not None:
        return [f"{written} says so now; start the gateway again"]
    file = home() / CONFIG_FILE
    lines = []
    if left:
        lines.append(f"move {_and_others(left)} too: each board of a home lies at the same place")
    lines.append(
        f"what is left to do: write into {file}"
        if places.setting
        else f"what is left to do: take kanban.database out of {file}"
    )
    lines += [f"  kanban:\n    database: {places.setting}"] if places.setting else []
    return lines


def _and_others(slugs: list[str]) -> str:
    return ", ".join(slugs[:5]) + (", …" if slugs[5:] else "")
