"""The chats of the gateway: one adapter a platform that is configured, for as long as it is.

An adapter that fails is left and entered again after a while, longer each time, and holds up
nothing else. Every gateway can send; one of them, by lock, listens: one of the home, and where the
boards lie in PostgreSQL one of all hosts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Final

import anyio
from structlog.typing import FilteringBoundLogger

from gateway.charge import Charge
from gateway.chat.adapter import Adapter, Context, MissingPackage
from gateway.chat.desk import ChatDesk
from gateway.chat.platforms import make
from gateway.chat.states import CONNECTED, CONNECTING, STANDBY
from gateway.chat.tokens import account_of, key_of, key_of_account
from gateway.locks import SharedRoleLock, chat_lock, let_go
from gateway.senders import Sender
from hermes_kanban.config import LiveConfig
from hermes_kanban.config.chat import PLATFORMS
from hermes_kanban.model.errors import ConfigError
from hermes_kanban.notify import threads
from hermes_kanban.redact import one_line, redact
from hermes_kanban.store.role_lock import RoleLock

SCAN_SECONDS: Final = 0.5
STANDBY_SECONDS: Final = 0.5
FIRST_SECONDS: Final = 0.5
MOST_SECONDS: Final = 15.0
UNUSABLE_SECONDS: Final = 60.0
STEADY_SECONDS: Final = 30.0


class ChatService:
    """Runs the adapters until cancelled; ``senders`` gets those that are connected, by platform.

    Leaving a platform takes half a second at most, and whatever may hang is not waited for.

    ``states`` says in words how each configured platform is, ``connected`` or what is wrong;
    ``changed`` is called when one of them, and with it who can be sent to, has changed.
    """

    def __init__(
        self,
        home: Path,
        live_config: LiveConfig,
        boards: Callable[[], Mapping[str, str | None]],
        senders: MutableMapping[str, Sender],
        log: FilteringBoundLogger,
        *,
        changed: Callable[[], None],
    ) -> None:
        self._folder = home / "chat"
        self._live_config = live_config
        self._boards = boards
        self._senders = senders
        self._log = log
        self._changed = changed
        self._turns = {platform: anyio.Lock() for platform in PLATFORMS}
        self._troubles: dict[str, str] = {}
        self.states: dict[str, str] = {}

    async def serve(self) -> None:
        """Follow the configuration: connect, connect anew, leave."""
        running: dict[str, tuple[Any, anyio.CancelScope]] = {}
        async with anyio.create_task_group() as group:
            while True:
                chat = self._live_config.current().chat
                for platform in PLATFORMS:
                    wanted = getattr(chat, platform)
                    settings, scope = running.get(platform, (None, None))
                    if wanted == settings:
                        continue
                    if scope is not None:
                        scope.cancel()
                        del running[platform]
                    if wanted is None:
                        self.states.pop(platform, None)
                        self._changed()
                        continue
                    running[platform] = wanted, anyio.CancelScope()
                    group.start_soon(self._follow, platform, *running[platform])
                await anyio.sleep(SCAN_SECONDS)

    async def _follow(self, platform: str, settings: Any, scope: anyio.CancelScope) -> None:
        """Run the adapter again and again until the settings change."""
        failures = 0
        with scope:
            async with self._turns[platform]:  # whoever was before may still be leaving
                while True:
                    began = anyio.current_time()
                    delay = await self._once(platform, settings, failures)
                    steady = anyio.current_time() - began > STEADY_SECONDS
                    failures = 1 if steady else failures + 1
                    await anyio.sleep(delay)

    async def _once(self, platform: str, settings: Any, failures: int) -> float:
        """Run the adapter until it fails; the seconds until it is worth another try."""
        delay = min(MOST_SECONDS, FIRST_SECONDS * (1 << min(failures, 10)))
        try:
            await self._run(platform, settings)
        except (MissingPackage, ConfigError) as error:
            self._tell(platform, str(error))
            return UNUSABLE_SECONDS
        except Exception as error:
            said = redact(one_line(_cause(error)))
            self._be(platform, f"out of reach: {said}")
            self._log.warning("chat.failed", platform=platform, error=said, delay_seconds=delay)
        return delay

    def _tell(self, platform: str, error: str) -> None:
        if self.states.get(platform) != error:
            self._log.error("chat.refused", platform=platform, error=error)
        self._be(platform, error)

    def _trouble(self, platform: str, text: str) -> None:
        """What does not work while the platform is connected; nothing once all does."""
        self._troubles[platform] = text
        if self.states.get(platform, "").startswith(CONNECTED):
            self._be(platform, CONNECTED)

    def _be(self, platform: str, state: str) -> None:
        if state == CONNECTED and (trouble := self._troubles.get(platform)):
            state = f"{state}, but {trouble}"
        if self.states.get(platform) != state:
            self.states[platform] = state
            self._changed()

    async def _run(self, platform: str, settings: Any) -> None:
        self.states.setdefault(platform, CONNECTING)
        self._troubles.pop(platform, None)
        server = self._live_config.current().kanban.server
        account = account_of(platform, settings) if server else ""
        # Whichever host listens must know the buttons that another one sent.
        key = await threads.run(
            lambda: key_of_account(account) if account else key_of(self._folder / "key")
        )
        file = self._folder / f"{platform}.lock"
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = chat_lock(file, server, platform, account)
        desk = ChatDesk(
            platform,
            chat=lambda: self._live_config.current().chat,
            boards=self._boards,
            key=key,
            log=self._log,
        )
        keep = self._folder / f"{platform}.kept"
        context = Context(settings, desk, keep, self._log, partial(self._trouble, platform))
        # To load a platform's package may take a second, and nobody else shall wait for it.
        adapter = await threads.run(lambda: make(platform, context))
        async with adapter:
            with self._registered(platform, adapter):
                await self._listen(platform, adapter, lock)

    async def _listen(
        self, platform: str, adapter: Adapter, lock: RoleLock | SharedRoleLock
    ) -> None:
        try:
            await self._stand_by(platform, lock)
            self._be(platform, CONNECTED)
            self._log.info("chat.connected", platform=platform)
            async with anyio.create_task_group() as group:
                group.start_soon(Charge(lock, "another gateway listens in the chat").keep)
                await adapter.listen()
                group.cancel_scope.cancel()
        finally:
            # Also of one that stands by: it may have the home's part of the lock.
            await let_go(lock, threads.run)

    async def _stand_by(self, platform: str, lock: RoleLock | SharedRoleLock) -> None:
        take = partial(threads.run, lock.try_take)
        if await take():
            return
        self._be(platform, STANDBY)
        self._log.info("chat.standby", platform=platform, holder=lock.holder())
        while not await take():
            await anyio.sleep(STANDBY_SECONDS)

    @contextmanager
    def _registered(self, platform: str, adapter: Adapter) -> Iterator[None]:
        self._senders[platform] = adapter
        try:
            yield
        finally:
            self._senders.pop(platform, None)
            self._log.info("chat.stopped", platform=platform)


def _cause(error: BaseException) -> str:
    """The first error of a group, in its own words."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return str(error) or type(error).__name__
