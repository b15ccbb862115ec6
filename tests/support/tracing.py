"""Following the system calls of a program one by one, with ptrace(2).

Only the main thread is followed; threads and children run on unwatched. Where ptrace is not
permitted this raises: what could not be looked at must not pass for sound.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import platform
import signal
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple, Protocol

_TRACEME: Final = 0
_SYSCALL: Final = 24
_SETOPTIONS: Final = 0x4200
_GETREGSET: Final = 0x4204
_SETREGSET: Final = 0x4205
_GET_SYSCALL_INFO: Final = 0x420E
_TRACESYSGOOD: Final = 1
_EXITKILL: Final = 0x100000
_ENTRY: Final = 1
_NT_PRSTATUS: Final = 1
_NT_ARM_SYSTEM_CALL: Final = 0x404
_NO_CALL: Final = -1
AT_FDCWD: Final = -100

_X86_64: Final = {
    "write": 1, "open": 2, "mmap": 9, "pwrite64": 18, "writev": 20, "sendfile": 40, "fsync": 74,
    "fdatasync": 75, "truncate": 76, "ftruncate": 77, "rename": 82, "mkdir": 83, "rmdir": 84,
    "creat": 85, "link": 86, "unlink": 87, "symlink": 88, "sync": 162, "io_submit": 209,
    "openat": 257, "mkdirat": 258, "unlinkat": 263, "renameat": 264, "linkat": 265,
    "symlinkat": 266, "splice": 275, "sync_file_range": 277, "fallocate": 285, "pwritev": 296,
    "syncfs": 306, "renameat2": 316, "copy_file_range": 326, "pwritev2": 328,
    "io_uring_enter": 426, "openat2": 437,
}  # fmt: skip
_AARCH64: Final = {
    "io_submit": 2, "mkdirat": 34, "unlinkat": 35, "symlinkat": 36, "linkat": 37, "renameat": 38,
    "truncate": 45, "ftruncate": 46, "fallocate": 47, "openat": 56, "write": 64, "writev": 66,
    "pwrite64": 68, "pwritev": 70, "sendfile": 71, "splice": 76, "sync": 81, "fsync": 82,
    "fdatasync": 83, "sync_file_range": 84, "mmap": 222, "syncfs": 267, "renameat2": 276,
    "copy_file_range": 285, "pwritev2": 287, "io_uring_enter": 426, "openat2": 437,
}  # fmt: skip
_NUMBERS: Final = {"x86_64": _X86_64, "aarch64": _AARCH64}
# Registers of struct user_regs_struct and user_pt_regs: how many, and the one with the result.
_REGISTERS: Final = {"x86_64": (27, 10), "aarch64": (34, 0)}
_X86_NUMBER: Final = 15  # orig_rax


class Info(ctypes.Structure):
    """struct ptrace_syscall_info; ``number`` is the result where a call is left."""

    _fields_ = [
        ("op", ctypes.c_uint8),
        ("padding", ctypes.c_uint8 * 3),
        ("arch", ctypes.c_uint32),
        ("instruction", ctypes.c_uint64),
        ("stack", ctypes.c_uint64),
        ("number", ctypes.c_uint64),
        ("arguments", ctypes.c_uint64 * 6),
    ]


class _Slice(ctypes.Structure):
    _fields_ = [("base", ctypes.c_void_p), ("length", ctypes.c_size_t)]


_libc = ctypes.CDLL(None, use_errno=True)
_libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
_libc.ptrace.restype = ctypes.c_long


class Call(NamedTuple):
    """One system call of a stopped program."""

    pid: int
    name: str
    arguments: tuple[int, ...]

    def number(self, index: int) -> int:
        """An argument as a signed number of 32 bits: a descriptor or flags."""
        return ctypes.c_int32(self.arguments[index] & 0xFFFFFFFF).value

    def memory(self, address: int, size: int) -> bytes:
        """What lies there in the program's memory."""
        with open(f"/proc/{self.pid}/mem", "rb", buffering=0) as memory:
            memory.seek(address)
            return memory.read(size)

    def text(self, index: int) -> str:
        """An argument as the C string that it points to."""
        address, found = self.arguments[index], b""
        while b"\0" not in found:
            # To the end of a page, since the next one need not be there.
            size = 4096 - (address + len(found)) % 4096
            found += self.memory(address + len(found), size)
        return os.fsdecode(found.partition(b"\0")[0])

    def path(self, index: int, folder: int | None = None) -> Path:
        """A path argument in full; ``folder`` is the index of its directory descriptor."""
        where = AT_FDCWD if folder is None else self.number(folder)
        base = "cwd" if where == AT_FDCWD else f"fd/{where}"
        # Joined first: an absolute path drops what stands before it.
        return Path(os.readlink(f"/proc/{self.pid}/{base}")) / self.text(index)


