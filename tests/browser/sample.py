"""The sample board: a team of agents at work on an API, with a task in every state.

What it shows, by the names in ``Sample.tasks``: ``rotate`` runs in a worktree (third attempt, with
a thread, attachments, parents and children), ``revoke`` and ``webhook`` run, ``runners`` runs and
is quiet; ``retention`` asks a question with choices, ``publish`` lacks a right, ``restore`` was
given up, ``replica`` waits for a quota; ``sign``, ``order`` and ``runbook`` are in review;
``audit`` has a late result; ``importer`` is in triage after three blocks; ``pin`` backs off;
``scan`` is scheduled. Two weeks of finished tasks lie behind it. Who hears of it all is in
``notified.py``.
"""

from __future__ import annotations

import random
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from hermes_kanban import kernel as kb
from hermes_kanban.kernel.workspaces import branch_of
from tests.browser import sample_texts as texts
from tests.browser.notified import tell_of
from tests.browser.story import Job, Story
from tests.support.repositories import git, make_repository

SLUG: Final = "atlas-api"
DAY: Final = 24 * 60
FINISHED_A_DAY: Final = 9
_STANDS: Final = ["/bin/sh", "-c", "exec sleep 600"]
_CAPS: Final = {"backend": 2, "frontend": 2, "tester": 2, "codex-infra": 1, "docs": 1}
RUNNING: Final = 4

CONFIGURATION: Final[dict[str, Any]] = {
    # As many as run already: nothing of the sample is started.
    "kanban": {"max_in_progress": RUNNING, "max_retries": 1},
    "profiles": {
        name: {"argv": _STANDS, "description": told, "max_in_progress": _CAPS.get(name, 1)}
        for name, told in texts.PROFILES.items()
    },
}


@dataclass(frozen=True)
class Sample:
    """A sample board that was made; ``tasks`` are ids by name."""

    slug: str
    now: int
    tasks: dict[str, str]
    story: Story

    def path(self, view: str = "") -> str:
        """The address of a view on the page: ``inbox``, ``t/t_abc234``; the board by default."""
        return f"/b/{self.slug}/{view}".rstrip("/")

    def task_path(self, name: str) -> str:
        """The address of a task's own page."""
        return self.path(f"t/{self.tasks[name]}")

    def close(self) -> None:
        """End its workers."""
        self.story.close()


def make_sample(home: Path, slug: str = SLUG, now: int | None = None) -> Sample:
    """Make the board and all that it shows, as of ``now``; the home has ``CONFIGURATION``."""
    repository = _repository(home)
    # The default board comes first; it stays empty.
    kb.connect().close()
    kb.create_board(slug, name=slug, default_workdir=str(repository))
    story = Story(slug, int(time.time()) if now is None else now)
    story.begin_at(14 * DAY)
    _fortnight(story)
    _plan(story)
    _running(story)
    _waiting_for_somebody(story)
    _waiting_for_something(story)
    tell_of(story)
    story.play()
    _worktree(story, repository)
    return Sample(slug, story.now, story.tasks, story)


def _repository(home: Path) -> Path:
    """What the agents work on."""
    repository = make_repository(home / "atlas-api")
    for name, text in texts.SOURCES.items():
        file = repository / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, "utf-8")
    git(repository, "add", ".")
    git(repository, "commit", "--quiet", "-m", "Keep keys in a cache")
    return repository


def _fortnight(story: Story) -> None:
    """What was done before today; some of it in two attempts."""
    chance = random.Random(4)
    names = list(_CAPS)
    for day in range(14, 0, -1):
        for number in range(FINISHED_A_DAY - (day % 3)):
            name = f"past-{day}-{number}"
            profile = names[(day + number) % len(names)]
            filed = day * DAY - 30 - number * 55 - chance.randrange(20)
            began, minutes = filed - 3 - chance.randrange(25), 4 + chance.randrange(38)
            title = texts.FINISHED[(day * FINISHED_A_DAY + number) % len(texts.FINISHED)]
            story.task(filed, name, title, assignee=profile, tenant=_tenant(number))
            usage = (40 + chance.randrange(160), 4 + chance.randrange(14), minutes * 0.041)
            if chance.random() < 0.16:
                failed = Job(
                    profile, texts.FAILED_LOG, code=chance.choice((1, 1, 137)), usage=usage
                )
                story.job(began, began - minutes / 2, name, failed)
                began -= minutes / 2 + 2
            done = ("complete", {"summary": f"{title}: done, with a test for it."})
            story.job(began, began - minutes, name, Job(profile, texts.DONE_LOG, done, usage=usage))


