"""Counting the system calls of a program, exactly, with ptrace(2): counts carry no noise."""

from __future__ import annotations

import ctypes
import os
import platform
import signal
from typing import Final

_TRACEME: Final = 0
_SYSCALL: Final = 24
_SETOPTIONS: Final = 0x4200
_GET_SYSCALL_INFO: Final = 0x420E
_TRACESYSGOOD: Final = 1
_EXITKILL: Final = 0x100000
_ENTRY: Final = 1
_NUMBERS: Final = {
    "x86_64": {"fsync": 74, "fdatasync": 75},
    "aarch64": {"fsync": 82, "fdatasync": 83},
}


class _Info(ctypes.Structure):
    """The head of struct ptrace_syscall_info; ``number`` is only there at the entry of a call."""

    _fields_ = [
        ("op", ctypes.c_uint8),
        ("padding", ctypes.c_uint8 * 3),
        ("arch", ctypes.c_uint32),
        ("instruction", ctypes.c_uint64),
        ("stack", ctypes.c_uint64),
        ("number", ctypes.c_uint64),
        ("arguments", ctypes.c_uint64 * 6),
    ]


_libc = ctypes.CDLL(None, use_errno=True)
_libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
_libc.ptrace.restype = ctypes.c_long


def syncs_of(argv: list[str]) -> int:
    """How often the program's main thread calls fsync or fdatasync. It must exit with 0."""
    wanted = set(_NUMBERS[platform.machine()].values())
    pid = os.fork()
    if pid == 0:
        _become(argv)
    os.waitpid(pid, 0)
    _ptrace(_SETOPTIONS, pid, _TRACESYSGOOD | _EXITKILL)
    count, passed_on = 0, 0
    while True:
        _ptrace(_SYSCALL, pid, passed_on)
        _, status = os.waitpid(pid, 0)
        if os.WIFEXITED(status):
            assert os.WEXITSTATUS(status) == 0, f"{argv} failed"
            return count
        assert os.WIFSTOPPED(status), f"{argv} was killed"
        passed_on = os.WSTOPSIG(status)
        if passed_on == signal.SIGTRAP | 0x80:
            passed_on = 0
            count += _entered(pid) in wanted
        elif passed_on == signal.SIGTRAP:
            passed_on = 0


def _become(argv: list[str]) -> None:
    _ptrace(_TRACEME, 0, 0)
    os.kill(os.getpid(), signal.SIGSTOP)
    try:
        os.execv(argv[0], argv)
    finally:
        os._exit(127)


def _entered(pid: int) -> int | None:
    info = _Info()
    size = ctypes.sizeof(info)
    _libc.ptrace(_GET_SYSCALL_INFO, pid, size, ctypes.addressof(info))
    return int(info.number) if info.op == _ENTRY else None


def _ptrace(request: int, pid: int, data: int) -> None:
    if _libc.ptrace(request, pid, None, data) < 0:
        raise OSError(ctypes.get_errno(), f"ptrace({request:#x})")
