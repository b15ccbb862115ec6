"""Editing messages whose question is decided, beside the deliveries and never in their way."""

from __future__ import annotations

from collections import Counter
from functools import partial
from typing import Final

import anyio
import anyio.abc
from structlog.typing import FilteringBoundLogger

from gateway import senders
from gateway.kernel_thread import KernelThread
from gateway.senders import Senders
from hermes_kanban.kernel import closings
from hermes_kanban.kernel.closings import Closing

ATTEMPTS: Final = 3
AT_ONCE: Final = 8
RETRY_SECONDS: Final = 10.0
MARGIN_SECONDS: Final = 5  # one may have been sent while the last look was taken
TIMEOUT_SECONDS: Final = 15.0


class Closings:
    """The messages of one board that are being edited.

    Best effort: after a few attempts a message is left as it is. What a crash cut short is tried
    again, which edits it to the same text.
    """

    def __init__(
        self,
        group: anyio.abc.TaskGroup,
        kernel: KernelThread,
        log: FilteringBoundLogger,
        by_scheme: Senders,
    ) -> None:
        self._group = group
        self._kernel = kernel
        self._log = log
        self._senders = by_scheme
        self._seen, self._looked_at = 0, 0
        self._busy: set[int] = set()
        self._limiter = anyio.CapacityLimiter(AT_ONCE)
        self._failures: Counter[int] = Counter()

    async def look(self, newest: int) -> None:
        """Start with what has been decided since the last look; ``newest`` is the newest event."""
        began = self._kernel.conn.clock.now()
        after: int | None = 0
        while after is not None:
            seen = partial(
                closings.to_close, since_event=self._seen, since=self._looked_at, after=after
            )
            page = await self._kernel(seen)
            for one in page.closings:
                if one.delivery_id not in self._busy:
                    self._busy.add(one.delivery_id)
                    self._group.start_soon(self._close, one)
            after = page.after
        self._seen, self._looked_at = newest, began - MARGIN_SECONDS

    async def _close(self, one: Closing) -> None:
        try:
            async with self._limiter:
                edited = await self._edit(one)
            while edited is None:
                await anyio.sleep(RETRY_SECONDS)
                async with self._limiter:
                    edited = await self._edit(one)
            await self._kernel(lambda conn: closings.mark_closed(conn, one.delivery_id))
            if edited:
                self._log.info("notify.closed", delivery=one.delivery_id)
        except Exception as error:
            self._seen, self._looked_at = 0, 0  # look at all of them again
            self._log.error("watcher.failed", watcher="notifier", error=str(error) or repr(error))
        finally:
            self._busy.discard(one.delivery_id)
            del self._failures[one.delivery_id]

    async def _edit(self, one: Closing) -> bool | None:
        """Whether it was edited; None if it is to be tried again."""
        if not one.text:
            return False
        try:
            return await senders.close(
                self._senders,
                one.destination,
                one.receipt,
                one.text,
                timeout_seconds=TIMEOUT_SECONDS,
            )
        except Exception as error:
            self._failures[one.delivery_id] += 1
            if self._failures[one.delivery_id] < ATTEMPTS:
                return None
            self._log.warning(
                "notify.unclosed", delivery=one.delivery_id, error=str(error) or repr(error)
            )
            return False
