"""The tools of a run as a toolbox of this machine, whatever becomes of the gateways meanwhile."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any, Final

from hermes_kanban import handovers
from hermes_kanban.handovers import HandOver
from hermes_kanban.model.errors import InvalidInput
from hermes_kanban.remote import courier, files
from hermes_kanban.remote.access import Access, default_state
from hermes_kanban.remote.answers import Away, BrokenOff, Refused, Unknown, call_result
from hermes_kanban.remote.client import Gateways
from hermes_kanban.surfaces.mcp.toolbox import CallResult, Tool
from hermes_kanban.verbs.table import AGENTS

PATIENCE_SECONDS: Final = 20.0
"""How long a call waits for a gateway; clients give up at 60 s."""
GREETING_SECONDS: Final = 4.0
_ENDING: Final = {verb.tool: verb.name for verb in AGENTS.values() if verb.ends_run and verb.tool}


class RemoteToolbox:
    """Implements ``toolbox.Toolbox`` by asking gateways."""

    def __init__(self, access: Access, *, patience: float = PATIENCE_SECONDS) -> None:
        self._access = access
        self._gateways = Gateways(access.addresses, access.token)
        self._patience = patience
        self._lock = threading.Lock()
        self._tools: list[Tool] = []

    def instructions(self) -> str:
        """What the board tells a client beside the tools; nothing while it cannot be reached."""
        with suppress(Away, Unknown, Refused):
            told = self._gateways.ask("server/discover", {}, seconds=GREETING_SECONDS)
            return str(told.get("instructions", ""))
        return ""

    def tools(self) -> list[Tool]:
        """The run's tools; while no gateway can be reached, those that every worker has."""
        with self._lock:
            if not self._tools:
                try:
                    told = self._gateways.ask("tools/list", {}, seconds=GREETING_SECONDS)
                except (Away, Refused):
                    return _of_every_worker()
                except Unknown:
                    return []
                self._tools = [_tool(one) for one in told.get("tools", [])]
            return self._tools

    def call(self, name: str, arguments: dict[str, Any]) -> CallResult:
        """Call one; what ends the run is kept on disk until the board has answered."""
        try:
            if name in _ENDING:
                return self._end_run(name, arguments)
            tool = next((one for one in self._tools if one.name == name), None)
            repeatable = tool is not None and (tool.read_only or tool.idempotent)
            return self._ask(name, arguments, seconds=self._patience, repeatable=repeatable)
        except BrokenOff as error:
            return CallResult(
                f"the gateway broke off ({error}), and what you asked for may still be done. Look"
                " with kanban_show before you ask again",
                is_error=True,
            )
        except Away as error:
            told = f"the board cannot be reached ({error}); nothing was done. Try again later"
            return CallResult(told, is_error=True)
        except Unknown:
            return CallResult(
                "your run is over: its token belongs to no open run. Stop here", is_error=True
            )
        except (Refused, InvalidInput, OSError) as error:
            return CallResult(str(error), is_error=True)

    def _ask(self, name: str, arguments: dict[str, Any], **how: Any) -> CallResult:
        params = {"name": name, "arguments": arguments}
        return call_result(self._gateways.ask("tools/call", params, **how))

    def _end_run(self, name: str, arguments: dict[str, Any]) -> CallResult:
        """Kept first, so that no death of this process or of a gateway can lose it."""
        named = arguments.get("artifacts")
        if not isinstance(named, list) or not all(isinstance(one, str) for one in named):
            named = []
        if named:
            arguments = {key: one for key, one in arguments.items() if key != "artifacts"}
        with ExitStack() as stack:
            opened = stack.enter_context(files.declared(named))
            place = self._keep(name, arguments, opened)
            if place is None:
                sent = files.measured(opened)
                arguments = files.uploaded(arguments, sent)
                return self._ask(
                    name, arguments, seconds=self._patience, repeatable=False, files=sent
                )
            folder, fresh = place
            if not fresh:
                courier.start(folder)
                return CallResult(_waits(name))
            with suppress(OSError):
                # The copies: the agent may go on writing to its own. They have gone where the
                # gateway of this very host has handed them in meanwhile.
                opened = stack.enter_context(files.copies(folder / self._access.name, list(opened)))
            sent = files.measured(opened)
            return self._hand_in(folder, name, files.uploaded(arguments, sent), sent)

    def _hand_in(
        self, folder: Path, name: str, arguments: dict[str, Any], sent: list[files.File]
    ) -> CallResult:
        """Hand in what is kept in ``folder``."""
        until = time.monotonic() + self._patience
        kept = False
        while True:
            try:
                result = self._gateways.hand_in(name, arguments, kept=kept, files=sent)
            except (Away, Unknown) as error:
                if isinstance(error, Unknown) and kept:
                    handovers.drop(folder, self._access.name)
                    raise
                # From now on it may be a repeat, or come after the end of its run.
                kept = True
                if isinstance(error, Unknown):
                    continue
                if time.monotonic() > until:
                    courier.start(folder)
                    return CallResult(_waits(name, f" ({error})"))
                time.sleep(0.5)
            except Refused:
                handovers.drop(folder, self._access.name)
                raise
            else:
                handovers.drop(folder, self._access.name)
                return result

    def _keep(
        self, name: str, arguments: dict[str, Any], opened: Mapping[str, int]
    ) -> tuple[Path, bool] | None:
        """The folder in which it is kept, and whether it is new; None if it can be nowhere."""
        asked = HandOver(
            verb=_ENDING[name],
            arguments=arguments,
            artifacts=list(opened),
            kept_at=int(time.time()),
            token=self._access.token,
            addresses=list(self._access.addresses),
        )
        for root in (self._access.state, default_state()):
            folder = handovers.place(root)
            with suppress(OSError):
                return folder, handovers.keep(folder, self._access.name, asked, opened)
        return None


def _waits(name: str, why: str = "") -> str:
    return (
        f"the board cannot take it now{why}: your {_ENDING[name]} is kept on this machine and"
        " will be handed in as soon as it can; your run is over, so stop here"
    )


def _of_every_worker() -> list[Tool]:
    from hermes_kanban.surfaces.mcp.board import tool_of
    from hermes_kanban.verbs import Caller, offered

    caller = Caller(kind="worker")
    return [tool_of(caller, verb) for verb in offered(caller)]


def _tool(told: dict[str, Any]) -> Tool:
    hints = told.get("annotations", {})
    return Tool(
        name=told["name"],
        description=told.get("description", ""),
        schema=told.get("inputSchema", {}),
        read_only=hints.get("readOnlyHint", False),
        destructive=hints.get("destructiveHint", True) and not hints.get("readOnlyHint", False),
        idempotent=hints.get("idempotentHint", False),
    )