def _tenant(number: int) -> str:
    return ("platform", "platform", "billing", "growth")[number % 4]


def _plan(story: Story) -> None:
    """A plan that an agent broke into tasks; its parts are at every stage."""
    story.task(
        420, "plan", "Plan: API keys v2", body=texts.PLAN, assignee="planner", priority=2,
        tenant="platform",
    )  # fmt: skip
    finish = ("complete", {"summary": "Thirteen tasks; rotation is on the longest way."})
    story.job(415, 402, "plan", Job("planner", texts.PLAN_LOG, finish, usage=(61, 9, 0.58)))
    for ago, name, title, profile, minutes in (
        (400, "threats", "Threat model for key storage", "reviewer", 21),
        (399, "hashes", "Store key hashes with Argon2id", "backend", 48),
        (398, "seed", "Seed data for staging", "tester", 12),
        (397, "copy", "Copy for the revoke dialog", "frontend", 17),
    ):
        story.task(ago, name, title, assignee=profile, after=["plan"], tenant="platform")
        done = ("complete", {"summary": f"{title}: done.", "result": texts.RESULT})
        began = ago - 30 - minutes
        job = Job(profile, texts.DONE_LOG, done, usage=(90 + minutes, 11, minutes * 0.02))
        story.job(began, began - minutes, name, job)
    story.task(
        396, "audit", "Audit log for key changes", assignee="backend", after=["plan"],
        body=texts.CHECKLIST_DONE, tenant="platform",
    )  # fmt: skip
    _late(story)
    for ago, name, title, profile, after in (
        (395, "backfill", "Backfill tenant ids on historic events", "backend", ["rotate"]),
        (394, "usage", "Usage page: a chart by day and by key", "frontend", ["backfill", "revoke"]),
        (393, "load", "Load test: 500 keys at 50 requests a second", "tester", ["backfill"]),
        (392, "guide", "Write the migration guide for API v2", "docs", ["rotate", "audit"]),
        (391, "remove", "Remove the v1 token table", "backend", ["backfill", "load", "guide"]),
        (390, "alert", "Alert on bursts of 401 after a rotation", "codex-infra", ["rotate"]),
        (389, "scopes", "Scope picker in the key dialog", "frontend", ["revoke"]),
        (388, "fuzz", "Fuzz the key parser", "tester", ["hashes", "rotate"]),
        (387, "changelog", "Changelog for API v2", "docs", ["guide", "usage", "remove", "alert"]),
    ):
        story.task(
            ago, name, title, assignee=profile, after=after, priority=1 if name == "load" else 0,
            tenant="platform",
        )  # fmt: skip


def _late(story: Story) -> None:
    """A run that is taken for dead hands its result in when another has done the work."""
    late: list[kb.Run] = []

    def begin() -> None:
        kb.claim_task(story.conn, story.tasks["audit"], ttl_seconds=240, claimer="backend@laptop")
        run = kb.latest_run(story.conn, story.tasks["audit"])
        assert run is not None
        late.append(run)

    def hand_in() -> None:
        kb.complete_task(
            story.conn,
            late[0].task_id,
            run_id=late[0].id,
            claim_lock=late[0].claim_lock,
            summary="Audit events for create, rotate and revoke, two files, tests pass.",
        )

    story.at(330, begin)
    story.at(322, lambda: kb.reclaim_task(story.conn, story.tasks["audit"], reason="went silent"))
    done = ("complete", {"summary": "Audit events are written in the same transaction."})
    story.job(318, 300, "audit", Job("backend", texts.DONE_LOG, done, usage=(77, 8, 0.43)))
    story.at(66, hand_in)


