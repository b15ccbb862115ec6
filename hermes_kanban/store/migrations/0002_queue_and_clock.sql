-- Schema version 2: a look passes over what is not due without reading its row, and the board
-- remembers how the wall clock stood to the boot clock.

DROP INDEX tasks_queue;
CREATE INDEX tasks_queue
    ON tasks (assignee, tenant, effective_priority DESC, seq, eligible_at, scheduled_at)
    WHERE status = 'ready';

-- The boot that the offset belongs to, wall clock minus boot clock, and seconds slept since then.
ALTER TABLE boards ADD COLUMN clock_boot TEXT;
ALTER TABLE boards ADD COLUMN clock_offset INTEGER;
ALTER TABLE boards ADD COLUMN clock_suspended INTEGER;
