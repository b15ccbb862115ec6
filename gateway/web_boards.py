"""The boards that the HTTP server reaches: those of the gateway around it, or of the home alone."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Final

import anyio
import anyio.abc
import anyio.to_thread
from structlog.typing import FilteringBoundLogger

from gateway.wakeup import Pulse
from hermes_kanban import kernel as kb
from hermes_kanban.config import LiveConfig
from hermes_kanban.kernel.boards import board_slugs
from hermes_kanban.paths import board_paths

SCAN_SECONDS: Final = 2.0
# Nobody rings for a server without a gateway; a look at the change counter costs microseconds.
POLL_SECONDS: Final = 0.05
REFRESH_SECONDS: Final = 5.0

BoardName = str | None


class PulseChanges:
    """One board's changes for one socket, as its pulse tells them.

    ``beats`` says whether the pulse still does; KeyError from ``newer`` once it does not.
    """

    def __init__(self, slug: str, pulse: Pulse, beats: Callable[[], bool]) -> None:
        self._slug = slug
        self._pulse = pulse
        self._beats = beats
        self._sleeper = pulse.sleeper()

    @property
    def newest(self) -> int:
        """The id of the newest event that is known of."""
        return self._pulse.newest

    async def newer(self, seen: int, seconds: float) -> bool:
        """Wait ``seconds`` at most; True once there are events after ``seen``."""
        if not self._beats():
            raise KeyError(self._slug)
        self._sleeper.seen = seen
        await self._sleeper.sleep(seconds)
        return self._pulse.newest > seen

    def close(self) -> None:
        """Nobody waits any more."""
        self._pulse.drop(self._sleeper)


class GatewayBoards:
    """The boards that a gateway serves; ``pulses`` are those that beat now, by slug.

    ``look_again`` makes the gateway look at once which boards there are.
    """

    def __init__(
        self,
        pulses: Callable[[], Mapping[str, tuple[BoardName, Pulse]]],
        look_again: Callable[[], None],
    ) -> None:
        self._pulses = pulses
        self._look_again = look_again

    def names(self) -> Mapping[str, BoardName]:
        """By slug, the name by which each is opened."""
        return {slug: board for slug, (board, _) in self._pulses().items()}

    @asynccontextmanager
    async def follow(self, slug: str) -> AsyncIterator[PulseChanges]:
        """The board's changes; KeyError if it is gone."""
        _, pulse = self._pulses()[slug]

        def beats() -> bool:
            found = self._pulses().get(slug)
            return found is not None and found[1] is pulse

        changes = PulseChanges(slug, pulse, beats)
        try:
            yield changes
        finally:
            changes.close()

    async def refresh(self) -> None:
        """Look again; returns when a board more is there, or after a while."""
        before = self.names().keys()
        self._look_again()
        with anyio.move_on_after(REFRESH_SECONDS):
            while not self.names().keys() - before:
                await anyio.sleep(0.02)


class OwnBoards:
    """The boards of the home, followed by this server itself while somebody listens.

    ``only`` names the one board that is served, where the environment names it by its file.
    """

    def __init__(
        self, live_config: LiveConfig, log: FilteringBoundLogger, *, only: bool = False
    ) -> None:
        self._live_config = live_config
        self._log = log
        self._only = only
        self._names: dict[str, BoardName] = {}
        self._group: anyio.abc.TaskGroup
        self._followed: dict[str, _Followed] = {}

    async def run(self, *, task_status: anyio.abc.TaskStatus[None]) -> None:
        """Know the boards and follow those that are listened to, until cancelled."""
        async with anyio.create_task_group() as self._group:
            await self.refresh()
            task_status.started()
            while True:
                await anyio.sleep(SCAN_SECONDS)
                await self.refresh()

    def names(self) -> Mapping[str, BoardName]:
        """By slug, the name by which each is opened."""
        return self._names

    async def refresh(self) -> None:
        """Look which boards there are; while a database does not answer, those of before."""
        if self._only:
            self._names = {board_paths(None).slug: None}
            return
        database = self._live_config.current().kanban.server
        try:
            slugs = await anyio.to_thread.run_sync(board_slugs, database)
        except kb.KanbanError:
            return
        self._names = {slug: slug for slug in slugs}

    def follow(self, slug: str) -> AbstractAsyncContextManager[PulseChanges]:
        """The board's changes; KeyError if it is gone."""
        return self._follow(slug, self._names[slug])

    @asynccontextmanager
    async def _follow(self, slug: str, board: BoardName) -> AsyncIterator[PulseChanges]:
        if slug not in self._followed:
            self._followed[slug] = _Followed(Pulse(board_paths(board), POLL_SECONDS))
            self._group.start_soon(self._beat, slug, self._followed[slug])
        followed = self._followed[slug]
        followed.listeners += 1
        changes = PulseChanges(slug, followed.pulse, lambda: self._followed.get(slug) is followed)
        try:
            yield changes
        finally:
            changes.close()
            followed.listeners -= 1
            if not followed.listeners:
                self._forget(slug, followed)

    async def _beat(self, slug: str, followed: _Followed) -> None:
        with followed.scope:
            try:
                await followed.pulse.run()
            except Exception as error:
                self._log.error("watcher.failed", watcher="pulse", board=slug, error=str(error))
        self._forget(slug, followed)

    def _forget(self, slug: str, followed: _Followed) -> None:
        """Whoever still listens is told that the board is gone, and asks again."""
        if self._followed.get(slug) is followed:
            del self._followed[slug]
        followed.scope.cancel()


class _Followed:
    """A board that this server follows, and how many listen."""

    def __init__(self, pulse: Pulse) -> None:
        self.pulse = pulse
        self.scope = anyio.CancelScope()
        self.listeners = 0
