"""Who calls a verb: a person, the worker of a run, or an orchestrating profile without a run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, Literal

import msgspec

from hermes_kanban.config import Profile

if TYPE_CHECKING:
    from hermes_kanban.kernel.fencing import Kept

Kind = Literal["person", "worker", "orchestrator"]
WITH_MAY_ASSIGN: Final = frozenset({"create", "link"})


class Rights(msgspec.Struct, frozen=True, kw_only=True):
    """What a profile's workers may do beyond their own task.

    ``tools`` are the verbs that the profile's ``tools`` key adds; an orchestrator has them all.
    """

    orchestrator: bool = False
    may_assign: tuple[str, ...] = ()
    tools: frozenset[str] = frozenset()

    @staticmethod
    def of(profile: Profile | None) -> Rights:
        """The rights of a profile; an unknown one has none."""
        if profile is None:
            return Rights()
        tools: frozenset[str] = frozenset(profile.tools)
        if profile.may_assign:
            tools |= WITH_MAY_ASSIGN
        return Rights(orchestrator=profile.orchestrator, may_assign=profile.may_assign, tools=tools)


class Caller(msgspec.Struct, frozen=True, kw_only=True):
    """Who calls.

    A worker has ``task_id``, ``run_id`` and ``claim_lock``, and signs as its run. ``read_only``
    says why this process may change nothing, None if it may. ``remote``: it is not at a terminal
    of this host, and reaches no more of it than the board. ``kept``: what it hands in waited while
    the board could not be reached. ``elsewhere`` is the name of the host on which its run is, where
    another host's gateway serves it.
    """

    kind: Kind
    actor: str | None = None
    task_id: str | None = None
    run_id: int | None = None
    claim_lock: str | None = None
    profile: str | None = None
    rights: Rights = Rights()
    read_only: str | None = None
    remote: bool = False
    kept: Kept | None = None
    elsewhere: str | None = None

    @property
    def runs(self) -> dict[str, Any]:
        """The arguments by which a kernel verb knows the run; none for who has no run."""
        if self.run_id is None:
            return {}
        return {"run_id": self.run_id, "claim_lock": self.claim_lock}

    @property
    def signs(self) -> dict[str, Any]:
        """The arguments by which a kernel verb knows the author of what it writes."""
        return self.runs or {"actor": self.actor}


def person(actor: str | None = None, *, remote: bool = False) -> Caller:
    """A person, by default the one who is logged in."""
    return Caller(kind="person", actor=actor, remote=remote)


def worker(
    task_id: str,
    run_id: int,
    claim_lock: str | None,
    *,
    profile: str | None,
    profiles: Mapping[str, Profile],
    read_only: str | None = None,
    kept: Kept | None = None,
    elsewhere: str | None = None,
) -> Caller:
    """The worker of a run, with the rights of its profile."""
    return Caller(
        kind="worker",
        actor=f"profile:{profile}" if profile else None,
        task_id=task_id,
        run_id=run_id,
        claim_lock=claim_lock,
        profile=profile,
        rights=Rights.of(profiles.get(profile or "")),
        read_only=read_only,
        kept=kept,
        elsewhere=elsewhere,
    )


def orchestrator(profile: str, profiles: Mapping[str, Profile]) -> Caller | None:
    """A session of an orchestrating profile without a run; None if the profile is not one."""
    rights = Rights.of(profiles.get(profile))
    if not rights.orchestrator:
        return None
    return Caller(kind="orchestrator", actor=f"profile:{profile}", profile=profile, rights=rights)
