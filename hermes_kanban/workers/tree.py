"""The processes of this machine as ``/proc`` tells of them, and signals that cannot go astray.

Light on purpose: the supervisor imports it, and every module it imports delays each worker.
"""

import posix

TYPE_CHECKING = False
if TYPE_CHECKING:
    import signal as _signal
else:
    import _signal  # what ``signal`` wraps in enums, at 6 ms

# State letter, parent, session, start ticks since boot: fields 3, 4, 6 and 22 of /proc/<pid>/stat.
Stat = tuple[str, int, int, int]

HAS_PROC = "linux" in posix.uname().sysname.lower()
DEAD_STATES = "ZXx"


def read_stat(pid: int) -> Stat | None:
    """What the kernel says of ``pid``, or None if there is no such process."""
    try:
        text = _read(f"/proc/{pid}/stat")
    except OSError:
        return None
    # The command may hold spaces and brackets; only after the last one do the fields begin.
    fields = text[text.rfind(b")") + 2 :].split()
    if len(fields) < 20:
        return None
    return fields[0].decode(), int(fields[1]), int(fields[3]), int(fields[19])


def read_environ(pid: int) -> list[bytes]:
    """The environment ``pid`` was started with; empty where it may not be read."""
    try:
        return _read(f"/proc/{pid}/environ").split(b"\0")
    except OSError:
        return []


def processes() -> dict[int, Stat]:
    """Every process that can be seen, zombies left out."""
    found = {}
    for name in posix.listdir("/proc"):
        if name.isdigit() and (stat := read_stat(int(name))) and stat[0] not in DEAD_STATES:
            found[int(name)] = stat
    return found


def descendants(roots: set[int], among: dict[int, Stat]) -> set[int]:
    """Every process of ``among`` that descends from one of ``roots``, the roots left out."""
    children: dict[int, list[int]] = {}
    for pid, stat in among.items():
        children.setdefault(stat[1], []).append(pid)
    found: set[int] = set()
    queue = list(roots)
    while queue:
        for pid in children.get(queue.pop(), ()):
            if pid not in found and pid not in roots:
                found.add(pid)
                queue.append(pid)
    return found


def send(pid: int, start_ticks: int, *signals: int) -> bool:
    """Signal exactly the process that started at ``start_ticks``; False if it is gone.

    A pidfd holds on to one process, so a pid reused after the check is never hit.
    """
    try:
        handle = posix.pidfd_open(pid, 0)
    except OSError:
        return False
    try:
        stat = read_stat(pid)
        if stat is None or stat[3] != start_ticks:
            return False
        for signal in signals:
            _signal.pidfd_send_signal(handle, signal)
    except OSError:
        return False
    else:
        return True
    finally:
        posix.close(handle)


def signal_descendants(root: int, *signals: int) -> list[int]:
    """Signal all that descends from ``root``; returns the pids found."""
    among = processes()
    found = descendants({root}, among)
    for pid in found:
        send(pid, among[pid][3], *signals)
    return sorted(found)


def _read(path: str) -> bytes:
    handle = posix.open(path, posix.O_RDONLY | posix.O_CLOEXEC)
    try:
        parts = []
        while part := posix.read(handle, 65536):
            parts.append(part)
        return b"".join(parts)
    finally:
        posix.close(handle)
