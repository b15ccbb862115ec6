"""Being in charge of a role: asked again before what only its holder may do."""

from __future__ import annotations

import anyio
import anyio.to_thread

from gateway.locks import KEEP_SECONDS, RoleLost, SharedRoleLock
from hermes_kanban.model.errors import KanbanError
from hermes_kanban.store.role_lock import RoleLock


class Charge:
    """A lock that was taken, and must still be held when it matters."""

    def __init__(self, lock: RoleLock | SharedRoleLock, lost: str) -> None:
        self._lock = lock
        self._lost = lost

    async def turn(self) -> int:
        """Which turn this is; another one means that in between it was somebody else's.

        Raises RoleLost, and what the database raises.
        """
        lock = self._lock
        if isinstance(lock, RoleLock):
            return 0  # a file's lock is held until it is let go
        if not await anyio.to_thread.run_sync(lock.try_take):
            raise RoleLost(self._lost)
        return lock.turn

    async def give_up(self, why: str) -> None:
        """Let another host take over: raises RoleLost, but nothing where there are no others."""
        if isinstance(self._lock, SharedRoleLock):
            await anyio.to_thread.run_sync(self._lock.give_up)
            raise RoleLost(why)

    async def keep(self) -> None:
        """Say now and then that the holder lives; raises RoleLost once it is another's."""
        while isinstance(self._lock, SharedRoleLock):
            await anyio.sleep(KEEP_SECONDS)
            try:
                await self.turn()
            except RoleLost:
                raise
            except KanbanError:
                continue  # the server is away, for everybody
