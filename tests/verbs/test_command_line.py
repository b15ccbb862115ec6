"""The command line says what the verb table says: the same verbs, the same arguments."""

from __future__ import annotations

from typing import Final

import click
import msgspec
import pytest

from hermes_kanban.surfaces.cli.root import MODULES, cli
from hermes_kanban.verbs import VERBS, Verb

# A field, and what people type for it where that is not the same word.
TYPED: Final = {
    "task_id": ("task", "tasks", "words"),
    "parent_id": ("parent", "words"),
    "child_id": ("child", "words"),
    "parents": ("parents",),
    "children": ("words",),
    "reason": ("reason", "words"),
    "body": ("body", "words"),
    "comment": ("comment",),
    "assignee": ("assignee", "profile"),
    "scheduled_at": ("when",),
    "max_runtime_seconds": ("max_runtime",),
    "retry_in_seconds": ("retry_in",),
    "ttl_seconds": ("ttl",),
    "idempotency_key": ("key",),
    "created_cards": ("created",),
    "run_id": ("run", "number"),
    "status": ("status", "statuses"),
    "path": ("files", "words"),
    "from_at": ("start",),
    "from_event": ("start",),
    "to_at": ("end",),
    "to_event": ("end",),
}
# Read in pages by programs, as a whole or by other means by people.
BY_OTHER_MEANS: Final = {
    ("context", "page"),
    ("log", "colours"),
    ("runs", "after"),
    ("runs", "limit"),
    ("attachments", "after"),
    ("attachments", "limit"),
}
# A verb that people have as part of another command, or under another name.
WITHIN: Final = {
    "comments": "show",
    "counts": "stats",
    "why_each": "why",
    "health": "gateway",
    "past": "list",
    "task_past": "show",
    **dict.fromkeys(("subscriptions", "subscribe", "unsubscribe", "test_subscription"), "notify"),
    "destinations": "notify",
    **dict.fromkeys(("drain_host", "resume_host"), "hosts"),
    "subscription": "notify",
    **dict.fromkeys(("outbox", "retry_delivery", "drop_delivery"), "notify"),
}
# What only a page draws, or only a hand on a page does; the command ``move`` is about boards.
OF_A_PAGE: Final = {
    *("cards", "attention", "tree", "trees", "timeline", "trends", "moves", "move"),
    *("settings", "workspace"),
}
# Of this machine and its files, or of the person at the terminal: no other surface has them.
LOCAL: Final = {
    *("up", "down", "init", "boards", "selftest", "setup", "doctor", "service", "completion"),
    *("gateway", "dispatch", "daemon", "notify", "mcp", "deliver", "prime"),
    *("ready", "diagnostics", "watch", "tail", "board", "web"),
    *("check", "replay", "backup", "restore", "purge", "gc"),
    *("import", "export", "migrate"),
}


def command(verb: Verb) -> click.Command:
    name = WITHIN.get(verb.name, verb.name.replace("_", "-"))
    found = cli.get_command(click.Context(cli), name)
    assert found is not None, f"no command {name}"
    return found


TYPED_VERBS: Final = [verb for verb in VERBS.values() if verb.name not in OF_A_PAGE]


@pytest.mark.parametrize("verb", TYPED_VERBS, ids=lambda verb: verb.name)
def test_every_verb_has_its_command(verb: Verb) -> None:
    assert command(verb).help


@pytest.mark.parametrize(
    "verb", [verb for verb in TYPED_VERBS if verb.name not in WITHIN], ids=lambda verb: verb.name
)
def test_every_argument_can_be_typed(verb: Verb) -> None:
    typed = {parameter.name for parameter in command(verb).params}
    missing = [
        field.name
        for field in msgspec.structs.fields(verb.request)
        if (verb.name, field.name) not in BY_OTHER_MEANS
        and not typed & {field.name, *TYPED.get(field.name, ())}
    ]
    assert missing == []


def test_every_command_is_a_verb_or_of_this_machine() -> None:
    verbs = {name.replace("_", "-") for name in VERBS}
    assert set(MODULES) - verbs - LOCAL == set()
    assert not LOCAL & verbs
