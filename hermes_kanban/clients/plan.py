"""What setting a client up, or taking that back, would change; nothing is written here."""

from __future__ import annotations

import difflib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from hermes_kanban.clients import formats
from hermes_kanban.clients.base import SERVER, Client, ClientTrouble, Place, Taken
from hermes_kanban.clients.formats import plain
from hermes_kanban.clients.ledger import Ledger, Record, Wish, sha256

MOST_BYTES = 32 << 20


class Change(NamedTuple):
    """One file: its bytes before and after, None where there is or will be no file.

    A ``private`` file is made for its owner alone.
    """

    file: Path
    before: bytes | None
    after: bytes | None
    private: bool = True

    @property
    def action(self) -> str:
        """``create``, ``change`` or ``delete``."""
        if self.before is None:
            return "create"
        return "delete" if self.after is None else "change"

    def diff(self) -> list[str]:
        """As ``diff -u`` writes it."""
        old, new = (_text(side).splitlines() for side in (self.before, self.after))
        names = [
            "/dev/null" if side is None else str(self.file) for side in (self.before, self.after)
        ]
        return list(difflib.unified_diff(old, new, names[0], names[1], lineterm=""))


class Plan(NamedTuple):
    """The changes, what to say about them, and the record that they leave (None: none any more)."""

    changes: list[Change]
    notes: list[str]
    record: Record | None


class Setup(NamedTuple):
    """What is wanted: our ``command`` in the client's configuration, and the skill if it has any.

    ``skill`` is the folder that holds it, None for none. With ``replace`` what is not ours gives
    way.
    """

    client: Client
    place: Place
    command: list[str]
    skill: Path | None
    replace: bool = False


def to_set_up(wanted: Setup, ledger: Ledger) -> Plan:
    """The plan to set a client up; empty where all is as it should be.

    Raises ClientTrouble for a file that is broken or cannot be edited, Taken where something else
    stands in the way.
    """
    client, place = wanted.client, wanted.place
    file = client.config(place)
    before = _read(file)
    known = ledger.read(client.name, file)
    record = (
        msgspec.structs.replace(known) if known else Record(client=client.name, config=str(file))
    )
    record.skill, record.overwritten = dict(record.skill), dict(record.overwritten)
    text = _decoded(file, before)
    had = client.is_ours(plain.get(_loaded(client, file, text), client.entry))
    after = _with_entry(wanted, file, text, record).encode()
    changes = []
    if after != before:
        changes.append(Change(file, before, after, private=place.project is None))
        if known is None:
            record.created = before is None
        if known is None or before is None or sha256(before) != known.after:
            # Not as we left it: what stands there now has to be kept, ours included maybe.
            record.original = None if before is None else ledger_name(before)
            record.exact = not had and (known is None or before is None)
        record.after = sha256(after)
    if wanted.skill is not None and client.skills is not None:
        changes += _skill_changes(wanted, wanted.skill, client.skills(place), record)
    record.folders = [*record.folders, *_missing_folders(changes, record.folders)]
    return Plan(changes, _notes(wanted, changes, before is None), record)


def to_undo(client: Client, place: Place, skill: Path | None, ledger: Ledger) -> Plan:
    """The plan to take back what was written, and only that; raises ClientTrouble as above."""
    file = client.config(place)
    record = ledger.read(client.name, file)
    notes: list[str] = []
    changes: list[Change] = []
    before = _read(file)
    if before is not None:
        after = _without_entry(client, file, before, record, ledger, notes)
        if after != before:
            changes.append(Change(file, before, after))
    if client.skills is not None:
        changes += _skill_removals(client.skills(place), skill, record, ledger, notes)
    return Plan(changes, notes, None)


def _notes(wanted: Setup, changes: list[Change], new: bool) -> list[str]:
    client = wanted.client
    notes = [
        client.note,
        client.project_note if wanted.place.project is not None else "",
        client.new_file_note if new else "",
    ]
    return [note for note in notes if note and changes]


