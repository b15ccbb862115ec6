-- Schema version 4: what people look at all day is read off indexes.

-- Done is shown by completion, page by page. The status is there for SQLite, which without
-- statistics would rather search by it and sort.
CREATE INDEX tasks_by_completion ON tasks (status, completed_at, seq)
    WHERE status = 'done';
-- The runs that ended within a span of time.
CREATE INDEX task_runs_by_end ON task_runs (ended_at, started_at) WHERE ended_at IS NOT NULL;
-- Results that came too late, and what was decided about them.
CREATE INDEX task_events_late ON task_events (id)
    WHERE kind IN ('fenced', 'adopted', 'dismissed', 'undone');