def _running(story: Story) -> None:
    # Its children in the plan name it, so it is filed with them.
    story.task(
        395.5, "rotate", "Rotate API keys without dropping requests in flight", priority=3,
        assignee="backend", body=texts.ROTATE, skills=["pytest", "redis"], workspace="worktree",
        max_runtime_seconds=3600, max_retries=2, after=["hashes", "audit"], tenant="platform",
    )  # fmt: skip
    crashed = Job("backend", texts.CRASH_LOG, code=137, usage=(88, 8, 0.48))
    story.job(172, 159, "rotate", crashed)
    blocked = ("block", {"reason": texts.GRACE_QUESTION})
    story.job(154, 149, "rotate", Job("backend", texts.ASK_LOG, blocked, usage=(40, 4, 0.21)))
    story.at(
        147, lambda: kb.add_comment(
            story.conn, story.tasks["rotate"], texts.PLANNER_SAYS.format(**story.tasks),
            actor="profile:planner",
        ),
    )  # fmt: skip
    story.at(
        26, lambda: kb.unblock_task(
            story.conn, story.tasks["rotate"], reason="Per tenant", actor="person:mara"
        ),
    )  # fmt: skip
    story.at(
        20, lambda: kb.add_comment(
            story.conn, story.tasks["rotate"], texts.MARA_SAYS, actor="person:mara"
        ),
    )  # fmt: skip
    for name, data in (("rotation.md", texts.NOTES.encode()), ("bench.csv", texts.TABLE.encode())):
        story.at(25, lambda name=name, data=data: _attach(story, "rotate", name, data))
    story.running(14.12, "rotate", Job("backend", texts.ROTATE_LOG))
    story.at(13, lambda: _say(story, "rotate", texts.BACKEND_SAYS))

    story.task(
        394.5, "revoke", "Key list: revoke at once, with undo", assignee="frontend", after=["copy"],
        tenant="platform",
    )  # fmt: skip
    story.running(6.5, "revoke", Job("frontend", texts.REVOKE_LOG), quiet=0.02)

    story.task(
        260, "webhook", "Reproduce the duplicate webhook on slow networks", assignee="tester",
        priority=2, body=texts.WEBHOOK, tenant="billing",
    )  # fmt: skip
    story.job(250, 238, "webhook", Job("tester", texts.FAILED_LOG, code=1, usage=(52, 6, 0.3)))
    story.running(31.8, "webhook", Job("tester", texts.WEBHOOK_LOG), quiet=0.13)

    story.task(190, "runners", "Move CI to short-lived runners", assignee="codex-infra")
    story.running(22.3, "runners", Job("codex-infra", texts.RUNNERS_LOG), quiet=4.2)