def ledger_name(data: bytes) -> str:
    """The name under which ``Ledger.keep`` keeps ``data``."""
    return f"before-{sha256(data)[:16]}"


# The entry


def _with_entry(wanted: Setup, file: Path, text: str, record: Record) -> str:
    client = wanted.client
    means = _loaded(client, file, text)
    found = plain.get(means, client.entry)
    if client.any_entry and plain.get(means, client.entry[:-1]):
        return text
    server = client.server(wanted.command)
    if found is not None and not client.is_ours(found):
        if not wanted.replace:
            raise Taken(
                f"{file} has another tool server called {SERVER} ({_short(found)});"
                " rename it there, or give --replace to put ours in its place"
            )
        record.replaced = found
        found = None
    edit = _editor(client, file, server)
    if not text.strip():
        for name, value in client.base.items():
            text = edit(text, (name,), value)
    if found is None:
        text = _entered(client, edit, text, means, server, record)
    elif isinstance(server, dict):
        for name, value in server.items():
            if found.get(name) != value:
                text = edit(text, (*client.entry, name), value)
    for path, value in client.wishes:
        if plain.get(means, path) is None:
            text = edit(text, path, value)
            record.wishes = [*record.wishes, Wish(list(path), value)]
    return text


Edit = Callable[[str, plain.Path, Any], str]


def _entered(
    client: Client, edit: Edit, text: str, means: dict[str, Any], server: Any, record: Record
) -> str:
    above = client.entry[:-1]
    missing = [above[:depth] for depth in range(1, len(above) + 1)]
    missing = [path for path in missing if not plain.has(means, path)]
    record.made = [*record.made, *(list(path) for path in missing if list(path) not in record.made)]
    if client.listed and plain.get(means, above) is None:
        return edit(text, above, [server])
    return edit(text, client.entry, server)


def _editor(client: Client, file: Path, server: Any) -> Edit:
    def edit(text: str, path: plain.Path, value: Any) -> str:
        try:
            return formats.put(client.format, text, path, value)
        except formats.CannotEdit as problem:
            raise ClientTrouble(
                f"{file} cannot be changed safely: {problem}; add under"
                f" {'.'.join(client.entry)} by hand: {json.dumps(server, ensure_ascii=False)}"
            ) from None

    return edit


def _without_entry(
    client: Client, file: Path, data: bytes, record: Record | None, ledger: Ledger, notes: list[str]
) -> bytes | None:
    if record is not None and record.exact and sha256(data) == record.after:
        # Nobody touched it since: it becomes what it was, to the byte.
        if record.created:
            return None
        original = ledger.kept(record.original) if record.original else None
        if original is not None:
            return original
    text = _decoded(file, data)
    means = _loaded(client, file, text)
    found = _to_take_out(client, plain.get(means, client.entry))
    try:
        if found is not None and not client.is_ours(found):
            notes.append(f"{file}: {'.'.join(client.entry)} is not ours any more and stays")
        elif found is not None and record is not None and record.replaced is not None:
            text = formats.drop(client.format, text, client.entry)
            text = formats.put(client.format, text, client.entry, record.replaced)
        elif found is not None:
            text = formats.drop(client.format, text, client.entry)
        for path in reversed(record.made if record else []):
            if plain.get(formats.load(client.format, text), tuple(path)) in ({}, []):
                text = formats.drop(client.format, text, tuple(path))
        for wish in record.wishes if record else []:
            if plain.get(means, tuple(wish.path)) == wish.value:
                text = formats.drop(client.format, text, tuple(wish.path))
    except formats.CannotEdit as problem:
        raise ClientTrouble(
            f"{file} cannot be changed safely: {problem}; take {'.'.join(client.entry)} out by hand"
        ) from None
    left = formats.load(client.format, text)
    if record is not None and record.created and left in ({}, dict(client.base)):
        return None
    return text.encode()


