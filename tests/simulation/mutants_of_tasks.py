"""Rules of links, blocks, review, the outbox and the store, switched off one by one."""

from __future__ import annotations

from typing import Final

from tests.simulation.mutant import mutant

_GATES = "kernel/gates.py"
_FINISH = "kernel/finish.py"
_DISPATCH = "kernel/dispatch.py"
_OUTBOX = "kernel/outbox.py"
_ARCHIVE = "kernel/archive.py"
_LINKS = "kernel/links.py"
_REVIEW = "kernel/review.py"
_STORE = "store/protocol.py"
_LIFECYCLE = "lifecycle.py"

_LINKED: Final = (
    mutant(
        "promotion past open parents",
        "a child is promoted by its last open parent",
        _GATES,
        'l.parent_id <> :id AND {OPEN_PARENT})"',
        'l.parent_id <> :id AND 1 = 0)"',
    ),
    mutant(
        "no promotion",
        "completing the last open parent promotes the child",
        _GATES,
        '    _release(tx, task_id, [row["id"] for row in found if row["is_child"]])\n',
        "",
    ),
    mutant(
        "no demotion by a link",
        "an open parent demotes a ready child",
        _GATES,
        'if status == "ready" and gated:',
        "if False:",
    ),
    mutant(
        "no demotion by reopening",
        "a parent that is open again demotes its ready children",
        _ARCHIVE,
        "        gates.gate_children(tx, task_id)\n",
        "",
    ),
    mutant(
        "no promotion by unlink",
        "a child without open parents is promoted",
        _GATES,
        "    elif not gated and (\n",
        "    elif False and (\n",
    ),
    mutant(
        "cycles",
        "links form a DAG",
        _LINKS,
        "        if reaches():",
        "        if reaches() and False:",
    ),
    mutant(
        "link to the archived",
        "no link to a parent that can never be done",
        _LINKS,
        'if parent["status"] == "archived" and parent["completed_at"] is None:',
        "if False:",
    ),
    mutant(
        "priority not passed on",
        "an open ancestor inherits its descendants' priority",
        _LINKS,
        '            gates.raise_ancestors(tx, child_id, child["effective_priority"], above)',
        "            pass",
    ),
    mutant(
        "priority kept after the end",
        "an ancestor inherits from open descendants only",
        _GATES,
        '    _settle_each(tx, [row["id"] for row in found if not row["is_child"]])\n',
        "",
    ),
    mutant(
        "orphaned children wait",
        "children of a parent archived undone are blocked",
        _ARCHIVE,
        "    if undone:\n",
        "    if False:\n",
    ),
    mutant(
        "release releases nothing",
        "release lets the children go",
        _ARCHIVE,
        "    if release:\n        for child_id in found",
        "    if False:\n        for child_id in found",
    ),
    mutant(
        "tree of one",
        "a cancelled tree takes its open descendants along",
        _ARCHIVE,
        "for descendant in _open_descendants(tx, task_id) if tree else []:",
        "for descendant in list[str]():",
    ),
    mutant(
        "reopened and completed",
        "reopening clears the time of completion",
        _ARCHIVE,
        'changes={"completed_at": None, "consecutive_failures": 0, "eligible_at": None}',
        'changes={"consecutive_failures": 0, "eligible_at": None}',
    ),
    mutant(
        "waits for nothing",
        "whoever waits is linked to what it waits for",
        "kernel/waiting.py",
        "            link_tasks(conn, child, task_id, run_id=run_id, claim_lock=claim_lock)",
        "            pass",
    ),
)
_BLOCKS: Final = (
    mutant(
        "transient for ever",
        "a transient block ends when it is due",
        _DISPATCH,
        'if task and task["block_kind"] == "transient" and task["eligible_at"] <= tx.now:',
        "if False:",
    ),
    mutant(
        "dependency for ever",
        "a dependency block ends with its last open parent",
        _GATES,
        "(t.status = 'todo' OR (t.status = 'blocked' AND t.block_kind = 'dependency'))",
        "(t.status = 'todo')",
    ),
    mutant(
        "block loop",
        "the third block in a row goes to triage",
        _FINISH,
        "looping = _blocks_since_person(touches()) + 1 >= BLOCKS_BEFORE_TRIAGE",
        "looping = False",
    ),
    mutant(
        "unblocking is a word",
        "an unblock without a reason does not start the blocks anew",
        _FINISH,
        """elif by_person and (kind != "unblocked" or '"reason":' in payload):""",
        "elif by_person:",
    ),
    mutant(
        "phase forgotten",
        "an unblock returns a task to the phase it came from",
        _FINISH,
        '"blocked_from": "review" if was_review else None,',
        '"blocked_from": None,',
    ),
    mutant(
        "nobody lifts it",
        "a block says who or what lifts it",
        _FINISH,
        '        facts["lifted_by"] = LIFTED_BY[kind].format(id=task["id"])\n',
        "",
    ),
    mutant(
        "own work approved",
        "nobody reviews their own work",
        _REVIEW,
        "if own_work or profile is None or not profile.orchestrator:",
        "if profile is None or not profile.orchestrator:",
    ),
    mutant(
        "anybody approves",
        "a profile that decides must be an orchestrator",
        _REVIEW,
        "if own_work or profile is None or not profile.orchestrator:",
        "if own_work:",
    ),
    mutant(
        "approve what is blocked",
        "the lifecycle table",
        _LIFECYCLE,
        '_row("approve", "person", ("review",)',
        '_row("approve", "person", ("review", "blocked")',
    ),
    mutant(
        "key asked outside the lock",
        "one live task per idempotency key",
        "kernel/create.py",
        "        if idempotency_key is not None and (known := tx.value(_LIVE_KEY,",
        "        if False and (known := tx.value(_LIVE_KEY,",
    ),
    mutant(
        "key taken at reopening",
        "a key that has gone to another is not taken back",
        _ARCHIVE,
        "        check_key_is_free(tx, task)\n        lifecycle.apply(",
        "        lifecycle.apply(",
    ),
)
_POST: Final = (
    mutant(
        "cursor ahead of deliveries",
        "the cursor moves with what is owed, in one transaction",
        _OUTBOX,
        "for owed in found.pairs:",
        "for owed in found.pairs[:-1]:",
    ),
    mutant(
        "cursor ahead of the reading",
        "the cursor moves as far as was read",
        _OUTBOX,
        'tx.run(_MOVE_CURSORS, {"upto": found.upto})',
        'tx.run(_MOVE_CURSORS, {"upto": newest_event_id(conn)})',
    ),
    mutant(
        "marked before it is sent",
        "a delivery is marked after it was sent",
        _OUTBOX,
        "    with reading(conn):\n        return _outgoing(conn, sub_id)",
        "    if (found := _outgoing(conn, sub_id)) is not None:\n"
        "        mark_delivered(conn, found.delivery.id)\n"
        "    return found",
    ),
    mutant(
        "never given up",
        "a delivery is dead after so many attempts",
        _OUTBOX,
        "if attempts >= MAX_ATTEMPTS:",
        "if False:",
    ),
    mutant(
        "retried at once",
        "a failed attempt waits",
        _OUTBOX,
        '"next_attempt_at": due_at(options, tx.now + wait)}',
        '"next_attempt_at": tx.now}',
    ),
    mutant(
        "newest first",
        "event order per subscription",
        _OUTBOX,
        "AND d.sub_id = :sub ORDER BY d.event_id LIMIT 1",
        "AND d.sub_id = :sub ORDER BY d.event_id DESC LIMIT 1",
    ),
    mutant(
        "one holds up all",
        "a bad destination holds up no other",
        _OUTBOX,
        "ORDER BY d.next_attempt_at, d.id\n",
        "ORDER BY d.id\n",
    ),
    mutant(
        "owed after the end",
        "an ended subscription is owed nothing more",
        _OUTBOX,
        "WHERE s.id = :sub AND s.ended_at IS NULL\n",
        "WHERE s.id = :sub\n",
    ),
    mutant(
        "waiting after the end",
        "what an ended subscription waits for is given up",
        "kernel/inherit.py",
        "    tx.run(_GIVE_UP_WAITING, parameters)\n",
        "",
    ),
    mutant(
        "half a digest marked",
        "the deliveries of a digest are marked together",
        _OUTBOX,
        "        for one in members(conn, delivery):\n            if one.state in states:\n",
        "        for one in [delivery]:\n            if one.state in states:\n",
    ),
    mutant(
        "told twice at one place",
        "what one subscription has told the others there pass over",
        _OUTBOX,
        "    pass_told(conn, sub_id)\n",
        "",
    ),
    mutant(
        "asleep after the message",
        "an agent is woken whatever becomes of the message",
        "kernel/waking.py",
        '_WAITS: Final = "d.wake_at IS NOT NULL"',
        "_WAITS: Final = \"d.state = 'waiting' AND d.wake_at IS NOT NULL\"",
    ),
    mutant(
        "an heir out of the tree",
        "what leaves a tree hears no more of it",
        "kernel/links.py",
        "        follow(tx, [child_id, parent_id])\n",
        "",
    ),
    mutant(
        "a created child unheard of",
        "a new task gets the subscriptions that its parents hand down",
        "kernel/create.py",
        "    inherit_from_run(tx, task_id, parents, by.run_id, handed)\n",
        "",
    ),
    mutant(
        "a linked child unheard of",
        "a task gets the subscriptions of what it is linked below",
        "kernel/links.py",
        "        inherit(tx, [child_id], [parent_id], handed)\n",
        "",
    ),
    mutant(
        "decided twice",
        "the first who decides a question decides it",
        "kernel/decisions.py",
        "    if question is None:\n        return\n    if",
        "    if True:\n        return\n    if",
    ),
    mutant(
        "deaf to the assignee",
        "a filter asks who had the task when it happened",
        "kernel/matching.py",
        "if not (self._is_in_scope(seen) and self._wants_kind(seen) and self._is_of_people(seen)):",
        "if not (self._is_in_scope(seen) and self._wants_kind(seen)):",
    ),
)
_RECORDS: Final = (
    mutant(
        "payload without a column",
        "events name every column that changed",
        _LIFECYCLE,
        "return {c: v for c, v in changed.items() if c not in UNFOLDED_TASK_COLUMNS}",
        "return {c: v for c, v in changed.items()"
        ' if c not in UNFOLDED_TASK_COLUMNS and c != "eligible_at"}',
    ),
    mutant(
        "times fall",
        "a task's times never fall, whatever the clock does",
        _LIFECYCLE,
        "    return max(tx.now, newest)",
        "    return tx.now",
    ),
    mutant(
        "savepoint kept",
        "a verb that raises in a batch undoes itself",
        _STORE,
        '            outer.run(f"ROLLBACK TO {name}")\n',
        "",
    ),
    mutant(
        "commit on error",
        "a verb that raises has changed nothing",
        _STORE,
        "            conn.roll_back()\n            raise conn.translated(error) from error",
        "            conn.commit_write(0)\n            raise conn.translated(error) from error",
    ),
    mutant(
        "no rollback",
        "a verb that raises leaves no transaction open",
        _STORE,
        "            conn.roll_back()\n            raise conn.translated(error) from error",
        "            raise conn.translated(error) from error",
    ),
    mutant(
        "no commit",
        "a verb that returned is there",
        _STORE,
        "            conn.commit_write(transaction.events)\n",
        "            conn.roll_back()\n",
    ),
)

OF_TASKS: Final = (*_LINKED, *_BLOCKS, *_POST, *_RECORDS)
