"""Rules of claims, leases, fencing, failures and stops, switched off one by one."""

from __future__ import annotations

from typing import Final

from tests.simulation.mutant import Edit, mutant

_CLAIM = "kernel/claim.py"
_FINISH = "kernel/finish.py"
_RECOVER = "kernel/recover.py"
_DISPATCH = "kernel/dispatch.py"
_ARCHIVE = "kernel/archive.py"
_FENCING = "kernel/fencing.py"
_RETRIES = "kernel/retries.py"
_REVIEW = "kernel/review.py"
_LIFECYCLE = "lifecycle.py"
_CLOCKS = "kernel/clocks.py"

_DEMOTES = Edit("kernel/gates.py", 'if status == "ready" and gated:', "if False:")

_CLAIMS: Final = (
    mutant(
        "claim without compare-and-swap",
        "a claim looks at the status again under the lock",
        _CLAIM,
        'if task["status"] != "ready":\n        return f',
        "if False:\n        return f",
    ),
    mutant(
        "claim behind parents",
        "the parent gate is checked again at claim (links do not demote here)",
        _CLAIM,
        'if row["open_parent"]:\n        return "a parent is open"',
        'if False:\n        return "a parent is open"',
        _DEMOTES,
        tolerates="is ready behind",
    ),
    mutant(
        "claim with a live process",
        "no claim while an earlier process may live",
        _CLAIM,
        'if row["live_process"]:',
        "if False:",
    ),
    mutant(
        "claim of a used folder",
        "no claim while a process of another task uses the folder",
        _CLAIM,
        "        if used_by:",
        "        if False:",
    ),
    mutant(
        "claim on a paused board",
        "nothing new starts on a paused board",
        _CLAIM,
        'if row["paused_at"] is not None:',
        "if False:",
    ),
    mutant(
        "caps outside the transaction",
        "caps are counted in the claim's transaction",
        _DISPATCH,
        "if held := eligibility.holds(exact, task):",
        "if held := list[eligibility.Hold]():",
    ),
    mutant(
        "claim of what is gone",
        "a claim whose task was purged meanwhile leaves nothing behind",
        _CLAIM,
        "                raise fencing.unknown_task(task_id)\n"
        "            task, hold = found\n"
        "            if hold is not None:\n"
        "                return None\n"
        "            claim_in(tx, task, claimer=claimer, ttl_seconds=ttl, identity=identity)\n"
        "        return claimed(conn, task)\n",
        "                pass\n"
        "            elif found[1] is not None:\n"
        "                return None\n"
        "            else:\n"
        "                task, _ = found\n"
        "                claim_in(tx, task, claimer=claimer, ttl_seconds=ttl, identity=identity)\n"
        "                return as_task(task)\n",
    ),
    mutant(
        "claim keeps its back-off",
        "a claim ends the wait",
        _LIFECYCLE,
        '        "last_heartbeat_at": tx.now,\n        "eligible_at": None,\n',
        '        "last_heartbeat_at": tx.now,\n',
    ),
    mutant(
        "registration without compare-and-swap",
        "a process is registered on an open run that nobody asked to stop",
        _CLAIM,
        "WHERE id = :run AND ended_at IS NULL AND worker_pid IS NULL AND stop_requested_at IS NULL",
        "WHERE id = :run",
    ),
    mutant(
        "go before the commit",
        "no agent runs unrecorded",
        _DISPATCH,
        "    if claim.register_worker(\n",
        "    if supervisor is not None:\n        supervisor.go()\n    if claim.register_worker(\n",
    ),
    mutant(
        "no abandon",
        "a supervisor that was not registered is let go",
        _DISPATCH,
        "        supervisor.abandon()",
        "        pass",
    ),
    mutant(
        "failed spawn stays open",
        "a run whose process could not be started is closed",
        _DISPATCH,
        'finish.fail_in(tx, task, "fail_to_spawn", reason)',
        "pass",
    ),
)
_LEASES: Final = (
    mutant(
        "heartbeat renews nothing",
        "a heartbeat moves the lease",
        _CLAIM,
        "        renew(tx, [(task_id, run_id)], ttl)\n",
        "",
    ),
    mutant(
        "lease not mirrored",
        "the task's claim columns are those of its open run",
        _CLAIM,
        '"UPDATE tasks SET claim_expires = :expires, last_heartbeat_at = :now"',
        '"UPDATE tasks SET last_heartbeat_at = :now"',
    ),
    mutant(
        "no renewals",
        "the gateway renews the leases of live local runs",
        _RECOVER,
        "    if not alive:\n        return 0\n    with write",
        "    if True:\n        return 0\n    with write",
    ),
    mutant(
        "lease judges live workers",
        "a local worker whose process lives is never judged by its lease",
        _RECOVER,
        "        if not run.registered:\n            done = _reclaim",
        "        if True:\n            done = _reclaim",
    ),
    mutant(
        "no margin elsewhere",
        "another host's worker is given a margin after its lease",
        _RECOVER,
        "gone_at >= now",
        "expires >= now",
    ),
    mutant(
        "renewed lease reclaimed",
        "a lease that was renewed meanwhile is not reclaimed",
        _RECOVER,
        'if task["claim_expires"] is not None and task["claim_expires"] >= expired_at:',
        "if False:",
    ),
    mutant(
        "old looks judge",
        "what was registered meanwhile is not judged by its lease",
        _RECOVER,
        'if task["worker_pid"] is not None and not run.registered:',
        "if False:",
    ),
    mutant(
        "stale claims stay",
        "an open run without a process ends with its lease",
        _RECOVER,
        "        if expires >= now:",
        "        if expires >= now or not run.registered:",
    ),
    mutant(
        "orphans stay",
        "what a dead dispatcher claimed and never started is reclaimed at once",
        _RECOVER,
        'if processes.liveness(by) == "dead" and _close_orphan(conn, run):',
        "if False:",
    ),
    mutant(
        "orphans of the living",
        "only a dead dispatcher's claims are orphans",
        _RECOVER,
        'if processes.liveness(by) == "dead" and _close_orphan(conn, run):',
        "if _close_orphan(conn, run):",
    ),
    mutant(
        "unstarted claims stay",
        "what a look claimed and could not start is taken back by the next",
        _RECOVER,
        "return [run.id for run in mine if _close_orphan(conn, run)]",
        "return []",
    ),
    mutant(
        "clock jump ends leases",
        "a clock that is set moves each lease of before by the jump",
        _CLOCKS,
        "jumped = jump if _is_of_before(run, jump, tx.now) else 0",
        "jumped = 0",
    ),
    mutant(
        "clock jump moves newer leases",
        "a lease that was written since the clock was set stays",
        _CLOCKS,
        "jumped = jump if _is_of_before(run, jump, tx.now) else 0",
        "jumped = jump",
    ),
    mutant(
        "clock jump frees tasks",
        "a clock that is set moves back-offs by the jump",
        _CLOCKS,
        '{"eligible_at": task["eligible_at"] + jump}',
        '{"eligible_at": task["eligible_at"]}',
    ),
)
_FENCES: Final = (
    mutant(
        "any run may write",
        "a worker's write names the current run",
        _FENCING,
        'if task["current_run_id"] == run_id and claim_lock in (None, task["claim_lock"]):',
        'if task["current_run_id"] and claim_lock in (None, task["claim_lock"]):',
    ),
    mutant(
        "any lock will do",
        "a worker's write names the claim's lock",
        _FENCING,
        'if task["current_run_id"] == run_id and claim_lock in (None, task["claim_lock"]):',
        'if task["current_run_id"] == run_id:',
    ),
    mutant(
        "fenced again and again",
        "one fenced event for each run and verb",
        _FENCING,
        'if any(msgspec.json.decode(row[0]).get("verb") == verb for row in seen):',
        "if False:",
    ),
    mutant(
        "late work thrown away",
        "a refused result stays with its event",
        _FENCING,
        '{"verb": verb, "reason": reason} | kept',
        '{"verb": verb, "reason": reason}',
    ),
    mutant(
        "ended runs still write",
        "comments and links of a run are written while it is open",
        _FENCING,
        'if row["ended_at"] is not None or claim_lock not in',
        "if claim_lock not in",
    ),
    mutant(
        "adopt anything",
        "only what a run had finished is adopted",
        _ARCHIVE,
        'if kept.get("verb") in ("complete", "request_review"):',
        "if True:",
    ),
)
_FAILURES: Final = (
    mutant(
        "failures uncounted",
        "each failure counts once",
        _FINISH,
        'failures = task["consecutive_failures"] + 1',
        'failures = task["consecutive_failures"]',
    ),
    mutant(
        "breaker never opens",
        "above max_retries the task is blocked",
        _FINISH,
        "if failures <= retries_allowed:",
        "if True:",
    ),
    mutant(
        "breaker a failure early",
        "max_retries failures are forgiven",
        _FINISH,
        "if failures <= retries_allowed:",
        "if failures < retries_allowed:",
    ),
    mutant(
        "no max_runs",
        "nothing cycles for ever",
        _FINISH,
        "spent = retries.runs_since_person(tx, task) >= tx.conn.config.kanban.max_runs",
        "spent = False",
    ),
    mutant(
        "anything is a touch",
        "only people start the count of runs anew",
        _RETRIES,
        "e.actor LIKE 'person:%' AND e.kind",
        "e.kind",
    ),
    mutant(
        "no back-off",
        "a retry waits",
        _FINISH,
        '        changes["eligible_at"] = tx.now + retries.backoff_seconds(tx, failures)\n',
        "",
    ),
    mutant(
        "back-off stays short",
        "the back-off doubles",
        _RETRIES,
        "(1 << min(failures - 1, 30))",
        "1",
    ),
    mutant(
        "rate limit counted",
        "a rate limit is no failure",
        _FINISH,
        '{"eligible_at": due}, {"error": error}',
        '{"eligible_at": due, "consecutive_failures": task["consecutive_failures"] + 1},'
        ' {"error": error}',
    ),
    mutant(
        "rate limit stays short",
        "rate limits in a row wait longer",
        _RETRIES,
        "in_a_row += 1",
        "in_a_row += 0",
    ),
    mutant(
        "success resets nothing",
        "success starts the failures anew",
        _FINISH,
        '        "completed_at": lifecycle.moment(tx, task),\n        "consecutive_failures": 0,\n',
        '        "completed_at": lifecycle.moment(tx, task),\n',
    ),
    mutant(
        "review resets nothing",
        "a request for review starts the failures anew",
        _REVIEW,
        'changes: dict[str, Any] = {"consecutive_failures": 0}',
        "changes: dict[str, Any] = {}",
    ),
    mutant(
        "never started counts as crash",
        "what was never started is reclaimed, uncounted",
        _RECOVER,
        "    elif record.never_started:",
        "    elif False:",
    ),
    mutant(
        "exit 75 is a crash",
        "exit 75 means try again later",
        _RECOVER,
        "record.exit_code == EX_TEMPFAIL or",
        "record.exit_code == -1 or",
    ),
    mutant(
        "exit 0 always violates",
        "a profile may say that exit 0 completes",
        _RECOVER,
        'if record.on_exit_zero == "complete":',
        "if False:",
    ),
)
_STOPS: Final = (
    mutant(
        "no stop after completion",
        "a person's verb leaves a stop intention",
        _FINISH,
        "        if by_person and has_process:\n"
        "            request_stop(tx, task, run_id, outcome, actor)",
        "        if False:\n            request_stop(tx, task, run_id, outcome, actor)",
    ),
    mutant(
        "no stop after cancel",
        "a cancelled run's process is asked to stop",
        _ARCHIVE,
        '        finish.request_stop(tx, task, run_id, "cancelled", actor)\n',
        "",
    ),
    mutant(
        "exited unconfirmed",
        "exited_at is written once the whole tree is confirmed gone",
        _RECOVER,
        "run.worker(conn), conn.config.kanban.stop_grace_seconds\n        ):",
        "run.worker(conn), conn.config.kanban.stop_grace_seconds\n        ) in (True, False):",
    ),
    mutant(
        "living workers are crashed",
        "only a dead supervisor is lost; a worker is stopped by intention alone",
        _RECOVER,
        'if processes.liveness(identity) != "dead":',
        'if processes.liveness(identity) == "elsewhere":',
    ),
    mutant(
        "record settled before the commit",
        "the exit record goes after the commit",
        _RECOVER,
        '    with write(conn, "import-exit") as tx:',
        '    processes.settle(run.worker(conn))\n    with write(conn, "import-exit") as tx:',
    ),
    mutant(
        "records stay",
        "exit records are imported",
        _RECOVER,
        "            run.registered\n            and (record :=",
        "            run.open and run.registered\n            and (record :=",
    ),
    mutant(
        "no max runtime",
        "a run without a process here ends at its max runtime",
        _RECOVER,
        "acted = now > run.started_at + limit and _time_out(conn, run)",
        "acted = False",
    ),
    mutant(
        "linger for ever",
        "a worker that has finished is asked to go",
        _RECOVER,
        '    _ask_to_stop(conn, run, "linger")',
        "    return",
    ),
)

OF_RUNS: Final = (*_CLAIMS, *_LEASES, *_FENCES, *_FAILURES, *_STOPS)
