"""Records, vocabularies and errors: what the board is made of, without any input or output."""

from hermes_kanban.model.errors import (
    BoardBusy,
    BoardDamaged,
    BoardTooNew,
    ConfigError,
    DiskFull,
    IllegalTransition,
    InvalidInput,
    KanbanError,
    NotFound,
)
from hermes_kanban.model.records import (
    Board,
    Comment,
    Delivery,
    Event,
    Hold,
    Identity,
    Link,
    Refused,
    Run,
    Subscription,
    Task,
)

__all__ = [
    "Board",
    "BoardBusy",
    "BoardDamaged",
    "BoardTooNew",
    "Comment",
    "ConfigError",
    "Delivery",
    "DiskFull",
    "Event",
    "Hold",
    "Identity",
    "IllegalTransition",
    "InvalidInput",
    "KanbanError",
    "Link",
    "NotFound",
    "Refused",
    "Run",
    "Subscription",
    "Task",
]
