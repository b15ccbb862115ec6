"""What must hold after all that was done to the hosts; the judge reads rows, traces and tails."""

from __future__ import annotations

from collections import Counter
from typing import Any, Final

from tests.hosts.building import Host
from tests.hosts.team import GPU, HAVE_GPU, TAILS, Member, Team, decoded
from tests.support.waiting import wait_until

# A thawed host runs on at once; its supervisors must be given the processor before they can see
# that their leases have passed, and end their trees. What is told meanwhile is fenced.
THAW_SECONDS: Final = 3.0
# What an agent is told whose result waits on its host for the database.
KEPT: Final = "is kept on this host"


def judge(team: Team) -> Counter[str]:
    """Assert all of it; return figures."""
    figures: Counter[str] = Counter()
    lives = {path.name: decoded(path) for path in team.traces()}
    assert [member.words_at_end() for member in team.members if member.ends] == []
    assert live_twice(team, lives, figures) == []
    assert misplaced(lives, figures) == []
    assert lost_completions(team, lives, figures) == []
    assert ends_that_are_wrong(team, figures) == []
    wait_until(lambda: hosts_that_are_away(team) == [], message="a host stays away", pause=0.2)
    assert tails_that_missed(team, figures) == []
    assert messages_that_are_missing(team, figures) == []
    for words in (("check", "--deep"), ("replay", "--verify")):
        done = team.members[0].ask(*words)
        assert done.returncode == 0, done.stdout + done.stderr
    return figures


def live_twice(
    team: Team, lives: dict[str, list[dict[str, Any]]], figures: Counter[str]
) -> list[str]:
    """Workers that met an earlier one of their task alive, where its host did not stand still."""
    found = []
    homes = {line["run"]: line["host"] for life in lives.values() for line in life[:1]}
    hosts = {member.name: member.host for member in team.members}
    for name, life in lives.items():
        for met in (line for line in life if line["word"] == "met"):
            earlier = hosts[homes[met["run"]]]
            if stood_still(earlier, met["at"]):
                figures["met frozen"] += 1
                afterlife(team, name, met, lives, earlier, figures)
            else:
                found.append(f"{name} met {met['run']} of {earlier.name} alive at {met['at']}")
    figures["agents"] = len(lives)
    return found


def stood_still(host: Host, at: float) -> bool:
    """Whether the host was frozen then, or had only just been thawed."""
    return any(began <= at <= ended + THAW_SECONDS for began, ended in host.frozen)


def afterlife(
    team: Team,
    name: str,
    met: dict[str, Any],
    lives: dict[str, list[dict[str, Any]]],
    earlier: Host,
    figures: Counter[str],
) -> None:
    """How long the frozen one, of which a successor lives, went on once it was thawed."""
    del team
    before = lives[f"{name.rpartition('.')[0]}.{met['run']}"][-1]["at"]
    thawed = max((ended for _, ended in earlier.frozen if ended <= before), default=before)
    lasted = before - thawed if before > met["at"] else 0.0
    figures["afterlife ms"] = max(figures["afterlife ms"], round(lasted * 1000))
    assert lasted <= THAW_SECONDS, f"{name}: run {met['run']} lived on for {lasted:.1f} s"


def misplaced(lives: dict[str, list[dict[str, Any]]], figures: Counter[str]) -> list[str]:
    """Agents on hosts that lack what their profile requires."""
    began = [life[0] for life in lives.values() if life and life[0]["profile"] == GPU]
    figures["placed"] = len(began)
    return [f"{line['run']} on {line['host']}" for line in began if line["host"] not in HAVE_GPU]


def lost_completions(
    team: Team, lives: dict[str, list[dict[str, Any]]], figures: Counter[str]
) -> list[str]:
    """Results that an agent was told are taken, or kept, and that the board does not have.

    What was kept while the database was away may come too late: then it is with its task, fenced.
    """
    rows = team.ask_database("SELECT id, outcome, summary FROM task_runs")
    runs = {run: (outcome, summary) for run, outcome, summary in rows}
    events = "SELECT run_id, payload FROM task_events WHERE kind = 'fenced'"
    fenced: dict[int, str] = dict(team.ask_database(events))
    found = []
    for name, life in lives.items():
        run = int(name.rpartition(".")[2])
        summary = f"by run {run}"
        told = [line for line in life if line["word"] == "told"]
        figures["answers"] += len(told)
        taken = [line["said"] for line in told if line["accepted"]]
        if not taken:
            continue
        kept = KEPT in taken[-1]
        figures["kept" if kept else "accepted"] += 1
        if runs.get(run) == ("completed", summary):
            continue
        if kept and summary in fenced.get(run, ""):
            figures["kept, then fenced"] += 1
            continue
        found.append(f"{name} was told {taken[-1]!r}, and has {runs.get(run)}")
    return found


