"""What a client printed: records, one a line as JSON, among lines of other kinds."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from hermes_kanban.regular import open_regular

HEAD_BYTES = 64 * 1024

Record = dict[str, Any]


def records(output: str) -> list[Record]:
    """The JSON objects that have a line of their own, in order."""
    return [record for line in output.splitlines() if (record := _record(line)) is not None]


def first_record(folder: Path, kind: str, output: str) -> Record | None:
    """The first record of that type: from the log's beginning, which ``output`` may lack."""
    for text in (_head(folder / "log.1"), _head(folder / "log"), output):
        for record in records(text):
            if record.get("type") == kind:
                return record
    return None


def last_words(output: str) -> str | None:
    """The last line that is no record; where a client has nothing to report it says why."""
    for line in reversed(output.splitlines()):
        if line.strip() and _record(line) is None:
            return line.strip()
    return None


def last_text(told: list[Record]) -> str | None:
    """What the model said last, of records as Claude Code and Qwen Code write them."""
    for record in reversed(told):
        if record.get("type") == "assistant":
            parts = objects(sub(record, "message").get("content"))
            words = [str(part["text"]) for part in parts if part.get("type") == "text"]
            if said := text("\n".join(words)):
                return said
    return None


def objects(value: Any) -> Iterator[Record]:
    """The objects in a list; nothing for what is no list, as another version may write."""
    if isinstance(value, list):
        yield from (one for one in value if isinstance(one, dict))


def sub(record: Record, *names: str) -> Record:
    """The object below ``record`` by those names, empty where there is none."""
    for name in names:
        found = record.get(name)
        record = found if isinstance(found, dict) else {}
    return record


def text(value: Any) -> str | None:
    """A text that says something."""
    return value.strip() or None if isinstance(value, str) else None


def number(value: Any) -> int:
    """A count; 0 for what is none."""
    return int(value) if isinstance(value, int | float) and value >= 0 else 0


def _record(line: str) -> Record | None:
    if not line.lstrip().startswith("{"):
        return None
    try:
        value = msgspec.json.decode(line.encode(errors="replace"))
    except msgspec.DecodeError:
        return None
    return value if isinstance(value, dict) else None


def _head(log: Path) -> str:
    try:
        with open(open_regular(log), "rb") as stream:
            return stream.read(HEAD_BYTES).decode("utf-8", "replace")
    except OSError:
        return ""
