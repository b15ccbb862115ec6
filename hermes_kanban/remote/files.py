"""Files that an agent hands over: which may go, and how they are told to a gateway."""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack
from io import BufferedReader
from pathlib import Path
from typing import Final, NamedTuple
from urllib.parse import quote

from hermes_kanban import handovers
from hermes_kanban.model.errors import InvalidInput
from hermes_kanban.regular import open_regular
from hermes_kanban.verbs import keeping

WORKSPACE: Final = "HERMES_KANBAN_WORKSPACE"


class File(NamedTuple):
    """An open file, with what a gateway knows it by."""

    sha256: str
    name: str
    size: int
    descriptor: int

    @property
    def named(self) -> str:
        """What a hand-over calls it once it was uploaded."""
        return f"{self.sha256}/{self.name}"

    @property
    def address(self) -> str:
        """Where it goes, after the address of the tools."""
        return f"/files/{self.sha256}/{quote(self.name, safe='')}"

    def stream(self) -> BufferedReader:
        """Its content from the beginning."""
        os.lseek(self.descriptor, 0, os.SEEK_SET)
        return open(self.descriptor, "rb", closefd=False)


def declared(named: list[str]) -> AbstractContextManager[dict[str, int]]:
    """The files of an agent here, open, by the names of their copies; all lie in its workspace.

    Raises InvalidInput.
    """
    if not named:
        return contextlib.nullcontext({})
    return keeping.opened(named, workspace(), None)


def workspace() -> Path:
    """The folder that the agent works in: what it was told, if that is here, else the current one.

    Raises InvalidInput where that holds its home, in which ssh starts.
    """
    told = os.environ.get(WORKSPACE, "")
    if told and os.path.isdir(told):
        return Path(told)
    here = Path(os.path.realpath(os.getcwd()))
    if Path(os.path.realpath(Path.home())).is_relative_to(here):
        allowed = (
            f"files in a folder of the agent's own: start it in one, or name one in {WORKSPACE}"
        )
        raise InvalidInput("artifacts", allowed, f"would be read from {here}")
    return here


@contextlib.contextmanager
def copies(folder: Path, names: list[str]) -> Iterator[dict[str, int]]:
    """The copies that wait in the hand-over at ``folder``, open. Raises OSError."""
    with ExitStack() as stack:
        opened = {}
        for name in names:
            opened[name] = open_regular(folder / handovers.FILES / name)
            stack.callback(os.close, opened[name])
        yield opened


def measured(opened: Mapping[str, int]) -> list[File]:
    """What a gateway is told of open files. Raises OSError."""
    files = []
    for name, descriptor in opened.items():
        file = File("", os.path.basename(name), os.fstat(descriptor).st_size, descriptor)
        with file.stream() as stream:
            sha256 = hashlib.file_digest(stream, "sha256").hexdigest()
        files.append(file._replace(sha256=sha256))
    return files


def uploaded(arguments: Mapping[str, object], files: list[File]) -> dict[str, object]:
    """The arguments of a hand-over with its files called as the gateway knows them."""
    if not files:
        return dict(arguments)
    return {**arguments, "artifacts": [file.named for file in files]}
