"""Opens files that a worker can replace: by a pipe, a socket, a device, or a link to anything.

A worker is of the same user as the gateway, so it can put whatever it likes under the name of its
log or its record. Opening that here neither waits for somebody at a pipe's other end nor leads to
another file. Light on purpose: the supervisor imports it at the start of every run.
"""

import errno
import posix

TYPE_CHECKING = False
if TYPE_CHECKING:
    from os import PathLike

# More than anything that is read whole has; a file without end would take all memory.
READ_BYTES = 1 << 26
_PART_BYTES = 1 << 18
# A pipe without another end, a socket, a device without its driver; a link.
_OTHER_KINDS = (errno.ENXIO, errno.ENODEV, errno.EOPNOTSUPP, errno.ELOOP)
_KIND, _REGULAR, _FOLDER = 0o170000, 0o100000, 0o040000


class NotRegular(OSError):
    """There is something under the name, and it is no regular file."""


def open_regular(
    path: "str | PathLike[str]",
    flags: int = posix.O_RDONLY,
    *,
    links: bool = False,
    dir_fd: "int | None" = None,
) -> int:
    """A descriptor of the regular file ``path``, opened without waiting for anything.

    One that is made is for its owner alone.
    ``links``: where people may keep the file elsewhere, what a link leads to counts. Raises
    NotRegular, and what else ``open`` raises.
    """
    flags |= posix.O_NONBLOCK | posix.O_NOCTTY | posix.O_CLOEXEC
    if not links:
        flags |= posix.O_NOFOLLOW
    try:
        descriptor = posix.open(path, flags, 0o600, dir_fd=dir_fd)
    except OSError as error:
        if error.errno in _OTHER_KINDS:
            raise NotRegular(errno.EINVAL, "Not a regular file", posix.fspath(path)) from None
        raise
    kind = posix.fstat(descriptor).st_mode & _KIND
    if kind == _REGULAR:
        return descriptor
    posix.close(descriptor)
    if kind == _FOLDER:
        raise NotRegular(errno.EISDIR, "Is a directory", posix.fspath(path))
    raise NotRegular(errno.EINVAL, "Not a regular file", posix.fspath(path))


def read_regular(path: "str | PathLike[str]", *, links: bool = False) -> bytes:
    """All of the regular file ``path``; raises as ``open_regular``, and where it has no end."""
    descriptor = open_regular(path, links=links)
    try:
        parts = []
        room = READ_BYTES
        while part := posix.read(descriptor, _PART_BYTES):
            parts.append(part)
            room -= len(part)
            if room < 0:
                raise OSError(errno.EFBIG, "File too large", posix.fspath(path))
        return b"".join(parts)
    finally:
        posix.close(descriptor)
