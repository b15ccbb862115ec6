"""A run's specification and lease in, its exit record out.

Light on purpose: the supervisor imports it at the start of every run.
"""

import posix

from hermes_kanban.regular import NotRegular, open_regular, read_regular

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

# The tail's 4 KiB grow sixfold where every byte needs an escape; the rest is names and reasons.
RECORD_BYTES = 32768
_WRITE = posix.O_WRONLY | posix.O_CREAT


def read_spec(folder: str) -> "dict[str, Any]":
    """The run's specification, as ``spawn.Spec`` describes it."""
    return decode(read_regular(f"{folder}/spec.json").decode())


def read_lease(folder: str) -> float | None:
    """Until when the run's lease holds, in seconds of the boot clock; None if nobody notes that."""
    try:
        file = open_regular(f"{folder}/lease")
    except OSError:
        return None
    try:
        return float(posix.read(file, 64))
    except (OSError, ValueError):
        return None
    finally:
        posix.close(file)


def reserve_record(folder: str) -> None:
    """Take the record's room on the disk now: by the end the agent may have filled it."""
    try:
        file = open_regular(f"{folder}/exit.json.tmp", _WRITE)
    except OSError:
        return
    try:
        posix.posix_fallocate(file, 0, RECORD_BYTES)
    except OSError:
        return
    finally:
        posix.close(file)


def write_record(folder: str, fields: "dict[str, object]") -> None:
    """Write ``exit.json``: there whole or not at all, also after a power loss.

    Raises OSError if it cannot be written.
    """
    if not posix.access(folder, posix.F_OK):  # somebody removed it
        posix.mkdir(folder, 0o700)
    temporary = f"{folder}/exit.json.tmp"
    try:
        file = open_regular(temporary, _WRITE)
    except NotRegular:  # somebody put it there, and the record needs no other's leave
        posix.unlink(temporary)
        file = open_regular(temporary, _WRITE)
    try:
        data = encode(fields).encode()
        written = 0
        while written < len(data):
            written += posix.write(file, data[written:])
        posix.ftruncate(file, written)
        posix.fsync(file)
    finally:
        posix.close(file)
    posix.replace(temporary, f"{folder}/exit.json")
    directory = posix.open(folder, posix.O_RDONLY | posix.O_CLOEXEC)
    try:
        posix.fsync(directory)
    finally:
        posix.close(directory)


class _Json:
    """What the C scanner asks its context for."""

    strict = True
    object_hook = object_pairs_hook = None
    parse_float, parse_int, parse_constant = float, int, float


def decode(text: str) -> "dict[str, Any]":
    """A JSON object, without the cost of importing ``json``."""
    try:
        from _json import make_scanner
    except ImportError:
        import json

        value = json.loads(text)
    else:
        context: Any = _Json
        value, _ = make_scanner(context)(text, 0)
    if not isinstance(value, dict):
        raise TypeError("spec.json does not hold an object")
    return value


def encode(fields: "dict[str, object]") -> str:
    """A flat object of strings, whole numbers, booleans and nulls as JSON."""
    try:
        from _json import encode_basestring_ascii
    except ImportError:
        import json

        return json.dumps(fields)
    words = {True: "true", False: "false", None: "null"}
    parts = []
    for name, value in fields.items():
        if isinstance(value, str):
            text = encode_basestring_ascii(value)
        else:
            text = words[value] if value is None or isinstance(value, bool) else str(value)
        parts.append(f'"{name}": {text}')
    return "{" + ", ".join(parts) + "}\n"
