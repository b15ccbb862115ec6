"""The verbs that no agent ever has: people look at boards with them, and take verbs back."""

from __future__ import annotations

from typing import Final

from hermes_kanban.verbs.hosting import HOSTING
from hermes_kanban.verbs.looking import LOOKING
from hermes_kanban.verbs.moving import MOVING
from hermes_kanban.verbs.notifying import NOTIFYING
from hermes_kanban.verbs.output import OUTPUT
from hermes_kanban.verbs.past import PAST
from hermes_kanban.verbs.standing import STANDING
from hermes_kanban.verbs.verb import Verb

PEOPLE: Final[tuple[Verb, ...]] = (
    *LOOKING,
    *MOVING,
    *OUTPUT,
    *STANDING,
    *HOSTING,
    *PAST,
    *NOTIFYING,
)