def ends_that_are_wrong(team: Team, figures: Counter[str]) -> list[str]:
    """Tasks that are not done by exactly one run, and runs whose end nobody knows."""
    wrong = team.ask_database(
        "SELECT t.id, t.status, count(r.id) FROM tasks t"
        " LEFT JOIN task_runs r ON r.task_id = t.id AND r.outcome = 'completed'"
        " GROUP BY t.id, t.status HAVING t.status <> 'done' OR count(r.id) <> 1"
    )
    wrong += team.ask_database(
        "SELECT id, task_id, outcome FROM task_runs"
        " WHERE ended_at IS NULL OR worker_pid IS NOT NULL AND exited_at IS NULL"
    )
    outcomes = team.ask_database(
        "SELECT coalesce(outcome, 'open'), count(*) FROM task_runs GROUP BY 1"
    )
    figures.update({f"runs {outcome}": count for outcome, count in outcomes})
    figures["tasks"] = int(team.ask_database("SELECT count(*) FROM tasks")[0][0])
    return [str(row) for row in wrong]


def hosts_that_are_away(team: Team) -> list[str]:
    """Those of which the board does not know that they are back."""
    away = "SELECT name FROM hosts WHERE lost_at IS NOT NULL OR gateway_pid IS NULL"
    known = [name for (name,) in team.ask_database("SELECT name FROM hosts")]
    lacking = {member.name for member in team.members} - set(known)
    return [name for (name,) in team.ask_database(away)] + sorted(lacking)


def tails_that_missed(team: Team, figures: Counter[str]) -> list[str]:
    """Tails that did not tell every event once and in order; they are given time to catch up."""
    found = []
    for member in team.members:
        for how in TAILS:
            reached = caught_up(team, member, how)
            told = member.told(how)
            expected = [
                row[0] for row in team.ask_database("SELECT id FROM task_events ORDER BY id")
            ]
            if told != expected[: len(told)] or len(told) < reached:
                odd = [pair for pair in zip(told, expected, strict=False) if pair[0] != pair[1]][:3]
                found.append(f"{how} on {member.name}: told, expected {odd}")
            figures["events told"] += len(told)
    figures["events"] = int(team.ask_database("SELECT count(*) FROM task_events")[0][0])
    return found


def caught_up(team: Team, member: Member, how: str) -> int:
    """How many events the tail told, once it is there; else what it and its gateway say."""
    try:
        return wait_until(lambda: _reached(team, member.told(how)), pause=0.1)
    except AssertionError:
        words = f"the tail by {how} on {member.name} does not catch up: {member.told(how)[-1:]}"
        said = f"it says: {member.words_of_tail(how)}\nits gateway: {member.errors()}"
        raise AssertionError(f"{words}\n{said}") from None


def messages_that_are_missing(team: Team, figures: Counter[str]) -> list[str]:
    """Completions of which nobody was told; they are given time to be sent."""
    owed = (
        "SELECT count(*) FROM task_events e LEFT JOIN deliveries d ON d.event_id = e.id"
        " WHERE e.kind = 'completed' AND (d.id IS NULL OR d.state <> 'delivered')"
    )
    wait_until(
        lambda: team.ask_database(owed)[0][0] == 0,
        timeout=120,
        message=f"not delivered: {team.ask_database(owed)}",
        pause=0.2,
    )
    keys = [line["dedup_key"] for line in decoded(team.messages)]
    figures["messages"] = len(keys)
    figures["messages again"] = len(keys) - len(set(keys))
    due = team.ask_database("SELECT event_id, dedup_key FROM deliveries")
    return [str(event) for event, key in due if key not in set(keys)]


def _reached(team: Team, told: list[int]) -> int:
    """How many were told, once the newest event of now is among them."""
    newest = team.ask_database("SELECT max(id) FROM task_events")[0][0]
    return len(told) if told and told[-1] >= newest else 0
