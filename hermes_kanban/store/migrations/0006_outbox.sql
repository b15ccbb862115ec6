-- Schema version 6: what is dead can be put aside, an event is told once at a destination, and an
-- agent is woken whatever became of the message.

-- When a person, or the end of its subscription, gave it up; it is dead then, and nobody has to look.
ALTER TABLE deliveries ADD COLUMN dropped_at INTEGER;

DROP INDEX deliveries_dead_by_id;
CREATE INDEX deliveries_dead_by_id ON deliveries (id)
    WHERE state = 'dead' AND dropped_at IS NULL;
CREATE INDEX deliveries_by_event ON deliveries (event_id);
DROP INDEX deliveries_to_wake;
CREATE INDEX deliveries_to_wake ON deliveries (wake_at, id) WHERE wake_at IS NOT NULL;

-- What was dropped before is told from the rest by its reason alone.
UPDATE deliveries SET dropped_at = coalesce(
        (SELECT e.created_at FROM task_events e WHERE e.id = event_id), 0)
    WHERE state = 'dead' AND reason IN ('dropped by a person', 'its subscription ended');
UPDATE deliveries SET wake_at = NULL WHERE state <> 'waiting';
