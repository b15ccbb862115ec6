"""Every verb once: what it takes, what it answers, who may call it.

    from hermes_kanban.verbs import VERBS, person, perform

    answer = perform(conn, person(), VERBS["comment"], {"task_id": "t_abc234", "body": "Seen."})

Tools, REST routes, slash help and the reference are generated from ``VERBS``; a test holds the
command line against it. A surface decodes, calls ``perform`` and shows; it has no rule of its own.
"""

from hermes_kanban.verbs.caller import Caller, Rights, orchestrator, person, worker
from hermes_kanban.verbs.perform import Answer, perform
from hermes_kanban.verbs.schema import request_schema
from hermes_kanban.verbs.table import VERBS, needless, offered
from hermes_kanban.verbs.verb import Call, Changed, Verb

__all__ = [
    "VERBS",
    "Answer",
    "Call",
    "Caller",
    "Changed",
    "Rights",
    "Verb",
    "needless",
    "offered",
    "orchestrator",
    "perform",
    "person",
    "request_schema",
    "worker",
]
