"""Editing messages whose question is decided, beside the deliveries and never in their way."""

from __future__ import annotations

from functools import partial
from typing import Final

import anyio
import anyio.abc
from structlog.typing import FilteringBoundLogger

from gateway import senders
from gateway.kernel_thread import KernelThread
from gateway.senders import Senders, Unreached
from hermes_kanban import notify
from hermes_kanban.kernel import closings
from hermes_kanban.kernel.closings import Closing

ATTEMPTS: Final = 3
AT_ONCE: Final = 8
RETRY_SECONDS: Final = 10.0
MARGIN_SECONDS: Final = 5  # one may have been sent while the last look was taken
TIMEOUT_SECONDS: Final = 15.0


class Closings:
    """The messages of one board that are being edited.

    Best effort: after a few attempts a message is left as it is. One whose chat cannot be reached
    waits. What a crash cut short is tried again, which edits it to the same text.
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
        self._look_at_all = False
        self._reached: frozenset[str] = frozenset()
        self._busy: set[tuple[str, str]] = set()
        self._limiter = anyio.CapacityLimiter(AT_ONCE)

    async def look(self, newest: int) -> None:
        """Start with what has been decided since the last look; ``newest`` is the newest event."""
        reached = frozenset(self._senders)
        # Among all is what was decided before its chat could be reached.
        if self._look_at_all or not reached <= self._reached:
            self._seen, self._looked_at = 0, 0
        self._look_at_all = False
        self._reached = reached
        began = self._kernel.conn.clock.now()
        after: int | None = 0
        missed = False
        while after is not None:
            seen = partial(
                closings.to_close, since_event=self._seen, since=self._looked_at, after=after
            )
            page = await self._kernel(seen)
            for one in page.closings:
                place = (one.destination, one.receipt)
                if not self._is_reached(one):
                    continue
                if place in self._busy:
                    missed = True  # a digest of which more is decided by now, perhaps
                else:
                    self._busy.add(place)
                    self._group.start_soon(self._close, one)
            after = page.after
        if not missed:
            self._seen, self._looked_at = newest, began - MARGIN_SECONDS

    def _is_reached(self, one: Closing) -> bool:
        scheme = notify.split(one.destination)[0]
        return scheme in self._reached or scheme not in notify.PLATFORMS

    async def _close(self, one: Closing) -> None:
        try:
            if one.text and await self._edited(one):
                self._log.info("notify.closed", delivery=one.delivery_ids[0])
            await self._kernel(lambda conn: closings.mark_closed(conn, one.delivery_ids))
        except Unreached:
            self._look_at_all = True  # its adapter went after the look, and may be back by the next
        except Exception as error:
            self._look_at_all = True
            self._log.error("watcher.failed", watcher="notifier", error=str(error) or repr(error))
        finally:
            self._busy.discard((one.destination, one.receipt))

    async def _edited(self, one: Closing) -> bool:
        """Whether it was, after a few attempts; False too where nothing can be edited."""
        for attempt in range(1, ATTEMPTS + 1):
            try:
                async with self._limiter:
                    return await senders.close(
                        self._senders,
                        one.destination,
                        one.receipt,
                        one.text,
                        digest=one.digest,
                        timeout_seconds=TIMEOUT_SECONDS,
                    )
            except Unreached:
                raise
            except Exception as error:
                said = str(error) or repr(error)
            if attempt < ATTEMPTS:
                await anyio.sleep(RETRY_SECONDS)
        self._log.warning("notify.unclosed", delivery=one.delivery_ids[0], error=said)
        return False