def _to_take_out(client: Client, found: Any) -> Any:
    """The entry; None for one that is on where ours is off: a session's, which also serves."""
    on = isinstance(found, dict) and found.get("enabled") is not False
    return None if client.any_entry and on else found


# The skill


def _skill_changes(wanted: Setup, source: Path, skills: Path, record: Record) -> list[Change]:
    changes = []
    target = skills / source.name
    current = {target / path.relative_to(source): path.read_bytes() for path in _files(source)}
    for file, data in current.items():
        before = _read(file)
        if before == data:
            continue
        ours = record.skill.get(str(file)) == sha256(before or b"")
        if before is not None and not ours:
            if not wanted.replace:
                raise Taken(
                    f"{file} is not as it was written, or is another's; move it away, or give"
                    " --replace to put ours in its place"
                )
            record.overwritten[str(file)] = ledger_name(before)
        changes.append(Change(file, before, data, private=False))
        record.skill[str(file)] = sha256(data)
    for name, digest in list(record.skill.items()):
        file = Path(name)
        if file in current:
            continue
        # A file of an earlier version of the skill.
        del record.skill[name]
        if (before := _read(file)) is not None and sha256(before) == digest:
            changes.append(Change(file, before, None))
    return changes


def _skill_removals(
    skills: Path, source: Path | None, record: Record | None, ledger: Ledger, notes: list[str]
) -> list[Change]:
    if record is not None:
        known = {Path(name): digest for name, digest in record.skill.items()}
    elif source is not None:
        known = {
            skills / source.name / path.relative_to(source): sha256(path.read_bytes())
            for path in _files(source)
        }
    else:
        known = {}
    changes = []
    for file, digest in known.items():
        before = _read(file)
        if before is None:
            continue
        if sha256(before) != digest:
            notes.append(f"{file} was changed since it was written and stays")
            continue
        name = record.overwritten.get(str(file)) if record else None
        changes.append(Change(file, before, ledger.kept(name) if name else None))
    return changes


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file() and path.suffix != ".pyc")


# Files


def _missing_folders(changes: list[Change], known: list[str]) -> list[str]:
    """The folders that must be made, outermost first."""
    found: list[str] = []
    for change in changes:
        if change.after is None:
            continue
        for folder in reversed(change.file.parents):
            if not folder.exists() and str(folder) not in (*found, *known):
                found.append(str(folder))
    return found


def _read(file: Path) -> bytes | None:
    try:
        if file.stat().st_size > MOST_BYTES:
            raise ClientTrouble(
                f"{file} is larger than {MOST_BYTES >> 20} MiB; nothing was changed"
            )
        return file.read_bytes()
    except FileNotFoundError:
        return None
    except (NotADirectoryError, IsADirectoryError):
        raise ClientTrouble(f"{file} is no file; nothing was changed") from None


def _decoded(file: Path, data: bytes | None) -> str:
    try:
        return (data or b"").decode()
    except UnicodeDecodeError as problem:
        line = (data or b"").count(b"\n", 0, problem.start) + 1
        raise ClientTrouble(
            f"{file}, line {line}: is not UTF-8 text; nothing was changed"
        ) from None


def _loaded(client: Client, file: Path, text: str) -> dict[str, Any]:
    try:
        return formats.load(client.format, text)
    except formats.Unreadable as problem:
        kind = {"jsonc": "JSON", "toml": "TOML", "yaml": "YAML"}[client.format]
        raise ClientTrouble(
            f"{file}, line {problem.line}: is no valid {kind}: {problem.reason};"
            " nothing was changed, mend it and try again"
        ) from None


def _text(data: bytes | None) -> str:
    return (data or b"").decode("utf-8", "replace")


def _short(entry: Any) -> str:
    command = entry.get("command", entry.get("url")) if isinstance(entry, dict) else entry
    words = command if isinstance(command, list) else [command]
    return " ".join(map(str, words))[:60]
