"""The output of one run, told as it comes."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

import anyio

from hermes_kanban import kernel as kb
from hermes_kanban.kernel.hosts import log_file
from hermes_kanban.logtail import LogReader
from hermes_kanban.surfaces.rest import live_words as words
from hermes_kanban.surfaces.rest.desk import Desk
from hermes_kanban.verbs.output import LINE_BYTES, is_over

POLL_SECONDS: Final = 0.2


class LogStream:
    """Follows a log to the end of its run."""

    def __init__(self, desk: Desk, said: words.FollowLog) -> None:
        self._desk = desk
        self._said = said

    async def pages(self) -> AsyncIterator[words.LogLines]:
        """What is new, some lines at a time; the first page comes at once, empty or not.

        Raises NotFound for a run that is none of the board's.
        """
        said = self._said
        file, over = await self._look()
        reader = LogReader(
            file,
            tail_bytes=said.lines * LINE_BYTES,
            place=said.place,
            colours=said.colours,
        )
        try:
            if reader.resumed:
                yield self._told(reader, [])
            else:
                yield self._told(
                    reader, await self._desk.aside(self._last, reader, over), anew=True
                )
            while True:
                # Asked before the read: what was written until the end is then surely read.
                _, over = await self._look()
                more = True
                while more:
                    lines, more = await self._desk.aside(self._some, reader, over)
                    if lines:
                        yield self._told(reader, lines)
                if over:
                    yield self._told(reader, [], over=True)
                    return
                await anyio.sleep(POLL_SECONDS)
        finally:
            reader.close()

    async def _look(self) -> tuple[Path, bool]:
        """Where the log is, and whether no more will come."""

        def look(conn: kb.BoardConnection) -> tuple[Path, bool]:
            run = kb.get_run(conn, self._said.run_id)
            return log_file(conn, run), is_over(run)

        return await self._desk.look(self._said.board, look)

    def _last(self, reader: LogReader, over: bool) -> list[str]:
        found: deque[str] = deque(maxlen=self._said.lines)
        more = True
        while more:
            lines, more = reader.some_lines(final=over)
            found.extend(lines)
        return list(found)

    def _some(self, reader: LogReader, over: bool) -> tuple[list[str], bool]:
        return reader.some_lines(final=over)

    def _told(
        self, reader: LogReader, lines: list[str], *, anew: bool = False, over: bool = False
    ) -> words.LogLines:
        return words.LogLines(
            board=self._said.board,
            run_id=self._said.run_id,
            lines=lines,
            place=reader.place,
            anew=anew,
            over=over,
        )
