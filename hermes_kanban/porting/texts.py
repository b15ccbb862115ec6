"""Text files as they should be: UTF-8, whole, and in lines that say where something is wrong."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import msgspec

from hermes_kanban.model.errors import InvalidInput, NotFound

LINE_BYTES: Final = 64 * 1024 * 1024
_UTF_16: Final = (b"\xff\xfe", b"\xfe\xff")
_MARK: Final = b"\xef\xbb\xbf"
_SQLITE: Final = b"SQLite format 3\x00"


def refuse_other_kinds(file: Path, wanted: str) -> None:
    """NotFound or InvalidInput for what is no text file; ``wanted`` says what it should be."""
    if not file.exists():
        raise NotFound("file", file, f"give the path of {wanted}")
    if file.is_dir():
        raise InvalidInput(str(file), wanted, "is a folder")
    with open(file, "rb") as opened:
        head = opened.read(16)
    if not head:
        raise InvalidInput(str(file), wanted, "is empty")
    if head == _SQLITE:
        raise InvalidInput(str(file), wanted, "is an SQLite database")
    if head.startswith(_UTF_16):
        raise InvalidInput(str(file), f"{wanted}, in UTF-8 (iconv converts it)", "is in UTF-16")


def whole(file: Path, wanted: str) -> str:
    """All of a text file. Raises NotFound or InvalidInput."""
    refuse_other_kinds(file, wanted)
    data = file.read_bytes().removeprefix(_MARK)
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        where = f"{file}, line {line},"
        raise InvalidInput(where, "UTF-8 (iconv converts it)", "is in another encoding") from None


def json_lines(file: Path, wanted: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each line's object, with where it stands; empty lines are passed over."""
    for where, line in lines(file, wanted):
        try:
            found = msgspec.json.decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise InvalidInput(where, "one JSON object a line", f"is no JSON ({error})") from None
        if not isinstance(found, dict):
            raise InvalidInput(where, "one JSON object a line", f"is a {type(found).__name__}")
        yield where, found


def lines(file: Path, wanted: str) -> Iterator[tuple[str, bytes]]:
    """The lines that hold something, each with where it stands."""
    refuse_other_kinds(file, wanted)
    with open(file, "rb") as opened:
        for number, line in enumerate(opened, 1):
            if len(line) > LINE_BYTES:
                allowed = f"lines of at most {LINE_BYTES // 1024 // 1024} MiB"
                raise InvalidInput(f"{file}, line {number},", allowed, f"has {len(line):,} bytes")
            if line.strip():
                yield f"{file}, line {number},", line.removeprefix(_MARK)


def document(file: Path, wanted: str) -> Any:
    """A file that is one JSON value. Raises InvalidInput that says where it ends to make sense."""
    text = whole(file, wanted)
    try:
        return msgspec.json.decode(text)
    except msgspec.DecodeError as error:
        problem = f"is no whole JSON ({error})"
        if "truncated" in str(error):
            problem = "ends in the middle: it was cut off, or is not written to its end"
        raise InvalidInput(str(file), wanted, problem) from None


def text_of(found: dict[str, Any], key: str, where: str) -> str | None:
    """A text of an object; absent, null and empty are None. Raises InvalidInput."""
    value = found.get(key)
    if value is None or value == "":
        return None
    if not isinstance(value, str):
        raise InvalidInput(where, f"{key} as text", f"has the {key} {value!r:.60}")
    return value


def list_of(found: dict[str, Any], key: str, where: str) -> list[Any]:
    """A list of an object; absent and null are empty. Raises InvalidInput."""
    value = found.get(key)
    if value is None:
        return []
    if not isinstance(value, list):
        raise InvalidInput(where, f"{key} as a list", f"has the {key} {value!r:.60}")
    return value


def must_be_text(found: dict[str, Any], key: str, where: str) -> str:
    """A text that must be there. Raises InvalidInput."""
    value = text_of(found, key, where)
    if value is None:
        raise InvalidInput(where, f"an object with a {key}", f"has no {key}")
    return value


def footer(origin: str, parts: dict[str, str | None]) -> str:
    """The last lines of a body: where the task comes from, and what the board has no column for."""
    said = [f"{name}: {value}" for name, value in parts.items() if value]
    return "\n".join(["---", f"From {origin}", *said])


def joined(*parts: str | None) -> str:
    """Paragraphs of a body, without those that are empty."""
    return "\n\n".join(part.strip("\n") for part in parts if part and part.strip())


def section(heading: str, text: str | None) -> str | None:
    """A paragraph under a heading; nothing without text."""
    return f"## {heading}\n\n{text.strip()}" if text and text.strip() else None