def _waiting_for_somebody(story: Story) -> None:
    for ago, name, title, profile, priority, log, summary in (
        (245, "sign", "Sign webhooks with secrets that rotate", "backend", 2,
         texts.DONE_LOG, texts.SIGN_SUMMARY),
        (236, "order", "Order of the keyboard in the key dialog", "frontend", 0,
         texts.DONE_LOG, "Tab goes through name, scopes, expiry, create. Esc gives focus back."),
        (230, "runbook", "Runbook: revoke a leaked key", "docs", 0,
         texts.DONE_LOG, "Seven steps, tried on staging. The fourth needs the on-call role."),
    ):  # fmt: skip
        story.task(
            ago, name, title, assignee=profile, priority=priority, body=texts.CHECKLIST,
            tenant="platform",
        )  # fmt: skip
        review = ("review", {"summary": summary})
        end = {"sign": 62, "order": 71, "runbook": 128}[name]
        story.job(end + 24, end, name, Job(profile, log, review, usage=(120, 14, 0.82)))
    story.at(40, lambda: _person_says(story, "sign", "jonas", "Does the window cover clock skew?"))

    story.task(80, "retention", "Delete expired keys after 30 or 90 days", assignee="backend",
               tenant="platform")  # fmt: skip
    asked = ("block", {"reason": texts.RETENTION_QUESTION})
    story.job(31, 18, "retention", Job("backend", texts.ASK_LOG, asked, usage=(33, 3, 0.19)))

    story.task(170, "publish", "Publish SDK 2.0", assignee="codex-infra", priority=2)
    lacks = ("block", {"reason": texts.PUBLISH_LACKS, "kind": "capability"})
    story.job(136, 130, "publish", Job("codex-infra", texts.PUBLISH_LOG, lacks, usage=(21, 2, 0.1)))

    story.task(300, "restore", "Nightly restore drill", assignee="tester", tenant="platform")
    for began in (216, 165):
        job = Job("tester", texts.RESTORE_LOG, code=1, usage=(18, 2, 0.12))
        story.job(began, began - 30, "restore", job)

    story.task(340, "importer", "Split the invoice importer into parse and post",
               assignee="planner", tenant="billing")  # fmt: skip
    for number, began in enumerate((232, 180, 90)):
        reason = texts.IMPORTER_ASKS[number]
        job = Job("planner", texts.ASK_LOG, ("block", {"reason": reason}), usage=(15, 2, 0.08))
        story.job(began, began - 8, "importer", job)
        if number < 2:
            story.at(began - 12, lambda: kb.unblock_task(story.conn, story.tasks["importer"]))


def _waiting_for_something(story: Story) -> None:
    story.task(1_560, "export", "Customers ask for a CSV export of usage", triage=True,
               tenant="growth")  # fmt: skip
    story.task(121, "limits", "Rate limits differ between docs and gateway defaults", triage=True)
    story.at(110, lambda: _person_says(story, "limits", "jonas", "The docs are right."))
    story.task(95, "pin", "Pin base images by digest", assignee="codex-infra", priority=2)
    story.job(40, 34, "pin", Job("codex-infra", texts.FAILED_LOG, code=1, usage=(12, 1, 0.05)))
    story.task(21, "idempotency", "Document idempotency keys", assignee="docs")
    story.task(6, "empty", "Empty state for the API keys page", assignee="frontend")
    story.task(
        4, "retry", "Return Retry-After on 429 responses", assignee="backend", priority=3,
        body=texts.CHECKLIST, tenant="platform",
    )  # fmt: skip
    story.task(
        3.5, "scan", "Weekly scan of dependencies", assignee="tester",
        scheduled_at=story.now + 9 * 3600,
    )  # fmt: skip
    story.task(1_600, "replica", "Switch reads to the replica", assignee="backend")
    waits = ("block", {"reason": "The provider's quota is used up until it resets.",
                       "kind": "transient", "retry_in_seconds": 2 * 3600})  # fmt: skip
    story.job(58, 52, "replica", Job("backend", texts.ASK_LOG, waits, usage=(9, 1, 0.04)))


def _attach(story: Story, name: str, file: str, data: bytes) -> None:
    kb.add_attachment(story.conn, story.tasks[name], name=file, data=data, actor="person:mara")


def _say(story: Story, name: str, text: str) -> None:
    run = kb.latest_run(story.conn, story.tasks[name])
    assert run is not None
    kb.add_comment(story.conn, run.task_id, text, run_id=run.id, claim_lock=run.claim_lock)


def _person_says(story: Story, name: str, who: str, text: str) -> None:
    kb.add_comment(story.conn, story.tasks[name], text, actor=f"person:{who}")


def _worktree(story: Story, repository: Path) -> None:
    """The worktree of ``rotate``, with what its agent has changed so far."""
    task = kb.get_task(story.conn, story.tasks["rotate"])
    place = story.conn.paths.workspaces / task.id
    place.parent.mkdir(parents=True, exist_ok=True)
    git(repository, "worktree", "add", "--quiet", "-b", branch_of(task), str(place))
    for name, text in texts.CHANGED.items():
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_text(text, "utf-8")