class Watcher(Protocol):
    """Who is told of the calls it names."""

    names: frozenset[str]

    def entered(self, call: Call) -> int | None:
        """Before the call; an error number makes it fail with that, without being made."""

    def left(self, call: Call, result: int) -> None:
        """After the call; a negative result is an error number."""


def follow(
    argv: Sequence[str],
    watcher: Watcher,
    *,
    env: Mapping[str, str] | None = None,
    stdout: int | None = None,
    stdin: int | None = None,
) -> int:
    """Run the program to its end; its exit code, negative for a signal that ended it."""
    numbers = _numbers()
    wanted = {numbers[name]: name for name in watcher.names if name in numbers}
    pid = os.fork()
    if pid == 0:
        _become(argv, os.environ if env is None else env, stdin, stdout)
    _, status = os.waitpid(pid, 0)
    if not os.WIFSTOPPED(status):
        raise AssertionError("ptrace(2) is not permitted here, so nothing could be looked at")
    _ptrace(_SETOPTIONS, pid, _TRACESYSGOOD | _EXITKILL)
    passed_on, current, failing = 0, None, None
    info, size = Info(), ctypes.sizeof(Info)
    while True:
        # A watcher may have killed it.
        with contextlib.suppress(ProcessLookupError):
            _ptrace(_SYSCALL, pid, passed_on)
        _, status = os.waitpid(pid, 0)
        if not os.WIFSTOPPED(status):
            return os.waitstatus_to_exitcode(status)
        passed_on = os.WSTOPSIG(status)
        if passed_on == signal.SIGTRAP:
            passed_on = 0
        elif passed_on == signal.SIGTRAP | 0x80:
            passed_on = 0
            _ptrace(_GET_SYSCALL_INFO, pid, ctypes.addressof(info), size)
            if info.op == _ENTRY:
                name = wanted.get(info.number)
                current = Call(pid, name, tuple(info.arguments)) if name else None
                failing = watcher.entered(current) if current else None
                if failing is not None:
                    _skip_call(pid)
            elif current is not None:
                if failing is not None:
                    _set_result(pid, -failing)
                    watcher.left(current, -failing)
                else:
                    watcher.left(current, ctypes.c_int64(info.number).value)
                current = None


def _numbers() -> dict[str, int]:
    numbers = _NUMBERS.get(platform.machine())
    if numbers is None:
        raise AssertionError(f"the system calls of {platform.machine()} are not known here")
    return numbers


def _become(
    argv: Sequence[str], env: Mapping[str, str], stdin: int | None, stdout: int | None
) -> None:
    try:
        for given, standard in ((stdin, 0), (stdout, 1)):
            if given is not None:
                os.dup2(given, standard)
        _ptrace(_TRACEME, 0, 0)
        os.kill(os.getpid(), signal.SIGSTOP)
        os.execve(argv[0], list(argv), dict(env))
    finally:
        os._exit(127)


def _skip_call(pid: int) -> None:
    """Make the call that is being entered none at all."""
    if platform.machine() == "aarch64":
        number = ctypes.c_int(_NO_CALL)
        part = _Slice(ctypes.addressof(number), ctypes.sizeof(number))
        _ptrace(_SETREGSET, pid, ctypes.addressof(part), _NT_ARM_SYSTEM_CALL)
        return
    _set_register(pid, _X86_NUMBER, _NO_CALL)


def _set_result(pid: int, result: int) -> None:
    _set_register(pid, _REGISTERS[platform.machine()][1], result)


def _set_register(pid: int, index: int, value: int) -> None:
    registers = (ctypes.c_uint64 * _REGISTERS[platform.machine()][0])()
    part = _Slice(ctypes.addressof(registers), ctypes.sizeof(registers))
    _ptrace(_GETREGSET, pid, ctypes.addressof(part), _NT_PRSTATUS)
    registers[index] = value & 0xFFFFFFFFFFFFFFFF
    _ptrace(_SETREGSET, pid, ctypes.addressof(part), _NT_PRSTATUS)


def _ptrace(request: int, pid: int, data: int, address: int = 0) -> None:
    if _libc.ptrace(request, pid, address, data) < 0:
        raise OSError(ctypes.get_errno(), f"ptrace({request:#x})")
